//! Merchants, their orders, and mandates: T5, T10 to T15, D23, D43.

use super::gifts::id_of;
use super::purses::Income;
use super::sales::From;
use super::verdict::{Decided, No, no, refuse, somehow};
use super::{Asked, Id, Model, Said, signed};
use crate::domain::{MandateCommand, MerchantCommand, Via, WhenShort, WithholdFrom};

/// A merchant's registration (T5).
#[derive(Clone, Debug)]
pub(super) struct Registration {
    payee: String,
    supplier: String,
    when_short: WhenShort,
}

/// A recipient's standing authorisation (T15).
#[derive(Clone, Debug)]
pub(super) struct Mandate {
    merchant: String,
    amount_max: u64,
    per_use: u64,
    until: Option<u64>,
    pub(super) used: u64,
    pub(super) revoked: bool,
}

/// Whose money an order withholds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Right {
    Gift(Id),
    Mandate(Id),
}

/// A merchant's order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    right: Right,
    amount: u64,
    payee: String,
    certificate: bool,
    /// How far it has come, in the word of SPEC's row.
    pub(super) state: &'static str,
}

impl Model {
    pub(super) fn mandate(&mut self, asked: Asked<'_>, command: &MandateCommand) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        match command {
            MandateCommand::Grant { merchant, amount_max, amount_max_per_use, ends_at } => {
                let mandate = Mandate {
                    merchant: merchant.as_str().to_owned(),
                    amount_max: amount_max.minor(),
                    per_use: amount_max_per_use.minor(),
                    until: ends_at.map(|time| time.0),
                    used: 0,
                    revoked: false,
                };
                // SPEC does not say whether one may allow more at a time than in all, or end at once.
                let over = mandate.until.is_some_and(|until| until <= asked.now);
                let odd = mandate.per_use > mandate.amount_max || over;
                self.mandates.insert((by.to_owned(), asked.id.to_owned()), mandate);
                Ok(Said::Anything.perhaps(odd))
            }
            MandateCommand::Revoke { mandate } => {
                let id = (by.to_owned(), mandate.as_str().to_owned());
                let mandate = self.mandates.get_mut(&id).ok_or_else(|| refuse("unknown_mandate"))?;
                // SPEC does not say what it is to revoke one again.
                let said = Said::Used(mandate.used);
                let again = std::mem::replace(&mut mandate.revoked, true);
                Ok(said.perhaps(again))
            }
            MandateCommand::Show { .. } => Ok(Said::Anything),
        }
    }

    pub(super) fn merchant(&mut self, asked: Asked<'_>, command: &MerchantCommand) -> Decided {
        match command {
            MerchantCommand::Register { merchant, payee, supplier, when_short } => {
                let registration = Registration {
                    payee: payee.as_str().to_owned(),
                    supplier: supplier.as_ref().unwrap_or(merchant).as_str().to_owned(),
                    when_short: *when_short,
                };
                self.merchants.insert(merchant.as_str().to_owned(), registration);
                Ok(Said::Anything)
            }
            MerchantCommand::Unregister { merchant } => {
                self.merchants.remove(merchant.as_str());
                Ok(Said::Anything)
            }
            MerchantCommand::Withhold { order, amount, from } => {
                self.withhold(asked, order.as_str(), amount.minor(), from)
            }
            MerchantCommand::Provide { order } => {
                let order = self.own_order(asked, order.as_str())?;
                match order.state {
                    "paid" => order.state = "provided",
                    "provided" => return no("already_provided"),
                    _ => return somehow(),
                }
                if let Right::Gift(id) = order.right.clone()
                    && let Some(gift) = self.gifts.get_mut(&id)
                {
                    gift.state = "provided";
                }
                Ok(Said::Anything)
            }
            MerchantCommand::Reverse { order } => self.reverse(asked, order.as_str()),
            MerchantCommand::ShowOrder { .. } => Ok(Said::Anything),
        }
    }

    fn own_order(&mut self, asked: Asked<'_>, order: &str) -> Result<&mut Order, No> {
        let by = asked.by.unwrap_or_default().to_owned();
        self.orders.get_mut(&(by, order.to_owned())).ok_or_else(|| refuse("unknown_order"))
    }

    /// T10, T15, D43.
    fn withhold(&mut self, asked: Asked<'_>, order: &str, amount: u64, from: &WithholdFrom) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let right = match from {
            WithholdFrom::Gift(reference) => Right::Gift(id_of(reference)),
            WithholdFrom::Mandate { recipient, mandate } => {
                Right::Mandate((recipient.as_str().to_owned(), mandate.as_str().to_owned()))
            }
        };
        let key = (by.to_owned(), order.to_owned());
        if let Some(known) = self.orders.get(&key) {
            // The same again is answered the same, however often it is asked.
            return if known.right == right && known.amount == amount {
                Ok(Said::Withheld(amount))
            } else {
                no("order_reused")
            };
        }
        let Some(Registration { payee, supplier, .. }) = self.merchants.get(by).cloned() else {
            return no("not_registered");
        };
        let mut paid =
            Order { right: right.clone(), amount, payee: payee.clone(), certificate: false, state: "paid" };
        let mut frozen = false;
        match &right {
            Right::Mandate(id) => {
                let mandate = self.mandates.get_mut(id).ok_or_else(|| refuse("unknown_mandate"))?;
                let over = mandate.revoked || mandate.until.is_some_and(|until| asked.now >= until);
                let within = mandate.used + amount <= mandate.amount_max && amount <= mandate.per_use;
                if over || !within || mandate.merchant != by {
                    return somehow();
                }
                mandate.used += amount;
                frozen = self.purse(&id.0)?.frozen;
                self.affords_or(&id.0, amount, frozen)?;
                self.post(&id.0, -signed(amount));
                self.earn(&payee, amount, Income::Sales);
            }
            Right::Gift(id) => {
                let gift = self.gifts.get_mut(id).ok_or_else(|| refuse("unknown_gift"))?;
                let wrong_merchant = gift.merchant.as_ref().is_some_and(|merchant| merchant != by);
                if gift.state != "accepted" || gift.price != amount || wrong_merchant {
                    return somehow();
                }
                let recipient = gift.recipient.clone();
                match gift.certificate.clone() {
                    None => {
                        gift.state = "withheld";
                        self.purse(&recipient)?.earmarked -= amount;
                        self.earn(&payee, amount, Income::Sales);
                    }
                    Some((offering, serial)) => {
                        if self.sales.get(&offering).is_none_or(|sale| sale.supplier != supplier) {
                            return somehow();
                        }
                        let found = self.allocate_for(asked, &recipient, &offering, serial);
                        let bought = found.and_then(|()| {
                            self.buy(asked.now, &recipient, &offering, serial, &From::Gift(id.clone()))
                        });
                        // D43: where it is gone the answer is `sold`; of other reasons SPEC names none here.
                        bought.map_err(|why| if why == refuse("sold") { why } else { No(None) })?;
                        (paid.certificate, paid.state) = (true, "provided");
                    }
                }
            }
        }
        self.orders.insert(key, paid);
        // SPEC does not say whether a mandate of a frozen account is what it had committed.
        Ok(Said::Withheld(amount).perhaps(frozen))
    }

    fn allocate_for(&mut self, asked: Asked<'_>, buyer: &str, offering: &str, serial: u32) -> Result<(), No> {
        self.allocate(asked, (buyer, offering), Some(serial), &Via::Public).map(drop)
    }

    /// T14, D23: payee to recipient to donor.
    fn reverse(&mut self, asked: Asked<'_>, reference: &str) -> Decided {
        let order = self.own_order(asked, reference)?.clone();
        if order.state != "paid" || order.certificate {
            return somehow();
        }
        let by = asked.by.unwrap_or_default();
        let when_short = self.merchants.get(by).map_or(WhenShort::Refuse, |merchant| merchant.when_short);
        if when_short == WhenShort::Refuse && self.affords(&order.payee, order.amount).is_err() {
            return no("payee_short");
        }
        let home = match &order.right {
            Right::Gift((donor, _)) => donor.clone(),
            Right::Mandate((recipient, _)) => recipient.clone(),
        };
        let (paid, owed) = self.pay_back(&order.payee, order.amount, &home, Income::Sales);
        self.post(&home, signed(paid));
        if let Right::Gift(id) = &order.right
            && let Some(gift) = self.gifts.get_mut(id)
        {
            gift.state = "reversed";
        }
        self.own_order(asked, reference)?.state = "reversed";
        Ok(Said::Reversed { paid, owed })
    }
}
