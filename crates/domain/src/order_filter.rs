//! The closed words by which people narrow a list of orders.

use serde::{Deserialize, Serialize};

use crate::state_words::state_words;

state_words! {
    /// Why a person may want to look at an order.
    OrderProblem {
        /// Any of the following but the payments found by a question, which need nobody.
        Any = "any",
        /// A call to WeChat had no certain end.
        Unknown = "unknown",
        /// Money came in, and a person decides what becomes of it.
        Held = "held",
        /// Paid after the close.
        PaidLate = "paid_late",
        /// Paid a second time.
        DuplicatePaid = "duplicate_paid",
        /// Paid with another amount.
        AmountMismatch = "amount_mismatch",
        /// The tenant could not be told.
        Undelivered = "undelivered",
        /// The books and WeChat's bill disagree about it.
        Unmatched = "unmatched_in_bill",
        /// Learned by our own question: WeChat's notification was late or lost.
        FoundByQuery = "found_by_query",
    }
}

state_words! {
    /// How far the tenant was told about an order.
    Told {
        /// Everything that was to be told was taken.
        All = "delivered",
        /// Something is on its way or held back.
        Waiting = "waiting",
        /// Something could not be told.
        Failed = "failed",
        /// No endpoint listens.
        Nobody = "none",
    }
}

state_words! {
    /// How much of an order went back.
    RefundShare {
        /// Nothing, and nothing is on its way.
        None = "none",
        /// Something is on its way.
        UnderWay = "under_way",
        /// A part went back.
        Part = "part",
        /// Everything went back.
        Whole = "whole",
    }
}
