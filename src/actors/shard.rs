//! Shards: each house in an actix actor on an Arbiter of its own. The only file that names actix.
//!
//! Messages reach a shard in batches through an inbox; the actix mailbox carries only the wake-up, so
//! neither its bound nor its delivery is relied on. What is due by time alone is looked for at intervals and
//! between turns. Absent on purpose: any `await` in a handler, and what a shard does once it is awake (`worker`).

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, AsyncContext as _, Context, Handler, Message, System};

use super::clock::Time;
use super::departing::Departing;
use super::envelope::Envelope;
use super::house::House;
use super::inbox::{self, Inbox, Wakes};
use super::stopped::Stopped;
use super::worker::Worker;
use crate::journal::Journal;
use crate::limits::TIMER_MS;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The running shards.
pub struct Shards {
    inboxes: Arc<[Inbox<Addr<Shard>>]>,
    timing: Arc<AtomicBool>,
    stopped: Arc<Stopped>,
    running: Mutex<Option<Running>>,
    /// The memory of parcels that have arrived.
    spare: Mutex<Vec<Vec<Envelope>>>,
}

/// How many messages are worth memory that is kept.
const LONG_PARCEL: usize = 64;

/// The memory of how many parcels is kept: of as many as are mostly under way at once.
const SPARE_PARCELS_MAX: usize = 8;

/// The threads of the shards, to be ended and waited for.
struct Running {
    arbiters: Vec<Arbiter>,
    system: System,
    thread: JoinHandle<()>,
}

/// Something is in the inbox.
struct Wake;

impl Message for Wake {
    type Result = ();
}

impl Wakes for Addr<Shard> {
    fn wake(&self) {
        self.do_send(Wake);
    }
}

struct Shard(Worker<Addr<Shard>>);

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(Duration::from_millis(TIMER_MS), |shard, _context| shard.0.look_at_the_time());
    }
}

impl Handler<Wake> for Shard {
    type Result = ();

    fn handle(&mut self, _wake: Wake, _context: &mut Context<Self>) {
        self.0.woken();
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
        let inboxes: Arc<[Inbox<Addr<Shard>>]> = houses.iter().map(|_| Inbox::default()).collect();
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
                    let worker = Worker::new(index, house, &shared, &journal, &reason, &time, &timed);
                    let arbiter = Arbiter::new();
                    let address = Shard::start_in_arbiter(&arbiter.handle(), move |_| Shard(worker));
                    arbiters.push(arbiter);
                    shared[index].open(address);
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
        let (stopped, spare) = (Arc::clone(stopped), Mutex::default());
        Ok(Shards { inboxes, timing, stopped, running, spare })
    }

    /// How many shards there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inboxes.len()
    }

    /// How many messages wait at each shard to be decided, somewhat roughly.
    #[must_use]
    pub fn waiting(&self) -> Vec<usize> {
        self.inboxes.iter().map(Inbox::waiting).collect()
    }

    /// Memory for messages to a shard, with room for so many of them.
    #[must_use]
    pub fn parcel(&self, messages: usize) -> Vec<Envelope> {
        let spare = if messages < LONG_PARCEL { None } else { self.spare().pop() };
        let mut parcel = spare.unwrap_or_default();
        parcel.reserve(messages);
        parcel
    }

    /// Sends messages to a shard, in order. The memory of a long parcel is kept for another: given back and asked for anew it
    /// would come from the system, page by page.
    pub fn send(&self, shard: usize, mut envelopes: Vec<Envelope>) {
        self.inboxes[shard].push_from(&mut envelopes);
        if envelopes.capacity() >= LONG_PARCEL {
            let mut spare = self.spare();
            if spare.len() < SPARE_PARCELS_MAX {
                spare.push(envelopes);
            }
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<Envelope>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in a shard's house between two of its turns, with every message there that was sent to it before.
    /// What comes of it can be received; nothing, once the engine has stopped.
    pub fn visit<T: Send + 'static>(
        &self,
        shard: usize,
        visit: impl FnOnce(&mut House) -> T + Send + 'static,
    ) -> mpsc::Receiver<T> {
        let (given, taken) = mpsc::sync_channel(1);
        self.inboxes[shard].visit(Box::new(move |house: &mut House| {
            let _ = given.send(visit(house));
        }));
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
        while !inbox::all_at_rest(&self.inboxes) && self.stopped.why().is_none() {
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
