//! What clients know: which messages they have sent and which answers have left the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::actors::Sink;
use crate::domain::{Answer, Code, Message, Position, Timestamp, WalkId};

/// A message as it was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub message: Message,
    /// Its walk; none where the door refused it.
    pub walk: Option<WalkId>,
    /// The time that the door has stamped on it.
    pub now: Timestamp,
}

/// An answer that has left.
#[derive(Clone)]
pub(crate) struct Left {
    /// Its message, as an index into what was sent.
    pub sent: usize,
    pub answer: Answer,
    /// The newest record that it may rest on: of its walk, or of the shard that decided. Worked out by
    /// whoever watches the log, not taken from the house.
    pub rests_on: Position,
}

/// Everything sent, and every answer that has left, in its order.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub sent: Vec<Sent>,
    pub left: Vec<Left>,
    newest_of_walk: HashMap<WalkId, Position>,
    /// What the answer that is leaving now rests on beside its walk.
    resting_on: Position,
}

/// A ledger that tickets can write in.
#[derive(Clone, Default)]
pub(crate) struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Notes a record of a walk.
    pub fn recorded(&mut self, walk: WalkId, at: Position) {
        self.newest_of_walk.insert(walk, at);
    }

    /// Another process goes on: walks whose records are lost may give their numbers to others.
    pub fn goes_on(&mut self) {
        self.newest_of_walk.clear();
        self.resting_on = Position(0);
    }

    /// Says what the answer that leaves next rests on.
    pub fn leaving(&mut self, resting_on: Position) {
        self.resting_on = resting_on;
    }

    /// The newest answer to a message, by its index.
    pub fn answer_to(&self, sent: usize) -> Option<&Answer> {
        self.left.iter().rev().find(|left| left.sent == sent).map(|left| &left.answer)
    }

    /// Every message has exactly one answer, and none of them says that something went wrong.
    pub fn complete(&self) -> Result<(), String> {
        for (index, sent) in self.sent.iter().enumerate() {
            let answers: Vec<&Answer> =
                self.left.iter().filter(|left| left.sent == index).map(|left| &left.answer).collect();
            let [answer] = answers[..] else {
                return Err(format!("{} answers to {:?}", answers.len(), sent.message));
            };
            if let Err(refusal) = answer
                && matches!(refusal.code, Code::Internal | Code::OutcomeUnknown | Code::Stopped)
            {
                return Err(format!("{refusal} to {:?}", sent.message));
            }
        }
        Ok(())
    }

    /// The newest messages with their answers, for a failure's report.
    pub fn last(&self, most: usize) -> String {
        let from = self.sent.len().saturating_sub(most);
        let lines = self.sent.iter().enumerate().skip(from).map(|(index, sent)| {
            let Message { caller, request_id, command } = &sent.message;
            let kind = format!("{command:?}");
            let kind = kind.split([' ', '{']).next().unwrap_or_default().to_owned();
            let answer = match self.answer_to(index) {
                None => "not answered".to_owned(),
                Some(Ok(_)) => "done".to_owned(),
                Some(Err(refusal)) => refusal.code.to_string(),
            };
            format!("  {kind} {request_id:?} of {caller:?}: {answer}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// An answer after which a client knows what has become of its message.
pub(crate) fn is_definite(answer: &Answer) -> bool {
    !matches!(answer, Err(refusal) if matches!(refusal.code, Code::OutcomeUnknown | Code::Stopped))
}

impl Sink for SharedLedger {
    fn give(&self, index: u32, answer: Answer) {
        let mut ledger = self.lock();
        let sent = index as usize;
        let walk = ledger.sent.get(sent).and_then(|sent| sent.walk);
        let of_walk = walk.and_then(|walk| ledger.newest_of_walk.get(&walk).copied()).unwrap_or_default();
        let rests_on = ledger.resting_on.max(of_walk);
        ledger.left.push(Left { sent, answer, rests_on });
    }
}
