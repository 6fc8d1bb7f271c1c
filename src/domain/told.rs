//! What an event says to whoever reads an account's or a certificate's history: a stable word, the money that it moves, and who is on
//! the other side.
//!
//! A fact (`fact`) is for whom it concerns while it happens, and most events are none; here every event has a word, because every one
//! stands in a chain. Absent on purpose: names and currencies, which whoever shows it looks up.

use super::answer::Settlement;
use super::event::{
    AccountEvent, CertificateEvent, Event, GiftEvent, MandateEvent, MerchantEvent, OfferingEvent,
    PaymentEvent, TransferEvent, WithdrawalReason,
};
use super::money::{Balance, Money};
use super::number::ActorNumber;
use super::request::RequestMark;

/// Which way money went, seen from the account whose history it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into what it has posted.
    In,
    /// Out of it.
    Out,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<'event> {
    /// A stable word for what happened.
    pub kind: &'static str,
    /// How much it is about, where it is about money.
    pub amount: Option<Money>,
    /// Which way it moved what the account has posted; none where it did not.
    pub direction: Option<Direction>,
    /// The account, offering or certificate on the other side.
    pub with: Option<ActorNumber>,
    /// What for, or how, in a stable word.
    pub detail: Option<&'static str>,
    /// The client's name for what it is about: a request, a payment certificate, a transfer, a gift, a mandate, an order.
    pub reference: Option<&'event str>,
}

impl<'event> Told<'event> {
    /// What an event says.
    #[must_use]
    pub fn of(event: &'event Event) -> Told<'event> {
        match event {
            Event::Account(event) => Told::of_account(event),
            Event::Offering(event) => Told::word(of_offering(event)),
            Event::Certificate(event) => Told::of_certificate(event),
        }
    }

    fn word(kind: &'static str) -> Told<'event> {
        Told { kind, amount: None, direction: None, with: None, detail: None, reference: None }
    }

    fn about(self, amount: Money) -> Told<'event> {
        Told { amount: Some(amount), ..self }
    }

    fn came(self, amount: Money) -> Told<'event> {
        Told { direction: Some(Direction::In), ..self.about(amount) }
    }

    fn went(self, amount: Money) -> Told<'event> {
        Told { direction: Some(Direction::Out), ..self.about(amount) }
    }

    fn with(self, number: ActorNumber) -> Told<'event> {
        Told { with: Some(number), ..self }
    }

    fn how(self, detail: &'static str) -> Told<'event> {
        Told { detail: Some(detail), ..self }
    }

    fn named(self, reference: &'event str) -> Told<'event> {
        Told { reference: Some(reference), ..self }
    }

    fn by(self, mark: &'event RequestMark) -> Told<'event> {
        self.named(mark.key.id.as_str())
    }

    fn of_account(event: &'event AccountEvent) -> Told<'event> {
        let word = Told::word;
        match event {
            AccountEvent::Opened(opening, mark) if opening.deposit.is_zero() => word("opened").by(mark),
            AccountEvent::Opened(opening, mark) => word("opened").came(opening.deposit).by(mark),
            AccountEvent::Deposited(amount, mark) => word("deposited").came(*amount).by(mark),
            AccountEvent::CashedOut(amount, mark) => word("cashed_out").went(*amount).by(mark),
            AccountEvent::CreditLimitSet(limit, mark) => word("credit_limit_set").about(*limit).by(mark),
            AccountEvent::Debited { amount, to } => word("debited").went(*amount).with(*to),
            AccountEvent::Credited { amount, from, reason } => {
                word("credited").came(*amount).with(*from).how(reason.text())
            }
            AccountEvent::Displayed(certificate) => word("displayed").with(*certificate),
            AccountEvent::StatusChanged(change, mark) => word("status_changed").how(change.text()).by(mark),
            AccountEvent::Held { certificate, amount } => word("held").about(*amount).with(*certificate),
            AccountEvent::HoldFreed(certificate) => word("hold_freed").with(*certificate),
            AccountEvent::Payment(event) => Told::of_payment(event),
            AccountEvent::Transfer(event) => Told::of_transfer(event),
            AccountEvent::Gift(event) => Told::of_gift(event),
            AccountEvent::Mandate(event) => Told::of_mandate(event),
            AccountEvent::Merchant(event) => Told::of_merchant(event),
            AccountEvent::TopUpBegun { amount, certificate, mark, .. } => {
                word("top_up_begun").went(*amount).with(*certificate).by(mark)
            }
            AccountEvent::TopUpDone { amount, mark } => word("top_up_done").about(*amount).by(mark),
            AccountEvent::TopUpUndone { amount, mark } => word("top_up_undone").came(*amount).by(mark),
            AccountEvent::PaidBack { amount, to } => word("paid_back").went(*amount).with(*to),
            AccountEvent::Owes(debt) => word("owes").about(debt.amount).with(debt.to),
            AccountEvent::DebtPaid { to, amount, .. } => word("debt_paid").went(*amount).with(*to),
        }
    }

    fn of_payment(event: &'event PaymentEvent) -> Told<'event> {
        let word = Told::word;
        match event {
            PaymentEvent::Issued(payment, mark) => {
                let told = word("payment_certificate_issued").about(payment.amount).by(mark);
                payment.beneficiary.map_or(told.clone(), |party| told.with(party.number))
            }
            PaymentEvent::Received(id, _) => word("payment_certificate_received").named(id.as_str()),
            PaymentEvent::Rejected(id, _) => word("payment_certificate_rejected").named(id.as_str()),
            // The money goes by a debit of its own.
            PaymentEvent::Released(id, amount, _) => {
                word("payment_certificate_released").about(*amount).named(id.as_str())
            }
            PaymentEvent::Voided(id, _) => word("payment_certificate_voided").named(id.as_str()),
            PaymentEvent::Expired(id) => word("payment_certificate_expired").named(id.as_str()),
            PaymentEvent::Linked { payment, offering, amount } => {
                word("payment_certificate_linked").about(*amount).with(*offering).named(payment.as_str())
            }
            PaymentEvent::Drawn { payment, by, release, .. } => {
                let told = word("payment_certificate_drawn").with(*by).named(payment.as_str());
                if release.is_zero() { told } else { told.went(*release) }
            }
            PaymentEvent::Spent { payment, amount } => {
                word("payment_certificate_spent").about(*amount).named(payment.as_str())
            }
        }
    }

    fn of_transfer(event: &'event TransferEvent) -> Told<'event> {
        let word = Told::word;
        match event {
            TransferEvent::Sent { to, amount, mark } => word("transferred").went(*amount).with(*to).by(mark),
            TransferEvent::Begun { to, amount, mark, .. } => {
                word("transfer_begun").about(*amount).with(*to).by(mark)
            }
            TransferEvent::Posted(transfer, amount, _) => {
                word("transfer_posted").went(*amount).named(transfer.as_str())
            }
            TransferEvent::Voided(transfer, _) => word("transfer_voided").named(transfer.as_str()),
            TransferEvent::Expired(transfer) => word("transfer_expired").named(transfer.as_str()),
        }
    }

    fn of_gift(event: &'event GiftEvent) -> Told<'event> {
        let word = Told::word;
        let (kind, key) = match event {
            // The price goes by a debit of its own.
            GiftEvent::Given { recipient, price, mark, .. } => {
                return word("gift_given").about(*price).with(*recipient).by(mark);
            }
            GiftEvent::Arrived(key, gift) => {
                return word("gift_arrived").about(gift.price).with(key.caller).named(key.id.as_str());
            }
            GiftEvent::Reversed(key, amount) => {
                return word("gift_reversed").about(*amount).with(key.caller).named(key.id.as_str());
            }
            GiftEvent::Accepted(key, _) => ("gift_accepted", key),
            GiftEvent::Declined(key, _) => ("gift_declined", key),
            GiftEvent::Expired(key) => ("gift_expired", key),
            GiftEvent::Returned(key, _) => ("gift_returned", key),
            GiftEvent::Withheld(key, _) => ("gift_withheld", key),
            GiftEvent::Provided(key) => ("gift_provided", key),
        };
        word(kind).with(key.caller).named(key.id.as_str())
    }

    fn of_mandate(event: &'event MandateEvent) -> Told<'event> {
        let word = Told::word;
        match event {
            MandateEvent::Granted(mandate, mark) => {
                word("mandate_granted").about(mandate.amount_max).with(mandate.merchant).by(mark)
            }
            MandateEvent::Revoked(id, _) => word("mandate_revoked").named(id.as_str()),
            // The money goes by a debit of its own.
            MandateEvent::Used(id, amount) => word("mandate_used").about(*amount).named(id.as_str()),
        }
    }

    fn of_merchant(event: &'event MerchantEvent) -> Told<'event> {
        let word = Told::word;
        match event {
            MerchantEvent::Registered(registration, mark) => {
                word("merchant_registered").with(registration.payee.number).by(mark)
            }
            MerchantEvent::Unregistered(mark) => word("merchant_unregistered").by(mark),
            MerchantEvent::OrderBegun(order, begun) => {
                let recipient = begun.from.recipient.number;
                word("order_begun").about(begun.amount).with(recipient).named(order.as_str())
            }
            MerchantEvent::OrderPaid(order) => word("order_paid").named(order.as_str()),
            MerchantEvent::OrderFailed(order, code) => {
                word("order_failed").how(code.text()).named(order.as_str())
            }
            MerchantEvent::OrderProvided(order, _) => word("order_provided").named(order.as_str()),
            MerchantEvent::ReversalBegun(order, ..) => word("reversal_begun").named(order.as_str()),
            MerchantEvent::ReversalUndone(order) => word("reversal_undone").named(order.as_str()),
            MerchantEvent::OrderReversed { order, paid, .. } => {
                word("order_reversed").about(*paid).named(order.as_str())
            }
            MerchantEvent::OrderAsked(mark, amount) => word("order_asked").about(*amount).by(mark),
        }
    }

    /// Of a certificate no reference is told: its history is anybody's to see, and a client's ids are its own.
    fn of_certificate(event: &'event CertificateEvent) -> Told<'event> {
        let word = Told::word;
        match event {
            CertificateEvent::Begun(birth) => word("begun").about(birth.price).with(birth.offering),
            CertificateEvent::Linked { account, .. } => word("linked").with(*account),
            CertificateEvent::Increased(amount) => word("increased").about(*amount),
            CertificateEvent::ReserveShort => word("reserve_short"),
            CertificateEvent::Acquired { amount, .. } => word("acquired").about(*amount),
            CertificateEvent::Prompted => word("prompted"),
            CertificateEvent::Withdrawn(reason) => word("withdrawn").how(match reason {
                WithdrawalReason::Condition(_) => "condition",
                WithdrawalReason::Deadline => "deadline",
            }),
            CertificateEvent::OthersCashed(account) => word("others_cashed").with(*account),
            CertificateEvent::Sold { buyer, commission, .. } => {
                word("sold").with(*buyer).how(match commission {
                    Settlement::None => "no_commission",
                    Settlement::Settled { .. } => "settled",
                    Settlement::Withdrawn { .. } => "withdrawn",
                })
            }
            CertificateEvent::Settled => word("settled"),
            CertificateEvent::PageSent { .. } => word("page_sent"),
            CertificateEvent::PageCreditAbsorbed => word("page_credit_absorbed"),
            CertificateEvent::Drawn(amount) => word("drawn").about(*amount),
            CertificateEvent::ToppedUp(amount) => word("topped_up").about(*amount),
            CertificateEvent::RefundBegun(..) => word("refund_begun"),
            CertificateEvent::RefundUndone => word("refund_undone"),
            CertificateEvent::Refunded { paid, .. } => word("refunded").about(*paid),
        }
    }
}

fn of_offering(event: &OfferingEvent) -> &'static str {
    match event {
        OfferingEvent::Issued(..) => "issued",
        OfferingEvent::Published(..) => "published",
        OfferingEvent::AttachBegun { .. } => "attach_begun",
        OfferingEvent::Attached => "attached",
        OfferingEvent::AttachUndone => "attach_undone",
        OfferingEvent::Touched { .. } => "touched",
        OfferingEvent::TurnTaken { .. } => "turn_taken",
        OfferingEvent::TurnUndone { .. } => "turn_undone",
        OfferingEvent::Allocated { .. } => "allocated",
        OfferingEvent::Freed(_) => "freed",
        OfferingEvent::Paid(_) => "paid",
        OfferingEvent::Queued(_) => "queued",
        OfferingEvent::Unqueued(_) => "unqueued",
        OfferingEvent::Expired => "expired",
        OfferingEvent::Returned(_) => "returned",
        OfferingEvent::Reserving { .. } => "reserving",
        OfferingEvent::Reserved(_) => "reserved",
        OfferingEvent::ReservationEnded(..) => "reservation_ended",
        OfferingEvent::ToppedUp(..) => "topped_up",
        OfferingEvent::WindowOpened => "window_opened",
        OfferingEvent::WindowClosed => "window_closed",
    }
}

/// What an account had posted before one of a record's events, where `after` is what it had after it; none where the record does not
/// say.
#[must_use]
pub fn posted_before(after: Balance, events: &[Event], place: usize) -> Option<Balance> {
    let (amount, direction) = moved(events, place);
    events.get(place)?;
    let money = |amount: Option<Money>| amount.and_then(|amount| i64::try_from(amount.minor()).ok());
    let minor = match direction {
        None => return Some(after),
        Some(Direction::In) => after.minor().checked_sub(money(amount)?)?,
        Some(Direction::Out) => after.minor().checked_add(money(amount)?)?,
    };
    Some(Balance::from_minor(minor))
}

/// The amount that one of a record's events is about, and whether it moved what the account has posted: `Told`'s, but for what the events
/// beside it say.
#[must_use]
pub fn moved(events: &[Event], place: usize) -> (Option<Money>, Option<Direction>) {
    match events.get(place) {
        // The gift's price is for an instant the recipient's own, and leaves it with the same record (T13).
        Some(Event::Account(AccountEvent::Gift(GiftEvent::Withheld(..)))) => {
            let debited = events[place..].iter().find_map(|event| match event {
                Event::Account(AccountEvent::Debited { amount, .. }) => Some(*amount),
                _ => None,
            });
            (debited, Some(Direction::In))
        }
        // What everybody who shared it gets in all stands with the sale, in the same record.
        Some(Event::Certificate(CertificateEvent::Settled)) => {
            let cashed = events[..place].iter().rev().find_map(|event| match event {
                Event::Certificate(CertificateEvent::Sold {
                    commission: Settlement::Settled { cashed, .. },
                    ..
                }) => Some(*cashed),
                _ => None,
            });
            (cashed, None)
        }
        Some(event) => {
            let told = Told::of(event);
            (told.amount, told.direction)
        }
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CreditReason, Name, RequestId, RequestKey};

    fn money(minor: u64) -> Money {
        Money::from_minor(minor).unwrap()
    }

    #[test]
    fn what_was_posted_before_follows_from_what_is_posted_after() {
        let to = ActorNumber(9);
        let key = RequestKey { caller: to, id: RequestId::new("gift").unwrap() };
        let credited = AccountEvent::Credited { amount: money(300), from: to, reason: CreditReason::Sale };
        let debited = AccountEvent::Debited { amount: money(70), to };
        let withheld = AccountEvent::Gift(GiftEvent::Withheld(key, None));
        let paid = AccountEvent::Merchant(MerchantEvent::OrderPaid(Name::new("17").unwrap()));
        let events = [credited, withheld.clone(), debited, paid].map(Event::Account);
        let before = |place| posted_before(Balance::from_minor(1_000), &events, place).map(Balance::minor);
        assert_eq!([0, 1, 2, 3].map(before), [Some(700), Some(930), Some(1_070), Some(1_000)]);
        assert_eq!(
            posted_before(Balance::ZERO, &[Event::Account(withheld)], 0),
            None,
            "its price is not said"
        );
        assert_eq!(posted_before(Balance::from_minor(i64::MIN), &events, 0), None, "no balance is so low");
        assert_eq!(before(4), None);
    }
}
