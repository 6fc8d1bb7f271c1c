//! Inboxes: messages on their way into the shards, and who must be woken for them.
//!
//! A shard is woken once for all that has come since it last looked; it notes that it is awake before it looks, so
//! whatever comes too late for the look finds it to be woken. Absent on purpose: what a shard does with its messages
//! (`worker`), and how a wake-up travels (`shard`).

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;

use super::envelope::Envelope;
use super::house::House;
use crate::planted::{self, Bug};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What somebody else wants to do in a house between two turns.
pub(crate) type Visit = Box<dyn FnOnce(&mut House) + Send>;

/// Carries a wake-up to a shard; the shard calls `Inbox::awake` for each that arrives.
pub(crate) trait Wakes {
    /// Wakes it; never waits.
    fn wake(&self);
}

/// Messages on their way into a shard.
pub(crate) struct Inbox<W> {
    envelopes: Mutex<Vec<Envelope>>,
    /// True while a wake-up is on its way.
    woken: AtomicBool,
    /// True while the shard has nothing to do.
    idle: AtomicBool,
    pushes: AtomicU64,
    /// How many messages the shard had taken and not decided when it was last told. The standard library's own: nothing follows
    /// from it, so no order of threads needs to be tried for it.
    held: AtomicUsize,
    visits: Mutex<VecDeque<Visit>>,
    address: OnceLock<W>,
}

impl<W> Default for Inbox<W> {
    fn default() -> Inbox<W> {
        Inbox {
            envelopes: Mutex::default(),
            woken: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            pushes: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            visits: Mutex::default(),
            address: OnceLock::new(),
        }
    }
}

impl<W: Wakes> Inbox<W> {
    /// Notes where its shard is, which has nothing to do yet.
    pub(crate) fn open(&self, address: W) {
        self.idle.store(true, Ordering::SeqCst);
        let _ = self.address.set(address);
    }

    /// Sends messages, in order.
    pub(crate) fn push(&self, mut envelopes: Vec<Envelope>) {
        self.push_from(&mut envelopes);
    }

    /// As `push`, and leaves the memory that they stood in.
    pub(super) fn push_from(&self, envelopes: &mut Vec<Envelope>) {
        self.add(&mut self.lock(), envelopes);
        self.wake();
    }

    /// Leaves a visit, which comes when everything is there that was sent before.
    pub(crate) fn visit(&self, visit: Visit) {
        self.visits().push_back(visit);
        self.wake();
    }

    fn add(&self, queue: &mut Vec<Envelope>, envelopes: &mut Vec<Envelope>) {
        // In this order: whoever has counted the push does not find the shard idle before it has worked.
        self.idle.store(false, Ordering::SeqCst);
        self.pushes.fetch_add(1, Ordering::SeqCst);
        // Copied, although the whole could change places: the queue's memory stays, and seldom grows.
        queue.append(envelopes);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Envelope>> {
        self.envelopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visits(&self) -> MutexGuard<'_, VecDeque<Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the shard, unless a wake-up is on its way already.
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel)
            && let Some(address) = self.address.get()
        {
            address.wake();
        }
    }

    /// The wake-up has arrived; the shard looks what is there only after this.
    pub(super) fn awake(&self) {
        self.woken.store(false, Ordering::Release);
    }

    /// Takes everything in exchange for the memory of what was taken before; with nothing there, and nothing else to
    /// do, notes that the shard is idle.
    pub(super) fn take(&self, taken: &mut Vec<Envelope>, busy: bool) {
        taken.clear();
        let mut queue = self.lock();
        if queue.is_empty() && !busy {
            self.idle.store(true, Ordering::SeqCst);
        }
        std::mem::swap(&mut *queue, taken);
    }

    /// Tells how many messages the shard has taken and not decided.
    pub(super) fn holds(&self, messages: usize) {
        self.held.store(messages, std::sync::atomic::Ordering::Relaxed);
    }

    /// How many messages wait to be decided, somewhat roughly: here, and taken by the shard.
    pub(super) fn waiting(&self) -> usize {
        self.lock().len() + self.held.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Takes the first visit.
    pub(super) fn take_visit(&self) -> Option<Visit> {
        self.visits().pop_front()
    }

    /// Drops all visits: whoever waits for one hears that nothing comes.
    pub(super) fn drop_visits(&self) {
        self.visits().clear();
    }

    /// Notes that the shard has something to do that did not come through here.
    pub(super) fn busy(&self) {
        self.idle.store(false, Ordering::SeqCst);
    }
}

/// Sends a turn's messages to all their shards at once: what one shard sends on after taking its part comes behind the
/// part of every other.
pub(super) fn send_at_once<W: Wakes>(inboxes: &[Inbox<W>], parcels: Vec<(usize, Vec<Envelope>)>) {
    if planted::has(Bug::ShardAfterShard) {
        return parcels.into_iter().for_each(|(shard, envelopes)| inboxes[shard].push(envelopes));
    }
    let shards: Vec<usize> = parcels.iter().map(|(shard, _)| *shard).collect();
    // All locks are held before the first message is there, and are taken in the order of the shards.
    let mut queues: Vec<_> = shards.iter().map(|shard| inboxes[*shard].lock()).collect();
    for ((shard, mut envelopes), queue) in parcels.into_iter().zip(&mut queues) {
        inboxes[shard].add(queue, &mut envelopes);
    }
    drop(queues);
    shards.into_iter().for_each(|shard| inboxes[shard].wake());
}

/// True where no shard has anything to do, and nothing was on its way to one either.
pub(crate) fn all_at_rest<W>(inboxes: &[Inbox<W>]) -> bool {
    let pushes = || inboxes.iter().map(|inbox| inbox.pushes.load(Ordering::SeqCst)).sum::<u64>();
    let before = pushes();
    let idle = inboxes.iter().all(|inbox| inbox.idle.load(Ordering::SeqCst));
    idle && before == pushes()
}
