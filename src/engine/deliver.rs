//! The caller's side of an answer: a future that waits for one batch.
//!
//! Messages are sent when the future is made, so dropping it undoes nothing; the answers are then lost, and
//! a repeat with the same request ids gets them again.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::actors::{self, Sink};
use crate::domain::{Answer, Code, Refusal};

/// The answers to a batch, in its order. Works on any runtime; `wait` needs none.
pub struct Answers {
    answers: oneshot::Receiver<Replies>,
    messages: usize,
}

/// The answers to a batch, and which of them were given before.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    /// In the order of the messages.
    pub answers: Vec<Answer>,
    /// The places of those that answer a repeat, in no order: what they say was done before, and not again.
    pub again: Vec<u32>,
}

impl Answers {
    /// Blocks this thread until all answers are there.
    #[must_use]
    pub fn wait(self) -> Vec<Answer> {
        pollster::block_on(self)
    }

    /// Waits for the answers, and for which of them were given before. Once they are there they are there no more.
    pub async fn replies(&mut self) -> Replies {
        let messages = self.messages;
        (&mut self.answers).await.unwrap_or_else(|_| lost(messages))
    }
}

fn lost(messages: usize) -> Replies {
    let answers = (0..messages).map(|_| Err(Refusal::of(Code::OutcomeUnknown))).collect();
    Replies { answers, again: Vec::new() }
}

impl Future for Answers {
    type Output = Vec<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<Answer>> {
        let messages = self.messages;
        Pin::new(&mut self.answers)
            .poll(context)
            .map(|replies| replies.unwrap_or_else(|_| lost(messages)).answers)
    }
}

/// The answer to one message.
pub struct Reply(pub(super) Answers);

impl Reply {
    /// Blocks this thread until the answer is there.
    ///
    /// # Errors
    /// The refusal.
    pub fn wait(self) -> Answer {
        pollster::block_on(self)
    }
}

impl Future for Reply {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let first = |answers: Vec<Answer>| answers.into_iter().next();
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answers| first(answers).unwrap_or_else(|| Err(Refusal::of(Code::OutcomeUnknown))))
    }
}

/// Gathers the answers of a batch.
pub(super) struct Batch(Mutex<Gathering>);

struct Gathering {
    /// That the outcome is unknown, until an answer is there.
    answers: Vec<Answer>,
    given: Vec<bool>,
    again: Vec<u32>,
    left: usize,
    waiting: Option<oneshot::Sender<Replies>>,
}

impl Batch {
    /// A batch of so many messages, and the future of its answers.
    pub(super) fn new(messages: usize) -> (Batch, Answers) {
        let (sender, answers) = oneshot::channel();
        let Replies { answers: unknown, again } = lost(messages);
        let (given, waiting) = (vec![false; messages], Some(sender));
        let mut gathering = Gathering { answers: unknown, given, again, left: messages, waiting };
        gathering.finish_if_done();
        (Batch(Mutex::new(gathering)), Answers { answers, messages })
    }
}

impl Gathering {
    fn finish_if_done(&mut self) {
        if self.left == 0
            && let Some(waiting) = self.waiting.take()
        {
            let (answers, again) = (std::mem::take(&mut self.answers), std::mem::take(&mut self.again));
            // Nobody waits any more where the future was dropped.
            let _ = waiting.send(Replies { answers, again });
        }
    }
}

impl Gathering {
    fn take(&mut self, index: u32, answer: Answer, again: bool) {
        let place = index as usize;
        if let (Some(slot), Some(given @ false)) = (self.answers.get_mut(place), self.given.get_mut(place)) {
            (*slot, *given) = (answer, true);
            self.again.extend(again.then_some(index));
            self.left -= 1;
        }
    }
}

impl Batch {
    fn with(&self, take: impl FnOnce(&mut Gathering)) {
        let mut gathering = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut gathering);
        gathering.finish_if_done();
    }
}

impl Sink for Batch {
    fn give(&self, index: u32, answer: Answer) {
        self.with(|gathering| gathering.take(index, answer, false));
    }

    fn give_again(&self, index: u32, answer: Answer) {
        self.with(|gathering| gathering.take(index, answer, true));
    }

    fn give_all(&self, replies: &mut Vec<actors::Reply>) {
        self.with(|gathering| {
            for actors::Reply { index, answer, again } in replies.drain(..) {
                gathering.take(index, answer, again);
            }
        });
    }
}
