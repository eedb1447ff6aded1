//! Searches on both databases: what each filter finds, pages that lose nothing, and the index behind each filter.

use sea_orm::{DbBackend, StatementBuilder};
use tributary_domain::ids::{ProviderId, SubMerchantId};
use tributary_domain::merchant::AppId;
use tributary_domain::money::Fen;
use tributary_domain::order::{Learned, Payment};
use tributary_domain::order_content::{OrderContent, OrderRequest};
use tributary_domain::order_money::OrderMoney;
use tributary_domain::settlement::Source;

use super::path::path;
use super::*;
use crate::Storage;
use crate::test_database::on_both;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

on_both! {
    each_filter_finds_what_it_names => filters;
    pages_lose_nothing_and_repeat_nothing => pages;
    a_page_that_found_little_says_where_to_go_on => sparse;
    a_tenant_finds_its_own_orders_only => tenants;
    a_number_of_any_kind_finds_its_order => numbers;
    sums_are_of_what_the_list_shows => summing;
    every_leading_filter_has_an_index => explained;
}

fn order(tenant: &TenantId, number: &str, total: i64, minutes: i64) -> Order {
    let at = START.plus_millis(minutes * 60_000);
    let content = OrderContent::parse(OrderRequest {
        merchant_order_no: number.into(),
        sub_mchid: Some("1900000110".into()),
        sub_appid: Some("wx2222222222222222".into()),
        description: "tea".into(),
        total,
        sub_openid: Some("o1".into()),
        ..OrderRequest::default()
    })
    .unwrap();
    Order {
        id: OrderId::new(at),
        tenant_id: tenant.clone(),
        mode: Mode::Test,
        provider_id: ProviderId::new(START),
        sub_merchant_id: SubMerchantId::new(START),
        sp_mchid: Mchid::parse("1900000109").unwrap(),
        sp_appid: AppId::parse("wx1111111111111111").unwrap(),
        sub_mchid: Mchid::parse("1900000110").unwrap(),
        content,
        state: OrderState::Paying,
        trade_state: None,
        payment: None,
        money: OrderMoney::NONE,
        expires_at: at.plus_millis(3_600_000),
        created_at: at,
        updated_at: at,
        event_seq: 1,
        next_poll_at: None,
        polls: 0,
        payer_hash: Some(format!("payer-of-{number}")),
    }
}

/// The same order, paid a minute after it was placed.
fn paid(order: Order, source: Source) -> Order {
    let at = order.created_at.plus_millis(60_000);
    Order {
        state: OrderState::Paid,
        money: OrderMoney {
            paid: order.content.total,
            ..OrderMoney::NONE
        },
        payment: Some(Payment {
            transaction_id: format!("42{}", order.content.merchant_order_no),
            success_time: at,
            payer_total: None,
            bank_type: None,
            trade_type: None,
            attempt_id: tributary_domain::ids::AttemptId::new(at),
            late: None,
            learned: Some(Learned { source, at }),
        }),
        ..order
    }
}

async fn insert(storage: &Storage, orders: &[Order]) {
    let tx = storage.begin().await.unwrap();
    for order in orders {
        crate::orders::insert(&tx, order).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn query() -> OrderQuery {
    OrderQuery::of_mode(Mode::Test)
}

async fn found(storage: &Storage, query: &OrderQuery) -> Vec<String> {
    let found = search_all_tenants(storage, query, None, 100).await.unwrap();
    let number = |order: Order| order.content.merchant_order_no.to_string();
    found.items.into_iter().map(number).collect()
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn filters(storage: &Storage) {
    let (mine, other) = (TenantId::new(START), TenantId::new(START));
    let held = Order {
        state: OrderState::Held,
        ..order(&other, "held", 300, 3)
    };
    let back = Order {
        money: OrderMoney {
            refunded: Fen::new(100).unwrap(),
            ..paid(order(&mine, "back", 400, 4), Source::Query).money
        },
        ..paid(order(&mine, "back", 400, 4), Source::Query)
    };
    let elsewhere = Order {
        mode: Mode::Live,
        sub_mchid: Mchid::parse("1900000111").unwrap(),
        ..order(&mine, "live", 500, 5)
    };
    let first = order(&mine, "first", 100, 1);
    let second = paid(order(&mine, "second", 200, 2), Source::Notification);
    insert(storage, &[first, second, held, back, elsewhere]).await;

    assert_eq!(
        found(storage, &query()).await,
        ["back", "held", "second", "first"]
    );
    let live = OrderQuery::of_mode(Mode::Live);
    assert_eq!(found(storage, &live).await, ["live"]);
    let minute = |minutes: i64| Some(START.plus_millis(minutes * 60_000));
    for (wanted, expected) in [
        (
            OrderQuery {
                state: Some(OrderState::Held),
                ..query()
            },
            vec!["held"],
        ),
        (
            OrderQuery {
                tenant_id: Some(other.clone()),
                ..query()
            },
            vec!["held"],
        ),
        (
            OrderQuery {
                tenant_id: Some(mine.clone()),
                state: Some(OrderState::Paid),
                ..query()
            },
            vec!["back", "second"],
        ),
        (
            OrderQuery {
                from: minute(2),
                to: minute(4),
                ..query()
            },
            vec!["held", "second"],
        ),
        (
            OrderQuery {
                time: OrderTime::Paid,
                from: minute(4),
                ..query()
            },
            vec!["back"],
        ),
        (
            OrderQuery {
                time: OrderTime::Paid,
                tenant_id: Some(mine),
                ..query()
            },
            vec!["back", "second"],
        ),
        (
            OrderQuery {
                total_min: Some(200),
                total_max: Some(300),
                ..query()
            },
            vec!["held", "second"],
        ),
        (
            OrderQuery {
                payer_hash: Some("payer-of-held".into()),
                ..query()
            },
            vec!["held"],
        ),
        (
            OrderQuery {
                refunds: Some(RefundShare::Part),
                ..query()
            },
            vec!["back"],
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::FoundByQuery),
                ..query()
            },
            vec!["back"],
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::Any),
                ..query()
            },
            vec!["held"],
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::Unknown),
                ..query()
            },
            vec![],
        ),
        (
            OrderQuery {
                told: Some(Told::Failed),
                ..query()
            },
            vec![],
        ),
        (
            OrderQuery {
                told: Some(Told::Nobody),
                state: Some(OrderState::Held),
                ..query()
            },
            vec!["held"],
        ),
        (
            OrderQuery {
                sub_mchid: Some(Mchid::parse("1900000111").unwrap()),
                ..query()
            },
            vec![],
        ),
    ] {
        assert_eq!(found(storage, &wanted).await, expected, "{wanted:?}");
    }
}

async fn pages(storage: &Storage) {
    let mine = TenantId::new(START);
    let many = |index: i64| {
        paid(
            order(&mine, &format!("n-{index}"), 100, index / 3),
            Source::Query,
        )
    };
    let all: Vec<Order> = (0..50).map(many).collect();
    insert(storage, &all).await;
    for time in [OrderTime::Created, OrderTime::Paid] {
        let wanted = OrderQuery { time, ..query() };
        let mut seen = Vec::new();
        let mut after: Option<Place> = None;
        loop {
            let page = search_all_tenants(storage, &wanted, after.as_ref(), 7)
                .await
                .unwrap();
            seen.extend(page.items.into_iter().map(|order| order.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 50, "{time:?}");
        let mut sorted = seen.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        sorted.dedup();
        assert_eq!(sorted.len(), 50, "{time:?}");
        if time == OrderTime::Created {
            assert_eq!(sorted, seen);
        }
    }
}

async fn sparse(storage: &Storage) {
    let mine = TenantId::new(START);
    let all: Vec<Order> = (0..30)
        .map(|index| order(&mine, &format!("n-{index}"), 100 + index, index))
        .collect();
    insert(storage, &all).await;
    let wanted = OrderQuery {
        total_max: Some(102),
        ..query()
    };
    let mut path = path(&wanted, None);
    path.rows_max = 10;
    let mut after: Option<Place> = None;
    let mut rounds = Vec::new();
    loop {
        let page = path.scan(storage, after.as_ref(), 20).await.unwrap();
        rounds.push(page.items.len());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // The list ends exactly at the bound of the third page, which only a fourth can know.
    assert_eq!(rounds, [0, 0, 3, 0]);
}

async fn tenants(storage: &Storage) {
    let (mine, other) = (TenantId::new(START), TenantId::new(START));
    insert(
        storage,
        &[order(&mine, "same", 100, 1), order(&other, "same", 200, 2)],
    )
    .await;
    let page = search(storage, &mine, &query(), None, 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].tenant_id, mine);
    // A filter that names another tenant changes nothing about whose they are.
    let foreign = OrderQuery {
        tenant_id: Some(other),
        ..query()
    };
    let page = search(storage, &mine, &foreign, None, 10).await.unwrap();
    assert_eq!(page.items[0].tenant_id, mine);
    assert_eq!(sums(storage, &mine, &foreign).await.unwrap().total_fen, 100);
}

async fn numbers(storage: &Storage) {
    let (mine, other) = (TenantId::new(START), TenantId::new(START));
    let first = paid(order(&mine, "same", 100, 1), Source::Query);
    let second = order(&other, "same", 200, 2);
    insert(storage, &[first.clone(), second.clone()]).await;
    let find = async |number: &str| {
        let found = of_number_all_tenants(storage, number, 10).await.unwrap();
        found.into_iter().map(|order| order.id).collect::<Vec<_>>()
    };
    assert_eq!(find("same").await, [second.id.clone(), first.id.clone()]);
    assert_eq!(
        find(first.id.as_str()).await,
        std::slice::from_ref(&first.id)
    );
    assert_eq!(find("42same").await, [first.id]);
    assert!(find("nothing").await.is_empty());
}

async fn summing(storage: &Storage) {
    let mine = TenantId::new(START);
    let orders = [
        order(&mine, "open", 100, 1),
        paid(order(&mine, "paid", 250, 2), Source::Notification),
    ];
    insert(storage, &orders).await;
    let all = sums_all_tenants(storage, &query()).await.unwrap();
    let expected = OrderSums {
        count: 2,
        total_fen: 350,
        paid_fen: 250,
        refunded_fen: 0,
        complete: true,
    };
    assert_eq!(all, expected);
    let some = OrderQuery {
        total_min: Some(200),
        ..query()
    };
    let some = sums_all_tenants(storage, &some).await.unwrap();
    assert_eq!((some.count, some.total_fen), (1, 250));
    let none = sums_all_tenants(storage, &OrderQuery::of_mode(Mode::Live))
        .await
        .unwrap();
    assert_eq!((none.count, none.total_fen), (0, 0));
}

/// How the database would find a page, as it explains it itself.
async fn plan(storage: &Storage, query: &OrderQuery) -> String {
    let statement = path(query, None).page(None, 51);
    let tx = storage.begin().await.unwrap();
    let connection = tx.connection();
    let backend = connection.get_database_backend();
    let mut built = StatementBuilder::build(&statement, &backend);
    let explain = if backend == DbBackend::Postgres {
        // On an empty table it would rather read it all; whether there is a better way is the question.
        for way in ["enable_seqscan", "enable_sort", "enable_bitmapscan"] {
            let off = format!("SET LOCAL {way} = off");
            connection.execute_unprepared(&off).await.unwrap();
        }
        "EXPLAIN "
    } else {
        "EXPLAIN QUERY PLAN "
    };
    built.sql.insert_str(0, explain);
    let rows = connection.query_all_raw(built).await.unwrap();
    let column = if backend == DbBackend::Postgres { 0 } else { 3 };
    let line = |row: &sea_orm::QueryResult| row.try_get_by_index::<String>(column).unwrap();
    let lines: Vec<String> = rows.iter().map(line).collect();
    tx.rollback().await.unwrap();
    lines.join("\n")
}

/// Many tenants and some states, so that PostgreSQL knows what is rare. SQLite is asked as it is found in the field:
/// nobody told it.
async fn populate(storage: &Storage) -> TenantId {
    let mut tenant = TenantId::new(START);
    for batch in 0..40 {
        tenant = TenantId::new(START);
        let one = |index: i64| Order {
            state: OrderState::ALL[usize::try_from(index).unwrap() % OrderState::ALL.len()],
            ..order(&tenant, &format!("n-{index}"), 100, batch * 50 + index)
        };
        let all: Vec<Order> = (0..50).map(one).collect();
        insert(storage, &all).await;
    }
    if storage.dialect() == crate::Dialect::Postgres {
        let analyze = storage.writer.execute_unprepared("ANALYZE");
        analyze.await.unwrap();
    }
    tenant
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn explained(storage: &Storage) {
    let tenant = populate(storage).await;
    let merchant = Mchid::parse("1900000110").unwrap();
    let span = query();
    for (wanted, index) in [
        (span.clone(), "ix_orders_mode_id"),
        (
            OrderQuery {
                total_min: Some(1),
                ..span.clone()
            },
            "ix_orders_mode_id",
        ),
        (
            OrderQuery {
                tenant_id: Some(tenant.clone()),
                ..span.clone()
            },
            "ix_orders_tenant_id_mode_id",
        ),
        (
            OrderQuery {
                state: Some(OrderState::Paid),
                ..span.clone()
            },
            "ix_orders_state_mode_id",
        ),
        (
            OrderQuery {
                tenant_id: Some(tenant.clone()),
                state: Some(OrderState::Held),
                ..span.clone()
            },
            "ix_orders_state_mode_id",
        ),
        (
            OrderQuery {
                sub_mchid: Some(merchant),
                ..span.clone()
            },
            "ix_orders_sub_mchid_mode_id",
        ),
        (
            OrderQuery {
                payer_hash: Some("x".into()),
                ..span.clone()
            },
            "ix_orders_payer_hash_id",
        ),
        (
            OrderQuery {
                time: OrderTime::Paid,
                ..span.clone()
            },
            "ix_orders_mode_paid_at",
        ),
        (
            OrderQuery {
                time: OrderTime::Paid,
                tenant_id: Some(tenant),
                ..span.clone()
            },
            "ix_orders_tenant_id_mode_paid_at",
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::PaidLate),
                ..query()
            },
            "ix_late_payments_kind_mode_order_id",
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::Unmatched),
                ..query()
            },
            "ix_discrepancies_state_mode_order_id",
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::Undelivered),
                ..query()
            },
            "ix_deliveries_state_mode_id",
        ),
        (
            OrderQuery {
                problem: Some(OrderProblem::Any),
                ..query()
            },
            "ix_orders_state_mode_id",
        ),
        (
            OrderQuery {
                told: Some(Told::Failed),
                ..span
            },
            "ix_events_tenant_id_subject_type_subject_id_seq",
        ),
    ] {
        let plan = plan(storage, &wanted).await;
        // PostgreSQL knows what is common in the table, and may then go by another index just as well.
        let another = ["orders_pkey", "ix_orders_mode_paid_at"];
        let by_another = storage.dialect() == crate::Dialect::Postgres
            && another.iter().any(|index| plan.contains(index));
        assert!(plan.contains(index) || by_another, "{wanted:?}\n{plan}");
        assert!(!plan.contains("SCAN orders"), "{wanted:?}\n{plan}");
        assert!(!plan.contains("Seq Scan on orders"), "{wanted:?}\n{plan}");
    }
}
