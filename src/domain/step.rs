//! One step: what an actor decides on one message, as one value.
//!
//! `apply` gives a `Decision` and cannot change anything; `absorb` takes events and cannot refuse anything.

use std::iter;

use serde::{Deserialize, Serialize};

use super::answer::{Answer, Done};
use super::event::Event;
use super::inside::Body;
use super::number::{ActorNumber, WalkId};
use super::refusal::Refusal;
use super::time::Timestamp;

/// What a decision may look at beside the actor's state and the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The walk that the message belongs to.
    pub walk: WalkId,
    /// The walk's time, used for every rule on its way (DESIGN §3, point 10).
    pub now: Timestamp,
}

/// What an actor decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A record is made: events are absorbed, onward messages go out, answers are given.
    Record(Step),
    /// The walk's first actor refuses; nothing is recorded and nothing changes (I13).
    Refuse(Refusal),
    /// A query or a repeat is answered from the state; nothing is recorded.
    Answer(Done),
    /// The message belongs to another actor, which is to decide on it; nothing is recorded.
    Pass(ActorNumber, Body),
    /// The message is decided again once this actor has recorded the next step of that walk.
    Wait(WalkId),
}

/// What one record holds beside its place.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Step {
    /// What happened here; empty for a refusal inside a walk.
    pub events: Vec<Event>,
    /// What must go on.
    pub onward: Vec<Onward>,
    /// The answer to this walk's client, if it is settled here.
    pub answer: Option<Answer>,
    /// Answers to clients whose walks waited in this actor's line.
    pub other_answers: Vec<(WalkId, Answer)>,
    /// True where the walk's client now waits in this actor's line.
    pub queued: bool,
    /// True where the answer does not wait for the walk's end: more credits follow page by page.
    pub early: bool,
}

/// A message that a record sends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onward {
    /// To whom.
    pub to: ActorNumber,
    /// What.
    pub body: Body,
    /// The walk that it continues, where that is not the record's own: one that waited in a line.
    pub continues: Option<(WalkId, Timestamp)>,
}

impl Onward {
    /// A message within the record's own walk.
    #[must_use]
    pub fn new(to: ActorNumber, body: Body) -> Onward {
        Onward { to, body, continues: None }
    }
}

impl Step {
    /// A step of events alone.
    #[must_use]
    pub fn of(events: Vec<Event>) -> Step {
        Step { events, ..Step::default() }
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        let Step { events, onward, answer, other_answers, queued, early } = self;
        events.clear();
        onward.clear();
        other_answers.clear();
        *answer = None;
        (*queued, *early) = (false, false);
    }

    /// The step with its answer.
    #[must_use]
    pub fn answering(mut self, answer: Answer) -> Step {
        self.answer = Some(answer);
        self
    }

    /// The step with one more onward message.
    #[must_use]
    pub fn sending(mut self, to: ActorNumber, body: Body) -> Step {
        self.send(to, body);
        self
    }

    /// Adds an onward message.
    #[inline(always)]
    pub fn send(&mut self, to: ActorNumber, body: Body) {
        if self.onward.capacity() == 0 {
            // Of most steps it is the only one.
            self.onward.reserve_exact(1);
        }
        // Made where it stays.
        self.onward.extend(iter::once_with(|| Onward::new(to, body)));
    }
}
