//! Purchase and cashing: H1, H2, H4 to H6, D14, D16, D25, D26, D31, D41, and pages of credits.

use crate::domain::{
    AccountView, Cashing, CertificateEvent, Code, Command, CommissionTerms, Done, IncreasePolicy, Message,
    Offer, Settlement, Take, Via, chain as hashes,
};
use crate::journal::record;
use crate::limits::CREDITS_PER_PAGE;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_certificate_is_sold_once_and_a_second_buyer_keeps_the_money() {
    // H1, I4, R5
    for via in [Via::Public, Via::Link, page_of("u1")] {
        let mut stage = market(offer(700, 2), Some(&terms(500, 100)));
        chain(&mut stage, 1, &["u1"]);
        let sold = purchased(stage.send(&purchase_via("buyer", "tea", 1, via.clone())));
        assert_eq!((sold.serial.0, sold.price.minor(), sold.credits_left), (1, 700, 0));
        assert_eq!(refuses(&mut stage, &purchase_via("rival", "tea", 1, via)), Code::Sold);
        assert_eq!((stage.posted("rival"), stage.posted("payee")), (1_000_000, 700));
        let sale = view(&mut stage, "tea", 1).sale.unwrap();
        assert_eq!((sale.buyer, sale.purchased), (stage.number("buyer"), sold));
    }
}

#[test]
fn two_buyers_at_once_get_one_certificate_between_them() {
    // H1, I4, F1
    for shards in [1, 3] {
        let mut stage = market_on(Stage::new(shards), offer(700, 2), Some(&terms(500, 100)));
        let answers = stage.send_all(&[purchase("buyer", "tea", 1), purchase("rival", "tea", 1)]);
        assert!(answers[0].is_ok());
        assert_eq!(refused(answers[1].clone()), Code::Sold);
        assert_eq!((stage.posted("buyer"), stage.posted("rival")), (1_000_000 - 700, 1_000_000));
    }
}

#[test]
fn everyone_who_acquired_gets_exactly_the_own_promise() {
    // H2, D16, I6
    let taking_half = CommissionTerms {
        policy: IncreasePolicy::NonFirst,
        take: Take::Share(basis_points(5_000)),
        ..terms(100, 100)
    };
    let mut stage = market(offer(700, 1), Some(&taking_half));
    let promises = chain(&mut stage, 1, &["u1", "u2", "u3"]);
    assert_eq!(promises, [50, 25, 13], "half up, what is left over stays attached");
    assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (88, 12));
    assert_eq!(["u1", "u2", "u3"].map(|account| stage.posted(account)), [50, 25, 13]);
    assert_eq!(stage.posted("payer"), 1_000_000 - 88);
}

#[test]
fn the_envelope_is_empty_after_the_purchase() {
    // H4, I2
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1", "u2"]);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let buckets = *stage.certificate("tea", 1).unwrap().buckets();
    assert!(buckets.reserve.is_zero() && buckets.attached.is_zero() && buckets.promised.is_zero());
    assert_eq!((buckets.cashed.minor(), buckets.returned.minor()), (80, 420));
}

#[test]
fn immediate_mode_cashes_the_earlier_promises_once_when_someone_else_circulates() {
    // H5, D14, D41
    let immediate = CommissionTerms { cashing: Cashing::Immediate, ..terms(500, 100) };
    let mut stage = market(offer(700, 1), Some(&immediate));
    let posted = |stage: &Stage| ["u1", "u2", "u3"].map(|account| stage.posted(account));
    let expected = [("u1", [0, 0, 0]), ("u2", [40, 0, 0]), ("u1", [40, 40, 0]), ("u3", [40, 40, 0])];
    for (account, balances) in expected {
        chain(&mut stage, 1, &[account]);
        assert_eq!(posted(&stage), balances, "after {account}");
    }
    assert_eq!(
        settled(stage.send(&purchase("u3", "tea", 1)).or_else(|refusal| {
            assert_eq!(refusal.code, Code::InsufficientFunds);
            stage.send(&deposit("u3", 700)).unwrap();
            stage.send(&purchase("u3", "tea", 1))
        })),
        (40, 380)
    );
    assert_eq!(posted(&stage), [40, 40, 40], "a purchase cashes all, the buyer's too");
}

#[test]
fn immediate_mode_checks_then_cashes_then_increases_then_acquires() {
    // H5, D5, D14
    let immediate = CommissionTerms {
        cashing: Cashing::Immediate,
        policy: IncreasePolicy::NonFirst,
        condition: Some(times(2)),
        ..terms(500, 100)
    };
    let mut stage = market(offer(700, 1), Some(&immediate));
    chain(&mut stage, 1, &["u1"]);
    let before = stage.events_of("tea", 1).len();
    chain(&mut stage, 1, &["u2"]);
    let order: Vec<&str> = stage.events_of("tea", 1)[before..]
        .iter()
        .map(|event| match event {
            CertificateEvent::Linked { .. } => "link",
            CertificateEvent::OthersCashed(_) => "cash",
            CertificateEvent::Increased(_) => "increase",
            CertificateEvent::Acquired { .. } => "acquire",
            CertificateEvent::Withdrawn(_) => "withdraw",
            _ => "else",
        })
        .filter(|word| *word != "else")
        .collect();
    assert_eq!(order, ["link", "cash", "increase", "acquire"]);
    assert_eq!(stage.posted("u1"), 40);
    let third = circulated(stage.send(&circulate("u3", "tea", 1)));
    assert!(third.withdrawn);
    assert_eq!(stage.posted("u2"), 0, "the check comes before the cashing");
}

#[test]
fn a_purchase_without_any_circulation_cashes_nothing() {
    // H6
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    let sold = purchased(stage.send(&purchase("buyer", "tea", 0)));
    let nothing = Settlement::Settled { cashed: money(0), promises: 0, returned: money(500) };
    assert_eq!(sold.commission, nothing);
    assert_eq!(stage.posted("payer"), 1_000_000);
    let mut without = market(offer(700, 1), None);
    assert_eq!(purchased(without.send(&purchase("buyer", "tea", 0))).commission, Settlement::None);
}

#[test]
fn messages_across_currencies_are_refused() {
    // D31, D40
    let mut stage = market(Offer { payers: vec![name("foreigner")], ..offer(700, 1) }, None);
    for serial in [0, 1] {
        assert_eq!(refuses(&mut stage, &purchase("foreigner", "tea", serial)), Code::CurrencyMismatch);
        assert_eq!(refuses(&mut stage, &circulate("foreigner", "tea", serial)), Code::CurrencyMismatch);
    }
    assert_eq!(refuses(&mut stage, &attach("foreigner", "tea", &terms(500, 100))), Code::CurrencyMismatch);
    chain(&mut stage, 1, &["u1"]);
    for via in [Via::Public, Via::Link, page_of("u1")] {
        assert_eq!(
            refuses(&mut stage, &circulate_via("foreigner", "tea", 1, via.clone())),
            Code::CurrencyMismatch
        );
        assert_eq!(refuses(&mut stage, &purchase_via("foreigner", "tea", 1, via)), Code::CurrencyMismatch);
    }
}

#[test]
fn a_purchase_takes_no_circulation_along() {
    // D25
    let mut stage = market(offer(700, 1), Some(&terms(500, 100)));
    chain(&mut stage, 1, &["u1"]);
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let shown = view(&mut stage, "tea", 1);
    assert_eq!((shown.hops, shown.linked), (1, Some(stage.number("u1"))));
}

#[test]
fn six_hundred_sharers_all_get_exactly_their_promise() {
    // H2, DESIGN 3: credits go out page by page
    const SHARERS: usize = 600;
    for (cashing, shards) in [(Cashing::OnPurchase, 1), (Cashing::OnPurchase, 3), (Cashing::Immediate, 3)] {
        let many = CommissionTerms { take: Take::Amount(money(7)), cashing, ..terms(10_000, 100) };
        let mut stage = market_on(Stage::large(shards), offer(700, 1), Some(&many));
        let names: Vec<String> = (0..SHARERS).map(|index| format!("sharer {index}")).collect();
        let openings: Vec<_> = names.iter().map(|sharer| open(sharer, 0)).collect();
        stage.send_all(&openings);
        let shares: Vec<_> = names.iter().map(|sharer| circulate(sharer, "tea", 1)).collect();
        for answer in stage.send_all(&shares) {
            assert_eq!(circulated(answer).promise.minor(), 7);
        }
        let pending = stage.begin(&[purchase("buyer", "tea", 1)]);
        stage.run();
        let sold = purchased(stage.answers(&pending).remove(0).unwrap());
        if cashing == Cashing::OnPurchase {
            assert_eq!(sold.credits_left as usize, SHARERS - CREDITS_PER_PAGE);
            let cashed = money(7 * SHARERS as u64);
            assert!(
                matches!(sold.commission, Settlement::Settled { cashed: all, promises: 600, .. } if all == cashed)
            );
        } else {
            assert_eq!(sold.credits_left, 0);
            assert!(matches!(sold.commission, Settlement::Settled { promises: 1, .. }));
        }
        assert!(names.iter().all(|sharer| stage.posted(sharer) == 7));
        assert_eq!(stage.posted("payer"), 1_000_000 - 7 * 600);
        assert_eq!(stage.certificate("tea", 1).unwrap().unpaid(), 0);
    }
}

#[test]
fn a_restart_in_the_middle_of_the_pages_finishes_them_once() {
    // I14, H2
    let many = CommissionTerms { take: Take::Amount(money(7)), ..terms(10_000, 100) };
    let mut stage = market_on(Stage::large(1), offer(700, 1), Some(&many));
    let names: Vec<String> = (0..300).map(|index| format!("sharer {index}")).collect();
    stage.send_all(&names.iter().map(|sharer| open(sharer, 0)).collect::<Vec<_>>());
    stage.send_all(&names.iter().map(|sharer| circulate(sharer, "tea", 1)).collect::<Vec<_>>());
    let before = stage.records();
    stage.send(&purchase("buyer", "tea", 1)).unwrap();
    let after = stage.records();
    for records in [before + 2, before + 3, before + 4, before + 200, after - 3, after - 2, after - 1] {
        let again = stage.restarted_at(records);
        assert!(names.iter().all(|sharer| again.posted(sharer) == 7), "cut at {records}");
        assert_eq!(again.posted("payee"), 700, "cut at {records}");
    }
}

#[test]
fn credits_of_one_turn_share_a_record_and_each_is_absorbed_once() {
    // I1, I11, I14, DESIGN 3: also where the log is cut before, behind or among them, and for whoever looks
    // More than are looked at together, so that the look in between comes behind some of the sales.
    const BUYERS: usize = 150;
    let mut stage = market_on(Stage::large(1), offer(700, BUYERS as u32), Some(&terms(500, 100)));
    let names: Vec<String> = (0..BUYERS).map(|index| format!("buyer {index}")).collect();
    stage.send_all(&names.iter().map(|buyer| open(buyer, 700)).collect::<Vec<_>>());
    let before = stage.records();
    let looking = by("payee", Command::ShowAccount { account: name("payee") });
    let mut messages: Vec<Message> = names.iter().map(|buyer| purchase(buyer, "tea", 0)).collect();
    messages.insert(140, looking.clone());
    let mut answers = stage.send_all(&messages);
    answers.push(stage.send(&looking));
    let seen: Vec<AccountView> = answers
        .into_iter()
        .filter_map(|answer| match answer.unwrap() {
            Done::Account(view) => Some(*view),
            _ => None,
        })
        .collect();
    let payee = stage.number("payee");
    let records: Vec<_> =
        stage.encoded()[before..].iter().map(|bytes| record::decode(bytes).unwrap()).collect();
    let credits: Vec<_> = records.iter().filter(|record| record.prefix.actor == payee).collect();
    assert!(credits.len() < BUYERS / 4, "{} records of the payee", credits.len());
    assert_eq!(credits.iter().map(|record| record.events.len()).sum::<usize>(), BUYERS);
    assert!(credits.iter().all(|record| record.walks().count() == record.events.len()));
    let posted = |view: &AccountView| view.posted.minor();
    assert!(posted(&seen[0]) > 0 && posted(&seen[0]) < posted(&seen[1]));
    assert_eq!(posted(&seen[1]), 700 * BUYERS as i64);
    for view in seen {
        let told = credits.iter().find(|record| record.prefix.sequence == view.sequence).unwrap();
        assert_eq!(
            told.prefix.chain,
            hashes::prefix(&view.head),
            "whoever looks sees a head that a record tells"
        );
    }
    for cut in (before..stage.records()).step_by(41) {
        let again = stage.restarted_at(cut);
        let (sold, of) = (again.posted("payee") / 700, names.iter().filter(|buyer| again.posted(buyer) == 0));
        assert_eq!(
            (sold as usize, again.posted("payer")),
            (of.count(), 1_000_000 - 500 * BUYERS as i64 + 500 * sold),
            "cut at {cut}"
        );
    }
}
