//! Runs the simulator alone: `cargo run -p wechatpay-sim --example simulator -- 127.0.0.1:8090`.

use std::io::Write;

use wechatpay_sim::{SimConfig, Simulator};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listen = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let state_file = std::env::args().nth(2).map(Into::into);
    let config = SimConfig {
        listen: listen.parse()?,
        state_file,
        ..SimConfig::default()
    };
    let simulator = Simulator::start(config).await?;
    writeln!(std::io::stdout(), "{}", simulator.base_url())?;
    tokio::signal::ctrl_c().await?;
    simulator.shutdown().await;
    Ok(())
}
