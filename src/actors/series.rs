//! Series that many certificates have in common, found again where each came with its own: out of a record, a snapshot or the shelf.
//!
//! There is one for each offering while a start reads, and of a page's offerings while the page comes back; nothing of it stays.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::page::Room;
use crate::domain::{ActorNumber, Resident, Series};

/// The series that came last of each offering.
#[derive(Default)]
pub(super) struct KnownSeries(HashMap<ActorNumber, Arc<Series>, FxBuildHasher>);

impl KnownSeries {
    /// Lets a certificate hold the series of the one of its offering that came before it, where that is the same.
    pub(super) fn share(&mut self, room: &mut Room) {
        let Resident::Certificate(certificate) = &mut room.resident else { return };
        let own = &certificate.birth().series;
        if own.envelope.as_ref().is_some_and(|envelope| !envelope.topped_up.is_zero()) {
            // Nobody else has it.
            return;
        }
        match self.0.entry(own.offering) {
            Entry::Occupied(known) if known.get() == own => certificate.share(known.get()),
            Entry::Occupied(mut known) => drop(known.insert(Arc::clone(own))),
            Entry::Vacant(unknown) => drop(unknown.insert(Arc::clone(own))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::Replay;
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
        let mut rooms =
            [room(300, 1, 50), room(300, 2, 50), room(300, 3, 60), room(400, 1, 50), room(300, 4, 60)];
        let before = rooms.clone();
        rooms.iter_mut().for_each(|room| known.share(room));
        assert!(rooms == before, "what they are born with is the same");
        for (one, other) in [(0, 1), (2, 4)] {
            assert!(Arc::ptr_eq(series(&rooms[one]), series(&rooms[other])), "{one} and {other}");
        }
        for (one, other) in [(1, 2), (2, 3), (0, 3)] {
            assert!(!Arc::ptr_eq(series(&rooms[one]), series(&rooms[other])), "{one} and {other}");
        }
    }

    #[test]
    fn rooms_of_a_snapshot_hold_their_series_in_common_whatever_their_shards() {
        let mut replay = Replay::new(2);
        let numbers = [1, 2, 3, 4].map(|serial| ActorNumber(300).certificate(Serial(serial)));
        for (serial, number) in (1..).zip(numbers) {
            replay.restore(number, room(300, serial, 50)).unwrap();
        }
        let held = numbers.map(|number| series(replay.room(number).unwrap()));
        assert!(held.iter().all(|other| Arc::ptr_eq(held[0], other)));
    }
}
