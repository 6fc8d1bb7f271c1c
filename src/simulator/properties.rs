//! Random runs: one certificate against the model, and a whole market against every invariant.
//!
//! A failure prints the smallest input found; `PROPTEST_CASES=5000` looks further.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::engaging::register_for;
use super::messages::*;
use super::model::{Growth, Limits, Model, Plan, Portion, Said};
use super::stage::{START, Stage};
use crate::domain::{
    Acquiring, Answer, Cashing, CheckPoint, Command, CommissionTerms, Condition, Done, Increase,
    IncreasePolicy, Message, Resident, Settlement, Take, Timestamp,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulation::acts::{Act, CROWD, SHOP, Sent, message, remembered_for_a_day};
use crate::simulation::chance::Chance;
use crate::simulation::setting::Setting;

/// As many cases as asked for by `PROPTEST_CASES`, or these.
pub(super) fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let config =
        ProptestConfig { failure_persistence: None, max_shrink_time: 20_000, ..ProptestConfig::default() };
    if asked { config } else { ProptestConfig { cases: default, ..config } }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Circulate(usize),
    Acquire(usize),
    Purchase(usize),
    Pass(u64),
}

const SHARERS: [&str; 6] = ["u1", "u2", "u3", "supplier", "payer", "broke"];
const BUYERS: [&str; 4] = ["buyer", "broke", "u1", "payee"];

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => (0..SHARERS.len()).prop_map(Deed::Circulate),
        3 => (0..SHARERS.len()).prop_map(Deed::Acquire),
        1 => (0..BUYERS.len()).prop_map(Deed::Purchase),
        1 => (0..20_u64).prop_map(Deed::Pass),
    ];
    prop::collection::vec(deed, 1..24)
}

fn limits() -> impl Strategy<Value = Limits> {
    let factor = |values| prop::option::of(values);
    (factor(1..9_u64), factor(1..60_u64), factor(1..9_000_u64), factor(1..60_u64), 1..5_usize, any::<bool>())
        .prop_filter("at least k of at least k factors", |(times, amount, share, displayed, at_least, _)| {
            let factors = [times, amount, share, displayed].iter().filter(|factor| factor.is_some()).count();
            factors >= *at_least
        })
        .prop_map(|(times, amount, share, displayed, at_least, after_increase)| Limits {
            times,
            amount,
            share,
            displayed,
            at_least,
            after_increase,
        })
}

fn plans() -> impl Strategy<Value = Plan> {
    let growth = prop_oneof![
        Just(Growth::NonFirst),
        Just(Growth::AfterAcquire),
        (0..12_u64).prop_map(Growth::EveryCommand)
    ];
    let portion = prop_oneof![
        Just(Portion::All),
        (1..30_u64).prop_map(Portion::Fixed),
        (1..=10_000_u64).prop_map(Portion::Share)
    ];
    (
        (1..40_u64, 0..=30_u64, 0..=40_u64),
        growth,
        portion,
        any::<bool>(),
        any::<bool>(),
        prop::option::weighted(0.7, limits()),
        prop::option::weighted(0.3, 1..60_u64),
    )
        .prop_map(
            |((price, attached, reserve), growth, portion, manual, immediate, limits, deadline)| Plan {
                price,
                funded: (attached + reserve).max(1),
                attached,
                growth,
                portion,
                manual,
                immediate,
                limits,
                deadline,
            },
        )
}

fn terms_of(plan: &Plan) -> CommissionTerms {
    let (policy, increase) = match plan.growth {
        Growth::NonFirst => (IncreasePolicy::NonFirst, Increase::Equal),
        Growth::AfterAcquire => (IncreasePolicy::AfterAcquire, Increase::Equal),
        Growth::EveryCommand(preset) => (IncreasePolicy::EveryCommand, Increase::Preset(money(preset))),
    };
    let take = match plan.portion {
        Portion::All => Take::All,
        Portion::Fixed(amount) => Take::Amount(money(amount)),
        Portion::Share(share) => Take::Share(basis_points(u32::try_from(share).unwrap())),
    };
    let condition = plan.limits.map(|limits| Condition {
        times: limits.times.map(|times| u32::try_from(times).unwrap()),
        amount: limits.amount.map(money),
        share_of_price: limits.share.map(|share| basis_points(u32::try_from(share).unwrap())),
        displayed_ms: limits.displayed,
        at_least: u8::try_from(limits.at_least).unwrap(),
        check_point: if limits.after_increase {
            CheckPoint::AfterIncrease
        } else {
            CheckPoint::BeforeIncrease
        },
        ..condition()
    });
    CommissionTerms {
        funded: money(plan.funded),
        attached: money(plan.attached),
        policy,
        increase,
        acquiring: if plan.manual { Acquiring::Manual } else { Acquiring::Automatic },
        take,
        cashing: if plan.immediate { Cashing::Immediate } else { Cashing::OnPurchase },
        condition,
        expires_at: plan.deadline.map(after_start),
    }
}

fn said(answer: Answer) -> Said {
    match answer {
        Ok(Done::Circulated(circulated)) => Said::Hop {
            hop: circulated.hop as usize,
            attached: circulated.attached.minor(),
            promise: circulated.promise.minor(),
            withdrawn: circulated.withdrawn,
        },
        Ok(Done::Acquired { promise, attached }) => {
            Said::Acquired { promise: promise.minor(), attached: attached.minor() }
        }
        Ok(Done::Purchased(purchased)) => match purchased.commission {
            Settlement::None => Said::SoldAlone,
            Settlement::Settled { cashed, returned, .. } => {
                Said::Settled { cashed: cashed.minor(), returned: returned.minor() }
            }
            Settlement::Withdrawn { returned, .. } => Said::Withdrawn { returned: returned.minor() },
        },
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Said::Refused(refusal.code.text()),
    }
}

fn agrees(plan: &Plan, deeds: &[Deed], shards: usize) {
    let mut stage = market_on(Stage::new(shards), offer(plan.price, 1), None);
    let people = ["payer", "buyer", "supplier", "payee", "broke", "u1", "u2", "u3"];
    let balances: BTreeMap<&str, i64> = people.into_iter().map(|who| (who, stage.posted(who))).collect();
    let attached = stage.send(&attach("payer", "tea", &terms_of(plan)));
    let Some(mut model) = Model::attach(*plan, balances) else {
        assert_eq!(refused(attached).text(), "condition_already_met");
        return;
    };
    attached.unwrap();
    for deed in deeds {
        let (answer, expected) = match *deed {
            Deed::Circulate(who) => {
                (stage.send(&circulate(SHARERS[who], "tea", 1)), model.circulate(SHARERS[who]))
            }
            Deed::Acquire(who) => (stage.send(&acquire(SHARERS[who], "tea", 1)), model.acquire(SHARERS[who])),
            Deed::Purchase(who) => {
                (stage.send(&purchase(BUYERS[who], "tea", 1)), model.purchase(BUYERS[who]))
            }
            Deed::Pass(milliseconds) => {
                stage.later(milliseconds);
                model.pass(milliseconds);
                continue;
            }
        };
        assert_eq!(said(answer), expected, "{deed:?}");
        let (shown, _) = (view(&mut stage, "tea", 1), row(&mut stage, "tea"));
        model.expire();
        let label = shown
            .label
            .map(|label| [label.attached, label.reserve, label.cumulative].map(|part| part.minor()));
        assert_eq!(label, model.label(), "{deed:?}");
        assert_eq!(shown.hops as usize, model.hops());
        assert_eq!(shown.promised.minor(), model.promised());
        assert_eq!(shown.almost_met, model.almost_met(), "{deed:?}");
        assert_eq!(shown.cashed.minor(), model.cashed, "{deed:?}");
        // What expired before the first touch went home from the offering; the balances tell.
        if !shown.returned.is_zero() {
            assert_eq!(shown.returned.minor(), model.returned, "{deed:?}");
        }
        for (who, balance) in &model.balances {
            assert_eq!(stage.posted(who), *balance, "{who} after {deed:?}");
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    /// P4 to P6, C6, K1, K2, R1 to R7, Q1 to Q7, N1 to N5, W1 to W11, H1 to H6, and the decisions they rest on.
    #[test]
    fn one_certificate_does_what_the_model_says(plan in plans(), deeds in deeds(), shards in 1..3_usize) {
        agrees(&plan, &deeds, shards);
    }
}

/// Everything that a random market begins with.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) setting: Setting,
    shards: usize,
    luck: u64,
}

impl Market {
    /// An empty stage for it.
    pub(super) fn stage(&self) -> Stage {
        Stage::new(self.shards).with_luck(self.luck)
    }
}

pub(super) fn markets() -> impl Strategy<Value = Market> {
    (any::<u64>(), prop_oneof![Just(1), Just(3)], any::<u64>()).prop_map(|(seed, shards, luck)| Market {
        setting: Setting::draw(&mut Chance(seed), 1, START),
        shards,
        luck,
    })
}

/// Batches of acts that are under way together, each after a pause.
pub(super) fn acts() -> impl Strategy<Value = Vec<(u64, Vec<Act>)>> {
    let act = any::<u64>().prop_map(|seed| Act::draw(&mut Chance(seed)));
    let pause = prop_oneof![4 => Just(0), 3 => 1..15_u64, 1 => Just(REQUEST_KEPT_MS)];
    prop::collection::vec((pause, prop::collection::vec(act, 1..7)), 1..24)
}

/// A market under way, with what was sent and answered.
pub(super) struct Run {
    pub(super) stage: Stage,
    setting: Setting,
    pub(super) sent: Vec<Sent>,
    /// How many records there are before the first act.
    begun: usize,
    outside: i128,
    now: Timestamp,
}

impl Run {
    pub(super) fn new(market: &Market) -> Run {
        Run::on(market.stage(), &market.setting)
    }

    /// A market on a given stage.
    pub(super) fn on(mut stage: Stage, setting: &Setting) -> Run {
        let mut people: Vec<Message> =
            CROWD.iter().zip(&setting.purses).map(|(who, purse)| open(who, *purse)).collect();
        people.extend([open("payee", 0), open(SHOP, 0)]);
        stage.send_all(&people).into_iter().for_each(|answer| drop(answer.unwrap()));
        // The payer can afford the commission more often than not.
        stage.send(&deposit("payer", 200)).unwrap();
        let outside = i128::from(setting.purses.iter().sum::<u64>()) + 200;
        for (offering, offer) in setting.offerings.iter().zip(&setting.offers) {
            stage.send(&issue(offering, offer.clone())).unwrap();
        }
        stage.send(&register_for(SHOP, "payee", Some("supplier"), setting.when_short)).unwrap();
        let (setting, begun) = (setting.clone(), stage.records());
        let mut run = Run { stage, setting, sent: Vec::new(), begun, outside, now: START };
        // The first of the crowd accepts gifts as they arrive.
        run.play(&[Act::Status(0, 3)]);
        for offering in 0..run.setting.offerings.len() {
            for act in run.setting.opening(offering) {
                run.play(&[act]);
            }
        }
        run
    }

    pub(super) fn message(&self, act: Act) -> Option<Message> {
        message(act, &self.sent, &self.setting, START)
    }

    /// Plays acts that are under way together, after a pause.
    pub(super) fn play_after(&mut self, pause: u64, acts: &[Act]) {
        self.stage.later(pause);
        self.now.0 += pause;
        self.play(acts);
    }

    fn play(&mut self, acts: &[Act]) {
        let mut messages = Vec::new();
        for act in acts {
            if let Some(message) = self.message(*act) {
                let known = self.sent.iter().any(|(sent, ..)| sent == &message);
                if !known {
                    self.sent.push((message.clone(), None, self.now));
                }
                messages.push(message);
            }
        }
        let answers = self.stage.send_all(&messages);
        for (message, answer) in messages.into_iter().zip(answers) {
            self.learn(&message, answer);
        }
        self.conserves();
    }

    /// I12: an equal message gets an equal answer; what is remembered for a day is a new one after it.
    fn learn(&mut self, message: &Message, answer: Answer) {
        let counts = match &message.command {
            Command::Deposit { amount, .. } => i128::from(amount.minor()),
            Command::CashOut { amount, .. } => -i128::from(amount.minor()),
            _ => 0,
        };
        let now = self.now;
        let (_, known, at) = self.sent.iter_mut().find(|(sent, ..)| sent == message).unwrap();
        let forgotten = remembered_for_a_day(&message.command) && now.since(*at) >= REQUEST_KEPT_MS;
        match known {
            Some(Ok(done)) if !forgotten => assert_eq!(Ok(&*done), answer.as_ref(), "{message:?}"),
            _ => {
                if answer.is_ok() {
                    self.outside += counts;
                }
                (*known, *at) = (Some(answer), now);
            }
        }
    }

    /// I1, counted by hand: what came in and stayed is in purses, envelopes and nowhere else.
    fn conserves(&self) {
        let mut inside = 0;
        for room in self.stage.rooms().values() {
            inside += match &room.resident {
                Resident::Account(account) => {
                    i128::from(account.posted().minor()) + i128::from(account.earmarked().minor())
                }
                Resident::Offering(offering) => i128::try_from(offering.envelopes()).unwrap(),
                // Where a payment certificate backs the commission, the money is still its payer's.
                Resident::Certificate(certificate) if certificate.claims().is_some() => 0,
                Resident::Certificate(certificate) => {
                    let buckets = certificate.buckets();
                    [buckets.reserve, buckets.attached, buckets.promised]
                        .map(|part| i128::from(part.minor()))
                        .iter()
                        .sum()
                }
            };
        }
        assert_eq!(inside, self.outside, "I1");
    }
}

proptest! {
    #![proptest_config(cases(150))]

    /// I1 to I9, I11 to I18, I20: at every record, after every turn, and after a cut at any record.
    #[test]
    fn a_random_market_keeps_every_invariant(market in markets(), acts in acts(), cut in any::<prop::sample::Index>()) {
        let mut run = Run::new(&market);
        for (pause, acts) in &acts {
            run.play_after(*pause, acts);
        }
        let mut again = run.stage.restarted_at(cut.index(run.stage.records() + 1));
        if again.records() >= run.begun {
            let messages: Vec<Message> = run.sent.iter().map(|(message, ..)| message.clone()).collect();
            again.send_all(&messages);
        }
        let whole = run.stage.restarted_at(run.stage.records());
        prop_assert_eq!(whole.rooms(), run.stage.rooms(), "a restart changes nothing");
    }
}
