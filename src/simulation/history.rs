//! The invariants that only a history can judge: what may happen once, what may never fall, what must match.

use std::collections::BTreeMap;

use crate::actors::House;
use crate::domain::{
    AccountEvent, ActorNumber, Certificate, CertificateEvent, CreditReason, Event, IncreasePolicy,
    PaymentEvent, Resident, Timestamp,
};
use crate::journal::Record;

/// What the records have told so far of every actor.
#[derive(Default)]
pub struct History {
    newest: BTreeMap<ActorNumber, (u64, Timestamp)>,
    certificates: BTreeMap<ActorNumber, Tally>,
    events: Vec<(ActorNumber, Timestamp, Event)>,
}

/// What has happened to one certificate, or was paid to and by it.
#[derive(Default)]
struct Tally {
    cumulative: u64,
    sold: u32,
    ended: u32,
    prompted: u32,
    paid_for: Vec<u64>,
    paid_out: Vec<u64>,
    commissions: BTreeMap<ActorNumber, u64>,
    returned: u64,
    /// By the payee, and by whoever had cashed.
    paid_back: Vec<u64>,
    /// To the buyer.
    refunds: Vec<u64>,
}

impl History {
    /// Every event so far, with its actor and its record's time.
    pub fn events(&self) -> &[(ActorNumber, Timestamp, Event)] {
        &self.events
    }

    /// Takes the next record; `resident` is its actor after it.
    pub fn record(&mut self, record: &Record<'_>, resident: &Resident) -> Result<(), String> {
        let prefix = &record.prefix;
        let (sequence, at) = self.newest.get(&prefix.actor).copied().unwrap_or_default();
        let entries = u64::from(!record.events.is_empty());
        if prefix.sequence != sequence + entries || prefix.at < at {
            return Err(format!(
                "I9: entry {} at {} follows {sequence} at {}",
                prefix.sequence, prefix.at.0, at.0
            ));
        }
        self.newest.insert(prefix.actor, (prefix.sequence, prefix.at));
        for event in record.events.iter() {
            self.count(prefix.actor, event);
            self.events.push((prefix.actor, prefix.at, event.clone()));
        }
        if let Resident::Certificate(certificate) = resident {
            increases(&record.events, certificate)?;
            let tally = self.certificates.entry(prefix.actor).or_default();
            let cumulative = certificate.buckets().cumulative.minor();
            if cumulative < tally.cumulative {
                return Err(format!("I3: cumulative falls from {} to {cumulative}", tally.cumulative));
            }
            tally.cumulative = cumulative;
            if tally.sold > 1 || tally.ended > 1 || tally.prompted > 1 {
                return Err("I4, I7, I17: sold, ended or prompted twice".to_owned());
            }
        }
        Ok(())
    }

    fn count(&mut self, actor: ActorNumber, event: &Event) {
        let mut tally = |number: ActorNumber, change: &dyn Fn(&mut Tally)| {
            change(self.certificates.entry(number).or_default());
        };
        match event {
            Event::Account(AccountEvent::Debited { amount, to }) => {
                tally(*to, &|tally| tally.paid_for.push(amount.minor()));
            }
            Event::Account(AccountEvent::Credited { amount, from, reason }) => {
                tally(*from, &|tally| match reason {
                    CreditReason::Sale => tally.paid_out.push(amount.minor()),
                    CreditReason::Commission => {
                        *tally.commissions.entry(actor).or_default() += amount.minor()
                    }
                    CreditReason::Returned => tally.returned += amount.minor(),
                    CreditReason::Refund => tally.refunds.push(amount.minor()),
                    _ => {}
                })
            }
            Event::Account(AccountEvent::Payment(PaymentEvent::Drawn { by, free, .. })) => {
                tally(*by, &|tally| tally.returned += free.minor());
            }
            Event::Account(AccountEvent::PaidBack { amount, to }) => {
                tally(*to, &|tally| tally.paid_back.push(amount.minor()));
            }
            Event::Certificate(CertificateEvent::Sold { .. }) => tally(actor, &|tally| tally.sold += 1),
            Event::Certificate(CertificateEvent::Settled | CertificateEvent::Withdrawn(_)) => {
                tally(actor, &|tally| tally.ended += 1);
            }
            Event::Certificate(CertificateEvent::Prompted) => tally(actor, &|tally| tally.prompted += 1),
            _ => {}
        }
    }

    /// What must match once nothing is under way.
    pub fn check_quiet(&self, houses: &[House]) -> Result<(), String> {
        for (number, room) in houses.iter().flat_map(House::rooms) {
            let Resident::Certificate(certificate) = &room.resident else { continue };
            let Some(tally) = self.certificates.get(&number) else { continue };
            let price = certificate.birth().price.minor();
            let payments = if certificate.sale().is_some() { vec![price] } else { Vec::new() };
            if tally.paid_for != payments || tally.paid_out != payments {
                return Err(format!(
                    "I4: certificate {} at {price} was paid {:?} and paid out {:?}",
                    number.0, tally.paid_for, tally.paid_out
                ));
            }
            let refunded: Vec<u64> =
                certificate.refunded().iter().map(|refunded| refunded.paid.minor()).collect();
            if tally.refunds != refunded.iter().copied().filter(|paid| *paid > 0).collect::<Vec<u64>>() {
                return Err(format!("F7: refunded {refunded:?}, credited {:?}", tally.refunds));
            }
            let mut cashed = BTreeMap::new();
            for hop in certificate.hops().filter(|hop| hop.cashed && !hop.promise.is_zero()) {
                *cashed.entry(hop.account).or_default() += hop.promise.minor();
            }
            if cashed != tally.commissions {
                return Err(format!("I6: cashed {cashed:?}, credited {:?}", tally.commissions));
            }
            if certificate.buckets().returned.minor() != tally.returned {
                return Err(format!("P5: returned {:?}, credited {}", certificate.buckets(), tally.returned));
            }
        }
        Ok(())
    }
}

/// N5, D32: one increase for each circulation, and one for each acquiring of its own under `after_acquire`.
fn increases(events: &[Event], certificate: &Certificate) -> Result<(), String> {
    let count = |wanted: fn(&CertificateEvent) -> bool| {
        events.iter().filter(|event| matches!(event, Event::Certificate(event) if wanted(event))).count()
    };
    let linked = count(|event| matches!(event, CertificateEvent::Linked { .. }));
    let acquired = count(|event| matches!(event, CertificateEvent::Acquired { asked: Some(_), .. }));
    let envelope = certificate.birth().envelope.as_ref();
    let at_once = envelope.is_some_and(|envelope| envelope.terms.policy == IncreasePolicy::AfterAcquire);
    let expected = linked + if at_once { acquired } else { 0 };
    let increased = count(|event| matches!(event, CertificateEvent::Increased(_)));
    if increased != expected {
        return Err(format!("N5: {increased} increases where {expected} belong: {events:?}"));
    }
    Ok(())
}
