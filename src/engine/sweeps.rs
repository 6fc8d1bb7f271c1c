//! Sweeps: the thread that takes snapshots, and lets the journal forget what they stand for.
//!
//! A snapshot that fails costs nothing but time: the journal still has everything. Absent on purpose: what a chunk
//! holds, and where it is kept.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{getpriority_process, setpriority_process};

use super::asked::{Asked, AskedSnapshot, SnapshotNotTaken, SnapshotTaken};
use super::config::Keeping;
use super::pressure::Gauge;
use super::retention::Retention;
use super::slice_times::{SliceTime, SliceTimes};
use super::taking::{Taking, Written};
use crate::actors::{Common, Departing, Shards, Slice, SweepError};
use crate::codec::CodecError;
use crate::domain::Position;
use crate::journal::{Journal, JournalError};
use crate::limits::PIECE_BYTES_MAX;
use crate::panics;
use crate::snapshot::{Manifest, SnapshotError, Snapshots};

/// How often the thread looks at how far the journal has grown, and whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How many slices of a shard are asked for at once. It gives one between two turns, and each waits until the journal is durable up to
/// it: as many as there are turns while it syncs.
const SLICES_AHEAD: usize = 16;

/// For how many states a slice is given memory: mostly it has fewer.
const SLICE_PIECES: usize = 4;

/// Memory for states that has grown to more than this is not kept, nor what is less than a piece.
const SPARE_BYTES_MAX: usize = 4 * PIECE_BYTES_MAX;

/// How long the thread rests after a snapshot that failed.
const REST: Duration = Duration::from_secs(5);

/// How far the thread, and those that sled starts for it, stand behind shards and writer where there are not cores for all: a
/// sixth of the processor's time for each part of theirs. A snapshot that takes longer costs nothing; one that interrupts a
/// shard in the middle of a slice lets it wait for milliseconds.
const NICENESS: i32 = 8;

/// What snapshots have come to since the engine was opened.
#[derive(Clone, Debug, Default)]
pub struct SnapshotStats {
    /// Snapshots finished.
    pub finished: u64,
    /// True while one is being taken.
    pub under_way: bool,
    /// Snapshots that failed.
    pub failed: u64,
    /// Why the newest failure came about.
    pub why: Option<String>,
    /// Bytes of states put into snapshots.
    pub bytes: u64,
    /// The longest that a slice held its shard.
    pub slice_max: Duration,
    /// Of a thousand slices so far, 999 held their shard no longer; told anew with each finished snapshot.
    pub slice_p999: Duration,
    /// Of a thousand slices so far, 999 took no more of the processor's time; told anew with each finished snapshot. Where
    /// `slice_p999` is much more, the machine had something else to do meanwhile.
    pub slice_processor_p999: Duration,
    /// The time that slices held shards, all together.
    pub held: Duration,
    /// Pages of idle actors that were out of memory at the end of the newest slices.
    pub pages_away: usize,
    /// When the newest one that counts was finished; none where there is none. Of one that was there when the engine was
    /// opened, as its file says.
    pub newest_at: Option<SystemTime>,
    /// Bytes of journal that a start would read behind the newest one that counts; all, where there is none.
    pub journal_behind: u64,
}

/// What the thread works with.
pub(super) struct Sweeper {
    pub(super) shards: Arc<Shards>,
    pub(super) journal: Arc<Journal<Departing>>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) common: Arc<Common>,
    pub(super) snapshots: Snapshots,
    pub(super) keeping: Keeping,
    /// The journal's identity.
    pub(super) identity: u64,
    /// What of the journal is needed.
    pub(super) retention: Retention,
}

/// The running thread.
pub(super) struct Sweeps {
    stop: Arc<AtomicBool>,
    last: Arc<AtomicBool>,
    stats: Arc<Mutex<SnapshotStats>>,
    asked: Arc<Asked>,
    gauge: Arc<Gauge>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sweeps {
    /// Starts the thread.
    pub(super) fn start(sweeper: Sweeper) -> std::io::Result<Sweeps> {
        let newest_at = sweeper.snapshots.newest_at();
        let stats = SnapshotStats { newest_at, ..SnapshotStats::default() };
        let (stop, last) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let stats = Arc::new(Mutex::new(stats));
        let (asked, gauge) = (Arc::new(Asked::default()), Arc::clone(&sweeper.gauge));
        let mut run = Run {
            written: [None, None],
            swept_at: 0,
            begun: VecDeque::new(),
            slices: SliceTimes::new()?,
            spare: Vec::new(),
            stop: Arc::clone(&stop),
            last: Arc::clone(&last),
            stats: Arc::clone(&stats),
            asked: Arc::clone(&asked),
            sweeper,
        };
        let retention = &run.sweeper.retention;
        run.swept_at = retention.newest_needs().map_or(0, |newest| retention.bytes_before(newest));
        run.spare();
        run.note(|stats| stats.journal_behind = run.swept_at);
        let thread = std::thread::Builder::new().name("snapshots".to_owned()).spawn(move || {
            give_way();
            run.run();
        })?;
        Ok(Sweeps { stop, last, stats, asked, gauge, thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn stats(&self) -> SnapshotStats {
        let stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bytes = self.gauge.bytes();
        SnapshotStats { journal_behind: bytes.saturating_sub(stats.journal_behind), ..stats }
    }

    /// Asks for a snapshot now.
    pub(super) fn ask(&self) -> AskedSnapshot {
        self.asked.ask()
    }

    /// Ends the thread once the snapshot under way is finished: while one is being written, only the other counts.
    pub(super) fn finish(&self) {
        self.last.store(true, Ordering::Release);
        self.join();
    }

    /// Lets the thread end; a snapshot under way is given up, unless it is about to be finished.
    pub(super) fn give_up(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// As `give_up`, and waits for the end.
    pub(super) fn stop(&self) {
        self.give_up();
        self.join();
    }

    fn join(&self) {
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The thread turns its own panics into failed snapshots.
            let _ = thread.join();
        }
    }
}

impl Drop for Sweeps {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why a snapshot was given up.
#[derive(Debug, thiserror::Error)]
enum GivenUp {
    #[error("the engine ends")]
    Ending,
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error("a state does not encode: {0}")]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Sweep(#[from] SweepError),
    #[error("internal error: {0}")]
    Panic(String),
}

/// A slice, how long it took, and how many pages are away.
type SliceTaken = ((Result<Slice, SweepError>, SliceTime), usize);

impl Drop for Run {
    fn drop(&mut self) {
        self.asked.end();
    }
}

/// Puts this thread, and what it starts, behind those that answer.
fn give_way() {
    // Linux keeps a priority for each thread. Where the system refuses, snapshots are taken all the same.
    let lowered = getpriority_process(None).and_then(|own| setpriority_process(None, own + NICENESS));
    if let Err(error) = lowered {
        tracing::debug!(%error, "snapshots keep the priority of everybody");
    }
}

/// Empty memory that the system has made already.
fn touched() -> Vec<u8> {
    let mut memory = vec![1; 2 * PIECE_BYTES_MAX];
    memory.clear();
    memory
}

fn taken_in(manifest: &Manifest, took: Duration) -> SnapshotTaken {
    let Manifest { generation, chunks, bytes, read_from, .. } = *manifest;
    SnapshotTaken { generation, chunks, bytes, read_from, took }
}

struct Run {
    sweeper: Sweeper,
    stop: Arc<AtomicBool>,
    /// True where no further snapshot is to be begun.
    last: Arc<AtomicBool>,
    /// Here, `journal_behind` is where the newest one began.
    stats: Arc<Mutex<SnapshotStats>>,
    asked: Arc<Asked>,
    written: [Option<Written>; 2],
    /// The bytes of journal before the newest sweep's beginning.
    swept_at: u64,
    /// Where the newest sweeps began, oldest first, as many as idle actors stay for.
    begun: VecDeque<Position>,
    /// How long each slice took.
    slices: SliceTimes,
    /// Memory for states.
    spare: Vec<Vec<u8>>,
}

impl Run {
    fn run(mut self) {
        // Of a journal that has failed nothing new becomes durable, and no half is to be given up for that.
        while !self.ends() {
            let bytes = self.sweeper.gauge.bytes();
            let fresh = bytes.saturating_sub(self.swept_at);
            let more_to_stand_for = self.sweeper.retention.needed_from() <= self.sweeper.journal.durable();
            let crowded = self.sweeper.gauge.crowded() && more_to_stand_for;
            let asked = self.asked.waiting();
            let hangs_by_one = self.sweeper.retention.hangs_by_one();
            let due = fresh >= self.sweeper.keeping.snapshot_every || crowded || hangs_by_one;
            if !due && asked.is_none() {
                std::thread::sleep(LOOK_EVERY);
                continue;
            }
            self.note(|stats| stats.under_way = true);
            let begun = Instant::now();
            let taken = self.snapshot(bytes);
            self.note(|stats| stats.under_way = false);
            self.spare();
            let outcome = match &taken {
                Ok(manifest) => Ok(taken_in(manifest, begun.elapsed())),
                // The shards have ended.
                Err(GivenUp::Ending) => return,
                Err(why) => Err(SnapshotNotTaken::Failed(why.to_string())),
            };
            if let Some(asked) = asked {
                self.asked.tell(asked, outcome);
            }
            if taken.is_err() {
                self.rest();
            }
        }
        if !self.given_up() && self.sweeper.retention.hangs_by_one() {
            // Told anyway: whoever closes has no more to do about it.
            let _ = self.snapshot(self.sweeper.gauge.bytes());
        }
    }

    /// True where no snapshot is to be begun any more.
    fn ends(&self) -> bool {
        self.last.load(Ordering::Acquire) || self.given_up()
    }

    /// True where not even the snapshot under way is to be finished.
    fn given_up(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.sweeper.journal.fault().is_some()
    }

    /// Waits before another attempt, so that a full device is not asked again and again.
    fn rest(&self) {
        let failed = Instant::now();
        while failed.elapsed() < REST && !self.ends() {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Tells the doors how much of the journal no restart needs.
    fn spare(&self) {
        let retention = &self.sweeper.retention;
        self.sweeper.gauge.spare(retention.bytes_before(retention.needed_from()));
    }

    fn note(&self, change: impl FnOnce(&mut SnapshotStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes a snapshot and trims the journal behind it.
    fn snapshot(&mut self, bytes: u64) -> Result<Manifest, GivenUp> {
        let taken = catch_unwind(AssertUnwindSafe(|| self.take()));
        let taken =
            taken.unwrap_or_else(|panic| Err(GivenUp::Panic(panics::words(panic.as_ref()).to_owned())));
        match taken {
            Ok(manifest) => {
                tracing::info!(
                    generation = manifest.generation,
                    chunks = manifest.chunks,
                    "a snapshot is taken"
                );
                let (slice_p999, slice_processor_p999) = self.slices.p999();
                self.swept_at = bytes;
                self.note(|stats| {
                    stats.finished += 1;
                    (stats.newest_at, stats.journal_behind) = (Some(SystemTime::now()), bytes);
                    // It is told to three digits, and never as more than the longest.
                    stats.slice_p999 = slice_p999.min(stats.slice_max);
                    stats.slice_processor_p999 = slice_processor_p999;
                });
                self.trim(manifest.read_from, bytes);
                Ok(manifest)
            }
            Err(why) => {
                // A half that was begun counts no more.
                self.sweeper.snapshots.abandon();
                if !matches!(why, GivenUp::Ending) {
                    if let Err(error) = self.sweeper.snapshots.clear_away() {
                        tracing::warn!(%error, "what a snapshot that failed has written is still there");
                    }
                    tracing::error!(%why, "a snapshot failed");
                    self.note(|stats| {
                        stats.failed += 1;
                        stats.why = Some(why.to_string());
                    });
                }
                Err(why)
            }
        }
    }

    fn take(&mut self) -> Result<Manifest, GivenUp> {
        let begun = self.sweeper.snapshots.begin();
        self.sweeper.retention.count(self.sweeper.snapshots.needed());
        let begun = begun?;
        let everything_up_to = self.sweeper.journal.handed_over();
        // Only now: whatever walk has a record up to there has its number already.
        let walks = self.sweeper.common.walks.load(Ordering::Relaxed);
        let half = begun.half as usize;
        let mut taking = Taking::begin(&mut self.written, half, begun.fresh, everything_up_to, walks);
        // Once every shard has ended the turn that it was in, the messages of all records up to there have arrived.
        self.ask_all(|_| ())?;
        let (changed_since, idle_since) = (taking.changed_since(), self.idle_since(everything_up_to));
        for oldest in self.ask_all(move |house| house.begin_sweep(changed_since, idle_since))? {
            taking.waits(oldest);
        }
        let mut away = vec![0; self.sweeper.shards.count()];
        for shard in 0..self.sweeper.shards.count() {
            // The shard goes on with the next ones while one waits for the journal and is stored. Those behind the last
            // find nothing left.
            let mut asked: VecDeque<_> = (0..SLICES_AHEAD).map(|_| self.ask_slice(shard)).collect();
            while let Some(next) = asked.pop_front() {
                let ((slice, time), pages_away) = self.receive(&next)?;
                let slice = slice?;
                away[shard] = pages_away;
                self.slices.add(time);
                self.note(|stats| {
                    stats.pages_away = away.iter().sum();
                    stats.slice_max = stats.slice_max.max(time.held);
                    stats.held += time.held;
                });
                let last = slice.last;
                if !last {
                    asked.push_back(self.ask_slice(shard));
                }
                self.store(shard, slice, &mut taking)?;
                if last {
                    break;
                }
            }
        }
        self.spare.clear();
        let manifest = self.sweeper.snapshots.finish(taking.coverage(self.sweeper.identity))?;
        taking.finished(&mut self.written);
        Ok(manifest)
    }

    /// Asks for a slice, and gives memory for its states along: memory that the shard got from the system would be made while the
    /// shard is held, which now and then takes milliseconds.
    fn ask_slice(&mut self, shard: usize) -> Receiver<SliceTaken> {
        let memory: Vec<_> = (0..SLICE_PIECES).map(|_| self.spare.pop().unwrap_or_else(touched)).collect();
        self.sweeper
            .shards
            .visit(shard, move |house| (SliceTime::of(|| house.next_slice(memory)), house.pages_away()))
    }

    /// Keeps the memory of a state that is stored for another.
    fn keep(&mut self, mut memory: Vec<u8>) {
        let fits = (PIECE_BYTES_MAX..=SPARE_BYTES_MAX).contains(&memory.capacity());
        if fits && self.spare.len() < SLICES_AHEAD * SLICE_PIECES {
            memory.clear();
            self.spare.push(memory);
        }
    }

    /// Notes where a sweep begins, and gives where the one began since which nobody idle has a record.
    fn idle_since(&mut self, everything_up_to: Position) -> Option<Position> {
        let snapshots = self.sweeper.keeping.idle_snapshots?;
        self.begun.push_back(everything_up_to);
        (self.begun.len() > snapshots).then(|| self.begun.pop_front()).flatten()
    }

    /// Puts a slice into the snapshot, once the journal is durable up to its newest record.
    fn store(&mut self, shard: usize, slice: Slice, taking: &mut Taking) -> Result<(), GivenUp> {
        self.sweeper.journal.wait_durable(taking.holds(&slice))?;
        slice.spare.into_iter().for_each(|memory| self.keep(memory));
        for piece in slice.pieces {
            for (key, value) in taking.changes(shard, piece, PIECE_BYTES_MAX)? {
                match value {
                    Some(value) => {
                        self.note(|stats| stats.bytes += value.len() as u64);
                        self.sweeper.snapshots.put(&key, &value)?;
                        self.keep(value);
                    }
                    None => self.sweeper.snapshots.remove(&key)?,
                }
            }
            if self.given_up() {
                return Err(GivenUp::Ending);
            }
        }
        Ok(())
    }

    fn ask_all<T: Send + 'static>(
        &self,
        ask: impl Fn(&mut crate::actors::House) -> T + Clone + Send + 'static,
    ) -> Result<Vec<T>, GivenUp> {
        let shards = 0..self.sweeper.shards.count();
        let asked: Vec<Receiver<T>> =
            shards.map(|shard| self.sweeper.shards.visit(shard, ask.clone())).collect();
        asked.iter().map(|answer| self.receive(answer)).collect()
    }

    /// Waits for a shard, but not for one that ends.
    fn receive<T>(&self, answer: &Receiver<T>) -> Result<T, GivenUp> {
        loop {
            match answer.recv_timeout(LOOK_EVERY) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) if !self.given_up() => {}
                Err(_) => return Err(GivenUp::Ending),
            }
        }
    }

    /// Lets the journal forget what both generations stand for, but for the archive.
    fn trim(&mut self, read_from: Position, bytes: u64) {
        if let Some(before) = self.sweeper.retention.stands_for(read_from, bytes)
            && let Err(error) = self.sweeper.journal.trim(before)
        {
            tracing::error!(%error, "the journal could not be trimmed");
        }
    }
}
