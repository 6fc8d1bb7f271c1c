//! Receipts that are true, and all that are not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::codec;
use crate::domain::{
    Birth, CertificateEvent, Clawback, CommissionTerms, Currency, Envelope, Event, FactorSet, Fingerprint,
    FoundVia, Money, RefundTerms, RequestId, RequestKey, RequestMark, Serial, Series, Settlement, WalkId,
    WhenShort, WithdrawalReason,
};

const OFFERING: ActorNumber = ActorNumber(400);
const SERIAL: Serial = Serial(7);
const CERTIFICATE: ActorNumber = ActorNumber(407);
const MALL: ActorNumber = ActorNumber(1);
const ANN: ActorNumber = ActorNumber(2);
const BEN: ActorNumber = ActorNumber(300);
const EVE: ActorNumber = ActorNumber(4);

fn money(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

fn mark(caller: ActorNumber, id: &str) -> RequestMark {
    let key = RequestKey { caller, id: RequestId::new(id).unwrap() };
    RequestMark::new(key, Fingerprint([7; 16]))
}

fn begun(funded: Option<u64>) -> CertificateEvent {
    let envelope = |funded| Envelope {
        payer: MALL,
        terms: Arc::new(CommissionTerms::new(money(funded), money(200))),
        deadline: None,
        topped_up: Money::ZERO,
        backing: None,
    };
    let series = Series {
        offering: OFFERING,
        currency: Currency::USD,
        price: money(10_000),
        payee: MALL,
        supplier: MALL,
        published_at: Timestamp(1_000),
        seed: [9; 32],
        refund: RefundTerms { clawback: Clawback::Reserve, when_short: WhenShort::Refuse },
        envelope: funded.map(envelope),
    };
    CertificateEvent::Begun(Birth { serial: SERIAL, series: Arc::new(series) })
}

fn linked(account: ActorNumber) -> CertificateEvent {
    CertificateEvent::Linked {
        account,
        via: FoundVia::Public,
        mark: mark(account, "share"),
        right: true,
        attached: money(200),
        unnamed: false,
        withdraws: false,
    }
}

fn acquired(hop: u32, amount: u64) -> CertificateEvent {
    CertificateEvent::Acquired { hop, amount: money(amount), asked: None }
}

fn sold(commission: Settlement) -> CertificateEvent {
    CertificateEvent::Sold { buyer: EVE, mark: mark(EVE, "buy"), commission, credits_left: 0 }
}

fn settled(cashed: u64, promises: u32, returned: u64) -> Settlement {
    Settlement::Settled { cashed: money(cashed), promises, returned: money(returned) }
}

fn refunded(paid: u64, owed: u64) -> CertificateEvent {
    CertificateEvent::Refunded { paid: money(paid), owed: money(owed) }
}

fn refund_begun() -> CertificateEvent {
    CertificateEvent::RefundBegun(mark(MALL, "refund"), WalkId(3))
}

/// Each record an entry, a minute apart.
fn entries(records: &[Vec<CertificateEvent>]) -> Vec<Entry> {
    let entry = |(minute, events): (u64, &Vec<CertificateEvent>)| {
        let events: Vec<Event> = events.iter().cloned().map(Event::Certificate).collect();
        let mut encoded = Vec::new();
        codec::encode_into(&events, &mut encoded).unwrap();
        Entry { at: Timestamp(1_800_000_000_000 + minute * 60_000), events: encoded }
    };
    (0..).zip(records).map(entry).collect()
}

fn names() -> BTreeMap<u64, Name> {
    let all = [(OFFERING, "teapot"), (MALL, "mall"), (ANN, "ann"), (BEN, "ben"), (EVE, "eve")];
    all.into_iter().map(|(number, name)| (number.0, Name::new(name).unwrap())).collect()
}

/// Shared by two, bought, and paid back.
fn whole_story() -> Vec<Vec<CertificateEvent>> {
    vec![
        vec![begun(Some(1_000)), linked(ANN), acquired(1, 200), CertificateEvent::Increased(money(200))],
        vec![linked(BEN), acquired(2, 150)],
        vec![sold(settled(350, 2, 650)), CertificateEvent::Settled],
        vec![refund_begun()],
        vec![refunded(9_000, 1_000)],
    ]
}

fn of(records: &[Vec<CertificateEvent>]) -> Result<Receipt, ReceiptError> {
    Receipt::of(CERTIFICATE, &entries(records), &names())
}

fn text(receipt: &Receipt) -> Vec<u8> {
    serde_json::to_vec(receipt).unwrap()
}

fn verified(text: &[u8], kept: Option<&Head>) -> Result<Verified, ReceiptError> {
    Receipt::parse(text)?.verify(kept)
}

/// What somebody would hand in who has worked out every hash of a receipt anew.
fn forged(mut value: Value) -> Option<Vec<u8>> {
    value["checksum"] = json!("");
    let mut receipt: Receipt = serde_json::from_value(value).ok()?;
    let entries = receipt.chain.read().ok()?;
    receipt.chain.head = hex(&head_of(ActorNumber(receipt.chain.actor), &entries));
    receipt.checksum = receipt.sum().ok()?;
    Some(text(&receipt))
}

#[test]
fn a_true_receipt_says_who_bought_what_and_who_cashed_how_much() {
    let receipt = of(&whole_story()).unwrap();
    let found = verified(&text(&receipt), None).unwrap();
    let party = |number: ActorNumber| json!({ "number": number.0, "name": names()[&number.0] });
    assert_eq!(
        serde_json::to_value(&found.facts).unwrap(),
        json!({
            "offering": party(OFFERING), "serial": 7, "certificate": 407,
            "buyer": party(EVE), "payee": party(MALL), "supplier": party(MALL),
            "price": "100.00", "currency": "USD", "sold_at": "2027-01-15T08:02:00Z", "request": "buy",
            "commission": {
                "became": "settled", "payer": party(MALL), "funded": "10.00", "cashed": "3.50", "returned": "6.50",
            },
            "cashed_by": [
                { "hop": 1, "account": party(ANN), "amount": "2.00" },
                { "hop": 2, "account": party(BEN), "amount": "1.50" },
            ],
            "refund": { "at": "2027-01-15T08:04:00Z", "paid": "90.00", "owed": "10.00", "clawback": "reserve" },
        })
    );
    assert_eq!((found.entries, found.sale, found.kept), (5, 3, None));
}

#[test]
fn a_receipt_of_version_1_has_the_bytes_that_it_always_had_and_is_verified_for_ever() {
    let frozen = include_bytes!("../../tests/data/receipt-1.json");
    let receipt = of(&whole_story()).unwrap();
    assert_eq!(String::from_utf8_lossy(&text(&receipt)), String::from_utf8_lossy(frozen));
    let head = head_of(CERTIFICATE, &entries(&whole_story()));
    assert_eq!(verified(frozen, Some(&head)).unwrap().kept, Some(5));
}

#[test]
fn a_head_that_was_kept_shows_what_was_not_changed_since() {
    let story = whole_story();
    let (receipt, entries) = (text(&of(&story).unwrap()), entries(&story));
    let kept = |count: usize| verified(&receipt, Some(&head_of(CERTIFICATE, &entries[..count])));
    assert_eq!(kept(5).unwrap().kept, Some(5));
    assert_eq!(kept(3).unwrap().kept, Some(3));
    assert_eq!(kept(2), Err(ReceiptError::HeadBeforeSale { sale: 3, kept: 2 }));
    assert_eq!(kept(0), Err(ReceiptError::OtherHead), "the head before everything proves nothing");
    // Another story that agrees with itself is found out by the head alone.
    let mut other = story;
    other[1] = vec![linked(EVE), acquired(2, 150)];
    let other = text(&of(&other).unwrap());
    assert!(verified(&other, None).is_ok());
    let head = head_of(CERTIFICATE, &entries);
    assert_eq!(verified(&other, Some(&head)), Err(ReceiptError::OtherHead));
}

#[test]
fn no_flipped_bit_is_taken() {
    let receipt = text(&of(&whole_story()).unwrap());
    for place in 0..receipt.len() {
        for bit in 0..8 {
            let mut changed = receipt.clone();
            changed[place] ^= 1 << bit;
            let found = verified(&changed, None);
            assert!(found.is_err(), "byte {place}, bit {bit}: {}", String::from_utf8_lossy(&changed));
        }
        assert!(verified(&receipt[..place], None).is_err(), "cut at {place}");
    }
    assert!(verified(&[&receipt[..], b"x"].concat(), None).is_err());
    assert!(verified(&[&receipt[..], b"\n"].concat(), None).is_ok(), "blanks around it say nothing");
    let pretty = serde_json::to_vec_pretty(&of(&whole_story()).unwrap()).unwrap();
    assert!(verified(&pretty, None).is_ok(), "nor do those within");
}

/// The paths of all values that are no objects or lists.
fn leaves(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(&format!("{path}/{name}"), value, found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(place, value)| leaves(&format!("{path}/{place}"), value, found));
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn whoever_works_out_all_hashes_anew_can_change_only_names_or_meets_a_head_that_was_kept() {
    let receipt = serde_json::to_value(of(&whole_story()).unwrap()).unwrap();
    let head = head_of(CERTIFICATE, &entries(&whole_story()));
    let mut paths = Vec::new();
    leaves("", &receipt, &mut paths);
    assert!(paths.len() > 40, "{paths:?}");
    let others = [
        json!("x"),
        json!(""),
        json!("1.00"),
        json!("9"),
        json!(0),
        json!(1),
        json!(2),
        json!(401),
        json!(u64::MAX),
        json!(-1),
        json!(1.5),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!("2027-01-15T08:02:00.001Z"),
        json!("settled"),
        json!("none"),
        json!("mall"),
    ];
    for path in paths {
        for other in &others {
            let mut changed = receipt.clone();
            if path == "/checksum" || path == "/chain/head" || changed.pointer(&path) == Some(other) {
                continue;
            }
            *changed.pointer_mut(&path).unwrap() = other.clone();
            let Some(forged) = forged(changed) else { continue };
            let kept = path.starts_with("/chain/entries").then_some(&head);
            let found = verified(&forged, kept);
            // Whoever stands in it once has a name that only the server knows.
            let renamed = path.ends_with("/name") && !path.contains("payee") && !path.contains("supplier");
            assert!(found.is_err() || renamed, "{path} became {other}, and it was taken");
        }
    }
}

#[test]
fn no_changed_byte_of_an_entry_passes_a_head_that_was_kept_and_none_is_a_panic() {
    let story = whole_story();
    let (receipt, entries) = (of(&story).unwrap(), entries(&story));
    let head = head_of(CERTIFICATE, &entries);
    let mut agreed = 0;
    for (number, entry) in entries.iter().enumerate() {
        for place in 0..entry.events.len() {
            for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut changed = entries.clone();
                changed[number].events[place] ^= change;
                let mut value = serde_json::to_value(&receipt).unwrap();
                value["chain"]["entries"][number]["events"] = json!(hex(&changed[number].events));
                let forged = forged(value).unwrap();
                agreed += u32::from(verified(&forged, None).is_ok());
                assert!(verified(&forged, Some(&head)).is_err(), "entry {number}, byte {place}, {change}");
                // Nor does making a receipt of such bytes.
                let _ = Receipt::of(CERTIFICATE, &changed, &names());
            }
        }
    }
    assert!(agreed > 0, "a fingerprint may be any, and agrees with itself");
}

#[test]
fn entries_that_are_left_out_doubled_or_swapped_are_found() {
    let story = whole_story();
    let receipt = serde_json::to_value(of(&story).unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut changed = receipt.clone();
        let entries = changed["chain"]["entries"].as_array_mut().unwrap();
        change(entries);
        changed["chain"]["sequence"] = json!(entries.len());
        verified(&forged(changed).unwrap(), None)
    };
    assert!(with(&|_| {}).is_ok());
    for place in 0..story.len() {
        assert!(with(&|entries| drop(entries.remove(place))).is_err(), "without {place}");
        assert!(with(&|entries| entries.insert(place, entries[place].clone())).is_err(), "{place} twice");
        assert!(with(&|entries| entries.swap(place, (place + 1) % 5)).is_err(), "{place} swapped");
    }
}

#[test]
fn what_no_certificate_can_have_lived_through_is_refused_in_words() {
    let commission = || vec![begun(Some(1_000)), linked(ANN), acquired(1, 200)];
    let sale = || vec![sold(settled(200, 1, 800)), CertificateEvent::Settled];
    let withdrawn = || CertificateEvent::Withdrawn(WithdrawalReason::Deadline);
    let home = |returned| Settlement::Withdrawn { factors: FactorSet(1), returned: money(returned) };
    let cases: Vec<(&str, Vec<Vec<CertificateEvent>>)> = vec![
        ("has no event", vec![]),
        ("has not begun", vec![sale()]),
        ("begins twice", vec![commission(), commission(), sale()]),
        ("is not sold", vec![commission()]),
        ("sold twice", vec![commission(), sale(), vec![sold(Settlement::None)]]),
        ("not in the chain", vec![vec![begun(Some(1_000)), acquired(1, 200)]]),
        ("not in the chain", vec![vec![begun(Some(1_000)), linked(ANN), acquired(0, 200)]]),
        ("used twice", vec![commission(), vec![acquired(1, 200)]]),
        ("another sum", vec![commission(), vec![sold(settled(201, 1, 799)), CertificateEvent::Settled]]),
        ("another sum", vec![commission(), vec![sold(settled(200, 2, 800)), CertificateEvent::Settled]]),
        ("another sum", vec![commission(), vec![sold(settled(200, 1, 800))]]),
        (
            "went home are not",
            vec![commission(), vec![sold(settled(200, 1, 801)), CertificateEvent::Settled]],
        ),
        (
            "more was cashed",
            vec![
                vec![begun(Some(100)), linked(ANN), acquired(1, 200)],
                vec![sold(settled(200, 1, 0)), CertificateEvent::Settled],
            ],
        ),
        ("did not go home", vec![commission(), vec![sold(home(999)), withdrawn()]]),
        ("did not go home", vec![commission(), vec![sold(home(1_000))]]),
        ("there is one", vec![commission(), vec![sold(Settlement::None)]]),
        ("ends twice", vec![commission(), vec![withdrawn(), withdrawn()]]),
        ("by no sale", vec![commission(), vec![CertificateEvent::Settled]]),
        ("nothing is to be refunded", vec![commission(), vec![refund_begun()]]),
        ("has not begun", vec![commission(), sale(), vec![refunded(10_000, 0)]]),
        ("though it is sold", vec![commission(), sale(), vec![linked(BEN)]]),
        ("though it is sold", vec![commission(), sale(), vec![CertificateEvent::ToppedUp(money(1))]]),
        ("not under way", vec![commission(), sale(), vec![CertificateEvent::RefundUndone]]),
        ("are not the price", vec![commission(), sale(), vec![refund_begun()], vec![refunded(9_999, 0)]]),
        (
            "nothing is to be refunded",
            vec![commission(), sale(), vec![refund_begun()], vec![refunded(10_000, 0)], vec![refund_begun()]],
        ),
        (
            "add up to more",
            vec![vec![begun(Some(crate::limits::MONEY_MINOR_MAX)), CertificateEvent::ToppedUp(money(1))]],
        ),
        ("has no event", vec![commission(), vec![], sale()]),
    ];
    for (words, records) in cases {
        let why = of(&records).unwrap_err().to_string();
        assert!(why.contains(words), "{words}: {why}");
    }
    let of_another = Receipt::of(ActorNumber(408), &entries(&whole_story()), &names());
    assert!(of_another.unwrap_err().to_string().contains("its offering and its serial"));
    let nameless = Receipt::of(CERTIFICATE, &entries(&whole_story()), &BTreeMap::new());
    assert!(nameless.unwrap_err().to_string().contains("has no name"));
    let mut earlier = entries(&whole_story());
    earlier[2].at = Timestamp(5);
    assert!(Receipt::of(CERTIFICATE, &earlier, &names()).unwrap_err().to_string().contains("before"));
    let mut longer = entries(&whole_story());
    longer[2].events.push(0);
    assert!(Receipt::of(CERTIFICATE, &longer, &names()).unwrap_err().to_string().contains("behind its end"));
}

#[test]
fn bytes_that_ask_for_much_are_refused_in_little_time_and_memory() {
    // Twenty thousand hops of one account, whose others are cashed ten times as often.
    let mut story = vec![vec![begun(Some(1_000))]];
    story.extend((1..=20_000).map(|hop| vec![linked(ANN), acquired(hop, 0)]));
    story.extend((20_001..=20_002).map(|hop| vec![linked(ANN), acquired(hop, 1)]));
    story.push(vec![CertificateEvent::OthersCashed(ANN); 200_000]);
    story.push(vec![sold(settled(2, 2, 998)), CertificateEvent::Settled]);
    let receipt = of(&story).unwrap();
    let begun = std::time::Instant::now();
    assert!(verified(&text(&receipt), None).is_ok());
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    let many =
        Entry { at: Timestamp(1_800_000_000_000), events: vec![253, 255, 255, 255, 255, 255, 255, 255, 255] };
    let refused = Receipt::of(CERTIFICATE, &[many], &names()).unwrap_err();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
}

#[test]
fn what_became_of_the_commission_is_told_however_it_ended() {
    let share = || vec![linked(ANN), acquired(1, 200), linked(BEN), acquired(2, 100)];
    let withdrawn = || CertificateEvent::Withdrawn(WithdrawalReason::Deadline);
    let others = CertificateEvent::OthersCashed(BEN);
    let none = || vec![sold(Settlement::None)];
    let withdraws = Settlement::Withdrawn { factors: FactorSet(1), returned: money(800) };
    let cases = [
        ("none", "0.00", "0.00", vec![vec![begun(None)], share()[..0].to_vec(), none()]),
        ("ended", "0.00", "10.00", vec![vec![begun(Some(1_000))], share(), vec![withdrawn()], none()]),
        (
            "ended",
            "2.00",
            "8.00",
            vec![vec![begun(Some(1_000))], share(), vec![others.clone(), withdrawn()], none()],
        ),
        (
            "withdrawn",
            "2.00",
            "8.00",
            vec![vec![begun(Some(1_000))], share(), vec![others.clone()], vec![sold(withdraws), withdrawn()]],
        ),
        (
            "settled",
            "3.00",
            "9.00",
            vec![
                vec![begun(Some(1_000))],
                share(),
                vec![others],
                vec![CertificateEvent::ToppedUp(money(200))],
                vec![sold(settled(100, 1, 900)), CertificateEvent::Settled],
            ],
        ),
    ];
    for (became, cashed, returned, records) in cases {
        let records: Vec<_> = records.into_iter().filter(|events| !events.is_empty()).collect();
        let found = verified(&text(&of(&records).unwrap()), None).unwrap().facts.commission;
        assert_eq!((&*found.became, &*found.cashed, &*found.returned), (became, cashed, returned));
    }
}

#[test]
fn what_was_edited_is_named_where_that_can_be_known() {
    let receipt = serde_json::to_value(of(&whole_story()).unwrap()).unwrap();
    let edited = |path: &str, value: Value| {
        let mut changed = receipt.clone();
        *changed.pointer_mut(path).unwrap() = value;
        verified(&serde_json::to_vec(&changed).unwrap(), None).unwrap_err().to_string()
    };
    let sale = receipt["chain"]["entries"][2]["events"].as_str().unwrap().to_owned();
    let cases: [(&str, Value, &[&str]); 11] = [
        (
            "/facts/price",
            json!("90.00"),
            &["the facts were changed", r#"price is "90.00", and the chain says "100.00""#],
        ),
        ("/facts/buyer/number", json!(2), &["the facts were changed"]),
        ("/facts/cashed_by/1/amount", json!("9.50"), &["the facts were changed", "cashed_by.1.amount"]),
        ("/facts/refund", Value::Null, &["the facts were changed", "refund is null"]),
        ("/facts/buyer/name", json!("ben"), &["a name in the facts was changed, or the checksum"]),
        ("/checksum", json!("00"), &["a name in the facts was changed, or the checksum"]),
        ("/chain/head", json!("00"), &["the chain was changed", "do not lead to its head"]),
        ("/chain/sequence", json!(4), &["the chain was changed", "it has 5 entries and says 4"]),
        ("/chain/entries/2/at", json!(1_800_000_120_001_u64), &["the chain was changed", "sold_at is"]),
        (
            "/chain/entries/2/events",
            json!(sale.replace("0403627579", "0403627578")),
            &["the chain was changed", "request is"],
        ),
        ("/chain/entries/1/events", json!("x"), &["the chain was changed", "entry 2 is not in hexadecimal"]),
    ];
    for (path, value, words) in cases {
        let why = edited(path, value);
        assert!(why.starts_with("was changed after it was given, or badly copied"), "{path}: {why}");
        assert!(words.iter().all(|word| why.contains(word)) && why.ends_with("get it anew"), "{path}: {why}");
    }
    let whole = text(&of(&whole_story()).unwrap());
    for end in [1, 10, whole.len() / 2, whole.len() - 1] {
        assert_eq!(verified(&whole[..end], None), Err(ReceiptError::CutOff(end)));
    }
}

#[test]
fn what_is_no_receipt_or_a_later_one_is_said() {
    let why = |text: &str| Receipt::parse(text.as_bytes()).unwrap_err();
    assert_eq!(why(r#"{"format":"hongbao receipt 2"}"#), ReceiptError::Newer("hongbao receipt 2".to_owned()));
    for text in [
        "",
        "{}",
        "[]",
        "7",
        r#"{"format":"receipt"}"#,
        r#"{"format":"hongbao receipt 0"}"#,
        "{\"format\":1}",
    ] {
        assert!(matches!(why(text), ReceiptError::NotAReceipt(_)), "{text}");
    }
    let mut value = serde_json::to_value(of(&whole_story()).unwrap()).unwrap();
    value["more"] = json!(1);
    assert!(matches!(why(&value.to_string()), ReceiptError::NotAReceipt(_)));
    assert!(parse_head(&"a".repeat(64)).is_ok() && parse_head(&"A".repeat(64)).is_ok());
    for wrong in ["", "a", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
        assert!(parse_head(wrong).is_err(), "{wrong}");
    }
}

mod fuzz {
    use super::*;
    use crate::simulator::fuzzing::{Target, fuzz};

    #[test]
    fn any_bytes_as_a_receipt_are_verified_or_refused() {
        let target = Target {
            name: "receipts",
            inputs: 20_000,
            random_bytes_max: 400,
            memory_factor: 1_024,
            take: |input| {
                // What does not match its checksum is looked at all the same, so that more than that is reached.
                let summed =
                    Receipt::parse(input).ok().and_then(|receipt| serde_json::to_value(receipt).ok());
                let summed = summed.and_then(forged).is_some_and(|text| verified(&text, None).is_ok());
                verified(input, None).is_ok() || summed
            },
        };
        fuzz(&target, &[text(&of(&whole_story()).unwrap())]);
    }
}
