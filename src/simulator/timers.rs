//! Timers and messages find the same: a random market is played twice from the same records, once with timers
//! at random times and restarts in between, once with nothing but the next message to find what is due.
//!
//! Everybody is rich here: money that comes home earlier may be spent earlier, and that difference is wanted.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::properties::{Market, Run, acts, cases, markets};
use super::stage::Stage;
use crate::domain::{
    Account, ActorNumber, Answer, Balance, CertificateEvent, Code, Done, Event, Money, OfferingEvent,
    Resident, Timestamp,
};
use crate::limits::GIFT_OPEN_MS;
use crate::simulation::acts::Act;

/// What happens while a pause passes: a part of it goes by, and then the timers fire, or the engine starts anew.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Fire,
    Restart,
    RestartAndFire,
}

fn meanwhile() -> impl Strategy<Value = Vec<(u64, Meanwhile)>> {
    let deed = prop_oneof![
        4 => Just(Meanwhile::Fire),
        1 => Just(Meanwhile::Restart),
        1 => Just(Meanwhile::RestartAndFire)
    ];
    prop::collection::vec((0..12_u64, deed), 0..4)
}

/// A later time than any window, limit, display time or gift of a random market.
const MUCH_LATER_MS: u64 = 2 * GIFT_OPEN_MS;

fn pass(stage: &mut Stage, pause: u64, meanwhile: &[(u64, Meanwhile)]) {
    let mut left = pause;
    for (part, deed) in meanwhile {
        let part = left.min(*part);
        left -= part;
        stage.later(part);
        if !matches!(deed, Meanwhile::Fire) {
            *stage = stage.restarted_at(stage.records());
        }
        if !matches!(deed, Meanwhile::Restart) {
            stage.fire();
        }
    }
    stage.later(left);
}

/// The events of offerings and certificates with their dates, in words without the numbers of walks, which
/// timers use up too.
fn told(stage: &Stage) -> BTreeMap<ActorNumber, Vec<(Timestamp, String)>> {
    let mut told: BTreeMap<ActorNumber, Vec<(Timestamp, String)>> = BTreeMap::new();
    for (actor, at, event) in stage.events() {
        if !matches!(event, Event::Account(_)) {
            let text = format!("{event:?}");
            let mut parts = text.split("WalkId(");
            let mut words = parts.next().unwrap_or_default().to_owned();
            parts.for_each(|part| words.push_str(part.split_once(')').map_or(part, |(_, rest)| rest)));
            told.entry(*actor).or_default().push((*at, words));
        }
    }
    told
}

fn count(stage: &Stage, wanted: fn(&Event) -> bool) -> BTreeMap<ActorNumber, usize> {
    let mut counts = BTreeMap::new();
    for (actor, ..) in stage.events().iter().filter(|(.., event)| wanted(event)) {
        *counts.entry(*actor).or_insert(0) += 1;
    }
    counts
}

fn each_once(stage: &Stage) {
    let kinds: [fn(&Event) -> bool; 5] = [
        |event| matches!(event, Event::Certificate(CertificateEvent::Prompted)),
        |event| {
            matches!(event, Event::Certificate(CertificateEvent::Settled | CertificateEvent::Withdrawn(_)))
        },
        |event| matches!(event, Event::Offering(OfferingEvent::Expired)),
        |event| matches!(event, Event::Offering(OfferingEvent::WindowOpened)),
        |event| matches!(event, Event::Offering(OfferingEvent::WindowClosed)),
    ];
    for kind in kinds {
        assert!(count(stage, kind).values().all(|times| *times == 1), "what is due happens once");
    }
}

fn same(timed: &Stage, lazy: &Stage) {
    assert_eq!(told(timed), told(lazy), "the same events on the same dates");
    let (timed, lazy) = (timed.rooms(), lazy.rooms());
    assert_eq!(timed.len(), lazy.len());
    for (number, room) in timed {
        let other = lazy[&number];
        // Not how many entries there are: what comes in one turn may share one.
        assert_eq!(room.at, other.at, "actor {}", number.0);
        match (&room.resident, &other.resident) {
            (Resident::Account(timed), Resident::Account(lazy)) => {
                assert_eq!(shown(timed), shown(lazy), "account {}", timed.name());
            }
            (timed, lazy) => assert_eq!(timed, lazy, "actor {}", number.0),
        }
    }
}

/// Everything of an account but the answers that it remembers, which say its balance of then.
fn shown(account: &Account) -> Vec<String> {
    let mut given: Vec<_> = account.given().map(|given| format!("{given:?}")).collect();
    let mut orders: Vec<_> = account.orders().map(|order| format!("{order:?}")).collect();
    given.sort();
    orders.sort();
    let balances = (account.posted(), account.held(), account.earmarked(), account.credit_limit());
    let outside = (account.deposits(), account.cash_outs());
    let can = (account.status(), account.accepts_gifts(), account.entries(), account.requests_under_way());
    let mut shown = vec![format!("{balances:?} {outside:?} {can:?}")];
    shown.push(format!("{:?} {:?}", account.page(), account.debts()));
    shown.extend(account.holds().map(|held| format!("{held:?}")));
    shown.extend(account.payments().map(|payment| format!("{payment:?}")));
    shown.extend(account.pending_transfers().map(|amount| format!("{amount:?}")));
    let mut gifts: Vec<String> = account.gifts().map(|gift| format!("{gift:?}")).collect();
    gifts.sort_unstable();
    shown.append(&mut gifts);
    shown.extend(account.mandates().map(|mandate| format!("{mandate:?}")));
    shown.extend(given);
    shown.extend(orders);
    shown
}

/// An answer without what may differ: by timers money is at home earlier, and no longer held, and a payment
/// certificate ends with the last commission that it backs; until its issuer hears of that it is linked, and is
/// refused as well.
fn comparable(mut answer: Answer) -> Answer {
    match &mut answer {
        Ok(Done::Deposited { posted } | Done::CashedOut { posted } | Done::Transferred { posted, .. }) => {
            *posted = Balance::ZERO;
        }
        Ok(Done::PaymentIssued { held } | Done::TransferBegun { held }) => *held = Money::ZERO,
        Err(refusal) if refusal.code == Code::PaymentCertificateLinked => {
            refusal.code = Code::PaymentCertificateEnded;
        }
        _ => {}
    }
    answer
}

type Script = Vec<(u64, Vec<Act>, Vec<(u64, Meanwhile)>)>;

fn scripts() -> impl Strategy<Value = Script> {
    (acts(), prop::collection::vec(meanwhile(), 14)).prop_map(|(acts, meanwhile)| {
        acts.into_iter().zip(meanwhile).map(|((pause, acts), meanwhile)| (pause, acts, meanwhile)).collect()
    })
}

fn rich(mut market: Market) -> Market {
    market.setting.purses.fill(1_000_000);
    market
}

proptest! {
    #![proptest_config(cases(120))]

    /// C6, F4, F6, K4, T9, W10, W11, D17, D35, D36, D46, I11, I17.
    #[test]
    fn what_timers_find_is_what_the_next_message_would_have_found(
        market in markets().prop_map(rich),
        script in scripts(),
    ) {
        let mut run = Run::new(&market);
        let begun = run.stage.records();
        let (mut timed, mut lazy) = (run.stage.restarted_at(begun), run.stage.restarted_at(begun));
        for (pause, acts, meanwhile) in &script {
            lazy.later(*pause);
            pass(&mut timed, *pause, meanwhile);
            for act in acts {
                let Some(message) = run.message(*act) else { continue };
                let (timed, lazy) = (timed.send(&message), lazy.send(&message));
                prop_assert_eq!(comparable(timed.clone()), comparable(lazy), "{:?}", message);
                run.sent.push((message, Some(timed), Timestamp(0)));
            }
        }
        for stage in [&mut timed, &mut lazy] {
            stage.later(MUCH_LATER_MS);
            stage.fire();
            prop_assert_eq!(stage.next_due(), None, "in the end nothing waits for its time");
            each_once(stage);
        }
        same(&timed, &lazy);
        let again = timed.restarted_at(timed.records());
        prop_assert_eq!(again.rooms(), timed.rooms(), "a restart repeats nothing");
        prop_assert_eq!(again.next_due(), None);
    }
}
