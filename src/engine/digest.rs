//! The state digest: SHA-256 over names, balances, buckets, hops, buyers and everything that accounts are engaged in,
//! sorted; two stores with the same digest hold the same sale. Without heads, sequences, numbers and times, so runs can
//! be compared.
//!
//! What few actors have stands at the end of their lines, and only where they have it. Absent on purpose: private
//! pages, which follow from the hops.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::actors::House;
use crate::domain::{
    Account, ActorNumber, Certificate, FoundFrom, Name, OrderState, Resident, Status, WithholdingRight,
};

/// The digest, in lower-case hexadecimal.
#[must_use]
pub fn state_digest(houses: &[House]) -> String {
    let mut hasher = Sha256::new();
    for line in state_lines(houses) {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The lines that the digest is of, one an actor.
#[must_use]
pub fn state_lines(houses: &[House]) -> Vec<String> {
    let residents = || houses.iter().flat_map(House::rooms).map(|(number, room)| (number, &room.resident));
    let mut names: HashMap<ActorNumber, &Name> = HashMap::new();
    for (number, resident) in residents() {
        match resident {
            Resident::Account(account) => drop(names.insert(number, account.name())),
            Resident::Offering(offering) => drop(names.insert(number, &offering.offer().name)),
            Resident::Certificate(_) => {}
        }
    }
    let mut lines: Vec<String> = residents().map(|(_, resident)| line(resident, &names)).collect();
    lines.sort_unstable();
    lines
}

/// Names are quoted and escaped, so that no name can pretend to be more than one.
fn line(resident: &Resident, names: &HashMap<ActorNumber, &Name>) -> String {
    let name = |number: &ActorNumber| names.get(number).map_or("?", |name| name.as_str());
    match resident {
        Resident::Account(account) => account_line(account, name),
        Resident::Offering(offering) => {
            let offer = offering.offer();
            let mut line = format!(
                "offering {:?} {} price {} items {} payee {:?} sold {} untouched {} envelopes {}",
                offer.name.as_str(),
                offer.currency.code(),
                offer.price.minor(),
                offer.items,
                name(&offer.payee.number),
                offering.stock().sold(),
                offering.stock().untouched(),
                offering.envelopes(),
            );
            if offering.stock().reserved() > 0 {
                let _ = write!(line, " reserved {}", offering.stock().reserved());
            }
            if let Some((payer, payment)) = offering.claims_on() {
                let (payer, payment) = (name(&payer), payment.as_str());
                let _ = write!(line, " claims {} on {payer:?} {payment:?}", offering.claims());
            }
            line
        }
        Resident::Certificate(certificate) => certificate_line(certificate, name),
    }
}

fn account_line<'names>(account: &Account, name: impl Fn(&ActorNumber) -> &'names str) -> String {
    let mut line = format!(
        "account {:?} {} posted {} held {} earmarked {} credit {}",
        account.name().as_str(),
        account.currency().code(),
        account.posted().minor(),
        account.held().minor(),
        account.earmarked().minor(),
        account.credit_limit().minor(),
    );
    match account.status() {
        Status::Open => {}
        Status::Frozen => line.push_str(" frozen"),
        Status::Closed => line.push_str(" closed"),
    }
    if account.accepts_gifts() {
        line.push_str(" accepts gifts");
    }
    for (id, payment) in account.payments() {
        let (id, released, freed) = (id.as_str(), payment.released.minor(), payment.freed.minor());
        let (amount, state) = (payment.amount.minor(), payment.state);
        let _ = write!(line, " payment {id:?} {amount} {state:?} released {released} freed {freed}");
    }
    for amount in account.pending_transfers() {
        let _ = write!(line, " transfer {}", amount.minor());
    }
    for (id, mandate) in account.mandates() {
        let (id, merchant, used) = (id.as_str(), name(&mandate.merchant), mandate.used.minor());
        let _ =
            write!(line, " mandate {id:?} {merchant:?} used {used} revoked {}", u8::from(mandate.revoked));
    }
    if let Some(registration) = account.registration() {
        let (payee, supplier) = (name(&registration.payee.number), name(&registration.supplier));
        let _ = write!(line, " merchant of {payee:?} {supplier:?} {:?}", registration.when_short);
    }
    // These stand by numbers, or in no order, which is another one in another run.
    let gifts = account.gifts().map(|(key, gift)| {
        let (donor, id) = (name(&key.caller), key.id.as_str());
        format!(" gift {donor:?} {id:?} {} {:?}", gift.price.minor(), gift.state)
    });
    let orders = account.orders().map(|(reference, order)| {
        let (payee, from) = (name(&order.payee), right_text(&order.from, &name));
        let (amount, state) = (order.amount.minor(), order_text(order.state));
        format!(" order {:?} {amount} {from} to {payee:?} {state}", reference.as_str())
    });
    let debts = account
        .debts()
        .iter()
        .map(|debt| format!(" owes {:?} {} of {:?}", name(&debt.to), debt.amount.minor(), debt.paid_by));
    let mut rest: Vec<String> = gifts.chain(orders).chain(debts).collect();
    rest.sort_unstable();
    rest.iter().for_each(|text| line.push_str(text));
    line
}

fn right_text<'names>(from: &FoundFrom, name: impl Fn(&ActorNumber) -> &'names str) -> String {
    let recipient = name(&from.recipient.number);
    match &from.right {
        WithholdingRight::Gift(key) => {
            format!("gift {:?} {:?} of {recipient:?}", name(&key.caller), key.id.as_str())
        }
        WithholdingRight::Mandate(id) => format!("mandate {:?} of {recipient:?}", id.as_str()),
    }
}

/// Without the number of the walk.
fn order_text(state: OrderState) -> &'static str {
    match state {
        OrderState::Begun(_) => "begun",
        OrderState::Paid => "paid",
        OrderState::Provided => "provided",
        OrderState::Reversing(_) => "reversing",
        OrderState::Reversed => "reversed",
    }
}

fn certificate_line<'names>(certificate: &Certificate, name: impl Fn(&ActorNumber) -> &'names str) -> String {
    let (birth, buckets) = (certificate.birth(), certificate.buckets());
    let mut line = format!(
        "certificate {:?} {} reserve {} attached {} promised {} cashed {} returned {} cumulative {} hops",
        name(&birth.offering),
        birth.serial.0,
        buckets.reserve.minor(),
        buckets.attached.minor(),
        buckets.promised.minor(),
        buckets.cashed.minor(),
        buckets.returned.minor(),
        buckets.cumulative.minor(),
    );
    for hop in certificate.hops() {
        let promise = certificate.promise_of(hop).minor();
        let _ = write!(line, " {:?} {promise} {}", name(&hop.account), u8::from(hop.cashed));
    }
    let buyer = certificate.sale().map_or("", |sale| name(&sale.buyer));
    let _ = write!(line, " buyer {buyer:?}");
    if let Some(refunded) = certificate.refunded() {
        let _ = write!(line, " refunded {} owed {}", refunded.paid.minor(), refunded.owed.minor());
    }
    line
}
