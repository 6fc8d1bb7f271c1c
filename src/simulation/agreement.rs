//! Whether the model agrees with what the engine has answered and with what there is now.
//!
//! What was under way together may have been decided in any order, so every order is tried until one gives all the
//! answers. What was refused has changed nothing in any of them.

use std::collections::BTreeSet;

use super::model::{Model, Verdict};
use super::shown::Shown;
use crate::domain::{Answer, Command, Done, Message};

/// Something that has happened since all was quiet before.
#[derive(Clone)]
pub(crate) enum Happened {
    /// A message was carried out.
    Done(Box<CarriedOut>),
    /// The clock has moved on.
    Clock(u64),
}

/// A message that was carried out.
#[derive(Clone)]
pub(crate) struct CarriedOut {
    pub(crate) message: Message,
    /// When it was decided: at one of these times, or at one that the clock has come to meanwhile.
    pub(crate) at: BTreeSet<u64>,
    pub(crate) done: Done,
}

/// More orders than that are not tried: then it is said that there may be one.
const TRIES_MAX: u64 = 200_000;

struct Search<'search> {
    happened: &'search [Happened],
    clocks: BTreeSet<u64>,
    shown: &'search Shown,
    alone: bool,
    tries: u64,
    /// How far the best order has come, and what was wrong then.
    best: (usize, String),
}

/// The model behind what has happened, in an order that gives these answers and ends with what is shown.
///
/// # Errors
/// What is wrong with the order that comes furthest.
pub(crate) fn agree(
    model: &Model,
    happened: &[Happened],
    shown: &Shown,
    alone: bool,
) -> Result<Model, String> {
    let clocks = happened.iter().filter_map(|happened| match happened {
        Happened::Clock(at) => Some(*at),
        Happened::Done(_) => None,
    });
    let mut search = Search {
        happened,
        clocks: clocks.collect(),
        shown,
        alone,
        tries: 0,
        best: (0, "nothing was tried".to_owned()),
    };
    let left: Vec<usize> = (0..happened.len()).collect();
    search.go(model.clone(), &left).ok_or_else(|| {
        let clocks: Vec<&u64> = search.clocks.iter().collect();
        format!(
            "{}{} (of {} that were carried out, the clock going from {} to {clocks:?})",
            search.best.1,
            if search.tries > TRIES_MAX { "; not every order was tried" } else { "" },
            happened.len() - clocks.len(),
            model.clock()
        )
    })
}

impl Search<'_> {
    fn go(&mut self, model: Model, left: &[usize]) -> Option<Model> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return None;
        }
        if left.is_empty() {
            let differences = model.shown().differences(self.shown);
            if differences.is_empty() {
                return Some(model);
            }
            self.fails(left, || {
                format!("the model's word and the engine's differ:\n  {}", differences.join("\n  "))
            });
            return None;
        }
        let mut clock_seen = false;
        for (place, index) in left.iter().enumerate() {
            let rest: Vec<usize> = left
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .map(|(_, index)| *index)
                .collect();
            match &self.happened[*index] {
                // The clock goes in its order.
                Happened::Clock(_) if clock_seen => {}
                Happened::Clock(at) => {
                    clock_seen = true;
                    let mut next = model.clone();
                    next.pass(*at);
                    if let Some(found) = self.go(next, &rest) {
                        return Some(found);
                    }
                }
                Happened::Done(carried_out) => {
                    let CarriedOut { message, at, done } = &**carried_out;
                    // Where the clock has moved on meanwhile, what it has brought about at an actor may have come first: then
                    // the message is as late as that.
                    let first = at.first().copied().unwrap_or(0);
                    let later = if self.clocks.is_empty() { 0..0 } else { first..model.clock() + 1 };
                    let ahead = self.may_be_ahead(message, &rest, model.clock());
                    let times = at.iter().copied().filter(|at| ahead || *at <= model.clock()).chain(later);
                    for now in times {
                        let (verdict, mut next) = model.decide(message, now, Some(done), self.alone);
                        let agrees = match &verdict {
                            Verdict::Done(said) | Verdict::Maybe(said) => said.is(done, self.alone),
                            Verdict::Refused(_) => false,
                        };
                        if !agrees {
                            self.fails(left, || {
                                format!(
                                    "the model says {verdict:?} at {now}, and the engine {done:?}, to {message:?} (sent at {at:?})"
                                )
                            });
                            continue;
                        }
                        // What has ended at that very time ends before anything else.
                        let clock = next.clock();
                        next.pass(clock);
                        if let Some(found) = self.go(next, &rest) {
                            return Some(found);
                        }
                    }
                }
            }
        }
        None
    }

    /// True for a message that may be decided before the clock has moved on to its time: it is its certificate's alone, and something
    /// is under way that began before, whose walk keeps that time. A purchase that began before its reservation ended reaches the
    /// certificate afterwards, and a circulation may be there first.
    fn may_be_ahead(&self, message: &Message, rest: &[usize], clock: u64) -> bool {
        let began_before = |index: &usize| match &self.happened[*index] {
            Happened::Done(other) => other.at.first().is_some_and(|at| *at <= clock),
            Happened::Clock(_) => false,
        };
        matches!(message.command, Command::Circulate { serial: Some(_), .. }) && rest.iter().any(began_before)
    }

    fn fails(&mut self, left: &[usize], why: impl FnOnce() -> String) {
        let come = 1 + self.happened.len() - left.len();
        if come >= self.best.0 {
            self.best = (come, why());
        }
    }
}

/// Whether the model agrees with the refusal of a message that was alone under way.
///
/// # Errors
/// What it says instead.
pub(crate) fn refuses(
    model: &Model,
    message: &Message,
    at: &BTreeSet<u64>,
    answer: &Answer,
) -> Result<(), String> {
    let mut said = None;
    for now in at {
        let (verdict, _) = model.decide(message, *now, None, true);
        if verdict.is(answer) {
            return Ok(());
        }
        said.get_or_insert((verdict, *now));
    }
    match said {
        None => Err("it has no time".to_owned()),
        Some((verdict, now)) => {
            Err(format!("the model says {verdict:?} at {now}, and the engine {answer:?}, to {message:?}"))
        }
    }
}
