//! The reply handle that travels with a walk: it knows when the walk has ended and who waits for its answer.
//!
//! A ticket that is dropped unanswered answers `outcome_unknown` by itself, so no client waits for ever.

use super::departing::{Desk, Leaving, Refused};
use super::permits::Permit;
use super::reply::{Reply, Sink};
use crate::domain::{Answer, Code, Position, Refusal};
use crate::planted::{self, Bug};
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The tickets of one batch: what is the same for all of them is noted once.
pub struct Booklet {
    desk: Arc<Desk>,
    permit: Permit,
    refused: Option<Refused>,
}

impl Booklet {
    /// As many tickets as the permit has places.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, permit: Permit) -> Booklet {
        Booklet { desk: Arc::new(Desk::new(sink, &permit)), permit, refused: None }
    }

    /// More tickets, once all are given out.
    pub fn go_on_with(&mut self, permit: Permit) {
        self.permit = permit;
    }

    /// True while there are tickets left.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.permit.places > 0
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

    /// Takes the place of one ticket for a message that goes no further, whose answer leaves with the others of `refused`.
    ///
    /// # Errors
    /// `overloaded`, where all are given out.
    pub fn refuse(&mut self, index: u32, refusal: Refusal) -> Result<(), Refusal> {
        self.permit.places = self.permit.places.checked_sub(1).ok_or(Refusal::of(Code::Overloaded))?;
        let refused = self.refused.get_or_insert_with(|| Refused::new(&self.desk, &self.permit));
        refused.add(Reply { index, answer: Err(refusal), again: false });
        Ok(())
    }

    /// What was refused since this was asked for.
    pub fn refused(&mut self) -> Option<Refused> {
        self.refused.take()
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
    /// The settled answer, or where there is none that the outcome is unknown, only once; and whether the walk's place is free
    /// by its end, only once.
    fn leave(&mut self, index: u32, ended: bool) -> (Option<Reply>, bool) {
        let freed = ended && std::mem::replace(&mut self.has_place, false);
        if std::mem::replace(&mut self.replied, true) {
            return (None, freed);
        }
        let answer = self.answer.take().unwrap_or_else(|| Err(Refusal::of(Code::OutcomeUnknown)));
        (Some(Reply { index, answer, again: self.again }), freed)
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

    /// Where its answer goes.
    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// What it has for its client, and whether its place is free by its end.
    pub(super) fn leave(&self, ended: bool) -> (Option<Reply>, bool) {
        self.waiting().leave(self.index, ended)
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
        if self.outstanding.load(Ordering::Acquire) == 1 {
            // Nobody else has a message of the walk, so nobody else comes to these numbers.
            let newest = self.position.load(Ordering::Relaxed).max(position.0);
            self.position.store(newest, Ordering::Release);
            self.outstanding.store(0, Ordering::Release);
            return true;
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
            leaving.add(waiting.leave(self.index, true));
        }
    }
}
