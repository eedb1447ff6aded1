//! Who gets how much of a second, under a clock that stands still between two lines.

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
const PREPAYS: u32 = 80;

/// One provider's budget for ordering, and tenants.
struct Scene {
    budgets: Budgets,
    provider: ProviderId,
    tenants: Vec<TenantId>,
}

impl Scene {
    fn with_tenants(count: usize) -> Self {
        Self {
            budgets: Budgets::new(PREPAYS),
            provider: ProviderId::new(START),
            tenants: (0..count).map(|_| TenantId::new(START)).collect(),
        }
    }

    fn wish(&self, tenant: usize, what: Spending) -> Wish<'_> {
        Wish {
            provider: &self.provider,
            tenant: Some(&self.tenants[tenant]),
            what,
            urgency: Urgency::Asked,
        }
    }

    /// How many prepays of so many a tenant gets in the second that begins `second` seconds after the start.
    fn got(&self, tenant: usize, asks: u32, second: i64) -> u32 {
        let now = START.plus_millis(second * 1_000);
        let wish = self.wish(tenant, Spending::Prepay);
        (0..asks)
            .map(|_| u32::from(self.budgets.spend(wish, now)))
            .sum()
    }

    fn slow_down(&self, what: Spending, second: i64) {
        let now = START.plus_millis(second * 1_000);
        self.budgets.slow_down(&self.provider, what, now);
    }
}

#[test]
fn a_budget_is_a_providers_own_and_new_every_second() {
    let scene = Scene::with_tenants(1);
    let other = ProviderId::new(START);
    let wish = scene.wish(0, Spending::RefundRefusal);
    for _ in 0..2 {
        assert!(scene.budgets.has_room(wish, START));
        assert!(scene.budgets.spend(wish, START));
    }
    assert!(!scene.budgets.has_room(wish, START));
    assert!(!scene.budgets.spend(wish, START));
    let elsewhere = Wish {
        provider: &other,
        ..wish
    };
    assert!(scene.budgets.spend(elsewhere, START));
    assert!(scene.budgets.spend(wish, START.plus_millis(1_000)));
}

#[test]
fn a_tenant_alone_takes_all_but_what_is_kept_for_newcomers() {
    let scene = Scene::with_tenants(2);
    assert_eq!(scene.got(0, 1_000, 0), PREPAYS - PREPAYS / 8);
    assert_eq!(scene.got(1, 1_000, 0), PREPAYS / 8);
}

#[test]
fn under_contention_nobody_takes_more_than_half() {
    let scene = Scene::with_tenants(2);
    scene.got(0, 1, 0);
    scene.got(1, 1, 0);
    assert_eq!(scene.got(0, 1_000, 1), PREPAYS * 7 / 16);
    let scene = Scene::with_tenants(5);
    for tenant in 0..5 {
        scene.got(tenant, 1, 0);
    }
    // What the others leave over comes to more than a half in the end; the cap holds anyway.
    for tenant in 1..5 {
        assert_eq!(scene.got(tenant, 3, 1), 3);
    }
    assert!(scene.got(0, 1_000, 1) <= PREPAYS / 2);
}

#[test]
fn a_greedy_tenant_leaves_every_other_its_fair_share() {
    let scene = Scene::with_tenants(7);
    for tenant in 0..7 {
        scene.got(tenant, 1, 0);
    }
    let fair = (PREPAYS - PREPAYS / 8) / 7;
    assert_eq!(scene.got(0, 1_000, 1), fair, "before the others came");
    for tenant in 1..7 {
        assert_eq!(scene.got(tenant, fair, 1), fair);
    }
}

#[test]
fn what_others_leave_over_may_be_taken() {
    let scene = Scene::with_tenants(2);
    scene.got(0, 1, 0);
    scene.got(1, 1, 0);
    let fair = (PREPAYS - PREPAYS / 8) / 2;
    assert_eq!(scene.got(1, fair, 1), fair);
    assert_eq!(scene.got(0, 1_000, 1), fair);
    // A second in which the other did not ask: the tenant is alone in the one after it.
    scene.got(0, 1, 2);
    assert_eq!(scene.got(0, 1_000, 3), PREPAYS - PREPAYS / 8);
}

#[test]
fn background_work_leaves_room_for_what_tenants_ask() {
    let scene = Scene::with_tenants(1);
    let asked = scene.wish(0, Spending::OrderQuery);
    let background = Wish {
        tenant: None,
        urgency: Urgency::Background,
        ..asked
    };
    let taken = (0..1_000).filter(|_| scene.budgets.spend(background, START));
    assert_eq!(taken.count(), 75);
    assert!(scene.budgets.spend(asked, START));
    let exhausted = scene.budgets.exhausted(Spending::OrderQuery, START);
    assert_eq!(exhausted.providers, std::slice::from_ref(&scene.provider));
}

#[test]
fn background_work_looks_past_a_tenant_that_had_its_share() {
    let scene = Scene::with_tenants(2);
    for tenant in 0..2 {
        scene
            .budgets
            .spend(scene.wish(tenant, Spending::OrderQuery), START);
    }
    let greedy = Wish {
        urgency: Urgency::Background,
        ..scene.wish(0, Spending::OrderQuery)
    };
    while scene.budgets.spend(greedy, START) {}
    let exhausted = scene.budgets.exhausted(Spending::OrderQuery, START);
    assert_eq!(exhausted.tenants, scene.tenants[..1]);
    assert!(exhausted.providers.is_empty());
}

#[test]
fn a_complaint_halves_the_budget_once_a_second_down_to_a_floor() {
    let scene = Scene::with_tenants(1);
    let alone = |allowed: u32| allowed - allowed / 8;
    for _ in 0..50 {
        scene.slow_down(Spending::Prepay, 0);
    }
    assert_eq!(scene.got(0, 1_000, 0), alone(PREPAYS / 2));
    for second in 1..20 {
        scene.slow_down(Spending::Prepay, second);
    }
    // Each second adds a step before the complaint takes a half; what is left is never nothing.
    let left = scene.got(0, 1_000, 19);
    assert!((1..=PREPAYS / 10).contains(&left), "{left}");
}

#[test]
fn a_budget_grows_back_step_by_step() {
    let scene = Scene::with_tenants(1);
    scene.slow_down(Spending::Prepay, 0);
    let alone = |allowed: u32| allowed - allowed / 8;
    let step = PREPAYS / STEPS;
    assert_eq!(scene.got(0, 1_000, 1), alone(PREPAYS / 2 + step));
    assert_eq!(scene.got(0, 1_000, 5), alone(PREPAYS / 2 + 5 * step));
    assert_eq!(scene.got(0, 1_000, 10), alone(PREPAYS));
    assert_eq!(scene.got(0, 1_000, 500), alone(PREPAYS));
}

#[test]
fn what_slows_ordering_slows_the_questions_and_not_the_other_way_round() {
    let scene = Scene::with_tenants(1);
    let asks = |what: Spending, second: i64| {
        let now = START.plus_millis(second * 1_000);
        let wish = Wish {
            tenant: None,
            ..scene.wish(0, what)
        };
        (0..1_000)
            .filter(|_| scene.budgets.spend(wish, now))
            .count()
    };
    scene.slow_down(Spending::OrderQuery, 0);
    assert_eq!(asks(Spending::OrderQuery, 0), 50);
    assert_eq!(asks(Spending::Prepay, 0), 80);
    scene.slow_down(Spending::Prepay, 60);
    assert_eq!(asks(Spending::OrderQuery, 60), 50);
    assert_eq!(asks(Spending::RefundQuery, 60), 50);
    assert_eq!(asks(Spending::Refund, 60), 50, "the whole of its budget");
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_grow() {
    let scene = Scene::with_tenants(1);
    scene.slow_down(Spending::Prepay, 100);
    assert_eq!(scene.got(0, 1_000, 40), 35);
}

#[test]
fn what_is_given_back_within_its_second_may_be_taken_again() {
    let scene = Scene::with_tenants(1);
    let wish = scene.wish(0, Spending::RefundRefusal);
    for _ in 0..50 {
        assert!(scene.budgets.spend(wish, START));
        scene.budgets.give_back(wish, START);
    }
    assert!(scene.budgets.spend(wish, START) && scene.budgets.spend(wish, START));
    assert!(!scene.budgets.spend(wish, START));
    // The second is over: what was taken in it is gone.
    let later = START.plus_millis(1_000);
    assert!(scene.budgets.spend(wish, later) && scene.budgets.spend(wish, later));
    scene.budgets.give_back(wish, START);
    assert!(!scene.budgets.spend(wish, later));
}
