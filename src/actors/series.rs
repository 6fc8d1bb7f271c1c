//! Series that many certificates have in common, found again where each came with its own: out of a record, a snapshot or the shelf.
//!
//! It knows some of them at a time and never looks for the others: a series that is not found costs memory and nothing else.

use std::sync::Arc;

use super::page::Room;
use crate::domain::{ActorNumber, Resident, Series};

/// How many offerings' newest series are known at a time.
const KNOWN: usize = 1_024;

/// The newest series of some offerings.
#[derive(Default)]
pub(super) struct KnownSeries(Vec<Option<Arc<Series>>>);

impl KnownSeries {
    /// Lets a certificate hold the series that others hold, where it is the newest of its offering.
    pub(super) fn share(&mut self, room: &mut Room) {
        let Resident::Certificate(certificate) = &mut room.resident else { return };
        if self.0.is_empty() {
            self.0.resize(KNOWN, None);
        }
        let own = &certificate.birth().series;
        let known = &mut self.0[place_of(own.offering)];
        match known {
            Some(known) if known == own => certificate.share(known),
            _ => *known = Some(Arc::clone(own)),
        }
    }
}

/// Where the series of an offering is, of which there is one for many.
fn place_of(offering: ActorNumber) -> usize {
    // As `house::shard_of`, by bits that choose no shard.
    let spread = offering.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
    usize::try_from(spread).unwrap_or(0) % KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Birth, CertificateEvent, Clawback, Currency, Event, Money, RefundTerms, Serial, Timestamp, WhenShort,
    };

    /// A certificate that came alone, out of an offering of that number.
    fn room(offering: u64, serial: u32, price: u64) -> Room {
        let refund = RefundTerms { clawback: Clawback::Reserve, when_short: WhenShort::Refuse };
        let series = Series {
            offering: ActorNumber(offering),
            currency: Currency::USD,
            price: Money::from_minor(price).unwrap(),
            payee: ActorNumber(1),
            supplier: ActorNumber(1),
            published_at: Timestamp(1),
            seed: [9; 32],
            refund,
            envelope: None,
        };
        let birth = Birth { serial: Serial(serial), series: Arc::new(series) };
        let begun = Event::Certificate(CertificateEvent::Begun(birth));
        let number = ActorNumber(offering).certificate(Serial(serial));
        Room::new(number, Resident::begun(number, &begun).unwrap())
    }

    fn series(room: &Room) -> &Arc<Series> {
        let Resident::Certificate(certificate) = &room.resident else { panic!("it is a certificate") };
        &certificate.birth().series
    }

    #[test]
    fn certificates_of_one_series_hold_one_and_others_keep_their_own() {
        let mut known = KnownSeries::default();
        // The fourth has the place of the first's offering, and the fifth comes behind it.
        let elsewhere =
            (301..).find(|offering| place_of(ActorNumber(*offering)) == place_of(ActorNumber(300)));
        let mut rooms = [
            room(300, 1, 50),
            room(300, 2, 50),
            room(300, 3, 60),
            room(elsewhere.unwrap(), 1, 50),
            room(300, 4, 60),
        ];
        let before = rooms.clone();
        rooms.iter_mut().for_each(|room| known.share(room));
        assert!(rooms == before, "what they are born with is the same");
        assert!(Arc::ptr_eq(series(&rooms[0]), series(&rooms[1])));
        for (one, other) in [(1, 2), (2, 3), (3, 4), (2, 4)] {
            assert!(!Arc::ptr_eq(series(&rooms[one]), series(&rooms[other])), "{one} and {other}");
        }
    }
}
