//! Merchants and their orders: T5, T10 to T12, D43, D46. Absent on purpose, because they have tests of their own:
//! `reversals`, `mandates` and `certificate_gifts`.

use super::gift_market::*;
use super::mandates::mandate_of;
use crate::domain::{
    AccountEvent, ActorNumber, Code, Command, CreditReason, Done, Event, GiftState, MerchantCommand,
    MerchantEvent, Message, Order, OrderState, StatusChange, WhenShort,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn only_a_registered_merchant_withholds() {
    // T5
    let mut stage = gift_market(Stage::new(3));
    stage.send(&open("stall", 0)).unwrap();
    for gift in ["gift", "second"] {
        stage.send(&give("donor", gift, "recipient", "stall", (goods(), PRICE))).unwrap();
        stage.send(&accept("recipient", "donor", gift)).unwrap();
    }
    let two = places(&stage);
    let withholding = withhold("stall", "order", PRICE, of("gift"));
    assert_eq!(refuses(&mut stage, &withholding), Code::NotRegistered);
    // Nobody registers or unregisters but the institution.
    let registration = register("stall", "till", WhenShort::Refuse);
    let unregistration = unregister("stall");
    for somebody in ["stall", "till", "donor"] {
        for command in [&registration.command, &unregistration.command] {
            assert_eq!(refuses(&mut stage, &by(somebody, command.clone())), Code::NotAllowed, "{somebody}");
        }
    }
    assert_eq!(refuses(&mut stage, &unregistration), Code::NotRegistered);
    assert_eq!(stage.send(&registration), Ok(Done::Registered { registered: true }));
    assert_eq!(places(&stage), two, "nothing has moved so far");
    let withheld = Ok(Done::Withheld { amount: money(PRICE) });
    assert_eq!(stage.send(&withholding), withheld, "a refused id is decided anew");
    // Unregistered again it withholds nothing new, and what is paid goes on.
    assert_eq!(stage.send(&unregister("stall")), Ok(Done::Registered { registered: false }));
    let second = withhold("stall", "second", PRICE, of("second"));
    assert_eq!(refuses(&mut stage, &second), Code::NotRegistered);
    assert_eq!(stage.send(&withhold("stall", "order", PRICE, of("gift"))), withheld, "I12");
    assert_eq!(stage.send(&provide("stall", "order")), Ok(Done::Provided));
    assert_eq!((state(&stage, "gift"), state(&stage, "second")), (GiftState::Provided, GiftState::Accepted));
}

#[test]
fn a_registration_names_accounts_that_are_there() {
    // T5
    let mut stage = gift_market(Stage::new(3));
    stage.send(&open("gone", 0)).unwrap();
    stage.send(&status("gone", StatusChange::Close)).unwrap();
    let table = [
        (register("nobody", "till", WhenShort::Refuse), Code::UnknownAccount, "merchant"),
        (register("shop", "nobody", WhenShort::Refuse), Code::UnknownAccount, "payee"),
        (register("shop", "gone", WhenShort::Refuse), Code::AccountClosed, "payee"),
        (register_for("shop", "till", Some("nobody"), WhenShort::Refuse), Code::UnknownAccount, "supplier"),
        (unregister("nobody"), Code::UnknownAccount, "merchant"),
    ];
    for (message, code, field) in table {
        let records = stage.records();
        assert_eq!(refused_for(stage.send(&message)), (code, field.to_owned()), "{message:?}");
        assert_eq!(stage.records(), records, "{message:?}");
    }
    assert_eq!(refuses(&mut stage, &register("gone", "till", WhenShort::Refuse)), Code::AccountClosed);
}

#[test]
fn a_new_registration_pays_another_payee_from_then_on() {
    // T5, P4
    let mut stage = gift_market(Stage::new(3));
    for gift in ["one", "two"] {
        accepted(&mut stage, gift);
    }
    stage.send(&withhold("shop", "first", PRICE, of("one"))).unwrap();
    stage.send(&register("shop", "rival till", WhenShort::Refuse)).unwrap();
    stage.send(&withhold("shop", "second", PRICE, of("two"))).unwrap();
    assert_eq!((stage.posted("till"), stage.posted("rival till")), (PRICE as i64, PRICE as i64));
    // What was paid comes back from whoever has it.
    stage.send(&reverse("shop", "first")).unwrap();
    assert_eq!((stage.posted("till"), stage.posted("rival till")), (0, PRICE as i64));
}

#[test]
fn what_does_not_fit_the_gift_is_not_withheld_and_nothing_moves() {
    // T10, T5, T11, D31
    let mut stage = gift_market(Stage::new(3));
    stage.send(&open_in("foreign till", euro(), 0, 0)).unwrap();
    stage.send(&open("exporter", 0)).unwrap();
    stage.send(&register("exporter", "foreign till", WhenShort::Refuse)).unwrap();
    accepted(&mut stage, "gift");
    given(&mut stage, "waiting");
    stage.send(&give("donor", "abroad", "recipient", "exporter", (goods(), PRICE))).unwrap();
    stage.send(&accept("recipient", "donor", "abroad")).unwrap();
    let before = places(&stage);
    let table = [
        (withhold("rival shop", "order", PRICE, of("gift")), Code::NotAllowed, ""),
        (withhold("shop", "order", PRICE - 1, of("gift")), Code::AmountMismatch, ""),
        (withhold("shop", "order", PRICE + 1, of("gift")), Code::AmountMismatch, ""),
        (withhold("shop", "order", 1, of("gift")), Code::AmountMismatch, ""),
        (withhold("shop", "order", 0, of("gift")), Code::AmountNotPositive, "amount"),
        (withhold("shop", "order", PRICE, of("waiting")), Code::GiftNotAccepted, ""),
        (withhold("shop", "order", PRICE, of("other")), Code::UnknownGift, ""),
        (withhold("shop", "order", PRICE, gift("u1", "donor", "gift")), Code::UnknownGift, ""),
        (withhold("shop", "order", PRICE, gift("recipient", "rival", "gift")), Code::UnknownGift, ""),
        (
            withhold("shop", "order", PRICE, gift("nobody", "donor", "gift")),
            Code::UnknownAccount,
            "from.gift.recipient",
        ),
        (
            withhold("shop", "order", PRICE, gift("recipient", "nobody", "gift")),
            Code::UnknownAccount,
            "from.gift.donor",
        ),
        (withhold("exporter", "order", PRICE, of("abroad")), Code::CurrencyMismatch, ""),
        (withhold("exporter", "order", PRICE, of("gift")), Code::CurrencyMismatch, ""),
    ];
    for (message, code, field) in table {
        let events = stage.events().len();
        let refusal = refused_for(stage.send(&message));
        assert_eq!(refusal, (code, field.to_owned()), "{message:?}");
        assert_eq!(places(&stage), before, "{message:?}");
        let paid = merchant_events(&stage, events).into_iter().any(|(_, event)| is_paid(&event));
        assert!(!paid, "T11: {message:?} was refused and told as a success");
        let merchant = message_merchant(&message);
        assert_eq!(stage.account(&merchant).orders().count(), 0, "{message:?}: the reference is free");
    }
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    assert_eq!(places(&stage).3 - before.3, PRICE as i64);
}

#[test]
fn an_order_is_withheld_once_for_one_reference_however_often_asked() {
    // T10, D43, I12
    let mut stage = gift_market(Stage::new(3));
    stage.send(&deposit("recipient", PRICE)).unwrap();
    stage.send(&grant("recipient", "mandate", "shop", (2 * PRICE, PRICE), None)).unwrap();
    for gift in ["gift", "other", "to reverse"] {
        accepted(&mut stage, gift);
    }
    let withheld = Ok(Done::Withheld { amount: money(PRICE) });
    let by_mandate = |order: &str, amount| withhold_by_mandate("shop", order, amount, "recipient", "mandate");
    // Different requests, each a repeat of its order: by gift and by mandate.
    let asked: [fn() -> Message; 3] = [
        || withhold("shop", "order", PRICE, of("gift")),
        || withhold("shop", "back", PRICE, of("to reverse")),
        || withhold_by_mandate("shop", "drawn", PRICE, "recipient", "mandate"),
    ];
    for ask in asked {
        let together: Vec<Message> = (0..7).map(|_| ask()).collect();
        assert!(stage.send_all(&together).into_iter().all(|answer| answer == withheld), "{:?}", ask());
    }
    let all_paid = (-3 * PRICE as i64, 0, PRICE, 3 * PRICE as i64);
    assert_eq!(places(&stage), all_paid, "one debit each");
    let again = |stage: &mut Stage, when: &str| {
        let records = stage.records();
        for ask in asked {
            assert_eq!(stage.send(&ask()), withheld, "{when}: {:?}", ask());
        }
        for (message, merchant) in [
            (withhold("shop", "order", PRICE - 1, of("gift")), "another amount"),
            (withhold("shop", "order", PRICE, of("other")), "another gift"),
            (withhold("shop", "order", PRICE, of("unknown")), "no gift at all"),
            (withhold("shop", "order", PRICE, gift("u1", "donor", "gift")), "another recipient"),
            (withhold("shop", "order", PRICE, gift("recipient", "rival", "gift")), "another donor"),
            (by_mandate("order", PRICE), "a mandate instead"),
            (by_mandate("drawn", PRICE - 1), "another amount by mandate"),
            (withhold_by_mandate("shop", "drawn", PRICE, "recipient", "other mandate"), "another mandate"),
            (withhold("shop", "drawn", PRICE, of("other")), "a gift instead"),
        ] {
            assert_eq!(refused(stage.send(&message)), Code::OrderReused, "{when}: {merchant}");
        }
        let used = records + asked.len();
        assert_eq!(stage.records(), used, "{when}: that new ids were used is on record, and nothing more");
    };
    again(&mut stage, "paid");
    stage.send(&provide("shop", "order")).unwrap();
    stage.send(&provide("shop", "drawn")).unwrap();
    stage.send(&reverse("shop", "back")).unwrap();
    again(&mut stage, "ended");
    stage.later(3 * REQUEST_KEPT_MS);
    let mut stage = stage.restarted_at(stage.records());
    again(&mut stage, "after a restart, days later");
    assert_eq!(places(&stage), (-2 * PRICE as i64, 0, PRICE, 2 * PRICE as i64), "one is reversed");
}

#[test]
fn each_merchant_has_references_of_its_own() {
    // D43
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    stage.send(&give("donor", "other", "recipient", "rival shop", (goods(), PRICE))).unwrap();
    stage.send(&accept("recipient", "donor", "other")).unwrap();
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    stage.send(&withhold("rival shop", "order", PRICE, of("other"))).unwrap();
    assert_eq!((stage.posted("till"), stage.posted("rival till")), (PRICE as i64, PRICE as i64));
}

#[test]
fn one_gift_is_withheld_by_one_order() {
    // T10, T9
    for seed in 0..10 {
        let mut stage = gift_market(Stage::new(3)).with_luck(seed);
        accepted(&mut stage, "gift");
        let orders: Vec<String> = (0..6).map(|number| format!("order {number}")).collect();
        let tries: Vec<_> = orders.iter().map(|order| withhold("shop", order, PRICE, of("gift"))).collect();
        let answers = stage.send_all(&tries);
        let paid = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(paid, 1, "seed {seed}: {answers:?}");
        let late = answers.into_iter().filter_map(Result::err).map(|refusal| refusal.code);
        assert!(late.into_iter().all(|code| code == Code::GiftEnded), "seed {seed}");
        assert_eq!(places(&stage), PAID, "seed {seed}");
        assert_eq!(stage.account("shop").orders().count(), 1, "seed {seed}: the others' references are free");
    }
}

#[test]
fn repeats_at_once_of_a_withholding_that_fails_are_all_refused() {
    // T10, T11, I12: none is told of a success that never comes
    for seed in 0..10 {
        let mut stage = gift_market(Stage::new(if seed % 2 == 0 { 1 } else { 3 })).with_luck(seed);
        given(&mut stage, "gift");
        let together: Vec<_> = (0..7).map(|_| withhold("shop", "order", PRICE, of("gift"))).collect();
        for answer in stage.send_all(&together) {
            assert_eq!(refused(answer), Code::GiftNotAccepted, "seed {seed}");
        }
        assert_eq!(places(&stage), EARMARKED, "seed {seed}");
        stage.send(&accept("recipient", "donor", "gift")).unwrap();
        for answer in stage.send_all(&together) {
            assert_eq!(answer, Ok(Done::Withheld { amount: money(PRICE) }), "seed {seed}");
        }
        assert_eq!(places(&stage), PAID, "seed {seed}");
    }
}

#[test]
fn success_is_told_only_behind_the_payees_credit_and_failure_only_where_none_came() {
    // T11, T12
    for (shards, seed) in [(1, 1), (1, 2), (3, 3), (3, 4), (3, 5), (3, 6), (3, 7), (3, 8)] {
        let mut stage = gift_market(Stage::new(shards)).with_luck(seed);
        stage.send(&deposit("recipient", 10_000)).unwrap();
        stage.send(&grant("recipient", "mandate", "shop", (10_000, 10_000), None)).unwrap();
        // The amount names the order. Every third gift is not accepted, every fourth draw passes the mandate.
        let mut tries = Vec::new();
        for number in 1..=9_u64 {
            let (gift_id, amount) = (format!("gift {number}"), 100 + number);
            stage.send(&give("donor", &gift_id, "recipient", "shop", (goods(), amount))).unwrap();
            if number % 3 > 0 {
                stage.send(&accept("recipient", "donor", &gift_id)).unwrap();
            }
            tries.push(withhold("shop", &amount.to_string(), amount, of(&gift_id)));
            let drawn = if number % 4 > 0 { 200 + number } else { 10_001 + number };
            tries.push(withhold_by_mandate("shop", &drawn.to_string(), drawn, "recipient", "mandate"));
        }
        let begun = stage.events().len();
        let till = stage.number("till");
        let answers = stage.send_all(&tries);
        let mut expected: Vec<(u64, bool)> = Vec::new();
        for (message, answer) in tries.iter().zip(&answers) {
            let Command::Merchant(MerchantCommand::Withhold { amount, .. }) = &message.command else {
                unreachable!("all are withholdings");
            };
            expected.push((amount.minor(), answer.is_ok()));
        }
        assert_eq!(expected.iter().filter(|(_, paid)| *paid).count(), 13, "seed {seed}: {answers:?}");
        for (amount, paid) in expected {
            let place = |wanted: &dyn Fn(&ActorNumber, &Event) -> bool| -> Vec<usize> {
                let events = stage.events()[begun..].iter().enumerate();
                events.filter(|(_, (actor, _, event))| wanted(actor, event)).map(|(at, _)| at).collect()
            };
            let credited = place(&|actor, event| match event {
                Event::Account(AccountEvent::Credited { amount: credited, reason, .. }) => {
                    *actor == till && credited.minor() == amount && *reason == CreditReason::Withheld
                }
                _ => false,
            });
            let reference = name(&amount.to_string());
            let told = |success: bool| {
                place(&|_, event| match event {
                    Event::Account(AccountEvent::Merchant(MerchantEvent::OrderPaid(order))) => {
                        success && *order == reference
                    }
                    Event::Account(AccountEvent::Merchant(MerchantEvent::OrderFailed(order, _))) => {
                        !success && *order == reference
                    }
                    _ => false,
                })
            };
            let (succeeded, failed) = (told(true), told(false));
            let case = format!("seed {seed}, order of {amount}");
            if paid {
                assert_eq!((credited.len(), succeeded.len(), failed.len()), (1, 1, 0), "{case}");
                assert!(credited[0] < succeeded[0], "{case}: the money comes first");
            } else {
                assert_eq!((credited.len(), succeeded.len(), failed.len()), (0, 0, 1), "{case}");
            }
        }
    }
}

#[test]
fn an_object_is_provided_once_and_never_before_it_is_paid() {
    // T12, T11
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    assert_eq!(refuses(&mut stage, &provide("shop", "order")), Code::UnknownOrder, "not withheld yet");
    stage.send(&withhold("shop", "order", PRICE - 1, of("gift"))).unwrap_err();
    assert_eq!(refuses(&mut stage, &provide("shop", "order")), Code::UnknownOrder, "failed");
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    assert_eq!(state(&stage, "gift"), GiftState::Withheld, "paid, and not there yet");
    for stranger in ["rival shop", "recipient", "donor", "till"] {
        assert_eq!(refuses(&mut stage, &provide(stranger, "order")), Code::UnknownOrder, "{stranger}");
    }
    let providing = provide("shop", "order");
    assert_eq!(stage.send(&providing), Ok(Done::Provided));
    assert_eq!(state(&stage, "gift"), GiftState::Provided);
    let records = stage.records();
    assert_eq!(stage.send(&providing), Ok(Done::Provided), "I12");
    assert_eq!(stage.records(), records);
    assert_eq!(refuses(&mut stage, &provide("shop", "order")), Code::AlreadyProvided);
    assert_eq!(refuses(&mut stage, &reverse("shop", "order")), Code::NotReversible, "T14");
    let shown = order_of(&mut stage, "shop", "order");
    assert_eq!((shown.state, shown.certificate), (OrderState::Provided, false));
    assert_eq!(shown.from.recipient.number, stage.number("recipient"), "the owner is the recipient");
    assert_eq!(places(&stage), PAID);
}

#[test]
fn whoever_provides_while_the_money_is_on_its_way_waits_for_it() {
    // T11, T12
    for seed in 0..24 {
        let mut stage = gift_market(Stage::new(if seed % 2 == 0 { 1 } else { 3 })).with_luck(seed);
        accepted(&mut stage, "gift");
        let begun = stage.events().len();
        let together = [
            withhold("shop", "order", PRICE, of("gift")),
            provide("shop", "order"),
            provide("shop", "order"),
        ];
        let answers = stage.send_all(&together);
        assert_eq!(answers[0], Ok(Done::Withheld { amount: money(PRICE) }), "seed {seed}");
        let provided = answers[1..].iter().filter(|answer| **answer == Ok(Done::Provided)).count();
        let refusals = answers[1..].iter().filter_map(|answer| answer.as_ref().err());
        let codes: Vec<Code> = refusals.map(|refusal| refusal.code).collect();
        assert!(provided == 1 && codes == [Code::AlreadyProvided], "seed {seed}: {answers:?}");
        let told: Vec<bool> = merchant_events(&stage, begun)
            .into_iter()
            .filter(|(_, event)| is_paid(event) || matches!(event, MerchantEvent::OrderProvided(..)))
            .map(|(_, event)| is_paid(&event))
            .collect();
        assert_eq!(told, [true, false], "seed {seed}: paid, then provided, each once");
    }
}

#[test]
fn a_frozen_account_may_look_at_what_it_is_engaged_in() {
    // D46, D26
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    stage.send(&grant("recipient", "mandate", "shop", (100, 100), None)).unwrap();
    for account in ["recipient", "shop"] {
        stage.send(&status(account, StatusChange::Freeze)).unwrap();
    }
    assert_eq!(order_of(&mut stage, "shop", "order").state, OrderState::Paid);
    assert_eq!(mandate_of(&mut stage, "mandate").amount_max.minor(), 100);
    let granting = grant("recipient", "second", "shop", (100, 100), None);
    assert_eq!(refuses(&mut stage, &granting), Code::AccountFrozen);
    assert_eq!(refuses(&mut stage, &revoke("recipient", "mandate")), Code::AccountFrozen);
}

#[test]
fn a_merchant_with_an_open_order_does_not_close() {
    // D46, T12, T14
    for ending in [provide("shop", "order"), reverse("shop", "order")] {
        let mut stage = gift_market(Stage::new(3));
        accepted(&mut stage, "gift");
        stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
        let closing = status("shop", StatusChange::Close);
        assert_eq!(refuses(&mut stage, &closing), Code::AccountNotEmpty, "{ending:?}");
        stage.send(&ending).unwrap();
        stage.send(&closing).unwrap();
        let late = withhold("shop", "late", PRICE, of("gift"));
        assert_eq!(refuses(&mut stage, &late), Code::AccountClosed, "{ending:?}");
        let ended = order_of(&mut stage, "shop", "order").state;
        assert!([OrderState::Provided, OrderState::Reversed].contains(&ended), "{ending:?}: and still looks");
    }
}

/// Ends a merchant's registration, by the institution.
fn unregister(merchant: &str) -> Message {
    by_institution(Command::Merchant(MerchantCommand::Unregister { merchant: name(merchant) }))
}

/// An order as the engine shows it to its merchant.
pub(super) fn order_of(stage: &mut Stage, merchant: &str, order: &str) -> Order {
    let show = MerchantCommand::ShowOrder { order: name(order) };
    match stage.send(&by(merchant, Command::Merchant(show))) {
        Ok(Done::Order(order)) => *order,
        other => panic!("expected an order, got {other:?}"),
    }
}

/// What has happened to merchants since there were so many events, in the order of records.
pub(super) fn merchant_events(stage: &Stage, since: usize) -> Vec<(ActorNumber, MerchantEvent)> {
    let events = stage.events()[since..].iter();
    events
        .filter_map(|(actor, _, event)| match event {
            Event::Account(AccountEvent::Merchant(event)) => Some((*actor, event.clone())),
            _ => None,
        })
        .collect()
}

fn is_paid(event: &MerchantEvent) -> bool {
    matches!(event, MerchantEvent::OrderPaid(_))
}

/// The name of the account that sends a message.
fn message_merchant(message: &Message) -> String {
    match &message.caller {
        crate::domain::Caller::Account(name) => name.as_str().to_owned(),
        other => panic!("{other:?} is no merchant"),
    }
}
