//! The engine's market as everybody could see it, read from its residents.

use std::collections::HashMap;

use super::shown::{AccountLine, CertificateLine, Shown};
use crate::actors::House;
use crate::domain::{
    Account, ActorNumber, Certificate, CommissionState, OrderState, PaymentState, Resident, Status,
};

/// Everything that can be held against the model, of houses that are quiet.
pub(crate) fn observed(houses: &[&House]) -> Shown {
    let residents =
        || houses.iter().flat_map(|house| house.rooms()).map(|(number, room)| (number, &room.resident));
    let mut names: HashMap<ActorNumber, &str> = HashMap::new();
    for (number, resident) in residents() {
        match resident {
            Resident::Account(account) => drop(names.insert(number, account.name().as_str())),
            Resident::Offering(offering) => drop(names.insert(number, offering.offer().name.as_str())),
            Resident::Certificate(_) => {}
        }
    }
    let name = |number: ActorNumber| names.get(&number).copied().unwrap_or("nobody").to_owned();
    let mut shown = Shown::default();
    for (_, resident) in residents() {
        match resident {
            Resident::Account(account) => observe_account(account, &name, &mut shown),
            Resident::Offering(offering) => {
                let stock = offering.stock();
                let reserved = stock.reservations();
                let reserved = reserved
                    .map(|(serial, reservation)| (serial.0, name(reservation.buyer), reservation.until.0));
                let published_at = offering.published_at().map(|at| at.0);
                shown.offering(
                    offering.offer().name.as_str(),
                    published_at,
                    stock.sold() as usize,
                    reserved.collect(),
                );
            }
            Resident::Certificate(certificate) => observe_certificate(certificate, &name, &mut shown),
        }
    }
    shown
}

fn observe_account(account: &Account, name: &impl Fn(ActorNumber) -> String, shown: &mut Shown) {
    let own = account.name().as_str();
    let mut pending: Vec<u64> = account.pending_transfers().map(|amount| amount.minor()).collect();
    pending.sort_unstable();
    let mut owes: Vec<(String, u64)> =
        account.debts().iter().map(|debt| (name(debt.to), debt.amount.minor())).collect();
    owes.sort_unstable();
    shown.account(
        own,
        AccountLine {
            posted: account.posted().minor(),
            held: account.held().minor(),
            earmarked: account.earmarked().minor(),
            credit: account.credit_limit().minor(),
            frozen: account.status() == Status::Frozen,
            accepts_gifts: account.accepts_gifts(),
            pending,
            owes,
        },
    );
    for (id, payment) in account.payments() {
        let amounts = (payment.amount.minor(), payment.released.minor(), payment.freed.minor());
        let ended = !matches!(payment.state, PaymentState::Issued | PaymentState::Received);
        shown.payment(own, id.as_str(), amounts, ended);
    }
    for (key, gift) in account.gifts() {
        shown.gift(&name(key.caller), key.id.as_str(), own, gift.price.minor(), gift.state.text());
    }
    for (id, mandate) in account.mandates() {
        shown.mandate(own, id.as_str(), mandate.used.minor(), mandate.revoked);
    }
    for (reference, order) in account.orders() {
        let state = match order.state {
            OrderState::Begun(_) => "begun",
            OrderState::Paid => "paid",
            OrderState::Provided => "provided",
            OrderState::Reversing(_) => "reversing",
            OrderState::Reversed => "reversed",
        };
        shown.order(own, reference.as_str(), state);
    }
}

fn observe_certificate(certificate: &Certificate, name: &impl Fn(ActorNumber) -> String, shown: &mut Shown) {
    let buckets = certificate.buckets();
    let stands = certificate.state() == CommissionState::Active;
    let label =
        stands.then(|| [buckets.attached.minor(), buckets.reserve.minor(), buckets.cumulative.minor()]);
    let birth = certificate.birth();
    shown.certificate(
        &name(birth.offering),
        birth.serial.0,
        CertificateLine {
            label,
            promised: buckets.promised.minor(),
            cashed: buckets.cashed.minor(),
            returned: buckets.returned.minor(),
            chain: certificate.hops().map(|hop| name(hop.account)).collect(),
            almost_met: certificate.almost_met(),
            buyer: certificate.sale().map(|sale| name(sale.buyer)),
            refunded: certificate.refunded().is_some(),
        },
    );
}
