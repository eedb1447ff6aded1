//! Moving orders, refunds, time and faults by hand.

use serde_json::{Value, json};

use super::{ControlError, Controlled, FaultWish, NewCode, SettleRefund};
use crate::{
    clock::rfc3339,
    core::Core,
    faults::{Fault, Host},
    ledger::{LedgerFilter, LedgerView, LoginCode, OrderIndex, RefundStatus},
    refunds::{self, ResultProblem},
    transactions::{self, PayOnClose, PayOrder, PaymentProblem},
};

impl Core {
    /// Pays an order by its number.
    pub(crate) fn pay_order(&self, out_trade_no: &str, wish: &PayOrder) -> Controlled<Value> {
        check_amount(wish)?;
        let index = self.order_numbered(out_trade_no, wish.sp_mchid.as_deref())?;
        let transaction_id =
            transactions::pay(self, index, wish).map_err(|problem| match problem {
                PaymentProblem::NoOrder => no_order(out_trade_no),
                PaymentProblem::SuccessTime => ControlError::Invalid(problem.to_string()),
                _ => ControlError::Conflict(problem.to_string()),
            })?;
        Ok(json!({"out_trade_no": out_trade_no, "transaction_id": transaction_id}))
    }

    /// Lets the next close of an order lose the race against its payment.
    pub(crate) fn pay_on_close(&self, out_trade_no: &str, wish: PayOnClose) -> Controlled<Value> {
        check_amount(&wish.pay)?;
        let index = self.order_numbered(out_trade_no, wish.pay.sp_mchid.as_deref())?;
        let now_ms = self.clock.business_ms();
        let answer = wish.answer;
        self.ledger()
            .update_order(index, now_ms, |order| order.pay_on_close = Some(wish));
        Ok(json!({"out_trade_no": out_trade_no, "answer": answer}))
    }

    /// Closes an order by its number, as WeChat's own clean-up does.
    pub(crate) fn close_order(
        &self,
        out_trade_no: &str,
        sp_mchid: Option<&str>,
    ) -> Controlled<Value> {
        let index = self.order_numbered(out_trade_no, sp_mchid)?;
        let now_ms = self.clock.business_ms();
        transactions::close_unpaid(&mut self.ledger(), index, now_ms)
            .map_err(|refusal| ControlError::Conflict(refusal.message.into_owned()))?;
        Ok(json!({"out_trade_no": out_trade_no, "trade_state": "CLOSED"}))
    }

    /// Brings a refund to its result.
    pub(crate) fn settle_refund(
        &self,
        out_refund_no: &str,
        wish: &SettleRefund,
    ) -> Controlled<Value> {
        let index = {
            let ledger = self.ledger();
            let fits = |sp_mchid: &str| wish.sp_mchid.as_deref().is_none_or(|m| m == sp_mchid);
            ledger
                .refunds_numbered(out_refund_no)
                .iter()
                .copied()
                .rfind(|index| ledger.refund(*index).is_some_and(|r| fits(&r.sp_mchid)))
                .ok_or_else(|| ControlError::NotFound(format!("no refund {out_refund_no}")))?
        };
        let status = RefundStatus::from(wish.result);
        refunds::settle(self, index, wish.result).map_err(|problem| match problem {
            ResultProblem::NoRefund => ControlError::NotFound(problem.to_string()),
            ResultProblem::Ended => ControlError::Conflict(problem.to_string()),
        })?;
        Ok(json!({"out_refund_no": out_refund_no, "status": status.as_str()}))
    }

    /// Moves the business clock; signatures keep the base clock.
    pub(crate) fn advance_clock(&self, advance_ms: i64) -> Value {
        let offset_ms = self.clock.offset_ms().saturating_add(advance_ms);
        self.clock.set_offset_ms(offset_ms);
        self.ledger().note_clock(offset_ms);
        self.schedule.wake();
        self.describe_clock()
    }

    pub(crate) fn describe_clock(&self) -> Value {
        let now_ms = self.clock.business_ms();
        json!({"now_ms": now_ms, "now": rfc3339(now_ms), "offset_ms": self.clock.offset_ms()})
    }

    pub(crate) fn add_faults(&self, wish: FaultWish) -> Controlled<Value> {
        let mut book = self.faults();
        match wish {
            FaultWish::Seeded(seeded) if seeded.rate_percent > 100 => {
                return Err(ControlError::Invalid(
                    "rate_percent is at most 100".to_owned(),
                ));
            }
            FaultWish::Seeded(seeded) => book.seed(seeded),
            FaultWish::Many(faults) => faults.into_iter().for_each(|fault| book.add(fault)),
        }
        drop(book);
        self.move_doors();
        Ok(self.describe_faults())
    }

    pub(crate) fn clear_faults(&self) {
        self.faults().clear();
        self.move_doors();
    }

    /// Whoever closes the listener that it speaks to could never open it again.
    pub(crate) fn leave_a_way_back(&self, wish: FaultWish) -> Controlled<FaultWish> {
        let FaultWish::Many(faults) = &wish else {
            return Ok(wish);
        };
        let closes = |host| {
            let asked = |fault: &Fault| fault.closes() == Some(host);
            faults.iter().any(asked) || self.faults().closes(host)
        };
        if closes(Host::Main) && (closes(Host::Backup) || !self.has_backup()) {
            let problem = "no listener would be left to end this fault by";
            return Err(ControlError::Conflict(problem.to_owned()));
        }
        Ok(wish)
    }

    pub(crate) fn describe_faults(&self) -> Value {
        let book = self.faults();
        let (faults, seeded) = book.list();
        json!({"faults": faults, "seeded": seeded})
    }

    /// Issues a login code for a known app.
    pub(crate) fn issue_code(&self, wish: NewCode) -> Controlled<Value> {
        let issued_ms = self.clock.business_ms();
        let mut ledger = self.ledger();
        if ledger.app(&wish.appid).is_none() {
            return Err(ControlError::NotFound(format!("no app {}", wish.appid)));
        }
        let openid = wish.openid.unwrap_or_else(|| ledger.ids.openid());
        let code = format!("0a{}", ledger.ids.nonce().get(..30).unwrap_or_default());
        let login = LoginCode {
            appid: wish.appid,
            openid: openid.clone(),
            unionid: wish.unionid,
            issued_ms,
            used: false,
            errcode: wish.errcode,
        };
        ledger.add_code(code.clone(), login);
        Ok(json!({"code": code, "openid": openid}))
    }

    pub(crate) fn view(&self, filter: &LedgerFilter) -> LedgerView {
        let now_ms = self.clock.business_ms();
        self.ledger().view(filter, now_ms)
    }

    fn order_numbered(&self, out_trade_no: &str, sp_mchid: Option<&str>) -> Controlled<OrderIndex> {
        let ledger = self.ledger();
        ledger
            .orders_numbered(out_trade_no)
            .iter()
            .copied()
            .rfind(|index| {
                let order = ledger.order(*index);
                order.is_some_and(|order| sp_mchid.is_none_or(|mchid| order.sp_mchid == mchid))
            })
            .ok_or_else(|| no_order(out_trade_no))
    }
}

fn check_amount(wish: &PayOrder) -> Controlled<()> {
    if wish.amount_total.is_some_and(|total| total < 1) {
        let problem = "amount_total is at least 1";
        return Err(ControlError::Invalid(problem.to_owned()));
    }
    Ok(())
}

fn no_order(out_trade_no: &str) -> ControlError {
    ControlError::NotFound(format!("no order {out_trade_no}"))
}
