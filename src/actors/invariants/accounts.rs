//! What must hold of accounts and of what they are engaged in (I3, I14, I15, I16).

use std::collections::{BTreeMap, HashMap};

use crate::domain::{
    Account, ActorNumber, Body, GiftState, Money, Order, OrderKey, OrderState, RequestId, RequestKey,
    Resident, Source, WithholdingRight,
};

type Residents<'house> = HashMap<ActorNumber, &'house Resident>;

/// What one account shows by itself.
pub(super) fn check_account(account: &Account) -> Result<(), String> {
    let name = account.name();
    let minor = |money: Money| i128::from(money.minor());
    let available =
        i128::from(account.posted().minor()) - minor(account.held()) + minor(account.credit_limit());
    if available < 0 {
        return Err(format!("I3: account {name} has {available} available"));
    }
    let payments: i128 = account.payments().map(|(_, payment)| minor(payment.held())).sum();
    let holds: i128 = account.holds().map(|(_, amount)| minor(amount)).sum();
    let transfers: i128 = account.pending_transfers().map(minor).sum();
    if minor(account.held()) != payments + holds + transfers {
        return Err(format!(
            "I16: account {name} holds {}, for payment certificates {payments}, reservations {holds}, transfers {transfers}",
            minor(account.held())
        ));
    }
    let gifts: i128 =
        account.gifts().filter(|(_, gift)| gift.state.earmarked()).map(|(_, gift)| minor(gift.price)).sum();
    if minor(account.earmarked()) != gifts {
        return Err(format!(
            "I15: account {name} has {} earmarked, for gifts {gifts}",
            minor(account.earmarked())
        ));
    }
    Ok(())
}

/// Where the money of every gift is (I15).
#[derive(Default)]
pub(super) struct Gifts {
    /// On the way to the recipient.
    arriving: BTreeMap<RequestKey, Money>,
    given: BTreeMap<RequestKey, (ActorNumber, Money)>,
    received: BTreeMap<RequestKey, (ActorNumber, Money)>,
    /// Orders whose money has not reached its payee.
    unpaid: Vec<OrderKey>,
}

impl Gifts {
    /// Notes a message that is not absorbed yet.
    pub(super) fn under_way(&mut self, body: &Body) -> Result<(), String> {
        if let Body::GiftArrives(arriving) = body
            && self.arriving.insert(arriving.key.clone(), arriving.gift.price).is_some()
        {
            return Err(format!("I15: gift {:?} is on its way twice", arriving.key));
        }
        self.unpaid.extend(order_under_way(body).cloned());
        Ok(())
    }

    /// Notes what an account has given and was given.
    pub(super) fn at(&mut self, number: ActorNumber, account: &Account) {
        for (id, recipient, price) in account.given() {
            self.given.insert(RequestKey { caller: number, id: id.clone() }, (recipient, price));
        }
        for (key, gift) in account.gifts() {
            self.received.insert(key.clone(), (number, gift.price));
        }
    }

    /// Every gift that was given is on its way to its recipient or there, and in one of the two; no merchant is told
    /// of money that is still on its way.
    pub(super) fn check(&self, residents: &Residents<'_>) -> Result<(), String> {
        self.unpaid.iter().try_for_each(|order| check_unpaid(residents, order))?;
        for (key, (recipient, price)) in &self.given {
            let arriving = self.arriving.get(key).map(|price| (*recipient, *price));
            let there = self.received.get(key).copied();
            match (arriving, there) {
                (Some(found), None) | (None, Some(found)) if found == (*recipient, *price) => {}
                places => return Err(format!("I15: gift {key:?} of {price:?} is in {places:?}")),
            }
        }
        let strangers = self.received.keys().chain(self.arriving.keys());
        match strangers.into_iter().find(|key| !self.given.contains_key(key)) {
            Some(key) => Err(format!("I15: gift {key:?} was given by nobody")),
            None => Ok(()),
        }
    }
}

/// The order that a message withholds money for, which has not reached its payee before the message is absorbed.
fn order_under_way(body: &Body) -> Option<&OrderKey> {
    match body {
        Body::Withhold(withhold) => Some(&withhold.order),
        Body::Withheld(withheld) => Some(&withheld.order),
        Body::PurchaseGift(purchase) => Some(&purchase.order),
        Body::Debit(debit) => spent_by(&debit.source),
        Body::Settle(settle) => spent_by(&settle.source),
        Body::DebitRefused(refused) => refused.order.as_ref(),
        _ => None,
    }
}

fn spent_by(source: &Source) -> Option<&OrderKey> {
    match source {
        Source::Gift(spent) => spent.order.as_ref(),
        _ => None,
    }
}

/// T11: the success instruction comes after the money has moved, and no failure instruction while it moves.
fn check_unpaid(residents: &Residents<'_>, key: &OrderKey) -> Result<(), String> {
    let reference = &key.reference;
    let Some(Resident::Account(merchant)) = residents.get(&key.merchant) else {
        return Err(format!("T5: order {reference} is of no merchant"));
    };
    match merchant.orders().find(|(known, _)| *known == reference).map(|(_, order)| order.state) {
        Some(OrderState::Begun(_)) => Ok(()),
        state => Err(format!("T11: the money of order {reference} is under way, and the order is {state:?}")),
    }
}

/// What holds when nothing is under way: orders and gifts agree, what is held is reserved, claims add up to what
/// payment certificates hold for them.
pub(super) fn check_quiet(residents: &Residents<'_>) -> Result<(), String> {
    let accounts = || {
        residents.iter().filter_map(|(number, resident)| match resident {
            Resident::Account(account) => Some((*number, account)),
            _ => None,
        })
    };
    let mut holds: BTreeMap<(ActorNumber, ActorNumber), Money> = BTreeMap::new();
    let mut linked: BTreeMap<(ActorNumber, &RequestId), u128> = BTreeMap::new();
    for (number, account) in accounts() {
        if account.requests_under_way() > 0 {
            return Err(format!(
                "I14: a request of account {} waits and nothing is under way",
                account.name()
            ));
        }
        for (reference, order) in account.orders() {
            check_order(residents, order)
                .map_err(|why| format!("{why}: order {reference} of {}", account.name()))?;
        }
        holds.extend(account.holds().map(|(certificate, amount)| ((number, certificate), amount)));
        for (id, payment) in account.payments().filter(|(_, payment)| payment.backs.is_some()) {
            linked.insert((number, id), u128::from(payment.held().minor()));
        }
    }
    for (number, resident) in residents {
        let claim = match resident {
            Resident::Account(_) => None,
            Resident::Certificate(certificate) => certificate.claims(),
            Resident::Offering(offering) => {
                for (serial, reservation) in offering.stock().reservations() {
                    let key = (reservation.buyer, number.certificate(serial));
                    if holds.remove(&key) != Some(offering.offer().price) {
                        return Err(format!("F6: {key:?} is reserved and its price is not held"));
                    }
                }
                offering.claims_on().map(|(payer, payment)| (payer, payment, offering.claims()))
            }
        };
        if let Some((payer, payment, claimed)) = claim {
            let held = linked.get_mut(&(payer, payment));
            let held = held.ok_or_else(|| format!("K3: {payment:?} of {} backs nothing", payer.0))?;
            *held = held.checked_sub(claimed).ok_or_else(|| format!("K3: more is claimed on {payment:?}"))?;
        }
    }
    if let Some((key, amount)) = holds.iter().next() {
        return Err(format!("F6: {amount:?} are held for {key:?}, which is not reserved"));
    }
    match linked.iter().find(|(_, left)| **left > 0) {
        Some(((payer, payment), left)) => {
            Err(format!("K3: {left} of {payment:?} of account {} are held for nobody", payer.0))
        }
        None => Ok(()),
    }
}

/// An order and the gift that it withheld stand where they must, T10 to T14.
fn check_order(residents: &Residents<'_>, order: &Order) -> Result<(), String> {
    let expected = match order.state {
        OrderState::Begun(_) | OrderState::Reversing(_) => {
            return Err("I14: under way, and nothing is under way".to_owned());
        }
        OrderState::Paid => GiftState::Withheld,
        OrderState::Provided => GiftState::Provided,
        OrderState::Reversed => GiftState::Reversed,
    };
    let WithholdingRight::Gift(key) = &order.from.right else { return Ok(()) };
    let Some(Resident::Account(recipient)) = residents.get(&order.from.recipient.number) else {
        return Err("T13: its recipient is no account".to_owned());
    };
    let found = recipient.received(key).map(|gift| gift.state);
    if found == Some(expected) {
        return Ok(());
    }
    Err(format!("T10: the order is {:?} and its gift {found:?}", order.state))
}
