//! Many messages at once: each is decided for itself, and answered in its place.
//!
//! Absent on purpose: all or nothing over several messages, and how they are read.

use std::collections::HashSet;
use std::time::Duration;

use tokio::runtime::Handle;

use super::begun::{Commands, Noted};
use super::door::{Asked, Door, body_of};
use super::identity::rights;
use super::json::{AnswerBody, Problem, ProblemCode};
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
    /// What is refused.
    pub(super) fn refused(problem: Problem) -> Outcome {
        Outcome { answer: Err(problem), replayed: false, shown: None }
    }

    /// Why it was not done, where nothing else is to be said of it.
    pub(super) fn plain_problem(&self) -> Option<&Problem> {
        self.answer.as_ref().err().filter(|_| !self.replayed && self.shown.is_none())
    }
}

/// Messages that are sent, and wait for their answers.
pub(super) struct Sent {
    waiting: Waiting,
    messages: Vec<Asked>,
    places: Vec<Option<Problem>>,
}

impl Batch {
    /// Room for so many.
    ///
    /// # Errors
    /// `bad_value` where that is more than one batch has.
    pub(super) fn of(messages: usize) -> Result<Batch, Problem> {
        Batch::check(messages)?;
        Ok(Batch { messages: Vec::with_capacity(messages), places: Vec::with_capacity(messages) })
    }

    /// Whether one batch has so many.
    ///
    /// # Errors
    /// As for `of`.
    pub(super) fn check(messages: usize) -> Result<(), Problem> {
        if messages <= BATCH_MESSAGES_MAX {
            return Ok(());
        }
        let detail = format!("are {messages}: send at most {BATCH_MESSAGES_MAX} at once");
        Err(Problem::from(Refusal::new(Code::BadValue, "messages", detail)))
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
    pub(super) fn send(mut self, door: &Door, engine: &Engine) -> Sent {
        let noted = self.note(door);
        let Batch { messages, places } = self;
        let answers = engine.send_batch_on(messages.iter().map(|asked| (&asked.message, asked.conditions)));
        Sent { waiting: Waiting(Some((answers, noted))), messages, places }
    }

    /// Notes what is going to be sent, and takes out what is under way already.
    fn note(&mut self, door: &Door) -> Noted {
        let mut noted = door.begun().batch_of(self.messages.len());
        let (mut repeats, mut commands) = (Vec::new(), Commands::default());
        for (place, asked) in self.messages.iter().enumerate() {
            if !begins(&mut noted, &mut commands, asked) {
                repeats.push(place);
            }
        }
        if !repeats.is_empty() {
            self.take_out(door, &repeats);
        }
        noted
    }

    /// Takes these messages out, because each is under way already.
    #[cold]
    fn take_out(&mut self, door: &Door, repeats: &[usize]) {
        let mut waiting = self.places.iter_mut().filter(|place| place.is_none());
        let (mut place, mut tally) = (0, door.tally());
        self.messages.retain(|asked| {
            let (its, repeated) = (waiting.next(), repeats.binary_search(&place).is_ok());
            place += 1;
            if repeated {
                let problem = in_progress();
                Door::tell(&mut tally, asked, problem.parts().0);
                if let Some(its) = its {
                    *its = Some(problem);
                }
            }
            !repeated
        });
    }
}

/// Notes a message that is going to be sent; false where the same is under way already. Nothing is noted of a look.
fn begins<'sent>(
    noted: &mut Noted,
    commands: &mut Commands<'sent>,
    Asked { message, .. }: &'sent Asked,
) -> bool {
    rights::looks(&message.command) || noted.add_message(commands, message)
}

/// What is said of a message whose first one is not answered yet.
pub(super) fn in_progress() -> Problem {
    Problem::new(ProblemCode::InProgress, "", "the same request, with the same key, is under way")
}

/// Waits for answers. Their messages stay noted until those are there, also where nobody waits for them any more.
struct Waiting(Option<(Answers, Noted)>);

impl Waiting {
    /// The answers; none where they take too long.
    async fn replies(mut self) -> Option<Replies> {
        let (answers, _) = self.0.as_mut()?;
        let waited = tokio::time::timeout(Duration::from_millis(ANSWER_MS_MAX), answers.replies()).await;
        if waited.is_ok() {
            self.0 = None;
        }
        waited.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some((mut answers, noted)) = self.0.take().filter(|(_, noted)| !noted.is_empty()) else { return };
        // Where nothing runs any more, nothing is asked again either.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                answers.replies().await;
                drop(noted);
            });
        }
    }
}

/// The problems of refusals one after the other: where one says the same as the one before, as in a rush that is over, both are one.
#[derive(Default)]
struct Problems(Option<(Refusal, Problem)>);

impl Problems {
    fn of(&mut self, refusal: Refusal) -> Problem {
        let says_nothing = |refusal: &Refusal| {
            refusal.field.is_empty() && refusal.detail.is_empty() && refusal.after_seconds == 0
        };
        match &self.0 {
            Some((last, problem))
                if last.code == refusal.code
                    && (says_nothing(last) && says_nothing(&refusal) || *last == refusal) =>
            {
                problem.clone()
            }
            _ => {
                let problem = Problem::from(refusal.clone());
                self.0.insert((refusal, problem)).1.clone()
            }
        }
    }
}

impl Sent {
    /// What was done or why it was not, for each in its place.
    pub(super) async fn answers(self, door: &Door, engine: &Engine) -> Vec<Outcome> {
        let Sent { waiting, messages, places } = self;
        let late = || messages.iter().map(|_| Err(Refusal::of(Code::OutcomeUnknown))).collect();
        let replies = waiting.replies().await;
        let replies = replies.unwrap_or_else(|| Replies { answers: late(), again: Vec::new() });
        let again: HashSet<u32> = replies.again.into_iter().collect();
        let mut answers = (0_u32..).zip(messages.iter().zip(replies.answers));
        let (mut tally, mut outcomes) = (door.tally(), Vec::with_capacity(places.len()));
        let mut problems = Problems::default();
        for problem in places {
            let outcome = match problem {
                Some(problem) => (None, Outcome::refused(problem)),
                None => match answers.next() {
                    Some((place, (asked, answer))) => {
                        let answer = match Door::judged(&mut tally, asked, answer) {
                            Ok(done) => body_of(engine, &asked.message, done).await,
                            Err(refusal) => Err(problems.of(refusal)),
                        };
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
    /// What became of one message, by its answer as the door has judged it, which may be one that was given before.
    pub(super) async fn of(engine: &Engine, asked: &Asked, answer: Answer, replayed: bool) -> Outcome {
        let answer = match answer {
            Ok(done) => body_of(engine, &asked.message, done).await,
            Err(refusal) => Err(Problem::from(refusal)),
        };
        let outcome = Outcome { answer, replayed, shown: None };
        if asked.show.is_empty() {
            return outcome;
        }
        // On the heap: most messages wish to see nothing.
        Box::pin(async {
            let mut outcomes = [(Some(asked), outcome)];
            show(engine, &mut outcomes).await;
            let [(_, outcome)] = outcomes;
            outcome
        })
        .await
    }
}

/// Shows what messages wish to see. What is not there in time is left out: it was done all the same.
async fn show(engine: &Engine, outcomes: &mut [(Option<&Asked>, Outcome)]) {
    let shown = shown::beside(engine, outcomes);
    let _ = tokio::time::timeout(Duration::from_millis(ANSWER_MS_MAX), shown).await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tempfile::TempDir;

    use super::*;
    use crate::server::http;
    use crate::server::identity::{Identity, KeyFile, PasswordFile, Role, Who};
    use crate::server::webhooks::WebhookFile;
    use crate::{Config, Engine};

    /// A door with an open engine, and the folder that both need.
    fn door() -> (Door, TempDir) {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let keys = KeyFile::beside(&data).ring().unwrap();
        let identity = Identity::open(keys, &PasswordFile::beside(&data), 0).unwrap();
        let door = Door::new(identity, WebhookFile::beside(&data));
        door.open(Engine::open(Config::new(&data)).unwrap());
        (door, folder)
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    fn deposit(key: &str, amount: &str) -> String {
        format!(
            r#"{{"idempotency_key":"{key}","command":{{"deposit":{{"account":"eve","amount":"{amount}","currency":"USD"}}}}}}"#
        )
    }

    fn sent(door: &Door, messages: &[String]) -> Sent {
        let (engine, who) = (door.engine().unwrap(), Who::by_session(Role::Operator));
        let mut batch = Batch::of(messages.len()).unwrap();
        for message in messages {
            batch.add(http::parsed(message).and_then(|read| door.message(engine, &who, read)));
        }
        batch.send(door, engine)
    }

    /// What each of some messages is answered: `done`, `replayed` or a code.
    async fn answers(door: &Door, sent: Sent) -> Vec<&'static str> {
        let outcomes = sent.answers(door, door.engine().unwrap()).await;
        let word = |outcome: Outcome| match outcome.answer {
            Ok(_) if outcome.replayed => "replayed",
            Ok(_) => "done",
            Err(problem) => problem.parts().0,
        };
        outcomes.into_iter().map(word).collect()
    }

    /// A door, and the account that deposits go to.
    async fn door_with_an_account() -> (Door, TempDir) {
        let (door, folder) = door();
        let open =
            r#"{"idempotency_key":"open","command":{"open_account":{"account":"eve","currency":"USD"}}}"#;
        assert_eq!(answers(&door, sent(&door, &[open.to_owned()])).await, ["done"]);
        (door, folder)
    }

    #[test]
    fn a_repeat_is_in_progress_until_the_first_is_answered_and_then_replayed() {
        run(a_repeat());
    }

    async fn a_repeat() {
        let (door, _folder) = door_with_an_account().await;
        let look = r#"{"idempotency_key":"look","command":{"show_account":{"account":"eve"}}}"#.to_owned();
        let held = door.engine().unwrap().hold();
        let first = sent(&door, &[deposit("1", "5.00"), look.clone()]);
        let second = sent(&door, &[deposit("1", "5.00"), deposit("2", "1.00"), deposit("2", "1.00")]);
        let third = sent(&door, &[deposit("2", "1.00")]);
        let looked = sent(&door, &[look]);
        let another = sent(&door, &[deposit("1", "6.00")]);
        assert_eq!(answers(&door, third).await, ["in_progress"], "nothing is waited for");
        drop(held);
        assert_eq!(answers(&door, first).await, ["done", "done"]);
        assert_eq!(answers(&door, second).await, ["in_progress", "done", "replayed"]);
        assert_eq!(answers(&door, looked).await, ["done"]);
        assert_eq!(answers(&door, another).await, ["id_reused"]);
        assert_eq!(answers(&door, sent(&door, &[deposit("1", "5.00")])).await, ["replayed"]);
        assert_eq!(door.begun().noted(), 0);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_in_progress_until_it_is_done() {
        run(hung_up());
    }

    async fn hung_up() {
        let (door, _folder) = door_with_an_account().await;
        let held = door.engine().unwrap().hold();
        // Its client has hung up before and while it waits.
        drop(sent(&door, &[deposit("1", "5.00")]));
        {
            let waiting = pin!(answers(&door, sent(&door, &[deposit("2", "5.00")])));
            assert!(waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        for key in ["1", "2"] {
            assert_eq!(answers(&door, sent(&door, &[deposit(key, "5.00")])).await, ["in_progress"]);
        }
        drop(held);
        for _ in 0..60_000 {
            if door.begun().noted() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        assert_eq!(door.begun().noted(), 0, "it stays no longer than a minute");
        for key in ["1", "2"] {
            assert_eq!(answers(&door, sent(&door, &[deposit(key, "5.00")])).await, ["replayed"]);
        }
    }
}
