//! What an account pays to offerings and certificates: prices, commissions, reservations, more reserve.

use super::{Account, account};
use crate::domain::answer::Done;
use crate::domain::command::Status;
use crate::domain::event::{AccountEvent, Event, GiftEvent, PaymentEvent};
use crate::domain::gift::{FoundObject, GiftStep};
use crate::domain::inside::{Body, Debit, DebitRefused, Draw, Hold, LinkPayment, TopUp};
use crate::domain::money::Money;
use crate::domain::number::ActorNumber;
use crate::domain::payment::PaymentStep;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{RequestMark, Source, SpentGift, SpentPayment, TopUpTask};
use crate::domain::step::{Context, Decision, Step};

impl Account {
    pub(super) fn apply_debit(&self, context: Context, debit: &Debit) -> Step {
        let certificate = debit.offering.certificate(debit.serial);
        let freed = match &debit.source {
            Source::Available => self.can_pay(debit.amount).map(|()| None),
            Source::Reservation => Ok(Some(AccountEvent::HoldFreed(certificate))),
            Source::PaymentCertificate(spent) => {
                let allowed = self.can_pay(Money::ZERO);
                allowed.and_then(|()| self.spend_payment(context, spent, debit.amount).map(Some))
            }
            // A merchant withholds what was committed before, by whatever its recipient may do now (D46).
            Source::Gift(spent) => {
                let allowed = if spent.order.is_some() { Ok(()) } else { self.can_pay(Money::ZERO) };
                allowed.and_then(|()| self.spend_gift(spent, debit).map(Some))
            }
        };
        let freed = match freed {
            Ok(freed) => freed,
            Err(code) => {
                let order = match &debit.source {
                    Source::Gift(spent) => spent.order.clone(),
                    _ => None,
                };
                let birth = debit.birth.clone();
                let refused = DebitRefused { serial: debit.serial, code, birth, order };
                return Step::default().sending(debit.offering, Body::DebitRefused(Box::new(refused)));
            }
        };
        let debited = AccountEvent::Debited { amount: debit.amount, to: certificate };
        let events: Vec<Event> = freed.into_iter().chain([debited]).map(account).collect();
        let settle = debit.clone().paid_by(self.party());
        Step::of(events).sending(certificate, Body::Settle(Box::new(settle)))
    }

    /// The event of the debit of a plain purchase, which is paid out of what is available for a certificate that is alive, where the
    /// money is there: `apply` then sends the certificate what `Debit::paid_by` makes of it, and nothing beside that.
    #[must_use]
    pub fn plain_debit(&self, amount: Money, certificate: ActorNumber) -> Option<Event> {
        let debited = || account(AccountEvent::Debited { amount, to: certificate });
        self.can_pay(amount).is_ok().then(debited)
    }

    /// Money that is free to spend, in an account that may spend it.
    pub(super) fn can_pay(&self, amount: Money) -> Result<(), Code> {
        match self.status() {
            Status::Frozen => Err(Code::AccountFrozen),
            Status::Closed => Err(Code::AccountClosed),
            Status::Open if self.available() < amount => Err(Code::InsufficientFunds),
            Status::Open => Ok(()),
        }
    }

    /// D38: a purchase that a payment certificate backs triggers by itself, from its time on.
    fn spend_payment(
        &self,
        context: Context,
        spent: &SpentPayment,
        price: Money,
    ) -> Result<AccountEvent, Code> {
        let payment = self.payment(&spent.payment)?;
        payment.after(PaymentStep::Spend, context.now)?;
        if payment.amount < price {
            return Err(Code::InsufficientFunds);
        }
        if payment.beneficiary.is_some_and(|beneficiary| Some(beneficiary.number) != spent.payee) {
            return Err(Code::NotAllowed);
        }
        let payment = spent.payment.clone();
        Ok(AccountEvent::Payment(PaymentEvent::Spent { payment, amount: price }))
    }

    /// T16: an accepted gift pays for its own object and for nothing else (T8).
    fn spend_gift(&self, spent: &SpentGift, debit: &Debit) -> Result<AccountEvent, Code> {
        let gift = self.gift(&spent.key)?;
        gift.state.after(GiftStep::Withhold, &gift.object)?;
        let object = FoundObject::Certificate { offering: debit.offering, serial: debit.serial };
        if gift.object != object {
            return Err(Code::NotAllowed);
        }
        if gift.price != debit.amount {
            return Err(Code::AmountMismatch);
        }
        Ok(AccountEvent::Gift(GiftEvent::Withheld(spent.key.clone(), spent.order.clone())))
    }

    pub(super) fn apply_debit_commission(&self, offering: ActorNumber, amount: Money) -> Step {
        match self.can_pay(amount) {
            Err(code) => Step::default().sending(offering, Body::CommissionRefused(code)),
            Ok(()) => Step::of(vec![account(AccountEvent::Debited { amount, to: offering })])
                .sending(offering, Body::CommissionFunded(amount)),
        }
    }

    /// K3, D24, D37: a payment certificate of this account is to back the commission of a whole offering.
    pub(super) fn apply_link(&self, context: Context, link: &LinkPayment) -> Step {
        let LinkPayment { offering, payment, amount } = link;
        let (offering, amount) = (*offering, *amount);
        let linked = self.payment(payment).and_then(|there| {
            there.after(PaymentStep::Link, context.now)?;
            if there.amount < amount { Err(Code::InsufficientFunds) } else { Ok(()) }
        });
        let linked = if self.status() == Status::Open { linked } else { self.can_pay(Money::ZERO) };
        match linked {
            Err(code) => Step::default().sending(offering, Body::CommissionRefused(code)),
            Ok(()) => {
                let event = PaymentEvent::Linked { payment: payment.clone(), offering, amount };
                Step::of(vec![account(AccountEvent::Payment(event))])
                    .sending(offering, Body::CommissionBacked(amount))
            }
        }
    }

    /// H3: what a commission takes of the payment certificate that backs it; nothing refuses it.
    pub(super) fn apply_draw(draw: &Draw) -> Step {
        let Draw { payment, by, release, free } = draw.clone();
        let drawn = AccountEvent::Payment(PaymentEvent::Drawn { payment, by, release, free });
        let step = Step::of(vec![account(drawn)]);
        if release.is_zero() { step } else { step.sending(by, Body::Drawn(release)) }
    }

    /// F6: the price of a certificate that is reserved.
    pub(super) fn apply_hold(&self, hold: &Hold) -> Step {
        let Hold { offering, serial, amount } = *hold;
        match self.can_pay(amount) {
            Err(code) => {
                let refused = DebitRefused { serial, code, birth: None, order: None };
                Step::default().sending(offering, Body::DebitRefused(Box::new(refused)))
            }
            Ok(()) => {
                let certificate = offering.certificate(serial);
                Step::of(vec![account(AccountEvent::Held { certificate, amount })])
                    .sending(offering, Body::HoldDone(serial))
            }
        }
    }

    /// D4: the money goes to the commission, which takes it or sends it back.
    pub(super) fn apply_top_up(&self, context: Context, mark: &RequestMark, task: &TopUpTask) -> Decision {
        if self.available() < task.amount {
            return Decision::Refuse(Refusal::of(Code::InsufficientFunds));
        }
        let TopUpTask { offering, serial, amount } = *task;
        let begun = AccountEvent::TopUpBegun {
            amount,
            certificate: offering.certificate(serial),
            mark: mark.clone(),
            walk: context.walk,
        };
        let top_up = TopUp { payer: self.number, serial, amount, mark: mark.clone() };
        Decision::Record(Step::of(vec![account(begun)]).sending(offering, Body::TopUp(Box::new(top_up))))
    }

    pub(super) fn apply_top_up_done(top_up: &TopUp) -> Step {
        let (amount, mark) = (top_up.amount, top_up.mark.clone());
        Step::of(vec![account(AccountEvent::TopUpDone { amount, mark })])
            .answering(Ok(Done::ToppedUp { amount }))
    }

    /// The compensating entry: the money is back, and the request may be decided anew.
    pub(super) fn apply_top_up_refused(top_up: &TopUp, code: Code) -> Step {
        let (amount, mark) = (top_up.amount, top_up.mark.clone());
        let refusal = match code {
            Code::AmountTooLarge => {
                let detail = "and all that was funded before pass the bound of an amount: add less";
                Refusal::new(code, "amount", detail)
            }
            _ => Refusal::of(code),
        };
        Step::of(vec![account(AccountEvent::TopUpUndone { amount, mark })]).answering(Err(refusal))
    }
}
