//! Races of gifts: acceptance against time, and one withholding asked for a thousand times at once.

use super::engaging::*;
use super::messages::*;
use super::stage::{Luck, Stage};
use crate::domain::{Code, Done, GiftState, Message, RequestKey, Timestamp, WhenShort};

const ROUNDS: u64 = 50;
const GIFTS: u64 = 200;

fn shop(shards: usize, luck: u64) -> Stage {
    let mut stage = Stage::large(shards).with_luck(luck);
    for (account, purse) in [("ann", 1_000_000), ("bob", 0), ("mall", 0), ("till", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage
}

#[test]
fn acceptance_and_expiry_race_ten_thousand_times_and_exactly_one_wins() {
    // T9, I15
    let (mut accepted_in_all, mut expired_in_all) = (0, 0);
    for round in 0..ROUNDS {
        let mut luck = Luck(round);
        let mut stage = shop([1, 3][luck.below(2)], round);
        let end = |gift: u64| after_start(10 + 5 * gift);
        let of = |gift: u64| format!("gift {gift}");
        let give = |gift| give_until("ann", &of(gift), "bob", "mall", (goods(), 1), Some(end(gift)));
        stage
            .send_all(&(0..GIFTS).map(give).collect::<Vec<_>>())
            .into_iter()
            .for_each(|given| drop(given.unwrap()));
        let mut pending = Vec::new();
        for gift in 0..GIFTS {
            // The door stamps in the last millisecond or in the first behind it; the timer comes before or behind the
            // message, or while it waits, or not at all, and then the message finds what is due.
            let late = u64::from(luck.below(4) == 0);
            let fires = luck.below(3);
            if fires == 1 {
                stage.at(end(gift));
                stage.fire();
            }
            stage.at(Timestamp(end(gift).0 - 1 + late));
            pending.push(stage.begin(&[accept("bob", "ann", &of(gift))]));
            if fires == 2 {
                let _ = stage.step();
                stage.at(end(gift));
                stage.fire();
            }
        }
        stage.at(after_start(10 + 5 * GIFTS));
        stage.fire();
        let donor = stage.number("ann");
        let (mut accepted, mut expired) = (0, 0);
        for (gift, pending) in (0..GIFTS).zip(&pending) {
            let is_it = |key: &RequestKey| key.caller == donor && key.id == id(&of(gift));
            let state = stage.account("bob").gifts().find(|(key, _)| is_it(key)).map(|(_, gift)| gift.state);
            match (stage.answers(pending).remove(0).expect("an answer"), state.expect("the gift")) {
                (Ok(Done::GiftChanged { state: GiftState::Accepted }), GiftState::Accepted) => accepted += 1,
                (Err(refusal), GiftState::Expired) if refusal.code == Code::GiftEnded => expired += 1,
                both => panic!("round {round}, {}: {both:?}", of(gift)),
            }
        }
        assert_eq!(accepted + expired, GIFTS);
        assert_eq!(stage.posted("ann"), 1_000_000 - i64::try_from(accepted).unwrap());
        assert_eq!(stage.account("bob").earmarked().minor(), accepted);
        accepted_in_all += accepted;
        expired_in_all += expired;
    }
    println!("{accepted_in_all} accepted, {expired_in_all} expired");
    assert!(
        accepted_in_all > 1_000 && expired_in_all > 1_000,
        "{accepted_in_all}, {expired_in_all}: no race"
    );
}

#[test]
fn a_thousand_requests_at_once_for_one_order_make_one_debit_and_get_equal_answers() {
    // T10, D43, I12
    for (shards, same_id) in [(1, false), (3, false), (1, true), (3, true)] {
        let mut stage = shop(shards, 3);
        stage.send(&give("ann", "gift", "bob", "mall", (goods(), 300))).unwrap();
        stage.send(&accept("bob", "ann", "gift")).unwrap();
        let one = || withhold("mall", "order", 300, gift("bob", "ann", "gift"));
        let first = one();
        let messages: Vec<Message> =
            (0..1_000).map(|_| if same_id { first.clone() } else { one() }).collect();
        let answers = stage.send_all(&messages);
        assert!(answers.iter().all(|answer| *answer == Ok(Done::Withheld { amount: money(300) })));
        assert_eq!((stage.posted("ann"), stage.posted("till")), (999_700, 300), "{shards} shards");
    }
}

#[test]
fn a_thousand_orders_at_once_for_one_gift_withhold_it_once() {
    // T10, I15
    for shards in [1, 3] {
        let mut stage = shop(shards, 5);
        stage.send(&give("ann", "gift", "bob", "mall", (goods(), 300))).unwrap();
        stage.send(&accept("bob", "ann", "gift")).unwrap();
        let order = |place: u32| withhold("mall", &format!("order {place}"), 300, gift("bob", "ann", "gift"));
        let answers = stage.send_all(&(0..1_000).map(order).collect::<Vec<_>>());
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        let ended =
            answers.iter().filter(|answer| matches!(answer, Err(refusal) if refusal.code == Code::GiftEnded));
        assert_eq!((done, ended.count()), (1, 999));
        assert_eq!((stage.posted("ann"), stage.posted("till")), (999_700, 300));
    }
}

#[test]
fn provision_and_reversal_race_and_exactly_one_wins() {
    // T12, T14
    let mut wins = [0, 0];
    for seed in 0..200 {
        let mut stage = shop(3, seed);
        stage.send(&give("ann", "gift", "bob", "mall", (goods(), 300))).unwrap();
        stage.send(&accept("bob", "ann", "gift")).unwrap();
        stage.send(&withhold("mall", "order", 300, gift("bob", "ann", "gift"))).unwrap();
        let mut both = [provide("mall", "order"), reverse("mall", "order")];
        if seed % 2 == 1 {
            both.reverse();
        }
        let won: Vec<bool> = stage.send_all(&both).iter().map(Result::is_ok).collect();
        let provided = if seed % 2 == 1 { won[1] } else { won[0] };
        assert_ne!(won[0], won[1], "seed {seed}");
        assert_eq!(stage.posted("till"), if provided { 300 } else { 0 });
        wins[usize::from(provided)] += 1;
    }
    assert!(wins[0] > 20 && wins[1] > 20, "{wins:?}: no race");
}
