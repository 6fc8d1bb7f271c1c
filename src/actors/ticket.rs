//! The reply handle that travels with a walk: it knows when the walk has ended and who waits for its answer.
//!
//! A ticket that is dropped unanswered answers `outcome_unknown` by itself, so no client waits for ever.

use std::hint::black_box;

use super::house::Common;
use crate::domain::{Answer, Code, Position, Refusal};
use crate::journal::Departure;
use crate::planted::{self, Bug};
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many tickets are looked at together before the first of them is let go, so that the processor waits for the memory of
/// many at once: a shard wrote them last.
const NEAR_TICKETS: usize = 32;

/// How many answers a sink is given at once at most: so many stand in memory that is near.
const REPLIES_TOGETHER: usize = 128;

/// Where answers go; one sink may wait for a whole batch.
pub trait Sink: Send + Sync {
    /// Takes the answer to the message with this place in its batch.
    fn give(&self, index: u32, answer: Answer);

    /// Takes the answer to a repeat: what it says was done before.
    fn give_again(&self, index: u32, answer: Answer) {
        self.give(index, answer);
    }

    /// Takes all answers that leave together, in their order, and leaves the memory that they stood in.
    fn give_all(&self, replies: &mut Vec<Reply>) {
        for Reply { index, answer, again } in replies.drain(..) {
            if again { self.give_again(index, answer) } else { self.give(index, answer) }
        }
    }
}

/// An answer on its way to a sink.
#[derive(Debug)]
pub struct Reply {
    /// The message's place in its batch.
    pub index: u32,
    /// The answer.
    pub answer: Answer,
    /// True where it is one that was given before.
    pub again: bool,
}

/// The bound on messages under way (DESIGN §2): doors take a permit for each, walks give it back at their end.
#[derive(Debug)]
pub struct Permits {
    taken: AtomicUsize,
    most: usize,
    /// How many may be taken now, at most `most`.
    allowed: AtomicUsize,
}

impl Permits {
    /// So many permits.
    #[must_use]
    pub fn new(most: usize) -> Arc<Permits> {
        Arc::new(Permits { taken: AtomicUsize::new(0), most, allowed: AtomicUsize::new(most) })
    }

    /// Takes one, or says `overloaded`.
    ///
    /// # Errors
    /// `overloaded`, where all are taken.
    pub fn take(self: &Arc<Self>) -> Result<Permit, Refusal> {
        let permit = self.take_up_to(1);
        if permit.places == 0 { Err(Refusal::of(Code::Overloaded)) } else { Ok(permit) }
    }

    /// Takes so many at once, or as many as are left.
    pub fn take_up_to(self: &Arc<Self>, wanted: usize) -> Permit {
        let allowed = self.allowed.load(Ordering::Relaxed);
        let left = |taken: usize| wanted.min(allowed.saturating_sub(taken));
        let permit = |places| Permit { of: Arc::clone(self), places };
        if planted::has(Bug::PermitInTwoSteps) {
            let places = left(self.taken());
            self.taken.fetch_add(places, Ordering::AcqRel);
            return permit(places);
        }
        let more = |taken| (left(taken) > 0).then(|| taken + left(taken));
        permit(self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map_or(0, left))
    }

    /// Allows only so many thousandths of them from now on. What is under way goes on.
    pub fn allow(&self, thousandths: u64) {
        let allowed = (self.most as u128 * u128::from(thousandths.min(1_000))).div_ceil(1_000);
        self.allowed.store(usize::try_from(allowed).unwrap_or(self.most), Ordering::Relaxed);
    }

    /// How many are taken now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

/// The place of a message in the house, or of several; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    of: Arc<Permits>,
    places: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.places > 0 {
            self.of.taken.fetch_sub(self.places, Ordering::AcqRel);
        }
    }
}

/// The tickets of one batch: what is the same for all of them is noted once.
pub struct Booklet {
    desk: Arc<Desk>,
    permit: Permit,
}

/// Where the answers of a batch go, and where the places of its messages come from.
struct Desk {
    sink: Arc<dyn Sink>,
    permits: Arc<Permits>,
}

impl Booklet {
    /// As many tickets as the permit has places.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, permit: Permit) -> Booklet {
        let permits = Arc::clone(&permit.of);
        Booklet { desk: Arc::new(Desk { sink, permits }), permit }
    }

    /// More tickets, once all are given out.
    pub fn go_on_with(&mut self, permit: Permit) {
        self.permit = permit;
    }

    /// The ticket of a walk whose first message is on its way; none where all are given out.
    pub fn next(&mut self, index: u32) -> Option<Arc<Ticket>> {
        self.permit.places = self.permit.places.checked_sub(1)?;
        Some(Arc::new(Ticket {
            outstanding: AtomicU32::new(1),
            index,
            position: AtomicU64::new(0),
            desk: Arc::clone(&self.desk),
            waiting: Mutex::new(Waiting { answer: None, again: false, replied: false, has_place: true }),
        }))
    }
}

/// The handle of one walk.
pub struct Ticket {
    /// Messages of the walk that are not absorbed yet.
    outstanding: AtomicU32,
    /// The message's place in its batch.
    index: u32,
    /// The newest record of the walk that nothing follows from: the newest of all, once the walk has ended, because
    /// what follows from a record stands behind it.
    position: AtomicU64,
    desk: Arc<Desk>,
    waiting: Mutex<Waiting>,
}

/// What a walk holds until its end.
struct Waiting {
    answer: Option<Answer>,
    /// True where the answer is one that was given before.
    again: bool,
    /// True once its client has an answer.
    replied: bool,
    /// True until its place in the house is given back.
    has_place: bool,
}

impl Waiting {
    /// The settled answer, or where there is none that the outcome is unknown; only once.
    fn reply(&mut self, index: u32) -> Option<Reply> {
        if std::mem::replace(&mut self.replied, true) {
            return None;
        }
        let answer = self.answer.take().unwrap_or_else(|| Err(Refusal::of(Code::OutcomeUnknown)));
        Some(Reply { index, answer, again: self.again })
    }
}

impl Ticket {
    /// A ticket for a walk whose first message is on its way.
    ///
    /// # Panics
    /// With a permit that has no place for it.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, index: u32, permit: Permit) -> Arc<Ticket> {
        let ticket = Booklet::new(sink, permit).next(index);
        ticket.unwrap_or_else(|| unreachable!("whoever is let in has a place"))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the answer that leaves when the walk has ended and is durable.
    pub fn settle(&self, answer: Answer) {
        self.waiting().answer = Some(answer);
    }

    /// Notes that its answer is one that was given before.
    pub fn is_of_a_repeat(&self) {
        self.waiting().again = true;
    }

    /// One message is absorbed, and so many follow from it: one of them stands for it from now on, and none of
    /// them is on its way yet.
    pub fn followed_by(&self, messages: usize) {
        let more = u32::try_from(messages.saturating_sub(1)).unwrap_or(u32::MAX);
        if more > 0 {
            self.outstanding.fetch_add(more, Ordering::AcqRel);
        }
    }

    /// One message is absorbed, by the record at `position` (0: by none), and none follows from it.
    /// True where it was the walk's last.
    #[must_use]
    pub fn absorbed(&self, position: Position) -> bool {
        if planted::has(Bug::EndBeforePosition) {
            let last = self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1;
            self.position.fetch_max(position.0, Ordering::AcqRel);
            return last;
        }
        self.position.fetch_max(position.0, Ordering::AcqRel);
        self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// The newest record of the walk, once it has ended.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waiting = self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !waiting.replied || waiting.has_place {
            // What was settled and has not left may not be durable.
            (waiting.answer, waiting.again) = (None, false);
            let mut leaving = Leaving::default();
            leaving.from(&self.desk);
            leaving.add(self.index, waiting, true);
        }
    }
}

/// Answers of one desk that leave together.
#[derive(Default)]
struct Leaving {
    desk: Option<Arc<Desk>>,
    replies: Vec<Reply>,
    /// How many walks have ended.
    ended: usize,
}

impl Leaving {
    /// Takes what leaves next.
    fn take(&mut self, Departing(what): Departing) {
        let (ticket, ended) = match what {
            What::Ended(ticket) => (ticket, true),
            What::Early(ticket) => (ticket, false),
            What::Notices(common, up_to) => {
                self.go();
                return common.notices.tell(up_to);
            }
        };
        self.from(&ticket.desk);
        self.add(ticket.index, &mut ticket.waiting(), ended);
        if self.replies.len() == REPLIES_TOGETHER {
            self.go();
        }
    }

    /// What is added from now on is of this desk; what there is of another goes.
    fn from(&mut self, desk: &Arc<Desk>) {
        if !self.desk.as_ref().is_some_and(|own| Arc::ptr_eq(own, desk)) {
            self.go();
            self.desk = Some(Arc::clone(desk));
        }
    }

    /// Takes what a walk has for its client, and its place where it has ended.
    fn add(&mut self, index: u32, waiting: &mut Waiting, ended: bool) {
        if ended && std::mem::replace(&mut waiting.has_place, false) {
            self.ended += 1;
        }
        self.replies.extend(waiting.reply(index));
    }

    /// Lets them go: the places of walks that have ended are free before their clients hear of it.
    fn go(&mut self) {
        let Some(desk) = &self.desk else { return };
        let places = std::mem::take(&mut self.ended);
        drop(Permit { of: Arc::clone(&desk.permits), places });
        if !self.replies.is_empty() {
            desk.sink.give_all(&mut self.replies);
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.go();
    }
}

/// What is on its way out of the process.
pub struct Departing(What);

enum What {
    /// The answer of a walk that has ended.
    Ended(Arc<Ticket>),
    /// The answer of a walk that goes on.
    Early(Arc<Ticket>),
    /// Notices up to that position.
    Notices(Arc<Common>, Position),
}

impl Departing {
    /// The answer of a walk that has ended.
    #[must_use]
    pub fn ended(ticket: Arc<Ticket>) -> Departing {
        Departing(What::Ended(ticket))
    }

    /// An answer that leaves while credits of its walk still go out page by page; the permit stays taken.
    #[must_use]
    pub fn early(ticket: Arc<Ticket>) -> Departing {
        Departing(What::Early(ticket))
    }

    /// The notices that are held up to a position.
    #[must_use]
    pub fn notices(common: Arc<Common>, up_to: Position) -> Departing {
        Departing(What::Notices(common, up_to))
    }
}

impl Departing {
    /// Reads of a ticket what its end needs, and makes a meaningless number of it: its memory is near then.
    fn glance(&self) -> u64 {
        match &self.0 {
            What::Ended(ticket) | What::Early(ticket) => {
                ticket.position().0 ^ Arc::strong_count(ticket) as u64
            }
            What::Notices(..) => 0,
        }
    }
}

impl Departure for Departing {
    fn leave(self) {
        Departing::leave_all(std::iter::once(self));
    }

    fn leave_all(all: impl Iterator<Item = Departing>) {
        // A sink is given its answers while no ticket is locked: whoever waits may do as it likes.
        let mut leaving = Leaving::default();
        let (mut all, mut near) = (all, Vec::new());
        loop {
            near.extend(all.by_ref().take(NEAR_TICKETS));
            if near.len() > 1 {
                black_box(near.iter().fold(0, |read, departing: &Departing| read ^ departing.glance()));
            }
            if near.is_empty() {
                break;
            }
            near.drain(..).for_each(|departing| leaving.take(departing));
        }
    }
}

#[cfg(test)]
#[cfg(not(feature = "schedules"))]
mod tests {
    use super::*;
    use crate::domain::Done;

    /// Keeps what it is given, and how many places were taken then.
    struct Kept {
        permits: Arc<Permits>,
        answers: Mutex<Vec<(u32, bool, usize)>>,
    }

    impl Sink for Kept {
        fn give(&self, index: u32, answer: Answer) {
            self.answers.lock().unwrap().push((index, answer.is_ok(), self.permits.taken()));
        }
    }

    fn desk(permits: &Arc<Permits>, places: usize) -> (Arc<Kept>, Booklet) {
        let kept = Arc::new(Kept { permits: Arc::clone(permits), answers: Mutex::default() });
        let sink = Arc::clone(&kept) as Arc<dyn Sink>;
        (kept, Booklet::new(sink, permits.take_up_to(places)))
    }

    fn settled(booklet: &mut Booklet, index: u32) -> Arc<Ticket> {
        let ticket = booklet.next(index).unwrap();
        ticket.settle(Ok(Done::Issued { items: 1 }));
        ticket
    }

    #[test]
    fn answers_of_several_desks_leave_in_their_order_and_every_place_comes_back_once() {
        let permits = Permits::new(6);
        let (ours, mut one) = desk(&permits, 3);
        let (theirs, mut other) = desk(&permits, 9);
        assert_eq!(permits.taken(), 6, "as many as were left");
        let (first, early, lost) = (settled(&mut one, 0), settled(&mut one, 1), settled(&mut one, 2));
        assert!(one.next(3).is_none());
        let (second, third) = (settled(&mut other, 0), settled(&mut other, 1));
        let all = [
            Departing::ended(first),
            Departing::ended(second),
            Departing::early(Arc::clone(&early)),
            Departing::ended(early),
            Departing::ended(third),
        ];
        Departing::leave_all(all.into_iter());
        // Places are free before a client hears of it; an early answer gives none back, and its walk's end gives no answer.
        assert_eq!(*ours.answers.lock().unwrap(), [(0, true, 5), (1, true, 3)]);
        assert_eq!(*theirs.answers.lock().unwrap(), [(0, true, 4), (1, true, 2)]);
        drop(lost);
        assert_eq!(ours.answers.lock().unwrap()[2], (2, false, 1), "nobody knows what has become of it");
        drop((one, other));
        assert_eq!(permits.taken(), 0, "and the place that nobody used");
    }

    #[test]
    fn many_answers_of_one_desk_leave_in_portions_and_none_is_missed() {
        let permits = Permits::new(1_000);
        let (kept, mut booklet) = desk(&permits, 1_000);
        let all: Vec<Departing> =
            (0..1_000).map(|index| Departing::ended(settled(&mut booklet, index))).collect();
        Departing::leave_all(all.into_iter());
        let given: Vec<u32> = kept.answers.lock().unwrap().iter().map(|(index, ..)| *index).collect();
        assert_eq!((given, permits.taken()), ((0..1_000).collect(), 0));
    }
}
