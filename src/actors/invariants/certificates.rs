//! What must hold of certificates and their offerings (I2 to I9, I14, I17, I18).

use std::collections::{HashMap, HashSet};

use crate::domain::{
    ActorNumber, Cashing, Certificate, CommissionState, IncreasePolicy, Money, Resident, Right, Standing,
};

pub(super) fn check_certificate(certificate: &Certificate) -> Result<(), String> {
    let buckets = certificate.buckets();
    let minor = |money: Money| u128::from(money.minor());
    let spent = minor(buckets.cashed) + minor(buckets.returned);
    let funded = minor(certificate.funded());
    if minor(buckets.unspent()) + spent != funded {
        return Err(format!("I2: {funded} were funded, the buckets have {buckets:?}"));
    }
    let hops = certificate.hops();
    let mut acquired = HashSet::new();
    for hop in hops.clone() {
        if hop.right == Right::Used && !acquired.insert(hop.account) {
            return Err(format!("I5: account {} acquired twice", hop.account.0));
        }
        if hop.cashed && hop.right != Right::Used {
            return Err(format!("I6: account {} cashed what it had not acquired", hop.account.0));
        }
    }
    let cashed: u128 = hops.clone().filter(|hop| hop.cashed).map(|hop| minor(hop.promise)).sum();
    let promised: u128 = hops.clone().map(|hop| minor(certificate.promise_of(hop))).sum::<u128>() - cashed;
    if (cashed, promised) != (minor(buckets.cashed), minor(buckets.promised)) {
        return Err(format!(
            "I2: the hops have {cashed} cashed and {promised} promised, the buckets {buckets:?}"
        ));
    }
    let times_fall = !hops.clone().is_sorted_by_key(|hop| hop.linked_at);
    if times_fall {
        return Err("I9: the chain's times fall".to_owned());
    }
    if let Some(envelope) = &certificate.birth().envelope {
        let increased = minor(buckets.cumulative).checked_sub(minor(envelope.terms.attached));
        let ever_acquired: u128 = hops.map(|hop| minor(hop.promise)).sum();
        match increased {
            None => return Err("I3: cumulative has fallen below what was attached".to_owned()),
            Some(increased)
                if envelope.terms.policy != IncreasePolicy::EveryCommand && increased > ever_acquired =>
            {
                return Err(format!("I8: increased by {increased}, acquired {ever_acquired}"));
            }
            Some(_) => {}
        }
        let on_purchase = envelope.terms.cashing == Cashing::OnPurchase;
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

pub(super) fn check_sold(
    residents: &HashMap<ActorNumber, &Resident>,
    certificate: &Certificate,
) -> Result<(), String> {
    let birth = certificate.birth();
    let Some(Resident::Offering(offering)) = residents.get(&birth.offering) else {
        return Err(format!("I4: a certificate of offering {} without it", birth.offering.0));
    };
    let standing = offering.stock().standing(birth.serial);
    let reserved = offering.stock().reservation(birth.serial).is_some();
    let expected = match certificate.sale() {
        Some(_) => Standing::Sold,
        None if reserved => Standing::Reserved,
        None => Standing::Alive,
    };
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
pub(super) fn check_quiet(residents: &HashMap<ActorNumber, &Resident>) -> Result<(), String> {
    let mut sold: HashMap<ActorNumber, u32> = HashMap::new();
    for resident in residents.values() {
        if let Resident::Certificate(certificate) = resident {
            if certificate.sale().is_some() {
                *sold.entry(certificate.birth().offering).or_insert(0) += 1;
            }
            if !certificate.at_rest() {
                return Err("I14: credits are left or a refund waits, and nothing is under way".to_owned());
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
