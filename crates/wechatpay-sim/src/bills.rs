//! Bills: which may be asked for and when, what they say, and the files that they are downloaded as.
//!
//! What a bill says is fixed when it is applied for; its file is written anew at each download, row by row, so that
//! millions of rows take no memory.

mod calendar;
mod faults;
mod files;
mod fund_flow;
mod invented;
mod issued;
mod lines;
mod rows;
mod trade;

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

pub use faults::{BillFault, BillFaultKind, BillName, RowChange, RowKind};
pub(crate) use {
    calendar::Day,
    faults::BillFaults,
    files::{Contents, Issued, download, download_half, stream},
    issued::IssuedBills,
};

use crate::{
    authentication::Caller,
    core::Core,
    ledger::Account,
    providers::Provider,
    refusal::Refusal,
    transactions::{check_relation, query_parameter, refuse_other_parameters},
};
use faults::Whose;
use files::{Form, Sealed};
use fund_flow::FlowBill;
use trade::{BillType, TradeBill};

/// A file can be downloaded for five minutes.
const TOKEN_LIFE_MS: i64 = 5 * 60_000;
/// Encrypted bills come in parts of this size at most; WeChat's are of sixteen gigabytes.
const PART_BYTES: u64 = 16 * 1024 * 1024;
const TRUNCATED_BYTES: u64 = 64;

/// A bill to look at, as it would be written now.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BillQuery {
    /// `yyyy-MM-DD` in Beijing.
    pub date: String,
    /// The provider; may be left out where there is one only.
    pub sp_mchid: Option<String>,
    /// `trade`, `fund_flow` or `sub_merchant_fund_flow`.
    pub bill: BillName,
    /// `ALL`, `SUCCESS` or `REFUND`.
    pub bill_type: Option<String>,
    /// Of a trade bill, only this sub-merchant's rows.
    pub sub_mchid: Option<String>,
    /// Of a fund flow, which account.
    pub account_type: Account,
}

type Parameters = HashMap<String, String>;

/// Who asks for which bill, and where from.
struct Asking<'a> {
    whose: Whose<'a>,
    gzip: bool,
    /// The host that the file is downloaded from: the one that was asked.
    host: &'a str,
}

/// Answers `GET /v3/bill/tradebill`.
pub(crate) fn apply_trade(
    core: &Core,
    provider: &Provider,
    parameters: &Parameters,
    host: &str,
) -> Result<Value, Refusal> {
    let known = ["bill_date", "sub_mchid", "bill_type", "tar_type"];
    refuse_other_parameters(parameters, &known)?;
    let asking = asking(provider, parameters, BillName::Trade, host)?;
    let bill_type = word(
        parameters,
        "bill_type",
        &BILL_TYPES,
        Some(Asked::Type(BillType::All)),
    )?;
    let sub_mchid = parameters.get("sub_mchid").map(String::as_str);
    if sub_mchid.is_some() {
        let sub_mchid = query_parameter(parameters, "sub_mchid")?;
        check_relation(&core.ledger(), provider, sub_mchid)?;
    }
    check_day(core, asking.whose)?;
    match bill_type {
        Asked::Type(bill_type) => {
            let bill = trade_bill(core, asking.whose, bill_type, sub_mchid);
            issue_whole(core, &asking, Contents::Trade(bill))
        }
        Asked::Vouchers => Err(no_statement()),
        Asked::Special => Err(Refusal::new(403, "NO_AUTH", "商户无权限申请该类型账单")),
    }
}

/// What `bill_type` may say.
#[derive(Clone, Copy)]
enum Asked {
    Type(BillType),
    /// Refunds of prepaid vouchers: there are no vouchers here.
    Vouchers,
    /// Bills that few merchants may ask for.
    Special,
}

const BILL_TYPES: [(&str, Asked); 7] = [
    ("ALL", Asked::Type(BillType::All)),
    ("SUCCESS", Asked::Type(BillType::Success)),
    ("REFUND", Asked::Type(BillType::Refund)),
    ("RECHARGE_REFUND", Asked::Vouchers),
    ("ALL_SPECIAL", Asked::Special),
    ("SUC_SPECIAL", Asked::Special),
    ("REF_SPECIAL", Asked::Special),
];

const ACCOUNTS: [(&str, Account); 3] = [
    ("BASIC", Account::Basic),
    ("OPERATION", Account::Operation),
    ("FEES", Account::Fees),
];

/// Answers `GET /v3/bill/fundflowbill`.
pub(crate) fn apply_fund_flow(
    core: &Core,
    provider: &Provider,
    parameters: &Parameters,
    host: &str,
) -> Result<Value, Refusal> {
    refuse_other_parameters(parameters, &["bill_date", "account_type", "tar_type"])?;
    let asking = asking(provider, parameters, BillName::FundFlow, host)?;
    let account = word(parameters, "account_type", &ACCOUNTS, Some(Account::Basic))?;
    check_day(core, asking.whose)?;
    issue_whole(core, &asking, provider_flow(core, asking.whose, account))
}

/// Answers `GET /v3/bill/sub-merchant-fundflowbill`: encrypted for the certificate that signed the request.
pub(crate) fn apply_sub_merchant_fund_flow(
    core: &Core,
    caller: &Caller,
    parameters: &Parameters,
    host: &str,
) -> Result<Value, Refusal> {
    let known = [
        "bill_date",
        "sub_mchid",
        "account_type",
        "algorithm",
        "tar_type",
    ];
    refuse_other_parameters(parameters, &known)?;
    let provider = caller.provider.as_ref();
    let asking = asking(provider, parameters, BillName::SubMerchantFundFlow, host)?;
    let sub_mchid = query_parameter(parameters, "sub_mchid")?;
    let accounts = [
        ("BASIC", true),
        ("OPERATION", false),
        ("FEES", false),
        ("DEPOSIT", false),
    ];
    let has_flows = word(parameters, "account_type", &accounts, None)?;
    let algorithms = [("AEAD_AES_256_GCM", true), ("SM4_GCM", false)];
    if !word(parameters, "algorithm", &algorithms, None)? {
        return Err(Refusal::invalid_request(
            "商户证书不是国密证书，不支持SM4_GCM",
        ));
    }
    check_relation(&core.ledger(), provider, sub_mchid)?;
    check_day(core, asking.whose)?;
    if !has_flows {
        return Err(no_statement());
    }
    let contents = sub_merchant_flow(core, asking.whose, sub_mchid);
    issue_parts(core, caller, &asking, contents)
}

/// Finds the file of `GET /v3/billdownload/file`.
pub(crate) fn find_file(
    core: &Core,
    provider: &Provider,
    parameters: &Parameters,
) -> Result<Arc<Issued>, Refusal> {
    refuse_other_parameters(parameters, &["token", "tartype"])?;
    let token = parameters
        .get("token")
        .ok_or_else(|| Refusal::parameter("query", "token", &Value::Null, "必填字段缺失"))?;
    let now_ms = core.clock.business_ms();
    let found = core.issued_bills().find(token, now_ms);
    let issued =
        found.ok_or_else(|| Refusal::invalid_request("token无效或已过期，请重新申请账单"))?;
    if issued.sp_mchid != provider.record().sp_mchid {
        return Err(Refusal::new(
            403,
            "NO_AUTH",
            "下载账单的商户号与申请账单的商户号不一致",
        ));
    }
    let packed = parameters.get("tartype").map(String::as_str);
    if (packed == Some("gzip")) != matches!(issued.form, Form::Gzip) {
        return Err(Refusal::invalid_request("download_url不完整，请原样使用"));
    }
    Ok(issued)
}

/// What a bill would say now, whether or not it could be asked for.
pub(crate) fn preview(core: &Core, query: &BillQuery) -> Result<Contents, String> {
    let day = Day::parse(&query.date).ok_or("date is written yyyy-MM-DD")?;
    let providers: Vec<String> = {
        let ledger = core.ledger();
        let numbers = ledger
            .providers()
            .map(|provider| provider.record().sp_mchid.clone());
        let wanted = |number: &String| query.sp_mchid.as_ref().is_none_or(|only| only == number);
        numbers.filter(wanted).collect()
    };
    let [sp_mchid] = providers.as_slice() else {
        return Err("sp_mchid names a provider".to_owned());
    };
    let whose = Whose {
        bill: query.bill,
        sp_mchid,
        day,
    };
    let sub_mchid = query.sub_mchid.as_deref();
    match query.bill {
        BillName::Trade => {
            let bill_type = match query.bill_type.as_deref() {
                None | Some("ALL") => BillType::All,
                Some("SUCCESS") => BillType::Success,
                Some("REFUND") => BillType::Refund,
                Some(_) => return Err("bill_type is ALL, SUCCESS or REFUND".to_owned()),
            };
            Ok(Contents::Trade(trade_bill(
                core, whose, bill_type, sub_mchid,
            )))
        }
        BillName::FundFlow => Ok(provider_flow(core, whose, query.account_type)),
        BillName::SubMerchantFundFlow => {
            let sub_mchid = sub_mchid.ok_or("sub_mchid names a sub-merchant")?;
            Ok(sub_merchant_flow(core, whose, sub_mchid))
        }
    }
}

/// Writes a bill into memory: for tests, whose bills are small.
pub(crate) fn text(contents: &Contents) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    contents.write(&mut bytes)?;
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

/// Writes a bill as it is read.
pub(crate) fn show(contents: Contents) -> poem::Body {
    stream(move |out| contents.write(out))
}

fn asking<'a>(
    provider: &'a Provider,
    parameters: &Parameters,
    bill: BillName,
    host: &'a str,
) -> Result<Asking<'a>, Refusal> {
    let date = query_parameter(parameters, "bill_date")?;
    let day = Day::parse(date).ok_or_else(|| {
        let issue = "账单日期格式错误，应为yyyy-MM-DD";
        Refusal::parameter("query", "bill_date", &Value::from(date), issue)
    })?;
    let whose = Whose {
        bill,
        sp_mchid: &provider.record().sp_mchid,
        day,
    };
    Ok(Asking {
        whose,
        gzip: word(parameters, "tar_type", &[("GZIP", true)], Some(false))?,
        host,
    })
}

/// A parameter that is one of the listed words.
fn word<T: Copy>(
    parameters: &Parameters,
    name: &str,
    words: &[(&str, T)],
    absent: Option<T>,
) -> Result<T, Refusal> {
    if let (None, Some(absent)) = (parameters.get(name), absent) {
        return Ok(absent);
    }
    let said = query_parameter(parameters, name)?;
    let known = words.iter().find(|(word, _)| *word == said);
    known.map(|(_, value)| *value).ok_or_else(|| {
        let issue = "不在枚举值之中";
        Refusal::parameter("query", name, &Value::from(said), issue)
    })
}

/// Whether the bills of this day are there by now.
fn check_day(core: &Core, whose: Whose<'_>) -> Result<(), Refusal> {
    let now_ms = core.clock.business_ms();
    calendar::check(whose.day, now_ms)?;
    let faults = core.bill_faults();
    let held = faults.find(BillFaultKind::NotReady, whose);
    let is_held = held.is_some_and(|fault| fault.until_ms.is_none_or(|until| now_ms < until));
    if is_held || now_ms < calendar::ready_ms(whose.sp_mchid, whose.day) {
        return Err(Refusal::new(
            400,
            "STATEMENT_CREATING",
            "账单生成中，请稍后再试",
        ));
    }
    Ok(())
}

fn no_statement() -> Refusal {
    Refusal::new(400, "NO_STATEMENT_EXIST", "账单文件不存在")
}

fn trade_bill(
    core: &Core,
    whose: Whose<'_>,
    bill_type: BillType,
    sub_mchid: Option<&str>,
) -> TradeBill {
    let (rows, before, sp_appid, mut sub_mchids) = {
        let ledger = core.ledger();
        let rows = |day| rows::of_day(&ledger, whose.sp_mchid, day);
        let provider = ledger.provider(whose.sp_mchid);
        let sp_appid = provider.and_then(|provider| provider.record().sp_appids.first().cloned());
        let own = ledger
            .sub_merchants()
            .filter(|sub| sub.sp_mchid == whose.sp_mchid);
        let sub_mchids: Vec<String> = own.map(|sub| sub.sub_mchid.clone()).collect();
        (
            rows(whose.day),
            rows(whose.day.previous()),
            sp_appid,
            sub_mchids,
        )
    };
    // Draws must not depend on the order of a hash map.
    sub_mchids.sort();
    let faults = core.bill_faults();
    TradeBill {
        day: whose.day,
        bill_type,
        sub_mchid: sub_mchid.map(str::to_owned),
        rows: faults.spoil(whose, rows, before),
        invented: faults.invent(whose, &sp_appid.unwrap_or_default(), &sub_mchids),
        wrong_totals: faults.find(BillFaultKind::WrongTotals, whose).is_some(),
    }
}

fn provider_flow(core: &Core, whose: Whose<'_>, account: Account) -> Contents {
    let bill = FlowBill::of_provider(&core.ledger(), whose.sp_mchid, account, whose.day);
    spoilt_flow(core, whose, bill, "")
}

fn sub_merchant_flow(core: &Core, whose: Whose<'_>, sub_mchid: &str) -> Contents {
    let owner = (whose.sp_mchid, sub_mchid);
    let bill = FlowBill::of_sub_merchant(&core.ledger(), owner, whose.day);
    spoilt_flow(core, whose, bill, sub_mchid)
}

fn spoilt_flow(core: &Core, whose: Whose<'_>, mut bill: FlowBill, sub_mchid: &str) -> Contents {
    let faults = core.bill_faults();
    bill.spoil(&faults, whose, sub_mchid);
    bill.wrong_totals = faults.find(BillFaultKind::WrongTotals, whose).is_some();
    Contents::Flow(bill)
}

/// Issues a bill as one file.
fn issue_whole(core: &Core, asking: &Asking<'_>, contents: Contents) -> Result<Value, Refusal> {
    if contents.is_empty() {
        return Err(no_statement());
    }
    let pieces = files::pieces(&contents, u64::MAX).map_err(|_| Refusal::system_error(500))?;
    let sha1 = pieces.first().map(|piece| piece.sha1.clone());
    let form = if asking.gzip { Form::Gzip } else { Form::Plain };
    let download_url = issue(core, asking, Arc::new(contents), form)?;
    Ok(json!({
        "hash_type": "SHA1",
        "hash_value": told_hash(core, asking, &sha1.unwrap_or_default()),
        "download_url": download_url,
    }))
}

/// Issues a bill in encrypted parts, each under a key that only the caller can open.
fn issue_parts(
    core: &Core,
    caller: &Caller,
    asking: &Asking<'_>,
    contents: Contents,
) -> Result<Value, Refusal> {
    if contents.is_empty() {
        return Err(no_statement());
    }
    let small = core
        .bill_faults()
        .find(BillFaultKind::SmallParts, asking.whose)
        .and_then(|fault| fault.bytes);
    let contents = Arc::new(contents);
    let failed = || Refusal::system_error(500);
    let pieces = files::pieces(&contents, small.unwrap_or(PART_BYTES)).map_err(|_| failed())?;
    let mut list = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let (key, nonce) = draw_key(core);
        let encrypt_key = caller
            .provider
            .encrypt_for_merchant(&caller.serial, &key)
            .ok_or_else(failed)?;
        let nonce_text = String::from_utf8_lossy(&nonce).into_owned();
        let sealed = Sealed {
            from: piece.from,
            length: piece.length,
            key,
            nonce,
            gzip: asking.gzip,
        };
        let download_url = issue(core, asking, Arc::clone(&contents), Form::Sealed(sealed))?;
        list.push(json!({
            "bill_sequence": place + 1,
            "download_url": download_url,
            "encrypt_key": encrypt_key,
            "nonce": nonce_text,
            "hash_type": "SHA1",
            "hash_value": told_hash(core, asking, &piece.sha1),
        }));
    }
    Ok(json!({"download_bill_count": list.len(), "download_bill_list": list}))
}

/// A key of 32 bytes and a nonce of 16 characters.
fn draw_key(core: &Core) -> ([u8; 32], [u8; 16]) {
    let mut ledger = core.ledger();
    let mut key = [0; 32];
    for word in key.chunks_mut(8) {
        word.copy_from_slice(&ledger.ids.next().to_be_bytes());
    }
    let mut nonce = [b'0'; 16];
    for (slot, byte) in nonce.iter_mut().zip(ledger.ids.nonce().bytes()) {
        *slot = byte;
    }
    (key, nonce)
}

fn told_hash(core: &Core, asking: &Asking<'_>, sha1: &str) -> String {
    let faults = core.bill_faults();
    match faults.find(BillFaultKind::WrongHash, asking.whose) {
        Some(_) => sha1.chars().rev().collect(),
        None => sha1.to_owned(),
    }
}

/// Files a download and answers its address.
fn issue(
    core: &Core,
    asking: &Asking<'_>,
    contents: Arc<Contents>,
    form: Form,
) -> Result<String, Refusal> {
    let lost_bytes = core
        .bill_faults()
        .find(BillFaultKind::Truncated, asking.whose)
        .map_or(0, |fault| fault.bytes.unwrap_or(TRUNCATED_BYTES));
    let token = {
        let mut ledger = core.ledger();
        let draws: String = (0..4).map(|_| ledger.ids.nonce()).collect();
        BASE64_STANDARD.encode(draws)
    };
    let now_ms = core.clock.business_ms();
    let packed = match form {
        Form::Gzip => "&tartype=gzip",
        Form::Plain | Form::Sealed(_) => "",
    };
    let issued = Issued {
        sp_mchid: asking.whose.sp_mchid.to_owned(),
        until_ms: now_ms.saturating_add(TOKEN_LIFE_MS),
        contents,
        form,
        lost_bytes,
    };
    if !core.issued_bills().add(&token, issued, now_ms) {
        return Err(Refusal::frequency_limited());
    }
    let host = asking.host;
    // What is escaped is signed as it stands: a client that does not keep the address verbatim spoils its signature.
    let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    Ok(format!(
        "http://{host}/v3/billdownload/file?token={token}{packed}"
    ))
}
