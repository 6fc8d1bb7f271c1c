//! The front of the journal that all shards share: records go in, answers come out when they
//! are durable.
//!
//! Records gather in one buffer while the writer thread syncs the other; then the two change
//! places. Positions are given under one short lock, in the order of the calls, so what is
//! handed over first stands first. Whoever hands over more than one sync can take waits for
//! the next to begin: nothing queues without a bound.
//!
//! Absent on purpose: a second attempt after a failure, and any knowledge of what a record or
//! an answer says.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{
    error::JournalError,
    front::{Departure, Ending, Front, JournalStats, Shared, wait},
    log::{Log, RecordBatch},
    writer,
};
use crate::{
    domain::Position,
    limits::BATCH_PAYLOAD_BYTES_MAX,
    planted::{self, Bug},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::AtomicU64,
        thread::{self, JoinHandle, ThreadId},
    },
};

/// How much gathers before whoever hands over more waits for the next sync.
#[cfg(not(all(test, feature = "schedules")))]
use crate::limits::BATCH_BYTES_MAX as ROOM_BYTES;
/// So little that shards must wait for room in most of the orders that are tried.
#[cfg(all(test, feature = "schedules"))]
const ROOM_BYTES: u64 = 48;

/// The journal as all shards share it: one writer thread, group commit, and answers that leave
/// only when what they rest on is durable.
///
/// Dropping it writes what was handed over and ends without a seal; [`Journal::close`] ends
/// with one.
pub struct Journal<A: Departure> {
    shared: Arc<Shared<A>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    writer_id: ThreadId,
}

impl<A: Departure> std::fmt::Debug for Journal<A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Journal")
            .field("handed_over", &self.handed_over())
            .field("durable", &self.durable())
            .field("fault", &self.fault())
            .finish_non_exhaustive()
    }
}

impl<A: Departure> Journal<A> {
    /// Starts the writer thread, named "journal", over an open log. What the log has appended
    /// and not synced is synced first.
    ///
    /// # Errors
    /// Those of that sync, so `ReadOnly` for a log that cannot be written; `Io` when the
    /// thread cannot be started.
    pub fn start(mut log: Box<dyn Log>) -> Result<Arc<Self>, JournalError> {
        let durable = log.sync()?;
        let shared = Arc::new(Shared {
            front: Mutex::new(Front {
                records: RecordBatch::new(),
                newest: durable,
                waiting: BTreeMap::new(),
                trim_before: None,
                stats: JournalStats { bytes: log.bytes_written(), ..JournalStats::default() },
                writer_waits: false,
                ending: None,
                ended: false,
                fault: None,
                on_fault: Vec::new(),
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            durable: AtomicU64::new(durable.0),
        });
        let of_writer = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer::run(&of_writer, log))
            .map_err(|source| JournalError::from_io("start the thread of", "the journal", source))?;
        Ok(Arc::new(Journal { shared, writer_id: writer.thread().id(), writer: Mutex::new(Some(writer)) }))
    }

    /// Takes the records of `batch`, which is left empty and keeps memory for the next turn,
    /// and returns the position of the first, the others following one by one. An empty batch
    /// takes no position, and the next one to be given is returned. Waits while the front
    /// buffer is full.
    ///
    /// # Errors
    /// `BatchTooLarge`, `Poisoned`, `Closed`; the batch is then unchanged.
    pub fn hand_over(&self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        if batch.bytes() > BATCH_PAYLOAD_BYTES_MAX {
            return Err(JournalError::BatchTooLarge {
                bytes: batch.bytes(),
                bytes_max: BATCH_PAYLOAD_BYTES_MAX,
            });
        }
        let mut front = self.shared.lock();
        front.must_take()?;
        while !front.records.is_empty() && front.records.bytes() + batch.bytes() > ROOM_BYTES {
            front = wait(&self.shared.progress, front);
            front.must_take()?;
        }
        let first = Position(front.newest.0 + 1);
        if planted::has(Bug::PositionGivenTwice) {
            drop(front);
            front = self.shared.lock();
        }
        if !batch.is_empty() {
            front.newest.0 += batch.records();
            front.records.append(batch);
            let wake = front.writer_waits;
            drop(front);
            if wake {
                self.shared.work.notify_one();
            }
        }
        Ok(first)
    }

    /// Lets answers leave when the journal is durable up to `at`: at once on this thread if it
    /// is, otherwise on the journal's, right after the sync that covers `at`, in the order of
    /// positions, and of calls where those are equal. After a failure those that would still
    /// have to wait are dropped.
    ///
    /// # Panics
    /// When `at` was never given: such an answer would wait for someone else's record.
    pub fn release(&self, at: Position, answers: Vec<A>) {
        if answers.is_empty() {
            return;
        }
        if at > self.durable() {
            let mut front = self.shared.lock();
            assert!(at <= front.newest, "an answer waits only for a position that was given");
            // The writer moves `durable` under this lock, so no answer can miss its sync.
            if at > self.durable() || planted::has(Bug::SyncMissed) {
                if front.fault.is_none() || planted::has(Bug::FaultMissed) {
                    match front.waiting.entry(at) {
                        Entry::Vacant(place) => {
                            place.insert(answers);
                        }
                        Entry::Occupied(mut there) => there.get_mut().extend(answers),
                    }
                    return;
                }
                drop(front);
                drop(answers);
                return;
            }
        }
        A::leave_all(answers.into_iter());
    }

    /// The newest durable position.
    pub fn durable(&self) -> Position {
        self.shared.durable()
    }

    /// The newest position given.
    pub fn handed_over(&self) -> Position {
        self.shared.lock().newest
    }

    /// Waits until the journal is durable up to `position`, however long that takes.
    ///
    /// # Errors
    /// `Poisoned` or `Closed`, when it never will be.
    pub fn wait_durable(&self, position: Position) -> Result<(), JournalError> {
        let mut front = self.shared.lock();
        while self.durable() < position {
            if let Some(why) = &front.fault {
                return Err(JournalError::Poisoned { why: why.clone() });
            }
            if front.ended {
                return Err(JournalError::Closed);
            }
            front = wait(&self.shared.progress, front);
        }
        Ok(())
    }

    /// Asks the writer to trim the log before `before`, between two syncs. A failure to remove
    /// old segments is only reported in the trace.
    ///
    /// # Errors
    /// `Poisoned`, `Closed`.
    pub fn trim(&self, before: Position) -> Result<(), JournalError> {
        let mut front = self.shared.lock();
        front.must_take()?;
        front.trim_before = front.trim_before.max(Some(before));
        drop(front);
        self.shared.work.notify_one();
        Ok(())
    }

    /// What was written so far.
    pub fn stats(&self) -> JournalStats {
        self.shared.lock().stats
    }

    /// Why the journal takes nothing more, if a write, a sync or the writer itself failed.
    pub fn fault(&self) -> Option<String> {
        self.shared.lock().fault.clone()
    }

    /// Has `callback` called once, with the reason, when the journal fails; at once on this
    /// thread if it has already. Otherwise it runs on the journal's thread.
    pub fn on_fault(&self, callback: impl FnOnce(&str) + Send + 'static) {
        let mut front = self.shared.lock();
        match front.fault.clone() {
            None => front.on_fault.push(Box::new(callback)),
            Some(why) => {
                drop(front);
                callback(&why);
            }
        }
    }

    /// Takes nothing more, writes what was handed over, seals the log and waits for all of it.
    /// Closing again waits too and does nothing more. On the journal's own thread (from
    /// `leave` or a callback) it only asks for the end and does not wait.
    ///
    /// # Errors
    /// `Poisoned` when the journal failed before or failed at this.
    pub fn close(&self) -> Result<(), JournalError> {
        self.end(Ending::Sealed);
        match self.fault() {
            Some(why) => Err(JournalError::Poisoned { why }),
            None => Ok(()),
        }
    }

    /// What is shared with the writer, for tests that must come between the two.
    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared<A> {
        &self.shared
    }

    fn end(&self, ending: Ending) {
        self.shared.lock().ending.get_or_insert(ending);
        self.shared.work.notify_one();
        self.shared.progress.notify_all();
        if thread::current().id() == self.writer_id {
            return;
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            // The writer turns its own panics into a fault, so there is none to hear of here.
            let _ = writer.join();
        }
    }
}

impl<A: Departure> Drop for Journal<A> {
    fn drop(&mut self) {
        self.end(Ending::Unsealed);
    }
}
