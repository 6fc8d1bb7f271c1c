//! Payment certificates that an account has issued (K4, D38).

use super::requests::done;
use super::{Account, account, refuse};
use crate::domain::answer::Done;
use crate::domain::event::{AccountEvent, PaymentEvent};
use crate::domain::inside::CreditReason;
use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::ActorNumber;
use crate::domain::payment::{PaymentCertificate, PaymentState, PaymentStep};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{Party, PaymentTask, RequestMark};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;

impl Account {
    pub(super) fn payment(&self, payment: &RequestId) -> Result<&PaymentCertificate, Code> {
        let payments = self.engagements.as_ref().map(|engagements| &engagements.payments);
        payments.and_then(|payments| payments.get(payment)).ok_or(Code::UnknownPaymentCertificate)
    }

    pub(super) fn apply_payment(&self, context: Context, mark: &RequestMark, task: &PaymentTask) -> Decision {
        let (payment, step) = match task {
            PaymentTask::Issue { amount, beneficiary, not_before, expires_at } => {
                return self.issue_payment(context, mark, *amount, *beneficiary, (*not_before, *expires_at));
            }
            PaymentTask::Show(payment) => return self.show_payment(mark, payment),
            PaymentTask::Receive(payment) => (payment, PaymentStep::Receive),
            PaymentTask::Reject(payment) => (payment, PaymentStep::Reject),
            PaymentTask::Release(payment, _) => (payment, PaymentStep::Release),
            PaymentTask::Void(payment) => (payment, PaymentStep::Void),
        };
        let there = match self.payment(payment) {
            Ok(there) => there,
            Err(code) => return refuse(code),
        };
        let caller = mark.key.caller;
        let by_beneficiary = matches!(step, PaymentStep::Receive | PaymentStep::Reject);
        let allowed = if by_beneficiary {
            there.beneficiary.is_some_and(|beneficiary| beneficiary.number == caller)
        } else {
            caller == ActorNumber::FUNDS_MANAGEMENT
        };
        if !allowed {
            return refuse(Code::NotAllowed);
        }
        let state = match there.after(step, context.now) {
            Ok(state) => state,
            Err(code) => return refuse(code),
        };
        let (id, mark) = (payment.clone(), mark.clone());
        let freed = if state == PaymentState::Received { Money::ZERO } else { there.held() };
        let changed = Done::PaymentChanged { state, released: Money::ZERO, freed };
        let event = |event| AccountEvent::Payment(event);
        match task {
            PaymentTask::Receive(_) => done(event(PaymentEvent::Received(id, mark)), changed),
            PaymentTask::Reject(_) => done(event(PaymentEvent::Rejected(id, mark)), changed),
            PaymentTask::Release(_, amount) => self.release(there, *amount, id, mark),
            _ => done(event(PaymentEvent::Voided(id, mark)), changed),
        }
    }

    fn issue_payment(
        &self,
        context: Context,
        mark: &RequestMark,
        amount: Money,
        beneficiary: Option<Party>,
        (not_before, expires_at): (Option<Timestamp>, Option<Timestamp>),
    ) -> Decision {
        if self.payment(&mark.key.id).is_ok() {
            let detail = "names a payment certificate of this account: choose another one";
            return Decision::Refuse(Refusal::new(Code::IdReused, "request_id", detail));
        }
        let held = match self.can_hold(context, amount, expires_at) {
            Ok(held) => held,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        let payment = PaymentCertificate {
            amount,
            released: Money::ZERO,
            freed: Money::ZERO,
            beneficiary,
            not_before,
            expires_at,
            backs: None,
            state: PaymentState::Issued,
        };
        let event = PaymentEvent::Issued(Box::new(payment), mark.clone());
        done(AccountEvent::Payment(event), Done::PaymentIssued { held })
    }

    fn release(
        &self,
        there: &PaymentCertificate,
        amount: Money,
        id: RequestId,
        mark: RequestMark,
    ) -> Decision {
        let Some(beneficiary) = there.beneficiary else { return refuse(Code::TransferConditionNotMet) };
        if amount > there.amount {
            let detail = "is more than the payment certificate has: release at most that";
            return Decision::Refuse(Refusal::new(Code::AmountTooLarge, "amount", detail));
        }
        let released = AccountEvent::Payment(PaymentEvent::Released(id, amount, mark));
        let debited = AccountEvent::Debited { amount, to: beneficiary.number };
        let freed = there.amount.checked_sub(amount).unwrap_or_default();
        let changed = Done::PaymentChanged { state: PaymentState::Released, released: amount, freed };
        Decision::Record(
            Step::of(vec![account(released), account(debited)])
                .sending(beneficiary.number, self.sends(amount, CreditReason::Payment))
                .answering(Ok(changed)),
        )
    }

    fn show_payment(&self, mark: &RequestMark, payment: &RequestId) -> Decision {
        match self.payment(payment) {
            Err(code) => refuse(code),
            Ok(there) => {
                let beneficiary = there.beneficiary.map(|beneficiary| beneficiary.number);
                let caller = mark.key.caller;
                let concerned =
                    self.own(mark) || caller == ActorNumber::FUNDS_MANAGEMENT || beneficiary == Some(caller);
                if concerned {
                    Decision::Answer(Done::Payment(Box::new(there.clone())))
                } else {
                    refuse(Code::NotAllowed)
                }
            }
        }
    }
}
