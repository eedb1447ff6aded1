//! What the pages of the console share: who looks, lists, actions with reasons.

use tributary_domain::ids::{OrderId, RefundId};
use tributary_domain::tenant::Mode;
use tributary_operations::OperationError;
use tributary_operations::pages::{Place, read_cursor};
use tributary_operations::tenancy;
use tributary_operations::viewer::{Reach, Viewer};

use super::guards::StaffCall;
use crate::pagination::Parameters;

impl StaffCall {
    /// How far the caller sees, and what in clear.
    pub(super) fn viewer(&self) -> Viewer {
        let reach = match self.caller.scope.tenant() {
            Some(tenant) => Reach::Tenant(tenant.clone()),
            None => Reach::Platform,
        };
        Viewer::new(reach, self.caller.permissions())
    }

    /// Writes down that the caller is shown who paid, in clear, before it is.
    pub(super) async fn note_payers_read(&self, of: &str) -> Result<(), OperationError> {
        self.operations.note_payers_read(&self.caller, of).await
    }

    /// Reads for the caller while an answer is on its way: whose rows may be touched is not known there any more.
    pub(super) async fn streamed<T>(&self, work: impl Future<Output = T>) -> T {
        match self.caller.scope.tenant() {
            Some(tenant) => tenancy::within(tenant.clone(), work).await,
            None => tenancy::platform(work).await,
        }
    }
}

impl Parameters {
    /// The world that a list shows: live unless another is named.
    pub(super) fn mode(&mut self, text: Option<&str>) -> Mode {
        let read = |text: &str| Mode::parse(text).ok_or("must be live or test");
        self.parse("mode", text, read).unwrap_or(Mode::Live)
    }

    /// One of a closed set of words.
    pub(super) fn word<T>(
        &mut self,
        name: &str,
        text: Option<&str>,
        read: fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.parse(name, text, |text| {
            read(text).ok_or("is not one of the words")
        })
    }

    /// A short text that is compared with what is stored.
    pub(super) fn short(&mut self, name: &str, text: Option<&str>) -> Option<String> {
        const CHARS_MAX: usize = 191;
        self.parse(name, text, |text| {
            let fits = (1..=CHARS_MAX).contains(&text.chars().count());
            if fits && !text.chars().any(char::is_control) {
                Ok(text.to_owned())
            } else {
                Err("must have 1 to 191 characters, none of them a control character")
            }
        })
    }

    /// What stands for a payer.
    pub(super) fn payer_hash(&mut self, text: Option<&str>) -> Option<String> {
        const DIGITS: usize = 64;
        self.parse("payer_hash", text, |text| {
            let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if text.len() == DIGITS && text.bytes().all(is_digit) {
                Ok(text.to_owned())
            } else {
                Err("must be 64 hexadecimal digits, lower case")
            }
        })
    }

    /// The id of an order or a refund.
    pub(super) fn subject(&mut self, text: Option<&str>) -> Option<String> {
        self.parse("subject_id", text, |text| {
            let is_id = text.parse::<OrderId>().is_ok() || text.parse::<RefundId>().is_ok();
            if is_id {
                Ok(text.to_owned())
            } else {
                Err("must be the id of an order or a refund")
            }
        })
    }

    /// Where a page begins.
    pub(super) fn place<T: std::str::FromStr>(&mut self, text: Option<&str>) -> Option<Place> {
        self.parse("cursor", text, |text| {
            read_cursor::<T>(text).map_err(|_: OperationError| "must be a next_cursor of this list")
        })
    }
}
