//! Plain transfers out of an account, in one step or in two.

use super::requests::done;
use super::{Account, PendingTransfer, account, refuse};
use crate::domain::answer::Done;
use crate::domain::event::{AccountEvent, TransferEvent};
use crate::domain::inside::CreditReason;
use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::ActorNumber;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{RequestMark, TransferTask};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;

impl Account {
    pub(super) fn apply_transfer(
        &self,
        context: Context,
        mark: &RequestMark,
        task: &TransferTask,
    ) -> Decision {
        match task {
            TransferTask::Send { to, amount } => self.send_transfer(mark, *to, *amount),
            TransferTask::Begin { to, amount, expires_at } => {
                self.begin_transfer(context, mark, *to, *amount, *expires_at)
            }
            TransferTask::Post(transfer, amount) => self.post_transfer(mark, transfer, *amount),
            TransferTask::Void(transfer) => match self.pending(mark, transfer) {
                Err(code) => refuse(code),
                Ok(pending) => {
                    let event = TransferEvent::Voided(transfer.clone(), mark.clone());
                    done(AccountEvent::Transfer(event), Done::TransferVoided { freed: pending.amount })
                }
            },
        }
    }

    fn send_transfer(&self, mark: &RequestMark, to: ActorNumber, amount: Money) -> Decision {
        let posted = self.posted.checked_debit(amount).filter(|_| self.available() >= amount);
        let Some(posted) = posted else { return refuse(Code::InsufficientFunds) };
        let event = TransferEvent::Sent { to, amount, mark: mark.clone() };
        Decision::Record(
            Step::of(vec![account(AccountEvent::Transfer(event))])
                .sending(to, self.sends(amount, CreditReason::Transfer))
                .answering(Ok(Done::Transferred { amount, posted })),
        )
    }

    fn begin_transfer(
        &self,
        context: Context,
        mark: &RequestMark,
        to: ActorNumber,
        amount: Money,
        expires_at: Option<Timestamp>,
    ) -> Decision {
        if self.pending(mark, &mark.key.id).is_ok() {
            let detail = "names a pending transfer of this account: it stands";
            return Decision::Refuse(Refusal::new(Code::IdReused, "request_id", detail));
        }
        let held = match self.can_hold(context, amount, expires_at) {
            Ok(held) => held,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        let event = TransferEvent::Begun { to, amount, expires_at, mark: mark.clone() };
        done(AccountEvent::Transfer(event), Done::TransferBegun { held })
    }

    fn post_transfer(&self, mark: &RequestMark, transfer: &RequestId, amount: Money) -> Decision {
        let pending = match self.pending(mark, transfer) {
            Ok(pending) => pending,
            Err(code) => return refuse(code),
        };
        if amount > pending.amount {
            let detail = "is more than is pending: post at most that";
            return Decision::Refuse(Refusal::new(Code::AmountTooLarge, "amount", detail));
        }
        let posted = self.posted.checked_debit(amount).unwrap_or_else(|| super::overflow());
        let event = TransferEvent::Posted(transfer.clone(), amount, mark.clone());
        Decision::Record(
            Step::of(vec![account(AccountEvent::Transfer(event))])
                .sending(pending.to, self.sends(amount, CreditReason::Transfer))
                .answering(Ok(Done::Transferred { amount, posted })),
        )
    }

    fn pending(&self, mark: &RequestMark, transfer: &RequestId) -> Result<&PendingTransfer, Code> {
        if !self.own(mark) && mark.key.caller != ActorNumber::FUNDS_MANAGEMENT {
            return Err(Code::NotAllowed);
        }
        let transfers = self.engagements.as_ref().map(|engagements| &engagements.transfers);
        transfers.and_then(|transfers| transfers.get(transfer)).ok_or(Code::UnknownTransfer)
    }
}
