//! Three days of business and this one: when the shops sell, and where in it the troubles lie.

use tributary_domain::bill::BillDay;
use tributary_domain::clock::Timestamp;

use super::cast::{Cast, PROVIDER_AGE_MS};
use super::stage::{MINUTE_MS, Places, Stage};
use super::{people, trouble};

const HOUR_MS: i64 = 60 * MINUTE_MS;
const OPENING_MS: i64 = 8 * HOUR_MS;
/// The hours of a day, and how many orders come in each; at night only what failed is tried again.
const HOURS: [(i64, usize); 6] = [
    (4 * HOUR_MS, 0),
    (9 * HOUR_MS + 20 * MINUTE_MS, 3),
    (12 * HOUR_MS + 15 * MINUTE_MS, 4),
    (15 * HOUR_MS + 30 * MINUTE_MS, 2),
    (18 * HOUR_MS + 40 * MINUTE_MS, 4),
    (22 * HOUR_MS + 30 * MINUTE_MS, 0),
];
/// What comes last today lies so close before the start.
const LATEST_MS: i64 = 25 * MINUTE_MS;
/// Of a hundred payers, so many pay.
const PAYING: u32 = 88;

/// Plays everything from the older provider's first day until `now`.
///
/// The other bills are left to the demo itself, which fetches them as soon as it runs.
pub(super) async fn play(stage: &mut Stage, places: &Places, now: Timestamp) -> anyhow::Result<()> {
    debug_assert_eq!(stage.now(), now.plus_millis(-PROVIDER_AGE_MS));
    let today = BillDay::of(now);
    let yesterday = today.previous();
    let middle = yesterday.previous();
    let first = middle.previous();
    let assembled = Cast::assemble(stage, places, first.at_millis(OPENING_MS));
    let mut cast = Box::pin(assembled).await?;
    trouble::untold_order(stage, &cast).await?;
    day(stage, &mut cast, first, now).await?;
    trouble::with_refunds(stage, &cast).await?;
    day(stage, &mut cast, middle, now).await?;
    trouble::with_payments(stage, &cast).await?;
    trouble::with_bills(stage, &cast, middle)?;
    day(stage, &mut cast, yesterday, now).await?;
    stage.compare_bill(&cast.provider.id, middle).await?;
    trouble::with_late_money(stage, &cast).await?;
    trouble::with_notifications(stage, &cast).await?;
    day(stage, &mut cast, today, now).await?;
    stage.move_to(now.plus_millis(-LATEST_MS));
    trouble::with_prepays(stage, &cast).await?;
    let dear = trouble::dear_order(stage, &cast).await?;
    sell(stage, &mut cast, 3).await?;
    stage.after(2 * MINUTE_MS).await?;
    people::work(stage, &cast, &dear).await?;
    stage.move_to(now);
    trouble::waiting_orders(stage, &cast).await?;
    stage.after(0).await?;
    stage.operations().compute_hours().await?;
    stage.operations().warn_of_ending_keys().await?;
    Ok(())
}

/// The hours of a day, as far as they have passed.
async fn day(
    stage: &mut Stage,
    cast: &mut Cast,
    day: BillDay,
    now: Timestamp,
) -> anyhow::Result<()> {
    for (hour_ms, orders) in HOURS {
        let hour = day.at_millis(hour_ms);
        if hour < stage.now() || now.millis_since(hour) < LATEST_MS {
            continue;
        }
        stage.move_to(hour);
        sell(stage, cast, orders).await?;
        stage.after(MINUTE_MS).await?;
        if orders > 0 {
            stage.operations().compute_hours().await?;
        }
    }
    Ok(())
}

/// So many people order; most of them pay.
async fn sell(stage: &mut Stage, cast: &mut Cast, orders: usize) -> anyhow::Result<()> {
    for _ in 0..orders {
        let (pays, gives_up) = (cast.dice.in_hundred(PAYING), cast.dice.in_hundred(50));
        let (shop, branch, goods) = cast.anyone()?;
        let order = stage.order(shop, branch, goods).await?;
        if pays {
            stage.pay(&order)?;
        } else if gives_up {
            let operations = stage.operations();
            operations.close_order(&shop.caller, &order.id).await?;
        }
    }
    Ok(())
}
