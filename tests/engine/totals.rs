//! What an audit counts of gifts, of what is held, and of what came back; and where its report leaves that out.

use std::process::{Command as Process, Output};

use hongbao::domain::{
    Code, Command, Done, GiftCommand, GiftObject, GiftReference, GoodsKind, MerchantCommand, Message,
    PaymentCommand, RequestId, Serial, Timestamp, TransferCommand, Via, WhenShort, WithholdFrom,
};

use crate::house::{House, MORNING, SHARDS, buy, cents, code, name, offer};

fn id(text: &str) -> RequestId {
    RequestId::new(text).unwrap()
}

/// Sends a message of an account, which nothing may refuse; its id is its step's.
fn ask(house: &House, account: &str, step: &str, command: Command) -> Done {
    let answer = house.send(Message::from_account(account, step, command).unwrap());
    answer.unwrap_or_else(|refusal| panic!("{step} of {account}: {refusal}"))
}

fn give(house: &House, gift: &str, price: u64, object: GiftObject, expires_at: Option<Timestamp>) {
    let (recipient, merchant, price) = (name("bob"), Some(name("shop")), cents(price));
    let give = GiftCommand::Give { recipient, merchant, object, price, expires_at };
    ask(house, "ann", gift, Command::Gift(give));
}

fn tea() -> GiftObject {
    GiftObject::Goods { kind: GoodsKind::Product, description: "tea".to_owned() }
}

fn accept(gift: &str) -> Command {
    Command::Gift(GiftCommand::Accept { donor: name("ann"), gift: id(gift) })
}

fn reference(gift: &str) -> GiftReference {
    GiftReference { recipient: name("bob"), donor: name("ann"), gift: id(gift) }
}

fn withhold(gift: &str, price: u64) -> Command {
    let (order, from) = (name(gift), WithholdFrom::Gift(reference(gift)));
    Command::Merchant(MerchantCommand::Withhold { order, amount: cents(price), from })
}

/// Ann gives bob nine times, and every gift comes to another end.
fn gifts(house: &House) {
    let register = MerchantCommand::Register {
        merchant: name("shop"),
        payee: name("till"),
        supplier: None,
        when_short: WhenShort::Receivable,
    };
    let register = Message::from_funds_management("register", Command::Merchant(register)).unwrap();
    house.send(register).unwrap();
    give(house, "requested", 10, tea(), None);
    for (gift, price) in
        [("accepted", 20), ("returned", 50), ("withheld", 60), ("reversed", 70), ("provided", 80)]
    {
        give(house, gift, price, tea(), None);
        ask(house, "bob", &format!("accept {gift}"), accept(gift));
    }
    give(house, "declined", 30, tea(), None);
    let decline = GiftCommand::Decline { donor: name("ann"), gift: id("declined") };
    ask(house, "bob", "decline", Command::Gift(decline));
    give(house, "expired", 40, tea(), Some(Timestamp(MORNING + 1)));
    house.clock.set(Timestamp(MORNING + 1));
    let late = house.send(Message::from_account("bob", "late", accept("expired")).unwrap());
    assert_eq!(code(&late), Some(Code::GiftEnded));
    ask(house, "bob", "return", Command::Gift(GiftCommand::Return(reference("returned"))));
    for (gift, price) in [("withheld", 60), ("reversed", 70), ("provided", 80)] {
        ask(house, "shop", gift, withhold(gift, price));
    }
    ask(house, "shop", "provide", Command::Merchant(MerchantCommand::Provide { order: name("provided") }));
    // The till keeps 20 of its 210, and owes the rest of the 70 that go back.
    let send = TransferCommand::Send { to: name("cho"), amount: cents(190) };
    ask(house, "till", "send", Command::Transfer(send));
    let reversed = ask(
        house,
        "shop",
        "reverse",
        Command::Merchant(MerchantCommand::Reverse { order: name("reversed") }),
    );
    assert_eq!(reversed, Done::OrderReversed { paid: cents(20), owed: cents(50) });
    let certificate = GiftObject::Certificate { offering: name("lantern"), serial: Serial(1) };
    give(house, "certificate", 100, certificate, None);
    ask(house, "bob", "accept certificate", accept("certificate"));
    ask(house, "shop", "withhold certificate", withhold("certificate", 100));
}

/// Cho holds money in three ways, and one of her purchases is paid back.
fn holds(house: &House) {
    house.send(buy("cho", "buy", "lantern", Some(2))).unwrap();
    ask(house, "shop", "refund", Command::Refund { offering: name("lantern"), serial: Serial(2) });
    let (offering, serial) = (name("lantern"), Some(Serial(3)));
    ask(house, "cho", "reserve", Command::Reserve { offering, serial, via: Via::Public });
    let issue =
        PaymentCommand::Issue { amount: cents(500), beneficiary: None, not_before: None, expires_at: None };
    ask(house, "cho", "issue", Command::Payment(issue));
    let begin = TransferCommand::Begin { to: name("bob"), amount: cents(300), expires_at: None };
    ask(house, "cho", "begin", Command::Transfer(begin));
}

/// What the program's audit says of a house that is closed.
fn audited(house: &House, arguments: &[&str]) -> String {
    let data = house.folder.path().join("data");
    let mut program = Process::new(env!("CARGO_BIN_EXE_hongbao"));
    let Output { status, stdout, .. } = program.arg("audit").arg(data).args(arguments).output().unwrap();
    assert!(status.success());
    String::from_utf8(stdout).unwrap()
}

/// Fields, as the JSON has them, and what of them the report has with its words.
const FIELDS: [(&str, &str, &str); 11] = [
    ("reserved", "1", "reserved 1"),
    ("refunded", "1", "refunded 1"),
    ("gifts_given", "9", "gifts given 9"),
    ("gifts_withheld", "3", "gifts withheld 3"),
    ("gifts_home", "4", "gifts home 4"),
    ("gifts_waiting", "2", "gifts waiting 2"),
    ("held", "9.00", "held 9.00"),
    ("debts", "0.50", "debts 0.50"),
    ("gift_money", "4.60", "gift money 4.60"),
    ("gift_money_withheld", "2.40", "gift money withheld 2.40"),
    ("gift_money_home", "1.90", "gift money home 1.90"),
];

// T9, T14, T16, F6, F7, K4, D46
#[test]
fn an_audit_counts_gifts_by_their_end_and_money_that_is_held_or_owed() {
    for shards in SHARDS {
        for busy in [false, true] {
            let mut house = House::new(shards);
            house.open_accounts(["ann", "bob", "cho"].map(str::to_owned), 10_000);
            house.open_accounts(["till".to_owned()], 0);
            let mut offered = offer(4, 100);
            offered.reservable_ms = Some(60_000);
            house.sell("lantern", offered);
            if busy {
                gifts(&house);
                holds(&house);
            }
            house.engine().close().unwrap();
            house.drop_engine();
            let json: serde_json::Value = serde_json::from_str(&audited(&house, &["--json"])).unwrap();
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            let report: Vec<String> = audited(&house, &[]).lines().map(words).collect();
            for (field, wanted, row) in FIELDS {
                let wanted = match (busy, wanted.contains('.')) {
                    (true, _) => wanted,
                    (false, true) => "0.00",
                    (false, false) => "0",
                };
                let found = json[field].as_str().map_or_else(|| json[field].to_string(), str::to_owned);
                assert_eq!(found, wanted, "{field}, {shards} shards");
                assert_eq!(report.contains(&row.to_owned()), busy, "{row}, {shards} shards: {report:#?}");
                let label = row.trim_end_matches(|letter: char| !letter.is_alphabetic());
                let rows = report
                    .iter()
                    .filter(|line| line.trim_end_matches(|letter: char| !letter.is_alphabetic()) == label);
                assert_eq!(rows.count(), usize::from(busy), "{label}, {shards} shards: {report:#?}");
            }
            // What waits of gifts is earmarked.
            assert_eq!(json["earmarked"], if busy { "0.30" } else { "0.00" }, "{shards} shards");
        }
    }
}
