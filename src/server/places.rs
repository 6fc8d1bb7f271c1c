//! Places of which there are only so many, and only so many for each account: so that nobody takes those of all others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::json::Problem;
use crate::domain::{Code, Name, Refusal};

/// The places.
pub(super) struct Places {
    /// What takes one, in a word for whoever gets none.
    what: &'static str,
    most: usize,
    most_of_account: usize,
    /// Who has how many; nobody's name stands for those who act for no account.
    taken: Mutex<BTreeMap<Option<Name>, usize>>,
}

/// One of them, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    whose: Option<Name>,
}

impl Places {
    pub(super) fn of(what: &'static str, most: usize, most_of_account: usize) -> Arc<Places> {
        Arc::new(Places { what, most, most_of_account, taken: Mutex::default() })
    }

    /// Takes one.
    ///
    /// # Errors
    /// `overloaded`.
    pub(super) fn take(self: &Arc<Self>, whose: Option<Name>) -> Result<Place, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |most: usize, of: &str| {
            let detail = format!("has {most} already{of}: end one, or come back when one has ended");
            Err(Problem::from(Refusal::new(Code::Overloaded, self.what, detail)))
        };
        if taken.values().sum::<usize>() >= self.most {
            return full(self.most, "");
        }
        let own = taken.entry(whose.clone()).or_default();
        if whose.is_some() && *own >= self.most_of_account {
            return full(self.most_of_account, " of this account");
        }
        *own += 1;
        Ok(Place { places: Arc::clone(self), whose })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.whose) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_takes_its_own_places_and_not_those_of_others() {
        let places = Places::of("events", 3, 2);
        let name = |text: &str| Some(Name::new(text).unwrap());
        let held = [places.take(name("ann")).unwrap(), places.take(name("ann")).unwrap()];
        let refused = places.take(name("ann")).err().unwrap();
        assert_eq!(refused.parts().0, "overloaded");
        let ben = places.take(name("ben")).unwrap();
        assert!(places.take(None).is_err(), "all three are taken");
        drop(ben);
        assert!(places.take(None).is_ok(), "and given back");
        drop(held);
        let nobodys: Vec<_> = (0..3).map(|_| places.take(None).unwrap()).collect();
        drop(nobodys);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
