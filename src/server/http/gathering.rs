//! Messages that come one in a request: all that a worker has read before it waits for the network again go to the engine together,
//! and their answers come back to it together. So neither the shards nor the worker are woken for each of them.
//!
//! Whoever waits too long is told so, by one look at all of them in a while. Absent on purpose: waiting for more to come. A message
//! that is alone is sent alone, at once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, rt};
use futures_util::future::poll_fn;
use futures_util::task::AtomicWaker;
use rustc_hash::FxBuildHasher;
use tokio::time::MissedTickBehavior;

use crate::Engine;
use crate::actors::{Reply, Sink};
use crate::domain::{Answer, Code, Refusal};
use crate::limits::{ANSWER_MS_MAX, BATCH_MESSAGES_MAX, BODY_MS_MAX};
use crate::panics;
use crate::server::begun::Noted;
use crate::server::door::{Asked, Door};
use crate::server::json::Problem;

/// How often it is looked who waits too long.
const TICK_MS: u64 = 1_000;

/// How many ticks somebody waits.
const TICKS_MAX: u64 = ANSWER_MS_MAX / TICK_MS;

const _: () = assert!(BODY_MS_MAX == ANSWER_MS_MAX, "both are waited for in the same way");

/// The messages of one worker. It stays on the worker's thread.
pub(in crate::server) struct Gathering {
    door: Data<Door>,
    state: RefCell<State>,
    returned: Arc<Returned>,
}

#[derive(Default)]
struct State {
    /// Taken and not sent yet, by the number of each.
    unsent: Vec<(u32, Rc<Asked>)>,
    /// Who waits for an answer, by the number of its message.
    waiting: HashMap<u32, Waiting, FxBuildHasher>,
    /// What is noted of messages that are not answered yet, whether somebody waits or not.
    noted: HashMap<u32, Noted, FxBuildHasher>,
    /// The number of who waits next.
    next: u32,
    /// How many ticks there were.
    ticks: u64,
    /// Sends what was taken and hands out what came back; none before the first message.
    clerk: Option<rt::task::JoinHandle<()>>,
    /// Wakes it.
    clerk_waker: Option<Waker>,
}

/// One who waits.
struct Waiting {
    /// The last tick until which it waits.
    until: u64,
    /// The answer, and whether it is one that was given before.
    answer: Option<(Answer, bool)>,
    waker: Option<Waker>,
}

/// Answers on their way back to the worker.
#[derive(Default)]
struct Returned {
    replies: Mutex<Vec<Reply>>,
    clerk: AtomicWaker,
}

/// Where the worker's messages gather.
///
/// # Errors
/// `internal`, where it has none.
pub(super) fn gathering(request: &HttpRequest) -> Result<&Rc<Gathering>, Problem> {
    let missing = || Problem::from(Refusal::new(Code::Internal, "", "the worker has no place for messages"));
    request.app_data().ok_or_else(missing)
}

impl Gathering {
    /// Of a worker that has no message yet.
    pub(in crate::server) fn new(door: Data<Door>) -> Rc<Gathering> {
        Rc::new(Gathering { door, state: RefCell::default(), returned: Arc::default() })
    }

    /// Sends a message with all others that the worker reads before it waits again. It is sent whatever becomes of the future, as long
    /// as the worker runs, and what is noted of it stays so until its answer is there. Comes to its answer, and whether it is one that was
    /// given before; behind `limits::ANSWER_MS_MAX` to `outcome_unknown`.
    pub(super) fn send(self: &Rc<Self>, asked: &Rc<Asked>, noted: Noted) -> Wait {
        let wait = self.wait();
        let mut state = self.state.borrow_mut();
        if !noted.is_empty() {
            state.noted.insert(wait.number, noted);
        }
        state.unsent.push((wait.number, Rc::clone(asked)));
        if state.unsent.len() == 1
            && let Some(waker) = &state.clerk_waker
        {
            // It stands behind all connections that have something to read already.
            waker.wake_by_ref();
        }
        wait
    }

    /// Does some work; none where it is not done behind `limits::BODY_MS_MAX`.
    pub(super) async fn patiently<T>(self: &Rc<Self>, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut wait) = (pin!(work), None);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                let wait = wait.get_or_insert_with(|| self.wait());
                Pin::new(wait).poll(context).map(|_| None)
            }
        })
        .await
    }

    fn wait(self: &Rc<Self>) -> Wait {
        let mut state = self.state.borrow_mut();
        let number = state.number();
        let until = state.ticks + 1 + TICKS_MAX;
        state.waiting.insert(number, Waiting { until, answer: None, waker: None });
        if state.clerk.as_ref().is_none_or(rt::task::JoinHandle::is_finished) {
            state.clerk = Some(rt::spawn(Rc::clone(self).work()));
        }
        Wait { number, gathering: Rc::clone(self) }
    }

    /// Sends and hands out, as long as the worker runs.
    async fn work(self: Rc<Self>) {
        let mut ticks = rt::time::interval(Duration::from_millis(TICK_MS));
        // A worker that was held up lets nobody go before the time.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll_fn(|context| {
            self.returned.clerk.register(context.waker());
            self.state.borrow_mut().is_woken_by(context.waker());
            while ticks.poll_tick(context).is_ready() {
                self.state.borrow_mut().tick();
            }
            if let Ok(engine) = self.door.engine() {
                self.send_all(engine);
            }
            self.hand_out();
            Poll::Pending
        })
        .await
    }

    fn send_all(&self, engine: &Engine) {
        let mut unsent = mem::take(&mut self.state.borrow_mut().unsent);
        let sink: Arc<dyn Sink> = Arc::clone(&self.returned) as Arc<dyn Sink>;
        for part in unsent.chunks(BATCH_MESSAGES_MAX) {
            let messages = part.iter().map(|(number, asked)| (*number, &asked.message, asked.conditions));
            let sent = catch_unwind(AssertUnwindSafe(|| engine.send_to(&sink, part.len(), messages)));
            if let Err(panic) = sent {
                tracing::error!(why = panics::words(panic.as_ref()), "messages could not be sent");
                self.state.borrow_mut().give_up(part);
            }
        }
        unsent.clear();
        self.state.borrow_mut().unsent = unsent;
    }

    fn hand_out(&self) {
        let mut replies = mem::take(&mut *self.returned.lock());
        let mut state = self.state.borrow_mut();
        for Reply { index, answer, again } in replies.drain(..) {
            state.noted.remove(&index);
            // Nobody waits any more where a connection has ended or the answer is late.
            let Some(waiting) = state.waiting.get_mut(&index) else { continue };
            waiting.answered((answer, again));
        }
        drop(state);
        let mut returned = self.returned.lock();
        if returned.is_empty() {
            *returned = replies;
        }
    }
}

impl Waiting {
    fn answered(&mut self, answer: (Answer, bool)) {
        self.answer = Some(answer);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl State {
    /// Some time has passed; nobody waits for ever.
    fn tick(&mut self) {
        self.ticks += 1;
        let ticks = self.ticks;
        let late = |waiting: &&mut Waiting| waiting.until < ticks && waiting.answer.is_none();
        for waiting in self.waiting.values_mut().filter(late) {
            waiting.answered((Err(Refusal::of(Code::OutcomeUnknown)), false));
        }
    }

    /// What has become of these nobody knows; whoever sends one again is answered by the engine.
    fn give_up(&mut self, unsent: &[(u32, Rc<Asked>)]) {
        for (number, _) in unsent {
            self.noted.remove(number);
            if let Some(waiting) = self.waiting.get_mut(number) {
                waiting.answered((Err(Refusal::of(Code::OutcomeUnknown)), false));
            }
        }
    }

    /// A number that no message under way has, and nobody who waits.
    fn number(&mut self) -> u32 {
        loop {
            let number = self.next;
            self.next = number.wrapping_add(1);
            if !self.waiting.contains_key(&number) && !self.noted.contains_key(&number) {
                return number;
            }
        }
    }

    fn is_woken_by(&mut self, waker: &Waker) {
        if !self.clerk_waker.as_ref().is_some_and(|own| own.will_wake(waker)) {
            self.clerk_waker = Some(waker.clone());
        }
    }
}

impl Returned {
    fn lock(&self) -> MutexGuard<'_, Vec<Reply>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Returned {
    fn give(&self, index: u32, answer: Answer) {
        self.give_all(&mut vec![Reply { index, answer, again: false }]);
    }

    fn give_all(&self, replies: &mut Vec<Reply>) {
        self.lock().append(replies);
        self.clerk.wake();
    }
}

/// Comes to the answer to a message.
pub(super) struct Wait {
    number: u32,
    gathering: Rc<Gathering>,
}

impl Future for Wait {
    type Output = (Answer, bool);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(Answer, bool)> {
        let mut state = self.gathering.state.borrow_mut();
        let Some(waiting) = state.waiting.get_mut(&self.number) else { return Poll::Pending };
        if let Some(answer) = waiting.answer.take() {
            return Poll::Ready(answer);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.gathering.state.borrow_mut().waiting.remove(&self.number);
    }
}
