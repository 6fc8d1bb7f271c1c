//! The platforms: search, filters, cursors, ways of display, private pages, page links.

use hongbao::domain::{
    ActorNumber, Code, Command, Currency, Display, FoundVia, Information, Message, Offer, PageLink, Serial,
    Timestamp, Via,
};
use hongbao::{PlatformCursor, PlatformPage, PlatformQuery, Shown};

use crate::house::{House, MORNING, SHARDS, buy, cents, circulate, code, name, offer, terms};

fn look(house: &House, query: &PlatformQuery, after: PlatformCursor, most: usize) -> PlatformPage {
    pollster::block_on(house.engine().platform(query, after, most)).unwrap()
}

fn found(house: &House, query: &PlatformQuery) -> Vec<String> {
    let page = look(house, query, PlatformCursor::default(), 100);
    assert_eq!(page.next, None);
    page.rows.iter().map(|row| row.name.to_string()).collect()
}

fn words(text: &str) -> PlatformQuery {
    PlatformQuery { words: text.to_owned(), ..PlatformQuery::default() }
}

fn product(items: u32, price: u64, text: &str) -> Offer {
    Offer { information: Information::new(text, "at purchase"), ..offer(items, price) }
}

fn publish_as(house: &House, offering: &str, display: Display) {
    let publish = Command::Publish { offering: name(offering), display };
    house.send(Message::from_account("shop", "publish", publish).unwrap()).unwrap();
}

// P8, V1
#[test]
fn the_public_platform_is_searched_by_words_filtered_and_paged_before_and_after_a_restart() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["buyer".to_owned()], 1_000);
        for (offering, price, text) in
            [("tea", 100, "Green Tea"), ("pot", 200, "Tea pot"), ("box", 300, "红茶礼盒"), ("mug", 50, "Mug")]
        {
            house.issue(offering, product(1, price, text));
        }
        house.attach("pot", terms(50, 10));
        assert_eq!(found(&house, &words("tea")), [""; 0], "nothing is listed before it is published");
        for offering in ["tea", "pot", "box", "mug"] {
            house.publish(offering);
        }
        house.send(buy("buyer", "buy", "mug", None)).unwrap();
        for round in 0..2 {
            let usd = Some(Currency::USD);
            let all = PlatformQuery::default;
            for (query, expected) in [
                (all(), &["tea", "pot", "box", "mug"][..]),
                (words("TEA"), &["tea", "pot"]),
                (words("tea pot"), &["pot"]),
                (words("红茶"), &["box"]),
                (words("coffee"), &[]),
                (PlatformQuery { with_commission: true, ..all() }, &["pot"]),
                (PlatformQuery { in_stock: true, ..all() }, &["tea", "pot", "box"]),
                (
                    PlatformQuery { currency: usd, price_min: Some(cents(100)), ..all() },
                    &["tea", "pot", "box"],
                ),
                (PlatformQuery { currency: usd, price_max: Some(cents(100)), ..all() }, &["tea", "mug"]),
                (PlatformQuery { currency: Some(Currency::parse("EUR").unwrap()), ..all() }, &[]),
                (PlatformQuery { in_stock: true, ..words("tea") }, &["tea", "pot"]),
            ] {
                assert_eq!(found(&house, &query), expected, "{query:?}, {shards} shards, round {round}");
            }
            // Page by page: everything once, and the last page says that it is the last.
            let (mut cursor, mut pages, mut rows) = (Some(PlatformCursor::default()), 0, Vec::new());
            while let Some(after) = cursor {
                let page = look(&house, &all(), after, 3);
                rows.extend(page.rows.iter().map(|row| row.name.to_string()));
                (cursor, pages) = (page.next, pages + 1);
            }
            assert_eq!((rows.join(" ").as_str(), pages), ("tea pot box mug", 2));
            house.restart(shards);
        }
    }
}

// P8
#[test]
fn a_query_out_of_its_bounds_is_refused_by_the_field() {
    let house = House::new(1);
    let all = PlatformQuery::default;
    let usd = Some(Currency::USD);
    for (query, wanted, field) in [
        (words(&"x".repeat(257)), Code::BadText, "words"),
        (PlatformQuery { price_min: Some(cents(1)), ..all() }, Code::Missing, "currency"),
        (
            PlatformQuery { currency: usd, price_min: Some(cents(2)), price_max: Some(cents(1)), ..all() },
            Code::BadValue,
            "price_max",
        ),
    ] {
        let refused = pollster::block_on(house.engine().platform(&query, PlatformCursor::default(), 9));
        let refusal = refused.unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_ref()), (wanted, field));
    }
    let none = pollster::block_on(house.engine().platform(&all(), PlatformCursor::default(), 0)).unwrap_err();
    assert_eq!((none.code, none.field.as_ref()), (Code::BadValue, "most"));
}

// V2, V3
#[test]
fn an_offering_is_shown_live_or_by_name_and_link_alone_or_as_it_was() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["buyer".to_owned()], 1_000);
        for offering in ["live", "found", "frozen"] {
            house.issue(offering, offer(2, 100));
            house.attach(offering, terms(50, 10));
        }
        house.clock.set(Timestamp(MORNING + 7));
        publish_as(&house, "live", Display::Certificate);
        publish_as(&house, "found", Display::AcquisitionInformation);
        publish_as(&house, "frozen", Display::Snapshot);
        house.clock.set(Timestamp(MORNING + 9));
        for (place, offering) in ["live", "found", "frozen"].into_iter().enumerate() {
            house.send(buy("buyer", &format!("buy {place}"), offering, None)).unwrap();
        }
        for _ in 0..2 {
            let rows = look(&house, &PlatformQuery::default(), PlatformCursor::default(), 9).rows;
            let [live, found, frozen] = &rows[..] else { panic!("{rows:?}") };
            match &live.shown {
                Shown::Certificate(view) => {
                    assert_eq!((view.left, view.sold, view.price), (1, 1, cents(100)))
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(found.shown, Shown::AcquisitionInformation);
            match frozen.shown {
                Shown::Snapshot(row, currency) => {
                    assert_eq!(
                        (row.left, row.at),
                        (2, Timestamp(MORNING + 7)),
                        "values and time of publishing"
                    );
                    assert_eq!((row.price, currency), (cents(100), Currency::USD));
                    assert_eq!(row.label.map(|label| label.attached), Some(cents(10)));
                }
                ref other => panic!("{other:?}"),
            }
            // Whatever is shown, the link leads to what is.
            let opened = pollster::block_on(house.engine().open_link(frozen.link)).unwrap();
            assert_eq!((opened.offering, opened.certificate), (name("frozen"), None));
            house.restart(shards);
        }
    }
}

// P8, V4, R5
#[test]
fn what_an_account_circulated_stands_on_its_private_platform_and_is_circulated_and_bought_from_there() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["ann", "bob", "cho"].map(str::to_owned), 1_000);
        for offering in ["tea", "pot"] {
            house.issue(offering, offer(2, 100));
            house.attach(offering, terms(50, 10));
            house.publish(offering);
        }
        house.send(circulate("ann", "one", "tea", 2)).unwrap();
        house.send(circulate("ann", "two", "pot", 1)).unwrap();
        // Another one in between, and the same certificate again: it stands there once.
        house.send(circulate("bob", "three", "tea", 2)).unwrap();
        house.send(circulate("ann", "four", "tea", 2)).unwrap();
        let page = |house: &House, account: &str, skip| {
            pollster::block_on(house.engine().private_platform(&name(account), skip, 9)).unwrap()
        };
        for _ in 0..2 {
            let ann = page(&house, "ann", 0);
            let rows: Vec<_> = ann
                .rows
                .iter()
                .map(|row| (row.offering.to_string(), row.certificate.as_ref().unwrap().serial.0))
                .collect();
            assert_eq!(rows, [("pot".to_owned(), 1), ("tea".to_owned(), 2)], "newest first");
            assert_eq!(ann.entries, 2);
            assert_eq!(page(&house, "ann", 1).rows.len(), 1);
            assert_eq!(page(&house, "cho", 0).entries, 0);
            house.restart(shards);
        }
        let before = house.posted("cho");
        let found = page(&house, "ann", 0).rows.remove(1);
        let (offering, serial) = (found.offering, Some(found.certificate.unwrap().serial));
        let via = || Via::PrivatePage(name("ann"));
        let share = Command::Circulate { offering: offering.clone(), serial, via: via() };
        house.send(Message::from_account("cho", "share", share).unwrap()).unwrap();
        let purchase = Command::purchase(offering, serial, via());
        house.send(Message::from_account("cho", "buy", purchase).unwrap()).unwrap();
        let chain = house.certificate("tea", 2, 1).chain;
        assert!(matches!(chain[3].via, FoundVia::PrivatePage(_)), "via is recorded: {:?}", chain[3]);
        assert_eq!(house.posted("cho"), before - 100 + 10, "looking moved no money, buying did");
        assert!(page(&house, "ann", 0).rows[1].certificate.as_ref().unwrap().sale.is_some());
    }
}

// P9, V5
#[test]
fn a_page_link_is_stable_opens_the_live_certificate_and_circulates_and_buys() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["ann", "bob", "cho"].map(str::to_owned), 1_000);
        house.issue("tea", offer(2, 100));
        house.publish("tea");
        let link = house.certificate("tea", 2, 1).link;
        let text = link.to_string();
        let open = |house: &House| {
            let link = PageLink::parse(&text).unwrap();
            let opened = pollster::block_on(house.engine().open_link(link)).unwrap();
            assert_eq!(opened.offering, name("tea"));
            opened.certificate.unwrap()
        };
        assert_eq!((open(&house).serial, open(&house).hops), (Serial(2), 0), "untouched");
        let share = |id: &str, account: &str| {
            let via = Via::Link;
            let share = Command::Circulate { offering: name("tea"), serial: Some(Serial(2)), via };
            house.send(Message::from_account(account, id, share).unwrap()).unwrap();
        };
        share("one", "ann");
        assert_eq!(open(&house).hops, 1);
        share("two", "bob");
        let opened = open(&house);
        assert_eq!(
            (opened.hops, opened.chain[0].via, opened.link),
            (2, FoundVia::Link, link),
            "after unlinking"
        );
        let purchase = Command::purchase(name("tea"), Some(Serial(2)), Via::Link);
        house.send(Message::from_account("cho", "buy", purchase).unwrap()).unwrap();
        assert!(open(&house).sale.is_some(), "after the sale it shows sold");
        house.restart(shards);
        assert!(open(&house).sale.is_some(), "and after a restart");
        // What was never published has no page.
        house.issue("secret", offer(1, 100));
        let secret = house.certificate("secret", 1, 1).link;
        for link in [secret, PageLink::to(ActorNumber(0)), PageLink::to(ActorNumber(u64::MAX))] {
            let refused = pollster::block_on(house.engine().open_link(link)).unwrap_err();
            assert_eq!(refused.code, Code::BadLink);
        }
        let sold = Command::purchase(name("tea"), Some(Serial(2)), Via::Link);
        let answer = house.send(Message::from_account("ann", "late", sold).unwrap());
        assert_eq!(code(&answer), Some(Code::Sold));
    }
}
