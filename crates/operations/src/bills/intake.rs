//! Takes a bill's content in: seals it piece by piece, reads its rows, and stages those that concern us.
//!
//! Nothing here is proven before [`Intake::finish`], and nothing counts before the bill is published.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use tributary_domain::bill::{Bill, BillKind, BillRow, BillState, RowKind};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::TenantId;
use tributary_domain::order::Order;
use tributary_domain::refund::Refund;
use tributary_storage::{StorageError, bill_rows, bills, books};
use wechatpay::client::BillError;
use wechatpay::v3::bills::trade::TradeRowStatus;
use wechatpay::v3::bills::{
    FundFlowBillParser, TradeBillParser, TradeBillType, TradeRow, VerifiedContent,
};

use crate::bills::{piece, piece_row};
use crate::{OperationError, Operations};

/// The longest sealed piece, in bytes of content.
const PIECE_BYTES: usize = 1024 * 1024;
/// Rows whose numbers are looked up, and which are written, in one statement.
const ROWS_BATCH: usize = 512;
/// Rows that are nobody's and still kept, of each bill; of the rest there are counts and sums.
const NOBODYS_ROWS_MAX: i64 = 1_000;
/// What a column holds.
const TEXT_CHARS_MAX: usize = 191;

/// Why a bill was not taken in.
#[derive(Debug)]
pub(super) enum IntakeError {
    /// The download or the file.
    Bill(BillError),
    /// A row that no bill of WeChat's has.
    Row(String),
    /// Something of ours.
    Operation(OperationError),
}

impl From<OperationError> for IntakeError {
    fn from(error: OperationError) -> Self {
        Self::Operation(error)
    }
}

impl From<StorageError> for IntakeError {
    fn from(error: StorageError) -> Self {
        Self::Operation(error.into())
    }
}

enum Reader {
    Trade(Box<TradeBillParser>),
    FundFlow(Box<FundFlowBillParser>),
}

/// A bill on its way in.
pub(super) struct Intake<'a> {
    operations: &'a Operations,
    bill: Bill,
    reader: Reader,
    hash: Sha256,
    /// Content that waits for its piece to be full.
    piece: Vec<u8>,
    /// Rows that are nobody's and kept.
    nobodys: i64,
    /// Tenants of sub-merchants that were met in rows that are nobody's; as bounded as those.
    tenants: HashMap<String, Option<TenantId>>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(operations: &'a Operations, bill: Bill) -> Self {
        let reader = match bill.name.kind {
            BillKind::Trade => Reader::Trade(Box::new(TradeBillParser::new(TradeBillType::All))),
            BillKind::FundFlow | BillKind::SubMerchantFundFlow => {
                Reader::FundFlow(Box::new(FundFlowBillParser::new()))
            }
        };
        Self {
            operations,
            bill,
            reader,
            hash: Sha256::new(),
            piece: Vec::with_capacity(PIECE_BYTES),
            nobodys: 0,
            tenants: HashMap::new(),
        }
    }

    /// Takes the next content, whose size the download bounds.
    pub(super) async fn take(&mut self, content: &[u8]) -> Result<(), IntakeError> {
        self.hash.update(content);
        let length = i64::try_from(content.len()).unwrap_or(i64::MAX);
        self.bill.content_bytes = self.bill.content_bytes.saturating_add(length);
        let mut rest = content;
        while !rest.is_empty() {
            let room = PIECE_BYTES.saturating_sub(self.piece.len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.piece.extend_from_slice(now);
            rest = later;
            self.read(now).await?;
            if self.piece.len() >= PIECE_BYTES {
                self.seal_piece().await?;
            }
        }
        Ok(())
    }

    async fn read(&mut self, content: &[u8]) -> Result<(), IntakeError> {
        let broken = |error| IntakeError::Bill(BillError::Parse(error));
        let rows = match &mut self.reader {
            Reader::Trade(parser) => parser.push(content).map_err(broken)?,
            Reader::FundFlow(parser) => {
                parser.push(content).map_err(broken)?;
                return Ok(());
            }
        };
        let rows: Vec<BillRow> = rows
            .into_iter()
            .map(|row| to_bill_row(&self.bill, row))
            .collect::<Result<_, _>>()
            .map_err(IntakeError::Row)?;
        for batch in rows.chunks(ROWS_BATCH) {
            self.stage(batch).await?;
        }
        Ok(())
    }

    /// Keeps those rows of a batch that are ours, and the first that are nobody's.
    async fn stage(&mut self, batch: &[BillRow]) -> Result<(), IntakeError> {
        let (orders, refunds) = self.route(batch).await?;
        let mut kept = Vec::with_capacity(batch.len());
        for row in batch {
            let order = orders.get(row.out_trade_no.as_str());
            let number = row.out_refund_no.as_deref();
            let refund = number.and_then(|number| refunds.get(number));
            if row.kind == RowKind::Refund {
                self.bill.sums.refund_rows += 1;
            }
            let row = match (order, refund) {
                (None, None) if self.nobodys >= NOBODYS_ROWS_MAX => {
                    let sums = &mut self.bill.sums;
                    sums.unlisted_rows += 1;
                    sums.unlisted_payment_fen += row.total_fen;
                    sums.unlisted_refund_fen += row.refund_fen;
                    continue;
                }
                (None, None) => {
                    self.nobodys += 1;
                    self.of_sub_merchant(row).await?
                }
                (order, refund) => of_ours(row, order, refund),
            };
            kept.push(row);
        }
        if kept.is_empty() {
            return Ok(());
        }
        let tx = self.operations.storage().begin().await?;
        bill_rows::insert_all(&tx, &kept).await?;
        Ok(tx.commit().await?)
    }

    async fn route(
        &self,
        batch: &[BillRow],
    ) -> Result<(HashMap<String, Order>, HashMap<String, Refund>), IntakeError> {
        let (storage, provider) = (self.operations.storage(), &self.bill.name.provider_id);
        let numbers = batch.iter().map(|row| row.out_trade_no.as_str()).collect();
        let routes = books::orders_of_numbers_all_tenants(storage, provider, numbers).await?;
        let orders = routes
            .into_iter()
            .map(|route| (route.out_trade_no, route.order));
        let numbers: Vec<&str> = batch
            .iter()
            .filter_map(|row| row.out_refund_no.as_deref())
            .collect();
        let refunds = if numbers.is_empty() {
            Vec::new()
        } else {
            books::refunds_of_numbers_all_tenants(storage, provider, numbers).await?
        };
        let refunds = refunds
            .into_iter()
            .map(|refund| (refund.out_refund_no.to_string(), refund));
        Ok((orders.collect(), refunds.collect()))
    }

    /// A row whose number is not ours belongs to whoever has its sub-merchant, if anybody has.
    async fn of_sub_merchant(&mut self, row: &BillRow) -> Result<BillRow, IntakeError> {
        if !self.tenants.contains_key(&row.sub_mchid) {
            let (storage, provider) = (self.operations.storage(), &self.bill.name.provider_id);
            let asked = vec![row.sub_mchid.as_str()];
            let found =
                books::tenants_of_sub_merchants_all_tenants(storage, provider, asked).await?;
            let tenant = found.into_iter().next().map(|(_, tenant)| tenant);
            self.tenants.insert(row.sub_mchid.clone(), tenant);
        }
        Ok(BillRow {
            tenant_id: self.tenants.get(&row.sub_mchid).cloned().flatten(),
            ..row.clone()
        })
    }

    async fn seal_piece(&mut self) -> Result<(), IntakeError> {
        let number = self.bill.chunks;
        let row = piece_row(&self.bill.id, number);
        let (operations, owner) = (self.operations, self.bill.name.provider_id.as_str());
        let storage = operations.storage();
        let sealed = operations
            .sealing()
            .seal(storage, owner, &piece(&row), &self.piece, operations.now())
            .await?;
        let sealed_by = tributary_vault::sealing_key_id(&sealed).map_err(OperationError::from)?;
        let tx = storage.begin().await?;
        bills::insert_chunk(&tx, &self.bill.id, number, (sealed, sealed_by)).await?;
        tx.commit().await?;
        self.bill.chunks += 1;
        self.piece.clear();
        Ok(())
    }

    /// Ends the bill: the content is proven, and its summary agrees with its rows.
    pub(super) async fn finish(mut self, proof: &VerifiedContent) -> Result<Bill, IntakeError> {
        if !self.piece.is_empty() {
            self.seal_piece().await?;
        }
        let broken = |error| IntakeError::Bill(BillError::Parse(error));
        let sums = &mut self.bill.sums;
        match self.reader {
            Reader::Trade(parser) => {
                let stated = parser.finish(proof).map_err(broken)?;
                sums.rows = stated.rows;
                sums.payment_fen = stated.total_fen;
                sums.refund_fen = stated.refund_fen;
            }
            Reader::FundFlow(parser) => {
                let stated = parser.finish(proof).map_err(broken)?;
                sums.rows = stated.rows;
                sums.refund_rows = stated.expense_rows;
                sums.payment_fen = stated.income_fen;
                sums.refund_fen = stated.expense_fen;
            }
        }
        self.bill.state = BillState::Verified;
        self.bill.content_hash = hex::encode(self.hash.finalize());
        self.bill.finished_at = Some(self.operations.now());
        Ok(self.bill)
    }
}

/// A row of ours is its tenant's, unless it says another sub-merchant than our order: then it is nobody's to see.
fn of_ours(row: &BillRow, order: Option<&Order>, refund: Option<&Refund>) -> BillRow {
    let order_side = order.map(|order| (&order.tenant_id, &order.sub_mchid, &order.id));
    let refund_side = refund.map(|refund| (&refund.tenant_id, &refund.sub_mchid, &refund.order_id));
    let owner = refund_side.or(order_side);
    let is_theirs = owner.filter(|(_, sub_mchid, _)| sub_mchid.as_str() == row.sub_mchid);
    BillRow {
        tenant_id: is_theirs.map(|(tenant, _, _)| tenant.clone()),
        order_id: owner.map(|(_, _, order)| order.clone()),
        refund_id: refund.map(|refund| refund.id.clone()),
        ..row.clone()
    }
}

fn to_bill_row(bill: &Bill, row: TradeRow) -> Result<BillRow, String> {
    let kind = match row.status {
        TradeRowStatus::Success => RowKind::Payment,
        TradeRowStatus::Refund => RowKind::Refund,
        _ => RowKind::Reversal,
    };
    let refund = row.refund.as_ref();
    let refund_fen = refund.map_or(0, |refund| refund.refund_fen);
    let settled = refund.and_then(|refund| refund.settlement_refund_fen);
    let line = row.line;
    if row.total_fen < 0 || refund_fen < 0 {
        return Err(format!("line {line} has an amount below zero"));
    }
    let fee_base_fen = match kind {
        RowKind::Refund => settled.unwrap_or(refund_fen),
        RowKind::Payment | RowKind::Reversal => row.settlement_total_fen.unwrap_or(row.total_fen),
    };
    let row = BillRow {
        bill_id: bill.id.clone(),
        line: i64::try_from(line).unwrap_or(i64::MAX),
        provider_id: bill.name.provider_id.clone(),
        mode: bill.mode,
        day: bill.name.day,
        kind,
        tenant_id: None,
        order_id: None,
        refund_id: None,
        trade_time: Timestamp::from_millis(row.trade_time_ms),
        sub_mchid: row.sub_mchid.clone().unwrap_or_default(),
        transaction_id: row.transaction_id,
        out_trade_no: row.out_trade_no,
        wechat_refund_id: refund.and_then(|refund| refund.refund_id.clone()),
        out_refund_no: refund.and_then(|refund| refund.out_refund_no.clone()),
        refund_status: refund
            .and_then(|refund| refund.status.as_ref())
            .map(|status| status.as_str().to_owned()),
        trade_type: row.trade_type.as_str().to_owned(),
        bank_type: row.bank_type,
        total_fen: row.total_fen,
        refund_fen,
        fee_base_fen,
        fee_millifen: row.fee_millifen,
        rate: row.rate,
    };
    let texts = [
        Some(&row.sub_mchid),
        Some(&row.transaction_id),
        Some(&row.out_trade_no),
        Some(&row.trade_type),
        row.wechat_refund_id.as_ref(),
        row.out_refund_no.as_ref(),
        row.refund_status.as_ref(),
        row.bank_type.as_ref(),
        row.rate.as_ref(),
    ];
    let fits = |text: &&String| text.len() <= TEXT_CHARS_MAX && !text.bytes().any(|byte| byte == 0);
    if texts.iter().flatten().all(fits) {
        Ok(row)
    } else {
        Err(format!("line {line} has a text that no row has"))
    }
}
