//! The state digest: SHA-256 over names, balances, buckets, hops and buyers, sorted; two stores with the same
//! digest hold the same sale. Without heads, sequences, numbers and times, so runs can be compared.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::actors::House;
use crate::domain::{ActorNumber, Certificate, Name, Resident};

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
        Resident::Account(account) => format!(
            "account {:?} {} posted {} held {} earmarked {} credit {}",
            account.name().as_str(),
            account.currency().code(),
            account.posted().minor(),
            account.held().minor(),
            account.earmarked().minor(),
            account.credit_limit().minor(),
        ),
        Resident::Offering(offering) => {
            let offer = offering.offer();
            format!(
                "offering {:?} {} price {} items {} payee {:?} sold {} untouched {} envelopes {}",
                offer.name.as_str(),
                offer.currency.code(),
                offer.price.minor(),
                offer.items,
                name(&offer.payee.number),
                offering.stock().sold(),
                offering.stock().untouched(),
                offering.envelopes(),
            )
        }
        Resident::Certificate(certificate) => certificate_line(certificate, name),
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
    line
}
