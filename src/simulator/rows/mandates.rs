//! What a recipient lets a merchant take: T15, D23, D43, T5, T8, T14.

use super::gift_market::*;
use crate::domain::{Code, Command, Done, GiftState, Mandate, MandateCommand, StatusChange, WhenShort};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn an_order_by_mandate_is_reversed_to_the_recipient() {
    // T14, T15, D23
    for (when_short, left) in
        [(WhenShort::Refuse, PRICE), (WhenShort::Receivable, PRICE), (WhenShort::Receivable, 100)]
    {
        let mut stage = gift_market(Stage::new(3));
        stage.send(&register("shop", "till", when_short)).unwrap();
        stage.send(&deposit("recipient", PRICE)).unwrap();
        stage.send(&grant("recipient", "mandate", "shop", (PRICE, PRICE), None)).unwrap();
        stage.send(&withhold_by_mandate("shop", "order", PRICE, "recipient", "mandate")).unwrap();
        assert_eq!(places(&stage), (0, 0, 0, PRICE as i64));
        if left < PRICE {
            stage.send(&send_money("till", "u1", PRICE - left)).unwrap();
        }
        let owed = PRICE - left;
        let reversed = Ok(Done::OrderReversed { paid: money(left), owed: money(owed) });
        assert_eq!(stage.send(&reverse("shop", "order")), reversed);
        assert_eq!(places(&stage), (0, left as i64, 0, 0));
        accepted(&mut stage, "gift");
        stage.send(&withhold("shop", "next", PRICE, of("gift"))).unwrap();
        assert_eq!(stage.posted("recipient"), PRICE as i64, "what was owed has come with the next order");
    }
}

#[test]
fn a_mandate_binds_to_its_merchant_both_bounds_and_its_end() {
    // T15, D43
    let ends_at = after_start(10_000);
    let mut stage = gift_market(Stage::new(3));
    stage.send(&deposit("recipient", 1_000)).unwrap();
    let granting = grant("recipient", "mandate", "shop", (100, 40), Some(ends_at));
    assert_eq!(stage.send(&granting), Ok(Done::MandateGranted));
    assert_eq!(stage.posted("recipient"), 1_000, "a mandate moves and holds nothing");
    assert_eq!(stage.account("recipient").available().minor(), 1_000);
    // Who, in the order of time: which amount when, and what is used by then.
    let table = [
        ("rival shop", "a", 40, 0, Some(Code::OutsideMandate), 0),
        ("shop", "b", 41, 0, Some(Code::OutsideMandate), 0),
        ("shop", "b", 40, 0, None, 40),
        ("shop", "c", 40, 9_998, None, 80),
        ("shop", "d", 21, 9_998, Some(Code::OutsideMandate), 80),
        ("shop", "d", 19, 9_999, None, 99),
        ("shop", "e", 1, 10_000, Some(Code::OutsideMandate), 99),
        ("shop", "e", 1, 10_001, Some(Code::OutsideMandate), 99),
    ];
    for (merchant, order, amount, later, expected, used) in table {
        stage.at(after_start(later));
        let asked = withhold_by_mandate(merchant, order, amount, "recipient", "mandate");
        let answer = stage.send(&asked);
        assert_eq!(answer.err().map(|refusal| refusal.code), expected, "{merchant} {order} {amount} {later}");
        assert_eq!(stage.posted("recipient"), 1_000 - used, "{merchant} {order} {amount} {later}");
        assert_eq!((stage.posted("till"), stage.posted("rival till")), (used, 0));
        assert_eq!(mandate_of(&mut stage, "mandate").used.minor(), used as u64, "{order} {amount} {later}");
    }
    assert_eq!(refuses(&mut stage, &grant("recipient", "mandate", "shop", (1, 1), None)), Code::IdReused);
    assert_eq!(stage.send(&granting), Ok(Done::MandateGranted), "I12");
}

#[test]
fn a_mandate_draws_on_available_money_alone() {
    // T15, D43, T8
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    stage.send(&deposit("recipient", 100)).unwrap();
    stage.send(&begin_transfer("recipient", "held", "u1", 30, None)).unwrap();
    stage.send(&grant("recipient", "mandate", "shop", (1_000, 1_000), None)).unwrap();
    let draw = |order: &str, amount: u64| withhold_by_mandate("shop", order, amount, "recipient", "mandate");
    let short = stage.send(&draw("order", 71));
    assert_eq!((refused(short), stage.posted("till")), (Code::InsufficientFunds, 0));
    assert_eq!(mandate_of(&mut stage, "mandate").used.minor(), 0, "what failed is not used");
    stage.send(&draw("order", 70)).unwrap();
    assert_eq!(refused(stage.send(&draw("next", 1))), Code::InsufficientFunds);
    stage.send(&credit("recipient", 5)).unwrap();
    stage.send(&draw("next", 5)).unwrap();
    assert_eq!((stage.posted("recipient"), stage.posted("till")), (25, 75));
    assert_eq!(stage.account("recipient").earmarked().minor(), PRICE);
    stage.send(&status("recipient", StatusChange::Freeze)).unwrap();
    assert_eq!(refused(stage.send(&draw("frozen", 1))), Code::AccountFrozen);
}

#[test]
fn draws_at_once_keep_within_a_mandate_together() {
    // T15
    for seed in 0..8 {
        let mut stage = gift_market(Stage::new(3)).with_luck(seed);
        stage.send(&deposit("recipient", 1_000)).unwrap();
        stage.send(&grant("recipient", "mandate", "shop", (100, 40), None)).unwrap();
        let draws: Vec<_> = (0..10)
            .map(|order| {
                let order = format!("order {order}");
                withhold_by_mandate("shop", &order, 30, "recipient", "mandate")
            })
            .collect();
        let paid = stage.send_all(&draws).into_iter().filter(Result::is_ok).count();
        assert_eq!((paid, stage.posted("recipient"), stage.posted("till")), (3, 910, 90), "seed {seed}");
    }
}

#[test]
fn a_revoked_mandate_ends_at_once_and_touches_no_accepted_gift() {
    // T15, D43
    let mut stage = gift_market(Stage::new(3));
    stage.send(&deposit("recipient", 100)).unwrap();
    accepted(&mut stage, "gift");
    for mandate in ["mandate", "other"] {
        stage.send(&grant("recipient", mandate, "shop", (100, 100), None)).unwrap();
    }
    stage.send(&withhold_by_mandate("shop", "before", 40, "recipient", "mandate")).unwrap();
    for stranger in ["shop", "donor"] {
        assert_eq!(refuses(&mut stage, &revoke(stranger, "mandate")), Code::UnknownMandate, "{stranger}");
    }
    assert_eq!(refuses(&mut stage, &revoke("recipient", "third")), Code::UnknownMandate);
    let revoked = stage.send(&revoke("recipient", "mandate"));
    assert_eq!(revoked, Ok(Done::MandateRevoked { used: money(40) }));
    let late = stage.send(&withhold_by_mandate("shop", "after", 1, "recipient", "mandate"));
    assert_eq!((refused(late), stage.posted("recipient")), (Code::OutsideMandate, 60));
    assert!(mandate_of(&mut stage, "mandate").revoked);
    // What was withheld before stands, the gift is as it was, and so is the other mandate.
    stage.send(&provide("shop", "before")).unwrap();
    assert_eq!(state(&stage, "gift"), GiftState::Accepted);
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    stage.send(&withhold_by_mandate("shop", "third", 1, "recipient", "other")).unwrap();
    assert_eq!(places(&stage), (-(PRICE as i64), 59, 0, PRICE as i64 + 41));
}

#[test]
fn a_mandate_says_whom_and_how_much() {
    // T15, T5
    let mut stage = gift_market(Stage::new(3));
    stage.send(&open("gone", 0)).unwrap();
    stage.send(&status("gone", StatusChange::Close)).unwrap();
    let table = [
        (grant("recipient", "mandate", "nobody", (1, 1), None), Code::UnknownAccount, "merchant"),
        (grant("recipient", "mandate", "gone", (1, 1), None), Code::AccountClosed, "merchant"),
        (grant("recipient", "mandate", "foreigner", (1, 1), None), Code::CurrencyMismatch, "merchant"),
        (grant("recipient", "mandate", "shop", (0, 1), None), Code::AmountNotPositive, "amount_max"),
        (grant("recipient", "mandate", "shop", (1, 0), None), Code::AmountNotPositive, "amount_max_per_use"),
    ];
    for (message, code, field) in table {
        let records = stage.records();
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()), "{message:?}");
        assert_eq!(stage.records(), records, "{message:?}");
    }
    // A mandate of an account that is no registered merchant is of no use to it.
    stage.send(&deposit("recipient", 100)).unwrap();
    stage.send(&grant("recipient", "mandate", "u1", (100, 100), None)).unwrap();
    let taken = withhold_by_mandate("u1", "order", 1, "recipient", "mandate");
    assert_eq!(refuses(&mut stage, &taken), Code::NotRegistered);
    let unknown = stage.send(&withhold_by_mandate("shop", "order", 1, "recipient", "other"));
    assert_eq!((refused(unknown), stage.posted("recipient")), (Code::UnknownMandate, 100));
}

/// A mandate of `recipient` as the engine shows it.
pub(super) fn mandate_of(stage: &mut Stage, mandate: &str) -> Mandate {
    let show = MandateCommand::Show { mandate: id(mandate) };
    match stage.send(&by("recipient", Command::Mandate(show))) {
        Ok(Done::Mandate(mandate)) => *mandate,
        other => panic!("expected a mandate, got {other:?}"),
    }
}
