//! The crash test: scripted sales are cut at every record and between any two hops, with one shard and with
//! three, the tail torn and reordered (DESIGN §3, §9). Snapshots are taken on the way, and a recovery from each of
//! them must be the one from the journal's beginning.
//!
//! `HONGBAO_CRASH_SEEDS` says how many seeds are played, `HONGBAO_CRASH_SEED` plays one alone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Instant;

use super::judge::{Judge, Stage, begin, check_end, check_log, end_of, play, records_of};
use super::script::{Phase, Script};
use crate::domain::{AccountEvent, Event};
use crate::planted::{self, Bug};
use crate::simulation::world::Play;

/// Seeds that are played where nobody asks for more. How often a world syncs repeats after four.
fn usual_seeds(script: Script) -> u64 {
    match script {
        Script::Sale => 6,
        Script::Paying | Script::Giving => 4,
    }
}

fn seeds(script: Script) -> std::ops::Range<u64> {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (asked("HONGBAO_CRASH_SEED"), asked("HONGBAO_CRASH_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(count)) => 0..count,
        (None, None) => 0..usual_seeds(script),
    }
}

fn stage(shards: usize, seed: u64) -> Stage {
    // Segments roll where batches are small; a batch that begins a segment comes whole or not at all.
    let rolls = seed % 4 == 1 || seed % 8 == 4;
    Stage { shards, segment_bytes_max: if rolls { 4_000 } else { 1 << 20 } }
}

/// A sale that nothing disturbs: how it ends, and its records.
pub(super) fn undisturbed(script: &Rc<[Phase]>) -> (Rc<[String]>, Vec<Vec<u8>>) {
    let mut world = begin(stage(1, 0), Play { sync_one_in: 1, ..Play::default() }).unwrap();
    play(&mut world, script).unwrap();
    let (lines, log) = end_of(world).unwrap();
    (lines.into(), records_of(&log).unwrap())
}

/// What one seed has looked at.
struct Cuts {
    cuts: u64,
    recoveries: u64,
    /// Recoveries from a snapshot.
    restorations: usize,
    /// Snapshots begun.
    generations: u64,
    /// Parts of large actors that snapshots have put away again.
    parts_removed: u64,
}

/// The others are looked for without snapshots, which would only take time.
fn is_of_snapshots(bug: Bug) -> bool {
    matches!(
        bug,
        Bug::SliceBeforeSync
            | Bug::WaitingForgotten
            | Bug::OtherHalfCounted
            | Bug::KnownRecordIgnored
            | Bug::WalksBeforePosition
    )
}

/// Plays a seed and judges every crash on its way. A bug is planted in the process that crashes, or in the
/// one that recovers, and not in both: what is found is found by the crash.
fn cut_everywhere(
    bug: Option<Bug>,
    seed: u64,
    shards: usize,
    script: &Rc<[Phase]>,
    expected: &Rc<[String]>,
) -> (Cuts, Result<(), String>) {
    let stage = stage(shards, seed);
    let judge = Rc::new(RefCell::new(Judge::new(stage, script, expected, seed)));
    let watching = Rc::clone(&judge);
    let (before, after) = match bug {
        Some(Bug::BadRecordSkipped | Bug::WalkDropped | Bug::KnownRecordIgnored | Bug::StatusForgotten) => {
            (None, bug)
        }
        _ => (bug, None),
    };
    let played_by = Play {
        seed,
        sync_one_in: [1, 4, 12, 60][seed as usize % 4],
        sweep_one_in: if bug.is_none_or(is_of_snapshots) { 2 + seed % 2 } else { 0 },
        ..Play::default()
    };
    let (mut generations, mut parts_removed) = (0, 0);
    let played = begin(stage, played_by).and_then(|mut world| {
        world.watched_by(Box::new(move |image, ledger, generations| {
            planted::with(after, || watching.borrow_mut().judge(image, ledger, generations))
        }));
        planted::with(before, || play(&mut world, script))?;
        (generations, parts_removed) = world.swept();
        check_log(check_end(world, expected)?, 0, stage)
    });
    let looked = judge.borrow();
    let (recoveries, restorations) = (looked.recoveries, looked.restorations());
    let cuts = Cuts { cuts: looked.cuts, recoveries, restorations, generations, parts_removed };
    let named = played.map_err(|why| format!("seed {seed}, {shards} shards, cut {}: {why}", cuts.cuts));
    (cuts, named)
}

fn every_seed_survives(played: Script, shards: impl Fn(u64) -> usize) {
    let script: Rc<[Phase]> = played.phases().into();
    let (expected, _) = undisturbed(&script);
    let mut all_parts_removed = 0;
    for seed in seeds(played) {
        let (begun, shards) = (Instant::now(), shards(seed));
        let (cuts, judged) = cut_everywhere(None, seed, shards, &script, &expected);
        if let Err(why) = judged {
            panic!("{why}");
        }
        let (Cuts { cuts, recoveries, restorations, generations, parts_removed }, took) =
            (cuts, begun.elapsed());
        println!(
            "{played:?}, seed {seed}, {shards} shards: {cuts} cuts, {recoveries} of them told apart, {generations} snapshots \
             with {parts_removed} parts put away, {restorations} recoveries from one, in {took:.1?}"
        );
        assert!(
            generations >= 4 && restorations >= 50,
            "seed {seed} has too few snapshots to prove anything"
        );
        all_parts_removed += parts_removed;
    }
    let whole = seeds(played).count() as u64 >= usual_seeds(played);
    assert!(all_parts_removed > 0 || !whole, "no large actor became smaller");
}

/// Three shards and one in turn, and the other way about where the rates of syncing come again.
fn three_or_one(seed: u64) -> usize {
    if (seed + seed / 4).is_multiple_of(2) { 3 } else { 1 }
}

#[test]
fn a_sale_cut_anywhere_ends_with_the_same_totals_and_every_answer_true_with_one_shard() {
    every_seed_survives(Script::Sale, |_| 1);
}

#[test]
fn a_sale_cut_anywhere_ends_with_the_same_totals_and_every_answer_true_with_three_shards() {
    every_seed_survives(Script::Sale, |_| 3);
}

// K3, K4, D4, D24, D37, D38, D44, D46, F5 to F7
#[test]
fn payments_reservations_and_refunds_cut_anywhere_end_with_the_same_totals_and_every_answer_true() {
    every_seed_survives(Script::Paying, three_or_one);
}

// T5 to T16, D21 to D23, D43
#[test]
fn gifts_orders_and_mandates_cut_anywhere_end_with_the_same_totals_and_every_answer_true() {
    every_seed_survives(Script::Giving, three_or_one);
}

fn assert_found(bug: Bug) {
    assert_found_by(Script::Sale, bug);
}

/// Plays seeds, with three shards and with one, until one is found to be wrong; those that sync seldom first.
fn assert_found_by(played: Script, bug: Bug) {
    let script: Rc<[Phase]> = played.phases().into();
    let (expected, _) = undisturbed(&script);
    let mut cuts = 0;
    for shards in [3, 1] {
        for seed in seeds(played).rev() {
            let (looked_at, judged) = cut_everywhere(Some(bug), seed, shards, &script, &expected);
            cuts += looked_at.cuts;
            if let Err(why) = judged {
                println!("{bug:?} was found after {cuts} cuts: {why}");
                return;
            }
        }
    }
    panic!("{bug:?} was not found by {cuts} cuts");
}

#[test]
fn a_message_sent_on_before_its_record_is_handed_over_is_found() {
    assert_found(Bug::OnwardBeforeRecord);
}

#[test]
fn an_answer_that_leaves_before_the_sync_is_found() {
    assert_found(Bug::AnswerBeforeSync);
}

#[test]
fn a_refusal_inside_a_walk_that_is_not_recorded_is_found() {
    assert_found(Bug::RefusalUnrecorded);
}

#[test]
fn a_bad_record_that_is_skipped_is_found() {
    assert_found(Bug::BadRecordSkipped);
}

#[test]
fn an_unfinished_walk_that_is_dropped_is_found() {
    assert_found(Bug::WalkDropped);
}

#[test]
fn a_slice_of_a_snapshot_stored_before_the_sync_is_found() {
    assert_found(Bug::SliceBeforeSync);
}

#[test]
fn a_recovery_that_begins_behind_a_message_that_waited_is_found() {
    assert_found(Bug::WaitingForgotten);
}

#[test]
fn a_snapshot_that_leaves_out_what_only_the_other_half_has_is_found() {
    assert_found(Bug::OtherHalfCounted);
}

#[test]
fn a_record_skipped_with_the_messages_that_it_sends_is_found() {
    assert_found(Bug::KnownRecordIgnored);
}

/// The engine's thread did just this until the crash test had snapshots.
#[test]
fn walks_counted_before_the_snapshot_settles_its_records_are_found() {
    assert_found(Bug::WalksBeforePosition);
}

/// Not among the five: this one was real until these crashes found it.
#[test]
fn a_name_told_before_the_record_of_its_beginning_is_found() {
    assert_found(Bug::NameBeforeRecord);
}

// T11
#[test]
fn a_merchant_told_of_money_that_is_still_on_its_way_is_found() {
    assert_found_by(Script::Giving, Bug::OrderPaidTooSoon);
}

// D46
#[test]
fn a_door_that_forgets_who_is_frozen_or_closed_is_found() {
    assert_found_by(Script::Paying, Bug::StatusForgotten);
}

/// A script must go through what it is meant for, or its crashes prove nothing.
fn goes_through(played: Script, expected: &[&str]) -> Vec<Vec<u8>> {
    let script: Rc<[Phase]> = played.phases().into();
    let (_, records) = undisturbed(&script);
    let decoded = records.iter().map(|bytes| crate::journal::record::decode(bytes).unwrap());
    let names: BTreeSet<String> =
        decoded.flat_map(|record| record.events.into_owned()).map(|event| name_of(&event)).collect();
    for name in expected {
        assert!(names.contains(*name), "{played:?}: {name} is not among {names:#?}");
    }
    println!("{played:?}: {} records", records.len());
    records
}

#[test]
fn the_scripted_sale_goes_through_everything_it_is_meant_to() {
    let records = goes_through(
        Script::Sale,
        &[
            "Account(Opened",
            "Account(Deposited",
            "Account(CashedOut",
            "Account(CreditLimitSet",
            "Account(Debited",
            "Account(Credited(Sale",
            "Account(Credited(Commission",
            "Account(Credited(Returned",
            "Account(Displayed",
            "Offering(AttachUndone",
            "Offering(Attached",
            "Offering(TurnTaken",
            "Offering(Freed",
            "Offering(Queued",
            "Offering(Unqueued",
            "Offering(Expired",
            "Offering(Returned",
            "Offering(WindowOpened",
            "Offering(WindowClosed",
            "Certificate(Acquired",
            "Certificate(Withdrawn",
            "Certificate(OthersCashed",
            "Certificate(Settled",
            "Certificate(Prompted",
        ],
    );
    let decoded = || records.iter().map(|bytes| crate::journal::record::decode(bytes).unwrap());
    let silent = decoded().filter(|record| record.events.is_empty()).count();
    assert!(silent >= 3, "{silent} refusals inside a walk");
    let prompted = Event::Certificate(crate::domain::CertificateEvent::Prompted);
    assert!(decoded().any(|record| *record.events == [prompted.clone()]), "a prompt by time alone");
}

// K3, K4, D4, D24, D37, D38, D44, D46, F5 to F7
#[test]
fn the_scripted_payments_go_through_everything_they_are_meant_to() {
    goes_through(
        Script::Paying,
        &[
            "Account(StatusChanged",
            "Account(Held",
            "Account(HoldFreed",
            "Account(Payment(Issued",
            "Account(Payment(Received",
            "Account(Payment(Rejected",
            "Account(Payment(Released",
            "Account(Payment(Voided",
            "Account(Payment(Expired",
            "Account(Payment(Linked",
            "Account(Payment(Drawn",
            "Account(Payment(Spent",
            "Account(Transfer(Sent",
            "Account(Transfer(Begun",
            "Account(Transfer(Posted",
            "Account(Transfer(Voided",
            "Account(Transfer(Expired",
            "Account(TopUpBegun",
            "Account(TopUpDone",
            "Account(TopUpUndone",
            "Account(PaidBack",
            "Account(Owes",
            "Account(DebtPaid",
            "Account(Credited(Transfer",
            "Account(Credited(Payment",
            "Account(Credited(Refund",
            "Account(Credited(ClawedBack",
            "Account(Credited(Debt",
            "Offering(AttachUndone",
            "Offering(Queued",
            "Offering(Unqueued",
            "Offering(Freed",
            "Offering(Reserving",
            "Offering(Reserved",
            "Offering(ReservationEnded",
            "Offering(ToppedUp",
            "Offering(Expired",
            "Certificate(OthersCashed",
            "Certificate(Drawn",
            "Certificate(ToppedUp",
            "Certificate(RefundBegun",
            "Certificate(RefundUndone",
            "Certificate(Refunded",
        ],
    );
}

// T5 to T16, D21 to D23, D43
#[test]
fn the_scripted_gifts_go_through_everything_they_are_meant_to() {
    goes_through(
        Script::Giving,
        &[
            "Account(StatusChanged",
            "Account(Gift(Given",
            "Account(Gift(Arrived",
            "Account(Gift(Accepted",
            "Account(Gift(Declined",
            "Account(Gift(Expired",
            "Account(Gift(Returned",
            "Account(Gift(Withheld",
            "Account(Gift(Provided",
            "Account(Gift(Reversed",
            "Account(Mandate(Granted",
            "Account(Mandate(Revoked",
            "Account(Mandate(Used",
            "Account(Merchant(Registered",
            "Account(Merchant(Unregistered",
            "Account(Merchant(OrderBegun",
            "Account(Merchant(OrderPaid",
            "Account(Merchant(OrderFailed",
            "Account(Merchant(OrderProvided",
            "Account(Merchant(ReversalBegun",
            "Account(Merchant(ReversalUndone",
            "Account(Merchant(OrderReversed",
            "Account(PaidBack",
            "Account(Owes",
            "Account(DebtPaid",
            "Account(Credited(Withheld",
            "Account(Credited(GiftReturned",
            "Account(Credited(Reversed",
            "Account(Credited(Refund",
            "Account(Credited(Debt",
            "Certificate(Refunded",
        ],
    );
}

/// The names of an event and of what it stands in or stands for, such as `Account(Gift(Reversed`.
fn name_of(event: &Event) -> String {
    if let Event::Account(AccountEvent::Credited { reason, .. }) = event {
        return format!("Account(Credited({reason:?}");
    }
    let nested = matches!(
        event,
        Event::Account(
            AccountEvent::Payment(_)
                | AccountEvent::Transfer(_)
                | AccountEvent::Gift(_)
                | AccountEvent::Mandate(_)
                | AccountEvent::Merchant(_)
        )
    );
    let text = format!("{event:?}");
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.take(if nested { 3 } else { 2 }).collect::<Vec<_>>().join("(")
}
