//! An actor's history: the entries of its chain, read backwards out of the journal's files.
//!
//! A shard is only asked where the newest record is; from there each record names the one before. How far back that reaches is how
//! much of the journal is kept. Absent on purpose: who may read what, and any index.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::entry::{HistoryRow, Read, WantedRows};
use super::open::Engine;
use super::readers::Reading;
use crate::actors::{Departing, House, Permit, Shards, shard_of};
use crate::domain::chain::{self, Head};
use crate::domain::{
    ActorNumber, Balance, Code, Currency, Name, Position, Refusal, Resident, Serial, Timestamp,
    posted_before, purpose,
};
use crate::journal::record;
use crate::journal::{Journal, JournalError};
use crate::limits::{
    HISTORY_BYTES_MAX, NAMES_PER_VISIT, PAGE_ENTRIES_MAX, RECEIPT_ENTRIES_MAX, RECEIPT_EVENTS_BYTES_MAX,
    RECEIPT_READ_BYTES_MAX,
};
use crate::receipt::{self, Entry, ReceiptError};

/// Where an actor's chain stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its newest record; 0 where it has none.
    pub position: Position,
    /// How many entries its chain has.
    pub sequence: u64,
    /// The head of its chain.
    pub head: Head,
    /// What it has posted, where it is an account.
    pub posted: Option<Balance>,
}

/// Who has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An account.
    Account(Name, Currency),
    /// An offering.
    Offering(Name, Currency),
    /// A certificate: its offering and its serial there.
    Certificate(ActorNumber, Serial),
}

/// What is asked of a history. The default asks for nothing: say how many rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The most rows, at most `limits::PAGE_ENTRIES_MAX`.
    pub most: usize,
    /// Where a page before has ended.
    pub after: Option<HistoryCursor>,
    /// Only what had happened by then.
    pub as_of: Option<Timestamp>,
}

/// A page of a history, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// The rows. There may be fewer than were asked for, or none, and still a next page.
    pub rows: Vec<HistoryRow>,
    /// Where the next page begins; none behind the oldest row.
    pub next: Option<HistoryCursor>,
    /// What the account had posted where the page begins: now, or as of the time that was asked about. None where the page has not
    /// come so far, and where it had not begun.
    pub posted: Option<Balance>,
    /// Where the chain stands now.
    pub standing: Standing,
}

/// A place in a history. It stays good as long as the journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryCursor {
    /// The record that was told last.
    position: Position,
    /// Everything of it from this event on was told.
    part: u32,
    /// What the account had posted before that.
    posted: Option<Balance>,
}

/// The text is no place in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the next_cursor of a page of this history: leave it out to begin anew")]
pub struct NotACursor;

impl fmt::Display for HistoryCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.", self.position.0, self.part)?;
        match self.posted {
            Some(posted) => write!(formatter, "{}", posted.minor()),
            None => formatter.write_str("x"),
        }
    }
}

impl FromStr for HistoryCursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<HistoryCursor, NotACursor> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NotACursor);
        let (position, part, posted) = (next()?, next()?, next()?);
        let cursor = HistoryCursor {
            position: Position(position.parse().map_err(|_| NotACursor)?),
            part: part.parse().map_err(|_| NotACursor)?,
            posted: match posted {
                "x" => None,
                minor => Some(Balance::from_minor(minor.parse().map_err(|_| NotACursor)?)),
            },
        };
        // One text for each: `+1` is none.
        if parts.next().is_none() && cursor.to_string() == text { Ok(cursor) } else { Err(NotACursor) }
    }
}

/// A history cannot be read from there.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// What was before is kept no more.
    #[error("{}", lapsed(*oldest))]
    Lapsed {
        /// The oldest entry that is kept; none where that is not known, or nothing is.
        oldest: Option<u64>,
    },
    /// The cursor is of another history, or of none.
    #[error(transparent)]
    NotACursor(#[from] NotACursor),
    /// There is more of it than is read at once.
    #[error(
        "the chain has {entries} entries, more than are read for this: at most {entries_max}, {bytes_max} bytes of events, and \
             so much of the journal as {read_max} bytes"
    )]
    TooLong {
        /// How many it has.
        entries: u64,
        /// How many it may have.
        entries_max: usize,
        /// How many bytes their events may have.
        bytes_max: usize,
        /// How much may be read for it.
        read_max: u64,
    },
    /// A receipt would tell the seed of draws that are still to come.
    #[error(
        "the receipt would tell the seed of draws that are still to come in this offering: ask again once all of it is sold, or its \
         commission's time is over"
    )]
    DrawsOpen,
    /// The chain is none of which a receipt can be made: a bug of ours.
    #[error("no receipt can be made: it {0}")]
    Receipt(#[from] ReceiptError),
    /// The engine could not look.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn lapsed(oldest: Option<u64>) -> String {
    match oldest {
        Some(oldest) => format!(
            "what was before entry {oldest} is kept no more, it is the oldest that is: a server keeps more with --archive"
        ),
        None => "what was asked for is kept no more: a server keeps more with --archive".to_owned(),
    }
}

/// A reader of one actor's history. It reads files, so it belongs on a thread that may wait.
pub struct History {
    number: ActorNumber,
    asked: Receiver<Result<Standing, JournalError>>,
    /// What the shard has answered, once that is durable.
    standing: Option<Standing>,
    shards: Arc<Shards>,
    journal: Arc<Journal<Departing>>,
    reading: Reading,
    wanted: WantedRows,
    _permit: Permit,
}

impl Engine {
    /// The history of whatever has a number, as it is when this is asked.
    ///
    /// # Errors
    /// `overloaded` and `stopped`, where the engine could not look.
    pub fn history(&self, number: ActorNumber) -> Result<History, Refusal> {
        let (permit, reading) = (self.admit()?, self.readers().begin()?);
        let (shards, journal) = (Arc::clone(self.shards()), Arc::clone(self.journal()));
        let shard = shard_of(number, shards.count());
        let asked = shards.visit(shard, move |house| standing(house, number));
        let wanted = WantedRows::default();
        Ok(History { number, asked, standing: None, shards, journal, reading, wanted, _permit: permit })
    }
}

fn standing(house: &mut House, number: ActorNumber) -> Result<Standing, JournalError> {
    let room = house.look_at(number)?;
    let nothing = Standing { head: chain::origin(number), ..Standing::default() };
    Ok(room.map_or(nothing, |room| Standing {
        position: room.position(),
        sequence: room.sequence,
        head: room.head,
        posted: match &room.resident {
            Resident::Account(account) => Some(account.posted()),
            _ => None,
        },
    }))
}

fn who(house: &mut House, number: ActorNumber) -> Result<Option<Who>, JournalError> {
    Ok(house.look_at(number)?.map(|room| match &room.resident {
        Resident::Account(account) => Who::Account(account.name().clone(), account.currency()),
        Resident::Offering(offering) => {
            let offer = offering.offer();
            Who::Offering(offer.name.clone(), offer.currency)
        }
        Resident::Certificate(certificate) => {
            let birth = certificate.birth();
            Who::Certificate(birth.offering, birth.serial)
        }
    }))
}

impl History {
    /// Where the chain stands, once that is durable.
    ///
    /// # Errors
    /// `stopped`, where the engine has ended; what the journal gives.
    pub fn standing(&mut self) -> Result<Standing, HistoryError> {
        if let Some(standing) = self.standing {
            return Ok(standing);
        }
        let standing = self.asked.recv().map_err(|_| Refusal::of(Code::Stopped))??;
        self.journal.wait_durable(standing.position).map_err(|_| Refusal::of(Code::Stopped))?;
        self.standing = Some(standing);
        Ok(standing)
    }

    /// The same, of which only these rows are wanted.
    #[must_use]
    pub fn only(self, wanted: WantedRows) -> History {
        History { wanted, ..self }
    }

    /// A page, newest first, of the history as it was when it was asked for.
    ///
    /// # Errors
    /// `Lapsed`, where there is nothing to tell because it is kept no more; `NotACursor`; `bad_value` where no row is asked for; what
    /// reading gives.
    pub fn page(&mut self, asked: &HistoryQuery) -> Result<HistoryPage, HistoryError> {
        if asked.most == 0 {
            return Err(Refusal::new(Code::BadValue, "limit", "is 0: ask for one row at least").into());
        }
        let most = asked.most.min(PAGE_ENTRIES_MAX);
        let standing = self.standing()?;
        let mut page = HistoryPage { rows: Vec::new(), next: None, posted: None, standing };
        if standing.position == Position(0) {
            return Ok(page);
        }
        let (mut position, mut parts, mut posted) = match asked.after {
            None => (standing.position, usize::MAX, standing.posted),
            Some(HistoryCursor { position, .. }) if position > standing.position || position.0 == 0 => {
                return Err(NotACursor.into());
            }
            Some(after) => (after.position, after.part as usize, after.posted),
        };
        self.reading.reader()?;
        let (begun, mut oldest, mut is_at_beginning) = (self.reading.bytes_read(), None, true);
        loop {
            let after = asked.after.filter(|after| after.position == position);
            let record = match self.read(position) {
                Ok(record) => record,
                Err(HistoryError::Lapsed { .. }) if page.rows.is_empty() => {
                    return Err(HistoryError::Lapsed { oldest });
                }
                // The next page says it.
                Err(HistoryError::Lapsed { .. }) => return Ok(page),
                Err(HistoryError::NotACursor(_)) if after.is_none() => return Err(self.broken(position)),
                Err(error) => return Err(error),
            };
            if after.is_some_and(|after| after.part as usize > record.events.len()) {
                return Err(NotACursor.into());
            }
            let happened = asked.as_of.is_none_or(|as_of| record.at <= as_of);
            for part in (0..record.events.len().min(parts)).rev() {
                let before = posted.and_then(|after| posted_before(after, &record.events, part));
                if happened {
                    page.posted = if is_at_beginning { posted } else { page.posted };
                    is_at_beginning = false;
                    let row = record.row(part, posted);
                    if self.wanted.has(&row) {
                        page.rows.push(self.with_its_cause(&record, position, row)?);
                    }
                }
                posted = before;
                page.next = Some(HistoryCursor { position, part: part as u32, posted });
                if page.rows.len() == most || self.reading.bytes_read() - begun >= HISTORY_BYTES_MAX {
                    page.next = page.next.filter(|_| part > 0 || record.former.is_some());
                    return Ok(page);
                }
            }
            oldest = Some(record.sequence);
            let Some(former) = record.former else {
                page.next = None;
                return Ok(page);
            };
            // What it says was told or passed over.
            page.next = Some(HistoryCursor { position, part: 0, posted });
            if self.reading.bytes_read() - begun >= HISTORY_BYTES_MAX {
                return Ok(page);
            }
            (position, parts) = (former, usize::MAX);
        }
    }

    /// The whole chain, oldest entry first.
    ///
    /// # Errors
    /// `Lapsed`, where its beginning is kept no more; `TooLong`, where it is longer than a receipt may be; what reading gives.
    pub fn whole(&mut self) -> Result<Vec<Entry>, HistoryError> {
        let standing = self.standing()?;
        let too_long = || HistoryError::TooLong {
            entries: standing.sequence,
            entries_max: RECEIPT_ENTRIES_MAX,
            bytes_max: RECEIPT_EVENTS_BYTES_MAX,
            read_max: RECEIPT_READ_BYTES_MAX,
        };
        if standing.sequence > RECEIPT_ENTRIES_MAX as u64 {
            return Err(too_long());
        }
        self.reading.reader()?;
        let (begun, mut bytes, mut oldest) = (self.reading.bytes_read(), 0, None);
        let (mut entries, mut next) = (Vec::new(), Some(standing.position).filter(|first| first.0 > 0));
        while let Some(position) = next {
            let record = match self.read(position) {
                Ok(record) => record,
                Err(HistoryError::Lapsed { .. }) => return Err(HistoryError::Lapsed { oldest }),
                Err(HistoryError::NotACursor(_)) => return Err(self.broken(position)),
                Err(error) => return Err(error),
            };
            (next, oldest) = (record.former, Some(record.sequence));
            if !record.events.is_empty() {
                bytes += record.encoded.len();
                entries.push(Entry { at: record.at, events: record.encoded });
            }
            if bytes > RECEIPT_EVENTS_BYTES_MAX || self.reading.bytes_read() - begun > RECEIPT_READ_BYTES_MAX
            {
                return Err(too_long());
            }
        }
        entries.reverse();
        // What was read must be what the shard has hashed: else the journal's files are not those of this engine.
        if receipt::head_of(self.number, &entries) != standing.head {
            return Err(unreadable(
                standing.position,
                "its chain does not lead to the head that its actor has",
            ));
        }
        Ok(entries)
    }

    /// Who has these numbers. Of a certificate that has not come to life nothing is known.
    ///
    /// # Errors
    /// `stopped`, where the engine has ended; what the shelf gives.
    pub fn who(&self, numbers: &[ActorNumber]) -> Result<BTreeMap<ActorNumber, Who>, HistoryError> {
        let mut of_shards: BTreeMap<usize, Vec<ActorNumber>> = BTreeMap::new();
        for number in numbers {
            of_shards.entry(shard_of(*number, self.shards.count())).or_default().push(*number);
        }
        let mut visits = Vec::new();
        for (shard, numbers) in of_shards {
            for numbers in numbers.chunks(NAMES_PER_VISIT) {
                let numbers = numbers.to_vec();
                visits.push(self.shards.visit(shard, move |house| {
                    let who = |number| Ok(who(house, number)?.map(|who| (number, who)));
                    numbers.into_iter().map(who).collect::<Result<Vec<_>, JournalError>>()
                }));
            }
        }
        let mut found = BTreeMap::new();
        for visit in visits {
            found.extend(visit.recv().map_err(|_| Refusal::of(Code::Stopped))??.into_iter().flatten());
        }
        Ok(found)
    }

    /// A row with what the record before it, that has sent the message, says of it. Where that is kept no more, it stays as it is.
    fn with_its_cause(
        &mut self,
        record: &Read,
        own: Position,
        mut row: HistoryRow,
    ) -> Result<HistoryRow, HistoryError> {
        let Some(position) = record.cause(&row) else { return Ok(row) };
        if position >= own {
            return Err(unreadable(own, "it names a record behind it as its cause"));
        }
        match self.read_any(position) {
            Ok(cause) => {
                let reference = purpose::reference_by_cause(self.number, &row.event, &cause.events);
                row.reference = reference.map(str::to_owned);
                Ok(row)
            }
            Err(HistoryError::Lapsed { .. }) => Ok(row),
            Err(error) => Err(error),
        }
    }

    /// A record of this actor.
    fn read(&mut self, position: Position) -> Result<Read, HistoryError> {
        let record = self.read_any(position)?;
        if record.actor != self.number {
            return Err(NotACursor.into());
        }
        Ok(record)
    }

    /// A record of anybody.
    fn read_any(&mut self, position: Position) -> Result<Read, HistoryError> {
        let bytes = self.reading.reader()?.record(position).map_err(|error| match error {
            JournalError::Trimmed { .. } => HistoryError::Lapsed { oldest: None },
            other => HistoryError::Journal(other),
        })?;
        let record = record::decode(bytes).and_then(|record| Read::of(position, record));
        let record = record.map_err(|error| unreadable(position, &error.to_string()))?;
        if record.former.is_some_and(|former| former >= position) {
            return Err(unreadable(position, "it names a record behind it as the one before"));
        }
        Ok(record)
    }

    fn broken(&self, position: Position) -> HistoryError {
        unreadable(position, &format!("it is not of actor {}, whose next record names it", self.number.0))
    }
}

fn unreadable(position: Position, why: &str) -> HistoryError {
    let why = format!("record {} cannot be read: {why}", position.0);
    HistoryError::Journal(JournalError::Corrupt { file: PathBuf::new(), offset: 0, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        for posted in
            [None, Some(Balance::ZERO), Some(Balance::from_minor(i64::MIN)), Some(Balance::from_minor(7))]
        {
            let cursor = HistoryCursor { position: Position(u64::MAX), part: u32::MAX, posted };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for wrong in [
            "",
            ".",
            "..",
            "1.0",
            "1.0.",
            "1.0.5.",
            "1.0.5.6",
            "+1.0.5",
            "1.-1.5",
            "1.0.+5",
            "01.0.5",
            "1.0.-0",
            "1.0.X",
            "1.4294967296.5",
            "1.0.9223372036854775808",
            "18446744073709551616.0.5",
            "a.b.c",
            " 1.0.5",
        ] {
            assert_eq!(wrong.parse::<HistoryCursor>(), Err(NotACursor), "{wrong}");
        }
    }
}
