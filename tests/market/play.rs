//! Playing the market on a folder, and copies of folders.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hongbao::domain::{Answer, Message, Timestamp};
use hongbao::{Clock, Config, Engine, Keeping, ManualClock};

use super::Phase;

/// Every message that was accepted, with what it was answered, in the order in which they were sent.
pub type Answered = Vec<(Message, Answer)>;

/// An engine on a folder at a time that stands still, which takes no snapshot by itself and removes no journal.
pub fn open(folder: &Path, shards: usize, clock: &Arc<ManualClock>, snapshot_every: u64) -> Engine {
    let journal_max = 1 << 40;
    let keeping = Keeping { snapshot_every, journal_max, archive: journal_max, ..Keeping::default() };
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Engine::open(Config::new(folder).with_shards(shards).with_keeping(keeping).with_clock(clock)).unwrap()
}

/// More than the market's whole journal.
pub const SELDOM: u64 = 1 << 30;

/// Plays phases on a new store, and leaves the engine open behind the last one.
pub fn play(folder: &Path, phases: &[Phase]) -> (Engine, Answered) {
    let clock = Arc::new(ManualClock::at(phases[0].at));
    let (mut engine, mut shards) = (open(folder, phases[0].shards, &clock, SELDOM), phases[0].shards);
    let mut answered = Vec::new();
    for phase in phases {
        clock.set(phase.at);
        if phase.shards != shards {
            shards = phase.shards;
            engine = again(engine, || open(folder, shards, &clock, SELDOM));
        }
        wait_for_timers(&engine);
        for step in &phase.steps {
            let messages: Vec<Message> = step.iter().map(|(message, _)| message.clone()).collect();
            for ((message, refused), answer) in step.iter().zip(engine.send_batch(messages).wait()) {
                let code = answer.as_ref().err().map(|refusal| refusal.code);
                assert_eq!(code, *refused, "{}: {message:?}: {answer:?}", answered.len());
                if refused.is_none() {
                    answered.push((message.clone(), answer));
                }
            }
        }
        if phase.snapshot {
            engine = again(engine, || open(folder, shards, &clock, 1));
            wait_for_a_snapshot(&engine);
            engine = again(engine, || open(folder, shards, &clock, SELDOM));
        }
    }
    (engine, answered)
}

/// Closes an engine and opens another one in its place.
fn again(engine: Engine, open: impl FnOnce() -> Engine) -> Engine {
    engine.close().unwrap();
    drop(engine);
    open()
}

/// Waits until what time alone brings about is on record: until nothing was for a while.
pub fn wait_for_timers(engine: &Engine) {
    let mut known = None;
    while known != Some(engine.journal_stats().records) {
        known = Some(engine.journal_stats().records);
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn wait_for_a_snapshot(engine: &Engine) {
    for _ in 0..3_000 {
        let stats = engine.snapshot_stats();
        assert_eq!(stats.why, None, "no snapshot fails");
        if stats.finished == 1 && !stats.under_way {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no snapshot in half a minute: {:?}", engine.snapshot_stats());
}

/// The morning of the day, or another time of it, as a clock.
pub fn clock_at(milliseconds: u64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp(milliseconds)))
}
