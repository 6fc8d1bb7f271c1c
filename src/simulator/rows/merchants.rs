//! Merchants and their orders: T5, T10, T11, T14 to T16, D23, D43.

use crate::domain::{
    AccountEvent, Clawback, Code, Command, CreditReason, Done, Event, MandateCommand, MerchantCommand,
    MerchantEvent, Offer, StatusChange, WhenShort,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn shop(when_short: WhenShort) -> Stage {
    let mut stage = Stage::new(3);
    for (account, purse) in [("ann", 1_000), ("bob", 1_000), ("mall", 0), ("till", 0), ("other", 0)] {
        stage.send(&open(account, purse)).unwrap();
    }
    stage.send(&register("mall", "till", when_short)).unwrap();
    stage
}

/// An accepted gift of a kettle.
fn accepted(stage: &mut Stage, of: &str, price: u64) {
    stage.send(&give("ann", of, "bob", "mall", (goods(), price))).unwrap();
    stage.send(&accept("bob", "ann", of)).unwrap();
}

fn bobs(of: &str) -> crate::domain::GiftReference {
    gift("bob", "ann", of)
}

fn purses(stage: &Stage) -> [i64; 3] {
    ["ann", "bob", "till"].map(|account| stage.posted(account))
}

/// What the merchant was instructed, in the order of records.
fn instructions(stage: &Stage) -> Vec<String> {
    let told = stage.events().iter().filter_map(|(_, _, event)| match event {
        Event::Account(AccountEvent::Merchant(MerchantEvent::OrderPaid(order))) => {
            Some(format!("{order} provide"))
        }
        Event::Account(AccountEvent::Merchant(MerchantEvent::OrderFailed(order, code))) => {
            Some(format!("{order} {code}"))
        }
        Event::Account(AccountEvent::Credited { reason: CreditReason::Withheld, .. }) => {
            Some("paid".to_owned())
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn only_a_registered_merchant_withholds_and_only_the_one_that_the_gift_names() {
    // T5, P7
    let mut stage = shop(WhenShort::Refuse);
    accepted(&mut stage, "gift", 300);
    let by_other = withhold("other", "order", 300, bobs("gift"));
    assert_eq!(refuses(&mut stage, &by_other), Code::NotRegistered);
    let own = Command::Merchant(MerchantCommand::Register {
        merchant: name("other"),
        payee: name("other"),
        supplier: None,
        when_short: WhenShort::Refuse,
    });
    assert_eq!(refuses(&mut stage, &by("other", own)), Code::NotAllowed, "the institution registers");
    stage.send(&register("other", "other", WhenShort::Refuse)).unwrap();
    assert_eq!(refused(stage.send(&by_other)), Code::NotAllowed, "the gift names the mall");
    let end = by_institution(Command::Merchant(MerchantCommand::Unregister { merchant: name("mall") }));
    assert_eq!(stage.send(&end), Ok(Done::Registered { registered: false }));
    assert_eq!(refuses(&mut stage, &withhold("mall", "order", 300, bobs("gift"))), Code::NotRegistered);
    stage.send(&register("mall", "till", WhenShort::Refuse)).unwrap();
    stage.send(&withhold("mall", "order", 300, bobs("gift"))).unwrap();
    assert_eq!(purses(&stage), [700, 1_000, 300]);
}

#[test]
fn a_withholding_is_refused_before_any_money_moves_and_its_reference_stays_free() {
    // T9, T10, T11, I13
    let mut stage = shop(WhenShort::Refuse);
    stage.send(&give("ann", "gift", "bob", "mall", (goods(), 300))).unwrap();
    for (code, amount, of) in [
        (Code::GiftNotAccepted, 300, "gift"),
        (Code::UnknownGift, 300, "none"),
        (Code::AmountMismatch, 299, "accepted"),
        (Code::AmountMismatch, 301, "accepted"),
    ] {
        if of == "accepted" && stage.account("bob").gifts().count() == 1 {
            accepted(&mut stage, "accepted", 300);
        }
        let before = (purses(&stage), stage.account("bob").earmarked());
        assert_eq!(refused(stage.send(&withhold("mall", "order", amount, bobs(of)))), code);
        assert_eq!((purses(&stage), stage.account("bob").earmarked()), before, "{code}");
    }
    assert_eq!(
        instructions(&stage),
        ["order gift_not_accepted", "order unknown_gift", "order amount_mismatch", "order amount_mismatch"]
    );
    stage.send(&withhold("mall", "order", 300, bobs("accepted"))).unwrap();
    assert_eq!(instructions(&stage)[4..], ["paid", "order provide"], "success only behind the payee's money");
}

#[test]
fn one_reference_is_one_order_over_gifts_and_mandates() {
    // T10, T15, D43, I12
    let mut stage = shop(WhenShort::Refuse);
    accepted(&mut stage, "one", 300);
    accepted(&mut stage, "two", 300);
    stage.send(&grant("bob", "mandate", "mall", (500, 300), None)).unwrap();
    let first = with_id(withhold("mall", "order", 300, bobs("one")), "first");
    let done = Ok(Done::Withheld { amount: money(300) });
    assert_eq!(stage.send(&first), done);
    assert_eq!(stage.send(&first), done, "the same request");
    assert_eq!(stage.send(&withhold("mall", "order", 300, bobs("one"))), done, "the same order");
    for other in [
        withhold("mall", "order", 300, bobs("two")),
        withhold("mall", "order", 299, bobs("one")),
        withhold_by_mandate("mall", "order", 300, "bob", "mandate"),
    ] {
        assert_eq!(refuses(&mut stage, &other), Code::OrderReused);
    }
    let reused = with_id(withhold("mall", "another", 300, bobs("two")), "first");
    assert_eq!(refuses(&mut stage, &reused), Code::IdReused);
    assert_eq!(refused(stage.send(&withhold("mall", "another", 300, bobs("one")))), Code::GiftEnded);
    // The same reference is another order of another merchant.
    stage.send(&register("other", "till", WhenShort::Refuse)).unwrap();
    stage.send(&give("ann", "three", "bob", "other", (goods(), 5))).unwrap();
    stage.send(&accept("bob", "ann", "three")).unwrap();
    stage.send(&withhold("other", "order", 5, bobs("three"))).unwrap();
    assert_eq!(purses(&stage), [1_000 - 605, 1_000, 305]);
}

#[test]
fn an_object_is_provided_once_and_never_before_it_is_paid() {
    // T12, D43
    let mut stage = shop(WhenShort::Refuse);
    accepted(&mut stage, "gift", 300);
    assert_eq!(refuses(&mut stage, &provide("mall", "order")), Code::UnknownOrder);
    stage.send(&withhold("mall", "order", 300, bobs("gift"))).unwrap();
    assert_eq!(refuses(&mut stage, &provide("other", "order")), Code::UnknownOrder);
    let once = with_id(provide("mall", "order"), "provided");
    assert_eq!(stage.send(&once), Ok(Done::Provided));
    assert_eq!(stage.send(&once), Ok(Done::Provided), "the same request");
    assert_eq!(refuses(&mut stage, &provide("mall", "order")), Code::AlreadyProvided);
    assert_eq!(refuses(&mut stage, &reverse("mall", "order")), Code::NotReversible);
    assert_eq!(purses(&stage), [700, 1_000, 300]);
}

#[test]
fn a_failed_provision_goes_back_all_the_way_or_not_at_all() {
    // T14, D23
    let mut stage = shop(WhenShort::Refuse);
    accepted(&mut stage, "gift", 300);
    stage.send(&withhold("mall", "order", 300, bobs("gift"))).unwrap();
    stage.send(&cash_out("till", 1)).unwrap();
    let back = with_id(reverse("mall", "order"), "back");
    let before = purses(&stage);
    assert_eq!(refused(stage.send(&back)), Code::PayeeShort);
    assert_eq!(purses(&stage), before, "nothing has moved");
    stage.send(&deposit("till", 1)).unwrap();
    let done = Ok(Done::OrderReversed { paid: money(300), owed: money(0) });
    let answers = stage.send_all(&[back.clone(), back.clone()]);
    assert_eq!(answers, [done.clone(), done.clone()], "it may be tried again, and happens once");
    assert_eq!(stage.send(&back), done);
    assert_eq!(purses(&stage), [1_000, 1_000, 0]);
    for late in [reverse("mall", "order"), provide("mall", "order")] {
        assert_eq!(refuses(&mut stage, &late), Code::OrderEnded);
    }
    assert_eq!(refuses(&mut stage, &return_gift("bob", bobs("gift"))), Code::GiftEnded);
}

#[test]
fn where_it_is_set_so_a_payee_that_is_short_pays_what_it_has_and_owes_the_rest_to_the_donor() {
    // T14, D23
    let mut stage = shop(WhenShort::Receivable);
    accepted(&mut stage, "gift", 300);
    accepted(&mut stage, "next", 120);
    accepted(&mut stage, "last", 200);
    stage.send(&withhold("mall", "order", 300, bobs("gift"))).unwrap();
    stage.send(&cash_out("till", 100)).unwrap();
    let answer = stage.send(&reverse("mall", "order"));
    assert_eq!(answer, Ok(Done::OrderReversed { paid: money(200), owed: money(100) }));
    assert_eq!(
        (stage.posted("ann"), stage.posted("till"), stage.account("till").owed().minor()),
        (580, 0, 100)
    );
    // A transfer or a deposit is no sale.
    stage.send(&send_money("bob", "till", 10)).unwrap();
    stage.send(&deposit("till", 10)).unwrap();
    assert_eq!(stage.account("till").owed().minor(), 100);
    stage.send(&withhold("mall", "another", 120, bobs("next"))).unwrap();
    assert_eq!(
        (stage.posted("ann"), stage.posted("till"), stage.account("till").owed().minor()),
        (680, 40, 0)
    );
    stage.send(&withhold("mall", "free", 200, bobs("last"))).unwrap();
    assert_eq!((stage.posted("ann"), stage.posted("till")), (680, 240), "a debt is paid once");
}

#[test]
fn a_mandate_bounds_merchant_sum_each_use_and_time_and_can_be_revoked() {
    // T15, D43
    let mut stage = shop(WhenShort::Refuse);
    stage.send(&register("other", "other", WhenShort::Refuse)).unwrap();
    stage.send(&grant("bob", "mandate", "mall", (500, 300), Some(after_start(50)))).unwrap();
    let mut order = 0;
    let mut take = |stage: &mut Stage, merchant: &str, amount: u64, mandate: &str| {
        order += 1;
        let message = withhold_by_mandate(merchant, &format!("order {order}"), amount, "bob", mandate);
        stage.send(&message).map(drop).map_err(|refusal| refusal.code)
    };
    assert_eq!(take(&mut stage, "mall", 301, "mandate"), Err(Code::OutsideMandate), "each use");
    assert_eq!(take(&mut stage, "other", 1, "mandate"), Err(Code::OutsideMandate), "another merchant");
    assert_eq!(take(&mut stage, "mall", 1, "none"), Err(Code::UnknownMandate));
    assert_eq!(take(&mut stage, "mall", 300, "mandate"), Ok(()));
    assert_eq!(take(&mut stage, "mall", 201, "mandate"), Err(Code::OutsideMandate), "in all");
    assert_eq!(take(&mut stage, "mall", 100, "mandate"), Ok(()));
    assert_eq!(purses(&stage), [1_000, 600, 400]);
    stage.later(49);
    assert_eq!(take(&mut stage, "mall", 10, "mandate"), Ok(()), "its last millisecond");
    stage.later(1);
    assert_eq!(take(&mut stage, "mall", 10, "mandate"), Err(Code::OutsideMandate), "half-open");
    // It draws on available money, and on nothing of a frozen account.
    stage.send(&grant("bob", "second", "mall", (5_000, 5_000), None)).unwrap();
    assert_eq!(take(&mut stage, "mall", 591, "second"), Err(Code::InsufficientFunds));
    stage.send(&status("bob", StatusChange::Freeze)).unwrap();
    assert_eq!(take(&mut stage, "mall", 1, "second"), Err(Code::AccountFrozen));
    stage.send(&status("bob", StatusChange::Unfreeze)).unwrap();
    // Revoking ends it, and no accepted gift with it.
    accepted(&mut stage, "gift", 30);
    assert_eq!(take(&mut stage, "mall", 5, "second"), Ok(()));
    assert_eq!(stage.send(&revoke("bob", "second")), Ok(Done::MandateRevoked { used: money(5) }));
    assert_eq!(take(&mut stage, "mall", 1, "second"), Err(Code::OutsideMandate));
    stage.send(&withhold("mall", "of the gift", 30, bobs("gift"))).unwrap();
    // What a mandate has paid goes back to whom it was taken from.
    let before = stage.posted("bob");
    stage.send(&provide("mall", "order 4")).unwrap();
    stage.send(&reverse("mall", "order 6")).unwrap();
    assert_eq!(stage.posted("bob"), before + 100);
    let show = by("bob", Command::Mandate(MandateCommand::Show { mandate: id("mandate") }));
    let Ok(Done::Mandate(mandate)) = stage.send(&show) else { panic!("a mandate") };
    assert_eq!(mandate.used, money(410));
}

#[test]
fn a_certificate_as_a_gift_is_withheld_by_its_supplier_s_merchant_or_bought_by_its_recipient() {
    // T16, H2, T6, T12, D43
    for how in ["withheld", "bought"] {
        let sold = Offer { clawback: Clawback::None, ..offer(700, 2) };
        let mut stage = market(sold, Some(&terms(500, 100)));
        stage.send(&open("shop", 0)).unwrap();
        chain(&mut stage, 1, &["u2", "u3"]);
        stage.send(&give("buyer", "gift", "u1", "", (gift_of("tea", 1), 700))).unwrap();
        let order = || withhold("shop", "order", 700, gift("u1", "buyer", "gift"));
        stage.send(&register("shop", "payee", WhenShort::Refuse)).unwrap();
        stage.send(&accept("u1", "buyer", "gift")).unwrap();
        assert_eq!(refused(stage.send(&order())), Code::NotAllowed, "it serves another supplier");
        stage.send(&register_for("shop", "payee", Some("supplier"), WhenShort::Refuse)).unwrap();
        if how == "withheld" {
            assert_eq!(stage.send(&order()), Ok(Done::Withheld { amount: money(700) }));
            assert_eq!(stage.send(&order()), Ok(Done::Withheld { amount: money(700) }));
            assert_eq!(refuses(&mut stage, &provide("shop", "order")), Code::AlreadyProvided);
            assert_eq!(refuses(&mut stage, &reverse("shop", "order")), Code::NotReversible);
        } else {
            assert_eq!(
                refused(stage.send(&purchase_with_gift("u1", "tea", 2, "buyer", "gift"))),
                Code::NotAllowed
            );
            assert_eq!(settled(stage.send(&purchase_with_gift("u1", "tea", 1, "buyer", "gift"))), (80, 420));
        }
        let owner = view(&mut stage, "tea", 1).sale.expect("a sale").buyer;
        assert_eq!(owner, stage.number("u1"), "{how}: the owner is the recipient");
        let purse = i64::try_from(PURSE).unwrap();
        let paid = ["buyer", "u1", "payee", "u2", "u3", "payer"].map(|account| stage.posted(account));
        assert_eq!(
            paid,
            [purse - 700, 0, 700, 40, 40, purse - 500 * 2 + 420],
            "{how}: commissions cash as ever"
        );
        assert_eq!(stage.account("u1").earmarked().minor(), 0);
        // A refund goes to the recipient, who has paid on record.
        stage.send(&refund("tea", 1)).unwrap();
        assert_eq!((stage.posted("buyer"), stage.posted("u1"), stage.posted("payee")), (purse - 700, 700, 0));
    }
}
