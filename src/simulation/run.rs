//! One seed from its beginning: batch after batch of messages, through crashes and restarts, until every one is answered;
//! then everything is judged, and the model must agree.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::START;
use super::acts::{Act, CROWD, SHOP, Sent, message, remembered_for_a_day};
use super::agreement::{self, CarriedOut, Happened};
use super::chance::Chance;
use super::counts::{Counts, Failed};
use super::engaging::{register_for, send_money};
use super::ledger::is_definite;
use super::messages::{deposit, issue, open, with_id};
use super::model::Model;
use super::observed::observed;
use super::power::Crash;
use super::recovery::{NotStarted, Start, Started, Store, nothing, start};
use super::script::{self, Batch, Cut, SEASON_BATCHES};
use super::setting::Setting;
use super::tearing_disk::Failure;
use super::watched_disk::WatchedDisk;
use super::world::{Ending, Remains, World};
use crate::domain::{Answer, Code, Command, Message, Timestamp};
use crate::limits::REQUEST_KEPT_MS;
use crate::panics;

/// Plays a seed for at least so many steps, to the next quiet point.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn run(seed: u64, steps: u64, cut: &Cut) -> Result<Counts, Box<Failed>> {
    run_telling(seed, steps, cut, |_| ())
}

/// Plays a seed as `run` does; `tell` hears at each quiet point how many steps it has taken.
///
/// # Errors
/// As `run`.
pub fn run_telling(
    seed: u64,
    steps: u64,
    cut: &Cut,
    mut tell: impl FnMut(u64),
) -> Result<Counts, Box<Failed>> {
    let mut market = Market::new(seed, cut);
    let mut index = 0;
    let played = catch_unwind(AssertUnwindSafe(|| {
        market.begin()?;
        while market.counts.steps < steps {
            market.play(index)?;
            index += 1;
            tell(market.counts.steps);
        }
        Ok(())
    }));
    let played =
        played.unwrap_or_else(|panic| Err(format!("internal error: {}", panics::words(panic.as_ref()))));
    let counts = market.counts;
    match played {
        Ok(()) => Ok(counts),
        Err(why) => {
            Err(Box::new(Failed { seed, steps: counts.steps, batch: index, why, last: market.last() }))
        }
    }
}

/// A message of the batch that is under way.
struct Request {
    message: Message,
    /// Its place among everything that was sent.
    place: usize,
    /// What it was answered before, where it repeats what was carried out then.
    answered: Option<Answer>,
}

/// Something that is said.
#[derive(Clone)]
enum Saying {
    Message(Box<Message>),
    Act(Act),
}

/// More restarts than any batch sees.
const RESTARTS_MAX: u32 = 200;

/// More steps than any batch takes.
const STEPS_MAX: u64 = 100_000;

struct Market<'cut> {
    seed: u64,
    cut: &'cut Cut,
    world: Option<World>,
    model: Model,
    setting: Setting,
    /// What is said while a season opens, batch by batch, the last one first.
    opening: Vec<Vec<Saying>>,
    /// Everything that was sent, with what it was answered and when.
    sent: Vec<Sent>,
    now: Timestamp,
    counts: Counts,
    /// For what goes wrong with disks and clocks.
    chance: Chance,
}

impl Market<'_> {
    fn new(seed: u64, cut: &Cut) -> Market<'_> {
        Market {
            seed,
            cut,
            world: None,
            model: Model::default(),
            setting: Setting::draw(&mut script::of_season(seed, 0), 0, START),
            opening: Vec::new(),
            sent: Vec::new(),
            now: START,
            counts: Counts::default(),
            chance: script::of_faults(seed),
        }
    }

    fn begin(&mut self) -> Result<(), String> {
        self.model.pass(self.now.0);
        self.start(nothing(), None)?;
        let people = CROWD.into_iter().chain(["payee", SHOP]);
        let say = |message, id: &str| Saying::Message(Box::new(with_id(message, id)));
        let opens = people.map(|who| say(open(who, 0), &format!("open {who}")));
        // Somebody may know a name before its account is there.
        let early = CROWD.iter().map(|who| say(deposit(who, 1), &format!("early {who}")));
        self.opening.push(opens.chain(early).collect());
        let register = register_for(SHOP, "payee", Some("supplier"), self.setting.when_short);
        self.opening.push(vec![say(register, "register")]);
        // The first of the crowd accepts gifts as they arrive.
        self.opening.push(vec![Saying::Act(Act::Status(0, 3))]);
        self.open_season();
        Ok(())
    }

    fn open_season(&mut self) {
        let season = self.setting.season;
        let say = |message, id: String| Saying::Message(Box::new(with_id(message, &id)));
        let money = CROWD.iter().zip(self.setting.purses).filter(|(_, purse)| *purse > 0);
        let money = money.map(|(who, purse)| say(deposit(who, purse), format!("purse {season} {who}")));
        // The payer can afford the commission more often than not.
        let more = say(deposit("payer", 200), format!("more {season}"));
        self.opening.push(money.chain([more]).collect());
        // Money is sent to somebody who is only just coming.
        let guest = format!("guest {season}");
        let welcome = CROWD.iter().map(|who| say(send_money(who, &guest, 1), format!("welcome {season}")));
        self.opening
            .push([say(open(&guest, 0), format!("open {guest}"))].into_iter().chain(welcome).collect());
        let issues = self.setting.offerings.iter().zip(&self.setting.offers);
        let issues =
            issues.map(|(offering, offer)| say(issue(offering, offer.clone()), format!("issue {offering}")));
        let early = [0, 1].map(|offering| Saying::Act(Act::Publish(offering)));
        self.opening.push(issues.chain(early).collect());
        for offering in 0..self.setting.offerings.len() {
            self.opening.extend(self.setting.opening(offering).into_iter().map(|act| vec![Saying::Act(act)]));
        }
        self.opening.reverse();
    }

    /// Says the next batch, restarts whatever ends, until every message is answered, and judges.
    fn play(&mut self, index: u64) -> Result<(), String> {
        if index > 0 && self.opening.is_empty() && index.is_multiple_of(SEASON_BATCHES) {
            let season = self.setting.season + 1;
            self.setting = Setting::draw(&mut script::of_season(self.seed, season), season, self.now);
            self.open_season();
        }
        let batch = Batch::draw(self.seed, index).without(index, self.cut);
        let (sayings, batch) = match self.opening.pop() {
            Some(opening) => (opening, batch.calm()),
            None => (batch.acts.iter().copied().map(Saying::Act).collect(), batch),
        };
        self.pass(&batch)?;
        let from = self.world()?.ledger().lock().sent.len();
        let (mut happened, mut requests) = (Vec::new(), Vec::new());
        for (place, saying) in sayings.into_iter().enumerate() {
            if let Some(request) = self.request(saying, &requests) {
                let times = 1 + usize::from(batch.doubled >> place & 1 == 1);
                (0..times).for_each(|_| self.ask(&request.message));
                requests.push(request);
            }
            if let Some((_, later)) = batch.clock.filter(|(at, _)| *at == place) {
                self.now.0 += later;
                happened.push(Happened::Clock(self.now.0));
            }
        }
        let now = self.now;
        let world = self.world()?;
        world.at(now);
        if let Some((ahead, failure)) = batch.fault {
            world.disk().inside().fail(ahead, failure);
        }
        self.until_answered(&batch, &requests, from)?;
        self.judge(&requests, happened, from)
    }

    /// Lets time pass while nobody says anything, and everything come to rest that it brings about: until then somebody
    /// else may see an account before what has come home is there.
    fn pass(&mut self, batch: &Batch) -> Result<(), String> {
        if batch.pause == 0 {
            return Ok(());
        }
        self.now.0 += batch.pause;
        let now = self.now;
        self.world()?.at(now);
        self.until_answered(&Batch { fault: None, killed: None, ..batch.clone() }, &[], 0)?;
        self.model.pass(now.0);
        Ok(())
    }

    fn world(&mut self) -> Result<&mut World, String> {
        self.world.as_mut().ok_or_else(|| "there is no process".to_owned())
    }

    /// What is said, if it makes a message that is new, or one that was sent before.
    fn request(&mut self, saying: Saying, requests: &[Request]) -> Option<Request> {
        let message = match saying {
            Saying::Message(message) => *message,
            // What closing an account rests on, and which actor a reused id is of, SPEC leaves to the engine.
            Saying::Act(Act::Reuse(..) | Act::Status(_, 2)) => return None,
            Saying::Act(act) => message(act, &self.sent, &self.setting, self.now)?,
        };
        if requests.iter().any(|request| request.message == message) {
            return None;
        }
        let Some(place) = self.sent.iter().position(|(sent, ..)| *sent == message) else {
            self.sent.push((message.clone(), None, self.now));
            return Some(Request { message, place: self.sent.len() - 1, answered: None });
        };
        let (_, answer, at) = &self.sent[place];
        // What is remembered for a day is another request behind it, and what it has made may have its name.
        let nearly_forgotten = self.now.since(*at) + 1_000 >= REQUEST_KEPT_MS;
        if remembered_for_a_day(&message.command) && nearly_forgotten {
            return None;
        }
        Some(Request { message, place, answered: answer.clone().filter(Answer::is_ok) })
    }

    /// Sends a message to the process that is there.
    fn ask(&mut self, message: &Message) {
        self.counts.messages += 1;
        let now = self.now;
        if let Some(world) = &mut self.world {
            world.say(now, message.clone());
        }
    }

    /// Acts, and restarts what ends, until every message of the batch has a definite answer and all is durable.
    fn until_answered(&mut self, batch: &Batch, requests: &[Request], from: usize) -> Result<(), String> {
        let mut killed = batch.killed;
        let (mut said, mut since): (Vec<&Request>, usize) = (requests.iter().collect(), from);
        for _ in 0..RESTARTS_MAX {
            self.act(&mut killed)?;
            let world = self.world()?;
            world.sync();
            if let Some(ending) = world.take_ending() {
                said = self.unanswered(&said, from, since)?;
                self.restart(ending, batch, requests)?;
                since = self.world()?.ledger().lock().sent.len();
                said.iter().for_each(|request| self.ask(&request.message));
                let now = self.now;
                self.world()?.at(now);
                continue;
            }
            world.disk().inside().heal();
            return match self.unanswered(&said, from, since)?.first() {
                None => Ok(()),
                Some(request) => {
                    Err(format!("all is quiet, and nothing was answered to {:?}", request.message))
                }
            };
        }
        Err(format!("a batch has seen {RESTARTS_MAX} restarts"))
    }

    fn act(&mut self, killed: &mut Option<u64>) -> Result<(), String> {
        let mut steps = 0;
        let world = self.world.as_mut().ok_or("there is no process")?;
        while !world.has_ended() && world.act() {
            steps += 1;
            self.counts.steps += 1;
            if killed.is_some_and(|behind| steps > behind) {
                *killed = None;
                world.kill();
            }
            if steps > STEPS_MAX {
                return Err(format!("behind {STEPS_MAX} steps it has not come to rest"));
            }
        }
        Ok(())
    }

    /// The definite answers that have left to a message since then, in the order in which it was sent, and when it was
    /// decided: at one of these times. Of a circulation that names a serial they are in the order in which they left: while the
    /// certificate has not begun it goes there by way of the offering, and what is sent later may overtake it.
    fn answers(&mut self, message: &Message, from: usize) -> Result<(Vec<Answer>, BTreeSet<u64>), String> {
        let ledger = self.world()?.ledger();
        let ledger = ledger.lock();
        let is_it = |sent: usize| sent >= from && ledger.sent[sent].message == *message;
        let mut attempts: Vec<usize> = (from..ledger.sent.len()).filter(|sent| is_it(*sent)).collect();
        let at = attempts.iter().map(|sent| ledger.sent[*sent].now.0).collect();
        if matches!(message.command, Command::Circulate { serial: Some(_), .. }) {
            attempts.sort_by_key(|sent| ledger.left.iter().rposition(|left| left.sent == *sent));
        }
        let answers = attempts.iter().filter_map(|sent| ledger.answer_to(*sent).cloned());
        Ok((answers.filter(is_definite).collect(), at))
    }

    /// Those of the requests said to this process of which a client does not know yet what has become of them: nothing says
    /// that they were carried out, and of their messages since then one has no definite answer, or none was sent.
    fn unanswered<'request>(
        &mut self,
        said: &[&'request Request],
        from: usize,
        since: usize,
    ) -> Result<Vec<&'request Request>, String> {
        let ledger = self.world()?.ledger();
        let ledger = ledger.lock();
        let answers = |request: &Request, from: usize| {
            let attempts =
                (from..ledger.sent.len()).filter(|sent| ledger.sent[*sent].message == request.message);
            attempts
                .map(|sent| ledger.answer_to(sent).filter(|answer| is_definite(answer)))
                .collect::<Vec<_>>()
        };
        let is_unanswered = |request: &&&Request| {
            let done = answers(request, from).into_iter().flatten().any(Answer::is_ok);
            let here = answers(request, since);
            !done && (here.is_empty() || here.iter().any(Option::is_none))
        };
        Ok(said.iter().filter(is_unanswered).copied().collect())
    }

    /// Another process goes on with what one that has ended leaves.
    fn restart(&mut self, ending: Ending, batch: &Batch, requests: &[Request]) -> Result<(), String> {
        let world = self.world.take().ok_or("there is no process")?;
        let Remains { disk, snapshots, ledger, chronicle } = world.leave();
        let chronicle = chronicle.ok_or("a process without a chronicle")?;
        let disk = match ending {
            Ending::Wrong(why) => return Err(why),
            Ending::Off(image) => {
                self.counts.powers_off += 1;
                WatchedDisk::new(image)
            }
            Ending::Killed => {
                self.counts.kills += 1;
                disk
            }
            Ending::Down(_) => self.left_by_failure(&disk, batch.fault.map(|(_, failure)| failure)),
        };
        disk.inside().heal();
        // The newer half may be damaged: the older one stands for as much.
        let newest =
            snapshots.iter().max_by_key(|generation| generation.number).map(|generation| generation.half);
        let damaged = newest.filter(|_| !self.cut.faults && snapshots.len() > 1 && self.chance.percent(20));
        self.counts.snapshots_lost += u64::from(damaged.is_some());
        self.start(Store { disk, snapshots, damaged, ledger, chronicle }, batch.fault_at_start)?;
        // The clock of the machine may have been set back, but not behind what is recorded; what was due by then has
        // happened, as all was quiet since.
        if batch.clock.is_none() && !requests.is_empty() && self.chance.percent(15) {
            let back = Timestamp(self.now.0.saturating_sub(self.chance.below(40)));
            self.now = back.max(self.world()?.not_before());
            self.model.set_back(self.now.0);
        }
        Ok(())
    }

    /// A disk that has failed, as the next process finds it: as programs see it, or as a loss of power has left it.
    fn left_by_failure(&mut self, disk: &WatchedDisk, failure: Option<Failure>) -> WatchedDisk {
        self.counts.disk_failures += 1;
        if failure == Some(Failure::PowerOff) || self.chance.percent(50) {
            let crash = Crash::any(&mut self.chance, disk.inside().unsynced_bytes());
            WatchedDisk::new(disk.inside().crash(crash))
        } else {
            disk.clone()
        }
    }

    /// Starts a process; where the disk fails meanwhile, once more.
    fn start(&mut self, store: Store, fault: Option<(u64, Failure)>) -> Result<(), String> {
        let (play, shards, segment_bytes_max) = script::world(self.seed, self.counts.starts, self.cut);
        self.counts.starts += 1;
        if let Some((ahead, failure)) = fault {
            store.disk.inside().fail(ahead, failure);
        }
        match start(store, Start { shards, segment_bytes_max, play }) {
            Ok(Started { world, from_snapshot, unfinished }) => {
                world.disk().inside().heal();
                self.counts.from_snapshots += u64::from(from_snapshot);
                self.counts.unfinished += unfinished as u64;
                self.world = Some(world);
                Ok(())
            }
            Err(NotStarted::Wrong(why)) => Err(why),
            Err(NotStarted::Down(store)) => {
                let mut store = *store;
                store.disk = self.left_by_failure(&store.disk, fault.map(|(_, failure)| failure));
                store.disk.inside().heal();
                self.start(store, None)
            }
        }
    }

    /// Holds everything against what must hold while all is quiet, and against the model.
    fn judge(
        &mut self,
        requests: &[Request],
        mut happened: Vec<Happened>,
        from: usize,
    ) -> Result<(), String> {
        let world = self.world()?;
        world.is_quiet()?;
        let shown = observed(&world.houses());
        let alone = requests.len() == 1 && happened.is_empty();
        let mut refused = None;
        for request in requests {
            let (answers, at) = self.answers(&request.message, from)?;
            let answer = told(request, &answers)?;
            self.counts.answers += answers.len() as u64;
            let now = self.now;
            if request.answered.is_none() {
                match &answer {
                    Ok(done) => {
                        self.counts.done += 1;
                        let (message, done) = (request.message.clone(), done.clone());
                        happened.push(Happened::Done(Box::new(CarriedOut { message, at, done })));
                    }
                    Err(_) => {
                        self.counts.refused += 1;
                        refused = Some((request, at, answer.clone()));
                    }
                }
                let (_, known, since) = &mut self.sent[request.place];
                (*known, *since) = (Some(answer), now);
            }
        }
        if let Some((request, at, answer)) = refused.filter(|_| alone) {
            agreement::refuses(&self.model, &request.message, &at, &answer)?;
        }
        self.model = agreement::agree(&self.model, &happened, &shown, alone)?;
        self.counts.agreements += 1;
        self.counts.records = self.world()?.records();
        Ok(())
    }

    /// What was said last, and what was answered.
    fn last(&self) -> Vec<String> {
        let from = self.sent.len().saturating_sub(12);
        let line = |(message, answer, at): &Sent| {
            let answer = match answer {
                None => "no answer yet".to_owned(),
                Some(Ok(done)) => format!("{done:?}"),
                Some(Err(refusal)) => refusal.code.to_string(),
            };
            format!("{} {:?} {:?}: {answer}", at.0, message.caller, message.command)
        };
        self.sent[from..].iter().map(line).collect()
    }
}

/// The one answer to a request, however often it was sent (I12): it may be refused, and again, until it is carried out; from
/// then on it is answered the same.
fn told(request: &Request, answers: &[Answer]) -> Result<Answer, String> {
    let told = || request.answered.iter().chain(answers);
    if let Some(Err(refusal)) =
        told().find(|answer| matches!(answer, Err(refusal) if refusal.code == Code::Internal))
    {
        return Err(format!("{refusal}, to {:?}", request.message));
    }
    // Whoever is told to come back knows nothing yet: so is a repeat that meets the first one under way.
    let later = |answer: &&Answer| matches!(answer, Err(refusal) if refusal.code == Code::Overloaded);
    let done = told().find(|answer| answer.is_ok());
    let mut behind = told().skip_while(|answer| answer.is_err());
    if let Some(other) = behind.find(|answer| !later(answer) && Some(*answer) != done) {
        return Err(format!("I12: {:?} was answered {done:?}, and again {other:?}", request.message));
    }
    let refused = answers.iter().rev().find(|answer| !later(answer));
    done.or(refused).or(answers.last()).cloned().ok_or_else(|| "a request without an answer".to_owned())
}
