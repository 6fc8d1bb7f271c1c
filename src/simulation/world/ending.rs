//! How a world comes to an end before its time, and what is shown of it on the way.

use super::{Ending, World};
use crate::simulation::power::Crash;
use crate::simulation::watched_disk::Image;

impl World {
    /// The power goes off, wherever the process is: what follows never happened.
    pub fn power_off(&mut self) {
        if self.ending.is_some() {
            return;
        }
        let crash = Crash::any(&mut self.chance, self.disk.inside().unsynced_bytes());
        self.ending = Some(Ending::Off(self.disk.inside().crash(crash)));
    }

    /// The log takes no more: as the disk was told, or because something is wrong.
    pub(super) fn goes_down(&mut self, why: String) {
        if self.disk.inside().is_off() {
            self.power_off();
        } else if self.disk.inside().has_failed() {
            self.ending.get_or_insert(Ending::Down(why));
        } else {
            self.fail(why);
        }
    }

    pub(super) fn fail(&mut self, why: String) {
        if self.ending.is_none() {
            let last = self.ledger.lock().last(8);
            self.ending = Some(Ending::Wrong(format!("{why}\nthe last messages:\n{last}")));
        }
    }

    /// Shows what a crash here would leave, where that or what clients know has changed.
    pub(super) fn show_crash(&mut self, place: &str) {
        if self.chance.once_in(self.play.off_one_in) {
            self.power_off();
        }
        if self.watcher.is_none() {
            return;
        }
        let newest = self.snapshots.finished().iter().map(|generation| generation.number).max();
        let left = self.ledger.lock().left.len();
        let now = (self.disk.inside().steps(), left, newest.unwrap_or_default());
        if self.shown != now {
            self.shown = now;
            let disk = self.disk.inside().crash(Crash::AllLost);
            self.show(&Image { disk, how: format!("power off {place}") });
        }
    }

    pub(super) fn show(&mut self, image: &Image) {
        if self.ending.is_some() {
            return;
        }
        let Some(mut watcher) = self.watcher.take() else { return };
        let seen = watcher(image, &self.ledger.lock(), &self.snapshots.finished());
        self.watcher = Some(watcher);
        if let Err(why) = seen {
            self.fail(format!("{}: {why}", image.how));
        }
    }
}
