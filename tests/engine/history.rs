//! Histories, read backwards out of the journal, and receipts of purchases.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use hongbao::domain::{
    ActorNumber, Caller, Code, Command, CommissionTerms, Direction, Message, Serial, Take, Timestamp, Told,
};
use hongbao::receipt::Receipt;
use hongbao::{
    Config, Engine, HistoryError, HistoryPage, HistoryQuery, HistoryRow, Keeping, ManualClock, Who,
};

use super::house::{House, MORNING, SHARDS, buy, cents, circulate, name, offer, terms};
use crate::copying::copy_folder;

/// A page of a history.
fn page(engine: &Engine, number: ActorNumber, asked: HistoryQuery) -> Result<HistoryPage, HistoryError> {
    engine.history(number).unwrap().page(&asked)
}

/// All rows, in pages of so many.
fn rows(engine: &Engine, number: ActorNumber, most: usize) -> Vec<HistoryRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let found = page(engine, number, HistoryQuery { most, after, as_of: None }).unwrap();
        assert!(found.rows.len() <= most);
        assert!(found.next.is_none() || found.rows.len() == most, "a page is full where another follows");
        rows.extend(found.rows);
        // As somebody outside keeps it.
        after = found.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            return rows;
        }
    }
}

/// Everybody whose number is below 1,000.
fn everybody(engine: &Engine) -> BTreeMap<ActorNumber, Who> {
    let numbers: Vec<ActorNumber> = (1..1_000).map(ActorNumber).collect();
    engine.history(ActorNumber(1)).unwrap().who(&numbers).unwrap()
}

/// The store of version 1, whole, which has a day of everything in it, opened a while after that day.
fn a_day_of_everything(folder: &Path, shards: usize) -> Engine {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/golden/v1");
    let data = folder.join(format!("of {shards}"));
    copy_folder(&golden, &data).unwrap();
    fs::write(data.join("lock"), "").unwrap();
    let keeping = Keeping { snapshot_every: 1 << 30, archive: 1 << 30, ..Keeping::default() };
    let clock = Arc::new(ManualClock::at(Timestamp(1_800_001_000_000)));
    Engine::open(Config::new(data).with_shards(shards).with_keeping(keeping).with_clock(clock)).unwrap()
}

#[test]
fn every_account_of_a_day_is_followed_back_to_its_opening_and_every_amount_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    for shards in SHARDS {
        let engine = a_day_of_everything(folder.path(), shards);
        let (mut accounts, mut kinds) = (0, BTreeMap::new());
        for (number, who) in everybody(&engine) {
            let Who::Account(account, _) = who else { continue };
            accounts += 1;
            let all = rows(&engine, number, 1_000);
            assert_eq!(rows(&engine, number, 3), all, "{account} in small pages");
            let newest = page(&engine, number, HistoryQuery { most: 1, ..HistoryQuery::default() }).unwrap();
            let shown = pollster::block_on(engine.account(number)).unwrap();
            let standing = newest.standing;
            assert_eq!((standing.sequence, standing.head), (shown.sequence, shown.head), "{account}");
            assert_eq!((newest.posted, all[0].posted), (Some(shown.posted), Some(shown.posted)), "{account}");
            assert_eq!(all[0].sequence, shown.sequence, "{account}");
            for pair in all.windows(2) {
                let (later, earlier) = (&pair[0], &pair[1]);
                let next = (later.sequence, later.part) == (earlier.sequence, earlier.part + 1)
                    || (later.sequence, later.part) == (earlier.sequence + 1, 0);
                assert!(next && later.at >= earlier.at, "{account}: {later:?} follows {earlier:?}");
            }
            // Of the newest entry the beginning of its head stands in its record, too.
            assert_eq!(all[0].chain[..], shown.head[..8], "{account}");
            let opening = all.last().unwrap();
            let told = Told::of(&opening.event);
            let deposit = told.amount.map_or(0, |amount| i64::try_from(amount.minor()).unwrap());
            assert_eq!((told.kind, opening.sequence, opening.part), ("opened", 1, 0), "{account}");
            assert_eq!(opening.posted.map(|posted| posted.minor()), Some(deposit), "{account} adds up");
            for row in &all {
                let told = Told::of(&row.event);
                let moved = told.direction.map(|direction| direction == Direction::In);
                *kinds.entry((told.kind, moved)).or_insert(0) += 1;
            }
        }
        assert!(accounts > 30, "{accounts} accounts");
        // A day of everything: what moves money, each its way, and much that moves none.
        assert!(kinds.len() > 40, "{kinds:?}");
        for way in [
            ("credited", Some(true)),
            ("debited", Some(false)),
            ("gift_withheld", None),
            ("paid_back", Some(false)),
        ] {
            assert!(kinds.contains_key(&way), "{way:?} in {kinds:?}");
        }
        engine.close().unwrap();
    }
}

#[test]
fn every_purchase_of_a_day_has_a_receipt_that_says_what_the_engine_says() {
    let folder = tempfile::tempdir().unwrap();
    let engine = a_day_of_everything(folder.path(), 1);
    let all = everybody(&engine);
    let (mut receipts, mut refunded, mut withdrawn, mut draws_open) = (0, 0, 0, 0);
    for (number, who) in &all {
        let Who::Certificate(offering, serial) = who else { continue };
        let Who::Offering(offering_name, currency) = &all[offering] else { panic!("{offering:?}") };
        let shown = pollster::block_on(engine.certificate(*number)).unwrap();
        let asked = pollster::block_on(engine.receipt(&Caller::FundsManagement, offering_name, *serial));
        let Some(sale) = shown.sale else {
            assert_eq!(asked.map(drop).unwrap_err().code, Code::NotSold);
            continue;
        };
        let receipt = match asked.unwrap().write() {
            Ok(receipt) => receipt,
            Err(HistoryError::DrawsOpen) => {
                draws_open += 1;
                continue;
            }
            Err(error) => panic!("{offering_name} {}: {error}", serial.0),
        };
        let text = serde_json::to_vec(&receipt).unwrap();
        let found = Receipt::parse(&text).unwrap().verify(Some(&shown.head)).unwrap();
        assert_eq!((found.entries, found.kept), (shown.sequence, Some(shown.sequence)));
        let facts = found.facts;
        assert_eq!((facts.buyer.number, &facts.price), (sale.buyer.0, &shown.price.format(*currency)));
        assert_eq!(facts.commission.cashed, shown.cashed.format(*currency), "{offering_name} {}", serial.0);
        assert_eq!(
            facts.commission.returned,
            shown.returned.format(*currency),
            "{offering_name} {}",
            serial.0
        );
        let cashed: Vec<(u32, u64, String)> = shown
            .chain
            .iter()
            .filter(|hop| hop.cashed && !hop.promise.is_zero())
            .map(|hop| (hop.hop, hop.account.0, hop.promise.format(*currency)))
            .collect();
        let told: Vec<(u32, u64, String)> = facts
            .cashed_by
            .into_iter()
            .map(|cashed| (cashed.hop, cashed.account.number, cashed.amount))
            .collect();
        assert_eq!(told, cashed, "{offering_name} {}", serial.0);
        assert_eq!(facts.refund.is_some(), shown.refunded);
        receipts += 1;
        refunded += u32::from(shown.refunded);
        withdrawn += u32::from(facts.commission.became == "withdrawn");
    }
    assert!(
        receipts > 20 && refunded > 1 && withdrawn > 0,
        "{receipts}, {refunded}, {withdrawn}, {draws_open}"
    );
    engine.close().unwrap();
}

#[test]
fn what_shares_an_entry_is_told_event_by_event_across_pages() {
    let house = House::new(1);
    house.open_accounts((0..200).map(|number| format!("buyer-{number}")), 100);
    house.sell("tea", offer(200, 100));
    let messages: Vec<Message> =
        (0..200).map(|number| buy(&format!("buyer-{number}"), "buy", "tea", None)).collect();
    assert!(house.engine().send_batch(messages).wait().iter().all(Result::is_ok));
    let shop = house.account("shop");
    let all = rows(house.engine(), shop.number, 1_000);
    assert!(all.iter().any(|row| row.part > 0), "credits of one turn share an entry");
    assert!((all[0].sequence as usize) < all.len(), "{}", all[0].sequence);
    for most in [1, 7, 100] {
        assert_eq!(rows(house.engine(), shop.number, most), all, "in pages of {most}");
    }
    let sales = all.iter().filter(|row| Told::of(&row.event).detail == Some("sale")).count();
    assert_eq!(sales, 200);
    house.close_and_audit();
}

#[test]
fn a_history_as_of_a_time_begins_there_with_what_was_posted_then() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann".to_owned()], 100);
        let number = house.account("ann").number;
        for day in 1..=20_u64 {
            house.clock.set(Timestamp(MORNING + day * 1_000));
            let (account, amount) = (name("ann"), cents(day));
            let deposit = Command::Deposit { account, amount };
            let id = format!("day {day}");
            house.send(Message::from_funds_management(&id, deposit).unwrap()).unwrap();
        }
        let as_of = |milliseconds: u64| {
            let as_of = Some(Timestamp(milliseconds));
            let found = page(house.engine(), number, HistoryQuery { most: 2, after: None, as_of }).unwrap();
            (found.posted.map(|posted| posted.minor()), found.rows.first().map(|row| row.sequence))
        };
        assert_eq!(as_of(MORNING + 20_000), (Some(310), Some(21)));
        assert_eq!(as_of(MORNING + 10_000), (Some(155), Some(11)));
        assert_eq!(as_of(MORNING + 10_999), (Some(155), Some(11)));
        assert_eq!(as_of(MORNING), (Some(100), Some(1)));
        assert_eq!(as_of(MORNING - 1), (None, None), "it was not open yet");
        house.close_and_audit();
    }
}

#[test]
fn a_cursor_of_another_history_and_too_many_readers_are_refused() {
    let house = House::new(1);
    house.open_accounts(["ann".to_owned(), "ben".to_owned()], 100);
    let deposit = |account: &str, id: &str| {
        let deposit = Command::Deposit { account: name(account), amount: cents(5) };
        house.send(Message::from_funds_management(id, deposit).unwrap()).unwrap();
    };
    (0..3).for_each(|number| deposit("ann", &format!("a{number}")));
    deposit("ben", "b");
    let (ann, ben) = (house.account("ann").number, house.account("ben").number);
    let first = HistoryQuery { most: 1, ..HistoryQuery::default() };
    let of_ann = page(house.engine(), ann, first).unwrap().next;
    for after in [of_ann, "999999.0.5".parse().ok(), "0.0.5".parse().ok()] {
        let wrong = page(house.engine(), ben, HistoryQuery { after, ..first }).unwrap_err();
        assert!(matches!(wrong, HistoryError::NotACursor(_)), "{after:?}: {wrong}");
    }
    let beyond = of_ann.map(|cursor| cursor.to_string().replacen(".0.", ".9.", 1).parse().unwrap());
    assert!(matches!(
        page(house.engine(), ann, HistoryQuery { after: beyond, ..first }),
        Err(HistoryError::NotACursor(_))
    ));
    assert!(page(house.engine(), ann, HistoryQuery::default()).is_err(), "no row is asked for");
    let nobody = page(house.engine(), ActorNumber(77_777), first).unwrap();
    assert!(nobody.rows.is_empty() && nobody.next.is_none());
    let readers: Vec<_> =
        (0..hongbao::limits::HISTORIES_MAX).map(|_| house.engine().history(ann).unwrap()).collect();
    assert_eq!(house.engine().history(ann).map(drop).unwrap_err().code, Code::Overloaded);
    // There are more of them than readers: those that wait are served by those that end.
    std::thread::scope(|scope| {
        for mut history in readers {
            scope.spawn(move || assert_eq!(history.page(&first).unwrap().rows.len(), 1));
        }
    });
    assert_eq!(page(house.engine(), ann, first).unwrap().rows.len(), 1);
    house.close_and_audit();
}

#[test]
fn what_the_journal_keeps_no_more_has_lapsed() {
    let mut house = House::new(1);
    house.engine().close().unwrap();
    house.drop_engine();
    let keeping = Keeping {
        snapshot_every: 20_000,
        journal_max: 1 << 30,
        archive: 0,
        segment: 8_000,
        ..Keeping::default()
    };
    house.open_engine(house.config(1).with_keeping(keeping));
    house.open_accounts(["ann".to_owned(), "eve".to_owned()], 100_000);
    house.sell("tea", offer(3, 100));
    house.send(buy("eve", "buy", "tea", Some(1))).unwrap();
    let receipt = |house: &House| {
        let (caller, tea) = (Caller::Account(name("eve")), name("tea"));
        let asked = house.engine().receipt(&caller, &tea, Serial(1));
        pollster::block_on(asked).unwrap().write()
    };
    let kept = receipt(&house).unwrap();
    let (ann, eve) = (house.account("ann").number, house.account("eve").number);
    let mut number = 0;
    let everything = HistoryQuery { most: 1_000, ..HistoryQuery::default() };
    let oldest = loop {
        for _ in 0..200 {
            number += 1;
            let deposit = Command::Deposit { account: name("ann"), amount: cents(1) };
            house.send(Message::from_funds_management(&format!("{number}"), deposit).unwrap()).unwrap();
        }
        match page(house.engine(), eve, everything) {
            Ok(page) => assert!(page.next.is_none() && number < 100_000, "snapshots stand for it"),
            Err(HistoryError::Lapsed { oldest }) => break oldest,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(oldest, None, "of eve nothing is kept");
    assert!(matches!(receipt(&house), Err(HistoryError::Lapsed { .. })));
    assert!(kept.verify(Some(&house.certificate("tea", 1, 1).head)).is_ok(), "who has the receipt has it");
    // Of ann there is more than a page, and then it says with which entry it ends.
    let (mut after, mut oldest) = (None, u64::MAX);
    let lapsed = loop {
        match page(house.engine(), ann, HistoryQuery { after, ..everything }) {
            Ok(page) => {
                oldest = page.rows.last().unwrap().sequence;
                after = Some(page.next.expect("what has lapsed is said"));
            }
            Err(HistoryError::Lapsed { oldest }) => break oldest,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(oldest > 1, "{oldest}");
    assert!(lapsed.is_none_or(|lapsed| lapsed == oldest), "{lapsed:?}, {oldest}");
    house.close_and_audit();
}

#[test]
fn a_receipt_waits_until_nothing_more_is_drawn_and_is_for_the_parties_alone() {
    let house = House::new(1);
    house.open_accounts(["ann", "eve"].map(str::to_owned), 100_000);
    house.issue("luck", offer(2, 100));
    let take = Take::Random { min: cents(1), max: cents(9) };
    house.attach("luck", CommissionTerms { take, ..terms(500, 200) });
    house.publish("luck");
    house.send(circulate("ann", "share", "luck", 1)).unwrap();
    house.send(buy("eve", "buy 1", "luck", Some(1))).unwrap();
    let asked = |caller: &str, serial: u32| {
        let (caller, luck) = (Caller::Account(name(caller)), name("luck"));
        pollster::block_on(house.engine().receipt(&caller, &luck, Serial(serial)))
    };
    assert!(matches!(asked("eve", 1).unwrap().write(), Err(HistoryError::DrawsOpen)));
    assert_eq!(asked("ann", 1).map(drop).unwrap_err().code, Code::NotAllowed, "who has shared is no party");
    assert_eq!(asked("eve", 2).map(drop).unwrap_err().code, Code::NotSold);
    assert_eq!(asked("eve", 3).map(drop).unwrap_err().code, Code::UnknownCertificate);
    house.send(buy("eve", "buy 2", "luck", Some(2))).unwrap();
    for caller in ["eve", "shop"] {
        let receipt = asked(caller, 1).unwrap().write().unwrap();
        assert!(receipt.verify(Some(&house.certificate("luck", 1, 1).head)).is_ok());
    }
    house.close_and_audit();
}
