//! Reading bills: the published layouts, each rule with what keeps and what breaks it, and random bills both ways.

use wechatpay::server::bill_hash;
use wechatpay::v3::bills::fund_flow::FlowDirection;
use wechatpay::v3::bills::parser::{BillParser, Format, MOST_LINE_BYTES};
use wechatpay::v3::bills::trade::{BillTradeType, TradeRowStatus};
use wechatpay::v3::bills::{
    BillParseError, CellProblem, Compression, ContentDecoder, FundFlowBillParser, FundFlowRow,
    TradeBillParser, TradeBillSummary, TradeBillType, TradeRow, VerifiedContent, decimal,
};

use crate::bill_writer::{
    ALL_HEADER, ALL_SUMMARY, EIGHT_MS, FUND_FLOW_HEADER, FUND_FLOW_SUMMARY, fund_flow_line,
    payment, refund, row, time, trade_bill, trade_line, trade_summary,
};
use crate::vectors::{set_k, text};

type Parsed = Result<(Vec<TradeRow>, TradeBillSummary), BillParseError>;

fn proof(content: &[u8]) -> VerifiedContent {
    let hash = bill_hash(content);
    let mut decoder = ContentDecoder::new("SHA1", &hash, Compression::None, u64::MAX).unwrap();
    for piece in content.chunks(8192) {
        let _ = decoder.push(piece).unwrap();
    }
    decoder.finish().unwrap().1
}

/// What comes of a bill: rows by push and the summary by finish.
pub(crate) fn parse_with<F: Format>(
    mut parser: BillParser<F>,
    content: &[u8],
    piece: usize,
) -> Result<(Vec<F::Row>, F::Summary), BillParseError> {
    let mut rows = Vec::new();
    for piece in content.chunks(piece) {
        rows.extend(parser.push(piece)?);
    }
    parser
        .finish(&proof(content))
        .map(|summary| (rows, summary))
}

pub(crate) fn parse(content: impl AsRef<[u8]>) -> Parsed {
    parse_with(
        TradeBillParser::new(TradeBillType::All),
        content.as_ref(),
        8192,
    )
}

pub(crate) fn parse_fund_flow(
    content: impl AsRef<[u8]>,
) -> Result<(Vec<FundFlowRow>, wechatpay::v3::bills::FundFlowSummary), BillParseError> {
    parse_with(FundFlowBillParser::new(), content.as_ref(), 8192)
}

/// A bill of one payment whose cell in `column` is `cell`, under a summary that fits the unchanged row.
fn with_cell(column: &str, cell: &str) -> String {
    let position = ALL_HEADER
        .split(',')
        .position(|name| name == column)
        .unwrap();
    let line = trade_line(&payment());
    let mut cells: Vec<&str> = line[1..].split(",`").collect();
    cells[position] = cell;
    let summary = trade_summary(&[payment()]);
    format!("{ALL_HEADER}\n{}\n{ALL_SUMMARY}\n{summary}\n", row(&cells))
}

fn cell_fault(column: &'static str, cell: &str) -> CellProblem {
    match parse(with_cell(column, cell)) {
        Err(BillParseError::Cell {
            line: 2,
            column: named,
            problem,
        }) if named == column => problem,
        other => panic!("{column} {cell}: {other:?}"),
    }
}

#[test]
fn a_bill_of_a_payment_and_a_refund_is_read_whole() {
    let rows = [payment(), refund()];
    for end in ["\r\n", "\n"] {
        let (read, summary) = parse(trade_bill(&rows, end)).unwrap();
        assert_eq!(read, rows);
        let expected = TradeBillSummary {
            rows: 2,
            settlement_total_fen: 100,
            settlement_refund_fen: 29,
            coupon_refund_fen: 1,
            fee_millifen: 378,
            total_fen: 100,
            refund_fen: 30,
        };
        assert_eq!(summary, expected);
    }
}

/// WeChat partner docs: trade bill format, the layout of a payment row.
#[test]
fn the_published_layout_of_a_payment_row_is_read() {
    let line = "`2026-01-01 08:00:00,`wx1,`1900000109,`1900000110,`,`42,`T1,`o1,`JSAPI,`SUCCESS,`OTHERS,\
                `CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`描述,`,`0.00000,`0.90%,`0.01,`0.00,`";
    let summary = "`1,`0.01,`0.00,`0.00,`0.00000,`0.01,`0.00";
    let (rows, _) = parse(format!("{ALL_HEADER}\n{line}\n{ALL_SUMMARY}\n{summary}")).unwrap();
    assert_eq!((rows[0].total_fen, rows[0].fee_millifen), (1, Some(0)));
    assert_eq!((&rows[0].refund, &rows[0].attach), (&None, &None));
    assert_eq!(rows[0].trade_time_ms, EIGHT_MS);
}

#[test]
fn b1_is_read_as_a_fund_flow_bill() {
    let set = set_k();
    let (rows, summary) = parse_fund_flow(text(&set, "/encrypted_bill/plain_csv")).unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.line, row.booked_at_ms), (2, EIGHT_MS));
    assert_eq!(row.flow_id, "1000000000000001");
    assert_eq!(row.direction, FlowDirection::Income);
    assert_eq!((row.amount_fen, row.balance_fen), (100, Some(100)));
    assert_eq!(row.applicant.as_deref(), Some("1900000109API"));
    assert_eq!(
        (row.note.as_deref(), row.voucher.as_deref()),
        (None, Some("T20260101000001"))
    );
    assert_eq!(
        (summary.rows, summary.income_rows, summary.income_fen),
        (1, 1, 100)
    );
    assert_eq!((summary.expense_rows, summary.expense_fen), (0, 0));
}

#[test]
fn a_bill_of_payments_has_no_refund_columns() {
    let header = "交易时间,商户号,微信订单号,商户订单号,交易状态,应结订单金额,手续费,订单金额";
    let line = "`2026-01-01 08:00:00,`19,`42,`T1,`SUCCESS,`0.90,`0.00600,`1.00";
    let end = "总交易单数,应结订单总金额,手续费总金额,订单总金额\n`1,`0.90,`0.00600,`1.00\n";
    let bill = format!("{header}\n{line}\n{end}");
    let parser = TradeBillParser::new(TradeBillType::Success);
    let (rows, summary) = parse_with(parser, bill.as_bytes(), 100).unwrap();
    assert_eq!(
        (rows[0].total_fen, rows[0].settlement_total_fen),
        (100, Some(90))
    );
    assert_eq!((summary.total_fen, summary.fee_millifen), (100, 600));
    let missing = BillParseError::MissingColumn {
        line: 1,
        column: "微信退款单号",
    };
    assert_eq!(
        parse(&bill).unwrap_err(),
        missing,
        "an ALL bill must have them"
    );
}

#[test]
fn a_bill_of_refunds_says_when_each_was_asked_for_and_done() {
    let header = ALL_HEADER.replace("微信退款单号", "退款申请时间,退款成功时间,微信退款单号");
    let line = trade_line(&refund());
    let (before, after) = line.split_at(line.find(",`5000").unwrap());
    let line = format!("{before},`2026-01-01 09:00:00,`{after}");
    let bill = format!(
        "{header}\n{line}\n{ALL_SUMMARY}\n{}\n",
        trade_summary(&[refund()])
    );
    let parser = TradeBillParser::new(TradeBillType::Refund);
    let (rows, _) = parse_with(parser, bill.as_bytes(), 100).unwrap();
    let refund = rows[0].refund.as_ref().unwrap();
    assert_eq!(refund.applied_at_ms, Some(EIGHT_MS + 3_600_000));
    assert_eq!(refund.succeeded_at_ms, None);
}

#[test]
fn an_empty_day_is_a_bill_without_rows() {
    let (rows, summary) = parse(trade_bill(&[], "\r\n")).unwrap();
    assert_eq!((rows, summary), (Vec::new(), TradeBillSummary::default()));
}

#[test]
fn a_byte_order_mark_empty_lines_and_no_last_line_end_are_tolerated() {
    let bill = trade_bill(&[payment()], "\r\n");
    let rows = parse(&bill).unwrap().0;
    for changed in [
        format!("\u{feff}{bill}"),
        format!("{bill}\r\n\n"),
        bill.trim_end().to_owned(),
    ] {
        assert_eq!(parse(changed).unwrap().0, rows);
    }
}

#[test]
fn columns_are_found_by_name_wherever_they_are_and_unknown_ones_are_skipped() {
    let reversed = |line: &str, separator: &str| {
        let mut cells: Vec<&str> = line.split(separator).collect();
        cells.push("新列");
        cells.reverse();
        cells.join(separator)
    };
    let header = reversed(ALL_HEADER, ",");
    let line = format!("`{}", reversed(&trade_line(&refund())[1..], ",`"));
    let summary = trade_summary(&[refund()]);
    let (rows, _) = parse(format!("{header}\n{line}\n{ALL_SUMMARY}\n{summary}\n")).unwrap();
    assert_eq!(
        rows,
        [TradeRow {
            line: 2,
            ..refund()
        }]
    );
}

#[test]
fn missing_columns_are_tolerated_where_the_row_still_means_something() {
    let needed = [
        "交易时间",
        "商户号",
        "微信订单号",
        "商户订单号",
        "交易状态",
        "订单金额",
        "微信退款单号",
        "商户退款单号",
        "申请退款金额",
    ];
    for (position, column) in ALL_HEADER.split(',').enumerate() {
        let without = |line: &str, separator: &str| {
            let mut cells: Vec<&str> = line.split(separator).collect();
            cells.remove(position);
            cells.join(separator)
        };
        let header = without(ALL_HEADER, ",");
        let line = format!("`{}", without(&trade_line(&payment())[1..], ",`"));
        let mut one = payment();
        // The summary of such a bill sums what is there.
        match column {
            "应结订单金额" => one.settlement_total_fen = None,
            "手续费" => one.fee_millifen = None,
            _ => {}
        }
        let bill = format!(
            "{header}\n{line}\n{ALL_SUMMARY}\n{}\n",
            trade_summary(&[one])
        );
        let outcome = parse(bill);
        if needed.contains(&column) {
            assert!(
                matches!(outcome, Err(BillParseError::MissingColumn { line: 1, .. })),
                "{column}"
            );
        } else {
            assert!(outcome.is_ok(), "{column}: {outcome:?}");
        }
    }
}

#[test]
fn a_column_that_comes_twice_is_ambiguous() {
    let bill = trade_bill(&[], "\n").replacen("设备号", "订单金额", 1);
    let twice = BillParseError::RepeatedColumn {
        line: 1,
        column: "订单金额",
    };
    assert_eq!(parse(bill).unwrap_err(), twice);
}

#[test]
fn a_merchants_text_keeps_its_commas_and_its_backticks_but_the_first() {
    let texts = [
        "a,b",
        "`quoted`",
        "``",
        ",",
        "a, `b",
        "\\n",
        "\"x\"",
        " ",
        "总交易单数",
    ];
    for text in texts {
        let one = TradeRow {
            attach: Some(text.to_owned()),
            ..payment()
        };
        let (rows, _) = parse(trade_bill(std::slice::from_ref(&one), "\n")).unwrap();
        assert_eq!(rows, [one]);
    }
}

#[test]
fn a_row_with_more_or_fewer_cells_is_refused() {
    let line = trade_line(&payment());
    let cells = |line: &str| {
        let summary = trade_summary(&[payment()]);
        parse(format!("{ALL_HEADER}\n{line}\n{ALL_SUMMARY}\n{summary}\n")).unwrap_err()
    };
    let error = |found| BillParseError::CellCount {
        line: 2,
        expected: 27,
        found,
    };
    assert_eq!(cells(&format!("{line},`")), error(28));
    assert_eq!(cells(line.strip_suffix(",`").unwrap()), error(26));
    assert_eq!(cells("`"), error(1));
    assert_eq!(cells(&line[1..]), BillParseError::NotARow { line: 2 });
}

#[test]
fn amounts_are_exact_and_have_two_decimals_at_most() {
    let good = [
        ("0", 0),
        ("1", 100),
        ("1.2", 120),
        ("0.01", 1),
        ("-0.29", -29),
        ("0.29", 29),
        ("92233720368547758.07", i64::MAX),
        ("000.10", 10),
    ];
    for (text, fen) in good {
        assert_eq!(decimal::parse(text, 2), Ok(fen), "{text}");
    }
    let bad = [
        ("", CellProblem::Empty),
        ("0.001", CellProblem::TooManyDecimals(2)),
        ("0.000", CellProblem::TooManyDecimals(2)),
        ("92233720368547758.08", CellProblem::TooLarge),
        (
            "99999999999999999999999999999999999999",
            CellProblem::TooLarge,
        ),
    ];
    let nonsense = [
        "1.", ".1", ".", "-", "+1", " 1", "1 ", "1,000.00", "1e2", "１", "0x1", "--1", "1.2.3",
        "1.-2", "NaN", "¥1",
    ];
    let nonsense = nonsense.map(|text| (text, CellProblem::NotANumber));
    for (text, problem) in bad.into_iter().chain(nonsense) {
        assert_eq!(decimal::parse(text, 2), Err(problem), "{text}");
        assert_eq!(cell_fault("订单金额", text), problem);
    }
    assert_eq!(decimal::parse("0.00600", 5), Ok(600));
    assert_eq!(decimal::parse("-0.006", 5), Ok(-600));
    assert_eq!(
        cell_fault("手续费", "0.000001"),
        CellProblem::TooManyDecimals(5)
    );
    assert_eq!(cell_fault("订单金额", "-0.01"), CellProblem::Negative);
    assert_eq!(cell_fault("申请退款金额", "-0.01"), CellProblem::Negative);
}

#[test]
fn times_are_beijings_and_nothing_else() {
    assert_eq!(time(EIGHT_MS), "2026-01-01 08:00:00");
    let bad = [
        "2026-01-01T08:00:00",
        "2026-01-01 8:00:00",
        "2026-02-29 00:00:00",
        "0",
        "2026-01-01 08:00:00Z",
        "2026-01-01 24:00:00",
        "20260101 080000",
        "2026-13-01 00:00:00",
    ];
    for text in bad {
        assert_eq!(
            cell_fault("交易时间", text),
            CellProblem::NotATime,
            "{text}"
        );
    }
    assert_eq!(cell_fault("交易时间", ""), CellProblem::Empty);
    for column in ["商户号", "微信订单号", "商户订单号", "交易状态"] {
        assert_eq!(cell_fault(column, ""), CellProblem::Empty);
    }
}

#[test]
fn unknown_words_are_kept() {
    let one = TradeRow {
        status: TradeRowStatus::Unknown("NEW".to_owned()),
        trade_type: BillTradeType::Unknown("PALM".to_owned()),
        ..payment()
    };
    let (rows, _) = parse(trade_bill(std::slice::from_ref(&one), "\n")).unwrap();
    assert_eq!(rows, [one]);
}

#[test]
fn a_refund_row_must_name_its_refund_and_its_amount() {
    let with = |from: &str, to: &str| {
        let bill = trade_bill(&[refund()], "\n").replacen(from, to, 1);
        parse(bill).unwrap_err()
    };
    let fault = |column| BillParseError::Cell {
        line: 2,
        column,
        problem: CellProblem::Empty,
    };
    assert_eq!(
        with("`50000000382019052709732678859", "`0"),
        fault("微信退款单号")
    );
    assert_eq!(
        with(",`0.00,`0.30,`\n", ",`0.00,`,`\n"),
        fault("申请退款金额")
    );
}

#[test]
fn a_summary_that_differs_in_any_column_is_refused() {
    let rows = [payment(), refund()];
    let bill = trade_bill(&rows, "\n");
    let summary = trade_summary(&rows);
    for (position, column) in ALL_SUMMARY.split(',').enumerate() {
        let mut cells: Vec<&str> = summary[1..].split(",`").collect();
        cells[position] = "77";
        let error = parse(bill.replace(&summary, &row(&cells))).unwrap_err();
        let BillParseError::SummaryDiffers {
            line: 5,
            column: named,
            ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(named, column);
    }
}

#[test]
fn fees_that_were_rounded_to_fen_in_the_summary_agree_within_a_fen() {
    let bill = trade_bill(&[payment()], "\n");
    let with =
        |fees: &str| parse(bill.replace("`0.00540,`1.00", &format!("`{fees},`1.00"))).is_ok();
    assert!(bill.contains("`0.00540,`1.00"));
    for fees in ["0.00540", "0.0054", "0.01", "0.00", "0"] {
        assert!(with(fees), "{fees}");
    }
    for fees in ["0.02", "0.00541", "0.005", "-0.01", "1"] {
        assert!(!with(fees), "{fees}");
    }
}

#[test]
fn a_bill_without_its_end_or_with_more_after_it_is_refused() {
    let bill = trade_bill(&[payment()], "\n");
    let lines: Vec<&str> = bill.lines().collect();
    assert_eq!(parse("").unwrap_err(), BillParseError::NoHeader);
    for length in 1..4 {
        let error = parse(lines[..length].join("\n")).unwrap_err();
        let line = length as u64;
        assert_eq!(error, BillParseError::NoSummary { line });
    }
    let error = parse(format!("{bill}{}\n", lines[1])).unwrap_err();
    assert_eq!(error, BillParseError::AfterSummary { line: 5 });
}

#[test]
fn a_line_has_a_longest_length() {
    let bill = |length: usize| {
        let mut bill = format!("{ALL_HEADER}\n`");
        bill.extend(std::iter::repeat_n('x', length - 1));
        bill
    };
    let too_long = BillParseError::LineTooLong {
        line: 2,
        most_bytes: MOST_LINE_BYTES,
    };
    for piece in [1, 1000, 1_000_000] {
        for end in ["", "\n"] {
            let longest = bill(MOST_LINE_BYTES) + end;
            let longer = bill(MOST_LINE_BYTES + 1) + end;
            let parsed = |text: &str| {
                let parser = TradeBillParser::new(TradeBillType::All);
                parse_with(parser, text.as_bytes(), piece).unwrap_err()
            };
            assert!(matches!(parsed(&longest), BillParseError::CellCount { .. }));
            assert_eq!(parsed(&longer), too_long);
        }
    }
}

#[test]
fn other_than_utf_8_is_refused() {
    let mut bill = trade_bill(&[payment()], "\n").into_bytes();
    let position = bill.windows(2).position(|w| w == b"\n`").unwrap() + 2;
    bill[position] = 0xff;
    assert_eq!(
        parse(bill).unwrap_err(),
        BillParseError::NotUtf8 { line: 2 }
    );
}

#[test]
fn sums_that_leave_64_bits_are_an_error() {
    let one = TradeRow {
        total_fen: i64::MAX,
        ..payment()
    };
    let mut bill = trade_bill(&[], "\n");
    let lines = format!("{0}\n{0}\n", trade_line(&one));
    bill.insert_str(bill.find('\n').unwrap() + 1, &lines);
    let too_large = BillParseError::SumTooLarge {
        line: 3,
        column: "订单金额",
    };
    assert_eq!(parse(bill).unwrap_err(), too_large);
}

#[test]
fn an_error_is_given_again_for_whatever_follows() {
    let mut parser = TradeBillParser::new(TradeBillType::All);
    let error = parser.push(b"nonsense\n").unwrap_err();
    let bill = trade_bill(&[], "\n");
    assert_eq!(parser.push(bill.as_bytes()).unwrap_err(), error);
    assert_eq!(parser.finish(&proof(b"")).unwrap_err(), error);
}

#[test]
fn the_proof_of_another_content_is_refused() {
    let bill = trade_bill(&[payment()], "\n");
    let mut parser = TradeBillParser::new(TradeBillType::All);
    parser.push(bill.as_bytes()).unwrap();
    let error = parser.finish(&proof(b"something else")).unwrap_err();
    assert!(matches!(
        error,
        BillParseError::ProofDiffers {
            proven_bytes: 14,
            ..
        }
    ));
}

fn movement() -> FundFlowRow {
    FundFlowRow {
        line: 2,
        booked_at_ms: EIGHT_MS,
        business_id: Some("42".to_owned()),
        flow_id: "1".to_owned(),
        business_name: Some("退款".to_owned()),
        business_type: Some("退款".to_owned()),
        direction: FlowDirection::Expense,
        amount_fen: 30,
        balance_fen: Some(-5),
        applicant: None,
        note: None,
        voucher: None,
    }
}

fn fund_flow(rows: &[FundFlowRow], summary: &[&str]) -> String {
    let lines: Vec<String> = rows.iter().map(fund_flow_line).collect();
    let lines = lines.join("\r\n");
    format!(
        "{FUND_FLOW_HEADER}\r\n{lines}\r\n{FUND_FLOW_SUMMARY}\r\n{}\r\n",
        row(summary)
    )
}

#[test]
fn fund_flow_columns_may_have_full_width_parentheses_and_a_balance_a_sign() {
    let bill = fund_flow(&[movement()], &["1", "0", "0.00", "1", "0.30"]);
    assert!(bill.contains('（'));
    assert_eq!(parse_fund_flow(bill).unwrap().0, [movement()]);
}

#[test]
fn each_sum_of_a_fund_flow_bill_is_checked() {
    let good = ["1", "0", "0.00", "1", "0.30"];
    for position in 0..good.len() {
        let mut summary = good;
        summary[position] = "7";
        let error = parse_fund_flow(fund_flow(&[movement()], &summary)).unwrap_err();
        assert!(matches!(
            error,
            BillParseError::SummaryDiffers {
                line: 4,
                stated: 7 | 700,
                ..
            }
        ));
    }
    let unknown = FundFlowRow {
        direction: FlowDirection::Unknown("冻结".to_owned()),
        ..movement()
    };
    let bill = fund_flow(&[unknown], &["1", "0", "0.00", "0", "0.00"]);
    assert!(parse_fund_flow(bill).is_ok());
}
