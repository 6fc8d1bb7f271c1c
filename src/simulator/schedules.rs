//! A whole engine without actix and without a disk, in many orders of its threads: a door, two houses at work on
//! threads of their own, the journal with its writer, permits and clients.
//!
//! Absent on purpose: what a sale must come to. The stage and the crash test judge that; here it is judged that every
//! client is answered once, that everything comes to rest, and that nothing is left over.

use std::sync::Mutex as Unwatched;
use std::sync::atomic::AtomicU64;

use super::engaging::send_money;
use super::messages::{deposit, open, with_id};
use crate::actors::{
    Departing, Envelope, Inbox, Permits, Replay, Sink, Stopped, Ticket, Time, Wakes, Worker, all_at_rest,
    shard_of,
};
use crate::domain::{Answer, Code, Message, Timestamp};
use crate::engine::{Door, ManualClock};
use crate::journal::Journal;
use crate::journal::tests::model_log::{Device, Fault, ModelLog};
use crate::planted::Bug;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::schedules::{any_below, assert_finds, in_fewer_orders, mpsc};
use crate::sync::{Arc, thread};

const SHARDS: usize = 2;

/// What comes to a shard's thread.
enum Post {
    Wake,
    Time,
    End,
}

struct Mailbox(mpsc::Sender<Post>);

impl Wakes for Mailbox {
    fn wake(&self) {
        // A shard that has ended is not woken, as actix's are not.
        let _ = self.0.send(Post::Wake);
    }
}

/// Where a client waits for its one answer; every answer is counted.
struct Client(mpsc::Sender<Answer>, std::sync::Arc<Counts>);

/// How many tickets were made and how many answers were given, and to which shards messages went.
#[derive(Default)]
struct Counts {
    tickets: AtomicU64,
    answers: AtomicU64,
    shards: [AtomicU64; SHARDS],
}

impl Sink for Client {
    fn give(&self, _index: u32, answer: Answer) {
        self.1.answers.fetch_add(1, Ordering::SeqCst);
        let _ = self.0.send(answer);
    }
}

/// The engine.
struct Small {
    door: Door,
    inboxes: Arc<[Inbox<Mailbox>]>,
    mailboxes: Vec<mpsc::Sender<Post>>,
    threads: Unwatched<Vec<thread::JoinHandle<()>>>,
    journal: Arc<Journal<Departing>>,
    stopped: Arc<Stopped>,
    timing: Arc<AtomicBool>,
    permits: Arc<Permits>,
    counts: std::sync::Arc<Counts>,
}

impl Drop for Small {
    fn drop(&mut self) {
        // What is judged to be wrong may be a writer that never ends: nobody is to wait for it then.
        if thread::panicking() {
            std::mem::forget(Arc::clone(&self.journal));
        }
    }
}

impl Small {
    fn open(fault: Option<Fault>) -> Arc<Small> {
        let (houses, common) =
            Replay::new(SHARDS).finish(&mut |_| unreachable!("nothing to finish")).unwrap();
        let journal = Journal::start(ModelLog::boxed(&Device::default(), fault)).unwrap();
        let inboxes: Arc<[Inbox<Mailbox>]> = (0..SHARDS).map(|_| Inbox::default()).collect();
        let (stopped, timing) = (Arc::new(Stopped::default()), Arc::new(AtomicBool::new(false)));
        let time = Time::new(Arc::new(ManualClock::at(Timestamp(1_000_000))), Timestamp(0));
        let (mut mailboxes, mut threads) = (Vec::new(), Vec::new());
        for (index, house) in houses.into_iter().enumerate() {
            let mut worker = Worker::new(index, house, &inboxes, &journal, &stopped, &time, &timing);
            let (mailbox, post) = mpsc::channel();
            inboxes[index].open(Mailbox(mailbox.clone()));
            mailboxes.push(mailbox);
            threads.push(thread::spawn(move || {
                loop {
                    match post.recv().unwrap() {
                        Post::Wake => worker.woken(),
                        Post::Time => worker.look_at_the_time(),
                        Post::End => return,
                    }
                }
            }));
        }
        timing.store(true, Ordering::SeqCst);
        let (reason, wake) = (Arc::clone(&stopped), Arc::clone(&inboxes));
        journal.on_fault(move |why| {
            reason.stop(why.to_owned());
            wake.iter().for_each(Inbox::wake);
        });
        let (door, permits, threads) = (Door::new(common), Permits::new(4), Unwatched::new(threads));
        let counts = std::sync::Arc::default();
        Arc::new(Small { door, inboxes, mailboxes, threads, journal, stopped, timing, permits, counts })
    }

    /// Sends a message as an engine does, and waits for its answer.
    fn send(&self, message: &Message) -> Answer {
        let (sender, answer) = mpsc::channel();
        let sink: Arc<dyn Sink> = Arc::new(Client(sender, std::sync::Arc::clone(&self.counts)));
        let ticket = Ticket::new(sink, 0, self.permits.take()?);
        self.counts.tickets.fetch_add(1, Ordering::SeqCst);
        let (to, body) = self.door.resolve(message, [0; 32])?;
        let walk = self.door.common().next_walk();
        let envelope = Envelope::from_door(to, walk, Timestamp(1_000_000), body, Some(ticket));
        let shard = shard_of(to, SHARDS);
        self.counts.shards[shard].fetch_add(1, Ordering::SeqCst);
        self.inboxes[shard].push(vec![envelope]);
        answer.recv().unwrap()
    }

    /// Comes to rest and ends, as an engine that is closed.
    fn close(&self) {
        self.timing.store(false, Ordering::SeqCst);
        while !all_at_rest(&self.inboxes) && self.stopped.why().is_none() {
            thread::yield_now();
        }
        for mailbox in &self.mailboxes {
            mailbox.send(Post::End).unwrap();
        }
        self.threads.lock().unwrap().drain(..).for_each(|thread| thread.join().unwrap());
        assert_eq!(self.journal.close().is_err(), self.journal.fault().is_some());
        assert_eq!(self.permits.taken(), 0, "an engine at rest has every permit back");
        let Counts { tickets, answers, shards } = &*self.counts;
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        assert_eq!(count(tickets), count(answers), "every client is answered once");
        if self.stopped.why().is_none() {
            assert!(shards.iter().all(|shard| count(shard) > 0), "both shards are at work");
        }
    }
}

/// Clients of accounts on both shards, who pay each other at once.
fn pay_each_other(fault: Option<Fault>) -> Vec<Answer> {
    let engine = Small::open(fault);
    let opening = [with_id(open("one", 100), "1"), with_id(open("other", 100), "2")];
    let mut answers: Vec<_> = opening.iter().map(|message| engine.send(message)).collect();
    let clients: Vec<_> =
        [send_money("one", "other", 70), send_money("other", "one", 30), deposit("other", 5)]
            .into_iter()
            .zip(["3", "4", "5"])
            .map(|(message, id)| {
                let (engine, message) = (Arc::clone(&engine), with_id(message, id));
                thread::spawn(move || engine.send(&message))
            })
            .collect();
    for mailbox in &engine.mailboxes {
        let _ = mailbox.send(Post::Time);
    }
    answers.extend(clients.into_iter().map(|client| client.join().unwrap()));
    let (seen, visits) = mpsc::channel();
    for inbox in &*engine.inboxes {
        let seen = seen.clone();
        inbox.visit(Box::new(move |house| seen.send(house.busy()).unwrap()));
    }
    drop(seen);
    let visited = visits.iter().count();
    assert!(visited == SHARDS || engine.stopped.why().is_some(), "every visit comes");
    engine.close();
    answers
}

fn an_engine_at_work() {
    for answer in pay_each_other(None) {
        answer.unwrap();
    }
}

#[test]
fn every_client_of_two_shards_is_answered_and_all_comes_to_rest() {
    in_fewer_orders(an_engine_at_work);
}

fn an_engine_whose_journal_fails() {
    let batch = 1 + any_below(4);
    let fault = [Fault::Write(batch), Fault::Sync(batch)][any_below(2) as usize];
    for answer in pay_each_other(Some(fault)) {
        let code = answer.map_err(|refusal| refusal.code).err();
        assert!(
            matches!(code, None | Some(Code::OutcomeUnknown | Code::UnknownAccount)),
            "what is not durable is unknown: {code:?}"
        );
    }
}

#[test]
fn every_client_is_answered_once_also_when_the_journal_fails() {
    in_fewer_orders(an_engine_whose_journal_fails);
}

#[test]
fn each_bug_that_is_planted_between_shards_is_found() {
    assert_finds(Bug::AwakeAfterWork, "deadlock", an_engine_at_work);
    assert_finds(Bug::FailureUntold, "deadlock", an_engine_whose_journal_fails);
}
