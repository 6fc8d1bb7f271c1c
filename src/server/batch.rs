//! Many messages at once: each is decided for itself, and answered in its place.
//!
//! Absent on purpose: all or nothing over several messages, and how they are read.

use std::collections::HashSet;
use std::time::Duration;

use super::door::{Asked, Door};
use super::json::{AnswerBody, Problem};
use super::shown::{self, ShownBody};
use crate::domain::{Answer, Code, Refusal};
use crate::limits::{ANSWER_MS_MAX, BATCH_MESSAGES_MAX};
use crate::{Answers, Engine, Replies};

/// Messages that can be sent, and in the places of those that cannot, why not.
#[derive(Default)]
pub(super) struct Batch {
    messages: Vec<Asked>,
    places: Vec<Option<Problem>>,
}

/// What became of one message.
pub(super) struct Outcome {
    /// What was done, or why it was not.
    pub(super) answer: Result<AnswerBody, Problem>,
    /// True where that was done before, by a message with the same key.
    pub(super) replayed: bool,
    /// What is shown beside the answer, where the message wishes it.
    pub(super) shown: Option<Box<ShownBody>>,
}

impl Outcome {
    fn refused(problem: Problem) -> Outcome {
        Outcome { answer: Err(problem), replayed: false, shown: None }
    }
}

/// Messages that are sent, and wait for their answers.
pub(super) struct Sent {
    answers: Answers,
    messages: Vec<Asked>,
    places: Vec<Option<Problem>>,
}

impl Batch {
    /// Room for so many.
    ///
    /// # Errors
    /// `bad_value` where that is more than one batch has.
    pub(super) fn of(messages: usize) -> Result<Batch, Problem> {
        if messages > BATCH_MESSAGES_MAX {
            let detail = format!("are {messages}: send at most {BATCH_MESSAGES_MAX} at once");
            return Err(Problem::from(Refusal::new(Code::BadValue, "messages", detail)));
        }
        Ok(Batch { messages: Vec::with_capacity(messages), places: Vec::with_capacity(messages) })
    }

    /// Takes one message, or why it cannot be sent.
    pub(super) fn add(&mut self, read: Result<Asked, Problem>) {
        match read {
            Ok(message) => {
                self.messages.push(message);
                self.places.push(None);
            }
            Err(problem) => self.places.push(Some(problem)),
        }
    }

    /// Sends all that can be sent. It is accepted when this returns.
    pub(super) fn send(self, engine: &Engine) -> Sent {
        let Batch { messages, places } = self;
        let answers = engine.send_batch_on(messages.iter().map(|asked| (&asked.message, asked.conditions)));
        Sent { answers, messages, places }
    }
}

impl Sent {
    /// What was done or why it was not, for each in its place.
    pub(super) async fn answers(self, door: &Door, engine: &Engine) -> Vec<Outcome> {
        let Sent { answers, messages, places } = self;
        let waited = tokio::time::timeout(Duration::from_millis(ANSWER_MS_MAX), answers.replies()).await;
        let late = || messages.iter().map(|_| Err(Refusal::of(Code::OutcomeUnknown))).collect();
        let replies = waited.unwrap_or_else(|_| Replies { answers: late(), again: Vec::new() });
        let again: HashSet<u32> = replies.again.into_iter().collect();
        let mut answers = (0_u32..).zip(messages.iter().zip(replies.answers));
        let (mut tally, mut outcomes) = (door.tally(), Vec::with_capacity(places.len()));
        for problem in places {
            let outcome = match problem {
                Some(problem) => (None, Outcome::refused(problem)),
                None => match answers.next() {
                    Some((place, (asked, answer))) => {
                        let answer = Door::answered(engine, &mut tally, asked, answer).await;
                        (Some(asked), Outcome { answer, replayed: again.contains(&place), shown: None })
                    }
                    None => (None, Outcome::refused(Problem::from(Refusal::of(Code::OutcomeUnknown)))),
                },
            };
            outcomes.push(outcome);
        }
        if messages.iter().any(|asked| !asked.show.is_empty()) {
            show(engine, &mut outcomes).await;
        }
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

impl Outcome {
    /// What became of one message, by the answer to it, which may be one that was given before.
    pub(super) async fn of(
        door: &Door,
        engine: &Engine,
        asked: &Asked,
        answer: Answer,
        replayed: bool,
    ) -> Outcome {
        let answer = Door::answered(engine, &mut door.tally(), asked, answer).await;
        let mut outcomes = [(Some(asked), Outcome { answer, replayed, shown: None })];
        if !asked.show.is_empty() {
            show(engine, &mut outcomes).await;
        }
        let [(_, outcome)] = outcomes;
        outcome
    }
}

/// Shows what messages wish to see. What is not there in time is left out: it was done all the same.
async fn show(engine: &Engine, outcomes: &mut [(Option<&Asked>, Outcome)]) {
    let shown = shown::beside(engine, outcomes);
    let _ = tokio::time::timeout(Duration::from_millis(ANSWER_MS_MAX), shown).await;
}
