//! A tenant's rows of WeChat's bills: on pages in JSON, or whole as CSV.

use std::io;

use futures::stream;
use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Request, Response};
use poem_openapi::param::Query;
use poem_openapi::payload::Payload as _;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type as _;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use tributary_domain::bill::BillDay;
use tributary_domain::tenant::Scope;
use tributary_operations::bills::rows::BillRowView;
use tributary_operations::pages::Page;
use tributary_operations::rate_limits::Export;

use super::Tag;
use crate::auth::{Authenticated, Session};
use crate::json::Json;
use crate::pagination::{Limit, Parameters};
use crate::problem::Problem;
use crate::rate_limits::too_many_exports;

const CSV: &str = "text/csv";
const CSV_WITH_CHARSET: &str = "text/csv; charset=utf-8";
/// Rows read and written at once while a file goes out.
const CSV_ROWS: u64 = 500;

/// The operation on bills.
pub(crate) struct BillsApi;

/// In which form the rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
enum Format {
    Json,
    Csv,
}

/// A row of WeChat Pay's bill, beside our ids.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct BillRow {
    /// Always `bill_row`.
    object: String,
    /// The line in WeChat's file.
    line: i64,
    /// The day of the bill, in Beijing.
    date: String,
    /// `payment`, `refund` or `reversal`.
    kind: String,
    /// 交易时间 (RFC 3339).
    trade_time: String,
    /// Our order; absent when the number was not made here.
    order_id: Option<String>,
    /// Our refund.
    refund_id: Option<String>,
    /// 特约商户号.
    sub_mchid: String,
    /// 微信订单号.
    transaction_id: String,
    /// 商户订单号.
    out_trade_no: String,
    /// 微信退款单号.
    wechat_refund_id: Option<String>,
    /// 商户退款单号.
    out_refund_no: Option<String>,
    /// 退款状态 when WeChat accepted the refund; the bill never follows it up.
    refund_status: Option<String>,
    /// 交易类型.
    trade_type: String,
    /// 付款银行.
    bank_type: Option<String>,
    /// 订单金额 in fen; 0 in rows of refunds.
    total: i64,
    /// 申请退款金额 in fen; 0 in rows of payments.
    refund: i64,
    /// 手续费 in yuan with five decimals, below zero where it is given back.
    fee: Option<String>,
    /// 费率 as WeChat writes it.
    rate: Option<String>,
}

/// A page of rows, in the order of the bill.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct BillRowPage {
    /// Always `list`.
    object: String,
    /// The rows.
    data: Vec<BillRow>,
    /// Whether there is a next page.
    has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last.
    next_cursor: Option<String>,
}

/// A page, or the whole day as a file.
enum BillsAnswer {
    Page(Json<BillRowPage>),
    File(BillDay, Body),
}

impl IntoResponse for BillsAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::File(day, body) => {
                let mut response = body.into_response();
                let name = format!("attachment; filename=\"bill_{day}.csv\"");
                let headers = response.headers_mut();
                let csv = HeaderValue::from_static(CSV_WITH_CHARSET);
                headers.insert(header::CONTENT_TYPE, csv);
                if let Ok(name) = HeaderValue::from_str(&name) {
                    headers.insert(header::CONTENT_DISPOSITION, name);
                }
                response
            }
        }
    }
}

impl ApiResponse for BillsAnswer {
    fn meta() -> MetaResponses {
        let media = |content_type, schema| MetaMediaType {
            content_type,
            schema,
        };
        let text = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A page of rows in JSON, or all rows of the day as CSV.",
                status: Some(200),
                status_range: None,
                content: vec![
                    media(Json::<BillRowPage>::CONTENT_TYPE, BillRowPage::schema_ref()),
                    media(CSV, text),
                ],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        BillRowPage::register(registry);
    }
}

#[OpenApi(tag = "Tag::Reconciliation")]
impl BillsApi {
    /// List the rows of a bill
    ///
    /// Your own rows of WeChat Pay's trade bill of a day, with our ids beside WeChat's numbers. The bill of a day is
    /// there from about 10:05 of the next, Beijing time; before, the list is empty. As CSV (`format=csv`, or
    /// `Accept: text/csv`) it is the whole day in one file, of which one may be taken at a time. Needs the scope `bills:read`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    #[oai(path = "/v1/bills", method = "get", operation_id = "listBillRows")]
    async fn list_bill_rows(
        &self,
        auth: Authenticated,
        request: &Request,
        /// The day of the bill in Beijing, such as `2026-01-31`.
        date: Query<String>,
        /// `csv` gives the whole day as a file.
        format: Query<Option<Format>>,
        /// `next_cursor` of an earlier page.
        cursor: Query<Option<String>>,
        /// How many rows a page has.
        limit: Query<Option<Limit>>,
    ) -> Result<BillsAnswer, Problem> {
        let session = auth.allow(Scope::BillsRead)?;
        let mut parameters = Parameters::default();
        let day = parameters.parse("date", Some(&date.0), str::parse::<BillDay>);
        parameters.finish()?;
        let Some(day) = day else {
            return Err(Problem::of(crate::problem::ProblemCode::Internal));
        };
        if wants_csv(format.0, request) {
            // The first piece is read before the answer begins, so that what is refused is refused in the usual way.
            let (operations, caller) = (&session.operations, &session.caller);
            let export = operations
                .begin_export(caller)
                .ok_or_else(|| too_many_exports(operations.exports_at_once(caller)))?;
            let first = next_piece(&session, day, None).await?;
            return Ok(BillsAnswer::File(day, file((session, export), day, first)));
        }
        let limit = Limit::or_default(limit.0);
        let (caller, cursor) = (&session.caller, cursor.0.as_deref());
        let page = session
            .operations
            .list_bill_rows(caller, day, cursor, limit)
            .await?;
        Ok(BillsAnswer::Page(Json(page.into())))
    }
}

fn wants_csv(format: Option<Format>, request: &Request) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    match format {
        Some(format) => format == Format::Csv,
        None => accepted.is_some_and(|types| types.trim_start().starts_with(CSV)),
    }
}

type Piece = (String, Option<String>);

async fn next_piece(
    session: &Session,
    day: BillDay,
    after: Option<&str>,
) -> Result<Piece, Problem> {
    let (operations, caller) = (&session.operations, &session.caller);
    Ok(operations.bill_csv(caller, day, after, CSV_ROWS).await?)
}

/// Writes the file piece by piece, as fast as it is taken; it counts as one until its end, or until nobody takes it.
fn file((session, export): (Session, Export), day: BillDay, first: Piece) -> Body {
    let (text, next) = first;
    let rest = stream::try_unfold(next, move |after| {
        let _counts = &export;
        let session = session.clone();
        async move {
            let Some(after) = after else {
                return Ok(None);
            };
            // A file that breaks off is better than one that seems whole.
            let piece = next_piece(&session, day, Some(&after)).await;
            let (text, next) = piece.map_err(|_| io::Error::other("the file broke off"))?;
            Ok(Some((text, next)))
        }
    });
    let first = stream::once(async move { Ok::<_, io::Error>(text) });
    Body::from_bytes_stream(futures::StreamExt::chain(first, rest))
}

impl From<Page<BillRowView>> for BillRowPage {
    fn from(page: Page<BillRowView>) -> Self {
        Self {
            object: String::from("list"),
            data: page.items.into_iter().map(Into::into).collect(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
        }
    }
}

impl From<BillRowView> for BillRow {
    fn from(view: BillRowView) -> Self {
        Self {
            object: view.object,
            line: view.line,
            date: view.date.to_string(),
            kind: view.kind,
            trade_time: view.trade_time,
            order_id: view.order_id,
            refund_id: view.refund_id,
            sub_mchid: view.sub_mchid,
            transaction_id: view.transaction_id,
            out_trade_no: view.out_trade_no,
            wechat_refund_id: view.wechat_refund_id,
            out_refund_no: view.out_refund_no,
            refund_status: view.refund_status,
            trade_type: view.trade_type,
            bank_type: view.bank_type,
            total: view.total,
            refund: view.refund,
            fee: view.fee,
            rate: view.rate,
        }
    }
}
