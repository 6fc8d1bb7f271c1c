//! Replay: records back into residents, and what every unfinished walk still has to do (DESIGN §3, point 8).
//!
//! Live, restart and audit all absorb events by the same function. Absent on purpose: the log's framing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::hint::black_box;
use std::mem;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use super::departing::Departing;
use super::directory::Directory;
use super::envelope::Envelope;
use super::house::{Common, House, Outside, absorb, shard_of};
use super::page::Room;
use super::rooms::Place;
use super::series::KnownSeries;
use super::undelivered::Undelivered;
use crate::domain::chain::{self, Entries};
use crate::domain::{ActorNumber, Currency, Position, Resident, Status, Timestamp, WalkId};
use crate::journal::{JournalError, Record, RecordBatch, record};
use crate::panics;
use crate::planted::{self, Bug};

/// A record that does not follow from the ones before it.
#[derive(Debug, thiserror::Error)]
#[error("record {} is wrong: {why}", position.0)]
pub struct ReplayError {
    /// The record.
    pub position: Position,
    /// What is wrong with it.
    pub why: String,
}

/// A log cannot be brought back: it cannot be read or written, or its records do not follow from each other.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The log's failure.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The record's.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// How many walks these messages belong to.
#[must_use]
pub fn unfinished_walks(undelivered: &[Envelope]) -> usize {
    let walks: BTreeSet<WalkId> = undelivered.iter().map(|envelope| envelope.walk).collect();
    walks.len()
}

/// Houses as the records have made them so far.
pub struct Replay {
    houses: Vec<House>,
    common: Arc<Common>,
    undelivered: Undelivered,
    /// Chain entries whose heads are not known yet, and the records that tell them.
    entries: Entries,
    unproved: Vec<Unproved>,
    records: u64,
    /// The number of the next walk.
    walks: u64,
    newest: Position,
    latest: Timestamp,
    /// How many rooms came from a snapshot, and the newest record in any of them.
    restored: (u64, Position),
    series: KnownSeries,
}

/// A record whose actor's head is that of a gathered entry.
struct Unproved {
    position: Position,
    shard: usize,
    place: Place,
    entry: u32,
    /// The head's first eight bytes, as the record tells them.
    chain: u64,
}

/// How many records' actors are looked at together, before the first of them is absorbed.
pub(crate) const NEAR_RECORDS: usize = 64;

/// So many rooms are worth a thread that tells the directory of them.
const ROOMS_FOR_A_THREAD: usize = 100_000;

/// How many records are proved together.
const PROVED_TOGETHER: usize = 1_024;

impl Replay {
    /// Empty houses for so many shards.
    #[must_use]
    pub fn new(shards: usize) -> Replay {
        let common = Arc::new(Common::default());
        let houses = (0..shards).map(|shard| House::new(shard, shards, Arc::clone(&common))).collect();
        Replay {
            houses,
            common,
            undelivered: Undelivered::default(),
            entries: Entries::default(),
            unproved: Vec::new(),
            records: 0,
            walks: 0,
            newest: Position(0),
            latest: Timestamp::default(),
            restored: (0, Position(0)),
            series: KnownSeries::default(),
        }
    }

    /// Puts a room of a snapshot where it was.
    ///
    /// # Errors
    /// Where the snapshot has the actor twice.
    pub fn restore(&mut self, number: ActorNumber, mut room: Room) -> Result<(), String> {
        self.series.share(&mut room);
        self.latest = self.latest.max(room.at);
        self.restored = (self.restored.0 + 1, self.restored.1.max(room.position()));
        let shards = self.houses.len();
        match self.houses[shard_of(number, shards)].rooms_mut().restore(number, room) {
            None => Ok(()),
            Some(_) => Err(format!("actor {} stands in it twice", number.0)),
        }
    }

    /// Notes that all rooms are restored, and from which record on the log is read. `walks` is the number of the next
    /// walk when the snapshot began.
    pub fn restored(&mut self, reads_from: Position, walks: u64) {
        self.undelivered.reads_from(reads_from);
        self.newest = Position(reads_from.0 - 1);
        self.walks = self.walks.max(walks);
    }

    /// Reads every message from now on, and not only those that nobody absorbs: what an audit is for.
    pub fn read_messages(&mut self) {
        self.undelivered.read_all();
    }

    /// How many actors came from a snapshot.
    #[must_use]
    pub fn actors_restored(&self) -> u64 {
        self.restored.0
    }

    /// Absorbs the next record and says whose it was. One that its actor's restored room has seen already changes nothing; only its messages
    /// count, as they may not be absorbed yet.
    ///
    /// # Errors
    /// Names the record and what is wrong: it does not decode, its place in its actor's chain is not the
    /// next one, its cause is unknown, or absorbing it breaks an invariant.
    pub fn record(&mut self, position: Position, bytes: &[u8]) -> Result<ActorNumber, ReplayError> {
        let record =
            record::decode(bytes).map_err(|error| ReplayError { position, why: error.to_string() })?;
        let wrong = |why| ReplayError { position, why };
        self.undelivered.absorbed(position, record.traffic()).map_err(wrong)?;
        if !(planted::has(Bug::KnownRecordIgnored) && self.knows(position, self.find(record.prefix.actor))) {
            self.undelivered.sent(position, record.traffic()).map_err(wrong)?;
        }
        let actor = self.gather(position, record)?;
        self.prove()?;
        Ok(actor)
    }

    /// Lends out who follows the records' messages, to be given back: `gather` does not.
    pub(crate) fn lend_undelivered(&mut self) -> Undelivered {
        mem::take(&mut self.undelivered)
    }

    /// Takes it back.
    pub(crate) fn take_back(&mut self, undelivered: Undelivered) {
        self.undelivered = undelivered;
    }

    /// As `record`, of a decoded one and without its messages, whose place in its actor's chain may be proved later, with many others: at the
    /// latest by `prove`, before anything is made of the houses.
    ///
    /// # Errors
    /// As for `record`, of this record or of one before it.
    pub fn gather(&mut self, position: Position, record: Record<'_>) -> Result<ActorNumber, ReplayError> {
        let gathered = self.take(position, record);
        if gathered.is_err() || self.unproved.len() >= PROVED_TOGETHER {
            self.prove()?;
        }
        gathered
    }

    /// Reads what the records of up to `NEAR_RECORDS` actors will read first, so that the processor waits for the memory of
    /// many at once.
    pub fn look_ahead(&self, actors: impl Iterator<Item = ActorNumber>) {
        let mut places = [None; NEAR_RECORDS];
        for (place, actor) in places.iter_mut().zip(actors) {
            let (shard, found) = self.find(actor);
            *place = found.map(|found| (shard, found));
        }
        let rooms = || places.iter().flatten().map(|(shard, place)| self.houses[*shard].at(*place));
        black_box(rooms().fold(0, |read, room| read ^ room.at.0 ^ u64::from(room.head[0])));
        black_box(rooms().fold(0, |read, room| read ^ room.resident.glance(None)));
    }

    /// Proves the places in their chains of all records so far.
    ///
    /// # Errors
    /// Names the first record that breaks its actor's chain.
    pub fn prove(&mut self) -> Result<(), ReplayError> {
        self.entries.hash();
        let heads = self.entries.heads();
        for Unproved { position, shard, place, entry, chain } in self.unproved.drain(..) {
            let head = &heads[entry as usize];
            let numbered = self.houses[shard].rooms_mut().at_mut(place);
            if chain != chain::prefix(head) {
                let why = format!("its chain of actor {} breaks", numbered.number.0);
                return Err(ReplayError { position, why });
            }
            numbered.set_head(head);
        }
        self.entries.clear();
        Ok(())
    }

    fn take(&mut self, position: Position, record: Record<'_>) -> Result<ActorNumber, ReplayError> {
        let wrong = |why: String| ReplayError { position, why };
        let actor = record.prefix.actor;
        let absorbed = catch_unwind(AssertUnwindSafe(|| self.absorb(position, record)));
        absorbed.unwrap_or_else(|panic| Err(panics::words(panic.as_ref()).to_owned())).map_err(wrong)?;
        self.records += 1;
        self.newest = position;
        Ok(actor)
    }

    fn absorb(&mut self, position: Position, record: Record<'_>) -> Result<(), String> {
        let prefix = record.prefix;
        let (shard, place) = self.find(prefix.actor);
        if !self.knows(position, (shard, place)) {
            self.absorb_events((shard, place), position, &record)?;
        } else if planted::has(Bug::KnownRecordIgnored) {
            return Ok(());
        }
        self.latest = self.latest.max(prefix.at);
        for walk in record.walks() {
            self.walks = self.walks.max(walk.0 + 1);
        }
        Ok(())
    }

    /// An actor's shard, and its place there.
    fn find(&self, actor: ActorNumber) -> (usize, Option<Place>) {
        let shard = shard_of(actor, self.houses.len());
        (shard, self.houses[shard].find(actor))
    }

    /// True where the restored room at this place has seen a record already.
    fn knows(&self, position: Position, (shard, place): (usize, Option<Place>)) -> bool {
        let newest = place.map(|place| self.houses[shard].at(place).position()).unwrap_or_default();
        newest >= position && position <= self.restored.1
    }

    fn absorb_events(
        &mut self,
        (shard, place): (usize, Option<Place>),
        position: Position,
        record: &Record<'_>,
    ) -> Result<(), String> {
        let rooms = self.houses[shard].rooms_mut();
        let prefix = &record.prefix;
        let known = place.map(|place| rooms.at(place).room.position()).unwrap_or_default();
        let former = prefix.former.map_or(Position(0), |former| former.resolve(position));
        if former != known {
            let actor = prefix.actor.0;
            return Err(format!("the record before of its actor {actor} is {}, not {}", known.0, former.0));
        }
        if record.events.is_empty() && known == Position(0) {
            return Err("its actor has not begun".to_owned());
        }
        let mut at = place;
        for (now, events) in record.parts() {
            at = Some(absorb(rooms, at, prefix.actor, now, events));
        }
        let begins = place.is_none();
        let place = at.unwrap_or_else(|| unreachable!("a record has a first message"));
        let numbered = rooms.at_mut(place);
        if begins {
            self.series.share(&mut numbered.room);
        }
        if !record.events.is_empty() {
            let Ok(_) = numbered.add_entry(&mut self.entries, |bytes| {
                bytes.extend_from_slice(record.encoded_events);
                Ok::<(), Infallible>(())
            });
        }
        let room = &numbered.room;
        if (prefix.sequence, prefix.at) != (room.sequence, room.at) {
            return Err(format!("its place is entry {} at {}", room.sequence, room.at.0));
        }
        match numbered.entry {
            Some(entry) => {
                let (entry, chain) = (entry.place(), prefix.chain);
                self.unproved.push(Unproved { position, shard, place, entry, chain });
            }
            None if prefix.chain == chain::prefix(&room.head) => {}
            None => return Err(format!("its chain of actor {} breaks", prefix.actor.0)),
        }
        rooms.moved_to(place, position);
        Ok(())
    }

    /// One actor's room, as the records have made it so far.
    #[must_use]
    pub fn room(&self, number: ActorNumber) -> Option<&Room> {
        self.houses[shard_of(number, self.houses.len())].room(number)
    }

    /// How many records were absorbed.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The newest record.
    #[must_use]
    pub fn newest(&self) -> Position {
        self.newest
    }

    /// The number of the next walk.
    #[must_use]
    pub fn walks(&self) -> u64 {
        self.walks
    }

    /// The latest time of any record: a start's clock begins there (DESIGN §3, point 10).
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// The houses, before anything unfinished is delivered.
    #[must_use]
    pub fn houses(&self) -> &[House] {
        &self.houses
    }

    /// Messages sent and not absorbed, in the order of their causes.
    ///
    /// # Errors
    /// Names the record of a message that cannot be read.
    pub fn undelivered(&self) -> Result<Vec<Envelope>, ReplayError> {
        self.undelivered.read()
    }

    /// Finishes every walk in this thread: each undelivered message is delivered, and what comes of it, until
    /// all is quiet. Records go to `hand_over`. Gives the houses and what they share.
    ///
    /// # Errors
    /// Where the log takes no more, or a walk cannot be finished; then the newest record is named.
    pub fn finish(
        self,
        hand_over: &mut dyn FnMut(&mut RecordBatch) -> Result<Position, JournalError>,
    ) -> Result<(Vec<House>, Arc<Common>), RecoveryError> {
        assert!(self.entries.is_empty(), "all chains are proved before anything is made of the houses");
        let position = self.newest;
        let undelivered = self.undelivered()?;
        match catch_unwind(AssertUnwindSafe(|| self.deliver(undelivered, hand_over))) {
            Ok(finished) => Ok(finished?),
            Err(panic) => {
                let words = panics::words(panic.as_ref());
                let why = format!("a walk that it leaves unfinished cannot be finished: {words}");
                Err(ReplayError { position, why }.into())
            }
        }
    }

    fn deliver(
        mut self,
        undelivered: Vec<Envelope>,
        hand_over: &mut dyn FnMut(&mut RecordBatch) -> Result<Position, JournalError>,
    ) -> Result<(Vec<House>, Arc<Common>), JournalError> {
        self.common.walks.store(self.walks, Ordering::Relaxed);
        self.tell_directory();
        let shards = self.houses.len();
        let mut outside = OneThread { hand_over, inboxes: Vec::new() };
        outside.inboxes.resize_with(shards, Vec::new);
        for house in &mut self.houses {
            house.begins_after(self.newest);
            house.schedule_all();
        }
        if !planted::has(Bug::WalkDropped) {
            let again = planted::has(Bug::DeliveredTwice).then(|| self.undelivered().unwrap_or_default());
            for envelope in undelivered.into_iter().chain(again.into_iter().flatten()) {
                self.houses[shard_of(envelope.to, shards)].resume(envelope);
            }
        }
        loop {
            let mut quiet = true;
            for (shard, house) in self.houses.iter_mut().enumerate() {
                house.deliver(mem::take(&mut outside.inboxes[shard]));
                while house.busy() {
                    quiet = false;
                    house.turn(&mut outside)?;
                }
            }
            if quiet && outside.inboxes.iter().all(Vec::is_empty) {
                break;
            }
        }
        self.count_supply();
        Ok((self.houses, self.common))
    }

    /// Tells the doors' directory of everybody, with as many threads as there is work for.
    fn tell_directory(&self) {
        let directory = &self.common.directory;
        let rooms: usize = self.houses.iter().map(|house| house.rooms().count()).sum();
        let threads =
            (rooms / ROOMS_FOR_A_THREAD).clamp(1, thread::available_parallelism().map_or(1, NonZero::get));
        let tell_every = |first: usize| {
            let rooms = self.houses.iter().flat_map(House::rooms);
            rooms
                .skip(first)
                .step_by(threads)
                .for_each(|(number, room)| tell(directory, number, &room.resident));
        };
        thread::scope(|scope| {
            (1..threads).for_each(|first| drop(scope.spawn(move || tell_every(first))));
            tell_every(0);
        });
    }

    fn count_supply(&self) {
        // An account may have cashed out more than was deposited to it, so only the sums have to be above 0.
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (_, room) in self.houses.iter().flat_map(House::rooms) {
            if let Resident::Account(account) = &room.resident {
                let inside = account.deposits() as i128 - account.cash_outs() as i128;
                *sums.entry(account.currency()).or_default() +=
                    inside + i128::from(account.credit_limit().minor());
            }
        }
        self.common.with_supply(|supply| {
            for (currency, minor) in sums {
                supply.found(currency, u64::try_from(minor.max(0)).unwrap_or(u64::MAX));
            }
        });
    }
}

/// Tells the directory what doors need to know of a resident.
fn tell(directory: &Directory, number: ActorNumber, resident: &Resident) {
    match resident {
        Resident::Account(account) => {
            directory.account_opened(account.name(), number, account.currency());
            if account.status() != Status::Open && !planted::has(Bug::StatusForgotten) {
                directory.account_changed(account.name(), account.status());
            }
        }
        Resident::Offering(offering) => {
            let offer = offering.offer();
            directory.offering_issued(&offer.name, number, offer.items);
            if offering.published_at().is_some() {
                directory.offering_published(&offer.name, number, &offer.information);
            }
            directory.offering_sold_out(&offer.name, offering.sold_out().map(Arc::new));
        }
        Resident::Certificate(_) => {}
    }
}

/// The world of a recovery: one thread, nobody who waits.
struct OneThread<'log> {
    hand_over: &'log mut dyn FnMut(&mut RecordBatch) -> Result<Position, JournalError>,
    inboxes: Vec<Vec<Envelope>>,
}

impl Outside for OneThread<'_> {
    fn hand_over(&mut self, batch: &mut RecordBatch) -> Result<Position, JournalError> {
        (self.hand_over)(batch)
    }

    fn send(&mut self, parcels: Vec<(usize, Vec<Envelope>)>) {
        for (shard, envelopes) in parcels {
            self.inboxes[shard].extend(envelopes);
        }
    }

    fn release(&mut self, _at: Position, _answers: Vec<Departing>) {}
}
