//! Who comes too late: a purchase of any certificate of an offering of which everything is sold.
//!
//! Absent on purpose: when that is so. The offering says it (`domain::SoldOut`), and the directory keeps it.

use std::sync::Arc;

use super::Door;
use super::checks::party_of;
use crate::actors::AccountEntry;
use crate::domain::{
    Code, Command, Message, Name, PaidFrom, Refusal, RequestKey, SoldOut, Status, Timestamp, Via,
};

/// Messages one after the other; where one is for the same offering as the one before, as in a rush, what is known of it is there
/// already.
#[derive(Default)]
pub(in crate::engine) struct TurningAway<'sent> {
    last: Option<(&'sent Name, Option<Arc<SoldOut>>)>,
}

impl<'sent> TurningAway<'sent> {
    /// As `Door::turns_away`, of an account that was looked up right before.
    pub(in crate::engine) fn refusal(
        &mut self,
        door: &Door,
        sender: Option<AccountEntry>,
        message: &'sent Message,
        now: Timestamp,
    ) -> Option<Refusal> {
        let Command::Purchase { offering, serial: None, via: Via::Public, paid_from: PaidFrom::Available } =
            &message.command
        else {
            return None;
        };
        let sold_out = match &self.last {
            Some((last, sold_out)) if *last == offering => sold_out,
            _ => &self.last.insert((offering, door.common.directory.sold_out(offering))).1,
        };
        let sold_out = sold_out.as_deref()?;
        let buyer = sender.filter(|entry| entry.status == Status::Open)?;
        let key = RequestKey { caller: buyer.number, id: message.request_id.clone() };
        sold_out.turns_away(&key, party_of(buyer), now).then(|| Refusal::of(Code::SoldOut))
    }
}
