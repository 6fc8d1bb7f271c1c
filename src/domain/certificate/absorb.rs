//! What a certificate's events change.

use super::{Addressee, Certificate, CommissionState, Effect, Hop, Remembered, Right, Sale};
use crate::domain::answer::Purchased;
use crate::domain::event::CertificateEvent;
use crate::domain::money::Money;
use crate::domain::request::RequestMark;
use crate::domain::time::Timestamp;

impl Certificate {
    /// Takes an event that was decided before; `at` is the record's time.
    pub fn absorb(&mut self, at: Timestamp, event: &CertificateEvent) {
        match event {
            CertificateEvent::Begun(_) => unreachable!("a certificate begins once"),
            CertificateEvent::Linked { account, via, mark, right, attached, unnamed, withdraws } => {
                let index = self.hop_count();
                if let Some(last) = self.hops.last_mut() {
                    last.unlinked_at = Some(at);
                }
                self.hops.push(Hop {
                    account: *account,
                    via: *via,
                    key: mark.key.clone(),
                    linked_at: at,
                    unlinked_at: None,
                    right: if *right { Right::Unused } else { Right::None },
                    promise: Money::ZERO,
                    cashed: false,
                    attached_after: *attached,
                    acquired_by_itself: false,
                    withdrew: *withdraws,
                });
                self.members.entry(*account).or_insert(index);
                let addressee = if *unnamed { Addressee::Offering } else { Addressee::Certificate };
                self.remember(addressee, mark, Effect::Hop(index));
            }
            CertificateEvent::Increased(amount) => {
                if self.active() {
                    self.buckets.increase(*amount);
                }
            }
            CertificateEvent::ReserveShort => {}
            CertificateEvent::Acquired { hop, amount, asked } => {
                self.absorb_acquired(*hop, *amount, asked.as_ref())
            }
            CertificateEvent::Prompted => {
                assert!(!self.prompted, "a certificate prompts once (I17)");
                self.prompted = true;
            }
            CertificateEvent::Withdrawn(reason) => {
                assert!(self.active(), "a commission ends once (I7)");
                self.buckets.send_home();
                self.state = CommissionState::Withdrawn(*reason);
            }
            CertificateEvent::OthersCashed(account) => self.cash_all(&self.uncashed_but(Some(*account))),
            CertificateEvent::Sold { buyer, mark, commission, credits_left } => {
                let purchased = Purchased {
                    serial: self.birth.serial,
                    price: self.birth.price,
                    commission: *commission,
                    credits_left: *credits_left,
                };
                assert!(self.sale.is_none(), "a certificate is sold at most once (I4)");
                self.sale = Some(Sale { buyer: *buyer, at, mark: mark.clone(), purchased });
            }
            CertificateEvent::Settled => {
                assert!(self.active(), "a commission ends once (I7)");
                self.cash_all(&self.uncashed_but(None));
                self.buckets.send_home();
                self.state = CommissionState::Settled;
            }
            CertificateEvent::PageSent { credits, awaited } => {
                self.unpaid.drain(..*credits as usize);
                self.page_left = if *awaited { *credits } else { 0 };
            }
            CertificateEvent::PageCreditAbsorbed => self.page_left -= 1,
        }
    }

    fn absorb_acquired(&mut self, hop: u32, amount: Money, asked: Option<&(RequestMark, Money)>) {
        self.buckets.acquire(amount);
        let index = hop - 1;
        let acquired = &mut self.hops[index as usize];
        acquired.right = Right::Used;
        self.acquirers += 1;
        if !amount.is_zero() {
            self.uncashed.insert(index);
        }
        acquired.promise = amount;
        acquired.acquired_by_itself = asked.is_none();
        if let Some((mark, attached)) = asked {
            self.remember(Addressee::Certificate, mark, Effect::Acquired(index, *attached));
        }
    }

    fn cash_all(&mut self, indices: &[u32]) {
        for index in indices {
            let hop = &mut self.hops[*index as usize];
            hop.cashed = true;
            self.uncashed.remove(index);
            self.buckets.cash(hop.promise);
            self.unpaid.push_back(*index);
        }
    }

    fn remember(&mut self, addressee: Addressee, mark: &RequestMark, effect: Effect) {
        self.requests
            .insert((addressee, mark.key.clone()), Remembered { fingerprint: mark.fingerprint, effect });
    }
}
