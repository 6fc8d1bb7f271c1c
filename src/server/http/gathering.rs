//! Messages that come one in a request: all that a worker has read before it waits for the network again go to the engine together,
//! and their answers come back to it together. So neither the shards nor the worker are woken for each of them.
//!
//! Whoever waits too long is told so, by one look at all of them in a while. Absent on purpose: waiting for more to come. A message
//! that is alone is sent alone, at once.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpRequest, rt};
use futures_util::future::poll_fn;
use futures_util::task::AtomicWaker;
use tokio::time::MissedTickBehavior;

use crate::Engine;
use crate::actors::{Reply, Sink};
use crate::domain::{Answer, Code, Refusal};
use crate::limits::{ANSWER_MS_MAX, BATCH_MESSAGES_MAX, BODY_MS_MAX};
use crate::panics;
use crate::server::door::{Asked, Door};
use crate::server::json::Problem;
use crate::server::metrics::{Tally, Way};

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
    /// How many requests this worker is answering.
    under_way: Arc<AtomicUsize>,
}

/// A request that a worker is answering, as long as this lives.
pub(super) struct BusyHere(Rc<Gathering>);

impl Drop for BusyHere {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct State {
    /// Taken and not sent yet, by the number of each.
    unsent: Vec<(u32, Rc<Asked>)>,
    /// A place for each who waits and each message that is not answered yet, by their numbers.
    places: Vec<Place>,
    /// The numbers of places that nobody has.
    free: Vec<u32>,
    /// How many ticks there were.
    ticks: u64,
    /// Sends what was taken and hands out what came back; none before the first message.
    clerk: Option<rt::task::JoinHandle<()>>,
    /// Wakes it.
    clerk_waker: Option<Waker>,
}

/// One who waits, for an answer or for a body; or a message whose answer nobody waits for any more.
#[derive(Default)]
struct Place {
    /// The last tick until which somebody waits; none where nobody does.
    until: Option<u64>,
    /// The message that is not answered yet.
    sent: Option<Sent>,
    /// The answer, as the door has judged it, and whether it is one that was given before.
    answer: Option<(Answer, bool)>,
    waker: Option<Waker>,
}

/// A message that is not answered yet.
struct Sent {
    asked: Rc<Asked>,
    /// The number by which it is noted.
    noted: Option<u64>,
    /// When it was whole.
    arrived: Instant,
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
        let under_way = door.count_of_worker();
        Rc::new(Gathering { door, state: RefCell::default(), returned: Arc::default(), under_way })
    }

    /// The door that they go through.
    pub(super) fn door(&self) -> &Data<Door> {
        &self.door
    }

    /// Counts a request, as long as what this gives lives.
    pub(super) fn busy(self: &Rc<Self>) -> BusyHere {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        BusyHere(Rc::clone(self))
    }

    /// Sends a message with all others that the worker reads before it waits again. It is sent whatever becomes of the future, as long
    /// as the worker runs, and stays noted until its answer is there. Comes to its answer, as the door has judged it, and whether it is
    /// one that was given before; behind `limits::ANSWER_MS_MAX` to `outcome_unknown`. How long that took is noted where nothing is
    /// shown beside it.
    pub(super) fn send(self: &Rc<Self>, asked: &Rc<Asked>, noted: Option<u64>, arrived: Instant) -> Wait {
        let wait = self.wait();
        let mut state = self.state.borrow_mut();
        if let Some(place) = state.place(wait.number) {
            place.sent = Some(Sent { asked: Rc::clone(asked), noted, arrived });
        }
        state.unsent.push((wait.number, Rc::clone(asked)));
        if state.unsent.len() == 1
            && let Some(waker) = &state.clerk_waker
        {
            // It stands behind all connections that have something to read already.
            waker.wake_by_ref();
        }
        drop(state);
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
        let until = state.ticks + 1 + TICKS_MAX;
        let number = state.take_place(until);
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
                self.tick();
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
                self.give_up(part);
            }
        }
        unsent.clear();
        let mut state = self.state.borrow_mut();
        if state.unsent.is_empty() {
            state.unsent = unsent;
        }
    }

    fn hand_out(&self) {
        let mut replies = mem::take(&mut *self.returned.lock());
        if replies.is_empty() {
            return;
        }
        let (mut state, mut tally, now) = (self.state.borrow_mut(), self.door.tally(), Instant::now());
        for Reply { index, answer, again } in replies.drain(..) {
            let Some(place) = state.place(index) else { continue };
            let Some(Sent { asked, noted, arrived }) = place.sent.take() else { continue };
            if let Some(noted) = noted {
                self.door.begun().end(noted);
            }
            // Nobody waits any more where a connection has ended or the answer is late.
            if place.waits() {
                if asked.show.is_empty() {
                    self.door.took_until(Way::HttpSingle, arrived, now);
                }
                place.answered((Door::judged(&mut tally, &asked, answer), again));
            }
            state.free_where_done(index);
        }
        drop((state, tally));
        let mut returned = self.returned.lock();
        if returned.is_empty() {
            *returned = replies;
        }
    }

    /// Some time has passed; nobody waits for ever.
    fn tick(&self) {
        let (mut state, mut tally, now) = (self.state.borrow_mut(), self.door.tally(), Instant::now());
        state.ticks += 1;
        let ticks = state.ticks;
        for place in &mut state.places {
            if place.waits() && place.until.is_some_and(|until| until < ticks) {
                self.unknown(place, &mut tally, now);
            }
        }
    }

    /// What has become of these nobody knows; whoever sends one again is answered by the engine. They keep their places, because an
    /// answer may still come.
    fn give_up(&self, unsent: &[(u32, Rc<Asked>)]) {
        let (mut state, mut tally, now) = (self.state.borrow_mut(), self.door.tally(), Instant::now());
        for (number, _) in unsent {
            let Some(place) = state.place(*number) else { continue };
            if let Some(noted) = place.sent.as_mut().and_then(|sent| sent.noted.take()) {
                self.door.begun().end(noted);
            }
            if place.waits() {
                self.unknown(place, &mut tally, now);
            }
        }
    }

    fn unknown(&self, place: &mut Place, tally: &mut Tally<'_>, now: Instant) {
        let unknown = Err(Refusal::of(Code::OutcomeUnknown));
        let judged = match &place.sent {
            Some(Sent { asked, arrived, .. }) => {
                if asked.show.is_empty() {
                    self.door.took_until(Way::HttpSingle, *arrived, now);
                }
                Door::judged(tally, asked, unknown)
            }
            None => unknown,
        };
        place.answered((judged, false));
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        let sent = self.state.get_mut().places.iter().filter_map(|place| place.sent.as_ref());
        sent.filter_map(|sent| sent.noted).for_each(|noted| self.door.begun().end(noted));
    }
}

impl Place {
    /// True where somebody waits who has no answer yet.
    fn waits(&self) -> bool {
        self.until.is_some() && self.answer.is_none()
    }

    fn answered(&mut self, answer: (Answer, bool)) {
        self.answer = Some(answer);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl State {
    fn place(&mut self, number: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(number).ok()?)
    }

    /// A place for somebody who waits until that tick: what was given back last is near.
    fn take_place(&mut self, until: u64) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.place(number) {
            place.until = Some(until);
        }
        number
    }

    /// Gives a place back where nobody waits and no answer can come.
    fn free_where_done(&mut self, number: u32) {
        if self.place(number).is_some_and(|place| place.until.is_none() && place.sent.is_none()) {
            self.free.push(number);
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
        let Some(place) = state.place(self.number) else { return Poll::Pending };
        if let Some(answer) = place.answer.take() {
            return Poll::Ready(answer);
        }
        if !place.waker.as_ref().is_some_and(|own| own.will_wake(context.waker())) {
            place.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut state = self.gathering.state.borrow_mut();
        if let Some(place) = state.place(self.number) {
            (place.until, place.answer, place.waker) = (None, None, None);
        }
        state.free_where_done(self.number);
    }
}
