//! Wrong passwords, counted for each account: behind the first few each try is followed by a pause, which grows.
//!
//! A try counts as a wrong one from its beginning, so that many at once gain nothing; a right one forgets them all. Names that no
//! account has count the same. Absent on purpose: whose address they come from, which a guesser has many of.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::Name;
use crate::limits::{
    TRIES_ACCOUNTS_MAX, TRIES_KEPT_MS, TRY_FIRST_PAUSE_MS, TRY_LONGEST_PAUSE_MS, WRONG_PASSWORDS_MAX,
};

/// The tries of one account.
#[derive(Clone, Copy)]
struct Tried {
    wrong: u32,
    last: Instant,
}

impl Tried {
    /// How long the next try has to wait behind the last one.
    fn pause(self) -> Duration {
        let Some(doublings) = self.wrong.checked_sub(WRONG_PASSWORDS_MAX) else { return Duration::ZERO };
        // No pause is doubled so often that it would not be the longest already.
        let pause = TRY_FIRST_PAUSE_MS.saturating_mul(1 << doublings.min(32));
        Duration::from_millis(pause.min(TRY_LONGEST_PAUSE_MS))
    }

    fn is_forgotten(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= Duration::from_millis(TRIES_KEPT_MS)
    }
}

/// The wrong passwords of all accounts.
#[derive(Default)]
pub(super) struct Tries(Mutex<HashMap<Name, Tried>>);

impl Tries {
    /// Begins a try.
    ///
    /// # Errors
    /// How long it has to wait; then it is none.
    pub(super) fn begin(&self, account: &Name, now: Instant) -> Result<(), Duration> {
        let mut all = self.all();
        let before = all.get(account).copied().filter(|tried| !tried.is_forgotten(now));
        if let Some(tried) = before {
            let waited = now.saturating_duration_since(tried.last);
            if waited < tried.pause() {
                return Err(tried.pause() - waited);
            }
        }
        if before.is_none() && all.len() >= TRIES_ACCOUNTS_MAX {
            forget(&mut all, now);
        }
        let wrong = before.map_or(0, |tried| tried.wrong).saturating_add(1);
        all.insert(account.clone(), Tried { wrong, last: now });
        Ok(())
    }

    /// The password was wrong: the pause begins now, however long it took to find that out.
    pub(super) fn was_wrong(&self, account: &Name, now: Instant) {
        if let Some(tried) = self.all().get_mut(account) {
            tried.last = tried.last.max(now);
        }
    }

    /// The password was right.
    pub(super) fn forget(&self, account: &Name) {
        self.all().remove(account);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Tried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room: for all that is old, or else for whoever had the fewest wrong ones, and of those the oldest.
fn forget(all: &mut HashMap<Name, Tried>, now: Instant) {
    all.retain(|_, tried| !tried.is_forgotten(now));
    while all.len() >= TRIES_ACCOUNTS_MAX {
        let least = all.iter().min_by_key(|(_, tried)| (tried.wrong, tried.last));
        let Some(account) = least.map(|(account, _)| account.clone()) else { return };
        all.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn pauses_begin_behind_the_fifth_wrong_password_and_double_up_to_a_quarter_of_an_hour() {
        let (tries, ann, mut now) = (Tries::default(), name("ann"), Instant::now());
        for number in 0..5 {
            assert_eq!(tries.begin(&ann, now), Ok(()), "{number}");
        }
        let mut pauses = Vec::new();
        for _ in 0..13 {
            let pause = tries.begin(&ann, now).unwrap_err();
            pauses.push(pause.as_secs());
            assert_eq!(
                tries.begin(&ann, now + pause - Duration::from_millis(1)),
                Err(Duration::from_millis(1))
            );
            now += pause;
            assert_eq!(tries.begin(&ann, now), Ok(()));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(tries.begin(&name("ben"), now), Ok(()), "nobody else waits");
        tries.was_wrong(&ann, now + Duration::from_secs(5));
        assert_eq!(tries.begin(&ann, now + Duration::from_secs(5)), Err(Duration::from_secs(900)));
        tries.forget(&ann);
        assert_eq!(tries.begin(&ann, now), Ok(()), "a right one forgets the wrong ones");
    }

    #[test]
    fn wrong_passwords_are_forgotten_after_an_hour_and_not_before() {
        let (tries, ann, begun) = (Tries::default(), name("ann"), Instant::now());
        (0..5).for_each(|_| tries.begin(&ann, begun).unwrap());
        let kept = Duration::from_millis(TRIES_KEPT_MS);
        assert_eq!(tries.begin(&ann, begun + kept - Duration::from_millis(1)), Ok(()));
        assert!(tries.begin(&ann, begun + kept).is_err(), "the sixth was counted with the five");
        let later = begun + kept * 3;
        (0..5).for_each(|_| tries.begin(&ann, later).unwrap());
    }

    #[test]
    fn only_so_many_accounts_are_remembered_and_whoever_guesses_most_is_not_forgotten() {
        let (tries, ann, now) = (Tries::default(), name("ann"), Instant::now());
        (0..5).for_each(|_| tries.begin(&ann, now).unwrap());
        for number in 0..TRIES_ACCOUNTS_MAX + 10 {
            tries.begin(&name(&format!("made up {number}")), now).unwrap();
        }
        assert_eq!(tries.all().len(), TRIES_ACCOUNTS_MAX);
        assert!(tries.begin(&ann, now).is_err());
    }
}
