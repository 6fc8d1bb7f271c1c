//! Offerings, their certificates, and the commissions that are attached to them: P4, C3, C6, C7, K2, K3, V1, W10, W11, D4, D17, D37.

use std::collections::BTreeMap;

use super::commission::{Certificate, Envelope, Seen, prompt_after};
use super::purses::Income;
use super::verdict::{Decided, No, no, refuse, somehow};
use super::{Asked, Id, Model, Said, signed};
use crate::domain::{CommissionTerms, Funding, Offer, Via};

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
    pub(super) cursor: u32,
    /// How many an account has bought, refunded ones included (F3, D39).
    pub(super) bought: BTreeMap<String, u32>,
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
    pub(super) fn serials(&self) -> impl Iterator<Item = u32> {
        1..=u32::try_from(self.certificates.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn at(&self, serial: u32) -> Result<&Certificate, No> {
        let certificate = (serial as usize).checked_sub(1).and_then(|index| self.certificates.get(index));
        certificate.ok_or_else(|| refuse("unknown_certificate"))
    }

    pub(super) fn at_mut(&mut self, serial: u32) -> Result<&mut Certificate, No> {
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

    pub(super) fn seen(&self, serial: u32, now: u64) -> Seen {
        let hops = self.at(serial).map_or(0, |certificate| certificate.chain.len());
        let displayed = self.published_at.map_or(0, |published| now.saturating_sub(published));
        Seen { price: self.price(), hops, displayed }
    }

    /// D39: unsold, without a hop, not reserved now.
    pub(super) fn untouched(&self, serial: u32) -> bool {
        self.at(serial).is_ok_and(|certificate| !certificate.touched())
            && !self.reservations.contains_key(&serial)
    }

    pub(super) fn is_sold(&self, serial: u32) -> bool {
        self.at(serial).is_ok_and(|certificate| certificate.sold.is_some())
    }

    /// F3: sold and reserved count.
    pub(super) fn count_of(&self, account: &str) -> u32 {
        let reserved = self.reservations.values().filter(|(buyer, _)| buyer == account).count();
        self.bought.get(account).copied().unwrap_or(0) + u32::try_from(reserved).unwrap_or(u32::MAX)
    }

    /// R5: a private page and a link name a certificate; a message that does not is refused before anything is looked at.
    pub(super) fn well_formed(serial: Option<u32>, via: &Via) -> Result<(), No> {
        if serial.is_none() && *via != Via::Public { somehow() } else { Ok(()) }
    }

    /// R5, D40: a private page or a link names a serial, and the page's account is in its chain.
    pub(super) fn found(&self, serial: Option<u32>, via: &Via) -> Result<(), No> {
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
    pub(super) fn sale(&mut self, offering: &str) -> Result<&mut Sale, No> {
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
    pub(super) fn goes_home(&mut self, offering: &str, serial: u32) -> u64 {
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
    pub(super) fn cash(
        &mut self,
        offering: &str,
        serial: u32,
        but: Option<&str>,
    ) -> Result<(u64, usize), No> {
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

    pub(super) fn end_reservation(&mut self, offering: &str, serial: u32) {
        let Some(sale) = self.sales.get_mut(offering) else { return };
        let price = sale.price();
        if let Some((buyer, _)) = sale.reservations.remove(&serial)
            && let Some(purse) = self.purses.get_mut(&buyer)
        {
            purse.held -= price;
        }
    }

    /// Notes that an offering has let a reservation be paid, which is not going to end any more; false where it has before, where
    /// there is none, and where nobody shares the certificate, whose commission would be on its way with the payment.
    pub(crate) fn let_be_paid(&mut self, offering: &str, serial: u32) -> bool {
        let Some(sale) = self.sales.get_mut(offering) else { return false };
        let is_alive = sale.at(serial).is_ok_and(Certificate::touched);
        match sale.reservations.get_mut(&serial) {
            Some((_, until)) if is_alive && *until < u64::MAX => *until = u64::MAX,
            _ => return false,
        }
        true
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
