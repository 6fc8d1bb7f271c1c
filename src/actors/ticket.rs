//! The reply handle that travels with a walk: it knows when the walk has ended and who waits for its answer.
//!
//! A ticket that is dropped unanswered answers `outcome_unknown` by itself, so no client waits for ever.

use super::house::Common;
use crate::domain::{Answer, Code, Position, Refusal};
use crate::journal::Departure;
use crate::planted::{self, Bug};
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where answers go; one sink may wait for a whole batch.
pub trait Sink: Send + Sync {
    /// Takes the answer to the message with this place in its batch.
    fn give(&self, index: u32, answer: Answer);

    /// Takes the answer to a repeat: what it says was done before.
    fn give_again(&self, index: u32, answer: Answer) {
        self.give(index, answer);
    }
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
        let allowed = self.allowed.load(Ordering::Relaxed);
        let more = |taken| (taken < allowed).then_some(taken + 1);
        if planted::has(Bug::PermitInTwoSteps) && more(self.taken()).is_some() {
            self.taken.fetch_add(1, Ordering::AcqRel);
            return Ok(Permit(Arc::clone(self)));
        }
        match self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(Permit(Arc::clone(self))),
            Err(_) => Err(Refusal::of(Code::Overloaded)),
        }
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

/// One message's place in the house; given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<Permits>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The handle of one walk.
pub struct Ticket {
    /// Messages of the walk that are not absorbed yet.
    outstanding: AtomicU32,
    /// The newest record of the walk that nothing follows from: the newest of all, once the walk has ended, because
    /// what follows from a record stands behind it.
    position: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// What a walk holds until its end.
struct Waiting {
    answer: Option<Answer>,
    /// True where the answer is one that was given before.
    again: bool,
    reply: Option<(Arc<dyn Sink>, u32)>,
    permit: Option<Permit>,
}

/// An answer, and to whom.
struct Reply {
    sink: Arc<dyn Sink>,
    index: u32,
    answer: Answer,
    again: bool,
}

impl Waiting {
    /// The settled answer, or where there is none that the outcome is unknown; only once.
    fn reply(&mut self) -> Option<Reply> {
        let (sink, index) = self.reply.take()?;
        let answer = self.answer.take().unwrap_or_else(|| Err(Refusal::of(Code::OutcomeUnknown)));
        Some(Reply { sink, index, answer, again: self.again })
    }

    /// The walk has ended: its place in the house is free before its client hears of it.
    fn end(&mut self) -> Option<Reply> {
        self.permit = None;
        self.reply()
    }
}

impl Reply {
    fn give(self) {
        if self.again {
            self.sink.give_again(self.index, self.answer);
        } else {
            self.sink.give(self.index, self.answer);
        }
    }
}

impl Ticket {
    /// A ticket for a walk whose first message is on its way.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, index: u32, permit: Permit) -> Arc<Ticket> {
        let waiting =
            Waiting { answer: None, again: false, reply: Some((sink, index)), permit: Some(permit) };
        Arc::new(Ticket {
            outstanding: AtomicU32::new(1),
            position: AtomicU64::new(0),
            waiting: Mutex::new(waiting),
        })
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
        // What was settled and has not left may not be durable.
        (waiting.answer, waiting.again) = (None, false);
        if let Some(reply) = waiting.end() {
            reply.give();
        }
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

impl Departure for Departing {
    fn leave(self) {
        let reply = match self.0 {
            What::Ended(ticket) => ticket.waiting().end(),
            What::Early(ticket) => ticket.waiting().reply(),
            What::Notices(common, up_to) => {
                common.notices.tell(up_to);
                None
            }
        };
        // Nothing is locked any more: whoever waits may do as it likes.
        if let Some(reply) = reply {
            reply.give();
        }
    }
}
