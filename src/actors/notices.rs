//! Notices on their way out: held until their records are durable, and then told in the order of the log.
//!
//! A house holds its notices before it sends its turn's messages on, so what follows from one is held behind it;
//! and whoever finds the log durable tells everything up to there. So no effect is told before its cause, whichever
//! thread tells it. Absent on purpose: a second telling. Who listens too slowly is told how many were left out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

use crate::domain::{Notice, Position};
use crate::limits::NOTICES_KEPT_MAX;

/// The notices of an engine.
#[derive(Debug)]
pub struct Notices {
    /// True once anybody has ever listened: before, nothing is worked out.
    wanted: AtomicBool,
    /// By their positions.
    held: Mutex<BTreeMap<Position, Vec<Notice>>>,
    listeners: broadcast::Sender<Arc<Notice>>,
}

impl Default for Notices {
    fn default() -> Notices {
        Notices {
            wanted: AtomicBool::new(false),
            held: Mutex::default(),
            listeners: broadcast::Sender::new(NOTICES_KEPT_MAX),
        }
    }
}

impl Notices {
    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Notice>> {
        let listener = self.listeners.subscribe();
        self.wanted.store(true, Ordering::SeqCst);
        listener
    }

    /// True where somebody may listen.
    #[must_use]
    pub fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Holds a turn's notices.
    pub(super) fn hold(&self, notices: impl Iterator<Item = Notice>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for notice in notices {
            held.entry(notice.position).or_default().push(notice);
        }
    }

    /// Tells everything up to a position that is durable.
    pub(super) fn tell(&self, durable: Position) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(first) = held.first_entry().filter(|first| *first.key() <= durable) {
            for notice in first.remove() {
                // An error only says that nobody listens.
                let _ = self.listeners.send(Arc::new(notice));
            }
        }
    }
}
