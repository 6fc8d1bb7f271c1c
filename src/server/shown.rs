//! What an answer shows beside itself, where its message wishes it: the caller's account, the offering, the certificate, each as it
//! is behind what was done, with its balances and its chain.
//!
//! Absent on purpose: a state at the very moment of the answer; what others have done meanwhile is in it too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::Outcome;
use super::door::{Asked, body_of, holder};
use super::json::{AccountBody, AnswerBody, CertificateBody, OfferingBody, Problem, ProblemCode};
use crate::Engine;
use crate::domain::{Caller, Command, Message, Name, Serial};
use crate::limits::BATCH_MESSAGES_MAX;

/// What an answer is to show beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Show {
    /// The account that has sent the message, or whose money the institution has moved.
    Account,
    /// The offering that the message is about.
    Offering,
    /// The certificate that the message is about.
    Certificate,
}

/// What is to be shown, each once.
///
/// # Errors
/// `malformed`, where something is there twice.
pub(super) fn each_once(show: Vec<Show>) -> Result<Vec<Show>, Problem> {
    for (place, one) in show.iter().enumerate() {
        if show[..place].contains(one) {
            return Err(Problem::new(ProblemCode::Malformed, "show", "says the same twice: say it once"));
        }
    }
    Ok(show)
}

/// What is shown beside an answer; what cannot be shown is left out.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub(super) struct ShownBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Box<AccountBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offering: Option<Box<OfferingBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Box<CertificateBody>>,
}

/// Shows what messages wish to see beside their answers, all of it asked together.
pub(super) async fn beside(engine: &Engine, outcomes: &mut [(Option<&Asked>, Outcome)]) {
    let mut wished = Vec::new();
    for (place, (asked, outcome)) in outcomes.iter().enumerate() {
        let (Some(asked), Ok(answer)) = (*asked, &outcome.answer) else { continue };
        for show in &asked.show {
            wished.extend(look(*show, asked, answer).map(|command| (place, asked, command)));
        }
    }
    for part in wished.chunks(BATCH_MESSAGES_MAX) {
        let looks = part.iter().map(|(_, asked, command)| message(asked, command));
        let answers = engine.send_batch(looks.collect()).await;
        for ((place, asked, command), answer) in part.iter().zip(answers) {
            let (Ok(done), Some((_, outcome))) = (answer, outcomes.get_mut(*place)) else { continue };
            let shown = outcome.shown.get_or_insert_default();
            match body_of(engine, &message(asked, command), done).await {
                Ok(AnswerBody::Account(body)) => shown.account = Some(body),
                Ok(AnswerBody::Offering(body)) => shown.offering = Some(body),
                Ok(AnswerBody::Certificate(body)) => shown.certificate = Some(body),
                _ => {}
            }
        }
    }
}

fn message(asked: &Asked, command: &Command) -> Message {
    Message { command: command.clone(), ..asked.message.clone() }
}

/// The look that shows it, where the message names it.
fn look(show: Show, asked: &Asked, answer: &AnswerBody) -> Option<Command> {
    let command = &asked.message.command;
    let offering = || named(command).map(|(offering, _)| offering.clone());
    match show {
        Show::Account => {
            let account = match &asked.message.caller {
                Caller::Account(own) => own,
                Caller::FundsManagement => holder(command, &Caller::FundsManagement)?.1,
            };
            Some(Command::ShowAccount { account: account.clone() })
        }
        Show::Offering => Some(Command::ShowOffering { offering: offering()? }),
        Show::Certificate => {
            let serial = answer.serial().map(Serial).or(named(command)?.1)?;
            Some(Command::ShowCertificate { offering: offering()?, serial, from_hop: 1 })
        }
    }
}

/// The offering that a command names, and the serial where it names one.
fn named(command: &Command) -> Option<(&Name, Option<Serial>)> {
    match command {
        Command::Issue { offering, .. }
        | Command::Publish { offering, .. }
        | Command::AttachCommission { offering, .. } => Some((offering, None)),
        Command::Circulate { offering, serial, .. }
        | Command::Purchase { offering, serial, .. }
        | Command::Reserve { offering, serial, .. } => Some((offering, *serial)),
        Command::TopUp { offering, serial, .. }
        | Command::Acquire { offering, serial }
        | Command::PayReservation { offering, serial }
        | Command::CancelReservation { offering, serial }
        | Command::Refund { offering, serial } => Some((offering, Some(*serial))),
        _ => None,
    }
}
