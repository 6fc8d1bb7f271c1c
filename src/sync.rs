//! The locks, atomics and threads of everything that several threads share: the standard library's, by other names.
//!
//! With the feature `schedules`, and in tests only, they are those of a checker that runs the threads in one order after
//! another (`sync/schedules.rs`). Absent on purpose: anything else; no build that ships has a line of code from here.

#[cfg(not(all(test, feature = "schedules")))]
pub(crate) use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, atomic},
    thread,
};

#[cfg(test)]
#[cfg(feature = "schedules")]
pub(crate) mod schedules;
#[cfg(all(test, feature = "schedules"))]
pub(crate) use schedules::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, atomic, thread};
