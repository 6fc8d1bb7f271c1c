//! What an account is engaged in beside paying and being paid: most accounts are in nothing, and have none.
//!
//! Absent on purpose: rules. They stand with each thing's own decisions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::command::Status;
use crate::domain::event::Debt;
use crate::domain::gift::Gift;
use crate::domain::merchant::{Mandate, Merchant};
use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::{ActorNumber, Fingerprint, WalkId};
use crate::domain::parted::PartedMap;
use crate::domain::payment::PaymentCertificate;
use crate::domain::request::RequestKey;
use crate::domain::time::Timestamp;

/// Everything by the id of the message that made it.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Engagements {
    pub(super) status: Status,
    pub(super) accepts_gifts: bool,
    /// Of gifts: not part of posted.
    pub(super) earmarked: Money,
    /// The private platform: certificates that it has circulated, oldest first (P8).
    pub(super) page: Vec<ActorNumber>,
    /// What is held for certificates that it has reserved.
    pub(super) holds: BTreeMap<ActorNumber, Money>,
    pub(super) payments: BTreeMap<RequestId, PaymentCertificate>,
    /// Only those that are pending.
    pub(super) transfers: BTreeMap<RequestId, PendingTransfer>,
    /// A donor may give very many.
    pub(super) given: Option<Box<PartedMap<RequestId, Given>>>,
    pub(super) gifts: Received,
    /// By which requests of their merchants gifts were returned.
    pub(super) returned: Option<Box<PartedMap<RequestKey, Fingerprint>>>,
    pub(super) mandates: BTreeMap<RequestId, Mandate>,
    pub(super) merchant: Option<Box<Merchant>>,
    /// Oldest first.
    pub(super) debts: Vec<Debt>,
    /// Requests that wait for another actor's answer: top-ups, withholdings, reversals.
    pub(super) under_way: BTreeMap<RequestKey, (Fingerprint, WalkId)>,
    /// What time alone will end.
    pub(super) deadlines: BTreeSet<(Timestamp, Deadline)>,
}

/// A transfer that is held and not posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PendingTransfer {
    pub(super) to: ActorNumber,
    pub(super) amount: Money,
    pub(super) expires_at: Option<Timestamp>,
}

/// A gift at its donor, recognised for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) fingerprint: Fingerprint,
    pub(super) recipient: ActorNumber,
    pub(super) price: Money,
    pub(super) expires_at: Timestamp,
}

/// Gifts that an account was given.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Received {
    /// Those whose money is earmarked or whose object is still to come.
    pub(super) open: BTreeMap<RequestKey, Gift>,
    /// All others: there may be very many.
    over: Option<Box<PartedMap<RequestKey, Gift>>>,
}

impl Received {
    pub(super) fn get(&self, key: &RequestKey) -> Option<&Gift> {
        self.open.get(key).or_else(|| self.over.as_ref()?.get(key))
    }

    pub(super) fn len(&self) -> usize {
        self.open.len() + self.over.as_ref().map_or(0, |over| over.len())
    }

    /// Open ones first, by donor and id; the rest in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&RequestKey, &Gift)> {
        let over = self.over.iter().flat_map(|over| over.iter());
        self.open.iter().chain(over.map(|(key, gift)| (key, gift)))
    }

    pub(super) fn insert(&mut self, key: &RequestKey, gift: Gift) {
        if gift.state.open() {
            self.open.insert(key.clone(), gift);
        } else {
            self.over.get_or_insert_with(|| Box::new(PartedMap::new())).insert(key.clone(), gift);
        }
    }

    /// Gives its price and its time. One that is over is never open again.
    pub(super) fn change(&mut self, key: &RequestKey, change: impl FnOnce(&mut Gift)) -> (Money, Timestamp) {
        let known = self.open.remove(key).or_else(|| self.over.as_ref()?.get(key).cloned());
        let mut gift = known.unwrap_or_else(|| unreachable!("a gift is kept for ever"));
        change(&mut gift);
        let told = (gift.price, gift.expires_at);
        self.insert(key, gift);
        told
    }
}

/// What ends by time alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Deadline {
    Payment(RequestId),
    Transfer(RequestId),
    Gift(RequestKey),
}

impl Engagements {
    pub(super) fn entries(&self) -> usize {
        let orders = self.merchant.as_ref().map_or(0, |merchant| merchant.orders.len());
        let asked = self.merchant.as_ref().map_or(0, |merchant| merchant.asked.len());
        let given = self.given.as_ref().map_or(0, |given| given.len());
        let returned = self.returned.as_ref().map_or(0, |returned| returned.len());
        // Eight numbers of the page weigh as much as one of the rest.
        let page = self.page.len() / 8;
        page + self.payments.len()
            + self.gifts.len()
            + self.mandates.len()
            + orders
            + asked
            + given
            + returned
    }

    /// True where it is party to something that is not over (D46).
    pub(super) fn open(&self) -> bool {
        let orders = self.merchant.as_ref().is_some_and(|merchant| merchant.open > 0);
        orders
            || !self.holds.is_empty()
            || !self.transfers.is_empty()
            || !self.debts.is_empty()
            || !self.under_way.is_empty()
            || self.payments.values().any(|payment| !payment.held().is_zero())
            || !self.gifts.open.is_empty()
    }
}
