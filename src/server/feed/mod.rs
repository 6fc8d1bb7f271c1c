//! The feed as others read it: each fact an event in the form of CloudEvents 1.0, with names, and only to whom it concerns.
//!
//! Absent on purpose: keeping anything. What is told is read from the journal, and the reader keeps its place.

mod body;
mod known;

pub(super) use body::EventBody;
pub(super) use known::Known;

use super::identity::Role;
use crate::domain::{ActorNumber, Name};
use body::TYPES;

/// What somebody wants to be told of.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Of these types; of all where there are none.
    pub(super) types: Vec<String>,
    /// Of subjects that begin so.
    pub(super) subject: String,
    /// Only what concerns this account.
    pub(super) account: Option<Name>,
}

impl Wanted {
    /// The same, for whom a role speaks.
    pub(super) fn for_role(self, role: &Role) -> Wanted {
        Wanted { account: role.account().cloned().or(self.account), ..self }
    }

    /// True where an event is wanted that concerns these accounts.
    pub(super) fn has(&self, event: &EventBody, concerned: &[ActorNumber], own: Option<ActorNumber>) -> bool {
        let concerns = self.account.is_none() || own.is_some_and(|own| concerned.contains(&own));
        let of_type = self.types.is_empty() || self.types.iter().any(|wanted| *wanted == event.kind);
        concerns && of_type && event.subject.starts_with(&self.subject)
    }
}

/// What is wrong with the types that somebody wants, where one of them is none.
pub(super) fn wrong_types(types: &[String]) -> Option<String> {
    let unknown = types.iter().find(|kind| !TYPES.contains(&kind.as_str()))?;
    let unknown: String = unknown.chars().take(100).collect();
    Some(format!("has {unknown:?}: give some of {}", TYPES.join(", ")))
}
