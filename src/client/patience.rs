//! How long something is tried again.

use std::time::{Duration, Instant};

/// How long, and how often, a client sends again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In all.
    pub longest: Duration,
    /// Before the second try; each later pause is twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for Patience {
    /// A minute, from 20 milliseconds to two seconds: enough for a server to be started again.
    fn default() -> Patience {
        Patience {
            longest: Duration::from_secs(60),
            first_pause: Duration::from_millis(20),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl Patience {
    /// The pauses before each next try, until patience ends.
    pub(super) fn tries(self) -> impl Iterator<Item = Duration> {
        let begun = Instant::now();
        let pauses = std::iter::successors(Some(self.first_pause), |pause| Some(pause.saturating_mul(2)));
        pauses
            .map(move |pause| pause.min(self.longest_pause))
            .take_while(move |_| begun.elapsed() < self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_end() {
        let milliseconds = Duration::from_millis;
        let patience = Patience {
            longest: milliseconds(60_000),
            first_pause: milliseconds(20),
            longest_pause: milliseconds(100),
        };
        let pauses: Vec<Duration> = patience.tries().take(5).collect();
        assert_eq!(pauses, [20, 40, 80, 100, 100].map(milliseconds));
        assert_eq!(Patience { longest: Duration::ZERO, ..patience }.tries().count(), 0);
    }
}
