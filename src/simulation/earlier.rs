//! What was sent before, to be pointed at by what is sent next.

use super::acts::Sent;
use crate::domain::{
    Caller, Command, Done, GiftCommand, MandateCommand, MerchantCommand, Message, TransferCommand,
};

/// One of the messages sent before whose command is such and that was not refused, and who sent it.
pub(super) fn pick(
    sent: &[Sent],
    which: usize,
    wanted: impl Fn(&Command) -> bool,
) -> Option<(String, &Message)> {
    let (message, _) = pick_sent(sent, which, wanted)?;
    match &message.caller {
        Caller::Account(name) => Some((name.as_str().to_owned(), message)),
        Caller::FundsManagement => None,
    }
}

pub(super) fn pick_sent(
    sent: &[Sent],
    which: usize,
    wanted: impl Fn(&Command) -> bool,
) -> Option<(&Message, Option<&Done>)> {
    let such: Vec<_> = sent
        .iter()
        .filter(|(message, answer, _)| wanted(&message.command) && !matches!(answer, Some(Err(_))))
        .map(|(message, answer, _)| (message, answer.as_ref().and_then(|answer| answer.as_ref().ok())))
        .collect();
    such.iter().rev().nth(which % such.len().max(1)).copied()
}

/// Offering and serial of a purchase.
pub(super) fn bought_before(sent: &[Sent], which: usize, serial: u32) -> Option<(String, u32)> {
    let buys =
        |command: &Command| matches!(command, Command::Purchase { .. } | Command::PayReservation { .. });
    let (message, done) = pick_sent(sent, which, buys)?;
    let (offering, named) = match &message.command {
        Command::Purchase { offering, serial, .. } => (offering, *serial),
        Command::PayReservation { offering, serial } => (offering, Some(*serial)),
        _ => return None,
    };
    let serial = match done {
        Some(Done::Purchased(purchased)) => purchased.serial.0,
        _ => named.map_or(serial, |named| named.0),
    };
    Some((offering.as_str().to_owned(), serial))
}

pub(super) fn reserved_before(
    sent: &[Sent],
    which: usize,
    serial: u32,
    make: fn(&str, &str, u32) -> Message,
) -> Option<Message> {
    let (message, done) = pick_sent(sent, which, |command| matches!(command, Command::Reserve { .. }))?;
    let Command::Reserve { offering, serial: named, .. } = &message.command else { return None };
    let Caller::Account(buyer) = &message.caller else { return None };
    let serial = match done {
        Some(Done::Reserved { serial, .. }) => serial.0,
        _ => named.map_or(serial, |named| named.0),
    };
    Some(make(buyer.as_str(), offering.as_str(), serial))
}

pub(super) fn begun(sent: &[Sent], which: usize) -> Option<(String, String)> {
    let begins = |command: &Command| matches!(command, Command::Transfer(TransferCommand::Begin { .. }));
    let (from, message) = pick(sent, which, begins)?;
    Some((from, message.request_id.as_str().to_owned()))
}

/// Donor, id, recipient and the whole command.
pub(super) fn given(sent: &[Sent], which: usize) -> Option<(String, String, String, &GiftCommand)> {
    let gives = |command: &Command| matches!(command, Command::Gift(GiftCommand::Give { .. }));
    let (donor, message) = pick(sent, which, gives)?;
    match &message.command {
        Command::Gift(give @ GiftCommand::Give { recipient, .. }) => {
            let id = message.request_id.as_str().to_owned();
            Some((donor, id, recipient.as_str().to_owned(), give))
        }
        _ => None,
    }
}

/// The reference of an order.
pub(super) fn withheld(sent: &[Sent], which: usize) -> Option<String> {
    let withholds =
        |command: &Command| matches!(command, Command::Merchant(MerchantCommand::Withhold { .. }));
    match &pick_sent(sent, which, withholds)?.0.command {
        Command::Merchant(MerchantCommand::Withhold { order, .. }) => Some(order.as_str().to_owned()),
        _ => None,
    }
}

pub(super) fn granted(sent: &[Sent], which: usize) -> Option<(String, String)> {
    let grants = |command: &Command| matches!(command, Command::Mandate(MandateCommand::Grant { .. }));
    let (recipient, message) = pick(sent, which, grants)?;
    Some((recipient, message.request_id.as_str().to_owned()))
}
