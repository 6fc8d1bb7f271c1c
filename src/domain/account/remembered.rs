//! What an account remembers of what came in and went out: the requests that it recognises for a day (DESIGN §5), and
//! two sums.
//!
//! Each kind of caller has a bound of its own, so that nobody fills the room of another. A snapshot copies an account while
//! its shard waits, so all of it stands in parts that copies share. Absent on purpose: what is recognised for ever; that
//! stands with what it has made.

use serde::{Deserialize, Serialize};

use crate::domain::answer::Done;
use crate::domain::number::{ActorNumber, Fingerprint};
use crate::domain::parted::PartedMap;
use crate::domain::queue::PartedQueue;
use crate::domain::request::{RequestKey, RequestMark};
use crate::domain::time::Timestamp;
use crate::limits::{REQUEST_KEPT_MS, REQUESTS_KEPT_MAX};
use crate::planted::{self, Bug};

/// An account's requests of a day, those of the institution to it, and those of others.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Remembered {
    kept: PartedMap<RequestKey, Kept>,
    /// By kind of caller and time, oldest first.
    ages: [PartedQueue<(Timestamp, RequestKey)>; 3],
    /// All that came in from outside after the opening, in minor units: no bound of an amount holds for a whole life.
    pub(super) deposits: u128,
    /// All that went out.
    pub(super) cash_outs: u128,
}

/// What is answered to a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) fingerprint: Fingerprint,
    pub(super) at: Timestamp,
    pub(super) done: Done,
}

/// Which of the queues a caller's requests stand in.
fn kind(account: ActorNumber, caller: ActorNumber) -> usize {
    match caller {
        ActorNumber::FUNDS_MANAGEMENT => 1,
        caller if caller == account => 0,
        _ => 2,
    }
}

impl Remembered {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn get(&self, key: &RequestKey, now: Timestamp) -> Option<&Kept> {
        let kept = self.kept.get(key).filter(|kept| now.since(kept.at) < REQUEST_KEPT_MS);
        kept.filter(|_| !planted::has(Bug::RequestForgotten))
    }

    /// After how many milliseconds one more of this caller's kind can be kept at the account of this number; none where that
    /// can be now.
    pub(super) fn room_after(
        &self,
        account: ActorNumber,
        caller: ActorNumber,
        now: Timestamp,
    ) -> Option<u64> {
        let ages = &self.ages[kind(account, caller)];
        let (oldest, _) = ages.front().filter(|_| ages.len() >= REQUESTS_KEPT_MAX)?;
        REQUEST_KEPT_MS.checked_sub(now.since(*oldest)).filter(|left_ms| *left_ms > 0)
    }

    pub(super) fn keep(&mut self, account: ActorNumber, at: Timestamp, mark: &RequestMark, done: Done) {
        for ages in &mut self.ages {
            while let Some((kept_at, key)) =
                ages.pop_front_if(|(kept_at, _)| at.since(*kept_at) >= REQUEST_KEPT_MS)
            {
                if self.kept.get(&key).is_some_and(|kept| kept.at == kept_at) {
                    self.kept.remove(&key);
                }
            }
        }
        self.ages[kind(account, mark.key.caller)].push_back((at, mark.key.clone()));
        let (hash, key) = mark.hashed_key();
        self.kept.insert_hashed(hash, key.clone(), Kept { fingerprint: mark.fingerprint, at, done });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::RequestId;

    const OWN: ActorNumber = ActorNumber(1 << 32);
    const OTHER: ActorNumber = ActorNumber(2 << 32);

    fn mark(caller: ActorNumber, id: usize) -> RequestMark {
        let key = RequestKey { caller, id: RequestId::new(format!("request {id}")).unwrap() };
        RequestMark::new(key, Fingerprint::default())
    }

    // DESIGN §5, I12
    #[test]
    fn each_kind_of_caller_has_room_of_its_own_and_a_day_of_it() {
        let callers = [OWN, ActorNumber::FUNDS_MANAGEMENT, OTHER];
        let mut remembered = Remembered::default();
        let room_after = |remembered: &Remembered, now| {
            callers.map(|caller| remembered.room_after(OWN, caller, Timestamp(now)))
        };
        let full = |remembered: &Remembered, now| room_after(remembered, now).map(|left| left.is_some());
        for (place, caller) in callers.into_iter().enumerate() {
            let at = Timestamp(10 * (place as u64 + 1));
            for id in 0..REQUESTS_KEPT_MAX {
                assert!(remembered.room_after(OWN, caller, at).is_none(), "{caller:?}: {id}");
                remembered.keep(OWN, at, &mark(caller, id), Done::Provided);
            }
            let expected = [true, place >= 1, place >= 2];
            assert_eq!(full(&remembered, at.0), expected, "{caller:?}");
        }
        assert_eq!(room_after(&remembered, 10 + REQUEST_KEPT_MS - 1), [Some(1), Some(11), Some(21)]);
        assert_eq!(
            full(&remembered, 10 + REQUEST_KEPT_MS),
            [false, true, true],
            "the oldest of its kind counts"
        );
        let late = Timestamp(30 + REQUEST_KEPT_MS);
        remembered.keep(OWN, late, &mark(OWN, 7), Done::Provided);
        assert_eq!(
            (remembered.len(), full(&remembered, late.0)),
            (1, [false; 3]),
            "all of yesterday is gone"
        );
        assert!(remembered.get(&mark(OWN, 7).key, late).is_some());
        assert!(remembered.get(&mark(OTHER, 7).key, late).is_none());
    }

    #[test]
    fn a_copy_shares_all_but_what_the_next_request_changes() {
        let mut remembered = Remembered::default();
        for id in 0..10_000 {
            remembered.keep(OWN, Timestamp(1), &mark(OWN, id), Done::Provided);
        }
        let copy = remembered.clone();
        let parts = |remembered: &Remembered| {
            let ((kept_shared, kept), (ages_shared, ages)) =
                (remembered.kept.shared(), remembered.ages[0].shared());
            (kept_shared + ages_shared, kept + ages)
        };
        let (shared, all) = parts(&remembered);
        assert_eq!(shared, all, "a copy moves nothing");
        assert!(all >= 2 * 10_000 / 256, "{all}");
        remembered.keep(OWN, Timestamp(2), &mark(OWN, 10_000), Done::Provided);
        let (shared, all) = parts(&remembered);
        assert!(all - shared <= 4, "one request changes {} of {all} parts", all - shared);
        assert_eq!((copy.len(), remembered.len()), (10_000, 10_001));
    }
}
