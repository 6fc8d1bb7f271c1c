//! What a record says of one of its events beyond the event itself: what for, how much, with whom, and the client's name for what it
//! is about.
//!
//! All of it follows from what stands beside the event in its record, from what the record sends on, and, where neither says it, from the
//! record that has sent the message. Absent on purpose: the ids of others' purchases and circulations, which are their own.

use super::event::{AccountEvent, CertificateEvent, Event, OfferingEvent, TransferEvent};
use super::inside::{Body, CreditReason};
use super::money::Money;
use super::number::ActorNumber;
use super::request::RequestMark;
use super::step::Onward;
use super::told::Told;

/// True where one of the following looks at what the event's record sends on.
#[must_use]
pub fn looks_at_what_is_sent(event: &Event) -> bool {
    let withheld = CreditReason::Withheld;
    match event {
        Event::Account(AccountEvent::Debited { .. } | AccountEvent::Transfer(TransferEvent::Posted(..)))
        | Event::Certificate(CertificateEvent::Sold { .. }) => true,
        Event::Account(AccountEvent::Credited { reason, .. }) => *reason == withheld,
        _ => false,
    }
}

/// What a debit is for, in a stable word; none of another event.
#[must_use]
pub fn purpose(event: &Event, sent: &[Onward]) -> Option<&'static str> {
    let Event::Account(AccountEvent::Debited { .. }) = event else { return None };
    sent.iter().find_map(|onward| match &onward.body {
        Body::Settle(_) => Some("purchase"),
        Body::CommissionFunded(_) => Some("commission"),
        Body::GiftArrives(_) => Some("gift"),
        Body::Credit(credit) if credit.reason == CreditReason::Payment => Some(credit.reason.text()),
        Body::Withheld(_) => Some(CreditReason::Withheld.text()),
        _ => None,
    })
}

/// What a certificate is sold for, which its payee is sent, or the merchant who withholds it; none of another event.
#[must_use]
pub fn price(event: &Event, sent: &[Onward]) -> Option<Money> {
    let Event::Certificate(CertificateEvent::Sold { .. }) = event else { return None };
    sent.iter().find_map(|onward| match &onward.body {
        Body::Credit(credit) if credit.reason == CreditReason::Sale => Some(credit.amount),
        Body::Withheld(withheld) => Some(withheld.amount),
        _ => None,
    })
}

/// Who is on the other side of a transfer that is posted, which is sent the money; none of another event.
#[must_use]
pub fn payee(event: &Event, sent: &[Onward]) -> Option<ActorNumber> {
    let Event::Account(AccountEvent::Transfer(TransferEvent::Posted(..))) = event else { return None };
    let paid = |onward: &&Onward| matches!(&onward.body, Body::Credit(credit) if credit.reason == CreditReason::Transfer);
    sent.iter().find(paid).map(|onward| onward.to)
}

/// The client's name for what an event of the account `own` is about, where its own record says it: `beside` are all events of that.
#[must_use]
pub fn reference<'record>(
    own: ActorNumber,
    event: &'record Event,
    beside: &'record [Event],
    sent: &'record [Onward],
) -> Option<&'record str> {
    let Event::Account(account) = event else { return Told::of(event).reference };
    match account {
        AccountEvent::Debited { .. } | AccountEvent::HoldFreed(_) => {
            let bought = sent.iter().find_map(|onward| match &onward.body {
                Body::Settle(settle) => own_id(own, &settle.mark),
                _ => None,
            });
            bought.or_else(|| beside.iter().find_map(|event| Told::of(event).reference))
        }
        AccountEvent::Credited { reason: CreditReason::Withheld, .. } => {
            sent.iter().find_map(|onward| match &onward.body {
                Body::OrderPaid(order) => Some(order.as_str()),
                _ => None,
            })
        }
        _ => Told::of(event).reference,
    }
}

/// True where the record that has sent the message may say what an event is about, and its own does not.
#[must_use]
pub fn looks_at_its_cause(event: &Event) -> bool {
    let Event::Account(event) = event else { return false };
    match event {
        AccountEvent::Debited { .. }
        | AccountEvent::Held { .. }
        | AccountEvent::HoldFreed(_)
        | AccountEvent::Displayed(_) => true,
        AccountEvent::Credited { reason, .. } => {
            matches!(reason, CreditReason::Transfer | CreditReason::Payment | CreditReason::GiftReturned)
        }
        _ => false,
    }
}

/// The client's name for what an event of the account `own` is about, by the events of the record that has sent the message.
#[must_use]
pub fn reference_by_cause<'record>(
    own: ActorNumber,
    event: &Event,
    cause: &'record [Event],
) -> Option<&'record str> {
    if !looks_at_its_cause(event) {
        return None;
    }
    cause.iter().find_map(|caused| match (event, caused) {
        // Who sends money gives it a name for both.
        (Event::Account(AccountEvent::Credited { .. }), Event::Account(_)) => Told::of(caused).reference,
        (Event::Account(_), Event::Offering(_) | Event::Certificate(_)) => own_id(own, mark(caused)?),
        _ => None,
    })
}

/// The id of a request of this account's own.
fn own_id(own: ActorNumber, mark: &RequestMark) -> Option<&str> {
    (mark.key.caller == own).then(|| mark.key.id.as_str())
}

/// The request that has brought about an event of an offering or a certificate, which sends an account something.
fn mark(event: &Event) -> Option<&RequestMark> {
    match event {
        Event::Offering(
            OfferingEvent::AttachBegun { mark, .. }
            | OfferingEvent::Allocated { mark, .. }
            | OfferingEvent::ReservationEnded(_, Some(mark)),
        )
        | Event::Certificate(CertificateEvent::Linked { mark, .. }) => Some(mark),
        Event::Offering(OfferingEvent::Reserving { mark, .. }) => Some(mark),
        _ => None,
    }
}
