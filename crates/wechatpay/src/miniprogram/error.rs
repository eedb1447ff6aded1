//! Why a login failed, one variant per documented `errcode`, and what follows from it.

use crate::client::{Actor, Explanation, Failure, TransportError};

/// A login that gave no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// WeChat is busy (-1); the code may be used up all the same.
    #[error("WeChat is busy")]
    Busy,
    /// The code is expired or belongs to another app (40029).
    #[error("the login code is invalid")]
    InvalidCode,
    /// The code was exchanged before (40163), usually by a double submit.
    #[error("the login code was used before")]
    UsedCode,
    /// Too many logins of this user (45011).
    #[error("the user logs in too often")]
    TooOften,
    /// WeChat refuses this user (40226).
    #[error("WeChat refuses this user as a risk")]
    RiskyUser,
    /// The appid is invalid (40013).
    #[error("the appid is invalid")]
    InvalidAppid,
    /// The secret is invalid (40125), for instance because it was reset.
    #[error("the secret of the mini-program is invalid")]
    InvalidSecret,
    /// The appid is missing (41002).
    #[error("the appid is missing")]
    MissingAppid,
    /// The secret is missing (41004).
    #[error("the secret of the mini-program is missing")]
    MissingSecret,
    /// The code is missing (41008).
    #[error("the login code is missing")]
    MissingCode,
    /// An `errcode` that this version does not know.
    #[error("WeChat answered errcode {0}")]
    Other(i64),
    /// No answer came.
    #[error("no answer came")]
    Transport(#[source] TransportError),
    /// An HTTP status other than 200.
    #[error("WeChat answered with status {0}")]
    Status(u16),
    /// An answer without openid, or not JSON.
    #[error("the answer is unusable")]
    Undecodable,
}

impl LoginError {
    pub(super) fn from_errcode(errcode: i64) -> Self {
        match errcode {
            -1 => Self::Busy,
            40029 => Self::InvalidCode,
            40163 => Self::UsedCode,
            45011 => Self::TooOften,
            40226 => Self::RiskyUser,
            40013 => Self::InvalidAppid,
            40125 => Self::InvalidSecret,
            41002 => Self::MissingAppid,
            41004 => Self::MissingSecret,
            41008 => Self::MissingCode,
            other => Self::Other(other),
        }
    }

    /// Returns WeChat's number of the error.
    pub fn errcode(&self) -> Option<i64> {
        Some(match self {
            Self::Busy => -1,
            Self::InvalidCode => 40029,
            Self::UsedCode => 40163,
            Self::TooOften => 45011,
            Self::RiskyUser => 40226,
            Self::InvalidAppid => 40013,
            Self::InvalidSecret => 40125,
            Self::MissingAppid => 41002,
            Self::MissingSecret => 41004,
            Self::MissingCode => 41008,
            Self::Other(errcode) => *errcode,
            Self::Transport(_) | Self::Status(_) | Self::Undecodable => return None,
        })
    }

    /// Explains the error to a person.
    pub fn explanation(&self) -> Explanation {
        let (failure, status) = match self {
            Self::Transport(error) => (error.failure(), None),
            Self::Status(status @ 500..) => (Failure::ServerError, Some(*status)),
            Self::Status(status) => (Failure::Refused, Some(*status)),
            Self::Undecodable => (Failure::Unusable, None),
            _ => (Failure::Refused, None),
        };
        let code = self.errcode().map(|errcode| errcode.to_string());
        Explanation {
            who_must_act: self.who_must_act(),
            retryable: self.retryable(),
            ..failure.explain(status, code.as_deref(), None)
        }
    }

    /// Tells whether the same code may be tried again, once or twice and not at once.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::TooOften | Self::Transport(_) | Self::Status(500..)
        )
    }

    /// Tells whether the code may be used up, so that a failed repetition asks for a new `wx.login`.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Busy | Self::Status(500..) | Self::Undecodable => true,
            Self::Transport(error) => !error.nothing_sent(),
            _ => false,
        }
    }

    /// Tells whether only a new `wx.login` helps.
    pub fn needs_new_login(&self) -> bool {
        matches!(self, Self::InvalidCode | Self::UsedCode)
    }

    /// Names who must act before a login can succeed.
    pub fn who_must_act(&self) -> Actor {
        match self {
            Self::InvalidAppid | Self::InvalidSecret => Actor::Tenant,
            Self::Busy | Self::Status(500..) | Self::Transport(TransportError::Timeout(_)) => {
                Actor::WeChat
            }
            Self::InvalidCode | Self::UsedCode | Self::TooOften | Self::RiskyUser => Actor::Nobody,
            _ => Actor::Platform,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_errcode_is_explained_by_its_own_words() {
        for errcode in [
            -1, 40029, 40163, 45011, 40226, 40013, 40125, 41002, 41004, 41008,
        ] {
            let error = LoginError::from_errcode(errcode);
            let said = error.explanation();
            let in_table = Failure::Refused.explain(None, Some(&errcode.to_string()), None);
            assert_eq!(said, in_table, "{errcode}");
            assert_ne!(said.en, LoginError::Other(1).explanation().en, "{errcode}");
        }
    }
}
