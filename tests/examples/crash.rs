//! Lets the real server end at every named line: `crash [--database sqlite|postgres] [--points Name,Name]`. Prints what was
//! lost, doubled and stuck; exit code 1 when anything was.

#![expect(clippy::print_stdout, reason = "a program that prints what it counted")]

use std::process::ExitCode;

use futures::StreamExt as _;
use tributary_domain::rehearsal::CrashPoint;
use tributary_tests::Backend;
use tributary_tests::kill::crash;

/// Most of a run waits for leases to end.
const AT_ONCE: usize = 6;

fn main() -> ExitCode {
    let Some((backend, points)) = read_arguments() else {
        println!("usage: crash [--database sqlite|postgres] [--points Name,Name]");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("crash: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{:24} {:9} {:>5} {:>8} {:>6}",
        "ends at", "database", "lost", "doubled", "stuck"
    );
    let clean = runtime.block_on(async {
        let runs = points
            .into_iter()
            .map(|point| async move { (point, crash::run(&[point], backend).await) });
        let mut runs = futures::stream::iter(runs).buffered(AT_ONCE);
        let mut clean = true;
        while let Some((point, found)) = runs.next().await {
            let (name, stuck) = (format!("{point:?}"), found.violations.len());
            let note = if found.unreached.is_empty() {
                ""
            } else {
                "  NEVER REACHED"
            };
            println!(
                "{name:24} {:9} {:5} {:8} {stuck:6}{note}",
                format!("{backend:?}"),
                found.lost,
                found.doubled
            );
            for (invariant, what) in &found.violations {
                println!("    {invariant}: {what}");
            }
            clean &= found.is_clean();
        }
        clean
    });
    if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read_arguments() -> Option<(Backend, Vec<CrashPoint>)> {
    let (mut backend, mut points) = (Backend::Sqlite, CrashPoint::ALL.to_vec());
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match (name.as_str(), value.as_str()) {
            ("--database", "sqlite") => backend = Backend::Sqlite,
            ("--database", "postgres") => backend = Backend::Postgres,
            ("--points", wanted) => points.retain(|point| {
                let name = format!("{point:?}");
                wanted.split(',').any(|one| one == name)
            }),
            _ => return None,
        }
    }
    (!points.is_empty()).then_some((backend, points))
}
