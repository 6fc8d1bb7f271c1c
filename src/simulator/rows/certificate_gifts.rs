//! Gifts of certificates: T16, T11, T12, D43, H2, F3, F4, F7, D39, D40.

use super::gift_market::{HOME, PRICE, accepted, gift_market, of, places, state};
use super::merchants::{merchant_events, order_of};
use crate::domain::{
    AccountEvent, Code, CommissionTerms, Done, Event, FoundObject, GiftState, MerchantEvent, Offer,
    OrderState, Settlement, Standing, WhenShort, Window,
};
use crate::limits::REQUEST_KEPT_MS;
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

#[test]
fn a_gift_of_a_certificate_has_exactly_its_price_and_currency() {
    // T16, T7, D31
    let mut stage = certificate_market(Stage::new(3), None);
    stage.send(&open_in("ami", euro(), 0, 0)).unwrap();
    for price in [1, PRICE - 1, PRICE + 1, 2 * PRICE] {
        let records = stage.records();
        let giving = give("donor", "gift", "recipient", "", (gift_of("tea", 1), price));
        assert_eq!(refused_for(stage.send(&giving)), (Code::AmountMismatch, "price".to_owned()), "{price}");
        assert_eq!((stage.records(), places(&stage)), (records, HOME), "{price}: I13");
    }
    let abroad = give("foreigner", "gift", "ami", "", (gift_of("tea", 1), PRICE));
    assert_eq!(refuses(&mut stage, &abroad), Code::CurrencyMismatch);
    let home = give("donor", "gift", "ami", "", (gift_of("tea", 1), PRICE));
    assert_eq!(refuses(&mut stage, &home), Code::CurrencyMismatch);
    assert_eq!((stage.posted("foreigner"), places(&stage)), (PURSE as i64, HOME));
    stage.send(&give("donor", "gift", "recipient", "", (gift_of("tea", 1), PRICE))).unwrap();
}

/// How the certificate of a gift is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taking {
    /// By a merchant of its supplier, whom the gift does not name.
    Merchant,
    /// By a merchant of its supplier, whom the gift names.
    NamedMerchant,
    /// By the recipient's own purchase.
    Purchase,
    /// By the recipient's own purchase, though the gift names a merchant.
    PurchaseBesideMerchant,
    /// Not a gift: bought with own money, for comparison.
    OwnMoney,
}

#[test]
fn whichever_way_a_certificate_is_taken_it_is_a_purchase_paid_from_the_earmark() {
    // T16, T6, T12, T13, H2, H4
    let ways = [
        Taking::Merchant,
        Taking::NamedMerchant,
        Taking::Purchase,
        Taking::PurchaseBesideMerchant,
        Taking::OwnMoney,
    ];
    for shards in [1, 3] {
        for alive in [false, true] {
            let ends: Vec<_> = ways.iter().map(|way| taken(shards, alive, *way)).collect();
            for (way, end) in ways.iter().zip(&ends) {
                assert_eq!(end, &ends[4], "{way:?}, {shards} shards: as if bought with own money");
            }
        }
    }
}

/// Commission, balances and sale of a certificate that was taken in this way.
fn taken(shards: usize, alive: bool, way: Taking) -> (Settlement, Vec<i64>, [u64; 2], bool) {
    let terms = terms(500, 100);
    let mut stage = certificate_market(Stage::new(shards), Some(&terms));
    if alive {
        chain(&mut stage, 2, &["u1", "u2", "u3"]);
    }
    let case = format!("{way:?}, {shards} shards, alive {alive}");
    let merchant = match way {
        Taking::NamedMerchant | Taking::PurchaseBesideMerchant => "tea shop",
        _ => "",
    };
    if way == Taking::OwnMoney {
        stage.send(&send_money("donor", "recipient", PRICE)).unwrap();
        stage.send(&purchase("recipient", "tea", 2)).unwrap();
    } else {
        stage.send(&give("donor", "gift", "recipient", merchant, (gift_of("tea", 2), PRICE))).unwrap();
        let early = match way {
            Taking::Merchant | Taking::NamedMerchant => withhold("tea shop", "early", PRICE, of("gift")),
            _ => purchase_with_gift("recipient", "tea", 2, "donor", "gift"),
        };
        assert_eq!(refused(stage.send(&early)), Code::GiftNotAccepted, "{case}");
        stage.send(&accept("recipient", "donor", "gift")).unwrap();
        match way {
            Taking::Merchant | Taking::NamedMerchant => {
                let withheld = stage.send(&withhold("tea shop", "order", PRICE, of("gift")));
                assert_eq!(withheld, Ok(Done::Withheld { amount: money(PRICE) }), "{case}");
                let order = order_of(&mut stage, "tea shop", "order");
                assert_eq!((order.state, order.certificate), (OrderState::Provided, true), "{case}");
            }
            _ => {
                let buying = purchase_with_gift("recipient", "tea", 2, "donor", "gift");
                let bought = purchased(stage.send(&buying));
                assert_eq!((bought.serial.0, bought.price.minor()), (2, PRICE), "{case}");
                assert_eq!(purchased(stage.send(&buying)), bought, "{case}: I12");
            }
        }
        assert_eq!(state(&stage, "gift"), GiftState::Provided, "{case}: at once");
    }
    let sale = view(&mut stage, "tea", 2).sale.unwrap();
    let owner = sale.buyer == stage.number("recipient");
    let accounts = ["donor", "recipient", "payee", "payer", "u1", "u2", "u3"];
    let balances: Vec<i64> = accounts.map(|account| stage.posted(account)).into();
    let price = PRICE as i64;
    assert_eq!(balances[..3], [PURSE as i64 - price, 0, price], "{case}: -p, 0, +p");
    let buckets = *stage.certificate("tea", 2).unwrap().buckets();
    let envelope = [buckets.cashed.minor(), buckets.unspent().minor()];
    assert_eq!(envelope, [if alive { 120 } else { 0 }, 0], "{case}: H2, H4");
    (sale.purchased.commission, balances, envelope, owner)
}

#[test]
fn only_a_merchant_of_the_supplier_withholds_a_certificate_and_only_where_the_gift_names_no_other() {
    // T16, D43, T5
    let names = ["", "tea shop", "shop"];
    for named in names {
        let mut stage = certificate_market(Stage::new(3), None);
        give_tea(&mut stage, "gift", named);
        let before = places(&stage);
        for merchant in ["shop", "rival shop", "tea shop"] {
            let answer = stage.send(&withhold(merchant, "order", PRICE, of("gift")));
            let fits = merchant == "tea shop" && named != "shop";
            let case = format!("{merchant}, where {named:?} is named");
            if fits {
                assert_eq!(answer, Ok(Done::Withheld { amount: money(PRICE) }), "{case}");
                assert_eq!(stage.posted("payee"), PRICE as i64, "{case}: its payee, not the merchant's");
                assert_eq!(stage.posted("till"), 0, "{case}");
            } else {
                assert_eq!(refused(answer), Code::NotAllowed, "{case}");
                assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Accepted, before), "{case}");
                assert_eq!(stage.account(merchant).orders().count(), 0, "{case}");
            }
        }
    }
    // Nobody else's merchant is one's own: not registered, or registered no more.
    let mut stage = certificate_market(Stage::new(3), None);
    give_tea(&mut stage, "gift", "");
    let by_the_supplier = withhold("supplier", "order", PRICE, of("gift"));
    assert_eq!(refuses(&mut stage, &by_the_supplier), Code::NotRegistered);
    stage.send(&register("supplier", "till", WhenShort::Refuse)).unwrap();
    assert_eq!(stage.send(&by_the_supplier), Ok(Done::Withheld { amount: money(PRICE) }));
}

#[test]
fn a_gift_buys_its_own_certificate_for_its_recipient_and_nothing_else() {
    // T16, T8
    let mut stage = certificate_market(Stage::new(3), None);
    give_tea(&mut stage, "gift", "");
    accepted(&mut stage, "goods");
    stage.send(&issue("cake", offer(PRICE, 3))).unwrap();
    stage.send(&publish("cake")).unwrap();
    let before = places(&stage);
    let table = [
        (purchase_with_gift("recipient", "tea", 1, "donor", "gift"), Code::NotAllowed),
        (purchase_with_gift("recipient", "tea", 0, "donor", "gift"), Code::NotAllowed),
        (purchase_with_gift("recipient", "cake", 2, "donor", "gift"), Code::NotAllowed),
        (purchase_with_gift("recipient", "tea", 2, "donor", "goods"), Code::NotAllowed),
        (purchase_with_gift("recipient", "tea", 2, "donor", "other"), Code::UnknownGift),
        (purchase_with_gift("recipient", "tea", 2, "rival", "gift"), Code::UnknownGift),
        (purchase_with_gift("donor", "tea", 2, "donor", "gift"), Code::UnknownGift),
        (purchase_with_gift("broke", "tea", 2, "donor", "gift"), Code::UnknownGift),
        (withhold("tea shop", "order", PRICE - 1, of("gift")), Code::AmountMismatch),
    ];
    for (message, code) in table {
        assert_eq!(refused(stage.send(&message)), code, "{message:?}");
        assert_eq!((state(&stage, "gift"), places(&stage)), (GiftState::Accepted, before), "{message:?}");
        assert_eq!(row(&mut stage, "tea").left, 3, "{message:?}: nothing stays set apart");
    }
    let unknown = refused_for(stage.send(&purchase_with_gift("recipient", "tea", 2, "nobody", "gift")));
    assert_eq!(unknown, (Code::UnknownAccount, "paid_from.gift.donor".to_owned()));
    stage.send(&purchase_with_gift("recipient", "tea", 2, "donor", "gift")).unwrap();
    let spent = stage.send(&purchase_with_gift("recipient", "tea", 2, "donor", "gift"));
    assert_eq!(refused(spent), Code::Sold);
    let spent = stage.send(&purchase_with_gift("recipient", "tea", 3, "donor", "gift"));
    assert_eq!(refused(spent), Code::GiftEnded);
}

#[test]
fn a_gift_reserves_nothing_and_goes_home_where_its_certificate_is_gone() {
    // D43, T16, T11
    for sender in ["recipient", "tea shop"] {
        let mut stage = certificate_market(Stage::new(3), None);
        give_tea(&mut stage, "gift", "tea shop");
        assert_eq!(row(&mut stage, "tea").left, 3, "nothing is set apart");
        stage.send(&purchase("rival", "tea", 2)).unwrap();
        let begun = stage.events().len();
        let gone = stage.send(&withhold("tea shop", "order", PRICE, of("gift")));
        assert_eq!(refused(gone), Code::Sold, "{sender}");
        let told: Vec<_> = merchant_events(&stage, begun).into_iter().map(|(_, event)| event).collect();
        let failed = MerchantEvent::OrderFailed(name("order"), Code::Sold);
        assert!(matches!(&told[..], [MerchantEvent::OrderBegun(..), last] if *last == failed), "{told:?}");
        let gone = stage.send(&purchase_with_gift("recipient", "tea", 2, "donor", "gift"));
        assert_eq!(refused(gone), Code::Sold, "{sender}");
        assert_eq!(state(&stage, "gift"), GiftState::Accepted, "{sender}");
        let returned = stage.send(&return_gift(sender, of("gift")));
        assert_eq!(gift_state(returned), GiftState::Returned, "{sender}");
        assert_eq!((stage.posted("donor"), stage.posted("payee")), (PURSE as i64, PRICE as i64), "{sender}");
        assert_eq!(view(&mut stage, "tea", 2).sale.unwrap().buyer, stage.number("rival"), "{sender}");
    }
}

#[test]
fn of_a_gift_and_a_buyer_at_once_one_gets_the_certificate() {
    // T16, D43, H1, I4
    let mut wins = [0, 0];
    for seed in 0..30 {
        let mut stage = certificate_market(Stage::new(if seed % 2 == 0 { 1 } else { 3 }), None);
        stage = stage.with_luck(seed);
        give_tea(&mut stage, "gift", "");
        let buying = purchase("rival", "tea", 2);
        let taking = if seed % 4 < 2 {
            withhold("tea shop", "order", PRICE, of("gift"))
        } else {
            purchase_with_gift("recipient", "tea", 2, "donor", "gift")
        };
        let answers = stage.send_all(&[taking.clone(), buying]);
        let (gifted, bought) = (answers[0].is_ok(), answers[1].is_ok());
        assert!(gifted != bought, "seed {seed}: {answers:?}");
        wins[usize::from(gifted)] += 1;
        let owner = view(&mut stage, "tea", 2).sale.unwrap().buyer;
        let winner = if gifted { "recipient" } else { "rival" };
        assert_eq!(owner, stage.number(winner), "seed {seed}");
        assert_eq!(stage.posted("payee"), PRICE as i64, "seed {seed}: paid once");
        if !gifted {
            // Told to come back while the other is paying, and that it is sold behind that.
            let code = refused(answers[0].clone());
            assert!([Code::Sold, Code::Overloaded].contains(&code), "seed {seed}: {code}");
            assert_eq!(refused(stage.send(&taking)), Code::Sold, "seed {seed}");
            assert_eq!(state(&stage, "gift"), GiftState::Accepted, "seed {seed}");
        }
    }
    assert!(wins[0] > 0 && wins[1] > 0, "each wins at times: {wins:?}");
}

#[test]
fn what_a_buyer_would_be_refused_for_a_merchant_is_refused_for_too() {
    // T16, D39, D40, F3, F4, V1
    let window = Window { opens: Some(after_start(100)), closes: Some(after_start(200)) };
    let mut stage = gift_market(Stage::new(3));
    stage.send(&register_for("shop", "till", Some("supplier"), WhenShort::Refuse)).unwrap();
    stage.send(&issue("hidden", offer(PRICE, 1))).unwrap();
    for (offering, offer) in [
        ("timed", Offer { window, ..offer(PRICE, 1) }),
        ("capped", Offer { cap: Some(1), ..offer(PRICE, 2) }),
    ] {
        stage.send(&issue(offering, offer)).unwrap();
        stage.send(&publish(offering)).unwrap();
    }
    stage.send(&deposit("recipient", PRICE)).unwrap();
    stage.send(&purchase("recipient", "capped", 1)).unwrap();
    stage.send(&reserve("rival", "tea", 1)).unwrap();
    let cases = [
        ("hidden", 1, 0, Code::NotPublished),
        ("timed", 1, 99, Code::SaleNotOpen),
        ("timed", 1, 200, Code::SaleNotOpen),
        ("capped", 2, 0, Code::CapReached),
        ("tea", 1, 0, Code::Reserved),
    ];
    for (offering, serial, later, code) in cases {
        let mut again = stage.restarted_at(stage.records());
        again.at(after_start(later));
        let giving = give("donor", "gift", "recipient", "", (gift_of(offering, serial), PRICE));
        again.send(&giving).unwrap();
        again.send(&accept("recipient", "donor", "gift")).unwrap();
        for message in [
            withhold("shop", "order", PRICE, of("gift")),
            purchase_with_gift("recipient", offering, serial, "donor", "gift"),
        ] {
            assert_eq!(refused(again.send(&message)), code, "{offering} at {later}: {message:?}");
            assert_eq!(state(&again, "gift"), GiftState::Accepted, "{offering} at {later}: {message:?}");
            assert_eq!(again.account("shop").orders().count(), 0, "{offering} at {later}");
        }
    }
    // And where nothing stands against it, it is taken.
    stage.at(after_start(100));
    for (gift, offering, serial) in [("timed", "timed", 1), ("tea", "tea", 2)] {
        let giving = give("donor", gift, "recipient", "", (gift_of(offering, serial), PRICE));
        stage.send(&giving).unwrap();
        stage.send(&accept("recipient", "donor", gift)).unwrap();
        stage.send(&withhold("shop", gift, PRICE, of(gift))).unwrap();
    }
}

#[test]
fn a_certificate_that_was_withheld_is_provided_at_once_and_not_reversed_but_refunded_to_the_recipient() {
    // D43, T12, T14, F7
    for by_merchant in [true, false] {
        let mut stage = certificate_market(Stage::new(3), None);
        give_tea(&mut stage, "gift", "tea shop");
        if by_merchant {
            stage.send(&withhold("tea shop", "order", PRICE, of("gift"))).unwrap();
            assert_eq!(refuses(&mut stage, &provide("tea shop", "order")), Code::AlreadyProvided);
            assert_eq!(refuses(&mut stage, &reverse("tea shop", "order")), Code::NotReversible);
        } else {
            stage.send(&purchase_with_gift("recipient", "tea", 2, "donor", "gift")).unwrap();
            let order = stage.send(&withhold("tea shop", "order", PRICE, of("gift")));
            assert_eq!(refused(order), Code::GiftEnded, "the recipient has bought it");
        }
        assert_eq!(refuses(&mut stage, &return_gift("recipient", of("gift"))), Code::GiftEnded);
        stage.send(&refund("tea", 2)).unwrap();
        let price = PRICE as i64;
        assert_eq!(stage.posted("recipient"), price, "{by_merchant}: to the recipient, to spend on anything");
        assert_eq!(
            (stage.posted("donor"), stage.posted("payee")),
            (PURSE as i64 - price, 0),
            "{by_merchant}"
        );
        assert_eq!(state(&stage, "gift"), GiftState::Provided, "{by_merchant}: entries stay");
        stage.send(&send_money("recipient", "u1", PRICE)).unwrap();
    }
}

#[test]
fn a_merchant_is_told_of_a_certificate_only_behind_its_payees_credit() {
    // T11, T12, D43: the merchant's account, the payee's and the certificate may be on different shards
    for seed in 0..16 {
        let mut stage = gift_market(Stage::new(if seed == 0 { 1 } else { 3 })).with_luck(seed);
        stage.send(&issue("cake", offer(PRICE, 12))).unwrap();
        stage.send(&publish("cake")).unwrap();
        stage.send(&register_for("shop", "till", Some("supplier"), WhenShort::Refuse)).unwrap();
        let orders: Vec<String> = (1..=12).map(|serial| format!("order {serial}")).collect();
        let mut tries = Vec::new();
        for (serial, order) in (1..).zip(&orders) {
            let giving = give("donor", order, "recipient", "", (gift_of("cake", serial), PRICE));
            stage.send(&giving).unwrap();
            stage.send(&accept("recipient", "donor", order)).unwrap();
            tries.push(withhold("shop", order, PRICE, of(order)));
        }
        let begun = stage.events().len();
        assert!(stage.send_all(&tries).iter().all(Result::is_ok), "seed {seed}");
        for (serial, order) in (1..).zip(&orders) {
            let certificate = stage.number_of("cake", serial);
            let kind = |event: &Event| match event {
                Event::Account(AccountEvent::Credited { from, .. }) if *from == certificate => Some("credit"),
                Event::Account(AccountEvent::Merchant(MerchantEvent::OrderPaid(paid))) => {
                    (*paid == name(order)).then_some("paid")
                }
                Event::Account(AccountEvent::Merchant(MerchantEvent::OrderProvided(provided, _))) => {
                    (*provided == name(order)).then_some("provided")
                }
                _ => None,
            };
            let told: Vec<&str> =
                stage.events()[begun..].iter().filter_map(|(.., event)| kind(event)).collect();
            assert_eq!(told, ["credit", "paid", "provided"], "seed {seed}, {order}");
        }
    }
}

#[test]
fn repeats_of_a_withheld_certificate_get_the_same_answer_and_buy_nothing_more() {
    // T10, T16, D43, I12
    for shards in [1, 3] {
        let terms = terms(500, 100);
        let mut stage = certificate_market(Stage::new(shards), Some(&terms)).with_luck(5);
        chain(&mut stage, 2, &["u1"]);
        give_tea(&mut stage, "gift", "");
        let together: Vec<_> = (0..20).map(|_| withhold("tea shop", "order", PRICE, of("gift"))).collect();
        for answer in stage.send_all(&together) {
            assert_eq!(answer, Ok(Done::Withheld { amount: money(PRICE) }), "{shards} shards");
        }
        stage.later(2 * REQUEST_KEPT_MS);
        let records = stage.records();
        let late = stage.send(&withhold("tea shop", "order", PRICE, of("gift")));
        assert_eq!(late, Ok(Done::Withheld { amount: money(PRICE) }), "{shards} shards");
        assert_eq!(stage.records(), records + 1, "that its id was used is on record, and nothing more");
        assert_eq!((stage.posted("payee"), stage.posted("u1")), (PRICE as i64, 40), "{shards} shards");
        assert_eq!(stage.offering("tea").stock().standing(crate::domain::Serial(2)), Some(Standing::Sold));
        // The gift knows its object and its order.
        let gift = stage.account("recipient").gifts().next().map(|(_, gift)| gift.clone()).unwrap();
        let object = FoundObject::Certificate {
            offering: stage.number_of("tea", 0),
            serial: crate::domain::Serial(2),
        };
        assert_eq!((gift.object, gift.order.map(|order| order.reference)), (object, Some(name("order"))));
    }
}

/// A gift market with a merchant `tea shop` of the supplier of `tea`, whose commission `payer` has attached.
fn certificate_market(stage: Stage, terms: Option<&CommissionTerms>) -> Stage {
    let mut stage = gift_market(stage);
    if let Some(terms) = terms {
        stage.send(&attach("payer", "tea", terms)).unwrap();
    }
    stage.send(&open("tea shop", 0)).unwrap();
    stage.send(&register_for("tea shop", "till", Some("supplier"), WhenShort::Refuse)).unwrap();
    stage
}

/// Gives the second certificate of `tea`, and it is accepted.
fn give_tea(stage: &mut Stage, id: &str, merchant: &str) {
    stage.send(&give("donor", id, "recipient", merchant, (gift_of("tea", 2), PRICE))).unwrap();
    stage.send(&accept("recipient", "donor", id)).unwrap();
}
