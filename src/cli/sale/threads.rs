//! How busy this process's threads were, from what the machine counts for each of them in /proc.
//!
//! Absent on purpose: machines without /proc. There nothing is said.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::Serialize;

/// /proc counts time in hundredths of a second for programs, on every machine that Rust runs on.
const TICKS_IN_A_SECOND: f64 = 100.0;
/// With its busiest thread below this share of a core, a run waits for something else than a thread.
const BUSY_SHARE_MIN: f64 = 0.5;

/// Who works in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Driver,
    Shard,
    Journal,
}

/// The processor time of each thread until now, in ticks.
#[derive(Debug)]
pub(super) struct Threads(BTreeMap<u32, (Role, u64)>);

/// The shares of a core that were used, of which 1 is a whole core.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Busy {
    /// The thread that makes the messages and takes the answers.
    pub(super) driver: f64,
    /// Each shard, the busiest first.
    pub(super) shards: Vec<f64>,
    /// The thread that writes and syncs.
    pub(super) journal: f64,
}

impl Threads {
    /// Until now; none where the machine does not say.
    pub(super) fn now() -> Option<Threads> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir("/proc/self/task").ok()?.flatten() {
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A thread may end between being listed and being read.
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            if let Some((name, ticks)) = name_and_ticks(&stat)
                && let Some(role) = role(number, name)
            {
                threads.insert(number, (role, ticks));
            }
        }
        Some(Threads(threads)).filter(|threads| !threads.0.is_empty())
    }

    /// How busy each was since then.
    pub(super) fn busy_since(&self, before: &Threads, took: Duration) -> Busy {
        let mut busy = Busy::default();
        for (number, (role, ticks)) in &self.0 {
            let ticks_before = before.0.get(number).map_or(0, |(_, ticks)| *ticks);
            let seconds = ticks.saturating_sub(ticks_before) as f64 / TICKS_IN_A_SECOND;
            let share = (seconds / took.as_secs_f64().max(1e-6) * 100.0).round() / 100.0;
            match role {
                Role::Driver => busy.driver += share,
                Role::Shard => busy.shards.push(share),
                Role::Journal => busy.journal += share,
            }
        }
        busy.shards.sort_by(|one, other| other.total_cmp(one));
        busy
    }
}

impl Busy {
    /// What bounds the run: the busiest thread, in words.
    pub(super) fn bound_by(&self) -> String {
        let shard = self.shards.first().copied().unwrap_or(0.0);
        let shard_name = if self.shards.len() == 1 { "the shard's core" } else { "the busiest shard's core" };
        let named =
            [(shard, shard_name), (self.journal, "the journal's thread"), (self.driver, "the driver")];
        let (share, name) = named
            .into_iter()
            .fold((0.0, "no thread"), |busiest, next| if next.0 > busiest.0 { next } else { busiest });
        if share < BUSY_SHARE_MIN {
            return format!("no thread: the disk, or others on this machine ({name} {share:.2} busy)");
        }
        format!("{name} ({share:.2} busy)")
    }
}

/// The main thread drives; the others are known by their names, of which the machine keeps 15 bytes.
fn role(number: u32, name: &str) -> Option<Role> {
    match name {
        _ if number == std::process::id() => Some(Role::Driver),
        "journal" => Some(Role::Journal),
        name if name.starts_with("actix-rt|") => Some(Role::Shard),
        _ => None,
    }
}

/// A thread's name and its ticks, own and the system's for it, from the line that /proc gives. The name stands in
/// brackets and may hold brackets itself; the times are the 12th and 13th of what follows.
fn name_and_ticks(stat: &str) -> Option<(&str, u64)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = tail.split_whitespace().skip(11);
    let own: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((name, own + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name_holds() {
        let line = "77 (a) (b) S 1 77 77 0 -1 64 5 0 0 0 120 30 0 0 20 0 4 0 9 1 2";
        assert_eq!(name_and_ticks(line), Some(("a) (b", 150)));
        for line in ["", "77", "77 (a) S 1 2 3", "77 (a) S 1 77 77 0 -1 64 5 0 0 0 x 30"] {
            assert_eq!(name_and_ticks(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_busiest_bounds_unless_nothing_is_busy() {
        let busy = |driver, shards: &[f64], journal| Busy { driver, shards: shards.to_vec(), journal };
        for (busy, words) in [
            (busy(0.4, &[0.98], 0.3), "the shard's core (0.98 busy)"),
            (busy(0.4, &[0.7, 0.6], 0.3), "the busiest shard's core (0.70 busy)"),
            (busy(0.9, &[0.7], 0.3), "the driver (0.90 busy)"),
            (busy(0.1, &[0.2], 0.6), "the journal's thread (0.60 busy)"),
        ] {
            assert_eq!(busy.bound_by(), words);
        }
        assert!(busy(0.1, &[], 0.2).bound_by().starts_with("no thread: the disk"));
    }
}
