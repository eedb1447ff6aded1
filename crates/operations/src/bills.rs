//! Bills: asked for, downloaded, proven, and kept sealed piece by piece. Never is a whole one in memory or in the clear
//! on a disk.

mod intake;
pub mod rows;

use std::time::Duration;

use tributary_domain::bill::{Bill, BillKind, BillName, BillState, BillSums};
use tributary_domain::ids::{BillId, ProviderId};
use tributary_domain::rehearsal::{CrashPoint, crash_point};
use tributary_domain::tenant::Mode;
pub use tributary_storage::bills::BillFilter;
use tributary_storage::{StorageError, bills, leases};
use tributary_vault::Place;
use wechatpay::client::{BillError, BillStep, CallError, Client};
use wechatpay::v3::bills::{
    AccountType, Compression, FundFlowBillRequest, SubMerchantFundFlowBillRequest,
    TradeBillRequest, TradeBillType,
};

use crate::bills::intake::{Intake, IntakeError};
use crate::budgets::{Spending, Urgency, Wish};
use crate::courier;
use crate::pages::{Page, check_limit, cut};
use crate::providers::ProviderHandle;
use crate::reconciliation::NO_ROOM;
use crate::upstream_calls::{CallContext, CallPurpose};
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

/// The most content of one bill, in bytes; 5 million rows are 1.4 GB.
const MOST_BILL_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// When WeChat has made the bill of a day for certain: at ten of the next.
const MADE_MS: i64 = 34 * 60 * 60 * 1_000;
/// How long a node has a provider's bills for itself without saying so again.
const LEASE_MS: i64 = 5 * 60 * 1_000;
/// Pieces and rows of a bill deleted in one transaction.
const EMPTY_BATCH: (u64, u64) = (16, 500);
/// How often room for one more call is looked for, and how long between.
const ROOM_LOOKS: u32 = 4;
const ROOM_PAUSE: Duration = Duration::from_millis(350);
/// A day without business has no content; it stands for the hash of none.
const NO_CONTENT: &str = "none";

/// What became of asking for a bill.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// Stored, now or before; or WeChat says that nothing happened that day.
    Stored(Box<Bill>),
    /// Not to be had now: why, in WeChat's code or a word of ours.
    NotReady(String),
    /// The file is broken and was thrown away: why, in a sentence without a cell of it.
    Broken(String),
}

/// One node at a time asks for a provider's bills, so downloads of one provider never overlap.
#[derive(Debug)]
pub(crate) struct BillLease {
    name: String,
    /// Another for each lease, so that two tasks of one process exclude each other as well.
    owner: String,
}

impl Operations {
    /// Takes a provider's bills for this node; absent while another node has them.
    pub(crate) async fn lease_bills(
        &self,
        provider: &ProviderId,
    ) -> Result<Option<BillLease>, OperationError> {
        let lease = BillLease {
            name: format!("bills:{provider}"),
            owner: courier::new_node_name(),
        };
        Ok(self.hold(&lease, LEASE_MS).await?.then_some(lease))
    }

    /// Gives a provider's bills back.
    pub(crate) async fn release_bills(&self, lease: &BillLease) -> Result<(), OperationError> {
        self.hold(lease, 0).await.map(drop)
    }

    /// Keeps a provider's bills; false when another node has them.
    pub(crate) async fn renew_bills(&self, lease: &BillLease) -> Result<bool, OperationError> {
        self.hold(lease, LEASE_MS).await
    }

    async fn hold(&self, lease: &BillLease, ms: i64) -> Result<bool, OperationError> {
        let tx = self.storage().begin().await?;
        let (name, owner) = (lease.name.as_str(), lease.owner.as_str());
        let held = match leases::acquire(&tx, name, owner, ms).await {
            // Another node made the lease in the same moment.
            Err(StorageError::Duplicate { .. }) => return Ok(false),
            other => other?,
        };
        tx.commit().await?;
        Ok(held)
    }

    /// Gives the stored bill of a name, and asks WeChat for it when there is none. Holds the provider's lease.
    pub(crate) async fn fetch_bill(
        &self,
        handle: &ProviderHandle,
        name: &BillName,
        lease: &BillLease,
    ) -> Result<Fetched, OperationError> {
        if let Some(stored) = bills::find_all_tenants(self.storage(), name).await? {
            return Ok(Fetched::Stored(Box::new(stored)));
        }
        // Whoever began it before does not live any more, for the lease is ours.
        for unfinished in bills::loading_all_tenants(self.storage(), name).await? {
            self.reject_bill(unfinished, "interrupted").await?;
        }
        if !self.has_room_for_bill(&name.provider_id).await {
            return Ok(Fetched::NotReady(NO_ROOM.to_owned()));
        }
        let context = CallContext::provider(CallPurpose::Bill);
        let asked = |client: Client| async move { locate(&client, name).await };
        let found = match self.call(handle, &context, asked).await {
            Ok(answer) => answer.value,
            // Before ten it only means that there is none yet (WeChat partner docs: trade bill).
            Err(error) if error.no_statement() && self.now() >= name.day.at_millis(MADE_MS) => {
                return self.keep_empty_day(handle, name).await;
            }
            Err(error) => return Ok(Fetched::NotReady(why(&error))),
        };
        let mut bill = self.new_bill(handle, name, BillState::Loading);
        bill.content_hash = bill.id.to_string();
        let tx = self.storage().begin().await?;
        bills::insert(&tx, &bill).await?;
        tx.commit().await?;
        let location = handle.client.download_bill(found, MOST_BILL_BYTES);
        let intake = Intake::new(self, bill.clone());
        match self.take_in(location, intake, lease).await {
            Ok(done) => {
                crash_point(CrashPoint::BillProven);
                self.publish(done).await
            }
            Err(IntakeError::Operation(error)) => {
                self.reject_bill(bill, "interrupted").await?;
                Err(error)
            }
            Err(IntakeError::Bill(BillError::Call(error))) => {
                self.reject_bill(bill, "interrupted").await?;
                Ok(Fetched::NotReady(why(&error)))
            }
            Err(IntakeError::Bill(error)) => self.reject_broken(bill, chain(&error)).await,
            Err(IntakeError::Row(reason)) => self.reject_broken(bill, reason).await,
        }
    }

    /// Waits a moment for WeChat's limit, which counts by the second of the wall.
    async fn has_room_for_bill(&self, provider: &ProviderId) -> bool {
        for _ in 0..ROOM_LOOKS {
            let wish = Wish {
                provider,
                tenant: None,
                what: Spending::Bill,
                urgency: Urgency::Asked,
            };
            if self.inner.budgets.spend(wish, self.now()) {
                return true;
            }
            tokio::time::sleep(ROOM_PAUSE).await;
        }
        false
    }

    async fn take_in(
        &self,
        mut download: wechatpay::client::BillDownload,
        mut intake: Intake<'_>,
        lease: &BillLease,
    ) -> Result<Bill, IntakeError> {
        let mut renewed = self.now();
        loop {
            match download.next().await.map_err(IntakeError::Bill)? {
                BillStep::Content(content, rest) => {
                    intake.take(content.unverified_bytes()).await?;
                    download = rest;
                }
                BillStep::End(proof) => return intake.finish(&proof).await,
            }
            if self.now().millis_since(renewed) > LEASE_MS / 5 {
                if !self.renew_bills(lease).await? {
                    let lost = "another node took the provider's bills".to_owned();
                    return Err(OperationError::Internal(lost).into());
                }
                renewed = self.now();
            }
        }
    }

    /// Makes a proven bill count.
    async fn publish(&self, bill: Bill) -> Result<Fetched, OperationError> {
        let tx = self.storage().begin().await?;
        match bills::finish(&tx, &bill).await {
            Ok(()) => tx.commit().await?,
            Err(error) if error.is_duplicate() => {
                drop(tx);
                let name = bill.name.clone();
                self.reject_bill(bill, "stored_before").await?;
                let stored = bills::find_all_tenants(self.storage(), &name).await?;
                let gone = || OperationError::Internal("a stored bill is gone".to_owned());
                return Ok(Fetched::Stored(Box::new(stored.ok_or_else(gone)?)));
            }
            Err(error) => return Err(error.into()),
        }
        tracing::info!(bill.id = %bill.id, provider.id = %bill.name.provider_id, bill.day = %bill.name.day,
            rows = bill.sums.rows, size_bytes = bill.content_bytes, "a bill is stored");
        Ok(Fetched::Stored(Box::new(bill)))
    }

    async fn keep_empty_day(
        &self,
        handle: &ProviderHandle,
        name: &BillName,
    ) -> Result<Fetched, OperationError> {
        let bill = Bill {
            content_hash: NO_CONTENT.to_owned(),
            finished_at: Some(self.now()),
            ..self.new_bill(handle, name, BillState::Empty)
        };
        let tx = self.storage().begin().await?;
        bills::insert(&tx, &bill).await?;
        tx.commit().await?;
        Ok(Fetched::Stored(Box::new(bill)))
    }

    /// Keeps that WeChat refuses a bill, so that it is seen among the bills and not asked for again at once.
    pub(crate) async fn keep_refusal(
        &self,
        handle: &ProviderHandle,
        name: &BillName,
        code: &str,
    ) -> Result<(), OperationError> {
        let bill = self.new_bill(handle, name, BillState::Rejected);
        let bill = Bill {
            content_hash: bill.id.to_string(),
            failure: Some(code.to_owned()),
            finished_at: Some(self.now()),
            ..bill
        };
        let tx = self.storage().begin().await?;
        bills::insert(&tx, &bill).await?;
        Ok(tx.commit().await?)
    }

    fn new_bill(&self, handle: &ProviderHandle, name: &BillName, state: BillState) -> Bill {
        let now = self.now();
        Bill {
            id: BillId::new(now),
            name: name.clone(),
            mode: handle.provider.mode,
            state,
            content_hash: String::new(),
            content_bytes: 0,
            chunks: 0,
            sums: BillSums::default(),
            failure: None,
            created_at: now,
            finished_at: None,
        }
    }

    async fn reject_broken(&self, bill: Bill, reason: String) -> Result<Fetched, OperationError> {
        tracing::warn!(bill.id = %bill.id, provider.id = %bill.name.provider_id, reason,
            "a bill is broken; none of it is kept");
        self.reject_bill(bill, &reason).await?;
        Ok(Fetched::Broken(reason))
    }

    /// Throws a bill away: first it stops being one, then what it holds goes.
    async fn reject_bill(&self, bill: Bill, reason: &str) -> Result<(), OperationError> {
        let rejected = Bill {
            state: BillState::Rejected,
            content_hash: bill.id.to_string(),
            sums: BillSums::default(),
            failure: Some(reason.chars().take(191).collect()),
            finished_at: Some(self.now()),
            ..bill
        };
        let tx = self.storage().begin().await?;
        bills::finish(&tx, &rejected).await?;
        tx.commit().await?;
        self.empty_bill(&rejected.id).await
    }

    /// Deletes what a bill holds, a bounded part in each transaction.
    pub(crate) async fn empty_bill(&self, bill: &BillId) -> Result<(), OperationError> {
        loop {
            let tx = self.storage().begin().await?;
            let gone = bills::empty_all_tenants(&tx, bill, EMPTY_BATCH).await?;
            tx.commit().await?;
            if gone == 0 {
                return Ok(());
            }
        }
    }

    /// Lists bills of one mode, newest first; they are the providers', so no tenant sees one. Needs `bill:read`.
    pub async fn list_bills(
        &self,
        viewer: &Viewer,
        mode: Mode,
        filter: &BillFilter,
        before: Option<&BillId>,
        limit: Option<u64>,
    ) -> Result<Page<Bill>, OperationError> {
        let limit = check_limit(limit)?;
        let longer = limit.saturating_add(1);
        let rows = match viewer.tenant() {
            Some(_) => Vec::new(),
            None => bills::list_all_tenants(self.storage(), mode, filter, before, longer).await?,
        };
        Ok(cut(rows, limit, |bill| bill.id.to_string()))
    }

    /// A bill that the viewer sees. Needs `bill:read`.
    pub async fn bill(&self, viewer: &Viewer, id: &BillId) -> Result<Bill, OperationError> {
        let found = bills::by_id_all_tenants(self.storage(), id).await?;
        let seen = found.filter(|_| viewer.tenant().is_none());
        seen.ok_or(OperationError::NotFound)
    }

    /// One piece of a stored bill's content, opened; absent behind the last one.
    pub async fn bill_piece(
        &self,
        name: &BillName,
        number: i64,
    ) -> Result<Option<Vec<u8>>, OperationError> {
        let bill = bills::find_all_tenants(self.storage(), name).await?;
        let bill = bill.ok_or(OperationError::NotFound)?;
        let Some(sealed) = bills::chunk_all_tenants(self.storage(), &bill.id, number).await? else {
            return Ok(None);
        };
        let row = piece_row(&bill.id, number);
        let (storage, owner) = (self.storage(), name.provider_id.as_str());
        let opened = self
            .sealing()
            .open(storage, owner, &piece(&row), &sealed)
            .await?;
        Ok(Some(opened.to_vec()))
    }
}

/// A piece opens under its own number in its own bill only, so that none can be left out or moved unseen.
fn piece_row(bill: &BillId, number: i64) -> String {
    format!("{bill}/{number}")
}

const fn piece(row: &str) -> Place<'_> {
    Place {
        table: "bill_chunks",
        column: "sealed",
        row,
    }
}

async fn locate(
    client: &Client,
    name: &BillName,
) -> Result<wechatpay::client::Answer<wechatpay::client::Bill>, CallError> {
    let bill_date = name.day.to_string();
    let compression = Compression::Gzip;
    let (sub_mchid, account) = name.account.split_once(':').unwrap_or(("", &name.account));
    let account_type = match account {
        "OPERATION" => AccountType::Operation,
        "FEES" => AccountType::Fees,
        _ => AccountType::Basic,
    };
    match name.kind {
        BillKind::Trade => {
            let request = TradeBillRequest {
                bill_date,
                sub_mchid: None,
                bill_type: TradeBillType::All,
                compression,
            };
            client.trade_bill(&request).await
        }
        BillKind::FundFlow => {
            let request = FundFlowBillRequest {
                bill_date,
                account_type,
                compression,
            };
            client.fund_flow_bill(&request).await
        }
        BillKind::SubMerchantFundFlow => {
            let request = SubMerchantFundFlowBillRequest {
                sub_mchid: sub_mchid.to_owned(),
                bill_date,
                account_type,
                compression,
            };
            client.sub_merchant_fund_flow_bill(&request).await
        }
    }
}

/// WeChat's code, or a word for what kept us from one.
fn why(error: &CallError) -> String {
    error.code().unwrap_or("unreachable").to_owned()
}

/// An error with its causes; those of bills name lines and columns and quote nothing.
fn chain(error: &BillError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    // An error has a few causes, and never itself.
    while let Some(one) = cause {
        told.push_str(": ");
        told.push_str(&one.to_string());
        cause = one.source();
    }
    told
}
