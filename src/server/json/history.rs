//! What is shown of a history.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::amount::{Amount, SignedAmount, Written};
use super::hex;
use super::time::Time;
use crate::domain::{ActorNumber, Balance, Currency, Direction, Name, Serial, Told};
use crate::{HistoryPage, HistoryRow, Who};

/// A page of a history, newest first.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct HistoryBody {
    data: Vec<EntryBody>,
    next_cursor: Option<String>,
    has_more: bool,
    currency: Currency,
    /// What the account had posted where the page begins: now, or as of the time that was asked about; null of a certificate, and where
    /// the page has not come so far.
    posted: Option<SignedAmount>,
    /// How many entries the chain has now.
    sequence: u64,
    /// Its head now.
    chain_head: String,
}

/// One event of an entry.
#[derive(Debug, JsonSchema, Serialize)]
struct EntryBody {
    /// The number of the entry in its chain, from 1.
    sequence: u64,
    /// Which of the entry's events, from 0.
    part: u32,
    at: Time,
    /// The request on its way that brought it about, by a number of the server's: rows of others that have the same are of the same.
    walk: u64,
    /// What happened, in a stable word.
    #[serde(rename = "type")]
    kind: &'static str,
    amount: Option<Amount>,
    /// Which way it moved what the account has posted; null where it did not.
    #[schemars(extend("enum" = ["in", "out", null]))]
    direction: Option<&'static str>,
    with: Option<WithBody>,
    /// What for, or how, in a stable word.
    detail: Option<&'static str>,
    /// The client's name for what it is about.
    reference: Option<String>,
    /// What the account had posted after it.
    posted: Option<SignedAmount>,
    /// The first 16 digits of the chain's head after the entry.
    chain_head_begins: String,
}

/// Who is on the other side.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum WithBody {
    Account(Name),
    Offering(Name),
    Certificate {
        offering: Name,
        serial: u32,
    },
    /// One that is no more to be named.
    Number(u64),
}

/// The names of those on the other side.
pub(in crate::server) struct Others {
    /// Who is alive.
    pub(in crate::server) alive: BTreeMap<ActorNumber, Who>,
    /// Certificates that have not come to life, with their offering.
    pub(in crate::server) unborn: BTreeMap<ActorNumber, (Name, Serial)>,
}

impl Others {
    fn of(&self, number: ActorNumber) -> WithBody {
        let certificate = |offering: &Name, serial: Serial| WithBody::Certificate {
            offering: offering.clone(),
            serial: serial.0,
        };
        match self.alive.get(&number) {
            Some(Who::Account(name, _)) => WithBody::Account(name.clone()),
            Some(Who::Offering(name, _)) => WithBody::Offering(name.clone()),
            Some(Who::Certificate(offering, serial)) => match self.alive.get(offering) {
                Some(Who::Offering(name, _)) => certificate(name, *serial),
                _ => WithBody::Number(number.0),
            },
            None => match self.unborn.get(&number) {
                Some((offering, serial)) => certificate(offering, *serial),
                None => WithBody::Number(number.0),
            },
        }
    }
}

impl HistoryBody {
    pub(in crate::server) fn of(page: HistoryPage, currency: Currency, others: &Others) -> HistoryBody {
        let written = Written(currency);
        HistoryBody {
            data: page.rows.iter().map(|row| EntryBody::of(row, written, others)).collect(),
            next_cursor: page.next.map(|next| next.to_string()),
            has_more: page.next.is_some(),
            currency,
            posted: page.posted.map(|posted| written.balance(posted)),
            sequence: page.standing.sequence,
            chain_head: hex(&page.standing.head),
        }
    }
}

impl EntryBody {
    fn of(row: &HistoryRow, written: Written, others: &Others) -> EntryBody {
        let told = Told::of(&row.event);
        EntryBody {
            sequence: row.sequence,
            part: row.part,
            at: Time(row.at),
            walk: row.walk.0,
            kind: told.kind,
            amount: row.moved.0.map(|amount| written.money(amount)),
            direction: row.moved.1.map(|direction| match direction {
                Direction::In => "in",
                Direction::Out => "out",
            }),
            with: row.with.map(|number| others.of(number)),
            detail: told.detail.or(row.purpose),
            reference: row.reference.clone(),
            posted: row.posted.map(|posted: Balance| written.balance(posted)),
            chain_head_begins: hex(&row.chain),
        }
    }
}
