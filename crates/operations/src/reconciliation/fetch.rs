//! Fetches the fund flows of a day: the provider's own, and each sub-merchant's that WeChat gives.

use tributary_domain::bill::{BillDay, BillKind, BillName};
use tributary_storage::{bills, books};

use crate::bills::{BillLease, Fetched};
use crate::providers::ProviderHandle;
use crate::reconciliation::{FUND_FLOW_ACCOUNTS, HOUR_MS};
use crate::settlement::{About, raise};
use crate::{OperationError, Operations};

/// Sub-merchants whose fund flows are asked for in one statement.
const SUB_MERCHANTS_PAGE: u64 = 500;
/// So long a refused fund flow is not asked for again.
const REFUSED_FOR_MS: i64 = 24 * HOUR_MS;
/// Sub-merchants with a refused fund flow that a person is told of in one run.
const REFUSED_TOLD_MAX: usize = 100;
const NO_AUTH: &str = "NO_AUTH";

impl Operations {
    /// Stores the fund flows of a day; why not all of them, when not.
    pub(super) async fn fetch_fund_flows(
        &self,
        handle: &ProviderHandle,
        day: BillDay,
        lease: &BillLease,
    ) -> Result<Option<String>, OperationError> {
        let name = |kind, account: String| BillName {
            provider_id: handle.provider.id.clone(),
            day,
            kind,
            account,
        };
        for account in FUND_FLOW_ACCOUNTS {
            let name = name(BillKind::FundFlow, account.to_owned());
            if let Some(reason) = missed(self.fetch_bill(handle, &name, lease).await?) {
                return Ok(Some(reason));
            }
        }
        let (mut after, mut stored, mut refused) = (String::new(), 0_usize, Vec::new());
        loop {
            let storage = self.storage();
            let provider = &handle.provider.id;
            let page = books::sub_mchids_all_tenants(storage, provider, &after, SUB_MERCHANTS_PAGE)
                .await?;
            let Some(last) = page.last() else {
                break;
            };
            after.clone_from(last);
            if !self.renew_bills(lease).await? {
                return Ok(Some("busy".to_owned()));
            }
            for sub_mchid in page {
                let name = name(BillKind::SubMerchantFundFlow, format!("{sub_mchid}:BASIC"));
                match missed(self.fetch_or_refused(handle, &name, lease).await?) {
                    // One sub-merchant's permission says nothing about the others'.
                    Some(reason) if reason == NO_AUTH => refused.push(sub_mchid),
                    Some(reason) => return Ok(Some(reason)),
                    None => stored = stored.saturating_add(1),
                }
                // So many in a row and none given: the product is not open to the provider.
                if stored == 0 && refused.len() >= REFUSED_TOLD_MAX {
                    return Ok(None);
                }
                refused.truncate(REFUSED_TOLD_MAX);
            }
        }
        // Where all are refused, the product is not open to the provider.
        if stored > 0 {
            self.tell_refused(handle, &refused).await?;
        }
        Ok(None)
    }

    /// Fetches a sub-merchant's fund flow, unless WeChat refused it a moment ago.
    async fn fetch_or_refused(
        &self,
        handle: &ProviderHandle,
        name: &BillName,
        lease: &BillLease,
    ) -> Result<Fetched, OperationError> {
        let storage = self.storage();
        let since = self.now().plus_millis(-REFUSED_FOR_MS);
        if bills::is_refused_all_tenants(storage, name, NO_AUTH, since).await? {
            return Ok(Fetched::NotReady(NO_AUTH.to_owned()));
        }
        let fetched = self.fetch_bill(handle, name, lease).await?;
        if matches!(&fetched, Fetched::NotReady(reason) if reason == NO_AUTH) {
            self.keep_refusal(handle, name, NO_AUTH).await?;
        }
        Ok(fetched)
    }

    /// Tells a person once of each sub-merchant whose fund flow WeChat refuses while it gives others'.
    async fn tell_refused(
        &self,
        handle: &ProviderHandle,
        refused: &[String],
    ) -> Result<(), OperationError> {
        let about = About {
            code: "fund_flow_refused",
            tenant: None,
            order: None,
        };
        let (provider, now) = (&handle.provider.id, self.now());
        for sub_mchid in refused {
            let detail = serde_json::json!({ "provider_id": provider, "sub_mchid": sub_mchid });
            let tx = self.storage().begin().await?;
            raise(&tx, provider, &about, detail.to_string(), now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn missed(fetched: Fetched) -> Option<String> {
    match fetched {
        Fetched::Stored(_) => None,
        Fetched::NotReady(reason) => Some(reason),
        Fetched::Broken(_) => Some("broken_bill".to_owned()),
    }
}
