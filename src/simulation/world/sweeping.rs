//! A snapshot's steps, and what the log may forget behind them.

use std::rc::Rc;

use super::World;
use crate::domain::Position;
use crate::journal::Log;
use crate::simulation::snapshots::{Generation, View};

impl World {
    /// A step of a snapshot. A house that it would visit in the middle of a turn is visited later.
    pub(super) fn sweep(&mut self) {
        if self.ending.is_some() {
            return;
        }
        let waits = self.snapshots.waits_for().is_some_and(|position| position > self.log.durable());
        if waits && self.chance.below(3) == 0 {
            self.sync();
        }
        let mut visited = None;
        if let Some(shard) = self.snapshots.visits() {
            let Some(mut house) = self.houses[shard].take() else { return };
            house.deliver(self.inboxes[shard].drain(..));
            visited = Some((shard, house));
        }
        let view = View {
            handed_over: self.log.newest(),
            durable: self.log.durable(),
            common: self.door.common(),
            shards: self.houses.len(),
        };
        let stepped = self.snapshots.step(&view, visited.as_mut().map(|(_, house)| house), &mut self.chance);
        if let Some((shard, house)) = visited {
            self.houses[shard] = Some(house);
        }
        match stepped {
            Ok(Some(read_from)) => self.trim(read_from),
            Ok(None) => {}
            Err(why) => self.fail(why),
        }
        self.show_crash("after a step of a snapshot");
    }

    /// Lets the log forget what two snapshots stand for.
    fn trim(&mut self, read_from: Position) {
        let bytes = self.bytes_found + self.log.bytes_written();
        let before = self.retention.as_mut().and_then(|retention| retention.stands_for(read_from, bytes));
        if let Some(before) = before
            && let Err(error) = self.log.trim(before)
        {
            self.goes_down(format!("the log could not be trimmed: {error}"));
        }
    }
}

/// From where on each of these generations needs the log, older first.
pub(super) fn needed_by(snapshots: &[Rc<Generation>]) -> Vec<Position> {
    let mut needed: Vec<Position> =
        snapshots.iter().map(|generation| generation.coverage.read_from).collect();
    needed.sort_unstable();
    needed
}
