//! What staff find at the first start: some days of a provider's business, made by the operations themselves.
//!
//! The past is played before anybody may call: a platform and a simulated WeChat Pay of their own under a clock that
//! is moved from hour to hour, in a folder that is taken over whole or not at all. Nothing is written beside the
//! operations and the simulator's control.

mod cast;
mod days;
mod people;
pub(super) mod shops;
mod stage;
mod trouble;

use std::time::Instant;

use anyhow::Context;
use tributary_domain::clock::{Clock, SystemClock};

use super::facts::DataDir;
use crate::listener::{BRIEF_DRAIN, Bound};
use crate::shutdown::Shutdown;
use stage::{Made, Stage};

pub(super) use stage::Places;

/// Makes the past of a folder that has none yet; the receiver comes back on its address.
pub(super) async fn make(
    data: &DataDir,
    places: &Places,
    receiver: Bound,
) -> anyhow::Result<(Bound, String)> {
    let started = Instant::now();
    let address = receiver.address;
    let stop = Shutdown::default();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move {
            receiver
                .serve("shops of the demo", shops::routes(), &stop, BRIEF_DRAIN)
                .await
        }
    });
    let unfinished = data.begin_past()?;
    let made = play(&unfinished, places).await;
    stop.trigger();
    serving.await.context("the shops of the demo")??;
    let made = made.context("making the demo data, which --no-demo-data leaves out")?;
    data.keep_past()?;
    let receiver = Bound::to(address).await?;
    let Made { orders, refunds } = made;
    let seconds = started.elapsed().as_secs_f64();
    let line = format!(
        "demo data: {orders} orders and {refunds} refunds of the last days, made in {seconds:.1} s"
    );
    Ok((receiver, line))
}

/// From a provider's first day to this instant.
async fn play(folder: &DataDir, places: &Places) -> anyhow::Result<Made> {
    let now = SystemClock.now();
    let mut stage = Stage::open(folder, places, now.plus_millis(-cast::PROVIDER_AGE_MS)).await?;
    let played = Box::pin(days::play(&mut stage, places, now)).await;
    let closed = stage.close().await;
    played?;
    closed
}
