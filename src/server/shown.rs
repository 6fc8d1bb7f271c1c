//! What an answer shows beside itself, where its message wishes it: the caller's account, the offering, the certificate, each as it
//! is behind what was done, with its balances and its chain.
//!
//! Absent on purpose: a state at the very moment of the answer; what others have done meanwhile is in it too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::door::{Asked, body_of, holder};
use super::json::{AccountBody, AnswerBody, CertificateBody, OfferingBody};
use crate::Engine;
use crate::domain::{Caller, Command, Message, Name, Serial};

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

/// Shows what a message wishes to see beside its answer.
pub(super) async fn beside(engine: &Engine, asked: &Asked, answer: &AnswerBody) -> Option<Box<ShownBody>> {
    let mut shown = ShownBody::default();
    let looks: Vec<Command> = asked.show.iter().filter_map(|show| look(*show, asked, answer)).collect();
    let messages = looks.iter().map(|command| Message { command: command.clone(), ..asked.message.clone() });
    let answers = engine.send_batch(messages.collect()).await;
    for (command, answer) in looks.into_iter().zip(answers) {
        let Ok(done) = answer else { continue };
        let message = Message { command, ..asked.message.clone() };
        match body_of(engine, &message, done).await {
            Ok(AnswerBody::Account(body)) => shown.account = Some(body),
            Ok(AnswerBody::Offering(body)) => shown.offering = Some(body),
            Ok(AnswerBody::Certificate(body)) => shown.certificate = Some(body),
            _ => {}
        }
    }
    Some(Box::new(shown))
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
