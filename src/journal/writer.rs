//! The journal's one thread: take what was handed over, append, sync, let the answers go.
//!
//! Absent on purpose: a second attempt. Whatever fails here, a panic too, ends the writing
//! for good, and everybody who waits is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::{
    error::JournalError,
    front::{Departure, Ending, Shared, wait},
    log::{Log, RecordBatch},
};
use crate::{
    domain::Position,
    panics,
    planted::{self, Bug},
};

/// Writes until it is asked to end or fails.
pub(super) fn run<A: Departure>(shared: &Shared<A>, mut log: Box<dyn Log>) {
    let written = catch_unwind(AssertUnwindSafe(|| write(shared, log.as_mut())));
    let closed = catch_unwind(AssertUnwindSafe(|| drop(log)));
    let why = match (written, closed) {
        (Ok(Ok(())), Ok(())) => None,
        (Ok(Err(error)), _) => Some(error.to_string()),
        (Err(panic), _) | (_, Err(panic)) => {
            Some(format!("the journal's writer panicked: {}", panics::words(&*panic)))
        }
    };
    match why {
        Some(why) => fail(shared, why),
        None => {
            shared.lock().ended = true;
            shared.progress.notify_all();
        }
    }
}

/// What the writer found to do.
struct Turn {
    /// The position that the front gave to the first record of the buffer taken.
    first: Position,
    trim_before: Option<Position>,
    ending: Option<Ending>,
}

fn write<A: Departure>(shared: &Shared<A>, log: &mut dyn Log) -> Result<(), JournalError> {
    let mut taken = RecordBatch::new();
    let mut trimming = None;
    loop {
        let turn = next_turn(shared, &mut taken, trimming.is_some());
        if !taken.is_empty() {
            write_taken(shared, log, turn.first, &taken)?;
        }
        // One segment, then a look at what was handed over meanwhile: a device may take tens of milliseconds for each.
        trimming = trimming.max(turn.trim_before).filter(|before| trim_one(log, *before));
        match turn.ending {
            // Once an end is asked for nothing more is taken, so an empty buffer stays empty.
            Some(ending) if taken.is_empty() && trimming.is_none() => {
                return match ending {
                    Ending::Sealed => log.seal(),
                    Ending::Unsealed => Ok(()),
                };
            }
            _ => taken.clear(),
        }
    }
}

/// Removes one old segment; true where there are more.
fn trim_one(log: &mut dyn Log, before: Position) -> bool {
    log.trim_one(before).unwrap_or_else(|error| {
        tracing::error!(%error, before = before.0, "old segments could not be removed");
        false
    })
}

/// Waits for something to do, unless there is something, and changes the empty buffer for the one that was filled.
fn next_turn<A>(shared: &Shared<A>, empty: &mut RecordBatch, busy: bool) -> Turn {
    let mut front = shared.lock();
    while !busy && front.records.is_empty() && front.trim_before.is_none() && front.ending.is_none() {
        front.writer_waits = true;
        front = wait(&shared.work, front);
        front.writer_waits = false;
    }
    std::mem::swap(&mut front.records, empty);
    let turn = Turn {
        first: Position(front.newest.0 - empty.records() + 1),
        trim_before: front.trim_before.take(),
        ending: front.ending,
    };
    drop(front);
    if !planted::has(Bug::RoomUntold) {
        shared.progress.notify_all();
    }
    turn
}

fn write_taken<A: Departure>(
    shared: &Shared<A>,
    log: &mut dyn Log,
    given: Position,
    taken: &RecordBatch,
) -> Result<(), JournalError> {
    if planted::has(Bug::DurableBeforeSync) {
        shared.set_durable(Position(given.0 + taken.records() - 1));
    }
    let first = log.append(taken)?;
    assert_eq!(first, given, "the log gives the positions that the front gave");
    let syncing = Instant::now();
    let durable = log.sync()?;
    let took = syncing.elapsed();
    let newest = Position(given.0 + taken.records() - 1);
    assert_eq!(durable, newest, "a sync makes durable all that was appended");

    let leaving = {
        let mut front = shared.lock();
        shared.set_durable(durable);
        front.stats.bytes = log.bytes_written();
        front.stats.records += taken.records();
        front.stats.syncs += 1;
        front.stats.sync_times.add(took);
        let later = front.waiting.split_off(&Position(durable.0 + 1));
        std::mem::replace(&mut front.waiting, later)
    };
    if !planted::has(Bug::RoomUntold) {
        shared.progress.notify_all();
    }
    A::leave_all(leaving.into_values().flatten());
    Ok(())
}

/// Takes nothing more from now on, drops every answer that waits and calls back.
fn fail<A>(shared: &Shared<A>, why: String) {
    tracing::error!(%why, "the journal failed and takes nothing more");
    let (waiting, callbacks) = {
        let mut front = shared.lock();
        front.fault = Some(why.clone());
        front.records = RecordBatch::new();
        (std::mem::take(&mut front.waiting), std::mem::take(&mut front.on_fault))
    };
    if !planted::has(Bug::FailureUntold) {
        shared.progress.notify_all();
    }
    // Both run what others wrote; neither may keep the other from being told.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(waiting)));
    let mut panicked = dropped.is_err();
    for callback in callbacks {
        panicked |= catch_unwind(AssertUnwindSafe(|| callback(&why))).is_err();
    }
    if panicked {
        tracing::error!("an answer or a callback panicked when the journal failed");
    }
}
