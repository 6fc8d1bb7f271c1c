//! Holds a recovery from a snapshot against one from the journal's beginning: nothing that anybody could ever see may
//! differ.

use std::sync::Arc;

use crate::actors::{Common, House, Replay};
use crate::domain::supply::Supply;
use crate::domain::{ActorNumber, Currency, Name, Position, Resident, WalkId};
use crate::journal::record;
use crate::simulation::chronicle::Standing;
use crate::simulation::snapshots::Generation;

/// What a recovery comes to.
pub(super) struct Recovered {
    standing: Standing,
    /// The records of finishing, as text; a new walk stands in it as how many there were before it.
    finishing: Vec<String>,
    houses: Vec<House>,
    common: Arc<Common>,
    supply: Supply,
}

/// Recovers from the journal's beginning.
pub(super) fn from_journal(records: &[Vec<u8>], shards: usize) -> Result<Recovered, String> {
    recovered(Replay::new(shards), records, 0)
}

/// Recovers from a snapshot, and holds that against the journal's own.
pub(super) fn hold(
    generation: &Generation,
    records: &[Vec<u8>],
    from_journal: &Recovered,
) -> Result<(), String> {
    let coverage = generation.coverage;
    let newest = Position(records.len() as u64);
    if coverage.newest > newest {
        return Err(format!("it holds record {}, and {} survived", coverage.newest.0, newest.0));
    }
    let mut replay = Replay::new(from_journal.houses.len());
    generation.rooms(&mut |number, room| replay.restore(number, room))?;
    replay.restored(coverage.read_from, coverage.walks);
    recovered(replay, records, (coverage.read_from.0 - 1) as usize)?.compare(from_journal)
}

fn recovered(mut replay: Replay, records: &[Vec<u8>], skipped: usize) -> Result<Recovered, String> {
    for (index, bytes) in records.iter().enumerate().skip(skipped) {
        replay.record(Position(index as u64 + 1), bytes).map_err(|error| error.to_string())?;
    }
    let standing = Standing::of(&replay)?;
    let walks = standing.walks;
    let mut finishing = Vec::new();
    let mut newest = replay.newest();
    let finished = replay.finish(&mut |batch| {
        for bytes in batch.iter() {
            finishing.extend(record::decode(bytes).map(|mut record| {
                let joined = record.joined.iter_mut().map(|joined| &mut joined.walk);
                for walk in [&mut record.prefix.walk].into_iter().chain(joined) {
                    if walk.0 >= walks {
                        *walk = WalkId(u64::MAX - (walk.0 - walks));
                    }
                }
                format!("{record:?}")
            }));
        }
        let first = Position(newest.0 + 1);
        newest = Position(newest.0 + batch.records());
        batch.clear();
        Ok(first)
    });
    let (houses, common) = finished.map_err(|error| error.to_string())?;
    let supply = common.with_supply(|supply| supply.clone());
    Ok(Recovered { standing, finishing, houses, common, supply })
}

impl Recovered {
    fn compare(&self, whole: &Recovered) -> Result<(), String> {
        self.standing.holds(&whole.standing)?;
        if self.finishing != whole.finishing {
            let (ours, theirs) = (self.finishing.join("\n  "), whole.finishing.join("\n  "));
            return Err(format!("it is finished by\n  {ours}\nand not by\n  {theirs}"));
        }
        for (ours, theirs) in self.houses.iter().zip(&whole.houses) {
            for (number, room) in theirs.rooms() {
                if ours.room(number) != Some(room) {
                    return Err(format!(
                        "its room {} is\n  {:?}\nand not\n  {room:?}",
                        number.0,
                        ours.room(number)
                    ));
                }
                self.compare_names(whole, number, &room.resident)?;
            }
            if let Some((number, _)) = ours.rooms().find(|(number, _)| theirs.room(*number).is_none()) {
                return Err(format!("actor {} was never there", number.0));
            }
        }
        let published =
            |recovered: &Recovered| recovered.common.directory.published("", ActorNumber(0), usize::MAX);
        if published(self) != published(whole) {
            return Err("other offerings stand on the public platform".to_owned());
        }
        if self.supply != whole.supply {
            return Err(format!("the whole money is {:?}, not {:?}", self.supply, whole.supply));
        }
        // The next number is the same too.
        let newcomer = |recovered: &Recovered| {
            let (name, currency) = (Name::new("newcomer").unwrap(), Currency::parse("USD").unwrap());
            recovered.common.directory.reserve_account(&name, currency).number
        };
        if newcomer(self) != newcomer(whole) {
            return Err("a number is given out again".to_owned());
        }
        Ok(())
    }

    fn compare_names(
        &self,
        whole: &Recovered,
        number: ActorNumber,
        resident: &Resident,
    ) -> Result<(), String> {
        let (ours, theirs) = (&self.common.directory, &whole.common.directory);
        let same = match resident {
            Resident::Account(account) => ours.account(account.name()) == theirs.account(account.name()),
            Resident::Offering(offering) => {
                let name = &offering.offer().name;
                ours.offering(name) == theirs.offering(name)
            }
            Resident::Certificate(_) => true,
        };
        if same { Ok(()) } else { Err(format!("the name of actor {} stands for something else", number.0)) }
    }
}
