//! A paid certificate settles everyone: payee, all who acquired, and the commission's payer (H1, H2, H6, W6, W7).

use super::Certificate;
use crate::domain::answer::{Done, Purchased, Settlement};
use crate::domain::event::{CertificateEvent, Event, WithdrawalReason};
use crate::domain::inside::{Body, Credit, CreditReason, Settle};
use crate::domain::money::Money;
use crate::domain::number::ActorNumber;
use crate::domain::step::{Context, Decision, Step};
use crate::limits::CREDITS_PER_PAGE;

impl Certificate {
    pub(super) fn apply_settle(&self, context: Context, settle: &Settle) -> Decision {
        assert!(self.sale.is_none(), "the offering allocates a serial to one buyer only (I4)");
        assert!(settle.price == self.birth.price, "a certificate is paid with exactly its price (I4)");
        let uncashed = self.uncashed_but(None);
        let mut buckets = self.buckets;
        let (commission, event) = match self.birth.envelope.as_ref().filter(|_| self.active()) {
            None => (Settlement::None, None),
            Some(envelope) => {
                let observed = self.observed(self.hop_count(), &self.buckets, context.now);
                match envelope.terms.condition.as_ref().and_then(|condition| condition.met(&observed)) {
                    Some(factors) => {
                        let returned = buckets.unspent();
                        let event = CertificateEvent::Withdrawn(WithdrawalReason::Condition(factors));
                        (Settlement::Withdrawn { factors, returned }, Some(event))
                    }
                    None => {
                        for index in &uncashed {
                            buckets.cash(self.hop(*index).promise);
                        }
                        let promises = u32::try_from(uncashed.len()).unwrap_or(u32::MAX);
                        let cashed = self.buckets.promised;
                        let returned = buckets.unspent();
                        (Settlement::Settled { cashed, promises, returned }, Some(CertificateEvent::Settled))
                    }
                }
            }
        };
        let cashes = event == Some(CertificateEvent::Settled);
        let paid_now = if cashes { self.page_of(uncashed.len(), self.page_left) } else { 0 };
        let unpaid_after = self.unpaid.len() + if cashes { uncashed.len() } else { 0 } - paid_now;
        let credits_left = u32::try_from(unpaid_after).unwrap_or(u32::MAX);
        let purchased =
            Purchased { serial: self.birth.serial, price: settle.price, commission, credits_left };
        let sold = CertificateEvent::Sold {
            buyer: settle.buyer.number,
            mark: settle.mark.clone(),
            commission,
            credits_left,
        };
        let mut events = Vec::with_capacity(3);
        events.push(Event::Certificate(sold));
        events.extend(event.map(Event::Certificate));
        let mut step = Step::of(events).answering(Ok(Done::Purchased(purchased)));
        // The payee, the page, the payer, the offering.
        step.onward.reserve_exact(paid_now + 3);
        step.send(self.birth.payee, self.credit(settle.price, CreditReason::Sale, false));
        step.early = credits_left > 0;
        if cashes {
            self.send_page(&mut step, &uncashed, self.page_left);
        }
        if self.active() {
            self.send_home(&mut step, buckets.unspent());
        }
        step.send(settle.offering, Body::Paid(self.birth.serial));
        Decision::Record(step)
    }

    fn credit(&self, amount: Money, reason: CreditReason, awaited: bool) -> Body {
        Body::Credit(Credit { amount, reason, from: self.number, awaited })
    }

    pub(super) fn returned(&self, amount: Money) -> Body {
        self.credit(amount, CreditReason::Returned, false)
    }

    /// Hops whose promise above 0 is not cashed, oldest first, but for one account's.
    pub(super) fn uncashed_but(&self, account: Option<ActorNumber>) -> Vec<u32> {
        self.uncashed.iter().copied().filter(|index| Some(self.hop(*index).account) != account).collect()
    }

    /// How many credits the next page holds, where `fresh` promises are cashed by this very step.
    fn page_of(&self, fresh: usize, page_left: u32) -> usize {
        if page_left > 0 { 0 } else { (self.unpaid.len() + fresh).min(CREDITS_PER_PAGE) }
    }

    /// Adds the next page of credits to a step that cashes the `fresh` hops.
    ///
    /// All that fit one page go out at once and are awaited by the walk alone. Where more are left, the
    /// accounts report back, and the next page goes when this one is absorbed, `page_left` being 0.
    pub(super) fn send_page(&self, step: &mut Step, fresh: &[u32], page_left: u32) {
        let page = self.page_of(fresh.len(), page_left);
        if page == 0 {
            return;
        }
        let awaited = self.unpaid.len() + fresh.len() > page;
        for index in self.unpaid.iter().chain(fresh).take(page) {
            let hop = self.hop(*index);
            step.send(hop.account, self.credit(hop.promise, CreditReason::Commission, awaited));
        }
        let credits = u32::try_from(page).unwrap_or(u32::MAX);
        step.events.push(Event::Certificate(CertificateEvent::PageSent { credits, awaited }));
    }

    pub(super) fn apply_credit_absorbed(&self) -> Decision {
        let mut step = Step::of(vec![Event::Certificate(CertificateEvent::PageCreditAbsorbed)]);
        // The page is over with its last credit; then the next one goes.
        self.send_page(&mut step, &[], self.page_left - 1);
        Decision::Record(step)
    }
}
