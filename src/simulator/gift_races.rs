//! Races of gifts: accept against expiry, a thousand repeats of one withholding, a restart at every record.

use std::collections::BTreeMap;

use super::engaging::*;
use super::messages::*;
use super::stage::{Pending, Stage};
use crate::domain::{
    AccountEvent, Answer, Code, CreditReason, Done, Event, GiftEvent, GiftState, MerchantEvent, Message,
    RequestKey, Timestamp, WhenShort,
};
use crate::limits::GIFT_OPEN_MS;
use crate::simulation::chance::Chance;

/// Gifts that race against their time.
const RACES: usize = 10_000;
/// How many of them race together.
const ROUND: usize = 200;
/// Recipients, so that a race is not decided by the one before it.
const RECIPIENTS: usize = 20;
const PRICE: u64 = 3;

#[test]
fn of_accepting_and_expiring_exactly_one_wins_ten_thousand_times() {
    // T9, D22, D36, I15: the accept comes in the millisecond of the limit, one before or one after, and the timer
    // when it pleases
    let mut wins: BTreeMap<(i64, bool), usize> = BTreeMap::new();
    for (shards, seed) in [(1, 1), (3, 2), (3, 3)] {
        let rounds = RACES.div_ceil(3 * ROUND);
        let mut stage = Stage::large(shards).with_luck(seed);
        let mut luck = Chance(seed);
        stage.send(&open("donor", 1_000_000)).unwrap();
        let recipients: Vec<String> = (0..RECIPIENTS).map(|number| format!("recipient {number}")).collect();
        for recipient in recipients.iter().map(String::as_str).chain(["shop"]) {
            stage.send(&open(recipient, 0)).unwrap();
        }
        let mut kept = 0;
        for round in 0..rounds {
            let limit = after_start(10 * (round as u64 + 1));
            let gifts: Vec<Race> =
                (0..ROUND).map(|index| Race::new(&recipients, round, index, &mut luck)).collect();
            let giving: Vec<Message> = gifts.iter().map(|race| race.give(limit)).collect();
            stage.send_all(&giving).into_iter().for_each(|answer| drop(answer.unwrap()));
            let accepts = race(&mut stage, &mut luck, &gifts, limit);
            for (race, answer) in gifts.iter().zip(accepts) {
                let case = format!("seed {seed}, round {round}, {race:?}");
                let (ended, state) = ends(&stage, race, &case);
                match answer {
                    Ok(Done::GiftChanged { state: GiftState::Accepted }) => {
                        assert_eq!((state, ended), (GiftState::Accepted, None), "{case}");
                        assert!(race.offset < 0, "{case}: accepted when its time was over");
                        kept += PRICE;
                    }
                    Err(refusal) => {
                        assert_eq!(refusal.code, Code::GiftEnded, "{case}");
                        assert_eq!((state, ended), (GiftState::Expired, Some(limit)), "{case}");
                    }
                    other => panic!("{case}: {other:?}"),
                }
                *wins.entry((race.offset, state == GiftState::Accepted)).or_default() += 1;
            }
            let earmarked: u64 = recipients.iter().map(|name| stage.account(name).earmarked().minor()).sum();
            assert_eq!(earmarked, kept, "seed {seed}, round {round}: the accepted ones are earmarked");
            assert_eq!(stage.posted("donor"), 1_000_000 - kept as i64, "seed {seed}, round {round}");
            assert!(recipients.iter().all(|recipient| stage.posted(recipient) == 0), "seed {seed}");
        }
        // What was accepted does not expire later.
        stage.later(2 * GIFT_OPEN_MS);
        stage.fire();
        assert_eq!(stage.posted("donor"), 1_000_000 - kept as i64, "seed {seed}");
    }
    assert!(wins.values().sum::<usize>() >= RACES, "{wins:?}");
    // One before its limit it is mostly accepted, and not where the timer came first.
    for outcome in [(-1, true), (-1, false), (0, false), (1, false)] {
        let times = wins.get(&outcome).copied().unwrap_or_default();
        assert!(times > RACES / 100, "{outcome:?} hardly happens: {wins:?}");
    }
}

/// One gift, and when its accept is sent: so many milliseconds behind its limit.
#[derive(Debug)]
struct Race {
    recipient: String,
    id: String,
    offset: i64,
}

impl Race {
    fn new(recipients: &[String], round: usize, index: usize, luck: &mut Chance) -> Race {
        let recipient = recipients[luck.place(recipients.len())].clone();
        // Before the limit most of all: behind it nothing is open any more.
        let offset = [-1, -1, -1, 0, 1][luck.place(5)];
        Race { recipient, id: format!("gift {round}-{index}"), offset }
    }

    fn give(&self, limit: Timestamp) -> Message {
        give_until("donor", &self.id, &self.recipient, "shop", (goods(), PRICE), Some(limit))
    }
}

/// Sends every accept at its time, in between some turns, and once, at a moment of its own, the timer. Gives the
/// answers in the order of the gifts.
fn race(stage: &mut Stage, luck: &mut Chance, gifts: &[Race], limit: Timestamp) -> Vec<Answer> {
    let mut pending: Vec<(usize, Pending)> = Vec::new();
    let fires = luck.place(2 * gifts.len());
    let mut sent = 0;
    for offset in [-1_i64, 0, 1] {
        stage.at(Timestamp(limit.0.saturating_add_signed(offset)));
        for (index, race) in gifts.iter().enumerate().filter(|(_, race)| race.offset == offset) {
            pending.push((index, stage.begin(&[accept(&race.recipient, "donor", &race.id)])));
            for _ in 0..luck.place(3) {
                stage.step();
            }
            sent += 1;
            if sent == fires {
                // The timer's clock is read when it pleases: some accepts that were sent in time are still under way.
                stage.at(limit.max(Timestamp(limit.0.saturating_add_signed(offset))));
                stage.fire();
                stage.at(Timestamp(limit.0.saturating_add_signed(offset)));
            }
        }
    }
    stage.run();
    stage.fire();
    let mut answers: Vec<Option<Answer>> = vec![None; gifts.len()];
    for (index, pending) in &pending {
        answers[*index] = stage.answers(pending).remove(0);
    }
    answers.into_iter().map(|answer| answer.expect("a quiet house has answered everyone")).collect()
}

/// When a gift has expired, and how far it has come.
fn ends(stage: &Stage, race: &Race, case: &str) -> (Option<Timestamp>, GiftState) {
    let key = RequestKey { caller: stage.number("donor"), id: id(&race.id) };
    let recipient = stage.number(&race.recipient);
    // The events of this round are the newest.
    let newest = stage.events().iter().rev().take(20 * ROUND);
    let told: Vec<(Timestamp, bool)> = newest
        .filter_map(|(actor, at, event)| match event {
            Event::Account(AccountEvent::Gift(GiftEvent::Accepted(known, _)))
                if *known == key && *actor == recipient =>
            {
                Some((*at, true))
            }
            Event::Account(AccountEvent::Gift(GiftEvent::Expired(known)))
                if *known == key && *actor == recipient =>
            {
                Some((*at, false))
            }
            _ => None,
        })
        .collect();
    let [(at, accepted)] = told[..] else { panic!("{case}: one of the two wins, and not {told:?}") };
    let mut gifts = stage.account(&race.recipient).gifts();
    let state = gifts.find(|(known, _)| **known == key).map(|(_, gift)| gift.state).expect("it has arrived");
    assert_eq!(accepted, state == GiftState::Accepted, "{case}: what is told is what is");
    ((!accepted).then_some(at), state)
}

#[test]
fn a_thousand_repeats_at_once_of_one_withholding_make_one_debit_and_equal_answers() {
    // T10, D43, I12: each with a request id of its own, so that the order's reference alone makes them one
    for (shards, seed) in [(1, 1), (3, 2)] {
        for kind in ["gift", "mandate", "certificate"] {
            let mut stage = house(Stage::large(shards).with_luck(seed));
            stage.send(&deposit("recipient", 1_000)).unwrap();
            stage.send(&grant("recipient", "mandate", "shop", (1_000, 1_000), None)).unwrap();
            stage.send(&give("donor", "gift", "recipient", "shop", (goods(), 700))).unwrap();
            stage.send(&give("donor", "paper", "recipient", "", (gift_of("tea", 1), 700))).unwrap();
            for gift in ["gift", "paper"] {
                stage.send(&accept("recipient", "donor", gift)).unwrap();
            }
            let ask = || match kind {
                "gift" => withhold("shop", "order", 700, gift("recipient", "donor", "gift")),
                "mandate" => withhold_by_mandate("shop", "order", 700, "recipient", "mandate"),
                _ => withhold("shop", "order", 700, gift("recipient", "donor", "paper")),
            };
            let thousand: Vec<Message> = (0..1_000).map(|_| ask()).collect();
            let begun = stage.events().len();
            let answers = stage.send_all(&thousand);
            let case = format!("{kind}, {shards} shards");
            let expected = Ok(Done::Withheld { amount: money(700) });
            assert_eq!(answers.len(), 1_000, "{case}");
            assert!(answers.iter().all(|answer| *answer == expected), "{case}: {:?}", answers[0]);
            let count = |wanted: fn(&AccountEvent) -> bool| {
                let events = stage.events()[begun..].iter();
                events.filter(|(.., event)| matches!(event, Event::Account(event) if wanted(event))).count()
            };
            assert_eq!(count(|event| matches!(event, AccountEvent::Debited { .. })), 1, "{case}");
            let credits = count(|event| {
                let AccountEvent::Credited { reason, .. } = event else { return false };
                matches!(reason, CreditReason::Withheld | CreditReason::Sale)
            });
            assert_eq!(credits, 1, "{case}");
            let paid = count(|event| matches!(event, AccountEvent::Merchant(MerchantEvent::OrderPaid(_))));
            assert_eq!(paid, 1, "{case}: one success instruction");
            let payee = if kind == "certificate" { "payee" } else { "till" };
            assert_eq!(stage.posted(payee), 700, "{case}");
            let left = if kind == "mandate" { (300, 1_400) } else { (1_000, 700) };
            let recipient = (stage.posted("recipient"), stage.account("recipient").earmarked().minor());
            assert_eq!(recipient, left, "{case}");
        }
    }
}

/// A walk of a gift, every message with its own request id, so that sending it again repeats it.
struct Story {
    name: &'static str,
    messages: Vec<Message>,
    /// Who has what in the end: donor, recipient, till, payee, u1, payer.
    ends: [i64; 6],
    state: GiftState,
}

fn stories() -> Vec<Story> {
    const PURSE: i64 = 1_000_000;
    let tea = || gift("recipient", "donor", "gift");
    let goods_of = |merchant: &str| give("donor", "gift", "recipient", merchant, (goods(), 700));
    let accepting = || accept("recipient", "donor", "gift");
    let withholding = || withhold("shop", "order", 700, tea());
    let short = || send_money("till", "u1", 600);
    let certificate = || give("donor", "gift", "recipient", "", (gift_of("tea", 1), 700));
    let story = |name, messages, ends, state| Story { name, messages, ends, state };
    vec![
        story(
            "provided",
            vec![goods_of("shop"), accepting(), withholding(), provide("shop", "order")],
            [PURSE - 700, 0, 700, 0, 0, PURSE - 1_000],
            GiftState::Provided,
        ),
        story(
            "reversed",
            vec![goods_of("shop"), accepting(), withholding(), reverse("shop", "order")],
            [PURSE, 0, 0, 0, 0, PURSE - 1_000],
            GiftState::Reversed,
        ),
        story(
            "reversal refused",
            vec![goods_of("shop"), accepting(), withholding(), short(), reverse("shop", "order")],
            [PURSE - 700, 0, 100, 0, 600, PURSE - 1_000],
            GiftState::Withheld,
        ),
        story(
            "reversed in part, the rest a debt that the next order pays",
            vec![
                register("shop", "till", WhenShort::Receivable),
                goods_of("shop"),
                accepting(),
                withholding(),
                short(),
                reverse("shop", "order"),
                give("donor", "next", "recipient", "shop", (goods(), 650)),
                accept("recipient", "donor", "next"),
                withhold("shop", "next", 650, gift("recipient", "donor", "next")),
            ],
            [PURSE - 650, 0, 50, 0, 600, PURSE - 1_000],
            GiftState::Reversed,
        ),
        story(
            "declined",
            vec![goods_of("shop"), decline("recipient", "donor", "gift")],
            [PURSE, 0, 0, 0, 0, PURSE - 1_000],
            GiftState::Declined,
        ),
        story(
            "returned",
            vec![goods_of("shop"), accepting(), return_gift("shop", tea())],
            [PURSE, 0, 0, 0, 0, PURSE - 1_000],
            GiftState::Returned,
        ),
        story(
            "a certificate that is withheld",
            vec![circulate("u1", "tea", 1), certificate(), accepting(), withholding()],
            [PURSE - 700, 0, 0, 700, 40, PURSE - 540],
            GiftState::Provided,
        ),
        story(
            "a certificate that its recipient buys, and that is refunded",
            vec![
                circulate("u1", "tea", 1),
                certificate(),
                accepting(),
                purchase_with_gift("recipient", "tea", 1, "donor", "gift"),
                refund("tea", 1),
            ],
            [PURSE - 700, 700, 0, 0, 40, PURSE - 540],
            GiftState::Provided,
        ),
        story(
            "a certificate that is gone",
            vec![certificate(), accepting(), purchase("rival", "tea", 1), withholding()],
            [PURSE - 700, 0, 0, 700, 0, PURSE - 500],
            GiftState::Accepted,
        ),
    ]
}

#[test]
fn a_restart_at_every_record_of_a_gifts_way_finishes_or_undoes_each_walk_once() {
    // I14, I11, I15, T8, T10, T14, T16, D23
    for shards in [1, 3] {
        for story in stories() {
            let mut stage = house(Stage::new(shards));
            let first = stage.records();
            let mut after = vec![first];
            let mut answers = Vec::new();
            for message in &story.messages {
                answers.push(stage.send(message));
                after.push(stage.records());
            }
            let case = format!("{}, {shards} shards", story.name);
            assert_eq!(ends_of(&stage), (story.ends, Some(story.state)), "{case}");
            let told = tally(&stage, first);
            for cut in first..=stage.records() {
                // Every invariant is judged after the restart, with nothing under way: I1, I15, orders and gifts.
                let mut again = stage.restarted_at(cut);
                let case = format!("{case}, cut at {cut} of {}", stage.records());
                // A walk that had begun is over by now: its message only repeats it, or is refused anew.
                let begun = after.iter().filter(|records| **records < cut).count().min(answers.len());
                let repeated = again.records();
                for (message, answer) in story.messages.iter().zip(&answers).take(begun) {
                    assert_eq!(again.send(message), *answer, "{case}: {message:?}");
                    let quiet = again.records() == repeated;
                    assert!(quiet || answer.is_err(), "{case}: {message:?} was done again");
                }
                for (message, answer) in story.messages.iter().zip(&answers).skip(begun) {
                    assert_eq!(again.send(message), *answer, "{case}: {message:?}");
                }
                assert_eq!(ends_of(&again), (story.ends, Some(story.state)), "{case}");
                assert_eq!(tally(&again, first), told, "{case}: everything has happened once");
            }
        }
    }
}

/// Donor, recipient, till, payee, u1 and payer, and how far the donor's first gift has come.
fn ends_of(stage: &Stage) -> ([i64; 6], Option<GiftState>) {
    let accounts = ["donor", "recipient", "till", "payee", "u1", "payer"];
    let donor = stage.number("donor");
    let mut gifts = stage.account("recipient").gifts();
    let found = gifts.find(|(key, _)| key.caller == donor && key.id == id("gift"));
    (accounts.map(|account| stage.posted(account)), found.map(|(_, gift)| gift.state))
}

/// How often each thing has happened that must happen once; what is refused may be refused again.
fn tally(stage: &Stage, since_record: usize) -> BTreeMap<String, usize> {
    let since = stage.restarted_at(since_record).events().len();
    let mut counts = BTreeMap::new();
    for (actor, _, event) in &stage.events()[since..] {
        let refused_anew = matches!(
            event,
            Event::Account(AccountEvent::Merchant(
                MerchantEvent::OrderBegun(..)
                    | MerchantEvent::OrderFailed(..)
                    | MerchantEvent::ReversalBegun(..)
                    | MerchantEvent::ReversalUndone(..)
            )) | Event::Offering(_)
        );
        if !refused_anew {
            // The kind, the actor and the amount; numbers of walks differ from run to run.
            let words = format!("{event:?}");
            let kind: Vec<&str> = words.split('(').take(3).collect();
            *counts.entry(format!("{} {}", actor.0, kind.join("("))).or_insert(0) += 1;
        }
    }
    counts
}

/// A market with tea at 700 and its commission, `donor` who is rich, and `shop`, a merchant of tea's supplier.
fn house(stage: Stage) -> Stage {
    let mut stage = market_on(stage, offer(700, 2), Some(&terms(500, 100)));
    stage.send(&open("donor", PURSE)).unwrap();
    for account in ["recipient", "shop", "till"] {
        stage.send(&open(account, 0)).unwrap();
    }
    stage.send(&register_for("shop", "till", Some("supplier"), WhenShort::Refuse)).unwrap();
    stage
}
