//! Snapshots of a world, in memory: taken a step at a time between everything else that happens, in two halves in
//! turn, by the engine's own rules.
//!
//! Absent on purpose: files. What a loss of power leaves of those is tested where they are written.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::chance::Chance;
use crate::actors::{Common, House, Joiner, Portion, Room, Slice};
use crate::domain::{ActorNumber, Position};
use crate::engine::{Taking, Written};
use crate::planted::{self, Bug};
use crate::snapshot::Coverage;

/// The identity of every journal here.
pub(crate) const IDENTITY: u64 = 0x0123_4567_89ab;

/// A finished snapshot.
pub(crate) struct Generation {
    /// 1, 2, 3 … over both halves.
    pub number: u64,
    /// Where it stands.
    pub half: usize,
    pub coverage: Coverage,
    pub chunks: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Generation {
    /// Gives every room that it holds.
    pub fn rooms(&self, give: &mut dyn FnMut(ActorNumber, Room) -> Result<(), String>) -> Result<(), String> {
        let mut joiner = Joiner::default();
        for (key, value) in &self.chunks {
            if let Some(whole) = joiner.join(key, value)? {
                whole.rooms(&mut *give)?;
            }
        }
        joiner.end()
    }
}

/// The snapshots of a world.
#[derive(Default)]
pub(crate) struct Snapshots {
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
    half: usize,
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
pub(crate) struct View<'world> {
    pub handed_over: Position,
    pub durable: Position,
    pub common: &'world Common,
    pub shards: usize,
}

impl Snapshots {
    /// Those that a process finds when it starts: which parts of what stands in their halves are out of date it does not
    /// know, so the next in each begins anew.
    pub fn found(finished: Vec<Rc<Generation>>) -> Snapshots {
        let mut found = Snapshots::default();
        for generation in finished {
            found.begun = found.begun.max(generation.number);
            let half = generation.half;
            found.finished[half] = Some(generation);
        }
        found
    }

    /// Gives up the one under way: its half counts no more, and the next there begins anew.
    pub fn abandon(&mut self) {
        if let Some(UnderWay { half, .. }) = self.under_way.take() {
            (self.finished[half], self.written[half]) = (None, None);
            self.chunks[half].clear();
        }
    }

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

    /// Does the next step; `house` is the one that it visits, between two turns and with all its messages. Where one is
    /// finished by it, gives from where on a recovery by it reads the log.
    pub fn step(
        &mut self,
        view: &View<'_>,
        house: Option<&mut House>,
        chance: &mut Chance,
    ) -> Result<Option<Position>, String> {
        let Some(UnderWay { half, stage, portion, part_bytes_max }) = self.under_way.take() else {
            self.begin(view, chance);
            return Ok(None);
        };
        let mut read_from = None;
        let next = match (stage, house) {
            (Stage::WalksCounted(walks, at), _) if at.0 + 1 < view.handed_over.0 => {
                Some(Stage::TurnsEnd(self.taking(half, view, walks), in_any_order(view.shards, chance)))
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
                let slice = house.next_slice_of(portion).map_err(|error| error.to_string())?;
                let durable = taking.holds(&slice);
                Some(Stage::Durable(taking, shard, durable, slice))
            }
            (Stage::Durable(mut taking, shard, durable, slice), _) if durable <= view.durable => {
                let last = slice.last;
                self.store(half, &mut taking, (shard, slice), part_bytes_max)?;
                match shard + usize::from(last) {
                    shard if shard < view.shards => Some(Stage::Slices(taking, shard)),
                    _ => {
                        read_from = Some(self.finish(half, taking));
                        None
                    }
                }
            }
            (stage, _) => Some(stage),
        };
        self.under_way = next.map(|stage| UnderWay { half, stage, portion, part_bytes_max });
        Ok(read_from)
    }

    /// The half without a generation that counts, else the one with the older.
    fn older(&self) -> usize {
        let number = |half: usize| self.finished[half].as_ref().map(|generation| generation.number);
        usize::from(number(1) < number(0))
    }

    fn begin(&mut self, view: &View<'_>, chance: &mut Chance) {
        self.begun += 1;
        let half = self.older();
        self.finished[half] = None;
        if self.written[half].is_none() {
            self.chunks[half].clear();
        }
        let pages_max = 1 + chance.below(12) as usize;
        let portion = Portion {
            pages_max,
            bytes_max: 1 + chance.below(8_000) as usize,
            // A page is crowded in one generation and not in the next one.
            page_entries_max: if pages_max.is_multiple_of(2) { usize::MAX } else { pages_max * 30 },
            // Who is large in one generation may be small in the next one, and the other way round.
            small_entries_max: chance.below(3) as usize,
            copied_entries_max: pages_max,
        };
        let part_bytes_max = 20 + chance.below(400) as usize;
        let walks = view.common.walks.load(Ordering::Relaxed);
        let stage = if planted::has(Bug::WalksBeforePosition) {
            Stage::WalksCounted(walks, view.handed_over)
        } else {
            Stage::TurnsEnd(self.taking(half, view, walks), in_any_order(view.shards, chance))
        };
        self.under_way = Some(UnderWay { half, stage, portion, part_bytes_max });
    }

    fn taking(&mut self, half: usize, view: &View<'_>, walks: u64) -> Taking {
        let fresh = self.written[half].is_none();
        Taking::begin(&mut self.written, half, fresh, view.handed_over, walks)
    }

    fn store(
        &mut self,
        half: usize,
        taking: &mut Taking,
        (shard, slice): (usize, Slice),
        part_bytes_max: usize,
    ) -> Result<(), String> {
        for piece in slice.pieces {
            let changes = taking.changes(shard, piece, part_bytes_max).map_err(|error| error.to_string())?;
            for (key, value) in changes {
                match value {
                    Some(value) => drop(self.chunks[half].insert(key, value)),
                    None if self.chunks[half].remove(&key).is_none() => {
                        return Err("a snapshot removes a part that is not there".to_owned());
                    }
                    None => self.parts_removed += 1,
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, half: usize, taking: Taking) -> Position {
        let (coverage, chunks) = (taking.coverage(IDENTITY), self.chunks[half].clone());
        taking.finished(&mut self.written);
        self.finished[half] = Some(Rc::new(Generation { number: self.begun, half, coverage, chunks }));
        coverage.read_from
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
