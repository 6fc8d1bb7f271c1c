//! What is done to manage a store, a line each: who, by which key, what, on whom, and what came of it.
//!
//! The journal knows as whom something was done, and not by which key. The lines have a target of their own, so that they can be had
//! without all others, and cost nothing where nobody reads them. Absent on purpose: secrets, amounts, and what an account does with what is its own.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{Level, Span};

use super::identity::{KeyRing, Who};
use super::json::{CommandBody, Problem, ProblemCode};
use super::metrics::DONE;
use crate::domain::{Code, Name};

/// An act that is told once it is known what came of it, and as `outcome_unknown` where nobody waits for that any more.
pub(super) struct Act {
    who: Who,
    on_behalf_of: Option<Name>,
    act: &'static str,
    /// What it is done to: an account, a merchant, a payment certificate, a webhook.
    on: String,
    /// The request that it is part of: what came of it may be told by somebody else.
    span: Span,
    is_told: AtomicBool,
}

impl Act {
    /// An act by whoever sends it; none where nobody reads of it.
    pub(super) fn begin(who: &Who, on_behalf_of: Option<Name>, act: &'static str, on: &str) -> Option<Act> {
        is_read().then(|| Act::new(who, on_behalf_of, act, shown(on)))
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
        let on = managed(command)?;
        Some(Box::new(Act::new(who, on_behalf_of.cloned(), act, on)))
    }

    fn new(who: &Who, on_behalf_of: Option<Name>, act: &'static str, on: String) -> Act {
        Act {
            who: who.clone(),
            on_behalf_of,
            act,
            on,
            span: Span::current(),
            is_told: AtomicBool::new(false),
        }
    }

    /// It is done to this, which is known only now.
    pub(super) fn is_on(&mut self, on: &str) {
        self.on = shown(on);
    }

    /// Tells what came of it: `done`, or a code. What is above its rate is counted and not told: the rate would not bound the log.
    pub(super) fn told(&self, outcome: &str) {
        let was_told = self.is_told.swap(true, Ordering::Relaxed);
        if was_told || outcome == ProblemCode::TooFast.text() {
            return;
        }
        let Act { who, on_behalf_of, act, on, span, .. } = self;
        let _within = span.enter();
        let key = who.key();
        // As text, so that a log of text puts names in quotation marks, and none can be read as other fields.
        let account = who.role.account().map(Name::as_str);
        tracing::info!(
            target: TARGET,
            act,
            on,
            outcome,
            key,
            role = who.role.text(),
            account,
            on_behalf_of = on_behalf_of.as_ref().map(Name::as_str),
            "managed"
        );
    }

    /// Tells what came of it, done or not.
    pub(super) fn ended<T>(&self, outcome: Result<&T, &Problem>) {
        self.told(outcome.map_or_else(|problem| problem.parts().0, |_| DONE));
    }
}

impl Drop for Act {
    fn drop(&mut self) {
        self.told(Code::OutcomeUnknown.text());
    }
}

/// The target of these lines.
const TARGET: &str = "hongbao::management";

/// So many characters are shown of what it is done to.
const SHOWN_MAX: usize = 200;

/// The beginning of what may be any client's text, such as a part of a path.
fn shown(on: &str) -> String {
    on.chars().take(SHOWN_MAX).collect()
}

fn is_read() -> bool {
    tracing::enabled!(target: TARGET, Level::INFO)
}

/// Tells which keys count from now on, and which no more: whoever makes and revokes them is on this machine.
pub(super) fn keys_changed(before: &KeyRing, now: &KeyRing) {
    let tell = |act: &'static str, these: &KeyRing, others: &KeyRing| {
        for (key, role) in these.without(others) {
            let account = role.account().map(Name::as_str);
            tracing::info!(target: TARGET, act, on = key, role = role.text(), account, "managed");
        }
    };
    tell("key_created", now, before);
    tell("key_revoked", before, now);
}

/// What a command manages: what only the institution may do, and closing.
fn managed(command: &CommandBody) -> Option<String> {
    let name = match command {
        // A first deposit and a credit limit are the institution's to give, as they are later.
        CommandBody::OpenAccount { account, deposit, credit_limit, .. }
            if !(deposit.is_nothing() && credit_limit.is_nothing()) =>
        {
            account
        }
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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::super::identity::Role;
    use super::*;

    /// What is logged, as text.
    #[derive(Clone, Default)]
    struct Logged(Arc<Mutex<Vec<u8>>>);

    impl Write for Logged {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(acts: impl FnOnce()) -> Vec<String> {
        let logged = Logged::default();
        let writer = logged.clone();
        let logger = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(logger, acts);
        let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn account(name: &str) -> Who {
        Who::by_session(Role::Account { account: Name::new(name).unwrap() })
    }

    #[test]
    fn what_nobody_waits_for_is_told_and_each_act_once() {
        let lines = logged(|| {
            let begin = |act| Act::begin(&account("eve"), None, act, "eve").unwrap();
            drop(begin("close"));
            begin("freeze").told("done");
            begin("unfreeze").told("too_fast");
            let deposit = begin("deposit");
            deposit.told("not_allowed");
            deposit.told("done");
        });
        let told = |act: &str, outcome: &str| format!("act=\"{act}\" on=\"eve\" outcome=\"{outcome}\"");
        let expected =
            [told("close", "outcome_unknown"), told("freeze", "done"), told("deposit", "not_allowed")];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.contains(&expected), "{expected}: {line}");
        }
    }

    #[test]
    fn no_name_can_be_read_as_other_fields() {
        let name = "x act=\"freeze\" on=\"eve\"";
        let lines = logged(|| {
            let own = Some(Name::new(name).unwrap());
            Act::begin(&account(name), own, "close", name).unwrap().told("done");
        });
        let [line] = &*lines else { panic!("{lines:?}") };
        for field in ["on", "account", "on_behalf_of"] {
            assert!(line.contains(&format!(" {field}={name:?}")), "{field}: {line}");
        }
        assert!(!line.contains(" act=\"freeze\""), "{line}");
    }
}
