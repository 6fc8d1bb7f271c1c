//! Requests that this server has begun and not answered yet: so that a repeat that comes too early is told so, and does not wait.
//!
//! Of each there is a number, which is the same for whoever sends the same again with the same key: what is sent with another body
//! has another one, goes on, and is refused by the engine (I12). A request is noted until its answer is ready, also where nobody
//! waits for that any more. Absent on purpose: answers, and what was begun before the server was: an engine finishes that before it
//! takes messages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxBuildHasher;

use crate::domain::{Command, Keyed, Message};
use crate::limits::BEGUN_MAX;

/// Parts of the table, each under a lock of its own.
const PARTS: usize = 64;

/// The batch of each request that is noted, by its number, which nobody outside can choose.
type Part = HashMap<u64, u64, FxBuildHasher>;

/// Stands for the batch of a message that is sent alone. They count up from 0, and none of them gets there.
const ALONE: u64 = u64::MAX;

/// The same request is under way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnderWay;

/// What has become of the wish to note a request.
enum Noting {
    /// It is noted now.
    New,
    /// There is no room for it.
    Full,
    /// It was, by this batch.
    Begun(u64),
}

/// What is begun.
pub(super) struct Begun {
    hasher: Keyed,
    parts: Vec<Mutex<Part>>,
    batches: AtomicU64,
    most_in_part: usize,
}

impl Begun {
    pub(super) fn new() -> Arc<Begun> {
        Begun::of(BEGUN_MAX)
    }

    fn of(most: usize) -> Arc<Begun> {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        let (hasher, batches) = (Keyed::default(), AtomicU64::new(0));
        Arc::new(Begun { hasher, parts, batches, most_in_part: most.div_ceil(PARTS) })
    }

    /// A batch of so many requests that nothing is noted of yet.
    pub(super) fn batch_of(self: &Arc<Begun>, requests: usize) -> Noted {
        let batch = self.batches.fetch_add(1, Ordering::Relaxed);
        Noted { of: Arc::clone(self), batch, numbers: Vec::with_capacity(requests) }
    }

    /// Notes a message that is sent alone, and gives its number; none where there is no room, and a repeat of it waits at the engine.
    ///
    /// # Errors
    /// Where the same one is under way.
    pub(super) fn begin(&self, message: &Message) -> Result<Option<u64>, UnderWay> {
        let Message { caller, request_id, command } = message;
        let number = self.hasher.hash_one((caller, request_id, self.hasher.hash_one(command)));
        match self.note(number, ALONE) {
            Noting::New => Ok(Some(number)),
            Noting::Full => Ok(None),
            Noting::Begun(_) => Err(UnderWay),
        }
    }

    /// The message that was noted by this number is answered.
    pub(super) fn end(&self, number: u64) {
        self.part(number).remove(&number);
    }

    fn note(&self, number: u64, batch: u64) -> Noting {
        let mut part = self.part(number);
        let full = part.len() >= self.most_in_part;
        match part.entry(number) {
            Entry::Occupied(begun) => Noting::Begun(*begun.get()),
            Entry::Vacant(_) if full => Noting::Full,
            Entry::Vacant(free) => {
                free.insert(batch);
                Noting::New
            }
        }
    }

    /// How many requests are noted.
    #[cfg(test)]
    pub(super) fn noted(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap().len()).sum()
    }

    fn part(&self, number: u64) -> MutexGuard<'_, Part> {
        let place = usize::try_from(number % PARTS as u64).unwrap_or(0);
        self.parts[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers of commands one after the other: where one follows on the same, as in a rush, its number is there already.
#[derive(Default)]
pub(super) struct Commands<'sent>(Option<(&'sent Command, u64)>);

impl<'sent> Commands<'sent> {
    fn number(&mut self, hasher: &Keyed, command: &'sent Command) -> u64 {
        match self.0 {
            Some((last, number)) if last == command => number,
            _ => self.0.insert((command, hasher.hash_one(command))).1,
        }
    }
}

/// What is noted of one batch, as long as this lives.
pub(super) struct Noted {
    of: Arc<Begun>,
    batch: u64,
    numbers: Vec<u64>,
}

impl Noted {
    /// Notes a message that is going to be sent, as `add` does.
    pub(super) fn add_message<'sent>(
        &mut self,
        commands: &mut Commands<'sent>,
        Message { caller, request_id, command }: &'sent Message,
    ) -> bool {
        let command = commands.number(&self.of.hasher, command);
        self.add(&(caller, request_id, command))
    }

    /// Notes a request: who sends it, its key, and what it asks for. False where another batch has the same one under way; within
    /// one batch all are answered together. What finds no room is not noted, and a repeat of it waits at the engine.
    pub(super) fn add(&mut self, request: &impl Hash) -> bool {
        let number = self.of.hasher.hash_one(request);
        let noting = self.of.note(number, self.batch);
        if matches!(noting, Noting::New) {
            self.numbers.push(number);
        }
        !matches!(noting, Noting::Begun(batch) if batch != self.batch)
    }

    /// True where nothing is noted.
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        for number in &self.numbers {
            self.of.part(*number).remove(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_is_not_begun_again_until_it_is_answered() {
        let begun = Begun::new();
        let (mut first, mut second) = (begun.batch_of(0), begun.batch_of(0));
        assert!(first.is_empty() && first.add(&("eve", "1")) && !first.is_empty());
        assert!(first.add(&("eve", "1")), "one batch is answered together");
        assert!(!second.add(&("eve", "1")));
        for another in [("ann", "1"), ("eve", "2")] {
            assert!(second.add(&another), "{another:?}");
        }
        assert_eq!(begun.noted(), 3);
        drop(first);
        assert!(second.add(&("eve", "1")));
        drop(second);
        assert_eq!(begun.noted(), 0);
    }

    #[test]
    fn a_message_alone_and_one_in_a_batch_are_the_same_request() {
        let show = Command::ShowAccount { account: crate::domain::Name::new("a").unwrap() };
        let message = Message::from_account("eve", "1", show).unwrap();
        let begun = Begun::new();
        let number = begun.begin(&message).unwrap().unwrap();
        assert_eq!(begun.begin(&message), Err(UnderWay));
        assert!(!begun.batch_of(1).add_message(&mut Commands::default(), &message));
        begun.end(number);
        let mut batch = begun.batch_of(1);
        assert!(batch.add_message(&mut Commands::default(), &message));
        assert_eq!(begun.begin(&message), Err(UnderWay));
        drop(batch);
        assert!(begun.begin(&message).is_ok_and(|number| number.is_some()));
        let full = Begun::of(0);
        assert_eq!(full.begin(&message), Ok(None));
    }

    #[test]
    fn another_command_caller_or_key_is_another_request() {
        let name = |text: &str| crate::domain::Name::new(text).unwrap();
        let show = |account: &str| Command::ShowAccount { account: name(account) };
        let message =
            |caller: &str, key: &str, account| Message::from_account(caller, key, show(account)).unwrap();
        let others = [message("eve", "1", "b"), message("eve", "2", "a"), message("ann", "1", "a")];
        let (begun, one) = (Begun::new(), message("eve", "1", "a"));
        let (mut first, mut second) = (begun.batch_of(1), begun.batch_of(4));
        assert!(first.add_message(&mut Commands::default(), &one));
        let mut commands = Commands::default();
        assert!(others.iter().all(|other| second.add_message(&mut commands, other)));
        assert!(!second.add_message(&mut commands, &one));
        assert!(others.iter().all(|other| !first.add_message(&mut commands, other)));
    }

    #[test]
    fn what_finds_no_room_goes_on_and_leaves_nothing() {
        let begun = Begun::of(PARTS);
        let (mut first, mut second) = (begun.batch_of(0), begun.batch_of(0));
        assert!((0..10_000).all(|number| first.add(&number)));
        assert!(begun.noted() <= PARTS);
        let refused = (0..10_000).filter(|number| !second.add(number)).count();
        assert_eq!(refused, begun.noted(), "each that has room, and no other");
        drop((first, second));
        assert_eq!(begun.noted(), 0);
    }
}
