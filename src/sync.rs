//! The locks and atomics of everything that several threads share: the standard library's, by other names, so that there
//! is one place to change them.

pub(crate) use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic};
