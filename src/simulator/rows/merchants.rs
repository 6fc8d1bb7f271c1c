//! Merchants, orders and mandates: T5, T10 to T12, T14, T15, D23, D43, D46. Certificates stand in
//! `certificate_gifts`.

use super::gifts::*;
use crate::domain::{
    AccountEvent, ActorNumber, Answer, Code, Command, CreditReason, Done, Event, GiftState, Mandate,
    MandateCommand, MerchantCommand, MerchantEvent, Message, Offer, Order, OrderState, StatusChange,
    WhenShort,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::{Luck, Stage};

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
            "recipient",
        ),
        (
            withhold("shop", "order", PRICE, gift("recipient", "nobody", "gift")),
            Code::UnknownAccount,
            "donor",
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
        assert_eq!(stage.records(), records, "{when}: neither leaves a record");
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
fn what_cannot_be_provided_goes_back_all_the_way_by_entries_of_its_own() {
    // T14, D23, I15
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    let begun = stage.events().len();
    for stranger in ["rival shop", "recipient", "donor", "till"] {
        assert_eq!(refuses(&mut stage, &reverse(stranger, "order")), Code::UnknownOrder, "{stranger}");
    }
    let reversing = reverse("shop", "order");
    let reversed = Ok(Done::OrderReversed { paid: money(PRICE), owed: money(0) });
    assert_eq!(stage.send(&reversing), reversed);
    assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Reversed, HOME));
    let [donor, recipient, till] = ["donor", "recipient", "till"].map(|account| stage.number(account));
    let moved: Vec<_> = stage.events()[begun..]
        .iter()
        .filter_map(|(actor, _, event)| match event {
            Event::Account(AccountEvent::PaidBack { amount, to }) => Some((*actor, *to, amount.minor())),
            Event::Account(AccountEvent::Gift(crate::domain::GiftEvent::Reversed(key, amount))) => {
                Some((*actor, key.caller, amount.minor()))
            }
            Event::Account(AccountEvent::Credited { amount, from, reason: CreditReason::GiftReturned }) => {
                Some((*from, *actor, amount.minor()))
            }
            _ => None,
        })
        .collect();
    let expected = [(till, recipient, PRICE), (recipient, donor, PRICE), (recipient, donor, PRICE)];
    assert_eq!(moved, expected, "payee, recipient, donor, and the donor's credit");
    // Once, and nothing of the former entries is gone.
    let records = stage.records();
    assert_eq!(stage.send(&reversing), reversed, "I12");
    assert_eq!(stage.records(), records);
    for late in [reverse("shop", "order"), provide("shop", "order")] {
        assert_eq!(refuses(&mut stage, &late), Code::OrderEnded, "{late:?}");
    }
    assert_eq!(refuses(&mut stage, &reverse("shop", "other")), Code::UnknownOrder);
    assert_eq!(order_of(&mut stage, "shop", "order").state, OrderState::Reversed);
}

#[test]
fn of_providing_and_reversing_at_once_one_happens() {
    // T12, T14
    let mut provided = 0;
    for seed in 0..24 {
        let mut stage = gift_market(Stage::new(if seed % 2 == 0 { 1 } else { 3 })).with_luck(seed);
        accepted(&mut stage, "gift");
        stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
        let mut together = vec![
            provide("shop", "order"),
            reverse("shop", "order"),
            reverse("shop", "order"),
            provide("shop", "order"),
        ];
        let first = Luck(seed).below(together.len());
        together.rotate_left(first);
        let answers = stage.send_all(&together);
        let done: Vec<&Answer> = answers.iter().filter(|answer| answer.is_ok()).collect();
        let codes: Vec<Code> =
            answers.iter().filter_map(|answer| answer.as_ref().err()).map(|refusal| refusal.code).collect();
        assert_eq!((done.len(), codes.len()), (1, 3), "seed {seed}: {answers:?}");
        if *done[0] == Ok(Done::Provided) {
            provided += 1;
            let known = [Code::AlreadyProvided, Code::NotReversible];
            assert!(codes.iter().all(|code| known.contains(code)), "seed {seed}: {codes:?}");
            assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Provided, PAID), "seed {seed}");
        } else {
            assert!(codes.iter().all(|code| *code == Code::OrderEnded), "seed {seed}: {codes:?}");
            assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Reversed, HOME), "seed {seed}");
        }
    }
    assert!((1..24).contains(&provided), "both happen: {provided} of 24 were provided");
}

#[test]
fn a_payee_who_is_short_by_a_cent_pays_nothing_back() {
    // D23, T14
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    stage.send(&send_money("till", "u1", 1)).unwrap();
    let before = places(&stage);
    let reversing = reverse("shop", "order");
    for _ in 0..2 {
        assert_eq!(refused(stage.send(&reversing)), Code::PayeeShort);
        assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Withheld, before), "nothing moved");
        assert_eq!(order_of(&mut stage, "shop", "order").state, OrderState::Paid);
        assert_eq!(stage.account("till").owed().minor(), 0);
    }
    // What is held is not there to pay with either, and with the cent back the same request succeeds.
    stage.send(&send_money("u1", "till", 1)).unwrap();
    stage.send(&begin_transfer("till", "held", "u1", 1, None)).unwrap();
    assert_eq!(refused(stage.send(&reversing)), Code::PayeeShort);
    stage.send(&void_transfer("till", "till", "held")).unwrap();
    assert_eq!(stage.send(&reversing), Ok(Done::OrderReversed { paid: money(PRICE), owed: money(0) }));
    assert_eq!(places(&stage), HOME);
}

#[test]
fn a_payee_who_is_short_may_owe_the_rest_which_later_sales_pay_to_the_donor() {
    // D23, T14
    for left in [0, 1, PRICE / 3, PRICE - 1, PRICE] {
        let mut stage = gift_market(Stage::new(3));
        let cake = Offer { payee: name("till"), ..offer(PRICE / 2, 2) };
        stage.send(&issue("cake", cake)).unwrap();
        stage.send(&publish("cake")).unwrap();
        stage.send(&register("shop", "till", WhenShort::Receivable)).unwrap();
        for gift in ["gift", "later"] {
            accepted(&mut stage, gift);
        }
        stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
        if left < PRICE {
            stage.send(&send_money("till", "u1", PRICE - left)).unwrap();
        }
        let owed = PRICE - left;
        let answer = stage.send(&reverse("shop", "order"));
        assert_eq!(answer, Ok(Done::OrderReversed { paid: money(left), owed: money(owed) }), "{left}");
        assert_eq!(state(&stage, "gift"), GiftState::Reversed, "{left}");
        let due = |stage: &Stage| {
            let home = stage.posted("donor") - (PURSE - PRICE) as i64;
            (home, stage.posted("till"), stage.account("till").owed().minor())
        };
        // What the later gift costs is away from the donor all the time.
        assert_eq!(due(&stage), (left as i64 - PRICE as i64, 0, owed), "{left}: what is there goes now");
        // Neither outside money nor a transfer pays it.
        stage.send(&deposit("till", 5)).unwrap();
        stage.send(&send_money("buyer", "till", 5)).unwrap();
        stage.send(&send_money("till", "u1", 10)).unwrap();
        assert_eq!(due(&stage), (left as i64 - PRICE as i64, 0, owed), "{left}");
        if owed > 0 {
            let closing = status("till", StatusChange::Close);
            assert_eq!(refuses(&mut stage, &closing), Code::AccountNotEmpty, "{left}: it owes");
        }
        stage.send(&purchase("buyer", "cake", 0)).unwrap();
        let by_sale = owed.min(PRICE / 2);
        let rest = owed - by_sale;
        let kept = (PRICE / 2 - by_sale) as i64;
        assert_eq!(due(&stage), (-(rest as i64), kept, rest), "{left}: a sale pays, and the rest is kept");
        stage.send(&withhold("shop", "next", PRICE, of("later"))).unwrap();
        assert_eq!(due(&stage), (0, kept + (PRICE - rest) as i64, 0), "{left}: and so does an order");
        stage.send(&purchase("buyer", "cake", 0)).unwrap();
        let all = kept + (PRICE - rest) as i64 + (PRICE / 2) as i64;
        assert_eq!(due(&stage), (0, all, 0), "{left}: no more than was owed");
    }
}

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

/// A mandate of `recipient` as the engine shows it.
fn mandate_of(stage: &mut Stage, mandate: &str) -> Mandate {
    let show = MandateCommand::Show { mandate: id(mandate) };
    match stage.send(&by("recipient", Command::Mandate(show))) {
        Ok(Done::Mandate(mandate)) => mandate,
        other => panic!("expected a mandate, got {other:?}"),
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
