//! The front: order, answers that never leave too early, failures, the end.

use crate::limits::BATCH_BYTES_MAX;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use super::{
    scripted_log::{ScriptedLog, Stored, Trouble},
    *,
};
use crate::journal::{Departure, Journal, JournalError};

/// An answer that tells how it ended: when it leaves, whether its position was durable.
struct Answer {
    at: u64,
    ends: Sender<(u64, End)>,
    stored: Arc<Mutex<Stored>>,
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Left,
    LeftTooEarly,
    Unknown,
}

impl Departure for Answer {
    fn leave(mut self) {
        let durable = self.stored.lock().unwrap().durable;
        let end = if self.at <= durable { End::Left } else { End::LeftTooEarly };
        self.told = true;
        let _ = self.ends.send((self.at, end));
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.told {
            let _ = self.ends.send((self.at, End::Unknown));
        }
    }
}

struct House {
    journal: Arc<Journal<Answer>>,
    stored: Arc<Mutex<Stored>>,
    ends: Receiver<(u64, End)>,
    sender: Sender<(u64, End)>,
}

impl House {
    fn new((log, stored): (ScriptedLog, Arc<Mutex<Stored>>)) -> Self {
        let (sender, ends) = channel();
        House { journal: Journal::start(Box::new(log)).unwrap(), stored, ends, sender }
    }

    fn hand_over(&self, record: &[u8]) -> Result<u64, JournalError> {
        let first = self.journal.hand_over(&mut batch_of(&[record]));
        first.map(|position| position.0)
    }

    fn answer(&self, at: u64) {
        let answer = Answer { at, ends: self.sender.clone(), stored: Arc::clone(&self.stored), told: false };
        self.journal.release(Position(at), vec![answer]);
    }

    fn next_end(&self) -> (u64, End) {
        self.ends.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

#[test]
fn answers_leave_in_the_order_of_positions_and_never_before_their_sync() {
    let (log, stored, gate) = ScriptedLog::gated();
    let house = House::new((log, stored));
    house.answer(0);
    assert_eq!(house.next_end(), (0, End::Left), "position 0 is always durable");
    for expected in 1..=4 {
        assert_eq!(house.hand_over(b"record").unwrap(), expected);
    }
    for at in [3, 1, 4, 2] {
        house.answer(at);
    }
    assert!(house.ends.recv_timeout(Duration::from_millis(30)).is_err());
    assert_eq!(house.journal.durable(), Position(0));
    assert_eq!(house.journal.handed_over(), Position(4));
    drop(gate);
    for at in 1..=4 {
        assert_eq!(house.next_end(), (at, End::Left));
    }
    house.journal.wait_durable(Position(4)).unwrap();
    house.answer(2);
    assert_eq!(house.next_end(), (2, End::Left), "at once when it is durable");
    house.journal.close().unwrap();
    assert!(house.stored.lock().unwrap().sealed);
    let stats = house.journal.stats();
    assert_eq!((stats.records, stats.bytes), (4, 24));
    assert!((1..=4).contains(&stats.syncs));
}

#[test]
fn many_shards_keep_their_order_and_every_answer_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let disk = crate::journal::FolderDisk::new(folder.path());
    let (log, _) =
        crate::journal::FileLog::open_with(disk, SegmentOptions { segment_bytes_max: 4000, ..SMALL })
            .unwrap();
    static LEFT: AtomicU64 = AtomicU64::new(0);
    struct Counted;
    impl Departure for Counted {
        fn leave(self) {
            LEFT.fetch_add(1, Ordering::SeqCst);
        }
    }
    let journal: Arc<Journal<Counted>> = Journal::start(Box::new(log)).unwrap();
    thread::scope(|scope| {
        for shard in 0..3_u64 {
            let journal = &journal;
            scope.spawn(move || {
                let mut batch = RecordBatch::new();
                for turn in 0..200_u64 {
                    batch.push(format!("{shard} {turn} a").as_bytes()).unwrap();
                    batch.push(format!("{shard} {turn} b").as_bytes()).unwrap();
                    let first = journal.hand_over(&mut batch).unwrap();
                    assert!(batch.is_empty());
                    journal.release(Position(first.0 + 1), vec![Counted, Counted]);
                }
            });
        }
    });
    journal.close().unwrap();
    journal.close().unwrap();
    assert_eq!(LEFT.load(Ordering::SeqCst), 1200);
    assert_eq!(journal.durable(), Position(1200));

    let disk = crate::journal::FolderDisk::new(folder.path());
    let (log, opened) = crate::journal::FileLog::inspect(disk).unwrap();
    assert!(opened.sealed);
    let mut next = [0; 3];
    let records = read_all(&log);
    assert_eq!(records.len(), 1200);
    for pair in records.chunks(2) {
        let text = String::from_utf8(pair[0].1.clone()).unwrap();
        let shard: usize = text[..1].parse().unwrap();
        assert_eq!(text, format!("{shard} {} a", next[shard]));
        let text = String::from_utf8(pair[1].1.clone()).unwrap();
        assert_eq!(text, format!("{shard} {} b", next[shard]));
        next[shard] += 1;
    }
}

#[test]
fn any_failure_ends_everything_that_waits_and_calls_back_once() {
    for trouble in [
        Trouble::AppendFails,
        Trouble::ShortWrite,
        Trouble::SyncFails,
        Trouble::WrongPosition,
        Trouble::Panic,
    ] {
        let house = House::new(ScriptedLog::new(Some((2, trouble))));
        let (calls, called) = channel();
        let again = calls.clone();
        house.journal.on_fault(move |why| calls.send(why.to_owned()).unwrap());
        assert_eq!(house.hand_over(b"good").unwrap(), 1);
        house.journal.wait_durable(Position(1)).unwrap();
        house.answer(1);
        assert_eq!(house.next_end(), (1, End::Left));

        assert_eq!(house.journal.hand_over(&mut batch_of(&[b"bad", b"worse"])).unwrap(), Position(2));
        // The writer may have failed before these: either way they end as unknown.
        house.answer(2);
        house.answer(3);
        let mut ends = [house.next_end(), house.next_end()];
        ends.sort_by_key(|end| end.0);
        assert_eq!(ends, [(2, End::Unknown), (3, End::Unknown)], "{trouble:?}");
        let why = called.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(house.journal.fault(), Some(why.clone()));

        house.journal.on_fault(move |why| again.send(why.to_owned()).unwrap());
        assert_eq!(called.recv().unwrap(), why, "one that comes late is called at once");
        assert!(called.recv().is_err(), "nobody is called twice");

        let mut batch = batch_of(&[b"late"]);
        let refused = house.journal.hand_over(&mut batch);
        assert!(matches!(refused, Err(JournalError::Poisoned { .. })));
        assert_eq!(batch.records(), 1, "a refused batch is unchanged");
        let refused = house.journal.wait_durable(Position(2));
        assert!(matches!(refused, Err(JournalError::Poisoned { .. })));
        house.answer(3);
        assert_eq!(house.next_end(), (3, End::Unknown));
        house.answer(1);
        assert_eq!(house.next_end(), (1, End::Left), "what is durable still leaves");
        assert!(matches!(house.journal.close(), Err(JournalError::Poisoned { .. })));
        assert!(!house.stored.lock().unwrap().sealed);
    }
}

#[test]
fn a_panic_while_an_answer_leaves_stops_the_journal() {
    struct Explosive(bool);
    impl Departure for Explosive {
        fn leave(self) {
            assert!(!self.0, "this answer panics");
        }
    }
    let (log, _, gate) = ScriptedLog::gated();
    let journal: Arc<Journal<Explosive>> = Journal::start(Box::new(log)).unwrap();
    let at = journal.hand_over(&mut batch_of(&[b"x"])).unwrap();
    journal.release(at, vec![Explosive(true)]);
    drop(gate);
    assert!(matches!(journal.close(), Err(JournalError::Poisoned { .. })));
    assert!(journal.fault().unwrap().contains("this answer panics"));
}

#[test]
fn what_is_handed_over_while_a_segment_is_removed_is_written_before_the_next_one_is() {
    let (log, stored, trims, go_on) = ScriptedLog::telling_trims();
    let house = House::new((log, stored));
    house.journal.trim(Position(4)).unwrap();
    for durable in 0..4 {
        assert_eq!(trims.recv(), Ok(durable));
        house.hand_over(b"x").unwrap();
        go_on.send(()).unwrap();
    }
    house.journal.close().unwrap();
    assert_eq!(house.stored.lock().unwrap().trimmed, 4, "all that was asked for is gone");
}

#[test]
fn closing_writes_what_was_handed_over_and_then_refuses() {
    let (log, stored, gate) = ScriptedLog::gated();
    let house = House::new((log, stored));
    for _ in 0..3 {
        house.hand_over(b"x").unwrap();
    }
    house.answer(3);
    house.journal.trim(Position(2)).unwrap();
    drop(gate);
    house.journal.close().unwrap();
    assert_eq!(house.next_end(), (3, End::Left));
    let refused = house.hand_over(b"late");
    assert!(matches!(refused, Err(JournalError::Closed)));
    let refused = house.journal.wait_durable(Position(4));
    assert!(matches!(refused, Err(JournalError::Closed)));
    house.journal.wait_durable(Position(3)).unwrap();
    let stored = house.stored.lock().unwrap();
    assert_eq!((stored.durable, stored.trimmed, stored.sealed), (3, 2, true));
}

#[test]
fn a_seal_that_fails_is_told_and_takes_no_answer_back() {
    let house = House::new(ScriptedLog::new(Some((2, Trouble::SealFails))));
    house.hand_over(b"x").unwrap();
    house.answer(1);
    assert!(matches!(house.journal.close(), Err(JournalError::Poisoned { .. })));
    assert_eq!(house.next_end(), (1, End::Left));
}

#[test]
fn dropping_the_journal_writes_everything_and_leaves_no_seal() {
    let house = House::new(ScriptedLog::new(None));
    for _ in 0..10 {
        house.hand_over(b"x").unwrap();
    }
    let stored = Arc::clone(&house.stored);
    drop(house);
    let stored = stored.lock().unwrap();
    assert_eq!((stored.durable, stored.sealed), (10, false));
}

#[test]
fn closing_from_the_journals_own_thread_does_not_wait_for_itself() {
    struct Closer(Arc<Journal<Closer>>);
    impl Departure for Closer {
        fn leave(self) {
            self.0.close().unwrap();
        }
    }
    let (log, stored, gate) = ScriptedLog::gated();
    let journal: Arc<Journal<Closer>> = Journal::start(Box::new(log)).unwrap();
    let at = journal.hand_over(&mut batch_of(&[b"x"])).unwrap();
    journal.release(at, vec![Closer(Arc::clone(&journal))]);
    drop(gate);
    journal.wait_durable(at).unwrap();
    journal.close().unwrap();
    assert!(stored.lock().unwrap().sealed);
}

#[test]
fn whoever_hands_over_more_than_one_sync_takes_waits_for_room() {
    let (log, stored, gate) = ScriptedLog::gated();
    let house = House::new((log, stored));
    house.hand_over(b"the writer takes this one and waits").unwrap();
    while !house.journal.shared().lock().records.is_empty() {
        thread::yield_now();
    }
    let large = vec![1; BATCH_BYTES_MAX as usize];
    house.hand_over(&large).unwrap();
    let (done, told) = channel();
    let journal = &house.journal;
    thread::scope(|scope| {
        scope.spawn(move || {
            let first = journal.hand_over(&mut batch_of(&[b"too much"])).unwrap();
            done.send(first.0).unwrap();
        });
        assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
        gate.send(()).unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), 3);
        drop(gate);
    });
    house.journal.close().unwrap();
}

#[test]
#[should_panic(expected = "waits only for a position that was given")]
fn an_answer_for_a_position_that_was_never_given_is_a_bug() {
    House::new(ScriptedLog::new(None)).answer(1);
}

#[test]
fn an_answer_whose_sync_ends_while_it_is_released_leaves_all_the_same() {
    struct Told(Sender<()>);
    impl Departure for Told {
        fn leave(self) {
            let _ = self.0.send(());
        }
    }
    let (log, _, gate) = ScriptedLog::gated();
    let journal: Arc<Journal<Told>> = Journal::start(Box::new(log)).unwrap();
    let at = journal.hand_over(&mut batch_of(&[b"x"])).unwrap();
    let (sender, told) = channel();
    thread::scope(|scope| {
        // The writer stands at the gate; the release sees that it must wait and stands at the
        // lock; then, as the writer would under that lock, the sync is told.
        let front = journal.shared().lock();
        scope.spawn(|| journal.release(at, vec![Told(sender)]));
        thread::sleep(Duration::from_millis(50));
        journal.shared().set_durable(at);
        drop(front);
    });
    assert!(told.recv_timeout(Duration::from_secs(5)).is_ok());
    drop(gate);
    journal.close().unwrap();
}
