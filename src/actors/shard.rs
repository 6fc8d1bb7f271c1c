//! Shards: each house in an actix actor on an Arbiter of its own. The only file that names actix.
//!
//! Messages reach a shard in batches through an inbox; the actix mailbox carries only the wake-up, so
//! neither its bound nor its delivery is relied on. What is due by time alone is looked for at intervals and
//! between turns. Absent on purpose: any `await` in a handler.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, AsyncContext as _, Context, Handler, Message, System};

use super::clock::Time;
use super::envelope::Envelope;
use super::house::{House, Outside};
use super::ticket::Departing;
use crate::domain::{Position, Timestamp};
use crate::journal::{Journal, JournalError, RecordBatch};
use crate::limits::{TIMER_MS, TURN_MESSAGES_MAX};
use crate::panics;

/// Why an engine has stopped by itself; set once.
#[derive(Debug, Default)]
pub struct Stopped(OnceLock<String>);

impl Stopped {
    /// The first reason.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Notes a reason; only the first counts.
    pub fn stop(&self, why: String) {
        if self.0.set(why).is_ok() {
            tracing::error!(why = self.why(), "the engine has stopped");
        }
    }
}

/// The running shards.
pub struct Shards {
    inboxes: Arc<[Inbox]>,
    timing: Arc<AtomicBool>,
    stopped: Arc<Stopped>,
    running: Mutex<Option<Running>>,
}

/// The threads of the shards, to be ended and waited for.
struct Running {
    arbiters: Vec<Arbiter>,
    system: System,
    thread: JoinHandle<()>,
}

type Visit = Box<dyn FnOnce(&mut House) + Send>;

/// Messages on their way into a shard.
#[derive(Default)]
struct Inbox {
    envelopes: Mutex<Vec<Envelope>>,
    /// True while a wake-up is on its way.
    woken: AtomicBool,
    /// True while the shard has nothing to do.
    idle: AtomicBool,
    pushes: AtomicU64,
    /// What somebody else wants to do in the house between two turns.
    visits: Mutex<VecDeque<Visit>>,
    address: OnceLock<Addr<Shard>>,
}

impl Inbox {
    fn push(&self, envelopes: Vec<Envelope>) {
        self.add(&mut self.lock(), envelopes);
        self.wake();
    }

    fn add(&self, queue: &mut Vec<Envelope>, envelopes: Vec<Envelope>) {
        // In this order: whoever has counted the push does not find the shard idle before it has worked.
        self.idle.store(false, Ordering::SeqCst);
        self.pushes.fetch_add(1, Ordering::SeqCst);
        queue.extend(envelopes);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Envelope>> {
        self.envelopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visits(&self) -> MutexGuard<'_, VecDeque<Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel)
            && let Some(address) = self.address.get()
        {
            address.do_send(Wake);
        }
    }

    /// Takes everything in exchange for the memory of what was taken before; with nothing there, and nothing else to
    /// do, notes that the shard is idle.
    fn take(&self, taken: &mut Vec<Envelope>, busy: bool) {
        taken.clear();
        let mut queue = self.lock();
        if queue.is_empty() && !busy {
            self.idle.store(true, Ordering::SeqCst);
        }
        std::mem::swap(&mut *queue, taken);
    }
}

/// Something is in the inbox.
#[derive(Message)]
#[rtype(result = "()")]
struct Wake;

struct Shard {
    index: usize,
    /// None once the engine has stopped: then messages are dropped, and their tickets answer.
    house: Option<House>,
    /// Empty between two turns; its memory and the inbox's change places.
    taken: Vec<Envelope>,
    inboxes: Arc<[Inbox]>,
    journal: Arc<Journal<Departing>>,
    stopped: Arc<Stopped>,
    time: Time,
    /// True while shards act by time alone: from when all have their addresses until they are to come to rest.
    timing: Arc<AtomicBool>,
}

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(Duration::from_millis(TIMER_MS), |shard, _context| {
            if shard.due().is_some() {
                shard.work();
            }
        });
    }
}

impl Handler<Wake> for Shard {
    type Result = ();

    fn handle(&mut self, _wake: Wake, _context: &mut Context<Self>) {
        self.inboxes[self.index].woken.store(false, Ordering::Release);
        self.work();
    }
}

impl Shard {
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
                inbox.visits().clear();
                return;
            };
            // Before the messages are taken: a visitor finds everything here that was sent before it came.
            let visit = inbox.visits().pop_front();
            inbox.take(&mut self.taken, house.busy());
            house.deliver(self.taken.drain(..));
            if !house.busy() && due.is_none() && visit.is_none() {
                return;
            }
            // First at work, then a look whether that is still wanted: `quiesce` does it the other way round,
            // so one of the two sees the other.
            inbox.idle.store(false, Ordering::SeqCst);
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

struct World<'shard> {
    journal: &'shard Journal<Departing>,
    inboxes: &'shard [Inbox],
}

impl Outside for World<'_> {
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        self.journal.hand_over(batch)
    }

    fn send(&mut self, parcels: Vec<(usize, Vec<Envelope>)>) {
        let shards: Vec<usize> = parcels.iter().map(|(shard, _)| *shard).collect();
        // All locks are held before the first message is there, and are taken in the order of the shards.
        let mut queues: Vec<_> = shards.iter().map(|shard| self.inboxes[*shard].lock()).collect();
        for ((shard, envelopes), queue) in parcels.into_iter().zip(&mut queues) {
            self.inboxes[shard].add(queue, envelopes);
        }
        drop(queues);
        shards.into_iter().for_each(|shard| self.inboxes[shard].wake());
    }

    fn release(&mut self, at: Position, answers: Vec<Departing>) {
        self.journal.release(at, answers);
    }
}

impl Shards {
    /// Starts an actix system on a thread of its own, and a shard on an Arbiter of its own for each house.
    ///
    /// # Errors
    /// Where the machine gives no threads.
    pub fn start(
        houses: Vec<House>,
        journal: &Arc<Journal<Departing>>,
        stopped: &Arc<Stopped>,
        time: &Time,
    ) -> std::io::Result<Shards> {
        let inboxes: Arc<[Inbox]> = houses.iter().map(|_| Inbox::default()).collect();
        let (started, has_started) = mpsc::channel();
        let (shared, journal) = (Arc::clone(&inboxes), Arc::clone(journal));
        let (reason, time) = (Arc::clone(stopped), time.clone());
        let timing = Arc::new(AtomicBool::new(false));
        let timed = Arc::clone(&timing);
        let thread = std::thread::Builder::new().name("actix".to_owned()).spawn(move || {
            let runner = System::new();
            let arbiters = runner.block_on(async {
                let mut arbiters = Vec::new();
                for (index, house) in houses.into_iter().enumerate() {
                    let shard = Shard {
                        index,
                        house: Some(house),
                        taken: Vec::new(),
                        inboxes: Arc::clone(&shared),
                        journal: Arc::clone(&journal),
                        stopped: Arc::clone(&reason),
                        time: time.clone(),
                        timing: Arc::clone(&timed),
                    };
                    let arbiter = Arbiter::new();
                    let address = Shard::start_in_arbiter(&arbiter.handle(), move |_| shard);
                    arbiters.push(arbiter);
                    shared[index].idle.store(true, Ordering::SeqCst);
                    let _ = shared[index].address.set(address);
                }
                arbiters
            });
            let _ = started.send((System::current(), arbiters));
            let _ = runner.run();
        })?;
        let (system, arbiters) =
            has_started.recv().map_err(|_| std::io::Error::other("the actor system did not start"))?;
        let running = Mutex::new(Some(Running { arbiters, system, thread }));
        timing.store(true, Ordering::SeqCst);
        Ok(Shards { inboxes, timing, stopped: Arc::clone(stopped), running })
    }

    /// How many shards there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inboxes.len()
    }

    /// Sends messages to a shard, in order.
    pub fn send(&self, shard: usize, envelopes: Vec<Envelope>) {
        self.inboxes[shard].push(envelopes);
    }

    /// Does something in a shard's house between two of its turns, with every message there that was sent to it before.
    /// What comes of it can be received; nothing, once the engine has stopped.
    pub fn visit<T: Send + 'static>(
        &self,
        shard: usize,
        visit: impl FnOnce(&mut House) -> T + Send + 'static,
    ) -> mpsc::Receiver<T> {
        let (given, taken) = mpsc::channel();
        let visit = move |house: &mut House| {
            let _ = given.send(visit(house));
        };
        self.inboxes[shard].visits().push_back(Box::new(visit));
        self.inboxes[shard].wake();
        taken
    }

    /// Wakes every shard when called, so that it sees that the engine has stopped.
    pub fn waker(&self) -> impl FnOnce() + Send + use<> {
        let inboxes = Arc::clone(&self.inboxes);
        move || inboxes.iter().for_each(Inbox::wake)
    }

    /// Lets nothing more happen by time alone, and waits until no shard has anything to do, or the engine has
    /// stopped by itself.
    pub fn quiesce(&self) {
        self.timing.store(false, Ordering::SeqCst);
        let pushes = || self.inboxes.iter().map(|inbox| inbox.pushes.load(Ordering::SeqCst)).sum::<u64>();
        loop {
            let before = pushes();
            let idle = self.inboxes.iter().all(|inbox| inbox.idle.load(Ordering::SeqCst));
            if (idle && before == pushes()) || self.stopped.why().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Ends the shards and the actix system, and waits for their threads: nothing works on the folder after it.
    pub fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { arbiters, system, thread }) = running {
            for arbiter in arbiters {
                arbiter.stop();
                let _ = arbiter.join();
            }
            system.stop();
            let _ = thread.join();
        }
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.stop();
    }
}
