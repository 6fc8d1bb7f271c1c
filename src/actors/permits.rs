//! The permits that bound the messages under way.

use crate::domain::{Code, Refusal};
use crate::planted::{self, Bug};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The bound on messages under way (DESIGN §2): doors take a permit for each, walks give it back at their end.
#[derive(Debug)]
pub struct Permits {
    taken: AtomicUsize,
    most: usize,
    /// How many may be taken now, at most `most`.
    allowed: AtomicUsize,
}

impl Permits {
    /// So many permits.
    #[must_use]
    pub fn new(most: usize) -> Arc<Permits> {
        Arc::new(Permits { taken: AtomicUsize::new(0), most, allowed: AtomicUsize::new(most) })
    }

    /// Takes one, or says `overloaded`.
    ///
    /// # Errors
    /// `overloaded`, where all are taken.
    pub fn take(self: &Arc<Self>) -> Result<Permit, Refusal> {
        let permit = self.take_up_to(1);
        if permit.places == 0 { Err(Refusal::of(Code::Overloaded)) } else { Ok(permit) }
    }

    /// Takes so many at once, or as many as are left.
    pub fn take_up_to(self: &Arc<Self>, wanted: usize) -> Permit {
        let allowed = self.allowed.load(Ordering::Relaxed);
        let left = |taken: usize| wanted.min(allowed.saturating_sub(taken));
        let permit = |places| Permit { of: Arc::clone(self), places };
        if planted::has(Bug::PermitInTwoSteps) {
            let places = left(self.taken());
            self.taken.fetch_add(places, Ordering::AcqRel);
            return permit(places);
        }
        let more = |taken| (left(taken) > 0).then(|| taken + left(taken));
        permit(self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map_or(0, left))
    }

    /// Takes places back.
    pub(super) fn give_back(&self, places: usize) {
        if places > 0 {
            self.taken.fetch_sub(places, Ordering::AcqRel);
        }
    }

    /// Allows only so many thousandths of them from now on. What is under way goes on.
    pub fn allow(&self, thousandths: u64) {
        let allowed = (self.most as u128 * u128::from(thousandths.min(1_000))).div_ceil(1_000);
        self.allowed.store(usize::try_from(allowed).unwrap_or(self.most), Ordering::Relaxed);
    }

    /// How many are taken now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

/// The place of a message in the house, or of several; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    of: Arc<Permits>,
    pub(super) places: usize,
}

impl Permit {
    /// Of the same kind, with no place yet.
    pub(super) fn without_places(&self) -> Permit {
        Permit { of: Arc::clone(&self.of), places: 0 }
    }

    /// What it is a permit of.
    pub(super) fn of(&self) -> &Arc<Permits> {
        &self.of
    }

    pub(super) fn give_back(&mut self) {
        self.of.give_back(std::mem::take(&mut self.places));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}
