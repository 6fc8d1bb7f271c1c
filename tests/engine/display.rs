//! What is shown: every text as it was given, the platform as it is, and all of it again after a restart.

use hongbao::domain::{ActorNumber, Code, CommissionLabel, Information, Message, OfferingView, Timestamp};
use hongbao::limits::TEXT_BYTES_MAX;
use hongbao::{PlatformCursor, PlatformQuery, Shown};

use crate::house::{House, MORNING, SHARDS, buy, cents, circulate, code, name, offer, terms};

/// Every pair of numbers of shards: before a restart and after it.
const RESTARTS: [(usize, usize); 4] = [(1, 1), (1, 3), (3, 3), (3, 1)];

/// Every text another one, with all that text can hold.
fn information() -> Information {
    Information {
        product_name: "红包 lantern".to_owned(),
        settlement: "at purchase\r\nfrom posted balance".to_owned(),
        product: "x".repeat(TEXT_BYTES_MAX),
        trade: "\u{0}\u{1b}[31m\t\"quoted\" \\ 'single'".to_owned(),
        logistics: "أرسل بالبحر 🚢".to_owned(),
        insurance: " blanks around ".to_owned(),
        trade_rules: String::new(),
        service: "{\"json\": [1, 2.50, null]}".to_owned(),
        commitment_letter: "é and e\u{301} are two texts".to_owned(),
        performance: "\u{FEFF}marked".to_owned(),
        transfer_prompt: "last\n".to_owned(),
    }
}

// C2
#[test]
fn every_text_of_a_certificate_comes_back_equal_after_issue_and_after_a_restart() {
    for (before, after) in RESTARTS {
        let mut house = House::new(before);
        let mut offered = offer(3, 100);
        offered.information = information();
        house.sell("lantern", offered);
        assert_eq!(house.offering("lantern").information, information(), "{before} shards");
        house.restart(after);
        assert_eq!(house.offering("lantern").information, information(), "{before} shards, then {after}");
    }
}

// C1
#[test]
fn an_offer_without_what_it_needs_or_with_too_much_is_refused_by_the_field() {
    type Spoil = fn(&mut Information);
    let cases: [(&str, Code, Spoil); 4] = [
        ("offer.information.product_name", Code::Missing, |texts| texts.product_name.clear()),
        ("offer.information.product_name", Code::Missing, |texts| texts.product_name = " \n".to_owned()),
        ("offer.information.settlement", Code::Missing, |texts| texts.settlement.clear()),
        ("offer.information.trade", Code::BadText, |texts| texts.trade = "x".repeat(TEXT_BYTES_MAX + 1)),
    ];
    for shards in SHARDS {
        let house = House::new(shards);
        for (field, wanted, spoil) in cases {
            let mut offered = offer(3, 100);
            spoil(&mut offered.information);
            let command =
                hongbao::domain::Command::Issue { offering: name("lantern"), offer: Box::new(offered) };
            let answer = house.send(Message::from_account("shop", "issue", command).unwrap());
            assert_eq!(code(&answer), Some(wanted), "{shards} shards, {field}: {answer:?}");
            assert_eq!(answer.unwrap_err().field, field, "{shards} shards");
        }
        // The name is still free.
        house.sell("lantern", offer(3, 100));
    }
}

fn platform(house: &House, after: u64, most: usize) -> Vec<OfferingView> {
    let everything = PlatformQuery::default();
    let page = house.engine().platform(&everything, PlatformCursor(ActorNumber(after)), most);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rows = runtime.block_on(page).unwrap().rows;
    rows.into_iter()
        .map(|row| match row.shown {
            Shown::Certificate(view) => *view,
            other => panic!("{} is shown as {other:?}", row.name),
        })
        .collect()
}

fn names(rows: &[OfferingView]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

// V1, V3, K5
#[test]
fn the_platform_lists_what_is_published_with_live_price_attached_and_label() {
    for (before, after) in RESTARTS {
        let place = format!("{before} shards, then {after}");
        let mut house = House::new(before);
        house.open_accounts(["buyer".to_owned()], 1_000);
        for (place, offering) in ["one", "two", "three", "four", "five"].into_iter().enumerate() {
            house.issue(offering, offer(2, 100 + place as u64));
        }
        house.attach("two", terms(50, 10));
        assert!(platform(&house, 0, 10).is_empty(), "{place}: nothing is published");
        // Listed in the order of their issue, not of their publishing.
        for (offering, later) in [("four", 5), ("two", 6), ("one", 7)] {
            house.clock.set(Timestamp(MORNING + later));
            house.publish(offering);
        }
        let rows = platform(&house, 0, 10);
        assert_eq!(names(&rows), ["one", "two", "four"], "{place}");
        let shown: Vec<_> =
            rows.iter().map(|row| (row.price, row.label, row.published_at, row.left)).collect();
        let label = CommissionLabel { attached: cents(10), reserve: cents(40), cumulative: cents(10) };
        let at = |later| Some(Timestamp(MORNING + later));
        assert_eq!(
            shown,
            [(cents(100), None, at(7), 2), (cents(101), Some(label), at(6), 2), (cents(103), None, at(5), 2)],
            "{place}"
        );

        // By pages, behind the last row of the former one.
        let first = platform(&house, 0, 2);
        assert_eq!(names(&first), ["one", "two"], "{place}");
        assert_eq!(names(&platform(&house, first[1].number.0, 2)), ["four"], "{place}");
        assert!(platform(&house, rows[2].number.0, 2).is_empty(), "{place}");

        house.send(buy("buyer", "buy", "one", None)).unwrap();
        let live = platform(&house, 0, 1);
        assert_eq!((live[0].sold, live[0].left), (1, 1), "{place}: the row is the live offering's");
        let rows = platform(&house, 0, 10);
        house.restart(after);
        assert_eq!(platform(&house, 0, 10), rows, "{place}");
        house.publish("three");
        assert_eq!(names(&platform(&house, 0, 10)), ["one", "two", "three", "four"], "{place}");
    }
}

// I11: the same accounts, offerings and certificates, heads and sequences of their chains included.
#[test]
fn a_restart_shows_the_same_state_whatever_the_number_of_shards() {
    for (before, after) in RESTARTS {
        let mut house = House::new(before);
        let people = ["ann", "bob", "cho", "dev"];
        house.open_accounts(people.map(str::to_owned), 1_000);
        house.issue("lantern", offer(4, 300));
        house.attach("lantern", terms(60, 10));
        house.publish("lantern");
        for (place, (sharer, serial)) in
            [("ann", 1), ("bob", 1), ("ann", 1), ("bob", 2), ("ann", 3)].into_iter().enumerate()
        {
            house.clock.set(Timestamp(MORNING + place as u64));
            house.send(circulate(sharer, &format!("share-{place}"), "lantern", serial)).unwrap();
        }
        house.send(buy("cho", "buy", "lantern", Some(1))).unwrap();
        house.send(buy("dev", "buy", "lantern", None)).unwrap();
        let seen = |house: &House| {
            let accounts: Vec<_> =
                ["shop"].iter().chain(&people).map(|account| house.account(account)).collect();
            let certificates: Vec<_> =
                (1..=4).map(|serial| house.certificate("lantern", serial, 1)).collect();
            (accounts, house.offering("lantern"), certificates)
        };
        let shown = seen(&house);
        house.restart(after);
        assert_eq!(seen(&house), shown, "{before} shards, then {after}");
        house.restart(before);
        assert_eq!(seen(&house), shown, "{before} shards, {after}, {before} again");
        assert_eq!(house.close_and_audit().totals.sold, 2, "{before} shards, then {after}");
    }
}
