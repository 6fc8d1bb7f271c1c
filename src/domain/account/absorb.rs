//! What an account's events change.

use super::engagements::{Deadline, Engagements, Given, PendingTransfer};
use super::{Account, most, overflow};
use crate::domain::answer::Done;
use crate::domain::event::{
    AccountEvent, Debt, GiftEvent, Income, MandateEvent, MerchantEvent, PaymentEvent, TransferEvent,
};
use crate::domain::gift::{Gift, GiftState};
use crate::domain::merchant::{Merchant, Order, OrderState};
use crate::domain::money::Money;
use crate::domain::name::{Name, RequestId};
use crate::domain::number::{ActorNumber, WalkId};
use crate::domain::parted::PartedMap;
use crate::domain::payment::{PaymentCertificate, PaymentState};
use crate::domain::request::{RequestKey, RequestMark};
use crate::domain::time::Timestamp;
use crate::planted::{self, Bug};

impl Account {
    /// Takes an event that was decided before; `at` is the record's time.
    pub fn absorb(&mut self, at: Timestamp, event: &AccountEvent) {
        match event {
            AccountEvent::Opened(..) => unreachable!("an account is opened once"),
            AccountEvent::Deposited(amount, mark) => {
                self.post(*amount);
                self.remembered.get_or_insert_default().deposits += u128::from(amount.minor());
                self.keep(at, mark, Done::Deposited { posted: self.posted });
            }
            AccountEvent::CashedOut(amount, mark) => {
                self.unpost(*amount);
                self.remembered.get_or_insert_default().cash_outs += u128::from(amount.minor());
                self.keep(at, mark, Done::CashedOut { posted: self.posted });
            }
            AccountEvent::CreditLimitSet(limit, mark) => {
                self.credit_limit = *limit;
                self.keep(at, mark, Done::CreditLimitSet { credit_limit: *limit });
            }
            AccountEvent::Debited { amount, .. } | AccountEvent::PaidBack { amount, .. } => {
                self.unpost(*amount)
            }
            AccountEvent::Credited { amount, .. } => self.post(*amount),
            AccountEvent::Displayed(certificate) => self.engage().page.push(*certificate),
            AccountEvent::StatusChanged(change, mark) => {
                let (status, accepts_gifts) = self.status_after(*change);
                let engagements = self.engage();
                (engagements.status, engagements.accepts_gifts) = (status, accepts_gifts);
                self.keep(at, mark, Done::StatusChanged { status, accepts_gifts });
            }
            AccountEvent::Held { certificate, amount } => {
                self.hold(*amount);
                self.engage().holds.insert(*certificate, *amount);
            }
            AccountEvent::HoldFreed(certificate) => {
                let amount = self.engage().holds.remove(certificate);
                self.free(amount.unwrap_or_else(|| unreachable!("what is freed was held for it")));
            }
            AccountEvent::Payment(event) => self.absorb_payment(at, event),
            AccountEvent::Transfer(event) => self.absorb_transfer(at, event),
            AccountEvent::Gift(event) => self.absorb_gift(at, event),
            AccountEvent::Mandate(event) => self.absorb_mandate(at, event),
            AccountEvent::Merchant(event) => self.absorb_merchant(at, event),
            AccountEvent::TopUpBegun { amount, mark, walk, .. } => {
                self.unpost(*amount);
                self.begin_request(mark, *walk);
            }
            AccountEvent::TopUpDone { amount, mark } => {
                self.engage().under_way.remove(&mark.key);
                self.keep(at, mark, Done::ToppedUp { amount: *amount });
            }
            AccountEvent::TopUpUndone { amount, mark } => {
                self.post(*amount);
                self.engage().under_way.remove(&mark.key);
            }
            AccountEvent::Owes(debt) => self.owe(*debt),
            AccountEvent::DebtPaid { to, amount, paid_by } => {
                self.unpost(*amount);
                self.pay_debt(*to, *amount, *paid_by);
            }
        }
    }

    fn engage(&mut self) -> &mut Engagements {
        self.engagements.get_or_insert_default()
    }

    fn post(&mut self, amount: Money) {
        self.posted = self.posted.checked_credit(amount).unwrap_or_else(|| overflow());
    }

    fn unpost(&mut self, amount: Money) {
        self.posted = self.posted.checked_debit(amount).unwrap_or_else(|| overflow());
    }

    fn hold(&mut self, amount: Money) {
        self.held = self.held.checked_add(amount).unwrap_or_else(|| overflow());
    }

    fn free(&mut self, amount: Money) {
        let held = self.held.checked_sub(amount);
        self.held = held.unwrap_or_else(|| unreachable!("what is freed was held"));
    }

    fn earmark(&mut self, amount: Money) {
        let earmarked = &mut self.engage().earmarked;
        *earmarked = earmarked.checked_add(amount).unwrap_or_else(|| overflow());
    }

    fn unmark(&mut self, amount: Money) {
        let earmarked = &mut self.engage().earmarked;
        let left = earmarked.checked_sub(amount);
        *earmarked = left.unwrap_or_else(|| unreachable!("what leaves the earmark was in it (I15)"));
    }

    /// Debts to one account by one income are one debt, so that many small ones cost no memory.
    fn owe(&mut self, debt: Debt) {
        let debts = &mut self.engage().debts;
        match debts.iter_mut().find(|known| known.to == debt.to && known.paid_by == debt.paid_by) {
            Some(known) => known.amount = known.amount.checked_add(debt.amount).unwrap_or_else(most),
            None => debts.push(debt),
        }
    }

    fn pay_debt(&mut self, to: ActorNumber, amount: Money, paid_by: Income) {
        let debts = &mut self.engage().debts;
        let place = debts.iter().position(|debt| debt.to == to && debt.paid_by == paid_by);
        let place = place.unwrap_or_else(|| unreachable!("a debt that is paid is owed"));
        let left = debts[place].amount.checked_sub(amount);
        debts[place].amount = left.unwrap_or_else(|| unreachable!("no more is paid than is owed"));
        if debts[place].amount.is_zero() {
            debts.remove(place);
        }
    }

    fn absorb_payment(&mut self, at: Timestamp, event: &PaymentEvent) {
        match event {
            PaymentEvent::Issued(payment, mark) => {
                self.hold(payment.amount);
                let engagements = self.engage();
                let id = mark.key.id.clone();
                engagements.deadlines.extend(payment.expiry().map(|at| (at, Deadline::Payment(id.clone()))));
                engagements.payments.insert(id, (**payment).clone());
                self.keep(at, mark, Done::PaymentIssued { held: self.held });
            }
            PaymentEvent::Received(id, mark) => {
                let changed = self.change_payment(id, PaymentState::Received, Money::ZERO, Money::ZERO);
                self.keep(at, mark, changed);
            }
            PaymentEvent::Rejected(id, mark) => {
                let changed = self.end_payment(id, PaymentState::Rejected, Money::ZERO);
                self.keep(at, mark, changed);
            }
            PaymentEvent::Released(id, amount, mark) => {
                let changed = self.end_payment(id, PaymentState::Released, *amount);
                self.keep(at, mark, changed);
            }
            PaymentEvent::Voided(id, mark) => {
                let changed = self.end_payment(id, PaymentState::Void, Money::ZERO);
                self.keep(at, mark, changed);
            }
            PaymentEvent::Expired(id) => drop(self.end_payment(id, PaymentState::Expired, Money::ZERO)),
            PaymentEvent::Spent { payment, amount } => {
                drop(self.end_payment(payment, PaymentState::Released, *amount));
            }
            PaymentEvent::Linked { payment, offering, amount } => {
                let freed = self.payment_mut(payment).amount.checked_sub(*amount);
                let freed =
                    freed.unwrap_or_else(|| unreachable!("a payment certificate covers what it backs"));
                self.payment_mut(payment).backs = Some(*offering);
                let _ = self.change_payment(payment, PaymentState::Received, Money::ZERO, freed);
            }
            PaymentEvent::Drawn { payment, release, free, .. } => {
                let there = self.payment_mut(payment);
                there.settle(*release, *free);
                if there.held().is_zero() {
                    let paid = !there.released.is_zero();
                    there.state = if paid { PaymentState::Released } else { PaymentState::Void };
                }
                self.free(*release);
                self.free(*free);
                self.unpost(*release);
            }
        }
    }

    fn payment_mut(&mut self, id: &RequestId) -> &mut PaymentCertificate {
        let payment = self.engage().payments.get_mut(id);
        payment.unwrap_or_else(|| unreachable!("a payment certificate is kept for ever"))
    }

    /// Notes a new state, what is paid and what is free again; gives what is to be answered.
    fn change_payment(&mut self, id: &RequestId, state: PaymentState, release: Money, free: Money) -> Done {
        let there = self.payment_mut(id);
        there.settle(release, free);
        there.state = state;
        let (released, freed) = (there.released, there.freed);
        if let Some(at) =
            there.expires_at.filter(|_| state != PaymentState::Received || there.backs.is_some())
        {
            self.engage().deadlines.remove(&(at, Deadline::Payment(id.clone())));
        }
        self.free(release);
        self.free(free);
        Done::PaymentChanged { state, released, freed }
    }

    /// The payment certificate ends: so much of it is paid, by a debit of its own, and the rest is free.
    fn end_payment(&mut self, id: &RequestId, state: PaymentState, release: Money) -> Done {
        let free = self.payment_mut(id).held().checked_sub(release);
        let free = free.unwrap_or_else(|| unreachable!("no more is released than is held"));
        self.change_payment(id, state, release, free)
    }

    fn absorb_transfer(&mut self, at: Timestamp, event: &TransferEvent) {
        match event {
            TransferEvent::Sent { amount, mark, .. } => {
                self.unpost(*amount);
                self.keep(at, mark, Done::Transferred { amount: *amount, posted: self.posted });
            }
            TransferEvent::Begun { to, amount, expires_at, mark } => {
                self.hold(*amount);
                let id = mark.key.id.clone();
                let engagements = self.engage();
                engagements.deadlines.extend(expires_at.map(|at| (at, Deadline::Transfer(id.clone()))));
                let pending = PendingTransfer { to: *to, amount: *amount, expires_at: *expires_at };
                engagements.transfers.insert(id, pending);
                self.keep(at, mark, Done::TransferBegun { held: self.held });
            }
            TransferEvent::Posted(transfer, amount, mark) => {
                self.end_transfer(transfer);
                self.unpost(*amount);
                self.keep(at, mark, Done::Transferred { amount: *amount, posted: self.posted });
            }
            TransferEvent::Voided(transfer, mark) => {
                let freed = self.end_transfer(transfer);
                self.keep(at, mark, Done::TransferVoided { freed });
            }
            TransferEvent::Expired(transfer) => drop(self.end_transfer(transfer)),
        }
    }

    fn end_transfer(&mut self, transfer: &RequestId) -> Money {
        let engagements = self.engage();
        let pending = engagements.transfers.remove(transfer);
        let pending = pending.unwrap_or_else(|| unreachable!("only a pending transfer ends"));
        if let Some(at) = pending.expires_at {
            engagements.deadlines.remove(&(at, Deadline::Transfer(transfer.clone())));
        }
        self.free(pending.amount);
        pending.amount
    }

    fn absorb_gift(&mut self, at: Timestamp, event: &GiftEvent) {
        match event {
            GiftEvent::Given { recipient, price, expires_at, mark } => {
                let given = Given {
                    fingerprint: mark.fingerprint,
                    recipient: *recipient,
                    price: *price,
                    expires_at: *expires_at,
                };
                let all = self.engage().given.get_or_insert_with(|| Box::new(PartedMap::new()));
                all.insert(mark.key.id.clone(), given);
            }
            GiftEvent::Arrived(key, gift) => {
                self.earmark(gift.price);
                let engagements = self.engage();
                if gift.state == GiftState::Requested {
                    engagements.deadlines.insert((gift.expires_at, Deadline::Gift(key.clone())));
                }
                engagements.gifts.insert(key, (**gift).clone());
            }
            GiftEvent::Accepted(key, mark) => {
                self.change_gift(key, GiftState::Accepted);
                self.keep(at, mark, Done::GiftChanged { state: GiftState::Accepted });
            }
            GiftEvent::Declined(key, mark) => {
                let price = self.change_gift(key, GiftState::Declined);
                self.unmark(price);
                self.keep(at, mark, Done::GiftChanged { state: GiftState::Declined });
            }
            GiftEvent::Expired(key) => {
                let price = self.change_gift(key, GiftState::Expired);
                self.unmark(price);
            }
            GiftEvent::Returned(key, mark) => {
                let price = self.change_gift(key, GiftState::Returned);
                self.unmark(price);
                if self.own(mark) {
                    self.keep(at, mark, Done::GiftChanged { state: GiftState::Returned });
                } else {
                    // A merchant's takes none of the room of a day: it is recognised for ever, as the gift is.
                    let returned = self.engage().returned.get_or_insert_default();
                    returned.insert(mark.key.clone(), mark.fingerprint);
                }
            }
            GiftEvent::Withheld(key, order) => {
                let price = self.change_gift_by(key, |gift| {
                    gift.state = GiftState::Withheld;
                    gift.order = order.clone();
                });
                self.unmark(price);
                self.post(price);
            }
            GiftEvent::Provided(key) => drop(self.change_gift(key, GiftState::Provided)),
            GiftEvent::Reversed(key, _) => drop(self.change_gift(key, GiftState::Reversed)),
        }
    }

    fn change_gift(&mut self, key: &RequestKey, state: GiftState) -> Money {
        self.change_gift_by(key, |gift| gift.state = state)
    }

    /// Changes a gift, behind which time ends nothing; gives the price.
    fn change_gift_by(&mut self, key: &RequestKey, change: impl FnOnce(&mut Gift)) -> Money {
        let engagements = self.engage();
        let (price, expires_at) = engagements.gifts.change(key, change);
        if !planted::has(Bug::AcceptedExpires) {
            engagements.deadlines.remove(&(expires_at, Deadline::Gift(key.clone())));
        }
        price
    }

    fn absorb_mandate(&mut self, at: Timestamp, event: &MandateEvent) {
        match event {
            MandateEvent::Granted(mandate, mark) => {
                self.engage().mandates.insert(mark.key.id.clone(), **mandate);
                self.keep(at, mark, Done::MandateGranted);
            }
            MandateEvent::Revoked(id, mark) => {
                let used = self.engage().mandates.get_mut(id).map(|mandate| {
                    mandate.revoked = true;
                    mandate.used
                });
                self.keep(at, mark, Done::MandateRevoked { used: used.unwrap_or_default() });
            }
            MandateEvent::Used(id, amount) => {
                if let Some(mandate) = self.engage().mandates.get_mut(id) {
                    let used = mandate.used.checked_add(*amount);
                    mandate.used =
                        used.unwrap_or_else(|| unreachable!("a mandate's maximum is a legal amount"));
                }
            }
        }
    }

    fn absorb_merchant(&mut self, at: Timestamp, event: &MerchantEvent) {
        match event {
            MerchantEvent::Registered(registration, mark) => {
                let none = || Box::new(Merchant::default());
                self.engage().merchant.get_or_insert_with(none).registration = Some(*registration);
                self.keep(at, mark, Done::Registered { registered: true });
            }
            MerchantEvent::Unregistered(mark) => {
                self.merchant_mut().registration = None;
                self.keep(at, mark, Done::Registered { registered: false });
            }
            MerchantEvent::OrderBegun(reference, order) => {
                if let (Some(mark), OrderState::Begun(walk)) = (&order.asked, order.state) {
                    self.begin_request(mark, walk);
                }
                let merchant = self.merchant_mut();
                merchant.orders.insert(reference.clone(), (**order).clone());
                merchant.open += 1;
            }
            MerchantEvent::OrderPaid(reference) => {
                if let Some(mark) = self.change_order(reference, OrderState::Paid) {
                    self.engage().under_way.remove(&mark.key);
                    self.recognise(&mark);
                }
            }
            MerchantEvent::OrderFailed(reference, _) => {
                let asked = self.change_order(reference, OrderState::Reversed);
                self.forget_request(asked);
                self.merchant_mut().orders.remove(reference);
            }
            MerchantEvent::OrderProvided(reference, mark) => {
                let _ = self.change_order(reference, OrderState::Provided);
                match mark {
                    Some(mark) => self.recognise(mark),
                    None => self.change_order_by(reference, |order| order.certificate = true),
                }
            }
            MerchantEvent::ReversalBegun(reference, mark, walk) => {
                let _ = self.change_order(reference, OrderState::Reversing(*walk));
                self.change_order_by(reference, |order| order.asked = Some(Box::new(mark.clone())));
                self.begin_request(mark, *walk);
            }
            MerchantEvent::ReversalUndone(reference) => {
                let asked = self.change_order(reference, OrderState::Paid);
                self.forget_request(asked);
            }
            MerchantEvent::OrderReversed { order, paid, owed } => {
                if let Some(mark) = self.change_order(order, OrderState::Reversed) {
                    self.engage().under_way.remove(&mark.key);
                    self.keep(at, &mark, Done::OrderReversed { paid: *paid, owed: *owed });
                }
            }
            MerchantEvent::OrderAsked(mark, amount) => {
                self.keep(at, mark, Done::Withheld { amount: *amount })
            }
        }
    }

    fn begin_request(&mut self, mark: &RequestMark, walk: WalkId) {
        self.engage().under_way.insert(mark.key.clone(), (mark.fingerprint, walk));
    }

    fn forget_request(&mut self, asked: Option<Box<RequestMark>>) {
        if let Some(mark) = asked {
            self.engage().under_way.remove(&mark.key);
        }
    }

    /// The request has an order for ever.
    fn recognise(&mut self, mark: &RequestMark) {
        self.merchant_mut().asked.insert(mark.key.id.clone(), mark.fingerprint);
    }

    fn merchant_mut(&mut self) -> &mut Merchant {
        let merchant = self.engage().merchant.as_deref_mut();
        merchant.unwrap_or_else(|| unreachable!("orders are a merchant's"))
    }

    /// Notes a new state; gives the request that is under way no more.
    fn change_order(&mut self, reference: &Name, state: OrderState) -> Option<Box<RequestMark>> {
        let mut was_open = false;
        let mut asked = None;
        self.change_order_by(reference, |order| {
            was_open = order.state.open();
            asked = order.asked.take();
            order.state = state;
        });
        self.merchant_mut().open -= u32::from(was_open && !state.open());
        asked
    }

    fn change_order_by(&mut self, reference: &Name, change: impl FnOnce(&mut Order)) {
        let orders = &mut self.merchant_mut().orders;
        let order = orders.get(reference).cloned();
        let mut order = order.unwrap_or_else(|| unreachable!("an order is kept once it is begun"));
        change(&mut order);
        orders.insert(reference.clone(), order);
    }
}
