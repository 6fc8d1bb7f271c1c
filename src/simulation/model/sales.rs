//! Offerings and what is done with their certificates: P4, C3, K2, K3, V1, R, Q, H, F and the decisions they rest on.

use std::collections::BTreeMap;

use super::commission::{Certificate, Drawn, Envelope, Seen, is_immediate, prompt_after};
use super::purses::Income;
use super::verdict::{Decided, No, Outcome, no, refuse, somehow};
use super::{Asked, Id, Model, Said, signed};
use crate::domain::{CheckPoint, Clawback, CommissionTerms, Done, Funding, Offer, PaidFrom, Via, WhenShort};

/// An offering.
#[derive(Clone, Debug)]
pub(super) struct Sale {
    pub(super) supplier: String,
    pub(super) offer: Offer,
    pub(super) published_at: Option<u64>,
    pub(super) funding: Option<Fund>,
    /// By serial, from 1.
    pub(super) certificates: Vec<Certificate>,
    /// Who has reserved it, and until when.
    pub(super) reservations: BTreeMap<u32, (String, u64)>,
    /// The serial that was circulated in turn last (D39).
    cursor: u32,
    /// How many an account has bought, refunded ones included (F3, D39).
    bought: BTreeMap<String, u32>,
}

/// Who pays the commission, on which terms, and out of which payment certificate if not out of an envelope.
#[derive(Clone, Debug)]
pub(super) struct Fund {
    pub(super) payer: String,
    pub(super) terms: CommissionTerms,
    pub(super) paper: Option<Id>,
}

/// Out of which money a certificate is paid.
#[derive(Clone, Debug)]
pub(super) enum From {
    Available,
    Held,
    Paper(Id),
    Gift(Id),
}

impl Sale {
    fn serials(&self) -> impl Iterator<Item = u32> {
        1..=u32::try_from(self.certificates.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn at(&self, serial: u32) -> Result<&Certificate, No> {
        let certificate = (serial as usize).checked_sub(1).and_then(|index| self.certificates.get(index));
        certificate.ok_or_else(|| refuse("unknown_certificate"))
    }

    fn at_mut(&mut self, serial: u32) -> Result<&mut Certificate, No> {
        let certificate = (serial as usize).checked_sub(1).and_then(|index| self.certificates.get_mut(index));
        certificate.ok_or_else(|| refuse("unknown_certificate"))
    }

    pub(super) fn price(&self) -> u64 {
        self.offer.price.minor()
    }

    /// D17: the earlier of the certificate's and the commission's.
    fn deadline(&self) -> Option<u64> {
        let own = self.offer.expires_at;
        let of_terms = self.funding.as_ref().and_then(|fund| fund.terms.expires_at);
        own.into_iter().chain(of_terms).map(|time| time.0).min()
    }

    fn stands(certificate: &Certificate) -> bool {
        certificate.envelope.as_ref().is_some_and(|envelope| !envelope.ended)
    }

    /// When a certificate's prompt by time is due (W10).
    fn prompt_at(&self) -> Option<u64> {
        Some(self.published_at? + prompt_after(&self.funding.as_ref()?.terms)?)
    }

    /// The next instant behind `clock` at which something of it is prompted, or at which something ends.
    pub(super) fn ends_at(&self, clock: u64) -> Option<u64> {
        let standing = self.certificates.iter().any(Sale::stands);
        let prompted = self.prompt_at().filter(|at| *at > clock && standing);
        let reserved = self.reservations.values().map(|(_, until)| *until);
        self.deadline().filter(|_| standing).into_iter().chain(prompted).chain(reserved).min()
    }

    fn seen(&self, serial: u32, now: u64) -> Seen {
        let hops = self.at(serial).map_or(0, |certificate| certificate.chain.len());
        let displayed = self.published_at.map_or(0, |published| now.saturating_sub(published));
        Seen { price: self.price(), hops, displayed }
    }

    /// D39: unsold, without a hop, not reserved now.
    fn untouched(&self, serial: u32) -> bool {
        self.at(serial).is_ok_and(|certificate| !certificate.touched())
            && !self.reservations.contains_key(&serial)
    }

    fn is_sold(&self, serial: u32) -> bool {
        self.at(serial).is_ok_and(|certificate| certificate.sold.is_some())
    }

    /// F3: sold and reserved count.
    fn count_of(&self, account: &str) -> u32 {
        let reserved = self.reservations.values().filter(|(buyer, _)| buyer == account).count();
        self.bought.get(account).copied().unwrap_or(0) + u32::try_from(reserved).unwrap_or(u32::MAX)
    }

    /// R5, D40: a private page or a link names a serial, and the page's account is in its chain.
    fn found(&self, serial: Option<u32>, via: &Via) -> Result<(), No> {
        match (via, serial) {
            (Via::Public, _) | (Via::Link, Some(_)) => Ok(()),
            (Via::PrivatePage(page), Some(serial)) => {
                let in_chain = self.at(serial)?.chain.iter().any(|who| who == page.as_str());
                if in_chain { Ok(()) } else { no("not_on_that_page") }
            }
            (_, None) => somehow(),
        }
    }
}

impl Model {
    fn sale(&mut self, offering: &str) -> Result<&mut Sale, No> {
        self.sales.get_mut(offering).ok_or_else(|| refuse("unknown_offering"))
    }

    /// P4, C1, C3.
    pub(super) fn issue(&mut self, asked: Asked<'_>, offering: &str, offer: &Offer) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        if self.sales.contains_key(offering) {
            return no("name_taken");
        }
        let sale = Sale {
            supplier: by.to_owned(),
            offer: offer.clone(),
            published_at: None,
            funding: None,
            certificates: vec![Certificate::default(); offer.items as usize],
            reservations: BTreeMap::new(),
            cursor: 0,
            bought: BTreeMap::new(),
        };
        self.sales.insert(offering.to_owned(), sale);
        Ok(Said::Anything)
    }

    /// V1.
    pub(super) fn publish(&mut self, asked: Asked<'_>, offering: &str) -> Decided {
        let sale = self.sale(offering)?;
        if asked.by != Some(sale.supplier.as_str()) {
            return no("not_allowed");
        }
        if sale.published_at.is_some() {
            return no("already_published");
        }
        sale.published_at = Some(asked.now);
        Ok(Said::Anything)
    }

    /// C7, K2, K3, D8, D37.
    pub(super) fn attach(
        &mut self,
        asked: Asked<'_>,
        offering: &str,
        terms: &CommissionTerms,
        funding: &Funding,
    ) -> Decided {
        let own = self.sale(offering)?.offer.expires_at;
        let late = own.into_iter().chain(terms.expires_at).any(|deadline| deadline.0 <= asked.now);
        let decided = self.attach_in_time(asked, offering, terms, funding);
        // SPEC does not say whether one may be attached behind its deadline; it would go home at once.
        if late { decided.map(|said| Said::Maybe(Box::new(said))).map_err(|_| No(None)) } else { decided }
    }

    fn attach_in_time(
        &mut self,
        asked: Asked<'_>,
        offering: &str,
        terms: &CommissionTerms,
        funding: &Funding,
    ) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let sale = self.sale(offering)?;
        let may = by == sale.supplier || sale.offer.payers.iter().any(|payer| payer.as_str() == by);
        let touched = sale.certificates.iter().any(Certificate::touched) || !sale.reservations.is_empty();
        if !may {
            return no("not_allowed");
        }
        if sale.funding.is_some() || touched {
            return somehow();
        }
        let envelope = Envelope::funded(terms);
        let seen = Seen { price: sale.price(), hops: 0, displayed: 0 };
        if terms.condition.as_ref().is_some_and(|condition| envelope.factors(condition, seen).is_some()) {
            return no("condition_already_met");
        }
        let whole = terms.funded.minor() * u64::from(sale.offer.items);
        let paper = match funding {
            Funding::Envelope => {
                self.affords(by, whole)?;
                self.post(by, -signed(whole));
                None
            }
            Funding::PaymentCertificate(id) => {
                let id = (by.to_owned(), id.as_str().to_owned());
                let paper = self.papers.get_mut(&id).ok_or(No(None))?;
                let open = !paper.ended && paper.backs.is_none() && paper.beneficiary.is_none();
                if !open || asked.now < paper.not_before || paper.held() < whole {
                    return somehow();
                }
                paper.backs = Some(offering.to_owned());
                paper.received = true;
                let beyond = paper.held() - whole;
                self.draw(&id, 0, beyond);
                Some(id)
            }
        };
        let sale = self.sale(offering)?;
        sale.funding = Some(Fund { payer: by.to_owned(), terms: terms.clone(), paper });
        for certificate in &mut sale.certificates {
            certificate.envelope = Some(envelope.clone());
        }
        Ok(Said::Attached(whole))
    }

    /// D4, D37: its payer's; refused when it has ended or a payment certificate backs it.
    pub(super) fn top_up(&mut self, asked: Asked<'_>, offering: &str, serial: u32, amount: u64) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let sale = self.sale(offering)?;
        sale.at(serial)?;
        let Some(fund) = sale.funding.clone() else { return somehow() };
        if fund.payer != by || fund.paper.is_some() || sale.at_mut(serial)?.standing().is_none() {
            return somehow();
        }
        self.affords(by, amount)?;
        self.post(by, -signed(amount));
        if let Some(envelope) = self.sale(offering)?.at_mut(serial)?.standing() {
            envelope.reserve += amount;
        }
        Ok(Said::Anything)
    }

    /// What of a commission goes home, to the payer or free of the payment certificate.
    fn goes_home(&mut self, offering: &str, serial: u32) -> u64 {
        let Some(sale) = self.sales.get_mut(offering) else { return 0 };
        let Some(fund) = sale.funding.clone() else { return 0 };
        let Ok(certificate) = sale.at_mut(serial) else { return 0 };
        let touched = certificate.touched();
        let rest = certificate.standing().map_or(0, Envelope::send_home);
        if touched {
            certificate.returned += rest;
        }
        match &fund.paper {
            None => self.post(&fund.payer, signed(rest)),
            Some(paper) => self.draw(paper, 0, rest),
        }
        rest
    }

    /// Cashes promises; gives their sum and how many they were.
    fn cash(&mut self, offering: &str, serial: u32, but: Option<&str>) -> Result<(u64, usize), No> {
        let sale = self.sale(offering)?;
        let Some(fund) = sale.funding.clone() else { return Ok((0, 0)) };
        let cashed = sale.at_mut(serial)?.standing().map(|envelope| envelope.cash(but)).unwrap_or_default();
        let sum = cashed.iter().map(|(_, amount)| amount).sum();
        if let Some(paper) = &fund.paper {
            self.draw(paper, sum, 0);
        }
        for (who, amount) in &cashed {
            self.earn(who, *amount, Income::Commission);
        }
        Ok((sum, cashed.len()))
    }

    /// R1 to R7, D12, D20, D30, D39.
    pub(super) fn circulate(
        &mut self,
        asked: Asked<'_>,
        offering: &str,
        serial: Option<u32>,
        via: &Via,
    ) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let sale = self.sale(offering)?;
        serial.map_or(Ok(()), |serial| sale.at(serial).map(drop))?;
        if sale.published_at.is_none() {
            return no("not_published");
        }
        sale.found(serial, via)?;
        let linked = |serial: u32| {
            sale.at(serial).is_ok_and(|certificate| certificate.chain.last().map(String::as_str) == Some(by))
        };
        let (serial, in_turn) = match serial {
            Some(serial) => (serial, false),
            None => {
                let told = match asked.done {
                    Some(Done::Circulated(told)) if !asked.alone => Some(told.serial.0),
                    _ => None,
                };
                let untouched = sale.serials().find(|serial| sale.untouched(*serial));
                let chains = || {
                    sale.serials().filter(|serial| {
                        !sale.is_sold(*serial) && sale.at(*serial).is_ok_and(Certificate::touched)
                    })
                };
                let next = || {
                    let behind = chains().filter(|serial| *serial > sale.cursor);
                    behind
                        .chain(chains().filter(|serial| *serial <= sale.cursor))
                        .find(|serial| !linked(*serial))
                };
                match told
                    .or(untouched)
                    .map(|serial| (serial, untouched.is_none()))
                    .or_else(|| Some((next()?, true)))
                {
                    Some(chosen) => chosen,
                    None if sale.serials().all(|serial| sale.is_sold(serial)) => return no("sold_out"),
                    None => return somehow(),
                }
            }
        };
        let (was_sold, was_linked) = (sale.at(serial)?.sold.is_some(), linked(serial));
        if was_sold {
            return no("sold");
        }
        if was_linked {
            return no("already_linked");
        }
        if in_turn {
            sale.cursor = serial;
        }
        self.link(asked, by, offering, serial)
    }

    /// A hop of a certificate that may be circulated.
    fn link(&mut self, asked: Asked<'_>, by: &str, offering: &str, serial: u32) -> Decided {
        let drawn = match asked.done {
            Some(Done::Circulated(told)) => Some(Drawn {
                promise: told.promise.minor(),
                attached: told.attached.minor(),
                withdrawn: told.withdrawn,
            }),
            _ => None,
        };
        let sale = self.sale(offering)?;
        let before = sale.seen(serial, asked.now);
        let after = Seen { hops: before.hops + 1, ..before };
        let no_right = by == sale.supplier;
        let terms = sale.funding.as_ref().map(|fund| fund.terms.clone());
        let certificate = sale.at_mut(serial)?;
        let newcomer = !certificate.chain.iter().any(|who| who == by);
        certificate.chain.push(by.to_owned());
        let hop = after.hops;
        let (Some(terms), Some(envelope)) = (terms, &mut certificate.envelope) else {
            return Ok(Said::Hop { serial, hop, attached: 0, promise: 0, withdrawn: false });
        };
        if envelope.ended {
            envelope.no_new_right(by);
            return Ok(Said::Hop { serial, hop, attached: 0, promise: 0, withdrawn: false });
        }
        let early =
            terms.condition.as_ref().filter(|condition| condition.check_point == CheckPoint::BeforeIncrease);
        let withdrawn = Said::Hop { serial, hop, attached: 0, promise: 0, withdrawn: true };
        if early.is_some_and(|condition| envelope.factors(condition, before).is_some()) {
            envelope.no_new_right(by);
            self.goes_home(offering, serial);
            return Ok(withdrawn);
        }
        if is_immediate(&terms) {
            self.cash(offering, serial, Some(by))?;
        }
        let Some(envelope) = self.sale(offering)?.at_mut(serial)?.standing() else { return somehow() };
        match envelope.hop(&terms, (by, newcomer, no_right), after, drawn)? {
            None => {
                self.goes_home(offering, serial);
                Ok(withdrawn)
            }
            Some(promise) => {
                envelope.prompt(&terms, after);
                Ok(Said::Hop { serial, hop, attached: envelope.attached, promise, withdrawn: false })
            }
        }
    }

    /// Q2, D1, D33.
    pub(super) fn acquire(&mut self, asked: Asked<'_>, offering: &str, serial: u32) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let drawn = match asked.done {
            Some(Done::Acquired { promise, .. }) => Some(promise.minor()),
            _ => None,
        };
        let sale = self.sale(offering)?;
        let seen = sale.seen(serial, asked.now);
        let terms = sale.funding.as_ref().map(|fund| fund.terms.clone());
        let certificate = sale.at_mut(serial)?;
        let (Some(terms), Some(envelope)) = (terms, &mut certificate.envelope) else { return somehow() };
        if certificate.sold.is_some() {
            return somehow();
        }
        let promise = envelope.acquire(&terms, by, drawn)?;
        envelope.prompt(&terms, seen);
        Ok(Said::Acquired { promise, attached: envelope.attached })
    }

    /// H1, F1 to F4, D39, D40: everything but the money.
    pub(super) fn allocate(
        &mut self,
        asked: Asked<'_>,
        (by, offering): (&str, &str),
        serial: Option<u32>,
        via: &Via,
    ) -> Result<u32, No> {
        let sale = self.sale(offering)?;
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

    fn end_reservation(&mut self, offering: &str, serial: u32) {
        let Some(sale) = self.sales.get_mut(offering) else { return };
        let price = sale.price();
        if let Some((buyer, _)) = sale.reservations.remove(&serial)
            && let Some(purse) = self.purses.get_mut(&buyer)
        {
            purse.held -= price;
        }
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

    /// C6, W11, D17, F6: what ends at an instant, then what is prompted at it (D35).
    pub(super) fn expire_sales(&mut self, at: u64) {
        let names: Vec<String> = self.sales.keys().cloned().collect();
        for offering in names {
            let Some(sale) = self.sales.get(&offering) else { continue };
            let over = |(serial, (_, until)): (&u32, &(String, u64))| (*until <= at).then_some(*serial);
            let reserved: Vec<u32> = sale.reservations.iter().filter_map(over).collect();
            let ended = sale.deadline().is_some_and(|deadline| deadline <= at);
            let serials: Vec<u32> = sale.serials().collect();
            reserved.into_iter().for_each(|serial| self.end_reservation(&offering, serial));
            for serial in serials {
                if ended {
                    self.goes_home(&offering, serial);
                }
                self.prompt(&offering, serial, at);
            }
        }
    }

    /// W10: by time alone.
    fn prompt(&mut self, offering: &str, serial: u32, now: u64) {
        let Some(sale) = self.sales.get_mut(offering) else { return };
        let seen = sale.seen(serial, now);
        let terms = sale.funding.as_ref().map(|fund| fund.terms.clone());
        if let (Some(terms), Ok(certificate)) = (terms, sale.at_mut(serial))
            && let Some(envelope) = certificate.standing()
        {
            envelope.prompt(&terms, seen);
        }
    }
}
