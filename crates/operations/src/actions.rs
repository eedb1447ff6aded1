//! What a person may do with an object now, and why not: the server knows, an interface only shows.

use tributary_domain::staff::Permission;

use crate::viewer::Viewer;
use crate::{OperationError, PlainWords};

/// One thing that could be done with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What, in a stable word.
    pub name: &'static str,
    /// Why it cannot be done now; absent when it can.
    pub why_not: Option<WhyNot>,
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNot {
    /// In a stable word.
    pub code: &'static str,
    /// For people.
    pub words: PlainWords,
}

impl Action {
    /// An action that is allowed unless a check refuses it.
    pub(crate) fn when<T>(name: &'static str, checked: Result<T, OperationError>) -> Self {
        let why_not = checked.err().map(|error| WhyNot::from(&error));
        Self { name, why_not }
    }

    /// Whether it may be done now.
    pub const fn is_allowed(&self) -> bool {
        self.why_not.is_none()
    }
}

impl WhyNot {
    /// A reason with its words in Chinese and in English.
    pub(crate) fn new(code: &'static str, zh: &str, en: &str) -> Self {
        Self {
            code,
            words: PlainWords {
                zh: zh.to_owned(),
                en: en.to_owned(),
            },
        }
    }

    fn missing(permission: Permission) -> Self {
        Self::new(
            "permission_denied",
            &format!("缺少权限 {permission}。"),
            &format!("The permission {permission} is missing."),
        )
    }
}

impl From<&OperationError> for WhyNot {
    fn from(error: &OperationError) -> Self {
        match error {
            OperationError::PermissionDenied(permission) => Self::missing(*permission),
            OperationError::StateConflict { state } => Self::new(
                "state_conflict",
                &format!("当前状态为 {state}，不能这样做。"),
                &format!("Not possible in the state {state}."),
            ),
            OperationError::OwnRequest => Self::new(
                "own_request",
                "不能审批自己的申请。",
                "Nobody approves a request of their own.",
            ),
            OperationError::InvitedByRequester => Self::new(
                "own_request",
                "申请人邀请了您的账号，不能由您审批。",
                "Whoever asked invited your account.",
            ),
            OperationError::EnrolmentRequired => Self::new(
                "second_factor_enrolment_required",
                "请先绑定第二因素。",
                "A second factor must be enrolled first.",
            ),
            // The rest has words for programs only.
            other => Self::new("refused", &other.to_string(), &other.to_string()),
        }
    }
}

/// Judges one action: first whether the object allows it, but above all whether the person may.
pub(crate) fn action(
    viewer: &Viewer,
    name: &'static str,
    permission: Permission,
    refused: Option<WhyNot>,
) -> Action {
    let why_not = if viewer.may(permission) {
        refused
    } else {
        Some(WhyNot::missing(permission))
    };
    Action { name, why_not }
}
