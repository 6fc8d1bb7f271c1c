//! Where passwords are hashed: apart from what answers requests, so many at once and so many that wait.
//!
//! Absent on purpose: keeping a place for anybody; past the bound the answer is `overloaded`, at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::domain::{Code, Refusal};
use crate::limits::{PASSWORD_HASHES_AT_ONCE_MAX, PASSWORD_HASHES_WAITING_MAX};

/// The line, and what is being hashed.
pub(super) struct Line {
    at_once: Arc<Semaphore>,
    in_line: Arc<AtomicUsize>,
    most: usize,
}

/// A place in the line, or in front of it; it is given up when this is dropped.
pub(super) struct Place {
    at_once: Arc<Semaphore>,
    in_line: Arc<AtomicUsize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_line.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Line {
    pub(super) fn new() -> Line {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Line::of((cores / 2).clamp(1, PASSWORD_HASHES_AT_ONCE_MAX), PASSWORD_HASHES_WAITING_MAX)
    }

    fn of(at_once: usize, waiting: usize) -> Line {
        Line { at_once: Arc::new(Semaphore::new(at_once)), in_line: Arc::default(), most: at_once + waiting }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// `overloaded` where there is none.
    pub(super) fn place(&self) -> Result<Place, Refusal> {
        let before = self.in_line.fetch_add(1, Ordering::SeqCst);
        let place = Place { at_once: Arc::clone(&self.at_once), in_line: Arc::clone(&self.in_line) };
        if before < self.most {
            return Ok(place);
        }
        Err(Refusal::new(Code::Overloaded, "password", "cannot be looked at now: too many wait for that"))
    }
}

impl Place {
    /// Waits for its turn, and does this on a thread that may take its time. What has begun is done even where nobody waits for
    /// it any more.
    ///
    /// # Errors
    /// `internal`, where it ended by a bug.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let failed = |why: String| Refusal::new(Code::Internal, "password", why);
        let turn =
            Arc::clone(&self.at_once).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let done = spawn_blocking(move || {
            let done = work();
            drop((turn, self));
            done
        });
        done.await.map_err(|error| failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn so_many_are_hashed_at_once_and_so_many_wait_and_no_more_are_taken() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let line = Line::of(2, 3);
            let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (go, gate) = mpsc::channel::<()>();
            let gate = Arc::new(std::sync::Mutex::new(gate));
            let places: Vec<Place> = (0..5).map(|_| line.place().unwrap()).collect();
            assert_eq!(line.place().err().map(|refusal| refusal.code), Some(Code::Overloaded));
            let works = places.into_iter().map(|place| {
                let (under_way, most, gate) = (Arc::clone(&under_way), Arc::clone(&most), Arc::clone(&gate));
                tokio::spawn(place.run(move || {
                    let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    gate.lock().unwrap().recv().unwrap();
                    under_way.fetch_sub(1, Ordering::SeqCst);
                }))
            });
            let works: Vec<_> = works.collect();
            (0..5).for_each(|_| go.send(()).unwrap());
            for work in works {
                work.await.unwrap().unwrap();
            }
            assert!(most.load(Ordering::SeqCst) <= 2);
            let _again = line.place().unwrap();
            // A place that was taken and never used is given up, too.
            drop((0..4).map(|_| line.place().unwrap()).collect::<Vec<_>>());
            assert!(line.place().is_ok());
        });
    }
}
