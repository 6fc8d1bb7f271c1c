//! Gifts at both ends, donor and recipient, and what a recipient lets merchants take (T6 to T10, T13 to T16).

use super::requests::done;
use super::{Account, account, refuse, still_to_come};
use crate::domain::answer::{Done, GiftView};
use crate::domain::command::Status;
use crate::domain::event::{AccountEvent, Event, GiftEvent, MandateEvent};
use crate::domain::gift::{FoundObject, Gift, GiftState, GiftStep};
use crate::domain::inside::{
    ArrivingGift, Body, CreditReason, GiftReversed, OrderRefused, PurchaseGift, Withheld, Withhold,
};
use crate::domain::merchant::{Mandate, WithholdingRight};
use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::ActorNumber;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{GiftTask, GiveTask, MandateTask, RequestKey, RequestMark};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;
use crate::limits::{GIFT_OPEN_MS, GIFTS_PER_VIEW_MAX};

impl Account {
    pub(super) fn gift(&self, key: &RequestKey) -> Result<&Gift, Code> {
        self.received(key).ok_or(Code::UnknownGift)
    }

    pub(super) fn apply_gift(&self, context: Context, mark: &RequestMark, task: &GiftTask) -> Decision {
        match task {
            GiftTask::Give(give) => self.give(context, mark, give),
            GiftTask::Accept(key) => self.answer_gift(mark, key, GiftStep::Accept),
            GiftTask::Decline(key) => self.answer_gift(mark, key, GiftStep::Decline),
            GiftTask::Return(key) => self.answer_gift(mark, key, GiftStep::Return),
            GiftTask::Show(key) => match self.gift(key) {
                Err(code) => refuse(code),
                Ok(gift) => {
                    let caller = mark.key.caller;
                    let concerned = self.own(mark)
                        || caller == key.caller
                        || gift.merchant == Some(caller)
                        || caller == ActorNumber::FUNDS_MANAGEMENT;
                    let view = || Decision::Answer(Done::Gift(Box::new(gift_view(key, gift))));
                    if concerned { view() } else { refuse(Code::NotAllowed) }
                }
            },
            GiftTask::List { skip } => {
                let open = self.engagements.iter().flat_map(|engagements| &engagements.gifts.open);
                let waiting = open.filter(|(_, gift)| gift.state.earmarked());
                let shown = waiting.skip(*skip as usize).take(GIFTS_PER_VIEW_MAX);
                Decision::Answer(Done::Gifts(shown.map(|(key, gift)| gift_view(key, gift)).collect()))
            }
        }
    }

    /// T7, T8, D21: the first request moves the money.
    fn give(&self, context: Context, mark: &RequestMark, give: &GiveTask) -> Decision {
        let expires_at = give.expires_at.unwrap_or(Timestamp(context.now.0.saturating_add(GIFT_OPEN_MS)));
        if let Err(refusal) = still_to_come(context, "expires_at", Some(expires_at)) {
            return Decision::Refuse(refusal);
        }
        if self.available() < give.price {
            return refuse(Code::InsufficientFunds);
        }
        let (recipient, price) = (give.recipient.number, give.price);
        let given = GiftEvent::Given { recipient, price, expires_at, mark: mark.clone() };
        let debited = AccountEvent::Debited { amount: price, to: recipient };
        let gift = Gift {
            merchant: give.merchant,
            object: give.object.clone(),
            price,
            expires_at,
            state: GiftState::Requested,
            order: None,
        };
        let arriving = ArrivingGift { key: mark.key.clone(), gift };
        Decision::Record(
            Step::of(vec![account(AccountEvent::Gift(given)), account(debited)])
                .sending(recipient, Body::GiftArrives(Box::new(arriving)))
                .answering(Ok(Done::Given { expires_at })),
        )
    }

    /// D22: accepted as it arrives, where the recipient has said so; home at once, where the account was closed while
    /// it was on its way (D46).
    pub(super) fn apply_gift_arrives(&self, arriving: &ArrivingGift) -> Step {
        let mut gift = arriving.gift.clone();
        if self.status() == Status::Closed {
            let (key, price) = (&arriving.key, gift.price);
            let expired = account(AccountEvent::Gift(GiftEvent::Expired(key.clone())));
            let mut step = self.send_gift_home(expired, key.caller, price);
            let arrived = GiftEvent::Arrived(key.clone(), Box::new(gift));
            step.events.insert(0, account(AccountEvent::Gift(arrived)));
            return step;
        }
        if self.accepts_gifts() && self.status() == Status::Open {
            gift.state = gift.state.after(GiftStep::Accept, &gift.object).unwrap_or(gift.state);
        }
        let event = GiftEvent::Arrived(arriving.key.clone(), Box::new(gift));
        Step::of(vec![account(AccountEvent::Gift(event))])
    }

    /// T9: accept, decline, return.
    fn answer_gift(&self, mark: &RequestMark, key: &RequestKey, step: GiftStep) -> Decision {
        let gift = match self.gift(key) {
            Ok(gift) => gift,
            Err(code) => return refuse(code),
        };
        let by_merchant = step == GiftStep::Return && gift.merchant == Some(mark.key.caller);
        if !self.own(mark) && !by_merchant {
            return refuse(Code::NotAllowed);
        }
        let state = match gift.state.after(step, &gift.object) {
            Ok(state) => state,
            Err(code) => {
                let detail = format!("is {}", gift.state.text());
                return Decision::Refuse(Refusal::new(code, "gift", detail));
            }
        };
        let (key, mark) = (key.clone(), mark.clone());
        let donor = key.caller;
        let changed = Done::GiftChanged { state };
        let event = |event| account(AccountEvent::Gift(event));
        let step = match step {
            GiftStep::Accept => Step::of(vec![event(GiftEvent::Accepted(key, mark))]),
            GiftStep::Decline => {
                self.send_gift_home(event(GiftEvent::Declined(key, mark)), donor, gift.price)
            }
            _ => self.send_gift_home(event(GiftEvent::Returned(key, mark)), donor, gift.price),
        };
        Decision::Record(step.answering(Ok(changed)))
    }

    pub(super) fn send_gift_home(&self, event: Event, donor: ActorNumber, price: Money) -> Step {
        Step::of(vec![event]).sending(donor, self.sends(price, CreditReason::GiftReturned))
    }

    /// T10, T15: whether a merchant may have the price of an order, and where the money then goes.
    pub(super) fn apply_withhold(&self, context: Context, withhold: &Withhold) -> Step {
        let (order, payee) = (&withhold.order, withhold.registration.payee.number);
        let judged = match &withhold.right {
            WithholdingRight::Gift(key) => self.withhold_gift(key, withhold),
            WithholdingRight::Mandate(mandate) => self.withhold_by_mandate(context, mandate, withhold),
        };
        match judged {
            Err(code) => Step::default().sending(order.merchant, OrderRefused::body(order, code)),
            // The offering asks for the money when it has allocated the certificate (T16).
            Ok(Withholding::Certificate(offering, purchase)) => {
                Step::default().sending(offering, Body::PurchaseGift(Box::new(purchase)))
            }
            Ok(Withholding::Money(event)) => {
                let debited = AccountEvent::Debited { amount: withhold.amount, to: payee };
                let (order, amount) = (order.clone(), withhold.amount);
                let withheld = Withheld { order, from: self.number, certificate: false, amount };
                Step::of(vec![account(event), account(debited)])
                    .sending(payee, Body::Withheld(Box::new(withheld)))
            }
        }
    }

    fn withhold_gift(&self, key: &RequestKey, withhold: &Withhold) -> Result<Withholding, Code> {
        let (gift, order) = (self.gift(key)?, &withhold.order);
        let certificate = match gift.object {
            FoundObject::Goods { .. } => None,
            FoundObject::Certificate { offering, serial } => Some((offering, serial)),
        };
        let named = gift.merchant == Some(order.merchant);
        if !named && (gift.merchant.is_some() || certificate.is_none()) {
            return Err(Code::NotAllowed);
        }
        gift.state.after(GiftStep::Withhold, &gift.object)?;
        if withhold.amount != gift.price {
            return Err(Code::AmountMismatch);
        }
        Ok(match certificate {
            None => {
                Withholding::Money(AccountEvent::Gift(GiftEvent::Withheld(key.clone(), Some(order.clone()))))
            }
            Some((offering, serial)) => {
                let purchase = PurchaseGift {
                    gift: key.clone(),
                    order: order.clone(),
                    supplier: withhold.registration.supplier,
                    buyer: self.party(),
                    serial,
                    amount: gift.price,
                };
                Withholding::Certificate(offering, purchase)
            }
        })
    }

    fn withhold_by_mandate(
        &self,
        context: Context,
        mandate: &RequestId,
        withhold: &Withhold,
    ) -> Result<Withholding, Code> {
        self.mandate(mandate)?.allows(withhold.order.merchant, withhold.amount, context.now)?;
        self.can_pay(withhold.amount)?;
        let used = MandateEvent::Used(mandate.clone(), withhold.amount);
        Ok(Withholding::Money(AccountEvent::Mandate(used)))
    }

    pub(super) fn apply_gift_provided(&self, key: &RequestKey) -> Step {
        Step::of(vec![account(AccountEvent::Gift(GiftEvent::Provided(key.clone())))])
    }

    /// T14: what came back from the payee goes on to the donor.
    pub(super) fn apply_gift_reversed(&self, reversed: &GiftReversed) -> Step {
        let GiftReversed { key, amount } = reversed;
        let amount = *amount;
        let event = account(AccountEvent::Gift(GiftEvent::Reversed(key.clone(), amount)));
        if amount.is_zero() { Step::of(vec![event]) } else { self.send_gift_home(event, key.caller, amount) }
    }

    fn mandate(&self, mandate: &RequestId) -> Result<&Mandate, Code> {
        let mandates = self.engagements.as_ref().map(|engagements| &engagements.mandates);
        mandates.and_then(|mandates| mandates.get(mandate)).ok_or(Code::UnknownMandate)
    }

    pub(super) fn apply_mandate(&self, context: Context, mark: &RequestMark, task: &MandateTask) -> Decision {
        match task {
            MandateTask::Grant(_) if self.mandate(&mark.key.id).is_ok() => {
                let detail = "names a mandate of this account: choose another one";
                Decision::Refuse(Refusal::new(Code::IdReused, "request_id", detail))
            }
            MandateTask::Grant(mandate) => match still_to_come(context, "ends_at", mandate.ends_at) {
                Err(refusal) => Decision::Refuse(refusal),
                Ok(()) => {
                    let event = MandateEvent::Granted(Box::new(*mandate), mark.clone());
                    done(AccountEvent::Mandate(event), Done::MandateGranted)
                }
            },
            MandateTask::Revoke(id) => match self.mandate(id) {
                Err(code) => refuse(code),
                Ok(mandate) => {
                    let event = MandateEvent::Revoked(id.clone(), mark.clone());
                    done(AccountEvent::Mandate(event), Done::MandateRevoked { used: mandate.used })
                }
            },
            MandateTask::Show(id) => match self.mandate(id) {
                Err(code) => refuse(code),
                Ok(mandate) => Decision::Answer(Done::Mandate(Box::new(*mandate))),
            },
        }
    }
}

/// What is to be withheld.
enum Withholding {
    /// Money, by this event.
    Money(AccountEvent),
    /// The certificate of a gift, by way of this offering.
    Certificate(ActorNumber, PurchaseGift),
}

fn gift_view(key: &RequestKey, gift: &Gift) -> GiftView {
    GiftView { donor: key.caller, gift: key.id.clone(), state: gift.clone() }
}
