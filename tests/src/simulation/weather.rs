//! How bad things are at the moment: for the way to WeChat, for the database, for the receivers.

use tributary_domain::rehearsal::CommitFate;
use wechatpay_sim::{Fault, FaultKind};

use super::dice::Dice;

/// Percentages of what goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    /// Calls to WeChat.
    pub(super) wechat: u32,
    /// Commits.
    pub(super) commits: u32,
    /// Notifications.
    pub(super) notices: u32,
    /// Webhooks.
    pub(super) receivers: u32,
    /// Calls during which something else happens.
    pub(super) interludes: u32,
    /// Ends of a process at a call or a commit.
    pub(super) crashes: u32,
}

/// What happens to one call to WeChat.
#[derive(Clone, Debug)]
pub(super) enum CallFate {
    /// It goes through.
    Through,
    /// It never leaves.
    NotSent,
    /// It arrives, and its answer is lost.
    AnswerLost,
    /// It is lost on the way, which nobody can tell from a lost answer.
    RequestLost,
    /// The simulator lets this go wrong.
    Fault(Box<Fault>),
}

/// What a receiver does with one webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    /// Takes it with this status.
    Status(u16),
    /// Takes it, and its answer is lost.
    AnswerLost,
    /// Is not there.
    Refused,
    /// Does not answer in time.
    Hangs,
}

impl Weather {
    pub(super) const CALM: Self = Self {
        wechat: 0,
        commits: 0,
        notices: 0,
        receivers: 0,
        interludes: 0,
        crashes: 0,
    };

    pub(super) fn draw(dice: &mut Dice) -> Self {
        Self {
            wechat: dice.weighted(&[(3, 0), (4, 10), (4, 35), (2, 75)]),
            commits: dice.weighted(&[(5, 0), (4, 4), (2, 15)]),
            notices: dice.weighted(&[(2, 0), (3, 30), (1, 70)]),
            receivers: dice.weighted(&[(3, 0), (4, 20), (3, 60), (1, 95)]),
            interludes: dice.weighted(&[(2, 0), (4, 20), (3, 50)]),
            crashes: dice.weighted(&[(5, 0), (3, 2), (1, 8)]),
        }
    }

    pub(super) fn call(self, dice: &mut Dice) -> CallFate {
        if !dice.chance(self.wechat) {
            return CallFate::Through;
        }
        let fault = |kind| CallFate::Fault(Box::new(Fault::of(kind).times(1)));
        match dice.below(11) {
            0 => CallFate::NotSent,
            1..=3 => CallFate::AnswerLost,
            4..=5 => CallFate::RequestLost,
            6 => {
                let mut broken = Fault::of(FaultKind::ServerError).times(1);
                broken.after_applying = dice.chance(50);
                CallFate::Fault(Box::new(broken))
            }
            7 => fault(FaultKind::FrequencyLimited),
            8 => fault(FaultKind::UnsignedAnswer),
            9 => fault(FaultKind::WrongSignature),
            _ => fault(FaultKind::Refuse),
        }
    }

    pub(super) fn commit(self, dice: &mut Dice) -> CommitFate {
        if dice.chance(self.crashes) {
            return dice.weighted(&[(1, CommitFate::CrashBefore), (1, CommitFate::CrashAfter)]);
        }
        if dice.chance(self.commits) {
            return dice.weighted(&[(1, CommitFate::Refused), (1, CommitFate::MadeInSilence)]);
        }
        CommitFate::Made
    }

    pub(super) fn reception(self, dice: &mut Dice) -> Reception {
        if !dice.chance(self.receivers) {
            return Reception::Status(204);
        }
        dice.weighted(&[
            (4, Reception::Status(500)),
            (2, Reception::Status(503)),
            (1, Reception::Status(302)),
            (1, Reception::Status(410)),
            (3, Reception::AnswerLost),
            (2, Reception::Refused),
            (3, Reception::Hangs),
        ])
    }
}
