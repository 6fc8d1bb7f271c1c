//! Notices on their way out: held until their records are durable, and then told in the order of the log.
//!
//! A house holds its notices before it sends its turn's messages on, so what follows from one is held behind it;
//! and whoever finds the log durable tells everything up to there. So no effect is told before its cause, whichever
//! thread tells it. Absent on purpose: a second telling. Who listens too slowly is told how many were left out.

use std::collections::BTreeMap;

use tokio::sync::broadcast;

use crate::domain::{Notice, Position};
use crate::limits::NOTICES_KEPT_MAX;
use crate::planted::{self, Bug};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The notices of an engine.
#[derive(Debug)]
pub struct Notices {
    /// True once anybody has ever listened: before, nothing is worked out.
    wanted: AtomicBool,
    telling: Mutex<Telling>,
}

/// What is to be told, and to whom.
#[derive(Debug)]
struct Telling {
    /// By their positions.
    held: BTreeMap<Position, Vec<Notice>>,
    /// None once the engine is closed.
    listeners: Option<broadcast::Sender<Arc<Notice>>>,
}

impl Default for Notices {
    fn default() -> Notices {
        Notices {
            wanted: AtomicBool::new(false),
            telling: Mutex::new(Telling {
                held: BTreeMap::new(),
                listeners: Some(broadcast::Sender::new(NOTICES_KEPT_MAX)),
            }),
        }
    }
}

impl Notices {
    /// Listens from now on; to nothing once the engine is closed.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Notice>> {
        let listener = match &self.lock().listeners {
            Some(listeners) => listeners.subscribe(),
            None => broadcast::Sender::new(1).subscribe(),
        };
        self.wanted.store(true, Ordering::SeqCst);
        listener
    }

    /// Tells nothing more: whoever listens hears what was told, and then the end.
    pub fn end(&self) {
        self.lock().listeners = None;
    }

    /// True where somebody may listen.
    #[must_use]
    pub fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Holds a turn's notices.
    pub(super) fn hold(&self, notices: impl Iterator<Item = Notice>) {
        let held = &mut self.lock().held;
        for notice in notices {
            held.entry(notice.position).or_default().push(notice);
        }
    }

    /// Tells everything up to a position that is durable.
    pub(super) fn tell(&self, durable: Position) {
        let Telling { held, listeners } = &mut *self.lock();
        let durable = if planted::has(Bug::NoticeBeforeSync) { Position(u64::MAX) } else { durable };
        while let Some(first) = held.first_entry().filter(|first| *first.key() <= durable) {
            for notice in first.remove() {
                if let Some(listeners) = listeners {
                    // An error only says that nobody listens.
                    let _ = listeners.send(Arc::new(notice));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Telling> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
