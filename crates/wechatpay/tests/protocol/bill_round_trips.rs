//! Random bills both ways: what is written reads back equal, and how a bill is cut never matters.

use proptest::prelude::*;
use wechatpay::v3::bills::trade::{BillRefundStatus, TradeRowStatus};
use wechatpay::v3::bills::{BillRefund, TradeBillParser, TradeBillType, TradeRow, decimal};

use crate::bill_parsing::{parse, parse_fund_flow, parse_with};
use crate::bill_writer::{FUND_FLOW_HEADER, FUND_FLOW_SUMMARY, payment, trade_bill, yuan};

/// Text that a merchant may have written, with the characters that split lines and cells.
fn any_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof!["[a-z,`中文 ]{1,12}", "[^\r\n]{1,20}"].prop_map(|text: String| {
        // What WeChat cannot write unambiguously it changes before; a backtick after a comma is such a thing.
        let text = text.replace(",`", ", `").trim_end_matches(',').to_owned();
        Some(text).filter(|text| !text.is_empty())
    })
}

fn any_number() -> impl Strategy<Value = String> {
    "[1-9][0-9A-Za-z]{0,30}"
}

fn any_refund() -> impl Strategy<Value = BillRefund> {
    let amounts = (0..1_000_000_i64, 0..1_000_000_i64, 0..1000_i64);
    (
        any_number(),
        any_number(),
        amounts,
        "[A-Z]{1,8}",
        "[A-Z]{1,8}",
    )
        .prop_map(
            |(refund_id, out_refund_no, (refund_fen, settlement, coupon), kind, status)| {
                BillRefund {
                    refund_id: Some(refund_id),
                    out_refund_no: Some(out_refund_no),
                    applied_at_ms: None,
                    succeeded_at_ms: None,
                    refund_fen,
                    settlement_refund_fen: Some(settlement),
                    coupon_refund_fen: Some(coupon),
                    refund_type: Some(kind),
                    status: Some(BillRefundStatus::from(status.as_str())),
                }
            },
        )
}

fn any_row() -> impl Strategy<Value = TradeRow> {
    let numbers = (any_number(), any_number(), any_number());
    let amounts = (
        0..1_000_000_000_i64,
        0..1_000_000_i64,
        -100_000..1_000_000_i64,
    );
    let texts = (any_text(), any_text(), any_text());
    let refund = prop::option::of(any_refund());
    (numbers, amounts, texts, refund, 0..4_000_000_000_i64).prop_map(
        |((mchid, transaction, number), (total, coupon, fee), texts, refund, second)| TradeRow {
            trade_time_ms: second * 1000,
            sp_mchid: mchid.clone(),
            sub_mchid: Some(mchid),
            transaction_id: transaction,
            out_trade_no: number,
            status: if refund.is_some() {
                TradeRowStatus::Refund
            } else {
                TradeRowStatus::Success
            },
            settlement_total_fen: Some(total / 2),
            coupon_fen: Some(coupon),
            refund,
            description: texts.0,
            attach: texts.1,
            rate_note: texts.2,
            fee_millifen: Some(fee),
            total_fen: total,
            ..payment()
        },
    )
}

/// Rows and summary, or the error, as text.
fn outcome(content: &[u8], piece: usize) -> String {
    let parser = TradeBillParser::new(TradeBillType::All);
    format!("{:?}", parse_with(parser, content, piece))
}

proptest! {
    #[test]
    fn what_is_written_reads_back_equal_however_it_is_cut(
        mut rows in prop::collection::vec(any_row(), 0..12), crlf in any::<bool>(), piece in 1..600_usize,
    ) {
        for (line, row) in (2..).zip(&mut rows) {
            row.line = line;
        }
        let bill = trade_bill(&rows, if crlf { "\r\n" } else { "\n" });
        let parser = TradeBillParser::new(TradeBillType::All);
        let (read, summary) = parse_with(parser, bill.as_bytes(), piece).unwrap();
        prop_assert_eq!(read, rows.clone());
        prop_assert_eq!(summary.total_fen, rows.iter().map(|row| row.total_fen).sum::<i64>());
    }

    #[test]
    fn an_altered_bill_is_read_the_same_way_however_it_is_cut(
        rows in prop::collection::vec(any_row(), 0..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        piece in 1..200_usize,
    ) {
        let mut bill = trade_bill(&rows, "\r\n").into_bytes();
        for (place, byte) in changes {
            let place = place.index(bill.len());
            bill[place] = byte;
        }
        prop_assert_eq!(outcome(&bill, piece), outcome(&bill, usize::MAX));
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300), lines in prop::collection::vec(any_text(), 0..6),
    ) {
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        let near = format!("{FUND_FLOW_HEADER}\n{}\n{FUND_FLOW_SUMMARY}\n", lines.join("\n"));
        for bytes in [bytes.as_slice(), near.as_bytes()] {
            prop_assert!(parse(bytes).is_err());
            prop_assert!(parse_fund_flow(bytes).is_err());
        }
    }

    #[test]
    fn fen_read_back_as_they_were_written(fen in any::<i64>(), text in "[-0-9.]{0,24}") {
        let fen = fen.max(-i64::MAX);
        prop_assert_eq!(decimal::parse(&yuan(fen), 2), Ok(fen));
        if let Ok(fen) = decimal::parse(&text, 2) {
            prop_assert_eq!(decimal::parse(&yuan(fen), 2), Ok(fen));
        }
    }
}
