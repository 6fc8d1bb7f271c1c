//! A shard's work once it is awake: turns until there is nothing to do.
//!
//! Absent on purpose: the runtime that wakes it (`shard`), so that tests can try it on threads of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::clock::Time;
use super::departing::Departing;
use super::envelope::Envelope;
use super::house::{House, Outside};
use super::inbox::{Inbox, Wakes, send_at_once};
use super::stopped::Stopped;
use crate::domain::{Position, Timestamp};
use crate::journal::{Journal, JournalError, RecordBatch};
use crate::limits::TURN_MESSAGES_MAX;
use crate::panics;
use crate::planted::{self, Bug};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A house and what it works with.
pub(crate) struct Worker<W> {
    index: usize,
    /// None once the engine has stopped: then messages are dropped, and their tickets answer.
    house: Option<House>,
    /// Empty between two turns; its memory and the inbox's change places.
    taken: Vec<Envelope>,
    inboxes: Arc<[Inbox<W>]>,
    journal: Arc<Journal<Departing>>,
    stopped: Arc<Stopped>,
    time: Time,
    /// True while shards act by time alone: from when all have their addresses until they are to come to rest.
    timing: Arc<AtomicBool>,
}

impl<W: Wakes> Worker<W> {
    /// The worker of the shard with this index.
    pub(crate) fn new(
        index: usize,
        house: House,
        inboxes: &Arc<[Inbox<W>]>,
        journal: &Arc<Journal<Departing>>,
        stopped: &Arc<Stopped>,
        time: &Time,
        timing: &Arc<AtomicBool>,
    ) -> Worker<W> {
        Worker {
            index,
            house: Some(house),
            taken: Vec::new(),
            inboxes: Arc::clone(inboxes),
            journal: Arc::clone(journal),
            stopped: Arc::clone(stopped),
            time: time.clone(),
            timing: Arc::clone(timing),
        }
    }

    /// A wake-up has come.
    pub(crate) fn woken(&mut self) {
        if planted::has(Bug::AwakeAfterWork) {
            self.work();
        }
        self.inboxes[self.index].awake();
        if !planted::has(Bug::AwakeAfterWork) {
            self.work();
        }
    }

    /// Works where something is due by time alone.
    pub(crate) fn look_at_the_time(&mut self) {
        if self.due().is_some() {
            self.work();
        }
    }

    /// The time, where something is due by it.
    fn due(&self) -> Option<Timestamp> {
        let next = self.house.as_ref()?.next_due()?;
        let now = self.time.now();
        (next <= now && self.timing.load(Ordering::SeqCst)).then_some(now)
    }

    /// Turns until there is nothing to do: messages first, and between two turns of them what is due, so that
    /// neither waits for the other's end.
    fn work(&mut self) {
        let inboxes = Arc::clone(&self.inboxes);
        let inbox = &inboxes[self.index];
        loop {
            let due = self.due();
            if self.stopped.why().is_some() {
                // Dropping what waits here answers `outcome_unknown`.
                self.house = None;
            }
            let Some(house) = &mut self.house else {
                inbox.take(&mut self.taken, false);
                self.taken.clear();
                inbox.holds(0);
                inbox.drop_visits();
                return;
            };
            // Before the messages are taken: a visitor finds everything here that was sent before it came.
            let visit = inbox.take_visit();
            inbox.take(&mut self.taken, house.busy());
            house.deliver(self.taken.drain(..));
            inbox.holds(house.waiting());
            if !house.busy() && due.is_none() && visit.is_none() {
                return;
            }
            // First at work, then a look whether that is still wanted: `quiesce` does it the other way round,
            // so one of the two sees the other.
            inbox.busy();
            let due = due.filter(|_| self.timing.load(Ordering::SeqCst));
            let mut outside = World { journal: &self.journal, inboxes: &inboxes };
            let turned = catch_unwind(AssertUnwindSafe(|| {
                if let Some(visit) = visit {
                    visit(house);
                }
                house.turn(&mut outside)?;
                match due {
                    Some(now) => house.fire(now, TURN_MESSAGES_MAX, &mut outside).map(drop),
                    None => Ok(()),
                }
            }));
            let why = match turned {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("internal error: {}", panics::words(panic.as_ref())),
            };
            self.stopped.stop(why);
            inboxes.iter().for_each(Inbox::wake);
        }
    }
}

struct World<'shard, W> {
    journal: &'shard Journal<Departing>,
    inboxes: &'shard [Inbox<W>],
}

impl<W: Wakes> Outside for World<'_, W> {
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        self.journal.hand_over(batch)
    }

    fn send(&mut self, parcels: Vec<(usize, Vec<Envelope>)>) {
        send_at_once(self.inboxes, parcels);
    }

    fn release(&mut self, at: Position, answers: Vec<Departing>) {
        self.journal.release(at, answers);
    }
}
