//! Opens and reads a synthetic trade bill without holding it, and prints rows per second and the peak of memory.
//!
//! `cargo run --release -p wechatpay --example bill_speed -- 5000000`
#![expect(
    clippy::print_stdout,
    reason = "a program that prints what it measured"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use wechatpay::server::{bill_hash, pack_bill};
use wechatpay::v3::bills::content::MOST_PIECE_BYTES;
use wechatpay::v3::bills::{
    Compression, ContentDecoder, TradeBillParser, TradeBillSummary, TradeBillType,
};

const DEFAULT_ROWS: u64 = 5_000_000;
const ROWS_PER_BLOCK: u64 = 1_000;
const MOST_BYTES: u64 = u64::MAX;
const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,\
商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n";
const SUMMARY: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n";

/// A bill is written block by block; each block is as good as another, so it is never in memory as a whole.
struct Writer {
    rows: u64,
}

impl Writer {
    fn blocks(&self) -> impl Iterator<Item = String> + use<> {
        let rows = self.rows;
        let first = (0..rows).step_by(usize::try_from(ROWS_PER_BLOCK).unwrap_or(1));
        let body = first.map(move |first| block(first, rows.min(first + ROWS_PER_BLOCK)));
        let end = format!(
            "{SUMMARY}`{rows},`{0},`0.00,`0.00,`{1}.{2:05},`{0},`0.00\r\n",
            format_args!("{}.{:02}", rows * 888 / 100, rows * 888 % 100),
            rows * 4795 / 100_000,
            rows * 4795 % 100_000,
        );
        std::iter::once(HEADER.to_owned()).chain(body).chain([end])
    }
}

fn block(first: u64, end: u64) -> String {
    let mut block = String::new();
    for number in first..end {
        // Writing to a string cannot fail.
        let _ = write!(
            block,
            "`2026-01-01 {:02}:{:02}:{:02},`wx1111111111111111,`1900000109,`1900000110,`,\
             `42000000002026010100{number:08},`T20260101{number:010},`oSpOpenid0000000000000000001,`JSAPI,\
             `SUCCESS,`OTHERS,`CNY,`8.88,`0.00,`0,`0,`0.00,`0.00,`,`,`拿铁咖啡 大杯,`table 7,`0.04795,`0.54%,\
             `8.88,`0.00,`\r\n",
            number / 3600 % 24,
            number / 60 % 60,
            number % 60,
        );
    }
    block
}

/// Parses alone: what a second of one core reads.
fn parse(writer: &Writer) -> Result<TradeBillSummary, Box<dyn Error>> {
    let mut parser = TradeBillParser::new(TradeBillType::All);
    let mut decoder = None;
    let (mut bytes, mut seconds) = (0, 0.0);
    for block in writer.blocks() {
        let started = Instant::now();
        let rows = parser.push(block.as_bytes())?;
        drop(rows);
        seconds += started.elapsed().as_secs_f64();
        bytes += block.len();
        decoder = Some(block);
    }
    drop(decoder);
    report("parse", writer.rows, bytes, seconds);
    Ok(parser.finish(&proof(writer)?)?)
}

/// Proves the same content by the decoder of plain files.
fn proof(writer: &Writer) -> Result<wechatpay::v3::bills::VerifiedContent, Box<dyn Error>> {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    writer
        .blocks()
        .for_each(|block| hash.update(block.as_bytes()));
    let hash = hex::encode(hash.finish());
    let mut decoder = ContentDecoder::new("SHA1", &hash, Compression::None, MOST_BYTES)?;
    let (mut bytes, mut seconds) = (0, 0.0);
    for block in writer.blocks() {
        let started = Instant::now();
        for piece in block.as_bytes().chunks(MOST_PIECE_BYTES) {
            bytes += decoder.push(piece)?.unverified_bytes().len();
        }
        seconds += started.elapsed().as_secs_f64();
    }
    report("hash", writer.rows, bytes, seconds);
    Ok(decoder.finish()?.1)
}

/// Decrypts, unpacks and parses a part that fits into memory, over and over.
fn whole_way(writer: &Writer) -> Result<(), Box<dyn Error>> {
    const KEY: &[u8; 32] = b"FEDCBA9876543210FEDCBA9876543210";
    const NONCE: &str = "a8607ef79034c49c";
    const ROWS: u64 = 100_000;
    let content: String = Writer { rows: ROWS }.blocks().collect();
    let packed = pack_bill(content.as_bytes(), Compression::Gzip)?;
    let file = wechatpay::v3::aead::seal_bytes(KEY, NONCE.as_bytes(), &packed)?;
    let hash = bill_hash(content.as_bytes());
    let repetitions = writer.rows.div_ceil(ROWS);
    let started = Instant::now();
    for _ in 0..repetitions {
        let decoder = ContentDecoder::new("SHA1", &hash, Compression::Gzip, MOST_BYTES)?;
        let mut decoder = decoder.decrypting(KEY, NONCE)?;
        let mut parser = TradeBillParser::new(TradeBillType::All);
        for piece in file.chunks(MOST_PIECE_BYTES) {
            drop(parser.push(decoder.push(piece)?.unverified_bytes())?);
        }
        let (last, proof) = decoder.finish()?;
        drop(parser.push(last.unverified_bytes())?);
        parser.finish(&proof)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let bytes = content.len() * usize::try_from(repetitions)?;
    report(
        "decrypt, unpack, hash, parse",
        ROWS * repetitions,
        bytes,
        seconds,
    );
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for people, not for money"
)]
fn report(what: &str, rows: u64, bytes: usize, seconds: f64) {
    let rate = rows as f64 / seconds;
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    println!(
        "{what}: {rows} rows, {mebibytes:.0} MiB in {seconds:.2} s: {rate:.0} rows/s, {:.0} MiB/s; {}",
        mebibytes / seconds,
        peak()
    );
}

/// What Linux says of this process's largest resident size.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or("peak unknown".to_owned(), |line| {
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args().nth(1);
    let rows = rows.map_or(Ok(DEFAULT_ROWS), |rows| rows.parse())?;
    let writer = Writer { rows };
    let summary = parse(&writer)?;
    println!(
        "checked against the summary: {} rows, {} fen",
        summary.rows, summary.total_fen
    );
    whole_way(&writer)
}
