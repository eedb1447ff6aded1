//! A tenant's rows of WeChat's bills, on pages or as a file.

use serde::{Deserialize, Serialize};
use tributary_domain::bill::{BillDay, BillRow};
use tributary_domain::cursor::BillRowPlace;
use tributary_domain::money::Fen;
use tributary_domain::tenant::Scope;
use tributary_storage::bill_rows;

use crate::credentials::Caller;
use crate::pages::{Page, check_limit, cut};
use crate::{OperationError, Operations};

const HEADER: &str = "line,date,kind,trade_time,order_id,refund_id,sub_mchid,transaction_id,out_trade_no,\
                      wechat_refund_id,out_refund_no,refund_status,trade_type,bank_type,total_yuan,refund_yuan,fee_yuan,rate\r\n";
/// A thousandth of a fen is a hundred-thousandth of a yuan.
const FEE_PER_YUAN: u64 = 100_000;

/// A row of a bill beside our ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillRowView {
    /// Always `bill_row`.
    pub object: String,
    /// The line in WeChat's file.
    pub line: i64,
    /// The day of the bill.
    pub date: BillDay,
    /// `payment`, `refund` or `reversal`.
    pub kind: String,
    /// 交易时间, RFC 3339.
    pub trade_time: String,
    /// Our order; absent when the number is not of this platform.
    pub order_id: Option<String>,
    /// Our refund.
    pub refund_id: Option<String>,
    /// 特约商户号.
    pub sub_mchid: String,
    /// 微信订单号.
    pub transaction_id: String,
    /// 商户订单号.
    pub out_trade_no: String,
    /// 微信退款单号.
    pub wechat_refund_id: Option<String>,
    /// 商户退款单号.
    pub out_refund_no: Option<String>,
    /// 退款状态, at acceptance.
    pub refund_status: Option<String>,
    /// 交易类型.
    pub trade_type: String,
    /// 付款银行.
    pub bank_type: Option<String>,
    /// 订单金额 in fen.
    pub total: i64,
    /// 申请退款金额 in fen.
    pub refund: i64,
    /// 手续费 in yuan with five decimals.
    pub fee: Option<String>,
    /// 费率.
    pub rate: Option<String>,
}

impl Operations {
    /// Lists a tenant's rows of a day, in the order of the bill.
    pub async fn list_bill_rows(
        &self,
        caller: &Caller,
        day: BillDay,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<BillRowView>, OperationError> {
        caller.require(Scope::BillsRead)?;
        let limit = check_limit(Some(limit))?;
        let after = cursor.map(read_cursor).transpose()?;
        let rows = self.rows_behind(caller, day, after.as_ref(), limit).await?;
        let page = cut(rows, limit, cursor_of);
        Ok(Page {
            items: page.items.iter().map(view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// The next lines of a tenant's day as CSV, and where they end; begins with the header, and is empty at the end.
    pub async fn bill_csv(
        &self,
        caller: &Caller,
        day: BillDay,
        after: Option<&str>,
        limit: u64,
    ) -> Result<(String, Option<String>), OperationError> {
        caller.require(Scope::BillsRead)?;
        let place = after.map(read_cursor).transpose()?;
        let rows = self.rows_behind(caller, day, place.as_ref(), limit).await?;
        let page = cut(rows, limit, cursor_of);
        let mut text = String::new();
        if after.is_none() {
            text.push_str(HEADER);
        }
        for row in &page.items {
            push_line(&mut text, &view(row));
        }
        Ok((text, page.next_cursor))
    }

    async fn rows_behind(
        &self,
        caller: &Caller,
        day: BillDay,
        after: Option<&BillRowPlace>,
        limit: u64,
    ) -> Result<Vec<BillRow>, OperationError> {
        let after = after.map(|place| (&place.bill, place.line));
        let (tenant, of) = (&caller.tenant_id, (caller.mode, day));
        let longer = limit.saturating_add(1);
        Ok(bill_rows::list(self.storage(), tenant, of, after, longer).await?)
    }
}

fn cursor_of(row: &BillRow) -> String {
    let place = BillRowPlace {
        bill: row.bill_id.clone(),
        line: row.line,
    };
    place.to_string()
}

fn read_cursor(text: &str) -> Result<BillRowPlace, OperationError> {
    let refused = || OperationError::invalid("cursor", "must be a next_cursor");
    BillRowPlace::read(text).ok_or_else(refused)
}

fn view(row: &BillRow) -> BillRowView {
    BillRowView {
        object: "bill_row".to_owned(),
        line: row.line,
        date: row.day,
        kind: row.kind.as_str().to_owned(),
        trade_time: row.trade_time.to_rfc3339(),
        order_id: row.order_id.as_ref().map(ToString::to_string),
        refund_id: row.refund_id.as_ref().map(ToString::to_string),
        sub_mchid: row.sub_mchid.clone(),
        transaction_id: row.transaction_id.clone(),
        out_trade_no: row.out_trade_no.clone(),
        wechat_refund_id: row.wechat_refund_id.clone(),
        out_refund_no: row.out_refund_no.clone(),
        refund_status: row.refund_status.clone(),
        trade_type: row.trade_type.clone(),
        bank_type: row.bank_type.clone(),
        total: row.total_fen,
        refund: row.refund_fen,
        fee: row.fee_millifen.map(fee_text),
        rate: row.rate.clone(),
    }
}

fn fee_text(millifen: i64) -> String {
    let sign = if millifen < 0 { "-" } else { "" };
    let steps = millifen.unsigned_abs();
    format!("{sign}{}.{:05}", steps / FEE_PER_YUAN, steps % FEE_PER_YUAN)
}

fn push_line(text: &mut String, row: &BillRowView) {
    let yuan = |fen| Fen::new(fen).map_or_else(|_| fen.to_string(), |fen| fen.to_string());
    let none = String::new();
    let some = |text: &Option<String>| text.as_ref().unwrap_or(&none).clone();
    let cells = [
        row.line.to_string(),
        row.date.to_string(),
        row.kind.clone(),
        row.trade_time.clone(),
        some(&row.order_id),
        some(&row.refund_id),
        row.sub_mchid.clone(),
        row.transaction_id.clone(),
        row.out_trade_no.clone(),
        some(&row.wechat_refund_id),
        some(&row.out_refund_no),
        some(&row.refund_status),
        row.trade_type.clone(),
        some(&row.bank_type),
        yuan(row.total),
        yuan(row.refund),
    ];
    for cell in cells {
        push_cell(text, &cell);
        text.push(',');
    }
    // A fee that is given back begins with a minus sign: it is a number of ours and no formula.
    text.push_str(row.fee.as_deref().unwrap_or_default());
    text.push(',');
    push_cell(text, row.rate.as_deref().unwrap_or_default());
    text.push_str("\r\n");
}

/// Quotes a cell, and takes the life out of what a spreadsheet would compute.
fn push_cell(text: &mut String, cell: &str) {
    text.push('"');
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_computes_nothing() {
        let cell = |text| {
            let mut line = String::new();
            push_cell(&mut line, text);
            line
        };
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        for formula in ["=1+1", "+1", "-1", "@x", "\t=1"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""));
        }
    }

    #[test]
    fn a_fee_is_written_in_yuan() {
        assert_eq!(fee_text(4_795), "0.04795");
        assert_eq!(fee_text(-100_000), "-1.00000");
    }
}
