//! Reading a log while what was read is absorbed: one thread reads, decodes and follows the messages, another absorbs.
//!
//! Absent on purpose: what a record does.

use std::any::Any;
use std::borrow::Cow;
use std::mem;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::config::Progress;
use crate::actors::{NEAR_RECORDS, RecoveryError, Replay, ReplayError, Undelivered};
use crate::domain::{Event, Position};
use crate::journal::record::Parts;
use crate::journal::{JournalError, Log};
use crate::panics;

/// How many records are handed from one thread to the other together, and how many bytes at most but for the last.
const STRETCH_RECORDS: usize = 1_024;
const STRETCH_BYTES: usize = 1024 * 1024;
/// How many stretches are read ahead.
const STRETCHES_AHEAD: usize = 8;
/// How many records are read before progress is told again.
pub(super) const RECORDS_BETWEEN_PROGRESS: u64 = 65_536;

/// Records that follow each other, decoded.
#[derive(Default)]
struct Stretch {
    bytes: Vec<u8>,
    /// The events of all of them.
    events: Vec<Event>,
    /// Each with its position and where in the bytes it ends.
    records: Vec<(Position, usize, Parts)>,
    /// The record behind them, where it does not decode or absorbs what is not for it.
    wrong: Option<ReplayError>,
}

impl Stretch {
    /// Adds a record, whose messages `undelivered` follows.
    ///
    /// # Errors
    /// Where it does not decode, or absorbs what is not for it; the stretch says so too.
    fn add(
        &mut self,
        position: Position,
        bytes: &[u8],
        undelivered: &mut Undelivered,
    ) -> Result<(), JournalError> {
        let decoded = Parts::decode(bytes, &mut self.events).map_err(|error| error.to_string());
        let followed = decoded.and_then(|parts| {
            undelivered.follow(position, parts.traffic(bytes))?;
            Ok(parts)
        });
        match followed {
            Ok(parts) => {
                self.bytes.extend_from_slice(bytes);
                self.records.push((position, self.bytes.len(), parts));
                Ok(())
            }
            Err(why) => {
                self.wrong = Some(ReplayError { position, why: why.clone() });
                Err(JournalError::Stopped { why })
            }
        }
    }

    /// Absorbs its records, and leaves it empty.
    fn absorb(&mut self, replay: &mut Replay, mut told: impl FnMut(u64)) -> Result<(), ReplayError> {
        let (mut start, mut first, mut records) = (0, 0, self.records.drain(..));
        while !records.as_slice().is_empty() {
            let near = records.as_slice().iter().take(NEAR_RECORDS);
            replay.look_ahead(near.map(|(_, _, parts)| parts.actor()));
            for (position, end, parts) in records.by_ref().take(NEAR_RECORDS) {
                told(replay.records());
                let behind = first + parts.events();
                let events = Cow::Borrowed(&self.events[first..behind]);
                replay.gather(position, parts.over(&self.bytes[start..end], events))?;
                (start, first) = (end, behind);
            }
        }
        drop(records);
        self.bytes.clear();
        self.events.clear();
        match self.wrong.take() {
            Some(wrong) => replay.prove().and(Err(wrong)),
            None => Ok(()),
        }
    }
}

/// Replays every record of the log from one on.
///
/// # Errors
/// What reading gives, and the first record that is wrong.
pub(super) fn replay_all(
    log: &(impl Log + Sync),
    replay: &mut Replay,
    from: Position,
    progress: &Progress,
) -> Result<(), RecoveryError> {
    let records = (log.newest().0 + 1).saturating_sub(from.0);
    let told = |read: u64| {
        if read.is_multiple_of(RECORDS_BETWEEN_PROGRESS) {
            progress.tell(read, records);
        }
    };
    let spare = Mutex::new(Vec::with_capacity(STRETCHES_AHEAD + 2));
    let mut undelivered = replay.lend_undelivered();
    let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    let (absorbed, read) = read_beside(
        STRETCHES_AHEAD,
        |sender| read(log, from, sender, &mut undelivered, || lock().pop().unwrap_or_default()),
        |why| Err(JournalError::Stopped { why }),
        |mut stretch: Stretch| stretch.absorb(replay, told).map(|()| lock().push(stretch)),
    )?;
    absorbed?;
    replay.prove()?;
    replay.take_back(undelivered);
    Ok(read?)
}

/// Reads on a thread of its own, some parts ahead, while this one takes what it sends; the first error of taking ends
/// the receiving, and so the reading. Gives what both came to; what a panic of reading comes to says `on_panic`.
///
/// # Errors
/// Where the machine gives no thread.
pub(super) fn read_beside<Part: Send, Read: Send, Wrong>(
    parts_ahead: usize,
    read: impl FnOnce(&SyncSender<Part>) -> Read + Send,
    on_panic: impl FnOnce(String) -> Read,
    take: impl FnMut(Part) -> Result<(), Wrong>,
) -> Result<(Result<(), Wrong>, Read), JournalError> {
    let (sender, parts) = mpsc::sync_channel(parts_ahead);
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("reading".to_owned())
            .spawn_scoped(scope, move || read(&sender))
            .map_err(|source| JournalError::from_io("start the thread of", "reading", source))?;
        let taken = parts.into_iter().try_for_each(take);
        Ok((taken, reader.join().unwrap_or_else(|panic| on_panic(panicked(&*panic)))))
    })
}

/// What a panic of reading said.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> String {
    format!("reading panicked: {}", panics::words(panic))
}

/// Sends the log's records in stretches, each begun as an empty one that `spare` gives, and has `undelivered` follow their messages.
fn read(
    log: &impl Log,
    from: Position,
    sender: &SyncSender<Stretch>,
    undelivered: &mut Undelivered,
    spare: impl Fn() -> Stretch,
) -> Result<(), JournalError> {
    let nobody = |_| JournalError::Stopped { why: "nobody absorbs what is read".to_owned() };
    let mut stretch = Stretch::default();
    let read = log.read(from, &mut |position, bytes| {
        stretch.add(position, bytes, undelivered)?;
        if stretch.records.len() < STRETCH_RECORDS && stretch.bytes.len() < STRETCH_BYTES {
            return Ok(());
        }
        sender.send(mem::replace(&mut stretch, spare())).map_err(nobody)
    });
    sender.send(stretch).map_err(nobody)?;
    read
}
