//! How busy this process's threads were, and how long they waited for a core, from what the machine counts for
//! each of them in /proc.
//!
//! Absent on purpose: machines without such counts. There nothing is said.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::Serialize;

/// Where the thread that wants most wants less than this share of a core, a run waits for something else.
const WANTED_SHARE_MIN: f64 = 0.5;
/// A thread that waited for less than this share of the time is not told to have waited.
const WAITED_SHARE_MIN: f64 = 0.1;

/// Who works in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Driver,
    Shard,
    Journal,
}

/// The time of each thread until now.
#[derive(Debug)]
pub(super) struct Threads(BTreeMap<u32, (Role, Times)>);

/// Nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    /// On a core.
    busy: u64,
    /// Ready to go on, with no core free.
    waited: u64,
}

/// Shares of the time, of which 1 is the whole.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Shares {
    /// On a core.
    pub(super) busy: f64,
    /// Ready to go on, with no core free.
    pub(super) waited: f64,
}

/// How busy everyone was.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Busy {
    /// The thread that makes the messages and takes the answers.
    pub(super) driver: Shares,
    /// Each shard, the busiest first.
    pub(super) shards: Vec<Shares>,
    /// The thread that writes and syncs.
    pub(super) journal: Shares,
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
            let read = |file| fs::read_to_string(entry.path().join(file)).ok();
            if let Some((name, times)) = read("comm").zip(read("schedstat"))
                && let Some((role, times)) = role(number, name.trim_end()).zip(times_of(&times))
            {
                threads.insert(number, (role, times));
            }
        }
        Some(Threads(threads)).filter(|threads| !threads.0.is_empty())
    }

    /// How busy each was since then.
    pub(super) fn busy_since(&self, before: &Threads, took: Duration) -> Busy {
        let share = |now: u64, before: u64| {
            let share = now.saturating_sub(before) as f64 / took.as_nanos().max(1) as f64;
            (share * 100.0).round() / 100.0
        };
        let mut busy = Busy::default();
        for (number, (role, now)) in &self.0 {
            let before = before.0.get(number).map_or(Times::default(), |(_, times)| *times);
            let shares =
                Shares { busy: share(now.busy, before.busy), waited: share(now.waited, before.waited) };
            match role {
                Role::Driver => busy.driver = shares,
                Role::Shard => busy.shards.push(shares),
                Role::Journal => busy.journal = shares,
            }
        }
        busy.shards.sort_by(|one, other| other.wanted().total_cmp(&one.wanted()));
        busy
    }
}

impl Shares {
    fn wanted(&self) -> f64 {
        self.busy + self.waited
    }
}

impl Busy {
    /// What bounds the run: the thread that wanted a core most, in words.
    pub(super) fn bound_by(&self) -> String {
        let shard = self.shards.first().copied().unwrap_or_default();
        let shard_name = if self.shards.len() == 1 { "the shard's core" } else { "the busiest shard's core" };
        let journal = (self.journal, "the journal's thread");
        let most =
            [journal, (self.driver, "the driver")].into_iter().fold((shard, shard_name), |most, next| {
                if next.0.wanted() > most.0.wanted() { next } else { most }
            });
        let (shares, name) = most;
        if shares.wanted() < WANTED_SHARE_MIN {
            return format!("the disk: no thread wants a core for long ({name} {:.2} busy)", shares.busy);
        }
        if shares.waited < WAITED_SHARE_MIN {
            return format!("{name} ({:.2} busy)", shares.busy);
        }
        let Shares { busy, waited } = shares;
        format!("{name} ({busy:.2} busy, {waited:.2} waiting while others have all cores)")
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

/// The times of a thread, from the line that /proc gives: on a core, waiting for one, and how often it went on.
fn times_of(line: &str) -> Option<Times> {
    let mut fields = line.split_whitespace().map(str::parse);
    let (busy, waited) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Times { busy, waited })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_thread_are_read_or_absent() {
        assert_eq!(times_of("120 30 4\n"), Some(Times { busy: 120, waited: 30 }));
        for line in ["", "120", "120 x 4", "-1 2 3"] {
            assert_eq!(times_of(line), None, "{line:?}");
        }
    }

    #[test]
    fn who_wants_a_core_most_bounds_unless_nobody_does() {
        let shares = |busy, waited| Shares { busy, waited };
        let of = |driver, shards: &[Shares], journal| Busy { driver, shards: shards.to_vec(), journal };
        let few = shares(0.3, 0.0);
        for (busy, words) in [
            (of(few, &[shares(0.98, 0.0)], few), "the shard's core (0.98 busy)"),
            (of(few, &[shares(0.7, 0.0), few], few), "the busiest shard's core (0.70 busy)"),
            (of(shares(0.9, 0.0), &[shares(0.7, 0.0)], few), "the driver (0.90 busy)"),
            (of(few, &[few], shares(0.6, 0.0)), "the journal's thread (0.60 busy)"),
            (
                of(few, &[shares(0.5, 0.45)], few),
                "the shard's core (0.50 busy, 0.45 waiting while others have all cores)",
            ),
        ] {
            assert_eq!(busy.bound_by(), words);
        }
        assert!(of(few, &[], few).bound_by().starts_with("the disk: "));
    }
}
