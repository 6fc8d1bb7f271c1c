//! What could not be provided goes back from payee to recipient to donor: T14, D23, T12, I15.

use super::gift_market::*;
use super::merchants::order_of;
use crate::domain::{
    AccountEvent, Answer, Code, CreditReason, Done, Event, GiftEvent, GiftState, Offer, OrderState,
    StatusChange, WhenShort,
};
use crate::simulation::chance::Chance;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

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
            Event::Account(AccountEvent::Gift(GiftEvent::Reversed(key, amount))) => {
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
        let first = Chance(seed).place(together.len());
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
