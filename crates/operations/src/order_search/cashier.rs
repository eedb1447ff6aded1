//! Where an order in test mode is paid by hand: the cashier of the simulated WeChat Pay.

use tributary_domain::order::{Attempt, Order, OrderState};
use tributary_domain::staff::Permission;
use tributary_domain::tenant::Mode;
use url::Url;

use crate::orders::view::PayParams;
use crate::providers::is_wechats;
use crate::viewer::Viewer;
use crate::{OperationError, Operations};

impl Operations {
    /// The cashier's address with what the payer's client would show it; absent when the order cannot be paid now, is
    /// not in test mode, or the viewer only reads.
    pub(super) async fn cashier_url(
        &self,
        viewer: &Viewer,
        order: &Order,
        attempts: &[Attempt],
    ) -> Result<Option<String>, OperationError> {
        if order.mode != Mode::Test
            || order.state != OrderState::Paying
            || !viewer.may(Permission::OrderQuery)
        {
            return Ok(None);
        }
        let now = self.now();
        let prepaid = attempts
            .iter()
            .rev()
            .find_map(|attempt| Some((attempt.usable_prepay_id(now)?, attempt.prepared_at?)));
        let Some((prepay_id, prepared_at)) = prepaid else {
            return Ok(None);
        };
        // The page of an order whose provider cannot sign must open all the same.
        let Ok(handle) = self.provider(&order.provider_id).await else {
            return Ok(None);
        };
        if is_wechats(&handle.provider.api_url) {
            return Ok(None);
        }
        let params = self.pay_params(&handle, order, prepay_id, prepared_at);
        Ok(params
            .ok()
            .and_then(|params| link(&handle.provider.api_url, prepay_id, &params)))
    }
}

fn link(simulator: &str, prepay_id: &str, params: &PayParams) -> Option<String> {
    let mut url = Url::parse(simulator).ok()?;
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["cashier", prepay_id]);
    url.query_pairs_mut().extend_pairs([
        ("appId", &params.app_id),
        ("timeStamp", &params.time_stamp),
        ("nonceStr", &params.nonce_str),
        ("package", &params.package),
        ("signType", &params.sign_type),
        ("paySign", &params.pay_sign),
    ]);
    Some(url.into())
}
