//! Notifications and each attempt to deliver one.

use serde::{Deserialize, Serialize};

use super::{Ledger, NotificationIndex, Record, RefundStatus};

/// What a notification is about; its plain text is written from the ledger at each attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Subject {
    /// A payment.
    Transaction {
        /// The order paid.
        out_trade_no: String,
    },
    /// A refund that came to a result.
    Refund {
        /// The order refunded.
        out_trade_no: String,
        /// The refund.
        out_refund_no: String,
        /// The result that is told, which later results do not change.
        status: RefundStatus,
    },
    /// The security self-test.
    Echo {
        /// The message sent back.
        echo_message: String,
    },
}

impl Subject {
    /// The order that this is about, for matching and filtering.
    pub fn out_trade_no(&self) -> Option<&str> {
        match self {
            Self::Transaction { out_trade_no } | Self::Refund { out_trade_no, .. } => {
                Some(out_trade_no)
            }
            Self::Echo { .. } => None,
        }
    }

    /// The refund that this is about, if any.
    pub(crate) fn out_refund_no(&self) -> Option<&str> {
        match self {
            Self::Refund { out_refund_no, .. } => Some(out_refund_no),
            Self::Transaction { .. } | Self::Echo { .. } => None,
        }
    }

    /// WeChat's `event_type`.
    pub fn event_type(&self) -> String {
        match self {
            Self::Transaction { .. } => "TRANSACTION.SUCCESS".to_owned(),
            Self::Refund { status, .. } => format!("REFUND.{}", status.as_str()),
            Self::Echo { .. } => "SECURITY_ECHO.SUCCESS".to_owned(),
        }
    }

    pub(crate) fn original_type(&self) -> &'static str {
        match self {
            Self::Transaction { .. } => "transaction",
            Self::Refund { .. } => "refund",
            Self::Echo { .. } => "security",
        }
    }

    pub(crate) fn summary(&self) -> &'static str {
        match self {
            Self::Transaction { .. } => "支付成功",
            Self::Refund {
                status: RefundStatus::Success,
                ..
            } => "退款成功",
            Self::Refund {
                status: RefundStatus::Closed,
                ..
            } => "退款关闭",
            Self::Refund { .. } => "退款异常",
            Self::Echo { .. } => "安全自检",
        }
    }
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// To be sent, or to be sent again.
    Pending,
    /// Answered with 200 or 204.
    Acknowledged,
    /// Sixteen attempts without acknowledgement.
    Exhausted,
}

/// What kind of delivery an attempt was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// As WeChat sends it.
    Genuine,
    /// A further copy of a genuine delivery.
    Duplicate,
    /// Somebody else's invention, with another amount and a foreign signature.
    Forged,
    /// A SIGNTEST probe.
    Probe,
    /// Signed wrongly.
    WronglySigned,
    /// Signed well, but naming a serial that nobody knows.
    UnknownSerial,
    /// Lost on the way: nothing was sent.
    Withheld,
}

/// One attempt to deliver.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// What was sent.
    pub kind: AttemptKind,
    /// Business time, Unix milliseconds.
    pub at_ms: i64,
    /// `Wechatpay-Serial` of the attempt.
    pub serial: Option<String>,
    /// The receiver's status, when it answered.
    pub http_status: Option<u16>,
    /// The beginning of the receiver's answer.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// A notification and its attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notification {
    /// The same at each attempt.
    pub id: String,
    /// The service provider that is told.
    pub sp_mchid: String,
    /// What it is about.
    pub subject: Subject,
    /// Where it goes.
    pub notify_url: String,
    /// Business time of creation.
    pub created_ms: i64,
    /// Where it stands.
    pub state: NotificationState,
    /// Business time of the next attempt, while pending.
    pub next_attempt_ms: Option<i64>,
    /// How many deliveries the schedule has counted.
    pub deliveries: u32,
    /// Whether a fault has already put it off; it does so once.
    #[serde(default)]
    pub deferred: bool,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Ledger {
    pub(crate) fn notification(&self, index: NotificationIndex) -> Option<&Notification> {
        self.notifications.get(index.0)
    }

    /// Looks through all of them: for people, not for the way of an order.
    pub(crate) fn find_notification(&self, id: &str) -> Option<NotificationIndex> {
        self.notifications
            .iter()
            .position(|known| known.id == id)
            .map(NotificationIndex)
    }

    /// Files a notification that is due at once.
    pub(crate) fn add_notification(
        &mut self,
        sp_mchid: &str,
        subject: Subject,
        notify_url: &str,
        now_ms: i64,
    ) -> NotificationIndex {
        let notification = Notification {
            id: self.ids.notification_id(),
            sp_mchid: sp_mchid.to_owned(),
            subject,
            notify_url: notify_url.to_owned(),
            created_ms: now_ms,
            state: NotificationState::Pending,
            next_attempt_ms: Some(now_ms),
            deliveries: 0,
            deferred: false,
            attempts: Vec::new(),
        };
        let index = NotificationIndex(self.notifications.len());
        self.write_notification(&notification);
        self.file_notification(notification);
        index
    }

    /// Takes over a notification of an earlier run; later lines about one id replace earlier ones.
    pub(crate) fn keep_notification(&mut self, notification: Notification) {
        let number = notification.subject.out_trade_no().unwrap_or_default();
        let known = self
            .notifications_by_number
            .get(number)
            .into_iter()
            .flatten()
            .copied()
            .find(|index| {
                self.notification(*index)
                    .is_some_and(|n| n.id == notification.id)
            });
        match known.and_then(|index| self.notifications.get_mut(index.0)) {
            Some(slot) => *slot = notification,
            None => self.file_notification(notification),
        }
    }

    pub(crate) fn update_notification(
        &mut self,
        index: NotificationIndex,
        change: impl FnOnce(&mut Notification),
    ) {
        let Some(notification) = self.notifications.get_mut(index.0) else {
            return;
        };
        change(notification);
        if self.journal.is_kept() {
            self.journal
                .write(&Record::Notification(Box::new(notification.clone())));
        }
    }

    /// Whatever still has an attempt to come, with its time.
    pub(crate) fn pending_notifications(
        &self,
    ) -> impl Iterator<Item = (i64, NotificationIndex)> + '_ {
        self.notifications
            .iter()
            .enumerate()
            .filter_map(|(position, notification)| {
                Some((notification.next_attempt_ms?, NotificationIndex(position)))
            })
    }

    fn write_notification(&mut self, notification: &Notification) {
        if self.journal.is_kept() {
            self.journal
                .write(&Record::Notification(Box::new(notification.clone())));
        }
    }

    fn file_notification(&mut self, notification: Notification) {
        let index = NotificationIndex(self.notifications.len());
        let number = notification
            .subject
            .out_trade_no()
            .unwrap_or_default()
            .to_owned();
        self.notifications_by_number
            .entry(number)
            .or_default()
            .push(index);
        self.notifications.push(notification);
    }
}
