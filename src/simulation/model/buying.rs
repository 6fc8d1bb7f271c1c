//! Purchases, reservations and refunds: H1 to H6, F1 to F7, K4, T16, D23, D39, D40, D44.

use super::purses::Income;
use super::sales::{From, Sale};
use super::verdict::{Decided, No, Outcome, no, somehow};
use super::{Asked, Model, Said, signed};
use crate::domain::{Clawback, Done, PaidFrom, Via, WhenShort};

impl Model {
    /// H1, F1 to F4, D39, D40: everything but the money.
    pub(super) fn allocate(
        &mut self,
        asked: Asked<'_>,
        (by, offering): (&str, &str),
        serial: Option<u32>,
        via: &Via,
    ) -> Result<u32, No> {
        let sale = self.sale(offering)?;
        Sale::well_formed(serial, via)?;
        serial.map_or(Ok(()), |serial| sale.at(serial).map(drop))?;
        if sale.published_at.is_none() {
            return no("not_published");
        }
        sale.found(serial, via)?;
        let window = sale.offer.window;
        let early = window.opens.is_some_and(|opens| asked.now < opens.0);
        let late = window.closes.is_some_and(|closes| asked.now >= closes.0);
        if early || late {
            return no("sale_not_open");
        }
        let told = match asked.done {
            Some(Done::Purchased(told)) if !asked.alone => Some(told.serial.0),
            Some(Done::Reserved { serial, .. }) if !asked.alone => Some(serial.0),
            _ => None,
        };
        let free = |serial: &u32| !sale.is_sold(*serial) && !sale.reservations.contains_key(serial);
        let serial = match serial {
            Some(serial) if sale.at(serial)?.sold.is_some() => return no("sold"),
            Some(serial) if !free(&serial) => return no("reserved"),
            Some(serial) => serial,
            None => {
                let untouched = sale.serials().find(|serial| sale.untouched(*serial));
                let any = told.filter(|told| free(told)).or(untouched).or_else(|| sale.serials().find(free));
                match any {
                    Some(serial) => serial,
                    None if sale.serials().all(|serial| sale.is_sold(serial)) => return no("sold_out"),
                    None => return no("reserved"),
                }
            }
        };
        match sale.offer.cap {
            Some(cap) if sale.count_of(by) >= cap => no("cap_reached"),
            _ => Ok(serial),
        }
    }

    /// H1, K4, T16.
    pub(super) fn purchase(
        &mut self,
        asked: Asked<'_>,
        offering: &str,
        serial: Option<u32>,
        via: &Via,
        paid_from: &PaidFrom,
    ) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let serial = self.allocate(asked, (by, offering), serial, via)?;
        let from = match paid_from {
            PaidFrom::Available => From::Available,
            PaidFrom::PaymentCertificate(id) => From::Paper((by.to_owned(), id.as_str().to_owned())),
            PaidFrom::Gift { donor, gift } => {
                From::Gift((donor.as_str().to_owned(), gift.as_str().to_owned()))
            }
        };
        self.buy(asked.now, by, offering, serial, &from)
    }

    /// What a purchase moves: price, promises, and the rest.
    pub(super) fn buy(&mut self, now: u64, by: &str, offering: &str, serial: u32, from: &From) -> Decided {
        let sale = self.sale(offering)?;
        let (price, payee) = (sale.price(), sale.offer.payee.as_str().to_owned());
        match from {
            From::Available => {
                self.affords(by, price)?;
                self.post(by, -signed(price));
            }
            From::Held => {
                let purse = self.purse(by)?;
                purse.held -= price;
                purse.posted -= signed(price);
            }
            From::Paper(id) => {
                let paper = self.papers.get(id).ok_or(No(None))?;
                let other = paper.beneficiary.as_ref().is_some_and(|beneficiary| *beneficiary != payee);
                if paper.ended
                    || paper.backs.is_some()
                    || now < paper.not_before
                    || paper.held() < price
                    || other
                {
                    return somehow();
                }
                self.end_paper(id, price)?;
            }
            From::Gift(id) => self.spend_gift(id, by, offering, serial)?,
        }
        self.earn(&payee, price, Income::Sales);
        let sale = self.sale(offering)?;
        let seen = sale.seen(serial, now);
        let terms = sale.funding.as_ref().map(|fund| fund.terms.clone());
        *sale.bought.entry(by.to_owned()).or_insert(0) += 1;
        let certificate = sale.at_mut(serial)?;
        certificate.sold = Some(by.to_owned());
        let condition = terms.and_then(|terms| terms.condition);
        let commission = match certificate.standing() {
            None => Outcome::None,
            Some(envelope) => match condition.and_then(|condition| envelope.factors(&condition, seen)) {
                Some(factors) => Outcome::Withdrawn { factors, returned: self.goes_home(offering, serial) },
                None => {
                    let (cashed, promises) = self.cash(offering, serial, None)?;
                    Outcome::Settled { cashed, promises, returned: self.goes_home(offering, serial) }
                }
            },
        };
        Ok(Said::Bought { serial, price, commission })
    }

    /// F6.
    pub(super) fn reserve(
        &mut self,
        asked: Asked<'_>,
        offering: &str,
        serial: Option<u32>,
        via: &Via,
    ) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let Some(reservable) = self.sale(offering)?.offer.reservable_ms else { return somehow() };
        let serial = self.allocate(asked, (by, offering), serial, via)?;
        let sale = self.sale(offering)?;
        let (price, until) = (sale.price(), asked.now + reservable);
        self.affords(by, price)?;
        self.purse(by)?.held += price;
        self.sale(offering)?.reservations.insert(serial, (by.to_owned(), until));
        Ok(Said::Reserved { serial, price, until })
    }

    /// F6: out of what is held for it.
    pub(super) fn pay(&mut self, asked: Asked<'_>, offering: &str, serial: u32) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let sale = self.sale(offering)?;
        match sale.reservations.get(&serial) {
            Some((buyer, until)) if buyer == by && asked.now < *until => {}
            _ => return somehow(),
        }
        sale.reservations.remove(&serial);
        self.buy(asked.now, by, offering, serial, &From::Held)
    }

    pub(super) fn cancel(&mut self, asked: Asked<'_>, offering: &str, serial: u32) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let sale = self.sale(offering)?;
        match sale.reservations.get(&serial) {
            Some((buyer, _)) if buyer == by => self.end_reservation(offering, serial),
            _ => return somehow(),
        }
        Ok(Said::Anything)
    }

    /// F7, D23, D44.
    pub(super) fn refund(&mut self, asked: Asked<'_>, offering: &str, serial: u32) -> Decided {
        let sale = self.sale(offering)?;
        if asked.by != Some(sale.supplier.as_str()) {
            return no("not_allowed");
        }
        let (price, payee) = (sale.price(), sale.offer.payee.as_str().to_owned());
        let (clawback, when_short) = (sale.offer.clawback, sale.offer.when_short);
        let payer = sale.funding.as_ref().map(|fund| fund.payer.clone());
        let certificate = sale.at_mut(serial)?;
        let Some(buyer) = certificate.sold.clone() else { return no("not_sold") };
        if certificate.refunded {
            return no("already_refunded");
        }
        let cashed =
            certificate.envelope.as_ref().map(|envelope| envelope.cashed.clone()).unwrap_or_default();
        if when_short == WhenShort::Refuse && self.affords(&payee, price).is_err() {
            return no("payee_short");
        }
        self.sale(offering)?.at_mut(serial)?.refunded = true;
        let (paid, owed) = self.pay_back(&payee, price, &buyer, Income::Sales);
        self.post(&buyer, signed(paid));
        let clawed = if clawback == Clawback::None { Vec::new() } else { cashed };
        for (who, amount) in &clawed {
            let Some(payer) = &payer else { break };
            let (taken, owed) = self.pay_back(who, *amount, payer, Income::Commission);
            if owed > 0 && clawback == Clawback::Reserve {
                self.purse(who)?.debts.pop();
            }
            self.post(payer, signed(taken));
        }
        Ok(Said::Refunded { paid, owed, clawed_back: clawed.len() })
    }
}
