//! Gifts at donor and recipient: T1, T6 to T9, T12, T13, D21, D22, D43, D46, I12, I13, I15.

use super::gift_market::*;
use crate::domain::{
    AccountEvent, Code, Command, CreditReason, Done, Event, FoundObject, Gift, GiftCommand, GiftEvent,
    GiftObject, GiftState, GiftView, GoodsKind, Message, Offer, OrderKey, Status, StatusChange, Timestamp,
};
use crate::limits::{GIFT_OPEN_MS, REQUEST_KEPT_MS, TEXT_BYTES_MAX, TIME_MS_MAX};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_gift_of_any_kind_of_goods_goes_its_whole_way() {
    // T1, T6, T8, T10, T12
    let kinds = [
        GoodsKind::Product,
        GoodsKind::Service,
        GoodsKind::Insurance,
        GoodsKind::Fund,
        GoodsKind::Gold,
        GoodsKind::Lottery,
        GoodsKind::Other,
    ];
    for (shards, kind) in kinds.into_iter().enumerate().map(|(index, kind)| (1 + 2 * (index % 2), kind)) {
        let mut stage = gift_market(Stage::new(shards));
        let description = format!("{kind:?}, the best there is");
        let object = GiftObject::Goods { kind, description: description.clone() };
        stage.send(&give("donor", "gift", "recipient", "shop", (object, PRICE))).unwrap();
        assert_eq!(places(&stage), EARMARKED, "{kind:?}");
        assert_eq!(gift_state(stage.send(&accept("recipient", "donor", "gift"))), GiftState::Accepted);
        assert_eq!(places(&stage), EARMARKED, "{kind:?}: accepting moves nothing");
        let withheld = stage.send(&withhold("shop", "order", PRICE, of("gift")));
        assert_eq!(withheld, Ok(Done::Withheld { amount: money(PRICE) }));
        assert_eq!(places(&stage), PAID, "{kind:?}");
        assert_eq!(stage.send(&provide("shop", "order")), Ok(Done::Provided));
        assert_eq!(places(&stage), PAID, "{kind:?}: providing moves nothing");
        let expected = Gift {
            merchant: Some(stage.number("shop")),
            object: FoundObject::Goods { kind, description },
            price: money(PRICE),
            expires_at: after_start(GIFT_OPEN_MS),
            state: GiftState::Provided,
            order: Some(OrderKey { merchant: stage.number("shop"), reference: name("order") }),
        };
        assert_eq!(shown(&mut stage, "recipient", "gift").state, expected);
        let mut again = stage.restarted_at(stage.records());
        assert_eq!(shown(&mut again, "recipient", "gift").state, expected);
    }
}

#[test]
fn at_the_end_the_donor_has_paid_the_payee_and_the_recipient_has_neither_won_nor_lost() {
    // T6, T13: whatever else the three have
    for (recipient_had, till_had) in [(0, 0), (1, 0), (5_000, 70)] {
        let mut stage = gift_market(Stage::new(3));
        for (account, amount) in [("recipient", recipient_had), ("till", till_had)] {
            if amount > 0 {
                stage.send(&deposit(account, amount)).unwrap();
            }
        }
        let before = places(&stage);
        accepted(&mut stage, "gift");
        stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
        stage.send(&provide("shop", "order")).unwrap();
        let after = places(&stage);
        let price = PRICE as i64;
        assert_eq!(after.0 - before.0, -price, "the donor");
        assert_eq!((after.1 - before.1, after.2), (0, 0), "the recipient");
        assert_eq!(after.3 - before.3, price, "the payee");
    }
}

#[test]
fn a_gift_that_misses_something_or_names_something_unknown_is_refused_with_the_field() {
    // T7, I13
    let mut stage = gift_market(Stage::new(3));
    stage.send(&open("gone", 0)).unwrap();
    stage.send(&status("gone", StatusChange::Close)).unwrap();
    let described = |description: &str| GiftObject::Goods {
        kind: GoodsKind::Service,
        description: description.to_owned(),
    };
    let to = |recipient: &str| give("donor", "gift", recipient, "shop", (goods(), PRICE));
    let by_merchant = |merchant: &str| give("donor", "gift", "recipient", merchant, (goods(), PRICE));
    let object = |object| give("donor", "gift", "recipient", "shop", (object, PRICE));
    let price = |price| give("donor", "gift", "recipient", "shop", (goods(), price));
    let until = |at| give_until("donor", "gift", "recipient", "shop", (goods(), PRICE), Some(Timestamp(at)));
    let now = after_start(0).0;
    let by_nobody = give("nobody", "gift", "recipient", "shop", (goods(), PRICE));
    let by_the_institution = by_institution(to("recipient").command);
    let table = [
        (to("nobody"), Code::UnknownAccount, "recipient"),
        (to("donor"), Code::BadValue, "recipient"),
        (to("foreigner"), Code::CurrencyMismatch, "recipient"),
        (to("gone"), Code::AccountClosed, "recipient"),
        (by_merchant(""), Code::Missing, "merchant"),
        (by_merchant("nobody"), Code::UnknownAccount, "merchant"),
        (by_merchant("gone"), Code::AccountClosed, "merchant"),
        (object(described("")), Code::Missing, "object.goods.description"),
        (object(described(" \t ")), Code::Missing, "object.goods.description"),
        (object(described(&"x".repeat(TEXT_BYTES_MAX + 1))), Code::BadText, "object.goods.description"),
        (object(gift_of("coffee", 1)), Code::UnknownOffering, "object.certificate.offering"),
        (object(gift_of("tea", 0)), Code::UnknownCertificate, "object.certificate.serial"),
        (object(gift_of("tea", 4)), Code::UnknownCertificate, "object.certificate.serial"),
        (price(0), Code::AmountNotPositive, "price"),
        (until(TIME_MS_MAX + 1), Code::BadValue, "expires_at"),
        (until(now), Code::BadValue, "expires_at"),
        (until(now - 1), Code::BadValue, "expires_at"),
        (until(0), Code::BadValue, "expires_at"),
        (by_nobody, Code::UnknownAccount, "caller"),
        (by_the_institution, Code::NotAllowed, "caller"),
        (price(PURSE + 1), Code::InsufficientFunds, ""),
    ];
    for (message, code, field) in table {
        let records = stage.records();
        let refusal = refused_for(stage.send(&message));
        assert_eq!(refusal, (code, field.to_owned()), "{message:?}");
        assert_eq!((stage.records(), places(&stage)), (records, HOME), "I13: {message:?}");
    }
    // The id of what was refused is not used up, and the last cent may be given.
    stage.send(&price(PURSE)).unwrap();
    assert_eq!(places(&stage), (-(PURSE as i64), 0, PURSE, 0));
}

#[test]
fn a_recipient_cannot_spend_what_is_earmarked_on_anything_else() {
    // T8, D21
    for accepts in [false, true] {
        let mut stage = gift_market(Stage::new(3));
        let cake = Offer { payers: vec![name("recipient")], ..offer(PRICE, 1) };
        stage.send(&issue("cake", cake)).unwrap();
        stage.send(&publish("cake")).unwrap();
        stage.send(&grant("recipient", "mandate", "shop", (PRICE, PRICE), None)).unwrap();
        if accepts {
            accepted(&mut stage, "gift")
        } else {
            given(&mut stage, "gift")
        }
        // Each would be paid by the gift's money, and some by a single cent of it.
        let tries = [
            purchase("recipient", "tea", 0),
            purchase("recipient", "tea", 2),
            reserve("recipient", "tea", 0),
            attach("recipient", "cake", &terms(PRICE, PRICE)),
            cash_out("recipient", 1),
            cash_out("recipient", PRICE),
            send_money("recipient", "u1", 1),
            begin_transfer("recipient", "later", "u1", 1, None),
            give("recipient", "on", "u1", "shop", (goods(), 1)),
            issue_payment("recipient", "payment", 1, "u1"),
            top_up("recipient", "tea", 1, 1),
            withhold_by_mandate("shop", "taken", 1, "recipient", "mandate"),
        ];
        for message in &tries {
            assert_eq!(refused(stage.send(message)), Code::InsufficientFunds, "{message:?}");
            assert_eq!(places(&stage), EARMARKED, "{message:?}");
        }
        // Nor does the gift itself buy what it was not given for.
        let bought = stage.send(&purchase_with_gift("recipient", "tea", 1, "donor", "gift"));
        let expected = if accepts { Code::NotAllowed } else { Code::GiftNotAccepted };
        assert_eq!((refused(bought), places(&stage)), (expected, EARMARKED));
        assert_eq!(refuses(&mut stage, &status("recipient", StatusChange::Close)), Code::AccountNotEmpty);
        // Own money is spent to the last cent, and not one more.
        stage.send(&deposit("recipient", PRICE)).unwrap();
        stage.send(&send_money("recipient", "u1", PRICE)).unwrap();
        assert_eq!(refuses(&mut stage, &send_money("recipient", "u1", 1)), Code::InsufficientFunds);
        assert_eq!(places(&stage), EARMARKED);
    }
}

#[test]
fn an_earmark_is_no_part_of_what_is_posted_and_shown_beside_it() {
    // D21, T8
    let mut stage = gift_market(Stage::new(3));
    stage.send(&deposit("recipient", 50)).unwrap();
    stage.send(&credit("recipient", 20)).unwrap();
    given(&mut stage, "one");
    given(&mut stage, "two");
    let show = by("recipient", Command::ShowAccount { account: name("recipient") });
    let Ok(Done::Account(view)) = stage.send(&show) else { panic!("an account is shown") };
    assert_eq!((view.posted.minor(), view.held.minor()), (50, 0));
    assert_eq!((view.earmarked.minor(), view.available.minor()), (2 * PRICE, 70));
}

#[test]
fn who_accepts_may_be_withheld_from_and_who_declines_makes_the_donor_whole() {
    // T9, I15
    let mut stage = gift_market(Stage::new(3));
    given(&mut stage, "wanted");
    given(&mut stage, "unwanted");
    let early = stage.send(&withhold("shop", "early", PRICE, of("wanted")));
    assert_eq!(refused(early), Code::GiftNotAccepted);
    assert_eq!(places(&stage), (-2 * PRICE as i64, 0, 2 * PRICE, 0), "nothing moved");
    let declined = decline("recipient", "donor", "unwanted");
    assert_eq!(gift_state(stage.send(&declined)), GiftState::Declined);
    assert_eq!(places(&stage), EARMARKED, "the donor has one of the two back, at once");
    assert_eq!(gift_state(stage.send(&accept("recipient", "donor", "wanted"))), GiftState::Accepted);
    // What was decided stands.
    let records = stage.records();
    assert_eq!(gift_state(stage.send(&declined)), GiftState::Declined, "I12: the same request again");
    assert_eq!(stage.records(), records);
    for late in [
        accept("recipient", "donor", "unwanted"),
        decline("recipient", "donor", "unwanted"),
        return_gift("recipient", of("unwanted")),
        accept("recipient", "donor", "wanted"),
        decline("recipient", "donor", "wanted"),
    ] {
        assert_eq!(refuses(&mut stage, &late), Code::GiftEnded, "{late:?}");
    }
    let late = stage.send(&withhold("shop", "late", PRICE, of("unwanted")));
    assert_eq!(refused(late), Code::GiftEnded);
    assert_eq!(places(&stage), EARMARKED);
    stage.send(&withhold("shop", "order", PRICE, of("wanted"))).unwrap();
    assert_eq!(places(&stage), PAID);
}

#[test]
fn nobody_but_the_recipient_answers_a_gift() {
    // T9, P1
    let mut stage = gift_market(Stage::new(3));
    given(&mut stage, "gift");
    for stranger in ["donor", "shop", "till", "u1"] {
        // It is looked for among the caller's own gifts, and is not there.
        assert_eq!(refuses(&mut stage, &accept(stranger, "donor", "gift")), Code::UnknownGift, "{stranger}");
        assert_eq!(refuses(&mut stage, &decline(stranger, "donor", "gift")), Code::UnknownGift, "{stranger}");
    }
    let command = accept("recipient", "donor", "gift").command;
    assert_eq!(refuses(&mut stage, &by_institution(command)), Code::NotAllowed);
    assert_eq!(refuses(&mut stage, &accept("recipient", "donor", "other")), Code::UnknownGift);
    assert_eq!(refuses(&mut stage, &accept("recipient", "rival", "gift")), Code::UnknownGift);
    let unknown = refused_for(stage.send(&accept("recipient", "nobody", "gift")));
    assert_eq!(unknown, (Code::UnknownAccount, "donor".to_owned()));
    assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Requested, EARMARKED));
}

#[test]
fn a_gift_that_nobody_accepts_goes_home_at_its_time_to_the_millisecond() {
    // T9, D36: after a day or at its own time, by timer or found by the next message
    for (own, limit) in [(None, GIFT_OPEN_MS), (Some(5_000), 5_000), (Some(1), 1)] {
        for by_timer in [false, true] {
            for (later, expired) in [(limit - 1, false), (limit, true), (limit + 1, true)] {
                let case = format!("{own:?}, timer {by_timer}, {later} ms later");
                let mut stage = gift_market(Stage::new(3));
                let giving =
                    give_until("donor", "gift", "recipient", "shop", (goods(), PRICE), own.map(after_start));
                let expires_at = after_start(limit);
                assert_eq!(stage.send(&giving), Ok(Done::Given { expires_at }), "{case}");
                assert_eq!(stage.next_due(), Some(expires_at), "{case}");
                stage.at(after_start(later));
                if by_timer {
                    stage.fire();
                    assert_eq!(places(&stage), if expired { HOME } else { EARMARKED }, "{case}");
                }
                let answer = stage.send(&accept("recipient", "donor", "gift"));
                if expired {
                    assert_eq!(refused(answer), Code::GiftEnded, "{case}");
                    assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Expired, HOME), "{case}");
                    assert_eq!(expiries(&stage), [expires_at], "{case}: dated at its time");
                } else {
                    assert_eq!(gift_state(answer), GiftState::Accepted, "{case}");
                    assert_eq!(places(&stage), EARMARKED, "{case}");
                    assert_eq!(expiries(&stage), [], "{case}");
                }
                assert_eq!(stage.next_due(), None, "{case}: nothing is due any more");
            }
        }
    }
}

#[test]
fn whatever_message_comes_first_finds_that_a_gift_is_over() {
    // T9, D36
    let look = by("recipient", Command::ShowAccount { account: name("recipient") });
    let finders = [
        (look, None),
        (deposit("recipient", 1), None),
        (decline("recipient", "donor", "gift"), Some(Code::GiftEnded)),
        (return_gift("shop", of("gift")), Some(Code::GiftEnded)),
        (withhold("shop", "order", PRICE, of("gift")), Some(Code::GiftEnded)),
    ];
    for (message, expected) in finders {
        let mut stage = gift_market(Stage::new(3));
        given(&mut stage, "gift");
        stage.at(after_start(GIFT_OPEN_MS));
        let answer = stage.send(&message);
        assert_eq!(answer.err().map(|refusal| refusal.code), expected, "{message:?}");
        let (donor, _, earmarked, till) = places(&stage);
        assert_eq!((donor, earmarked, till), (0, 0, 0), "{message:?}");
        assert_eq!(expiries(&stage), [after_start(GIFT_OPEN_MS)], "{message:?}");
        stage.later(GIFT_OPEN_MS);
        stage.fire();
        assert_eq!(expiries(&stage).len(), 1, "{message:?}: once");
    }
}

#[test]
fn an_accepted_gift_does_not_expire() {
    // D43, T9
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    assert_eq!(stage.next_due(), None);
    stage.later(400 * GIFT_OPEN_MS);
    stage.fire();
    assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Accepted, EARMARKED));
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    assert_eq!((expiries(&stage).len(), places(&stage)), (0, PAID));
}

#[test]
fn a_recipient_who_says_so_accepts_as_gifts_arrive() {
    // D22, T9
    let mut stage = gift_market(Stage::new(3));
    given(&mut stage, "before");
    let set = |stage: &mut Stage, by_itself| {
        let answer = stage.send(&accept_gifts("recipient", by_itself));
        assert_eq!(answer, Ok(Done::StatusChanged { status: Status::Open, accepts_gifts: by_itself }));
    };
    let change = StatusChange::AcceptGifts { by_itself: true };
    let command = Command::Status { account: name("recipient"), change };
    for stranger in ["donor", "shop"] {
        assert_eq!(refuses(&mut stage, &by(stranger, command.clone())), Code::NotAllowed, "{stranger}");
    }
    assert_eq!(refuses(&mut stage, &by_institution(command)), Code::NotAllowed);
    set(&mut stage, true);
    given(&mut stage, "by itself");
    set(&mut stage, false);
    given(&mut stage, "after");
    let states = ["before", "by itself", "after"].map(|id| state(&stage, id));
    assert_eq!(states, [GiftState::Requested, GiftState::Accepted, GiftState::Requested]);
    stage.send(&withhold("shop", "order", PRICE, of("by itself"))).unwrap();
    stage.later(GIFT_OPEN_MS);
    stage.fire();
    let states = ["before", "by itself", "after"].map(|id| state(&stage, id));
    assert_eq!(states, [GiftState::Expired, GiftState::Withheld, GiftState::Expired]);
    assert_eq!(places(&stage), PAID);
}

#[test]
fn recipient_and_merchant_send_an_accepted_gift_home_and_nobody_else() {
    // D43, I15
    for sender in ["recipient", "shop"] {
        let mut stage = gift_market(Stage::new(3));
        given(&mut stage, "gift");
        assert_eq!(refuses(&mut stage, &return_gift(sender, of("gift"))), Code::GiftNotAccepted, "{sender}");
        stage.send(&accept("recipient", "donor", "gift")).unwrap();
        for stranger in ["donor", "till", "rival shop", "u1"] {
            let sent = return_gift(stranger, of("gift"));
            assert_eq!(refuses(&mut stage, &sent), Code::NotAllowed, "{stranger}");
        }
        let by_the_institution = by_institution(return_gift("u1", of("gift")).command);
        assert_eq!(refuses(&mut stage, &by_the_institution), Code::NotAllowed);
        assert_eq!(places(&stage), EARMARKED, "{sender}");
        let returning = return_gift(sender, of("gift"));
        assert_eq!(gift_state(stage.send(&returning)), GiftState::Returned, "{sender}");
        assert_eq!(places(&stage), HOME, "{sender}");
        let records = stage.records();
        assert_eq!(gift_state(stage.send(&returning)), GiftState::Returned, "{sender}: I12");
        assert_eq!(stage.records(), records);
        assert_eq!(refuses(&mut stage, &return_gift(sender, of("gift"))), Code::GiftEnded, "{sender}");
        let late = stage.send(&withhold("shop", "late", PRICE, of("gift")));
        assert_eq!((refused(late), places(&stage)), (Code::GiftEnded, HOME), "{sender}");
    }
    let mut stage = gift_market(Stage::new(3));
    accepted(&mut stage, "gift");
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    for sender in ["recipient", "shop"] {
        assert_eq!(refuses(&mut stage, &return_gift(sender, of("gift"))), Code::GiftEnded, "{sender}: paid");
    }
}

#[test]
fn on_record_the_recipient_is_the_source_of_the_payment() {
    // T13, T8, D21
    let mut stage = gift_market(Stage::new(3));
    let before = stage.events().len();
    accepted(&mut stage, "gift");
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    let [donor, recipient, till] = ["donor", "recipient", "till"].map(|account| stage.number(account));
    let moved: Vec<_> = stage.events()[before..]
        .iter()
        .filter_map(|(actor, _, event)| match event {
            Event::Account(AccountEvent::Debited { amount, to }) => Some((*actor, *to, amount.minor(), None)),
            Event::Account(AccountEvent::Credited { amount, from, reason }) => {
                Some((*from, *actor, amount.minor(), Some(*reason)))
            }
            _ => None,
        })
        .collect();
    let expected = [
        (donor, recipient, PRICE, None),
        (recipient, till, PRICE, None),
        (recipient, till, PRICE, Some(CreditReason::Withheld)),
    ];
    assert_eq!(moved, expected, "from, to, how much");
    let (_, order) = stage.account("shop").orders().next().unwrap();
    assert_eq!((order.from.recipient.number, order.payee), (recipient, till));
}

#[test]
fn a_gift_is_given_once_for_one_request_id_for_ever() {
    // I12, T7
    let mut stage = gift_market(Stage::new(3));
    let goods_gift = give("donor", "gift", "recipient", "shop", (goods(), PRICE));
    let certificate_gift = give("donor", "paper", "recipient", "", (gift_of("tea", 1), PRICE));
    let expected = Ok(Done::Given { expires_at: after_start(GIFT_OPEN_MS) });
    for giving in [&goods_gift, &certificate_gift] {
        for answer in stage.send_all(&vec![giving.clone(); 5]) {
            assert_eq!(answer, expected, "{giving:?}");
        }
    }
    assert_eq!(places(&stage), (-2 * PRICE as i64, 0, 2 * PRICE, 0), "one debit each");
    stage.later(3 * REQUEST_KEPT_MS);
    stage = stage.restarted_at(stage.records());
    let records = stage.records();
    for giving in [&goods_gift, &certificate_gift] {
        assert_eq!(stage.send(giving), expected, "{giving:?}");
    }
    assert_eq!(stage.records(), records, "a repeat does nothing");
    for other in [
        give("donor", "gift", "recipient", "shop", (goods(), PRICE - 1)),
        give("donor", "gift", "u1", "shop", (goods(), PRICE)),
        give("donor", "gift", "recipient", "rival shop", (goods(), PRICE)),
        give("donor", "gift", "recipient", "", (gift_of("tea", 1), PRICE)),
        give("donor", "paper", "recipient", "", (gift_of("tea", 2), PRICE)),
    ] {
        assert_eq!(refuses(&mut stage, &other), Code::IdReused, "{other:?}");
    }
}

#[test]
fn two_donors_may_choose_the_same_id_and_their_gifts_are_two() {
    // T7, T9, I15
    let mut stage = gift_market(Stage::new(3));
    given(&mut stage, "gift");
    stage.send(&give("rival", "gift", "recipient", "shop", (goods(), 2 * PRICE))).unwrap();
    assert_eq!(stage.account("recipient").earmarked().minor(), 3 * PRICE);
    stage.send(&decline("recipient", "rival", "gift")).unwrap();
    assert_eq!((stage.posted("rival"), places(&stage)), (PURSE as i64, EARMARKED));
    assert_eq!(waiting(&mut stage, "recipient"), [(stage.number("donor"), GiftState::Requested)]);
    stage.send(&accept("recipient", "donor", "gift")).unwrap();
    stage.send(&withhold("shop", "order", PRICE, of("gift"))).unwrap();
    assert_eq!(places(&stage), PAID);
    assert_eq!(waiting(&mut stage, "recipient"), [], "what is paid waits no longer");
}

#[test]
fn a_gift_is_shown_to_whom_it_concerns() {
    // T7, P1
    let mut stage = gift_market(Stage::new(3));
    given(&mut stage, "gift");
    for concerned in ["donor", "recipient", "shop"] {
        let view = shown(&mut stage, concerned, "gift");
        assert_eq!((view.donor, view.gift), (stage.number("donor"), id("gift")), "{concerned}");
        assert_eq!(view.state.state, GiftState::Requested, "{concerned}");
    }
    let show = Command::Gift(GiftCommand::Show(of("gift")));
    assert!(stage.send(&by_institution(show.clone())).is_ok());
    for stranger in ["till", "rival shop", "u1"] {
        assert_eq!(refuses(&mut stage, &by(stranger, show.clone())), Code::NotAllowed, "{stranger}");
    }
    assert_eq!(waiting(&mut stage, "donor"), [], "what one has given is not what one was given");
}

#[test]
fn what_a_frozen_party_had_committed_goes_on_and_nothing_else() {
    // D46, D22, T9
    let mut stage = gift_market(Stage::new(3));
    let freeze = |stage: &mut Stage, account: &str| {
        stage.send(&status(account, StatusChange::Freeze)).unwrap();
    };
    accepted(&mut stage, "accepted");
    for gift in ["open", "declined"] {
        given(&mut stage, gift);
    }
    freeze(&mut stage, "recipient");
    for own in [
        accept("recipient", "donor", "open"),
        decline("recipient", "donor", "open"),
        return_gift("recipient", of("accepted")),
        accept_gifts("recipient", true),
    ] {
        assert_eq!(refuses(&mut stage, &own), Code::AccountFrozen, "{own:?}");
    }
    // It looks, is given, and is withheld from what it had accepted.
    assert_eq!(waiting(&mut stage, "recipient").len(), 3);
    given(&mut stage, "late");
    stage.send(&withhold("shop", "order", PRICE, of("accepted"))).unwrap();
    stage.send(&status("recipient", StatusChange::Unfreeze)).unwrap();
    // A frozen donor gives nothing, and gets what comes home.
    freeze(&mut stage, "donor");
    let giving = give("donor", "more", "recipient", "shop", (goods(), PRICE));
    assert_eq!(refuses(&mut stage, &giving), Code::AccountFrozen);
    stage.send(&decline("recipient", "donor", "declined")).unwrap();
    assert_eq!(places(&stage), (-3 * PRICE as i64, 0, 2 * PRICE, PRICE as i64));
    // A frozen merchant has no commands, and a frozen payee is paid.
    accepted_again(&mut stage, "open");
    freeze(&mut stage, "shop");
    for own in [
        withhold("shop", "next", PRICE, of("open")),
        provide("shop", "order"),
        reverse("shop", "order"),
        return_gift("shop", of("open")),
    ] {
        assert_eq!(refuses(&mut stage, &own), Code::AccountFrozen, "{own:?}");
    }
    stage.send(&status("shop", StatusChange::Unfreeze)).unwrap();
    freeze(&mut stage, "till");
    stage.send(&withhold("shop", "next", PRICE, of("open"))).unwrap();
    stage.later(GIFT_OPEN_MS);
    stage.fire();
    assert_eq!(places(&stage), (-2 * PRICE as i64, 0, 0, 2 * PRICE as i64), "what was not accepted is home");
}

#[test]
fn a_frozen_recipient_accepts_nothing_by_itself() {
    // D22, D46
    let mut stage = gift_market(Stage::new(3));
    stage.send(&accept_gifts("recipient", true)).unwrap();
    stage.send(&status("recipient", StatusChange::Freeze)).unwrap();
    given(&mut stage, "gift");
    assert_eq!(state(&stage, "gift"), GiftState::Requested);
    let early = stage.send(&withhold("shop", "order", PRICE, of("gift")));
    assert_eq!((refused(early), places(&stage)), (Code::GiftNotAccepted, EARMARKED));
}

#[test]
fn a_donor_who_has_closed_the_account_still_gets_the_money_back() {
    // D46, T9
    let mut stage = gift_market(Stage::new(3));
    given(&mut stage, "gift");
    stage.send(&cash_out("donor", PURSE - PRICE)).unwrap();
    stage.send(&status("donor", StatusChange::Close)).unwrap();
    stage.send(&decline("recipient", "donor", "gift")).unwrap();
    assert_eq!(stage.posted("donor"), PRICE as i64);
    let giving = give("donor", "more", "recipient", "shop", (goods(), 1));
    assert_eq!(refuses(&mut stage, &giving), Code::AccountClosed);
    stage.send(&cash_out("donor", PRICE)).unwrap();
    assert_eq!(stage.posted("donor"), 0);
}

/// The gift as the engine shows it to somebody.
fn shown(stage: &mut Stage, to: &str, gift: &str) -> GiftView {
    let show: Message = by(to, Command::Gift(GiftCommand::Show(of(gift))));
    match stage.send(&show) {
        Ok(Done::Gift(view)) => *view,
        other => panic!("expected a gift, got {other:?}"),
    }
}

/// The donors and states of the gifts that wait at an account.
fn waiting(stage: &mut Stage, account: &str) -> Vec<(crate::domain::ActorNumber, GiftState)> {
    match stage.send(&by(account, Command::Gift(GiftCommand::List { skip: 0 }))) {
        Ok(Done::Gifts(gifts)) => gifts.into_iter().map(|view| (view.donor, view.state.state)).collect(),
        other => panic!("expected a list of gifts, got {other:?}"),
    }
}

/// The dates of all gifts' expiries, in the order of records.
fn expiries(stage: &Stage) -> Vec<Timestamp> {
    let expired = |event: &Event| matches!(event, Event::Account(AccountEvent::Gift(GiftEvent::Expired(_))));
    stage.events().iter().filter(|(.., event)| expired(event)).map(|(_, at, _)| *at).collect()
}
