//! What is still needed of API v2: its signature, the payment parameters under it, and its encrypted refund notice.
//!
//! There is no V2 client; V2 orders and their XML are not spoken here.

mod refund_notice;
mod signature;

pub use refund_notice::{NoticeError, open_refund_notice};
pub use signature::{SignType, pay_parameters, pay_sign, sign, verify};
