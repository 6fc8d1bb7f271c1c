//! A purchase is paid back, once: first the payee, then the buyer, then whoever cashed (F7, D23, D44).
//!
//! Compensating entries only: the certificate stays sold, and nothing of its chain is taken back. The pages in which
//! cashed commission is clawed back are those of the settlement.

use super::{Addressee, Certificate, RefundState};
use crate::domain::answer::{Done, Refunded};
use crate::domain::event::{CertificateEvent, Event};
use crate::domain::inside::{Body, ClawBack, Credit, CreditReason, DebitRefund};
use crate::domain::message::Clawback;
use crate::domain::money::Money;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{Request, RequestKey};
use crate::domain::step::{Context, Decision, Step};
use crate::limits::CREDITS_PER_PAGE;

impl Certificate {
    pub(super) fn apply_refund(&self, context: Context, request: &Request) -> Decision {
        let mark = &request.mark;
        let refuse = |code| Decision::Refuse(Refusal::of(code));
        if self.hops.remembered(Addressee::Certificate, &mark.key).is_some() {
            return refuse(Code::IdReused);
        }
        if let Some(refund) = &self.refund {
            if refund.mark.key == mark.key && refund.mark != *mark {
                return refuse(Code::IdReused);
            }
            match &refund.state {
                // It may still be refused, so whoever else asks waits for it too.
                RefundState::Asking(walk) => return Decision::Wait(*walk),
                RefundState::Paid(refunded) if refund.mark == *mark => {
                    return Decision::Answer(Done::Refunded(refunded.clone()));
                }
                RefundState::Paid(_) => {}
            }
        }
        if let Some(refusal) = request.barred() {
            return Decision::Refuse(refusal);
        }
        if mark.key.caller != self.birth.supplier {
            return Decision::Refuse(Refusal::new(
                Code::NotAllowed,
                "caller",
                "is not the offering's supplier",
            ));
        }
        if self.refund.is_some() {
            return refuse(Code::AlreadyRefunded);
        }
        let Some(sale) = &self.sale else { return refuse(Code::NotSold) };
        if !self.paid_out() {
            return refuse(Code::Settling);
        }
        let begun = CertificateEvent::RefundBegun(mark.clone(), context.walk);
        let debit = Body::DebitRefund(Box::new(DebitRefund {
            certificate: self.number,
            buyer: sale.buyer,
            amount: self.birth.price,
            when_short: self.birth.refund.when_short,
        }));
        Decision::Record(Step::of(vec![Event::Certificate(begun)]).sending(self.birth.payee, debit))
    }

    /// True where a request with this key refunds or has refunded, so that it is no other request (I12).
    pub(super) fn refunds_by(&self, key: &RequestKey) -> bool {
        self.refund.as_ref().is_some_and(|refund| refund.mark.key == *key)
    }

    /// The payee could not cover it: nothing has moved.
    pub(super) fn apply_refund_refused() -> Decision {
        let undone = Event::Certificate(CertificateEvent::RefundUndone);
        Decision::Record(Step::of(vec![undone]).answering(Err(Refusal::of(Code::PayeeShort))))
    }

    /// The price is here: it goes to the buyer, and whoever cashed is asked for it, page by page.
    pub(super) fn apply_refund_paid(&self, paid: Money, owed: Money) -> Decision {
        let Some(sale) = &self.sale else { unreachable!("what is refunded was sold") };
        let refunded = self.refunding(paid, owed);
        let left = refunded.left;
        let event = Event::Certificate(CertificateEvent::Refunded { paid, owed });
        let mut step = Step::of(vec![event]).answering(Ok(Done::Refunded(refunded)));
        if !paid.is_zero() {
            let reason = CreditReason::Refund;
            let credit = Credit { amount: paid, reason, from: self.number, awaited: false };
            step.send(sale.buyer, Body::Credit(credit));
        }
        let claws = self.to_claw_back();
        let page = claws.iter().copied().take(CREDITS_PER_PAGE);
        self.send_out(&mut step, page, left > 0, |hop| self.claw(hop.promise, left > 0));
        step.early = left > 0;
        Decision::Record(step)
    }

    /// What is answered to a refund that brings so much.
    pub(super) fn refunding(&self, paid: Money, owed: Money) -> Refunded {
        let claws = self.to_claw_back().len();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Refunded {
            serial: self.birth.serial,
            paid,
            owed,
            clawed_back: count(claws),
            left: count(claws.saturating_sub(CREDITS_PER_PAGE)),
        }
    }

    /// Whose cashed commission is clawed back, as the offering has set it: immediately cashed ones too.
    pub(super) fn to_claw_back(&self) -> Vec<u32> {
        if self.birth.refund.clawback == Clawback::None {
            return Vec::new();
        }
        let cashed = (0_u32..).zip(self.hops()).filter(|(_, hop)| hop.cashed && !hop.promise.is_zero());
        cashed.map(|(index, _)| index).collect()
    }

    /// The demand for one cashed promise, where this certificate claws back.
    pub(super) fn claw_back(&self, amount: Money, awaited: bool) -> Option<Body> {
        self.claws_back().then(|| self.claw(amount, awaited))
    }

    fn claw(&self, amount: Money, awaited: bool) -> Body {
        let Some(envelope) = &self.birth.envelope else { unreachable!("what was cashed was funded") };
        Body::ClawBack(Box::new(ClawBack {
            amount,
            payer: envelope.payer,
            receivable: self.birth.refund.clawback == Clawback::Receivable,
            certificate: self.number,
            awaited,
        }))
    }
}
