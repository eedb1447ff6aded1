//! What is left of a run: the database's rows, WeChat's ledger, the receivers' logs, and what the players were told.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{DatabaseConnection, FromQueryResult, Statement};
use wechatpay_sim::{AttemptKind, LedgerView};

/// What a person is told of although everything goes its ordinary way.
const ORDINARY_ALARMS: [&str; 4] = [
    "paid_late",
    "duplicate_paid",
    "amount_mismatch",
    "refund_abnormal",
];

/// One notification as it arrived, and how it was answered.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Genuine or not.
    pub kind: AttemptKind,
    /// Its bytes; absent when only the answer is known.
    pub body: Option<Vec<u8>>,
    /// Whether it was answered with success.
    pub acknowledged: bool,
}

/// One webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Post {
    /// Whose endpoint it came to.
    pub tenant: String,
    /// The endpoint's secret, as its owner knows it.
    pub secret: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Post {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Everything that the checks look at.
#[derive(Debug)]
pub struct Evidence {
    /// The platform's rows.
    pub rows: Rows,
    /// What WeChat believes.
    pub ledger: LedgerView,
    /// Notifications with their answers.
    pub notices: Vec<Notice>,
    /// Webhooks as they came in.
    pub posts: Vec<Post>,
    /// Webhooks sent by a process that could not write down their result, by delivery; `None`: not counted.
    pub unrecorded: Option<BTreeMap<String, usize>>,
    /// Numbers at WeChat whose prepay or refund was refused for good at least once.
    pub refused: Option<BTreeSet<String>>,
    /// The different bodies with which each number was placed at WeChat.
    pub bodies: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// What each reader of a feed has read, in order, by tenant.
    pub read: BTreeMap<String, Vec<String>>,
    /// Secrets that may stand nowhere, with their names.
    pub secrets: Vec<(String, String)>,
    /// Every byte of the database.
    pub dump: Vec<u8>,
    /// What a player saw that nobody may see.
    pub complaints: Vec<String>,
    /// Whether everything that was due has been done.
    pub drained: bool,
    /// Where an audit chain does not hold; `None`: not checked.
    pub audit_faults: Option<Vec<String>>,
}

macro_rules! tables {
    ($($table:ident: $row:ident { $($column:ident: $type:ty),* $(,)? })*) => {
        $(
            /// A row as the checks read it; the columns are those of the table.
            #[derive(Clone, Debug, FromQueryResult)]
            #[expect(missing_docs, reason = "the columns are those of the table")]
            pub struct $row { $(pub $column: $type),* }
        )*

        /// Every table that the checks read.
        #[derive(Clone, Debug, Default)]
        #[expect(missing_docs, reason = "the fields are the tables")]
        pub struct Rows { $(pub $table: Vec<$row>),* }

        impl Rows {
            /// Reads them all.
            pub async fn read(database: &DatabaseConnection) -> Self {
                Self { $($table: read(database, concat!(
                    "SELECT ", columns!($($column),*), " FROM ", stringify!($table)
                )).await),* }
            }
        }
    };
}

macro_rules! columns {
    ($first:ident $(, $rest:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($rest))*) };
}

tables! {
    orders: OrderRow {
        id: String, tenant_id: String, merchant_order_no: String, total_fen: i64, state: String,
        transaction_id: Option<String>, expires_at: i64, event_seq: i64, next_poll_at: Option<i64>,
        paid_fen: i64, refunding_fen: i64, refunded_fen: i64, refund_count: i64,
    }
    attempts: AttemptRow {
        id: String, tenant_id: String, order_id: String, out_trade_no: String, state: String,
    }
    refunds: RefundRow {
        id: String, tenant_id: String, order_id: String, late_payment_id: Option<String>, out_refund_no: String,
        transaction_id: String, refund_fen: i64, state: String, refund_id: Option<String>, event_seq: i64,
        next_try_at: Option<i64>,
    }
    late_payments: LatePaymentRow {
        id: String, tenant_id: String, order_id: String, kind: String, transaction_id: String, total_fen: i64,
        state: String, decided_by: Option<String>, refund_id: Option<String>,
    }
    events: EventRow {
        id: String, tenant_id: String, mode: String, kind: String, subject_type: String, subject_id: String,
        seq: i64, body: String, feed_seq: Option<i64>,
    }
    endpoints: EndpointRow { id: String, tenant_id: String, mode: String, filters: String, created_at: i64 }
    deliveries: DeliveryRow {
        id: String, tenant_id: String, event_id: String, endpoint_id: String, state: String, attempts: i64,
        last_error: Option<String>, finished_at: Option<i64>,
    }
    delivery_queue: QueueRow { delivery_id: String, endpoint_id: String, visible_at: i64, lease_until: i64 }
    delivery_attempts: SentRow {
        delivery_id: String, number: i64, trigger_kind: String, started_at: i64, status: Option<i64>,
    }
    notifications: NotificationRow {
        notice_id: String, body: Vec<u8>, state: String, verdict: Option<String>, next_try_at: Option<i64>,
    }
    alarms: AlarmRow { kind: String, order_id: Option<String>, detail: String }
}

async fn read<R: FromQueryResult>(database: &DatabaseConnection, sql: &str) -> Vec<R> {
    let statement = Statement::from_string(
        sea_orm::ConnectionTrait::get_database_backend(database),
        sql,
    );
    let rows = R::find_by_statement(statement).all(database).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

impl Rows {
    /// Orders of which WeChat says something that does not fit; a person must look, nothing happens by itself.
    pub fn disputed(&self) -> BTreeSet<&str> {
        let disputes = self
            .alarms
            .iter()
            .filter(|alarm| !ORDINARY_ALARMS.contains(&alarm.kind.as_str()));
        disputes
            .filter_map(|alarm| alarm.order_id.as_deref())
            .collect()
    }
}
