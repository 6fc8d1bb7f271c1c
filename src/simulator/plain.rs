//! Plain purchases make the very same records as purchases that are decided message by message.

use proptest::prelude::*;

use super::messages::*;
use super::properties::{Run, acts, cases, markets};
use super::stage::Stage;
use crate::domain::Message;
use crate::journal::record;
use crate::simulation::chance::Chance;

/// How many certificates the rush is about; more than are looked at together.
const ITEMS: u32 = 300;
/// This one has a long chain.
const LONG: u32 = 6;
/// The first so many messages are calm, whatever a seed says.
const CALM: u64 = 60;

/// A rush in batches. Every other one has nothing but purchases that their buyers can pay; in between are some that they cannot,
/// and whatever else comes to the same actors.
fn rush(chance: &mut Chance) -> Vec<Vec<Message>> {
    let mut batches = Vec::new();
    let mut next = 1;
    while next <= ITEMS {
        let calm = batches.len() % 2 == 0;
        let mut batch = Vec::new();
        for _ in 0..chance.within(CALM, 220) {
            let serial = next.min(ITEMS);
            let buyer =
                ["buyer", "rival", "payer", "u1", "payee", "broke"][chance.place(if calm { 3 } else { 6 })];
            batch.push(match chance.weighted(&[30, 1, 1, 1, 1, 1]) {
                // Once more, of what is sold by then; of any; of one without a chain.
                1 if !calm => purchase("rival", "tea", 1 + chance.below(u64::from(serial)) as u32),
                2 if !calm => purchase("buyer", "tea", 0),
                3 if !calm => circulate("u9", "tea", serial),
                4 => deposit("broke", 100),
                5 => show_offering("tea"),
                _ => {
                    next += 1;
                    purchase(buyer, "tea", serial)
                }
            });
        }
        batches.push(batch);
    }
    batches
}

/// The market in which it takes place, with chains of one to three hops.
fn ready(stage: Stage) -> Stage {
    let mut stage = market_on(stage, offer(100, ITEMS), Some(&terms(200, 60)));
    for hop in 0..3_u32 {
        let sharer = |serial: u32| format!("u{}", 1 + (serial + 2 * hop) % 9);
        // Some late ones have none.
        let chained = (1..=ITEMS).filter(|serial| 1 + serial % 3 > hop && (serial % 9 != 0 || *serial < 150));
        let batch: Vec<Message> = chained.map(|serial| circulate(&sharer(serial), "tea", serial)).collect();
        stage.send_all(&batch).into_iter().for_each(|answer| drop(answer.unwrap()));
    }
    for hop in 0..150 {
        stage.send(&circulate(&format!("u{}", 1 + hop % 9), "tea", LONG)).unwrap();
    }
    stage
}

/// Message by message the same batches make the same records; `other` has seen nothing yet.
fn makes_the_same_records(plain: &Stage, other: Stage) -> Result<(), TestCaseError> {
    let mut other = other.without_plain_way();
    for (now, batch) in plain.begun() {
        other.at(*now);
        other.send_all(batch);
    }
    for (place, (one, another)) in plain.encoded().iter().zip(other.encoded()).enumerate() {
        let read = |bytes| record::decode(bytes).map(|record| format!("{record:?}")).unwrap_or_default();
        prop_assert!(one == another, "record {}: {} and {}", place, read(one), read(another));
    }
    prop_assert_eq!(plain.records(), other.records());
    prop_assert!(plain.rooms() == other.rooms());
    prop_assert_eq!(other.settled_plainly(), 0);
    Ok(())
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn a_rush_makes_the_same_records_message_by_message(seed in any::<u64>(), shards in 1_usize..4, lucky in any::<bool>()) {
        let stage = || if lucky { Stage::large(shards).with_luck(seed | 1) } else { Stage::large(shards) };
        let mut plain = ready(stage());
        for batch in rush(&mut Chance(seed)) {
            plain.send_all(&batch);
            plain.later(1);
        }
        makes_the_same_records(&plain, stage())?;
        let settled = plain.settled_plainly();
        prop_assert!(lucky || shards > 1 || settled > CALM as usize / 2, "{} settled plainly", settled);
    }

    #[test]
    fn a_random_market_makes_the_same_records_message_by_message(market in markets(), acts in acts()) {
        let stage = || market.stage().step_by_step(false);
        let mut plain = Run::on(stage(), &market.setting);
        for (pause, acts) in &acts {
            plain.play_after(*pause, acts);
        }
        makes_the_same_records(&plain.stage, stage())?;
    }
}
