//! How fast an account may send, through all its keys and sessions together: so many messages a second, and some at once after a
//! silence.
//!
//! One number is kept for each account that was not silent for long: when its allowance will be whole again. So an account costs
//! the same whatever it sends, through however many connections, and one that is silent costs nothing. Absent on purpose: any of
//! it for services, whose messages take no lock here.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::Name;
use crate::limits::{ACCOUNT_BURST_SECONDS, RATED_ACCOUNTS_MAX};

/// Parts of the table, each under a lock of its own.
const PARTS: usize = 64;

/// A part is looked through for silent accounts once it has so many.
const LOOKED_THROUGH_MIN: usize = 64;

/// Allowances by account.
pub(super) struct Rates {
    pub(super) messages_a_second: u32,
    /// What one message takes of an allowance, in nanoseconds.
    each: u64,
    /// A whole allowance, in nanoseconds.
    whole: u64,
    begun: Instant,
    hasher: RandomState,
    parts: Vec<Mutex<Part>>,
}

/// One part of the table.
struct Part {
    /// When each allowance is whole again, in nanoseconds since the beginning.
    whole_at: HashMap<Name, u64>,
    /// It is looked through once it has so many.
    look_through_at: usize,
}

impl Rates {
    /// So many messages a second; none is no bound.
    pub(super) fn of(messages_a_second: u32) -> Option<Rates> {
        let each = 1_000_000_000_u64.checked_div(u64::from(messages_a_second))?;
        let part = || Mutex::new(Part { whole_at: HashMap::new(), look_through_at: LOOKED_THROUGH_MIN });
        Some(Rates {
            messages_a_second,
            each,
            whole: ACCOUNT_BURST_SECONDS * 1_000_000_000,
            begun: Instant::now(),
            hasher: RandomState::new(),
            parts: (0..PARTS).map(|_| part()).collect(),
        })
    }

    /// One more message of this account.
    ///
    /// # Errors
    /// How long to wait with it; then it took nothing of the allowance.
    pub(super) fn take(&self, account: &Name) -> Result<(), Duration> {
        self.take_at(account, self.begun.elapsed())
    }

    fn take_at(&self, account: &Name, since_begun: Duration) -> Result<(), Duration> {
        let now = u64::try_from(since_begun.as_nanos()).unwrap_or(u64::MAX / 2);
        let place = usize::try_from(self.hasher.hash_one(account) % PARTS as u64).unwrap_or(0);
        let Some(part) = self.parts.get(place) else { return Ok(()) };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        let Part { whole_at, look_through_at } = &mut *part;
        if let Some(whole_at) = whole_at.get_mut(account) {
            let next = (*whole_at).max(now) + self.each;
            // The first message fits whatever the rate is.
            let latest = now + self.whole.max(self.each);
            if next > latest {
                return Err(Duration::from_nanos(next - latest));
            }
            *whole_at = next;
            return Ok(());
        }
        if whole_at.len() >= *look_through_at {
            whole_at.retain(|_, whole_at| *whole_at > now);
            *look_through_at = (2 * whole_at.len()).clamp(LOOKED_THROUGH_MIN, RATED_ACCOUNTS_MAX / PARTS);
            if whole_at.len() >= RATED_ACCOUNTS_MAX / PARTS {
                return Err(Duration::from_secs(ACCOUNT_BURST_SECONDS));
            }
        }
        whole_at.insert(account.clone(), now + self.each);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn kept(rates: &Rates) -> usize {
        rates.parts.iter().map(|part| part.lock().unwrap().whole_at.len()).sum()
    }

    #[test]
    fn an_account_sends_two_seconds_worth_at_once_and_then_its_rate() {
        let (rates, ann) = (Rates::of(10).unwrap(), name("ann"));
        let at = |milliseconds| rates.take_at(&ann, Duration::from_millis(milliseconds));
        (0..20).for_each(|_| at(0).unwrap());
        assert_eq!(at(0), Err(Duration::from_millis(100)));
        assert_eq!(at(99), Err(Duration::from_millis(1)));
        assert_eq!((at(100), at(100)), (Ok(()), Err(Duration::from_millis(100))));
        assert_eq!(rates.take_at(&name("ben"), Duration::ZERO), Ok(()), "nobody else waits");
        (0..20).for_each(|_| at(10_000).unwrap());
        assert!(at(10_000).is_err(), "a longer silence saves nothing more");
        assert!(Rates::of(0).is_none());
    }

    #[test]
    fn only_accounts_that_were_not_silent_for_long_are_remembered_and_only_so_many() {
        let rates = Rates::of(1_000).unwrap();
        for number in 0..100_000_u64 {
            rates.take_at(&name(&number.to_string()), Duration::from_millis(number)).unwrap();
        }
        assert!(kept(&rates) <= PARTS * LOOKED_THROUGH_MIN, "{}", kept(&rates));
        let slow = Rates::of(1).unwrap();
        let refused = (0..RATED_ACCOUNTS_MAX + 10_000)
            .filter(|number| slow.take_at(&name(&number.to_string()), Duration::ZERO).is_err())
            .count();
        assert!(refused >= 10_000, "{refused}");
        assert_eq!(kept(&slow) + refused, RATED_ACCOUNTS_MAX + 10_000);
        assert!(kept(&slow) <= RATED_ACCOUNTS_MAX);
        assert_eq!(slow.take_at(&name("later"), Duration::from_secs(10)), Ok(()), "room is made");
    }

    proptest! {
        #[test]
        fn in_no_span_of_time_does_more_pass_than_the_burst_and_the_rate(
            rate in 1_u32..500,
            pauses in vec(0_u64..40, 1..400),
        ) {
            let (rates, ann) = (Rates::of(rate).unwrap(), name("ann"));
            let (mut now, mut passed) = (0_u64, Vec::new());
            for pause in pauses {
                now += pause;
                if rates.take_at(&ann, Duration::from_millis(now)).is_ok() {
                    passed.push(now);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, until) in passed.iter().enumerate().skip(first) {
                    let allowed = u64::from(rate) * (ACCOUNT_BURST_SECONDS * 1_000 + until - from) / 1_000 + 1;
                    prop_assert!((last - first) as u64 <= allowed, "{} in {} ms", last - first + 1, until - from);
                }
            }
        }
    }
}
