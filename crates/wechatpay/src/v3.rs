//! API v3: what is signed, what is encrypted and what is on the wire. Nothing here calls anybody.

pub mod abnormal_refunds;
pub mod aead;
pub mod bills;
pub mod certificates;
pub mod echo;
pub mod error_body;
pub mod notification;
pub mod pay_parameters;
pub mod refunds;
pub mod request;
pub mod signature;
pub mod time;
pub mod transactions;
pub mod verification;

mod answer_text;

pub use abnormal_refunds::{AbnormalRefund, AbnormalRefundTarget, Payee};
pub use certificates::PlatformCertificate;
pub use echo::{EchoReply, EchoRequest};
pub use error_body::ErrorBody;
pub use notification::{Envelope, Notice};
pub use pay_parameters::PayParameters;
pub use refunds::{Refund, RefundNotice, RefundRequest, RefundStatus};
pub use request::{FrozenBody, InvalidRequest};
pub use transactions::{CloseRequest, JsapiPrepay, Prepay, TradeState, TradeType, Transaction};
pub use verification::{SignatureHeaders, VerifyError};
