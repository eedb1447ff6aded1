//! The files that may be downloaded now, by their tokens.

use std::{collections::HashMap, sync::Arc};

use super::files::Issued;

/// More downloads than this at once are too many: each holds its bill.
const MOST_ISSUED: usize = 1_000;

/// Tokens that are good for a while, and what they open.
#[derive(Default)]
pub(crate) struct IssuedBills {
    by_token: HashMap<String, Arc<Issued>>,
}

impl IssuedBills {
    /// Files a download; false when there are too many.
    pub(super) fn add(&mut self, token: &str, issued: Issued, now_ms: i64) -> bool {
        self.by_token.retain(|_, known| known.until_ms >= now_ms);
        if self.by_token.len() >= MOST_ISSUED {
            return false;
        }
        self.by_token.insert(token.to_owned(), Arc::new(issued));
        true
    }

    /// The file of a token that is still good.
    pub(super) fn find(&self, token: &str, now_ms: i64) -> Option<Arc<Issued>> {
        let issued = self.by_token.get(token)?;
        (issued.until_ms >= now_ms).then(|| Arc::clone(issued))
    }
}
