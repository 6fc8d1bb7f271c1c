//! What time alone ends at an account: payment certificates, pending transfers, gifts that nobody accepted.

use super::{Account, Deadline, account};
use crate::domain::event::{AccountEvent, GiftEvent, PaymentEvent, TransferEvent};
use crate::domain::step::Step;
use crate::domain::time::Timestamp;

impl Account {
    /// The instant of the earliest thing that will be due without any message.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.engagements.as_ref()?.deadlines.first().map(|(at, _)| *at)
    }

    /// The earliest thing that is due, and since when, as a step of its own.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<(Timestamp, Step)> {
        let engagements = self.engagements.as_ref()?;
        let (at, deadline) = engagements.deadlines.first().filter(|(at, _)| now >= *at)?;
        let step = match deadline {
            Deadline::Payment(payment) => {
                Step::of(vec![account(AccountEvent::Payment(PaymentEvent::Expired(payment.clone())))])
            }
            Deadline::Transfer(transfer) => {
                Step::of(vec![account(AccountEvent::Transfer(TransferEvent::Expired(transfer.clone())))])
            }
            Deadline::Gift(key) => {
                let price = engagements.gifts.get(key).map(|gift| gift.price).unwrap_or_default();
                let expired = account(AccountEvent::Gift(GiftEvent::Expired(key.clone())));
                self.send_gift_home(expired, key.caller, price)
            }
        };
        Some((*at, step))
    }
}
