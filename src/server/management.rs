//! What is done to manage a store, a line each: who, by which key, what, on whom, and what came of it.
//!
//! The journal knows as whom something was done, and not by which key. The lines have a target of their own, so that they can be had
//! without all others, and cost nothing where nobody reads them. Absent on purpose: secrets, amounts, and what an account does with what is its own.

use tracing::Level;
use tracing::field::display;

use super::identity::{KeyRing, Who};
use super::json::{CommandBody, Problem};
use super::metrics::DONE;
use crate::domain::Name;

/// An act that is told once it is known what came of it.
pub(super) struct Act {
    who: Who,
    on_behalf_of: Option<Name>,
    act: &'static str,
    /// What it is done to: an account, a merchant, a payment certificate, a webhook.
    on: String,
}

impl Act {
    /// An act by whoever sends it; none where nobody reads of it.
    pub(super) fn begin(who: &Who, act: &'static str, on: &str) -> Option<Act> {
        // A part of a path may be long.
        let on = || on.chars().take(SHOWN_MAX).collect();
        is_read().then(|| Act { who: who.clone(), on_behalf_of: None, act, on: on() })
    }

    /// The act that a command is, where it is one of management.
    pub(super) fn of_command(
        who: &Who,
        on_behalf_of: Option<&Name>,
        act: &'static str,
        command: &CommandBody,
    ) -> Option<Box<Act>> {
        if !is_read() {
            return None;
        }
        let (who, on) = (who.clone(), managed(command)?);
        Some(Box::new(Act { who, on_behalf_of: on_behalf_of.cloned(), act, on }))
    }

    /// The same, done to something that is known only now.
    pub(super) fn on(mut self, on: &str) -> Act {
        on.clone_into(&mut self.on);
        self
    }

    /// Tells what came of it: `done`, or a code.
    pub(super) fn told(&self, outcome: &str) {
        let Act { who, on_behalf_of, act, on } = self;
        let (key, account) = (who.key(), who.role.account().map(display));
        tracing::info!(
            target: TARGET,
            act,
            on,
            outcome,
            key,
            role = who.role.text(),
            account,
            on_behalf_of = on_behalf_of.as_ref().map(display),
            "managed"
        );
    }

    /// Tells what came of it, done or not.
    pub(super) fn ended<T>(&self, outcome: Result<&T, &Problem>) {
        self.told(outcome.map_or_else(|problem| problem.parts().0, |_| DONE));
    }
}

/// The target of these lines.
const TARGET: &str = "hongbao::management";

/// So many characters are shown of what it is done to.
const SHOWN_MAX: usize = 200;

fn is_read() -> bool {
    tracing::enabled!(target: TARGET, Level::INFO)
}

/// Tells which keys count from now on, and which no more: whoever makes and revokes them is on this machine.
pub(super) fn keys_changed(before: &KeyRing, now: &KeyRing) {
    let tell = |act: &'static str, these: &KeyRing, others: &KeyRing| {
        for (key, role) in these.without(others) {
            let account = role.account().map(display);
            tracing::info!(target: TARGET, act, on = key, role = role.text(), account, "managed");
        }
    };
    tell("key_created", now, before);
    tell("key_revoked", before, now);
}

/// What a command manages: what only the institution may do, and closing.
fn managed(command: &CommandBody) -> Option<String> {
    let name = match command {
        CommandBody::Deposit { account, .. }
        | CommandBody::CashOut { account, .. }
        | CommandBody::SetCreditLimit { account, .. }
        | CommandBody::Freeze { account }
        | CommandBody::Unfreeze { account }
        | CommandBody::Close { account } => account,
        CommandBody::RegisterMerchant { merchant, .. } | CommandBody::UnregisterMerchant { merchant } => {
            merchant
        }
        CommandBody::ReleasePayment { issuer, payment, .. }
        | CommandBody::VoidPayment { issuer, payment } => {
            return Some(format!("{issuer}/{payment}"));
        }
        _ => return None,
    };
    Some(name.to_string())
}
