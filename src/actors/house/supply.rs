//! The bound on a currency's whole money, as a house holds it.

use super::House;
use crate::actors::page::Room;
use crate::actors::turn::Turn;
use crate::domain::supply::Change;
use crate::domain::{Code, Decision, Money, Refusal, Request, Resident, Task};

impl House {
    /// Holds a deposit or credit line against the bound on its currency's whole money, so that no credit
    /// inside a walk can overflow: where it does not fit, the decision becomes a refusal. `room` is the account's.
    pub(super) fn within_supply(
        &self,
        request: &Request,
        room: Option<&Room>,
        decision: &mut Decision,
        turn: &mut Turn,
    ) {
        let Decision::Record(_) = decision else { return };
        let account = match room {
            Some(Room { resident: Resident::Account(account), .. }) => Some(account),
            _ => None,
        };
        let change = match (&request.task, account) {
            (Task::Open(opening), _) => {
                let Some(sum) = opening.deposit.checked_add(opening.credit_limit) else {
                    *decision = Decision::Refuse(Refusal::of(Code::AmountTooLarge));
                    return;
                };
                Change { currency: opening.currency, field: "deposit", adds: sum, frees: Money::ZERO }
            }
            (Task::Deposit(amount), Some(account)) => {
                Change { currency: account.currency(), field: "amount", adds: *amount, frees: Money::ZERO }
            }
            (Task::CashOut(amount), Some(account)) => {
                Change { currency: account.currency(), field: "amount", adds: Money::ZERO, frees: *amount }
            }
            (Task::SetCreditLimit(limit), Some(account)) => {
                let frees = account.credit_limit();
                Change { currency: account.currency(), field: "credit_limit", adds: *limit, frees }
            }
            _ => return,
        };
        match self.common.with_supply(|supply| supply.add(&change)) {
            Ok(()) => {
                if change.frees > change.adds {
                    turn.freed.push(change);
                }
            }
            Err(refusal) => *decision = Decision::Refuse(refusal),
        }
    }
}
