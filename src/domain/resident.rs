//! Any actor: the one place where a message or an event finds its kind.

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::certificate::Certificate;
use super::chain::Head;
use super::event::{AccountEvent, CertificateEvent, Event, OfferingEvent};
use super::inside::Body;
use super::number::ActorNumber;
use super::offering::Offering;
use super::refusal::{Code, Refusal};
use super::request::Task;
use super::step::{Context, Decision, Step};
use super::time::Timestamp;

/// The state of an account, an offering or a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Resident {
    /// An account; with the room, so that whoever has found the one has the other near.
    Account(Account),
    /// An offering.
    Offering(Box<Offering>),
    /// A certificate.
    Certificate(Box<Certificate>),
}

impl Resident {
    /// The actor that a first event makes; none where the event is not a beginning.
    #[must_use]
    pub fn begun(number: ActorNumber, event: &Event) -> Option<Resident> {
        Some(match event {
            Event::Account(AccountEvent::Opened(opening, mark)) => {
                Resident::Account(Account::opened(number, opening, mark))
            }
            Event::Offering(OfferingEvent::Issued(offer, mark)) => {
                Resident::Offering(Box::new(Offering::issued(number, offer, mark)))
            }
            Event::Certificate(CertificateEvent::Begun(birth)) => {
                Resident::Certificate(Box::new(Certificate::begun(number, birth)))
            }
            _ => return None,
        })
    }

    /// Decides on a message for a number that has no actor yet.
    ///
    /// A beginning begins; a request to a certificate that is not alive is its offering's to decide, whose
    /// number lies before it by the serial; everything else is unknown.
    #[must_use]
    pub fn apply_absent(context: Context, number: ActorNumber, body: &Body) -> Decision {
        let Body::Request(request) = body else {
            return Certificate::apply_absent(context, number, body);
        };
        let unknown = |code| Decision::Refuse(Refusal::of(code));
        let serial = match &request.task {
            Task::Open(opening) => return Account::apply_absent(opening, &request.mark),
            Task::Issue(offer) => {
                let objection = || request.objection.as_deref().cloned();
                return match request.barred().or_else(objection) {
                    Some(refusal) => Decision::Refuse(refusal),
                    None => Offering::apply_absent(offer, &request.mark),
                };
            }
            Task::Deposit(_)
            | Task::CashOut(_)
            | Task::SetCreditLimit(_)
            | Task::Status(_)
            | Task::Payment(_)
            | Task::Transfer(_)
            | Task::Mandate(_)
            | Task::Merchant(_)
            | Task::ShowPage { .. }
            | Task::ShowAccount => return unknown(Code::UnknownAccount),
            Task::Gift(_)
            | Task::TopUp(_)
            | Task::Publish(_)
            | Task::Attach(..)
            | Task::PayReservation(..)
            | Task::CancelReservation(_)
            | Task::ShowOffering => return unknown(Code::UnknownOffering),
            Task::Circulate(task) => task.named,
            Task::Purchase(task) | Task::Reserve(task) => task.named,
            Task::ShowRequest { serial: None, .. } => return unknown(Code::UnknownRequest),
            Task::ShowRequest { serial, .. } => *serial,
            Task::Acquire(serial) | Task::Refund(serial) | Task::ShowCertificate { serial, .. } => {
                Some(*serial)
            }
        };
        match serial {
            Some(serial) => Decision::Pass(ActorNumber(number.0 - u64::from(serial.0)), body.clone()),
            None => unknown(Code::UnknownOffering),
        }
    }

    /// Reads what most decisions on a message read, and makes a meaningless number of it: the state's memory is near
    /// then.
    #[must_use]
    pub fn glance(&self, body: Option<&Body>) -> u64 {
        match (self, body) {
            (Resident::Account(account), _) => account.glance(),
            (Resident::Offering(offering), body) => offering.glance(body),
            (Resident::Certificate(certificate), _) => certificate.glance(),
        }
    }

    /// How many hops or requests the state remembers: where they are many, encoding it takes long.
    #[must_use]
    pub fn entries(&self) -> usize {
        match self {
            Resident::Account(account) => account.entries(),
            Resident::Offering(offering) => offering.entries(),
            Resident::Certificate(certificate) => certificate.hop_count() as usize,
        }
    }

    /// The earliest thing that time alone has brought about by `now`, and when it did, as a step of its own:
    /// an expiry, a bound of the window, a prompt, the end of a reservation (D35, D36, F4, F6). `since` is the time of the actor's newest
    /// record. Each is due once, so recording what is due comes to an end.
    #[must_use]
    pub fn due(&self, since: Timestamp, now: Timestamp) -> Option<(Timestamp, Step)> {
        match self {
            Resident::Account(account) => account.due(now),
            Resident::Offering(offering) => offering.due(now),
            Resident::Certificate(certificate) => certificate.due(since, now),
        }
    }

    /// The instant from which on `due` gives something; none where time alone will bring about nothing.
    #[must_use]
    pub fn next_due(&self, since: Timestamp) -> Option<Timestamp> {
        match self {
            Resident::Account(account) => account.next_due(),
            Resident::Offering(offering) => offering.next_due(),
            Resident::Certificate(certificate) => certificate.next_due(since),
        }
    }

    /// Decides on a message and changes nothing. `entries` and `head` are those of the actor's chain.
    #[must_use]
    pub fn apply(&self, context: Context, entries: u64, head: &Head, body: &Body) -> Decision {
        match self {
            Resident::Account(account) => account.apply(context, entries, head, body),
            Resident::Offering(offering) => offering.apply(context, entries, head, body),
            Resident::Certificate(certificate) => certificate.apply(context, entries, head, body),
        }
    }

    /// The event of a message from which nothing else follows, where it is such a message: `apply` gives the same and nothing
    /// beside it. Most messages of a settlement are.
    #[must_use]
    pub fn sole_event(&self, body: &Body) -> Option<Event> {
        match self {
            Resident::Account(account) => account.sole_event(body),
            Resident::Offering(offering) => offering.sole_event(body),
            Resident::Certificate(_) => None,
        }
    }

    /// Takes an event that was decided before, and refuses nothing.
    pub fn absorb(&mut self, at: Timestamp, event: &Event) {
        match (self, event) {
            (Resident::Account(account), Event::Account(event)) => account.absorb(at, event),
            (Resident::Offering(offering), Event::Offering(event)) => offering.absorb(at, event),
            (Resident::Certificate(certificate), Event::Certificate(event)) => certificate.absorb(at, event),
            (resident, event) => {
                unreachable!("an actor's events are of its own kind: {resident:?} {event:?}")
            }
        }
    }
}
