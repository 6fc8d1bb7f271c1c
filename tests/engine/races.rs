//! A thousand at once: nothing is sold twice, counted twice or lost.

use std::collections::BTreeMap;

use hongbao::domain::{Answer, Circulated, Code, Done, Settlement};

use crate::house::{House, SHARDS, buy, circulate, code, offer, terms};

const CROWD: usize = 1_000;

fn crowd(who: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{who}-{number}")).collect()
}

/// How many answers there are of each kind: `bought`, or the refusal's code.
fn counted(answers: &[Answer]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let kind = match answer {
            Ok(Done::Purchased(_)) => "bought",
            Ok(other) => panic!("a purchase was answered with {other:?}"),
            Err(refusal) => refusal.code.text(),
        };
        *counts.entry(kind).or_insert(0) += 1;
    }
    counts
}

fn circulated(answer: Answer) -> Circulated {
    match answer.unwrap() {
        Done::Circulated(circulated) => circulated,
        other => panic!("a circulation was answered with {other:?}"),
    }
}

// R4, R7, I2, I9, H2: one chain, and everyone in it is settled, page by page.
#[test]
fn a_thousand_circulations_at_once_make_one_chain_without_gaps_and_all_are_settled() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        let sharers = crowd("sharer", CROWD);
        house.open_accounts(sharers.clone(), 0);
        house.open_accounts(["buyer".to_owned()], 5_000);
        house.issue("lantern", offer(1, 5_000));
        // The reserve runs short: 700 take ten cents each, the rest nothing.
        house.attach("lantern", terms(7_000, 10));
        house.publish("lantern");

        let messages: Vec<_> =
            sharers.iter().map(|sharer| circulate(sharer, "share", "lantern", 1)).collect();
        let answers = house.send_at_once(&messages);
        let mut by_hop = BTreeMap::new();
        for (sharer, answer) in sharers.iter().zip(answers) {
            let hop = circulated(answer);
            assert_eq!(hop.first, hop.hop == 1, "{shards} shards, {sharer}: {hop:?}");
            assert!(by_hop.insert(hop.hop, (sharer, hop.promise)).is_none(), "{shards} shards: a hop twice");
        }
        assert!(by_hop.keys().copied().eq(1..=1_000), "{shards} shards: {:?}", by_hop.keys());

        let view = house.certificate("lantern", 1, 1);
        assert_eq!((view.hops, view.chain.len()), (1_000, 1_000), "{shards} shards");
        for (pair, hop) in view.chain.windows(2).zip(1..) {
            assert_eq!(pair[0].hop, hop, "{shards} shards");
            assert_eq!(pair[0].unlinked_at, Some(pair[1].linked_at), "{shards} shards, hop {hop}");
        }
        assert_eq!(view.linked, view.chain.last().map(|hop| hop.account), "{shards} shards");
        for hop in &view.chain {
            assert_eq!(hop.promise, by_hop[&hop.hop].1, "{shards} shards, hop {}", hop.hop);
        }
        let page = house.certificate("lantern", 1, 901).chain;
        assert_eq!(page, view.chain[900..], "{shards} shards: a page of the chain");
        assert!(house.certificate("lantern", 1, 1_001).chain.is_empty(), "{shards} shards");
        assert_eq!(view.promised.minor(), 7_000, "{shards} shards");

        let shop = house.posted("shop");
        match house.send(buy("buyer", "buy", "lantern", Some(1))).unwrap() {
            Done::Purchased(purchased) => match purchased.commission {
                Settlement::Settled { cashed, promises, returned } => {
                    assert_eq!(
                        (cashed.minor(), promises, returned.minor()),
                        (7_000, 700, 0),
                        "{shards} shards"
                    );
                }
                other => panic!("{shards} shards: settled as {other:?}"),
            },
            other => panic!("{shards} shards: bought as {other:?}"),
        }
        // What goes out page by page is out when the engine is closed.
        house.restart(shards);
        for (hop, (sharer, promise)) in &by_hop {
            let posted = house.posted(sharer);
            assert_eq!(posted, promise.minor() as i64, "{shards} shards, {sharer} with hop {hop}");
        }
        assert_eq!(house.posted("shop"), shop + 5_000, "{shards} shards");
        let audit = house.close_and_audit();
        assert_eq!((audit.totals.circulations, audit.totals.sold), (1_000, 1), "{shards} shards");
    }
}

// F3: cap, stock and money are one walk.
#[test]
fn a_thousand_purchases_at_once_by_one_buyer_under_a_cap_of_one_buy_one() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["eager".to_owned()], 1_000_000);
        let mut capped = offer(500, 100);
        capped.cap = Some(1);
        house.sell("lantern", capped);
        let messages: Vec<_> =
            (0..CROWD).map(|number| buy("eager", &format!("buy-{number}"), "lantern", None)).collect();
        let counts = counted(&house.send_until_decided(&messages));
        assert_eq!(counts, BTreeMap::from([("bought", 1), ("cap_reached", 999)]), "{shards} shards");
        assert_eq!(house.posted("eager"), 1_000_000 - 100, "{shards} shards");
        assert_eq!(house.offering("lantern").sold, 1, "{shards} shards");
        assert_eq!(house.close_and_audit().totals.sold, 1, "{shards} shards");
    }
}

// F1, F5, I18: no oversell, no undersell, and who loses keeps the money.
#[test]
fn a_hundred_certificates_before_a_thousand_buyers_are_all_sold_once() {
    for shards in SHARDS {
        let house = House::new(shards);
        let (solvent, broke) = (crowd("solvent", CROWD), crowd("broke", 200));
        house.open_accounts(solvent.clone(), 150);
        house.open_accounts(broke.clone(), 99);
        house.sell("lantern", offer(100, 100));
        // The broke come among the others, so that serials are freed while a line waits for them.
        let mut buyers: Vec<&String> = solvent.iter().collect();
        for (place, poor) in broke.iter().enumerate() {
            buyers.insert(place * 6, poor);
        }
        let messages: Vec<_> = buyers.iter().map(|buyer| buy(buyer, "buy", "lantern", None)).collect();
        let answers = house.send_until_decided(&messages);

        let mut serials = Vec::new();
        for (buyer, answer) in buyers.iter().zip(&answers) {
            let poor = buyer.starts_with("broke");
            let left = match answer {
                Ok(Done::Purchased(purchased)) => {
                    serials.push(purchased.serial.0);
                    50
                }
                Ok(other) => panic!("{shards} shards: {buyer} was answered {other:?}"),
                Err(refusal) if poor => {
                    let known = matches!(refusal.code, Code::InsufficientFunds | Code::SoldOut);
                    assert!(known, "{shards} shards, {buyer}: {refusal}");
                    99
                }
                Err(refusal) => {
                    assert_eq!(refusal.code, Code::SoldOut, "{shards} shards, {buyer}: {refusal}");
                    150
                }
            };
            assert_eq!(house.posted(buyer), left, "{shards} shards, {buyer}: {answer:?}");
        }
        serials.sort_unstable();
        assert!(serials.iter().copied().eq(1..=100), "{shards} shards: {serials:?}");
        assert_eq!(house.posted("shop"), 1_000_000 + 100 * 100, "{shards} shards");
        let view = house.offering("lantern");
        assert_eq!((view.sold, view.left), (100, 0), "{shards} shards");
        // F2: and from now on everyone is told so.
        let late = house.send(buy("solvent-0", "late", "lantern", None));
        assert_eq!(code(&late), Some(Code::SoldOut), "{shards} shards: {late:?}");
        assert_eq!(house.close_and_audit().totals.sold, 100, "{shards} shards");
    }
}

// H1: the one certificate that everyone names.
#[test]
fn one_certificate_named_by_a_thousand_buyers_is_sold_to_one() {
    for shards in SHARDS {
        let house = House::new(shards);
        let buyers = crowd("buyer", CROWD);
        house.open_accounts(buyers.clone(), 100);
        house.sell("lantern", offer(2, 100));
        let messages: Vec<_> = buyers.iter().map(|buyer| buy(buyer, "buy", "lantern", Some(2))).collect();
        let counts = counted(&house.send_until_decided(&messages));
        assert_eq!(counts, BTreeMap::from([("bought", 1), ("sold", 999)]), "{shards} shards");
        let paid = buyers.iter().filter(|buyer| house.posted(buyer) == 0).count();
        assert_eq!(paid, 1, "{shards} shards");
        assert_eq!(house.offering("lantern").left, 1, "{shards} shards");
        assert_eq!(house.close_and_audit().totals.sold, 1, "{shards} shards");
    }
}

// I12: one request, however often and from wherever it is sent.
#[test]
fn a_thousand_repeats_at_once_of_one_purchase_get_equal_answers_and_cost_one_price() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["buyer", "ann", "bob"].map(str::to_owned), 100_000);
        house.issue("lantern", offer(5, 1_000));
        house.attach("lantern", terms(100, 20));
        house.publish("lantern");
        for sharer in ["ann", "bob"] {
            house.send(circulate(sharer, "share", "lantern", 1)).unwrap();
        }
        let purchase = buy("buyer", "buy", "lantern", Some(1));
        let answers = house.send_until_decided(&vec![purchase.clone(); CROWD]);
        let wanted = answers[0].clone();
        assert!(matches!(wanted, Ok(Done::Purchased(_))), "{shards} shards: {wanted:?}");
        let others = answers.iter().filter(|answer| **answer != wanted).collect::<Vec<_>>();
        assert!(others.is_empty(), "{shards} shards: {wanted:?}, but also {:?}", others[0]);
        assert_eq!(house.posted("buyer"), 99_000, "{shards} shards");
        house.restart(shards);
        assert_eq!(house.send(purchase), wanted, "{shards} shards: after a restart");
        for (account, posted) in [("buyer", 99_000), ("ann", 100_020), ("bob", 100_020)] {
            assert_eq!(house.posted(account), posted, "{shards} shards, {account}");
        }
        let reused = house.send(buy("buyer", "buy", "lantern", None));
        assert_eq!(code(&reused), Some(Code::IdReused), "{shards} shards: {reused:?}");
        assert_eq!(house.offering("lantern").sold, 1, "{shards} shards");
        assert_eq!(house.close_and_audit().totals.sold, 1, "{shards} shards");
    }
}
