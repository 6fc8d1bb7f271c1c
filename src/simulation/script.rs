//! What a seed says: batch by batch what is asked, and what goes wrong meanwhile; drawn for each batch by itself, so that a
//! part can be left out and the rest stays as it was.

use std::collections::BTreeSet;

use super::acts::Act;
use super::chance::Chance;
use super::tearing_disk::Failure;
use super::world::Play;
use crate::limits::REQUEST_KEPT_MS;

/// How many batches a season has behind its opening.
pub(super) const SEASON_BATCHES: u64 = 24;

/// What is left out of a seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Acts of the crowd, by batch and place.
    pub acts: BTreeSet<(u64, usize)>,
    /// True where nothing goes wrong: no crash, no fault of the disk, no stall.
    pub faults: bool,
    /// True where no snapshot is taken.
    pub snapshots: bool,
}

/// Messages that are under way together, and what happens meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// How long all is quiet before, in milliseconds.
    pub(super) pause: u64,
    pub(super) acts: Vec<Act>,
    /// The clock moves on by so much behind the act at that place.
    pub(super) clock: Option<(usize, u64)>,
    /// Those acts are sent twice.
    pub(super) doubled: u64,
    /// The disk fails at the step so far ahead.
    pub(super) fault: Option<(u64, Failure)>,
    /// The process is killed behind so many actions.
    pub(super) killed: Option<u64>,
    /// The disk fails while the next process starts.
    pub(super) fault_at_start: Option<(u64, Failure)>,
}

/// Things that a seed decides, each by a chance of its own.
const BATCHES: u64 = 1;
const WORLDS: u64 = 1 << 32;
const SEASONS: u64 = 1 << 33;
const FAULTS: u64 = 1 << 34;

/// The chance of a season's setting.
pub(super) fn of_season(seed: u64, season: u64) -> Chance {
    Chance::of(seed, SEASONS + season)
}

/// The chance of what disks and clocks do.
pub(super) fn of_faults(seed: u64) -> Chance {
    Chance::of(seed, FAULTS)
}

fn any_failure(chance: &mut Chance) -> Failure {
    match chance.below(4) {
        0 => Failure::Refused,
        1 => Failure::ShortWrite(chance.place(400)),
        2 => Failure::NoRoom,
        _ => Failure::PowerOff,
    }
}

impl Batch {
    /// Without a pause, and with a clock that stands still.
    pub(super) fn calm(self) -> Batch {
        Batch { pause: 0, clock: None, ..self }
    }

    pub(super) fn draw(seed: u64, index: u64) -> Batch {
        let mut chance = Chance::of(seed, BATCHES + index);
        let it = &mut chance;
        let count = 1 + it.weighted(&[40, 20, 16, 12, 8, 4]);
        let mut acts: Vec<Act> = (0..count).map(|_| Act::draw(it)).collect();
        // What asks money back takes what is there at that instant, so it is alone: else no order of whole messages need
        // give the same.
        if let Some(alone) = acts.iter().copied().find(|act| act.is_alone()) {
            acts = vec![alone];
        }
        let pause = match it.weighted(&[50, 45, 4, 1]) {
            0 => 0,
            1 => it.within(1, 15),
            2 => it.within(15, 200),
            _ => REQUEST_KEPT_MS,
        };
        let clock = (acts.len() <= 2 && it.percent(20)).then(|| (it.place(acts.len()), it.within(1, 25)));
        let fault = it.percent(8).then(|| (it.below(6), any_failure(it)));
        let killed = it.percent(8).then(|| it.below(8));
        let fault_at_start = it.percent(25).then(|| (it.below(8), any_failure(it)));
        let doubled = if it.percent(20) { it.below(64) } else { 0 };
        Batch { pause, acts, clock, doubled, fault, killed, fault_at_start }
    }

    /// The batch without what is left out.
    pub(super) fn without(mut self, index: u64, cut: &Cut) -> Batch {
        let mut place = 0;
        self.acts.retain(|_| {
            place += 1;
            !cut.acts.contains(&(index, place - 1))
        });
        if cut.faults {
            (self.fault, self.killed, self.fault_at_start) = (None, None, None);
        }
        self
    }
}

/// By what the process is played that starts as the one of that number; its shards, and its segments' size.
pub(super) fn world(seed: u64, number: u64, cut: &Cut) -> (Play, usize, u64) {
    let mut chance = Chance::of(seed, WORLDS + number);
    let it = &mut chance;
    let shards = [1, 1, 2, 3][it.place(4)];
    let segment_bytes_max = [2_000, 6_000, 1 << 20][it.place(3)];
    let play = Play {
        seed: it.below(u64::MAX),
        sync_one_in: [1, 4, 12, 60][it.place(4)],
        sweep_one_in: [0, 2, 3, 8][it.place(4)],
        abandon_one_in: [0, 300][it.place(2)],
        stall_one_in: [0, 40, 200][it.place(3)],
        off_one_in: [0, 150, 500][it.place(3)],
        torn_one_in: [0, 10, 40][it.place(3)],
    };
    let sweep_one_in = if cut.snapshots { 0 } else { play.sweep_one_in };
    let play = Play { sweep_one_in, ..play };
    let calm = Play { abandon_one_in: 0, stall_one_in: 0, off_one_in: 0, torn_one_in: 0, ..play };
    (if cut.faults { calm } else { play }, shards, segment_bytes_max)
}
