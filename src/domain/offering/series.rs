//! What an offering brings its certificates to life with.

use std::sync::{Arc, OnceLock};

use super::{Attachment, Commission, Offering};
use crate::domain::inside::{Birth, Envelope, Series};
use crate::domain::money::Money;
use crate::domain::number::Serial;

/// The series of the births to come, once there was one. It follows from the rest of the offering and is no part of its state, so that a
/// decision may find it out and has changed nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct NewestSeries(OnceLock<Arc<Series>>);

impl PartialEq for NewestSeries {
    fn eq(&self, _: &NewestSeries) -> bool {
        true
    }
}

impl Offering {
    /// What a serial's certificate is born with.
    pub(super) fn birth(&self, serial: Serial) -> Birth {
        let topped_up = self.topped_up_for(serial);
        let series = if topped_up.is_zero() {
            let newest = self.newest_series.0.get_or_init(|| Arc::new(self.series(Money::ZERO)));
            debug_assert_eq!(**newest, self.series(Money::ZERO), "whoever changes it forgets it");
            Arc::clone(newest)
        } else {
            Arc::new(self.series(topped_up))
        };
        Birth { serial, series }
    }

    /// What comes to life from now on may be born with something else than before.
    pub(super) fn forget_series(&mut self) {
        self.newest_series = NewestSeries::default();
    }

    fn series(&self, topped_up: Money) -> Series {
        let envelope = |there: &Attachment| Envelope {
            payer: there.payer,
            terms: Arc::clone(&there.terms),
            deadline: self.deadline(),
            topped_up,
            backing: there.backing.clone(),
        };
        let envelope = match &self.commission {
            Commission::Attached(there) => Some(envelope(there)),
            _ => None,
        };
        let published_at =
            self.published_at().unwrap_or_else(|| unreachable!("certificates live after publishing"));
        Series {
            offering: self.number,
            currency: self.offer.currency,
            price: self.offer.price,
            payee: self.offer.payee.number,
            supplier: self.offer.supplier.number,
            published_at,
            seed: self.offer.seed,
            refund: self.offer.refund,
            envelope,
        }
    }
}
