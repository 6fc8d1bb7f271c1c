//! Permits, tickets, notices, the stopping reason and the delivery to several shards at once, in thousands of orders of
//! the threads that use them. Each model is a property; the last test plants a bug for most of them.
//!
//! Absent on purpose: houses. A whole engine in many orders is `simulator/schedules.rs`.

use std::sync::Mutex as Unwatched;

use crate::actors::envelope::{Envelope, Sender};
use crate::actors::inbox::{Inbox, Wakes, send_at_once};
use crate::actors::{Booklet, Common, Departing, Permits, Sink, Stopped, Ticket};
use crate::domain::{ActorNumber, Answer, Body, Code, News, Notice, Position, Refusal, Timestamp, WalkId};
use crate::journal::tests::model_log::{Device, ModelLog};
use crate::journal::{Departure, Journal, RecordBatch};
use crate::planted::Bug;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::schedules::{any_below, assert_finds, in_fewer_orders, in_many_orders, mpsc};
use crate::sync::{Arc, Mutex, thread};

/// Every answer that was given.
#[derive(Default)]
struct Given(Unwatched<Vec<Answer>>);

impl Sink for Given {
    fn give(&self, _index: u32, answer: Answer) {
        self.0.lock().unwrap().push(answer);
    }
}

impl Given {
    fn codes(&self) -> Vec<Code> {
        self.0.lock().unwrap().iter().map(|answer| answer.as_ref().unwrap_err().code).collect()
    }
}

/// An answer that stands for what a walk has settled.
fn settled() -> Answer {
    Err(Refusal::of(Code::SoldOut))
}

const MOST: usize = 2;

fn permits_in_a_rush() {
    let permits = Permits::new(MOST);
    let held = Arc::new(Unwatched::new(0));
    let none_allowed = Arc::new(AtomicBool::new(false));
    let takers: Vec<_> = (0..3)
        .map(|_| {
            let (permits, held, closed) =
                (Arc::clone(&permits), Arc::clone(&held), Arc::clone(&none_allowed));
            thread::spawn(move || {
                for _ in 0..2 {
                    let late = closed.load(Ordering::SeqCst);
                    let Ok(permit) = permits.take() else { continue };
                    assert!(!late, "a permit is given after none was allowed any more");
                    let now = {
                        let mut held = held.lock().unwrap();
                        *held += 1;
                        *held
                    };
                    assert!(now <= MOST, "more permits than there are");
                    assert!(permits.taken() <= MOST, "more permits are counted than there are");
                    *held.lock().unwrap() -= 1;
                    drop(permit);
                }
            })
        })
        .collect();
    permits.allow(500);
    permits.allow(0);
    none_allowed.store(true, Ordering::SeqCst);
    assert!(permits.take().is_err());
    takers.into_iter().for_each(|taker| taker.join().unwrap());
    assert_eq!(permits.taken(), 0, "every permit comes back");
    permits.allow(1);
    let one = permits.take().unwrap();
    assert!(permits.take().is_err(), "a thousandth of two is one");
    permits.allow(1_000);
    let other = permits.take().unwrap();
    assert!(permits.take().is_err());
    drop((one, other));
    assert_eq!(permits.taken(), 0);
}

#[test]
fn never_more_permits_are_taken_than_there_are_or_are_allowed_and_every_one_comes_back() {
    in_many_orders(permits_in_a_rush);
}

/// Two batches of three messages before two places: what is refused at the door, what a shard ends on its own thread, and
/// what there is no room for.
fn batches_in_parts() {
    let permits = Permits::new(MOST);
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let permits = Arc::clone(&permits);
            thread::spawn(move || {
                let given = Arc::new(Given::default());
                let mut booklet = Booklet::new(Arc::<Given>::clone(&given), permits.take_up_to(3));
                let (mut ends, mut overloaded) = (Vec::new(), 0);
                for index in 0..3_u32 {
                    if !booklet.has_more() {
                        let_go(&mut booklet);
                        booklet.go_on_with(permits.take_up_to(3 - index as usize));
                    }
                    assert!(permits.taken() <= MOST, "more permits are counted than there are");
                    if index == 1 {
                        overloaded +=
                            usize::from(booklet.refuse(index, Refusal::of(Code::UnknownAccount)).is_err());
                        continue;
                    }
                    let Some(ticket) = booklet.next(index) else {
                        overloaded += 1;
                        continue;
                    };
                    ends.push(thread::spawn(move || {
                        ticket.settle(settled());
                        assert!(ticket.absorbed(Position(1)), "the walk has one message");
                        Departing::ended(ticket).leave();
                    }));
                }
                let_go(&mut booklet);
                drop(booklet);
                ends.into_iter().for_each(|end| end.join().unwrap());
                let codes = given.codes();
                assert_eq!(codes.len() + overloaded, 3, "each is answered once: {codes:?}");
                assert!(!codes.contains(&Code::OutcomeUnknown), "{codes:?}");
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!(permits.taken(), 0, "every permit comes back");
}

/// Lets go what the door has refused so far.
fn let_go(booklet: &mut Booklet) {
    booklet.refused().map(Departing::refused).into_iter().for_each(Departing::leave);
}

#[test]
fn batches_never_hold_more_permits_than_there_are_and_each_message_is_answered_once() {
    in_many_orders(batches_in_parts);
}

/// A message of a walk: whether two follow from it, and whether its actor settles the answer.
#[derive(Clone, Copy)]
struct Hop {
    goes_on: bool,
    settles: bool,
}

/// A walk that several shards absorb: messages that wait, and the newest record.
struct Walk {
    ticket: Arc<Ticket>,
    waiting: Vec<Hop>,
    newest: u64,
}

/// What a shard finds at a walk's end: the position that it reads, and the answer that is to leave.
type Ended = (Position, Departing);

/// Absorbs messages of a walk until none waits.
fn absorb(walk: &Mutex<Walk>) -> Vec<Ended> {
    let mut ends = Vec::new();
    loop {
        let (ticket, at, hop) = {
            let mut walk = walk.lock().unwrap();
            let Some(hop) = walk.waiting.pop() else { return ends };
            walk.newest += 1;
            (Arc::clone(&walk.ticket), Position(walk.newest), hop)
        };
        if hop.settles {
            ticket.settle(settled());
        }
        if hop.goes_on {
            ticket.followed_by(2);
            walk.lock().unwrap().waiting.extend([Hop { goes_on: false, settles: false }; 2]);
        } else if ticket.absorbed(at) {
            ends.push((ticket.position(), Departing::ended(ticket)));
        }
    }
}

fn a_walk_over_several_shards() {
    let (permits, given) = (Permits::new(1), Arc::new(Given::default()));
    let ticket = Ticket::new(Arc::<Given>::clone(&given), 0, permits.take().unwrap());
    // From the first message three follow, and from one of these two more.
    ticket.followed_by(3);
    let hop = |goes_on, settles| Hop { goes_on, settles };
    let waiting = vec![hop(false, false), hop(false, true), hop(true, false)];
    let walk = Arc::new(Mutex::new(Walk { ticket, waiting, newest: 1 }));
    let shards: Vec<_> = (0..3)
        .map(|_| {
            let walk = Arc::clone(&walk);
            thread::spawn(move || absorb(&walk))
        })
        .collect();
    let mut ends: Vec<Ended> = shards.into_iter().flat_map(|shard| shard.join().unwrap()).collect();
    ends.extend(absorb(&walk));
    assert_eq!(ends.len(), 1, "one shard sees the end");
    assert!(given.codes().is_empty(), "nothing leaves before it is let go");
    // Nothing follows from four of the six records, and the sixth is always one of these.
    let (position, departing) = ends.remove(0);
    assert_eq!(position, Position(6), "the position is the greatest of all");
    departing.leave();
    drop(walk);
    assert_eq!(given.codes(), [Code::SoldOut], "the settled answer leaves, once");
    assert_eq!(permits.taken(), 0);
}

#[test]
fn one_shard_sees_the_end_of_a_walk_and_its_greatest_position() {
    in_many_orders(a_walk_over_several_shards);
}

fn a_ticket_that_several_drop() {
    let (permits, given) = (Permits::new(1), Arc::new(Given::default()));
    let ticket = Ticket::new(Arc::<Given>::clone(&given), 0, permits.take().unwrap());
    // Its answer leaves early on one thread, or at its end, or not at all, while others let their messages go.
    let way = any_below(4);
    let mut threads = Vec::new();
    for shard in 0..3 {
        let ticket = Arc::clone(&ticket);
        threads.push(thread::spawn(move || {
            ticket.settle(settled());
            match (way, shard) {
                (1 | 3, 0) => Departing::early(ticket).leave(),
                (2 | 3, 1) => Departing::ended(ticket).leave(),
                _ => drop(ticket),
            }
        }));
    }
    drop(ticket);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let expected = if way == 0 { Code::OutcomeUnknown } else { Code::SoldOut };
    assert_eq!(given.codes(), [expected], "by way {way}");
    assert_eq!(permits.taken(), 0, "its place is free");
}

#[test]
fn a_ticket_answers_once_whoever_drops_it_and_unknown_where_nothing_left() {
    in_many_orders(a_ticket_that_several_drop);
}

fn notice(position: Position) -> Notice {
    let news = News::Prompt { certificate: ActorNumber(1), to: Vec::new() };
    Notice { position, at: Timestamp(0), news }
}

/// A turn with one record and a notice of it.
fn turn_with_notice(journal: &Journal<Departing>, common: &Arc<Common>) -> Position {
    let mut batch = RecordBatch::new();
    batch.push(b"record").unwrap();
    let at = journal.hand_over(&mut batch).unwrap();
    common.notices.hold(std::iter::once(notice(at)));
    journal.release(at, vec![Departing::notices(Arc::clone(common), at)]);
    at
}

fn notices_of_two_shards() {
    let device = Device::default();
    let journal: Arc<Journal<Departing>> = Journal::start(ModelLog::boxed(&device, None)).unwrap();
    let common = Arc::new(Common::default());
    let mut listener = common.notices.listen();
    let (cause, effect) = mpsc::channel();
    let of_first = (Arc::clone(&journal), Arc::clone(&common));
    let first = thread::spawn(move || {
        for _ in 0..2 {
            // What follows from a turn is sent when its notice is held.
            cause.send(turn_with_notice(&of_first.0, &of_first.1)).unwrap();
        }
    });
    let of_second = (Arc::clone(&journal), Arc::clone(&common));
    let second = thread::spawn(move || {
        let follow = |cause| (cause, turn_with_notice(&of_second.0, &of_second.1));
        effect.iter().map(follow).collect::<Vec<_>>()
    });
    let mut told = Vec::new();
    let mut hear = || {
        while let Ok(notice) = listener.try_recv() {
            assert!(notice.position.0 <= device.durable(), "a notice is told before its record is durable");
            told.push(notice.position);
        }
    };
    for _ in 0..3 {
        hear();
        thread::yield_now();
    }
    first.join().unwrap();
    let pairs = second.join().unwrap();
    journal.close().unwrap();
    hear();
    let place = |position: Position| told.iter().position(|told| *told == position).unwrap();
    assert!(pairs.iter().all(|(cause, effect)| place(*cause) < place(*effect)), "{pairs:?}: {told:?}");
    told.sort_unstable();
    assert_eq!(told, (1..=4).map(Position).collect::<Vec<_>>(), "each is told once");
    common.notices.end();
}

#[test]
fn notices_are_told_once_behind_their_records_and_never_before_their_causes() {
    in_fewer_orders(notices_of_two_shards);
}

fn several_reasons_to_stop() {
    let stopped = Arc::new(Stopped::default());
    assert_eq!(stopped.why(), None);
    let reasons: Vec<_> = (0..3)
        .map(|reason: u32| {
            let stopped = Arc::clone(&stopped);
            thread::spawn(move || {
                stopped.stop(reason.to_string());
                stopped.why().unwrap().to_owned()
            })
        })
        .collect();
    let first = reasons.into_iter().map(|reason| reason.join().unwrap()).collect::<Vec<_>>();
    assert!(first.iter().all(|why| Some(why.as_str()) == stopped.why()), "one reason counts: {first:?}");
}

#[test]
fn the_first_reason_to_stop_is_the_one_that_everybody_reads() {
    in_many_orders(several_reasons_to_stop);
}

/// Where wake-ups for a shard arrive; `false` ends it.
struct Mailbox(mpsc::Sender<bool>);

impl Wakes for Mailbox {
    fn wake(&self) {
        self.0.send(true).unwrap();
    }
}

fn message(to: u64) -> Envelope {
    Envelope::from_door(ActorNumber(to), WalkId(0), Timestamp(0), Body::CreditAbsorbed, None)
}

const BIRTH: u64 = 100;
const PURCHASE: u64 = 200;
const SETTLEMENT: u64 = 300;

/// A shard that notes what it takes, and sends the settlement of every purchase on to the last shard.
fn take_everything(index: usize, inboxes: &[Inbox<Mailbox>], wakes: &mpsc::Receiver<bool>) -> Vec<u64> {
    let (mut all, mut taken) = (Vec::new(), Vec::new());
    while wakes.recv().unwrap() {
        inboxes[index].awake();
        inboxes[index].take(&mut taken, false);
        for envelope in taken.drain(..) {
            assert!(matches!(envelope.sender, Sender::Door));
            let number = envelope.to.0;
            all.push(number);
            if (PURCHASE..SETTLEMENT).contains(&number) {
                send_at_once(inboxes, vec![(2, vec![message(number + SETTLEMENT - PURCHASE)])]);
            }
        }
    }
    all
}

fn parts_for_several_shards() {
    let inboxes: Arc<[Inbox<Mailbox>]> = (0..3).map(|_| Inbox::default()).collect();
    let (mut mailboxes, mut shards) = (Vec::new(), Vec::new());
    for index in 0..3 {
        let (sender, wakes) = mpsc::channel();
        inboxes[index].open(Mailbox(sender.clone()));
        let inboxes = Arc::clone(&inboxes);
        mailboxes.push(sender);
        shards.push(thread::spawn(move || take_everything(index, &inboxes, &wakes)));
    }
    // Two offerings bring certificates to life on the last shard and send their buyers to the second.
    let offerings: Vec<_> = (0..2)
        .map(|offering| {
            let inboxes = Arc::clone(&inboxes);
            thread::spawn(move || {
                let purchase = (1, vec![message(PURCHASE + offering)]);
                let birth = (2, vec![message(BIRTH + offering)]);
                send_at_once(&inboxes, vec![purchase, birth]);
                inboxes[0].push(vec![message(offering)]);
            })
        })
        .collect();
    offerings.into_iter().for_each(|offering| offering.join().unwrap());
    // In the order of who sends to whom, so that nobody ends before all has come.
    let mut taken = Vec::new();
    for (mailbox, shard) in mailboxes.into_iter().zip(shards) {
        mailbox.send(false).unwrap();
        taken.push(shard.join().unwrap());
    }
    taken[0].sort_unstable();
    assert_eq!(taken[0], [0, 1], "what was sent is taken");
    assert_eq!(taken[1].len(), 2, "what was sent is taken");
    let place = |number: u64| taken[2].iter().position(|taken| *taken == number).unwrap();
    for offering in 0..2 {
        assert!(place(BIRTH + offering) < place(SETTLEMENT + offering), "a settlement overtakes a birth");
    }
    assert_eq!(taken[2].len(), 4, "each comes once");
}

#[test]
fn what_a_shard_sends_on_after_taking_its_part_comes_behind_the_part_of_every_other() {
    in_many_orders(parts_for_several_shards);
}

#[test]
fn each_bug_that_is_planted_in_what_shards_share_is_found() {
    assert_finds(Bug::PermitInTwoSteps, "more permits", permits_in_a_rush);
    assert_finds(Bug::PermitInTwoSteps, "more permits", batches_in_parts);
    assert_finds(Bug::EndBeforePosition, "the greatest of all", a_walk_over_several_shards);
    assert_finds(Bug::NoticeBeforeSync, "before its record is durable", notices_of_two_shards);
    assert_finds(Bug::ShardAfterShard, "overtakes a birth", parts_for_several_shards);
}
