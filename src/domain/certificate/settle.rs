//! A paid certificate settles everyone: payee, all who acquired, and the commission's payer (H1, H2, H6, W6, W7).

use super::{Certificate, Hop};
use crate::domain::answer::{Done, Purchased, Settlement};
use crate::domain::event::{CertificateEvent, Event, WithdrawalReason};
use crate::domain::inside::{Body, Credit, CreditReason, Settle, Withheld};
use crate::domain::money::Money;
use crate::domain::number::ActorNumber;
use crate::domain::request::Source;
use crate::domain::step::{Context, Decision, Step};
use crate::limits::CREDITS_PER_PAGE;
use crate::planted::{self, Bug};

impl Certificate {
    pub(super) fn apply_settle(&self, context: Context, settle: &Settle) -> Decision {
        let mut step = Step::default();
        self.settle(context, settle, &mut step);
        Decision::Record(step)
    }

    /// Fills an empty step, which may have memory already, with what settles a sale.
    pub fn settle(&self, context: Context, settle: &Settle, step: &mut Step) {
        assert!(self.sale.is_none(), "the offering allocates a serial to one buyer only (I4)");
        assert!(settle.price == self.birth.price, "a certificate is paid with exactly its price (I4)");
        let uncashed = &self.uncashed;
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
                        for index in uncashed {
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
        // What a payment certificate pays comes later, but in the same walk while it is no more than a page.
        let unpaid = self.unpaid.len() + if cashes { uncashed.len() } else { 0 };
        let first_page = if self.page_left > 0 || !cashes { 0 } else { unpaid.min(CREDITS_PER_PAGE) };
        let credits_left = u32::try_from(unpaid - first_page).unwrap_or(u32::MAX);
        let purchased =
            Purchased { serial: self.birth.serial, price: settle.price, commission, credits_left };
        let sold = CertificateEvent::Sold {
            buyer: settle.buyer.number,
            mark: settle.mark.clone(),
            commission,
            credits_left,
        };
        step.events.reserve_exact(3);
        step.events.push(Event::Certificate(sold));
        step.events.extend(event.map(Event::Certificate));
        let spent = match &settle.source {
            Source::Gift(spent) => Some(spent),
            _ => None,
        };
        // What a merchant has asked for its own account answers.
        if spent.is_none_or(|spent| spent.order.is_none()) {
            step.answer = Some(Ok(Done::Purchased(purchased)));
        }
        // The payee, the page, the payer, the offering, and the recipient of a gift.
        step.onward.reserve_exact(first_page + 3 + usize::from(spent.is_some()));
        let order = spent.and_then(|spent| spent.order.clone());
        let price = match order {
            None => self.credit(settle.price, CreditReason::Sale, false),
            // T11, T12: its payee tells the merchant once the money is there, and the merchant tells the recipient.
            Some(order) => {
                let (from, amount) = (self.number, settle.price);
                Body::Withheld(Box::new(Withheld { order, from, certificate: true, amount }))
            }
        };
        step.send(self.birth.payee, price);
        step.early = credits_left > 0 && step.answer.is_some();
        if cashes {
            self.send_page(step, uncashed, self.page_left);
        }
        if self.active() {
            let cashed = buckets.cashed.checked_sub(self.buckets.cashed).unwrap_or_default();
            self.send_home(step, cashed, buckets.unspent());
        }
        step.send(settle.offering, Body::Paid(self.birth.serial));
        // T12: a recipient who buys is told at once.
        if let Some(spent) = spent.filter(|spent| spent.order.is_none()) {
            step.send(settle.buyer.number, Body::GiftProvided(spent.key.clone()));
        }
    }

    fn credit(&self, amount: Money, reason: CreditReason, awaited: bool) -> Body {
        Body::Credit(Credit { amount, reason, from: self.number, awaited })
    }

    pub(super) fn returned(&self, amount: Money) -> Body {
        self.credit(amount, CreditReason::Returned, false)
    }

    /// Hops whose promise above 0 is not cashed, oldest first, but for one account's.
    pub(super) fn uncashed_but(&self, account: ActorNumber) -> Vec<u32> {
        self.uncashed.iter().copied().filter(|index| self.hop(*index).account != account).collect()
    }

    /// How many credits the next page holds, in a step that cashes the `fresh` hops and before which `awaited` is
    /// still to come: all that fit a page and whose money is here.
    fn page_of(&self, fresh: &[u32], page_left: u32, awaited: Money) -> usize {
        if page_left > 0 {
            return 0;
        }
        if !self.backed() || self.claws_back() {
            return (self.unpaid.len() + fresh.len()).min(CREDITS_PER_PAGE);
        }
        // The money of what is cashed just now is asked for just now.
        let mut here = self.promised_to_unpaid() - u128::from(awaited.minor());
        let covered = self.unpaid.iter().take(CREDITS_PER_PAGE).take_while(|index| {
            let promise = u128::from(self.hop(**index).promise.minor());
            let covers = promise <= here;
            here = here.saturating_sub(promise);
            covers
        });
        covered.count()
    }

    /// Adds the next page of credits to a step that cashes the `fresh` hops.
    ///
    /// All that fit one page go out at once and are awaited by the walk alone. Where more are left, the
    /// accounts report back, and the next page goes when this one is absorbed, `page_left` being 0.
    pub(super) fn send_page(&self, step: &mut Step, fresh: &[u32], page_left: u32) {
        self.send_page_of(step, fresh, page_left, self.awaited);
    }

    fn send_page_of(&self, step: &mut Step, fresh: &[u32], page_left: u32, awaited: Money) {
        let page = self.page_of(fresh, page_left, awaited);
        if page == 0 {
            return;
        }
        let reports = self.unpaid.len() + fresh.len() > page;
        let hops = self.unpaid.iter().chain(fresh).copied().take(page);
        self.send_out(step, hops, reports, |hop| match self.claw_back(hop.promise, reports) {
            Some(claw) => claw,
            None => self.credit(hop.promise, CreditReason::Commission, reports),
        });
    }

    /// Adds a page to a step, a message for each of these hops; nothing, where there are none.
    pub(super) fn send_out(
        &self,
        step: &mut Step,
        hops: impl Iterator<Item = u32>,
        awaited: bool,
        body: impl Fn(&Hop) -> Body,
    ) {
        let mut credits = 0;
        for index in hops {
            let hop = self.hop(index);
            step.send(hop.account, body(hop));
            if planted::has(Bug::PromiseCashedTwice) {
                step.send(hop.account, body(hop));
            }
            credits += 1;
        }
        if credits > 0 {
            step.events.push(Event::Certificate(CertificateEvent::PageSent { credits, awaited }));
        }
    }

    pub(super) fn apply_credit_absorbed(&self) -> Decision {
        let mut step = Step::of(vec![Event::Certificate(CertificateEvent::PageCreditAbsorbed)]);
        // The page is over with its last credit; then the next one goes.
        self.send_page(&mut step, &[], self.page_left - 1);
        Decision::Record(step)
    }

    /// H3: money of the payment certificate is here, and goes on to those who acquired.
    pub(super) fn apply_drawn(&self, amount: Money) -> Decision {
        let mut step = Step::of(vec![Event::Certificate(CertificateEvent::Drawn(amount))]);
        let awaited = self.awaited.checked_sub(amount);
        let awaited = awaited.unwrap_or_else(|| unreachable!("only what is awaited comes"));
        self.send_page_of(&mut step, &[], self.page_left, awaited);
        Decision::Record(step)
    }
}
