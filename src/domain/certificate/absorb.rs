//! What a certificate's events change.

use super::{Addressee, Certificate, CommissionState, Hop, Refund, RefundState, Right, Sale};
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
                self.hops.link(Hop {
                    account: *account,
                    via: *via,
                    id: mark.key.id.clone(),
                    fingerprint: mark.fingerprint,
                    linked_at: at,
                    right: if *right { Right::Unused } else { Right::None },
                    promise: Money::ZERO,
                    cashed: false,
                    addressee: if *unnamed { Addressee::Offering } else { Addressee::Certificate },
                    attached_after: *attached,
                    asked: None,
                    withdrew: *withdraws,
                });
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
            CertificateEvent::OthersCashed(account) => {
                let others = self.uncashed_but(*account);
                // Both rise.
                self.uncashed.retain(|uncashed| others.binary_search(uncashed).is_err());
                self.cash_all(&others);
            }
            CertificateEvent::Sold { buyer, mark, commission, credits_left } => {
                let purchased = Purchased {
                    serial: self.birth.serial,
                    price: self.birth.price,
                    commission: *commission,
                    credits_left: *credits_left,
                };
                assert!(self.sale.is_none(), "a certificate is sold at most once (I4)");
                let (key, fingerprint) = (mark.key.clone(), mark.fingerprint);
                self.sale = Some(Sale { buyer: *buyer, at, key, fingerprint, purchased });
            }
            CertificateEvent::Settled => {
                assert!(self.active(), "a commission ends once (I7)");
                let uncashed = std::mem::take(&mut self.uncashed);
                self.cash_all(&uncashed);
                self.buckets.send_home();
                self.state = CommissionState::Settled;
            }
            CertificateEvent::PageSent { credits, awaited } => {
                self.unpaid.drain(..*credits as usize);
                self.page_left = if *awaited { *credits } else { 0 };
            }
            CertificateEvent::PageCreditAbsorbed => self.page_left -= 1,
            CertificateEvent::Drawn(amount) => {
                let awaited = self.awaited.checked_sub(*amount);
                self.awaited = awaited.unwrap_or_else(|| unreachable!("only what is awaited comes"));
            }
            CertificateEvent::ToppedUp(amount) => {
                self.buckets.top_up(*amount);
                let sum = self.topped_up.checked_add(*amount);
                self.topped_up =
                    sum.unwrap_or_else(|| unreachable!("both came out of one currency's whole money"));
            }
            CertificateEvent::RefundBegun(mark, walk) => {
                assert!(self.refund.is_none(), "a purchase is refunded at most once (F7)");
                let state = RefundState::Asking(*walk);
                self.refund = Some(Box::new(Refund { mark: mark.clone(), state }));
            }
            CertificateEvent::RefundUndone => self.refund = None,
            CertificateEvent::Refunded { paid, owed } => {
                self.unpaid.extend(self.to_claw_back());
                let refunded = self.refunding(*paid, *owed);
                if let Some(refund) = &mut self.refund {
                    refund.state = RefundState::Paid(refunded);
                }
            }
        }
    }

    fn absorb_acquired(&mut self, hop: u32, amount: Money, asked: Option<&(RequestMark, Money)>) {
        self.buckets.acquire(amount);
        let index = hop - 1;
        self.hops.acquired(index, amount, asked);
        self.acquirers += 1;
        if !amount.is_zero() {
            let place = self.uncashed.partition_point(|uncashed| *uncashed < index);
            self.uncashed.insert(place, index);
        }
    }

    fn cash_all(&mut self, indices: &[u32]) {
        let backed = self.backed();
        for index in indices {
            let promise = self.hops.cash(*index);
            self.buckets.cash(promise);
            self.unpaid.push_back(*index);
            if backed {
                let sum = self.awaited.checked_add(promise);
                self.awaited = sum.unwrap_or_else(|| unreachable!("promises are part of what was funded"));
            }
        }
    }
}
