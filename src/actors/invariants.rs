//! The invariants of SPEC §5 that a look at all actors can judge, after every message and every restart.
//!
//! Absent on purpose: what only a history can judge (I12, I13, I19); tests of their own do.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::house::House;
use crate::domain::{
    ActorNumber, Body, Certificate, CommissionState, Currency, IncreasePolicy, Resident, Right, Standing,
};

/// Checks everything. `undelivered` are the messages that a record has sent and no record has absorbed;
/// with none of them the house is quiet and more must hold.
///
/// # Errors
/// The first difference, in words, with the invariant's number.
pub fn check<'body>(
    houses: &[House],
    undelivered: impl Iterator<Item = (ActorNumber, &'body Body)>,
) -> Result<(), String> {
    let residents: HashMap<ActorNumber, &Resident> =
        houses.iter().flat_map(House::rooms).map(|(number, room)| (number, &room.resident)).collect();
    let mut sums: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    let mut quiet = true;
    for (to, body) in undelivered {
        quiet = false;
        if let Some(currency) = currency_of(&residents, to, body) {
            sums.entry(currency).or_default().0 += i128::try_from(body.money()).unwrap_or(i128::MAX);
        }
    }
    for (number, resident) in &residents {
        let (currency, inside, outside) = match resident {
            Resident::Account(account) => {
                let available = i128::from(account.posted().minor()) - i128::from(account.held().minor())
                    + i128::from(account.credit_limit().minor());
                if available < 0 {
                    return Err(format!("I3: account {} has {available} available", account.name()));
                }
                let inside = i128::from(account.posted().minor()) + i128::from(account.earmarked().minor());
                let outside = account.deposits() as i128 - account.cash_outs() as i128;
                (account.currency(), inside, outside)
            }
            Resident::Offering(offering) => {
                if offering.stock().sold() > offering.offer().items {
                    return Err(format!("I18: offering {} sold more than it has", offering.offer().name));
                }
                (offering.offer().currency, i128::try_from(offering.envelopes()).unwrap_or(i128::MAX), 0)
            }
            Resident::Certificate(certificate) => {
                check_certificate(certificate)
                    .map_err(|why| format!("{why}, in certificate {}", number.0))?;
                if quiet {
                    check_sold(&residents, certificate)?;
                }
                let unspent = i128::from(certificate.buckets().unspent().minor());
                let unpaid = i128::try_from(certificate.unpaid()).unwrap_or(i128::MAX);
                (certificate.birth().currency, unspent + unpaid, 0)
            }
        };
        let sum = sums.entry(currency).or_default();
        sum.0 += inside;
        sum.1 += outside;
    }
    for (currency, (inside, outside)) in sums {
        if inside != outside {
            return Err(format!(
                "I1: {} minor units of {} are in the house, {outside} came in and stayed",
                inside,
                currency.code()
            ));
        }
    }
    if quiet { check_quiet(&residents) } else { Ok(()) }
}

/// The currency of the money that a message carries.
fn currency_of(
    residents: &HashMap<ActorNumber, &Resident>,
    to: ActorNumber,
    body: &Body,
) -> Option<Currency> {
    let born = |birth: &Option<Box<crate::domain::Birth>>| birth.as_ref().map(|birth| birth.currency);
    match body {
        Body::Settle(settle) => Some(settle.buyer.currency),
        Body::Handed(handed) => born(&handed.birth),
        Body::Debit(debit) => born(&debit.birth),
        Body::DebitRefused(refused) => born(&refused.birth),
        Body::Credit(_) | Body::CommissionFunded(_) => match residents.get(&to)? {
            Resident::Account(account) => Some(account.currency()),
            Resident::Offering(offering) => Some(offering.offer().currency),
            Resident::Certificate(certificate) => Some(certificate.birth().currency),
        },
        _ => None,
    }
}

fn check_certificate(certificate: &Certificate) -> Result<(), String> {
    let buckets = certificate.buckets();
    let minor = |money: crate::domain::Money| u128::from(money.minor());
    let spent = minor(buckets.cashed) + minor(buckets.returned);
    let funded = minor(certificate.birth().money());
    if minor(buckets.unspent()) + spent != funded {
        return Err(format!("I2: {funded} were funded, the buckets have {buckets:?}"));
    }
    let hops = certificate.hops();
    let mut acquired = HashSet::new();
    for hop in hops {
        if hop.right == Right::Used && !acquired.insert(hop.account) {
            return Err(format!("I5: account {} acquired twice", hop.account.0));
        }
        if hop.cashed && hop.right != Right::Used {
            return Err(format!("I6: account {} cashed what it had not acquired", hop.account.0));
        }
    }
    let cashed: u128 = hops.iter().filter(|hop| hop.cashed).map(|hop| minor(hop.promise)).sum();
    let promised: u128 = hops.iter().map(|hop| minor(certificate.promise_of(hop))).sum::<u128>() - cashed;
    if (cashed, promised) != (minor(buckets.cashed), minor(buckets.promised)) {
        return Err(format!(
            "I2: the hops have {cashed} cashed and {promised} promised, the buckets {buckets:?}"
        ));
    }
    let times_fall = hops.windows(2).any(|pair| pair[0].linked_at > pair[1].linked_at);
    let unlinked = hops.iter().rev().skip(1).any(|hop| hop.unlinked_at.is_none());
    if times_fall || unlinked || hops.last().is_some_and(|last| last.unlinked_at.is_some()) {
        return Err("I9: the chain's times fall, or more than the last hop is linked".to_owned());
    }
    if let Some(envelope) = &certificate.birth().envelope {
        let increased = minor(buckets.cumulative).checked_sub(minor(envelope.terms.attached));
        let ever_acquired: u128 = hops.iter().map(|hop| minor(hop.promise)).sum();
        match increased {
            None => return Err("I3: cumulative has fallen below what was attached".to_owned()),
            Some(increased)
                if envelope.terms.policy != IncreasePolicy::EveryCommand && increased > ever_acquired =>
            {
                return Err(format!("I8: increased by {increased}, acquired {ever_acquired}"));
            }
            Some(_) => {}
        }
        let on_purchase = envelope.terms.cashing == crate::domain::Cashing::OnPurchase;
        if on_purchase && cashed > 0 && certificate.state() != CommissionState::Settled {
            return Err("I6: cashed without a settling purchase".to_owned());
        }
    }
    let ended = matches!(certificate.state(), CommissionState::Settled | CommissionState::Withdrawn(_));
    if ended && !buckets.unspent().is_zero() {
        return Err("I7: the commission has ended and its envelope is not empty".to_owned());
    }
    if certificate.state() == CommissionState::Settled && certificate.sale().is_none() {
        return Err("I7: settled without a sale".to_owned());
    }
    if certificate.sale().is_some() && certificate.state() == CommissionState::Active {
        return Err("I17: sold, and its commission neither settled nor withdrawn".to_owned());
    }
    Ok(())
}

fn check_sold(residents: &HashMap<ActorNumber, &Resident>, certificate: &Certificate) -> Result<(), String> {
    let birth = certificate.birth();
    let Some(Resident::Offering(offering)) = residents.get(&birth.offering) else {
        return Err(format!("I4: a certificate of offering {} without it", birth.offering.0));
    };
    let standing = offering.stock().standing(birth.serial);
    let expected = if certificate.sale().is_some() { Standing::Sold } else { Standing::Alive };
    if standing != Some(expected) {
        let name = &offering.offer().name;
        return Err(format!(
            "I4: {name}#{} stands {standing:?} at its offering, not {expected:?}",
            birth.serial.0
        ));
    }
    Ok(())
}

/// What holds when nothing is under way: no payment, no commission being funded, nobody in line, no credit
/// left, all sales known.
fn check_quiet(residents: &HashMap<ActorNumber, &Resident>) -> Result<(), String> {
    let mut sold: HashMap<ActorNumber, u32> = HashMap::new();
    for resident in residents.values() {
        if let Resident::Certificate(certificate) = resident {
            if certificate.sale().is_some() {
                *sold.entry(certificate.birth().offering).or_insert(0) += 1;
            }
            if certificate.unpaid() > 0 {
                return Err("I14: credits are left and nothing is under way".to_owned());
            }
        }
    }
    for (number, resident) in residents {
        if let Resident::Offering(offering) = resident {
            let (name, stock) = (&offering.offer().name, offering.stock());
            if stock.any_payment().is_some() || offering.waiting() > 0 {
                return Err(format!("I14: offering {name} waits for a payment and nothing is under way"));
            }
            if offering.attaching().is_some() {
                return Err(format!(
                    "I14: offering {name} waits for its commission and nothing is under way"
                ));
            }
            let certificates = sold.get(number).copied().unwrap_or(0);
            if certificates != stock.sold() {
                return Err(format!(
                    "I4: offering {name} sold {}, its certificates {certificates}",
                    stock.sold()
                ));
            }
        }
    }
    Ok(())
}
