//! Gifts: T1, T7 to T9, T16, D21, D22, D43.

use super::verdict::{Decided, No, no, refuse, somehow};
use super::{Asked, Id, Model, Said, signed};
use crate::domain::{GiftCommand, GiftObject, GiftReference};

/// How long a gift waits where its donor says nothing else (T9).
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A gift at its recipient.
#[derive(Clone, Debug)]
pub(super) struct Gift {
    pub(super) recipient: String,
    pub(super) merchant: Option<String>,
    /// Offering and serial; none for goods.
    pub(super) certificate: Option<(String, u32)>,
    pub(super) price: u64,
    until: u64,
    /// How far it has come, in the word of SPEC's row.
    pub(super) state: &'static str,
}

impl Gift {
    /// When it goes home unless it is accepted.
    pub(super) fn ends_at(&self) -> Option<u64> {
        (self.state == "requested").then_some(self.until)
    }
}

impl Model {
    pub(super) fn gift(&mut self, asked: Asked<'_>, command: &GiftCommand) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        match command {
            GiftCommand::Give { recipient, merchant, object, price, expires_at } => {
                let price = price.minor();
                // SPEC does not say whether one may be given whose time has passed.
                let mut sure = expires_at.is_none_or(|time| time.0 > asked.now);
                let certificate = match object {
                    GiftObject::Goods { .. } => None,
                    GiftObject::Certificate { offering, serial } => {
                        let sale =
                            self.sales.get(offering.as_str()).ok_or_else(|| refuse("unknown_offering"))?;
                        let certificate = sale.at(serial.0)?;
                        // SPEC does not say whether what is sold or unpublished may be given.
                        sure &= certificate.sold.is_none() && sale.published_at.is_some();
                        if sale.price() != price {
                            return if sure { no("amount_mismatch") } else { somehow() };
                        }
                        Some((offering.as_str().to_owned(), serial.0))
                    }
                };
                self.affords_or(by, price, !sure)?;
                // D46: a frozen account sends no commands, and accepting by itself is read as one.
                let by_itself = |purse: &super::Purse| purse.accepts_gifts && !purse.frozen;
                let accepted = self.purses.get(recipient.as_str()).is_some_and(by_itself);
                let gift = Gift {
                    recipient: recipient.as_str().to_owned(),
                    merchant: merchant.as_ref().map(|merchant| merchant.as_str().to_owned()),
                    certificate,
                    price,
                    until: expires_at.map_or(asked.now + DAY_MS, |time| time.0),
                    state: if accepted { "accepted" } else { "requested" },
                };
                self.post(by, -signed(price));
                self.purse(recipient.as_str())?.earmarked += price;
                self.gifts.insert((by.to_owned(), asked.id.to_owned()), gift);
                Ok(Said::Anything.perhaps(!sure))
            }
            GiftCommand::Accept { donor, gift } => {
                let gift = self.own_gift(by, donor.as_str(), gift.as_str())?;
                match gift.state {
                    "requested" => gift.state = "accepted",
                    _ => return somehow(),
                }
                Ok(Said::Anything)
            }
            GiftCommand::Decline { donor, gift: id } => {
                let gift = self.own_gift(by, donor.as_str(), id.as_str())?;
                match gift.state {
                    "requested" => gift.state = "declined",
                    _ => return somehow(),
                }
                self.gift_goes_home(&(donor.as_str().to_owned(), id.as_str().to_owned()));
                Ok(Said::Anything)
            }
            GiftCommand::Return(reference) => {
                let id = id_of(reference);
                let gift = self.gifts.get_mut(&id).ok_or(No(None))?;
                let own = gift.recipient == by || gift.merchant.as_deref() == Some(by);
                // Of a certificate left to its supplier's merchants SPEC does not say whether one of them is its merchant.
                let perhaps = gift.merchant.is_none() && gift.recipient != by;
                if gift.state != "accepted" || !(own || perhaps) {
                    return somehow();
                }
                gift.state = "returned";
                self.gift_goes_home(&id);
                Ok(Said::Anything.perhaps(!own))
            }
            GiftCommand::Show(_) | GiftCommand::List { .. } => Ok(Said::Anything),
        }
    }

    fn own_gift(&mut self, by: &str, donor: &str, gift: &str) -> Result<&mut Gift, No> {
        let gift = self.gifts.get_mut(&(donor.to_owned(), gift.to_owned()));
        gift.filter(|gift| gift.recipient == by).ok_or_else(|| refuse("unknown_gift"))
    }

    /// From the earmark back to the donor.
    fn gift_goes_home(&mut self, id: &Id) {
        let Some(Gift { recipient, price, .. }) = self.gifts.get(id).cloned() else { return };
        if let Some(purse) = self.purses.get_mut(&recipient) {
            purse.earmarked -= price;
        }
        self.post(&id.0, signed(price));
    }

    /// T16: pays a certificate out of the earmark, which provides it at once (D43).
    pub(super) fn spend_gift(&mut self, id: &Id, by: &str, offering: &str, serial: u32) -> Result<(), No> {
        let gift = self.own_gift(by, &id.0, &id.1)?;
        let is_it = gift
            .certificate
            .as_ref()
            .is_some_and(|(name, number)| (name.as_str(), *number) == (offering, serial));
        if gift.state != "accepted" || !is_it {
            return somehow();
        }
        gift.state = "provided";
        let price = gift.price;
        self.purse(by)?.earmarked -= price;
        Ok(())
    }

    /// T9.
    pub(super) fn expire_gifts(&mut self, at: u64) {
        let over = |gift: &Gift| gift.ends_at().is_some_and(|ends_at| ends_at <= at);
        let ids: Vec<Id> =
            self.gifts.iter().filter(|(_, gift)| over(gift)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            if let Some(gift) = self.gifts.get_mut(&id) {
                gift.state = "expired";
            }
            self.gift_goes_home(&id);
        }
    }
}

pub(super) fn id_of(reference: &GiftReference) -> Id {
    (reference.donor.as_str().to_owned(), reference.gift.as_str().to_owned())
}
