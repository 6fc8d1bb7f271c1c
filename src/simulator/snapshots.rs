//! Snapshots of a world, in memory: taken a step at a time between everything else that happens, in two halves in
//! turn, by the engine's own rules.
//!
//! Absent on purpose: files. What a loss of power leaves of those is tested where they are written.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::power::Chance;
use crate::actors::{Common, House, Portion, Slice};
use crate::domain::Position;
use crate::engine::{Taking, Written};
use crate::planted::{self, Bug};
use crate::snapshot::Coverage;

/// A finished snapshot.
pub(super) struct Generation {
    /// 1, 2, 3 … over both halves.
    pub number: u64,
    pub coverage: Coverage,
    pub chunks: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// The snapshots of a world.
#[derive(Default)]
pub(super) struct Snapshots {
    /// What counts in each half; in one of them nothing, while it is written.
    finished: [Option<Rc<Generation>>; 2],
    /// What stands in each half.
    chunks: [BTreeMap<Vec<u8>, Vec<u8>>; 2],
    written: [Option<Written>; 2],
    under_way: Option<UnderWay>,
    /// How many were begun.
    pub begun: u64,
    /// Large actors' parts that were put away again.
    pub parts_removed: u64,
}

struct UnderWay {
    stage: Stage,
    portion: Portion,
    part_bytes_max: usize,
}

enum Stage {
    /// The walks were counted too early, which is a planted bug: records come before it goes on.
    WalksCounted(u64, Position),
    /// These shards have not ended the turn that they were in.
    TurnsEnd(Taking, Vec<usize>),
    /// These have not begun their sweeps.
    SweepsBegin(Taking, Vec<usize>),
    /// The next slice is of this shard.
    Slices(Taking, usize),
    /// A slice of this shard waits until the journal is durable there.
    Durable(Taking, usize, Position, Slice),
}

/// What the snapshots may look at.
pub(super) struct View<'world> {
    pub handed_over: Position,
    pub durable: Position,
    pub common: &'world Common,
    pub shards: usize,
}

impl Snapshots {
    /// What counts now.
    pub fn finished(&self) -> Vec<Rc<Generation>> {
        self.finished.iter().flatten().cloned().collect()
    }

    /// The shard that the next step visits, if it visits one.
    pub fn visits(&self) -> Option<usize> {
        match &self.under_way.as_ref()?.stage {
            Stage::TurnsEnd(_, shards) | Stage::SweepsBegin(_, shards) => shards.last().copied(),
            Stage::Slices(_, shard) => Some(*shard),
            Stage::WalksCounted(..) | Stage::Durable(..) => None,
        }
    }

    /// Up to where the journal must be durable before the next step, if it waits for that.
    pub fn waits_for(&self) -> Option<Position> {
        match &self.under_way.as_ref()?.stage {
            Stage::Durable(_, _, durable, _) => Some(*durable),
            _ => None,
        }
    }

    /// Does the next step; `house` is the one that it visits, between two turns and with all its messages.
    pub fn step(&mut self, view: &View<'_>, house: Option<&mut House>, chance: &mut Chance) {
        let Some(UnderWay { stage, portion, part_bytes_max }) = self.under_way.take() else {
            return self.begin(view, chance);
        };
        let next = match (stage, house) {
            (Stage::WalksCounted(walks, at), _) if at.0 + 1 < view.handed_over.0 => {
                Some(Stage::TurnsEnd(self.taking(view, walks), in_any_order(view.shards, chance)))
            }
            (Stage::TurnsEnd(taking, mut shards), Some(_)) => {
                shards.pop();
                Some(if shards.is_empty() {
                    Stage::SweepsBegin(taking, in_any_order(view.shards, chance))
                } else {
                    Stage::TurnsEnd(taking, shards)
                })
            }
            (Stage::SweepsBegin(mut taking, mut shards), Some(house)) => {
                taking.waits(house.begin_sweep(taking.changed_since(), None));
                shards.pop();
                Some(if shards.is_empty() {
                    Stage::Slices(taking, 0)
                } else {
                    Stage::SweepsBegin(taking, shards)
                })
            }
            (Stage::Slices(mut taking, shard), Some(house)) => {
                let slice = house.next_slice_of(portion).unwrap();
                let durable = taking.holds(&slice);
                Some(Stage::Durable(taking, shard, durable, slice))
            }
            (Stage::Durable(mut taking, shard, durable, slice), _) if durable <= view.durable => {
                let last = slice.last;
                self.store(&mut taking, shard, slice, part_bytes_max);
                match shard + usize::from(last) {
                    shard if shard < view.shards => Some(Stage::Slices(taking, shard)),
                    _ => self.finish(taking),
                }
            }
            (stage, _) => Some(stage),
        };
        self.under_way = next.map(|stage| UnderWay { stage, portion, part_bytes_max });
    }

    fn half(&self) -> usize {
        (self.begun % 2) as usize
    }

    fn begin(&mut self, view: &View<'_>, chance: &mut Chance) {
        self.begun += 1;
        let half = self.half();
        self.finished[half] = None;
        let portion = Portion {
            pages_max: 1 + chance.below(12) as usize,
            bytes_max: 1 + chance.below(8_000) as usize,
            // Who is large in one generation may be small in the next one, and the other way round.
            small_entries_max: chance.below(3) as usize,
        };
        let part_bytes_max = 20 + chance.below(400) as usize;
        let walks = view.common.walks.load(Ordering::Relaxed);
        let stage = if planted::has(Bug::WalksBeforePosition) {
            Stage::WalksCounted(walks, view.handed_over)
        } else {
            Stage::TurnsEnd(self.taking(view, walks), in_any_order(view.shards, chance))
        };
        self.under_way = Some(UnderWay { stage, portion, part_bytes_max });
    }

    fn taking(&mut self, view: &View<'_>, walks: u64) -> Taking {
        let half = self.half();
        Taking::begin(&mut self.written, half, false, view.handed_over, walks)
    }

    fn store(&mut self, taking: &mut Taking, shard: usize, slice: Slice, part_bytes_max: usize) {
        let half = self.half();
        for piece in slice.pieces {
            for (key, value) in taking.changes(shard, piece, part_bytes_max).unwrap() {
                match value {
                    Some(value) => drop(self.chunks[half].insert(key, value)),
                    None => {
                        let removed = self.chunks[half].remove(&key);
                        assert!(removed.is_some(), "only parts that are there are removed");
                        self.parts_removed += 1;
                    }
                }
            }
        }
    }

    fn finish(&mut self, taking: Taking) -> Option<Stage> {
        let half = self.half();
        let (coverage, chunks) = (taking.coverage(0), self.chunks[half].clone());
        taking.finished(&mut self.written);
        self.finished[half] = Some(Rc::new(Generation { number: self.begun, coverage, chunks }));
        None
    }
}

/// All shards, as they may come to what is asked of all of them.
fn in_any_order(shards: usize, chance: &mut Chance) -> Vec<usize> {
    let mut order: Vec<usize> = (0..shards).collect();
    for place in 1..shards {
        order.swap(place, chance.below(place as u64 + 1) as usize);
    }
    order
}
