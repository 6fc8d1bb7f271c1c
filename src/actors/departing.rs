//! The way of answers out of the process, those of one batch together.
//!
//! Absent on purpose: when. The journal lets them go, once what they say is durable.

use std::hint::black_box;
use std::mem;

use super::house::Common;
use super::permits::{Permit, Permits};
use super::reply::{Reply, Sink};
use super::ticket::Ticket;
use crate::domain::{Code, Position, Refusal};
use crate::journal::Departure;
use crate::sync::Arc;

/// How many tickets are looked at together before the first of them is let go, so that the processor waits for the memory of
/// many at once: a shard wrote them last.
const NEAR_TICKETS: usize = 32;

/// How many answers a sink is given at once, mostly: so many stand in memory that is near.
const REPLIES_TOGETHER: usize = 128;

/// Where the answers of a batch go, and where the places of its messages come from.
pub(super) struct Desk {
    sink: Arc<dyn Sink>,
    permits: Arc<Permits>,
}

impl Desk {
    /// The desk of a batch that was let in by this permit.
    pub(super) fn new(sink: Arc<dyn Sink>, permit: &Permit) -> Desk {
        Desk { sink, permits: Arc::clone(permit.of()) }
    }
}

/// What a door has refused of a batch. It keeps its places until it leaves, and where it is dropped nobody knows whether what
/// the door rested on has become durable.
pub struct Refused {
    desk: Arc<Desk>,
    replies: Vec<Reply>,
    permit: Permit,
}

impl Refused {
    pub(super) fn new(desk: &Arc<Desk>, permit: &Permit) -> Refused {
        Refused { desk: Arc::clone(desk), replies: Vec::new(), permit: permit.without_places() }
    }

    /// Takes an answer, and the place of its message.
    pub(super) fn add(&mut self, reply: Reply) {
        self.permit.places += 1;
        self.replies.push(reply);
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        if !self.replies.is_empty() {
            let unknown = |reply: &mut Reply| reply.answer = Err(Refusal::of(Code::OutcomeUnknown));
            self.replies.iter_mut().for_each(unknown);
            self.permit.give_back();
            self.desk.sink.give_all(&mut self.replies);
        }
    }
}

/// Answers of one desk that leave together.
#[derive(Default)]
pub(super) struct Leaving {
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
            What::Refused(refused) => return self.take_refused(refused),
            What::Notices(common, up_to) => {
                self.go();
                return common.notices.tell(up_to);
            }
        };
        self.from(ticket.desk());
        self.add(ticket.leave(ended));
    }

    fn take_refused(&mut self, mut refused: Refused) {
        self.from(&refused.desk);
        self.ended += mem::take(&mut refused.permit.places);
        self.replies.append(&mut refused.replies);
        self.go_where_many();
    }

    /// What is added from now on is of this desk; what there is of another goes.
    pub(super) fn from(&mut self, desk: &Arc<Desk>) {
        if !self.desk.as_ref().is_some_and(|own| Arc::ptr_eq(own, desk)) {
            self.go();
            self.desk = Some(Arc::clone(desk));
        }
    }

    /// Takes what a walk has for its client, and its place where that is free.
    pub(super) fn add(&mut self, (reply, freed): (Option<Reply>, bool)) {
        self.ended += usize::from(freed);
        self.replies.extend(reply);
        self.go_where_many();
    }

    fn go_where_many(&mut self) {
        if self.replies.len() >= REPLIES_TOGETHER {
            self.go();
        }
    }

    /// Lets them go: the places of walks that have ended are free before their clients hear of it.
    fn go(&mut self) {
        let Some(desk) = &self.desk else { return };
        desk.permits.give_back(mem::take(&mut self.ended));
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
    /// What a door has refused of a batch.
    Refused(Refused),
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

    /// What a door has refused of a batch.
    #[must_use]
    pub fn refused(refused: Refused) -> Departing {
        Departing(What::Refused(refused))
    }

    /// The notices that are held up to a position.
    #[must_use]
    pub fn notices(common: Arc<Common>, up_to: Position) -> Departing {
        Departing(What::Notices(common, up_to))
    }

    /// Reads of a ticket what its end needs, and makes a meaningless number of it: its memory is near then.
    fn glance(&self) -> u64 {
        match &self.0 {
            What::Ended(ticket) | What::Early(ticket) => {
                ticket.position().0 ^ Arc::strong_count(ticket) as u64
            }
            What::Refused(_) | What::Notices(..) => 0,
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
    use crate::actors::Booklet;
    use crate::domain::{Answer, Done};
    use crate::sync::Mutex;

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
