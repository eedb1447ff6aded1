//! Bills: when they are there, what they say, how they are downloaded, and what can be wrong with them.

use std::{fmt::Write as _, io::Read};

use aws_lc_rs::digest;
use serde_json::{Value, json};
use wechatpay_sim::{
    BillFault, BillFaultKind, BillName, BillQuery, Fault, FaultKind, NewFundFlow, PayOrder,
    RefundResult, RowChange, RowKind, SettleRefund,
};

use crate::harness::{PLACE, Reply, SP, SP_APP, SP_USER, SUB, World};

const TRADE: &str = "/v3/bill/tradebill?bill_date=2026-01-01";
/// From eight o'clock, where tests begin, to ten of the next day.
const TO_TEN_MS: i64 = 26 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

fn sha1(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut text = String::new();
    for byte in digest.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The path and query of a download, as a client must sign them.
fn target(world: &World, applied: &Value) -> String {
    let url = applied["download_url"].as_str().unwrap();
    url.strip_prefix(&world.sim.base_url()).unwrap().to_owned()
}

/// Applies, downloads, and holds the file against its hash.
async fn bill(world: &World, target_of_bill: &str) -> String {
    let applied = world.get(target_of_bill).await;
    assert_eq!(applied.status, 200, "{}", applied.json());
    assert!(world.verified_serial(&applied).is_some());
    let applied = applied.json();
    let file = world.get(&target(world, &applied)).await;
    assert_eq!(file.status, 200, "{}", file.json());
    assert_eq!(file.header("Wechatpay-Signature"), None);
    assert_eq!(applied["hash_type"], "SHA1");
    assert_eq!(applied["hash_value"], sha1(&file.body));
    String::from_utf8(file.body).unwrap()
}

fn refund(number: &str, fen: i64) -> Value {
    json!({
        "sub_mchid": SUB,
        "out_trade_no": "T0000001",
        "out_refund_no": number,
        "amount": {"refund": fen, "total": 5000, "currency": "CNY"},
    })
}

/// One order of 50 yuan paid, 20 of them refunded within the day and 10 not yet; another order of 1 yuan.
async fn a_day_of_trade() -> (World, [String; 4]) {
    let world = World::new().await;
    let mut order = world.order("T0000001");
    order["amount"]["total"] = json!(5000);
    order["description"] = json!("茶,\n杯");
    order["attach"] = json!("a\"b");
    order["payer"] = json!({"sp_openid": SP_USER});
    assert_eq!(world.post(PLACE, &order).await.status, 200);
    let paid = world.sim.pay("T0000001", &PayOrder::default()).unwrap();
    let mut ids = vec![paid["transaction_id"].as_str().unwrap().to_owned()];
    for (number, fen) in [("R1", 2000), ("R2", 1000)] {
        world.sim.advance_clock(60_000);
        let accepted = world
            .post("/v3/refund/domestic/refunds", &refund(number, fen))
            .await
            .json();
        ids.push(accepted["refund_id"].as_str().unwrap().to_owned());
    }
    let success = SettleRefund {
        result: RefundResult::Success,
        sp_mchid: None,
    };
    world.sim.settle_refund("R1", &success).unwrap();
    world.sim.advance_clock(60_000);
    ids.push(world.place_and_pay("T0000002").await);
    world.sim.advance_clock(TO_TEN_MS - 180_000);
    (world, ids.try_into().unwrap())
}

#[tokio::test]
async fn a_trade_bill_says_what_happened_that_day() {
    let (world, [first, r1, r2, second]) = a_day_of_trade().await;
    // What happens later does not change it.
    let abnormal = SettleRefund {
        result: RefundResult::Abnormal,
        sp_mchid: None,
    };
    world.sim.settle_refund("R2", &abnormal).unwrap();
    let ledger = world.sim.ledger();
    let user = &ledger.orders[1].payment.as_ref().unwrap().sp_openid;
    let common = format!("`{SP_APP},`{SP},`{SUB},`");
    let expected = [
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
         应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,\
         手续费,费率,订单金额,申请退款金额,费率备注"
            .to_owned(),
        format!(
            "`2026-01-01 08:00:00,{common},`{first},`T0000001,`{SP_USER},`JSAPI,`SUCCESS,`OTHERS,`CNY,`50.00,`0.00,`0,`0,\
             `0.00,`0.00,`,`,`茶\\ \\n杯,`a\"b,`0.30000,`0.60%,`50.00,`0.00,`"
        ),
        format!(
            "`2026-01-01 08:01:00,{common},`{first},`T0000001,`{SP_USER},`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{r1},`R1,\
             `20.00,`0.00,`ORIGINAL,`SUCCESS,`茶\\ \\n杯,`a\"b,`-0.12000,`0.60%,`0.00,`20.00,`"
        ),
        format!(
            "`2026-01-01 08:02:00,{common},`{first},`T0000001,`{SP_USER},`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{r2},`R2,\
             `10.00,`0.00,`ORIGINAL,`PROCESSING,`茶\\ \\n杯,`a\"b,`-0.06000,`0.60%,`0.00,`10.00,`"
        ),
        format!(
            "`2026-01-01 08:03:00,{common},`{second},`T0000002,`{user},`JSAPI,`SUCCESS,`OTHERS,`CNY,`1.00,`0.00,`0,`0,\
             `0.00,`0.00,`,`,`Image形象店-深圳腾大-QQ公仔,`,`0.01000,`0.60%,`1.00,`0.00,`"
        ),
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额".to_owned(),
        "`4,`51.00,`30.00,`0.00,`0.13000,`51.00,`30.00".to_owned(),
    ];
    let written = bill(&world, TRADE).await;
    assert!(written.ends_with("\r\n"));
    for (line, expected) in written.lines().zip(&expected) {
        assert_eq!(line, expected);
    }
    assert_eq!(written.lines().count(), expected.len());
}

#[tokio::test]
async fn each_type_of_trade_bill_has_its_own_columns_and_rows() {
    let (world, [.., r2, _]) = a_day_of_trade().await;
    let success = bill(&world, &format!("{TRADE}&bill_type=SUCCESS")).await;
    let lines: Vec<&str> = success.lines().collect();
    assert_eq!(lines[0].split(',').count(), 20);
    assert!(!lines[0].contains("退款"));
    assert_eq!(lines.len(), 5);
    assert_eq!(
        lines[3],
        "总交易单数,应结订单总金额,手续费总金额,订单总金额"
    );
    assert_eq!(lines[4], "`2,`51.00,`0.31000,`51.00");
    let refunds = bill(&world, &format!("{TRADE}&bill_type=REFUND")).await;
    let lines: Vec<&str> = refunds.lines().collect();
    let columns: Vec<&str> = lines[0].split(',').collect();
    assert_eq!(columns.len(), 29);
    assert_eq!(
        columns[14..17],
        ["退款申请时间", "退款成功时间", "微信退款单号"]
    );
    let values: Vec<&str> = lines[2].split(",`").collect();
    assert_eq!(values[14..17], ["2026-01-01 08:02:00", "", r2.as_str()]);
    assert_eq!(lines[4], "`2,`0.00,`30.00,`0.00,`-0.18000,`0.00,`30.00");
    let all = bill(&world, &format!("{TRADE}&bill_type=ALL&sub_mchid={SUB}")).await;
    assert_eq!(all, bill(&world, TRADE).await);
}

#[tokio::test]
async fn a_bill_is_there_from_ten_o_clock_of_the_next_day() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let today = world.get(TRADE).await;
    assert_eq!(today.refusal(), "400 INVALID_REQUEST");
    world.sim.advance_clock(TO_TEN_MS - 3_600_000 - 1);
    assert_eq!(world.get(TRADE).await.refusal(), "400 STATEMENT_CREATING");
    world.sim.advance_clock(3_600_001);
    assert_eq!(world.get(TRADE).await.status, 200);
    let nothing = "/v3/bill/tradebill?bill_date=2025-12-31";
    assert_eq!(world.get(nothing).await.refusal(), "400 NO_STATEMENT_EXIST");
    let old = "/v3/bill/tradebill?bill_date=2025-10-01";
    assert_eq!(world.get(old).await.refusal(), "400 INVALID_REQUEST");
}

#[tokio::test]
async fn the_parameters_of_bills_are_checked() {
    let (world, _) = a_day_of_trade().await;
    for (query, expected) in [
        ("tradebill", "400 PARAM_ERROR"),
        ("tradebill?bill_date=2026-1-1", "400 PARAM_ERROR"),
        (
            "tradebill?bill_date=2026-01-01&tar_type=ZIP",
            "400 PARAM_ERROR",
        ),
        (
            "tradebill?bill_date=2026-01-01&bill_type=NONE",
            "400 PARAM_ERROR",
        ),
        ("tradebill?bill_date=2026-01-01&page=1", "400 PARAM_ERROR"),
        (
            "tradebill?bill_date=2026-01-01&sub_mchid=1800000000",
            "400 MCH_NOT_EXISTS",
        ),
        (
            "tradebill?bill_date=2026-01-01&bill_type=ALL_SPECIAL",
            "403 NO_AUTH",
        ),
        (
            "tradebill?bill_date=2026-01-01&bill_type=RECHARGE_REFUND",
            "400 NO_STATEMENT_EXIST",
        ),
        (
            "fundflowbill?bill_date=2026-01-01",
            "400 NO_STATEMENT_EXIST",
        ),
        (
            "fundflowbill?bill_date=2026-01-01&account_type=DEPOSIT",
            "400 PARAM_ERROR",
        ),
        (
            "sub-merchant-fundflowbill?bill_date=2026-01-01",
            "400 PARAM_ERROR",
        ),
        (
            "sub-merchant-fundflowbill?bill_date=2026-01-01&sub_mchid=1900000110&account_type=BASIC",
            "400 PARAM_ERROR",
        ),
        (
            "sub-merchant-fundflowbill?bill_date=2026-01-01&sub_mchid=1900000110&account_type=BASIC&algorithm=SM4_GCM",
            "400 INVALID_REQUEST",
        ),
    ] {
        let reply = world.get(&format!("/v3/bill/{query}")).await;
        assert_eq!(reply.refusal(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_packed_bill_is_a_gzip_file_and_its_hash_is_of_the_text() {
    let (world, _) = a_day_of_trade().await;
    let applied = world.get(&format!("{TRADE}&tar_type=GZIP")).await.json();
    let file = world.get(&target(&world, &applied)).await;
    assert_eq!(file.header("Content-Encoding"), None);
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(file.body.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(applied["hash_value"], sha1(&text));
    assert_eq!(text, bill(&world, TRADE).await.into_bytes());
}

#[tokio::test]
async fn a_download_is_signed_as_it_stands_by_who_applied_within_five_minutes() {
    let (world, _) = a_day_of_trade().await;
    let applied = world.get(TRADE).await.json();
    let target = target(&world, &applied);
    assert!(target.contains('%'), "what is escaped stays escaped");
    assert_eq!(world.get(&target).await.status, 200);
    assert_eq!(world.get(&target).await.status, 200);
    assert_eq!(
        world.send("GET", &target, &[], "").await.unwrap().status,
        400
    );
    let (path, _) = target.split_once('?').unwrap();
    let signed_short = world.authorization("GET", path, "");
    let headers = [
        ("Authorization", signed_short.as_str()),
        ("Accept", "*/*"),
        ("User-Agent", "test/1"),
    ];
    let reply = world.send("GET", &target, &headers, "").await.unwrap();
    assert_eq!(reply.refusal(), "401 SIGN_ERROR");
    let packed = format!("{target}&tartype=gzip");
    assert_eq!(world.get(&packed).await.refusal(), "400 INVALID_REQUEST");
    assert_eq!(
        other_provider(&world, &target).await.refusal(),
        "403 NO_AUTH"
    );
    world.sim.advance_clock(5 * 60_000 + 1);
    assert_eq!(world.get(&target).await.refusal(), "400 INVALID_REQUEST");
}

/// The same request, rightly signed by another provider.
async fn other_provider(world: &World, target: &str) -> Reply {
    let keys = world
        .sim
        .provider(wechatpay_sim::NewProvider::default())
        .await
        .unwrap();
    let key = wechatpay::credentials::PrivateKey::from_pem(
        keys.merchant_private_key_pem.as_deref().unwrap(),
    )
    .unwrap();
    let (now, nonce) = (world.now_s(), world.nonce());
    let message = format!("GET\n{target}\n{now}\n{nonce}\n\n");
    let signature = key.sign(message.as_bytes()).unwrap();
    let authorization = format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
         timestamp=\"{now}\",serial_no=\"{}\"",
        keys.sp_mchid, keys.merchant_serial
    );
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Accept", "*/*"),
        ("User-Agent", "test/1"),
    ];
    world.send("GET", target, &headers, "").await.unwrap()
}

#[tokio::test]
async fn the_providers_fund_flow_knows_only_its_own_account() {
    let world = World::new().await;
    world.place_and_pay("T0000001").await;
    let flow = |amount| NewFundFlow {
        sp_mchid: SP.to_owned(),
        amount,
        business_name: None,
        account: wechatpay_sim::Account::Basic,
        voucher: Some("V1".to_owned()),
        time: None,
    };
    world.sim.fund_flow(flow(10_000)).unwrap();
    world.sim.advance_clock(DAY_MS);
    let second = world.sim.fund_flow(flow(-2_550)).unwrap();
    world.sim.fund_flow(flow(50)).unwrap();
    world.sim.advance_clock(TO_TEN_MS);
    let written = bill(&world, "/v3/bill/fundflowbill?bill_date=2026-01-02").await;
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(
        lines[0],
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,\
         备注,业务凭证号"
    );
    let id = &second.flow_id;
    assert_eq!(
        lines[1],
        format!("`2026-01-02 08:00:00,`{id},`{id}0,`提现,`提现,`支出,`25.50,`74.50,`{SP},`,`V1")
    );
    assert_eq!(
        lines[3],
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
    );
    assert_eq!(lines[4], "`2,`1,`0.50,`1,`25.50");
    let other = "/v3/bill/fundflowbill?bill_date=2026-01-02&account_type=FEES";
    assert_eq!(world.get(other).await.refusal(), "400 NO_STATEMENT_EXIST");
}

/// Downloads every part of an encrypted bill and opens it with the merchant's key.
async fn opened(world: &World, query: &str, gzip: bool) -> Vec<Vec<u8>> {
    let target_of_bill = format!(
        "/v3/bill/sub-merchant-fundflowbill?bill_date=2026-01-01&sub_mchid={SUB}&account_type=BASIC\
         &algorithm=AEAD_AES_256_GCM{query}"
    );
    let applied = world.get(&target_of_bill).await;
    assert_eq!(applied.status, 200, "{}", applied.json());
    let applied = applied.json();
    let list = applied["download_bill_list"].as_array().unwrap();
    assert_eq!(applied["download_bill_count"], list.len());
    let mut parts = Vec::new();
    for (place, part) in list.iter().enumerate() {
        assert_eq!(part["bill_sequence"], place + 1);
        let nonce = part["nonce"].as_str().unwrap();
        assert_eq!(nonce.len(), 16);
        let key = world
            .merchant
            .decrypt_oaep(part["encrypt_key"].as_str().unwrap())
            .unwrap();
        let file = world.get(&target(world, part)).await;
        let mut plain =
            wechatpay::v3::aead::open_bytes(&key, nonce.as_bytes(), b"", &file.body).unwrap();
        if gzip {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(plain.as_slice())
                .read_to_end(&mut text)
                .unwrap();
            plain = text;
        }
        assert_eq!(part["hash_value"], sha1(&plain));
        parts.push(plain);
    }
    parts
}

#[tokio::test]
async fn a_sub_merchants_fund_flow_comes_encrypted() {
    let (world, [first, r1, ..]) = a_day_of_trade().await;
    let parts = opened(&world, "", false).await;
    assert_eq!(parts.len(), 1);
    let text = String::from_utf8_lossy(&parts[0]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        format!(
            "`2026-01-01 08:00:00,`{first},`{first}1,`交易,`交易,`收入,`50.00,`50.00,`{SP},`,`T0000001"
        )
    );
    assert_eq!(
        lines[2],
        format!(
            "`2026-01-01 08:00:00,`{first},`{first}2,`扣除交易手续费,`扣除交易手续费,`支出,`0.30,`49.70,`{SP},`,`T0000001"
        )
    );
    assert_eq!(
        lines[3],
        format!("`2026-01-01 08:01:00,`{r1},`{r1}1,`退款,`退款,`支出,`20.00,`29.70,`{SP},`,`R1")
    );
    assert_eq!(*lines.last().unwrap(), "`8,`4,`51.18,`4,`30.31");
    assert_eq!(opened(&world, "&tar_type=GZIP", true).await, parts);
    // In parts, each with a key, a nonce and a hash of its own, that make the whole in their order.
    let small = BillFault {
        bytes: Some(100),
        ..BillFault::of(BillFaultKind::SmallParts)
    };
    world.sim.bill_fault(small).unwrap();
    let cut = opened(&world, "", false).await;
    assert!(cut.len() > 5);
    assert_eq!(cut.concat(), parts[0]);
}

/// The bill with one fault in force, as lines.
async fn spoilt(world: &World, fault: BillFault) -> Vec<String> {
    world.sim.clear_bill_faults();
    world.sim.bill_fault(fault).unwrap();
    let written = bill(world, TRADE).await;
    written.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn rows_are_dropped_changed_duplicated_and_delayed() {
    let (world, _) = a_day_of_trade().await;
    let whole: Vec<String> = bill(&world, TRADE)
        .await
        .lines()
        .map(str::to_owned)
        .collect();
    let of = |kind, rows, count| BillFault {
        rows: Some(rows),
        count: Some(count),
        ..BillFault::of(kind)
    };
    let dropped = spoilt(&world, of(BillFaultKind::Drop, RowKind::Payment, 1)).await;
    assert_eq!(dropped[1..4], whole[2..5]);
    assert_eq!(dropped[5], "`3,`1.00,`30.00,`0.00,`-0.17000,`1.00,`30.00");
    let change = BillFault {
        out_refund_no: Some("R1".to_owned()),
        set: RowChange {
            amount_refund: Some(1999),
            refund_state: Some("FAIL".to_owned()),
            sub_mchid: Some("1900000999".to_owned()),
            ..RowChange::default()
        },
        ..BillFault::of(BillFaultKind::Change)
    };
    let changed = spoilt(&world, change).await;
    assert!(changed[2].contains("`19.99,`0.00,`ORIGINAL,`FAIL,"));
    assert!(changed[2].contains("`1900000999,"));
    assert_eq!(changed[3], whole[3]);
    let twice = spoilt(&world, of(BillFaultKind::Duplicate, RowKind::Refund, 2)).await;
    assert_eq!(twice.len(), whole.len() + 2);
    assert_eq!(twice.iter().filter(|line| **line == whole[2]).count(), 2);
    let late = spoilt(&world, of(BillFaultKind::Delay, RowKind::Payment, 1)).await;
    assert_eq!(late[1..4], whole[2..5]);
    world.sim.advance_clock(DAY_MS);
    let next = bill(&world, "/v3/bill/tradebill?bill_date=2026-01-02").await;
    assert_eq!(next.lines().nth(1), Some(whole[1].as_str()));
}

#[tokio::test]
async fn rows_are_invented_by_the_thousand_and_always_the_same() {
    let world = World::new().await;
    world.sim.advance_clock(TO_TEN_MS);
    let invented = |seed| BillFault {
        count: Some(5_000),
        seed,
        date: Some("2026-01-01".to_owned()),
        ..BillFault::of(BillFaultKind::Add)
    };
    let first = spoilt(&world, invented(7)).await;
    assert_eq!(first.len(), 5_003);
    assert_eq!(first, spoilt(&world, invented(7)).await);
    assert_ne!(first, spoilt(&world, invented(8)).await);
    let numbers: std::collections::HashSet<_> = first[1..5_001]
        .iter()
        .map(|line| line.split(",`").nth(5).unwrap())
        .collect();
    assert_eq!(numbers.len(), 5_000);
    let settled: i64 = first[1..5_001]
        .iter()
        .map(|line| line.split(",`").nth(12).unwrap().replace('.', ""))
        .map(|fen| fen.parse::<i64>().unwrap())
        .sum();
    let total = format!("`5000,`{}.{:02},", settled / 100, settled % 100);
    assert!(first[5_002].starts_with(&total), "{}", first[5_002]);
    let one_refund = BillFault {
        rows: Some(RowKind::Refund),
        set: RowChange {
            out_trade_no: Some("T7777777".to_owned()),
            ..RowChange::default()
        },
        ..BillFault::of(BillFaultKind::Add)
    };
    let one = spoilt(&world, one_refund).await;
    assert!(one[1].contains("`T7777777,") && one[1].contains("`REFUND,"));
}

#[tokio::test]
async fn whole_bills_lie_about_hash_totals_and_length_or_are_not_ready() {
    let (world, _) = a_day_of_trade().await;
    let whole = bill(&world, TRADE).await;
    let summary = spoilt(&world, BillFault::of(BillFaultKind::WrongTotals)).await;
    assert_eq!(summary[6], "`5,`51.01,`30.00,`0.00,`0.13000,`51.01,`30.00");
    for (kind, length) in [
        (BillFaultKind::WrongHash, whole.len()),
        (BillFaultKind::Truncated, whole.len() - 64),
    ] {
        world.sim.clear_bill_faults();
        world.sim.bill_fault(BillFault::of(kind)).unwrap();
        let applied = world.get(TRADE).await.json();
        let file = world.get(&target(&world, &applied)).await;
        assert_eq!(file.body, whole.as_bytes()[..length]);
        assert_ne!(applied["hash_value"], sha1(&file.body), "{kind:?}");
    }
    world.sim.clear_bill_faults();
    let held = BillFault {
        bill: Some(BillName::Trade),
        until_ms: Some(world.sim.now_ms() + 1_000),
        ..BillFault::of(BillFaultKind::NotReady)
    };
    world.sim.bill_fault(held).unwrap();
    assert_eq!(world.get(TRADE).await.refusal(), "400 STATEMENT_CREATING");
    world.sim.advance_clock(1_000);
    assert_eq!(bill(&world, TRADE).await, whole);
}

#[tokio::test]
async fn a_download_breaks_off_when_asked_to() {
    let (world, _) = a_day_of_trade().await;
    for kind in [FaultKind::HalfAnswer, FaultKind::LostAnswer] {
        let applied = world.get(TRADE).await.json();
        let target = target(&world, &applied);
        world
            .sim
            .fault(Fault::of(kind).times(1).on_path("/billdownload/"));
        let authorization = world.authorization("GET", &target, "");
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Accept", "*/*"),
            ("User-Agent", "test/1"),
        ];
        let reply = world.send("GET", &target, &headers, "").await;
        assert!(reply.is_err(), "{kind:?}");
        assert_eq!(world.get(&target).await.status, 200);
    }
}

#[tokio::test]
async fn bills_are_shown_and_spoilt_over_http() {
    let (world, _) = a_day_of_trade().await;
    let shown = world
        .control(
            "GET",
            "/bills?date=2026-01-01&bill_type=SUCCESS",
            &json!({}),
        )
        .await;
    let query = BillQuery {
        date: "2026-01-01".to_owned(),
        bill_type: Some("SUCCESS".to_owned()),
        ..BillQuery::default()
    };
    assert_eq!(shown.body, world.sim.bill(&query).unwrap().into_bytes());
    let wrong = world.control("GET", "/bills?date=soon", &json!({})).await;
    assert_eq!(wrong.status, 400);
    let both = json!({"faults": [
        {"kind": "drop", "out_trade_no": "T0000002"},
        {"kind": "change", "count": 1, "set": {"amount_total": 4999, "fee": 7}},
    ]});
    let set = world.control("POST", "/bills/faults", &both).await.json();
    assert_eq!(set["faults"].as_array().unwrap().len(), 2);
    let written = bill(&world, TRADE).await;
    assert!(written.contains("`0.00007,`0.60%,`49.99,"));
    assert!(!written.contains("T0000002"));
    for wrong in [
        json!({"kind": "add", "count": 20_000_001}),
        json!({"kind": "drop", "date": "1 January"}),
        json!({"kind": "lose"}),
    ] {
        let reply = world.control("POST", "/bills/faults", &wrong).await;
        assert_eq!(reply.status, 400, "{wrong}");
    }
    world.control("DELETE", "/bills/faults", &json!({})).await;
    let none = world.control("GET", "/bills/faults", &json!({})).await;
    assert_eq!(none.json(), json!({"faults": []}));
    let flow = json!({"sp_mchid": SP, "amount": -100});
    let flow = world.control("POST", "/fund-flows", &flow).await.json();
    assert_eq!(flow["business_name"], "提现");
    let past = json!({"sp_mchid": SP, "amount": 1, "time": "2025-12-31T23:59:59+08:00"});
    let past = world.control("POST", "/fund-flows", &past).await.json();
    assert_eq!(past["at_ms"], 1_767_196_799_000_i64);
    let nothing = json!({"sp_mchid": SP, "amount": 0});
    assert_eq!(
        world.control("POST", "/fund-flows", &nothing).await.status,
        400
    );
}
