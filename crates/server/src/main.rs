//! The program `tributary`: one line on standard error and exit code 1 when it cannot do what it was asked.

use std::process::ExitCode;

use clap::Parser;
use tributary_server::cli::Cli;
use tributary_server::{commands, console};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            console::complain(format!("tributary: {}", console::chain(&error)));
            ExitCode::FAILURE
        }
    }
}
