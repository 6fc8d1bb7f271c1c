//! Answers, and where they go.

use crate::domain::Answer;

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
