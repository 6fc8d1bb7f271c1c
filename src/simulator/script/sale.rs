//! A sale: issuing, attaching, circulating, acquiring, buying, the line, the deadline.

use super::Phase;
use crate::domain::{
    Acquiring, BasisPoints, Caller, Cashing, CheckPoint, Command, CommissionTerms, Condition, Currency,
    Increase, IncreasePolicy, Information, Message, Money, Name, Offer, RequestId, Serial, Take, Timestamp,
    Via, Window,
};

/// When the commission of the tents goes home.
const DEADLINE: Timestamp = Timestamp(5_000);

/// When the tents are sold: a timer opens the window before the first is bought, and closes it when all are.
const WINDOW: Window = Window { opens: Some(Timestamp(1_055)), closes: Some(Timestamp(6_005)) };

/// Everything that is sent, phase by phase.
pub(super) fn phases() -> Vec<Phase> {
    let messages = [
        (1_000, opening()),
        (1_010, issuing()),
        (1_020, attaching()),
        (1_030, sharing()),
        (1_040, sharing_on()),
        (1_050, acquiring()),
        (1_060, the_line()),
        (1_070, buying()),
        (6_000, after_the_deadline()),
        (6_010, looking_back()),
    ];
    messages.into_iter().map(|(now, messages)| Phase { now: Timestamp(now), messages }).collect()
}

/// Accounts, and suppliers in such haste that they issue before they know that they are open.
fn opening() -> Vec<Message> {
    let open = |account: &str, deposit| {
        let (account, deposit, currency) = (name(account), money(deposit), usd());
        let id = format!("open {account}");
        funds(&id, Command::OpenAccount { account, currency, deposit, credit_limit: Money::ZERO })
    };
    let mut messages =
        vec![open("hal", 0), issue_own("hal", "mats"), open("ida", 0), issue_own("ida", "rugs")];
    let accounts = [
        ("supplier", 1_000),
        ("payee", 0),
        ("payer", 2_000),
        ("poor", 10),
        ("ann", 1_000),
        ("bob", 1_000),
        ("cid", 1_000),
        ("dan", 20),
        ("eve", 1_000),
        ("fay", 30),
    ];
    messages.extend(accounts.map(|(account, deposit)| open(account, deposit)));
    messages.push(issue("lamps", 3, 100, Some(1)));
    messages.push(look_at("ann", "ann looks"));
    // The same name by another request, and the same request with another body.
    let own = Command::OpenAccount {
        account: name("bob"),
        currency: usd(),
        deposit: Money::ZERO,
        credit_limit: Money::ZERO,
    };
    messages.push(by("bob", "bob again", own));
    messages.push(open("payee", 5));
    messages
}

fn issuing() -> Vec<Message> {
    vec![
        issue_own("hal", "mats"),
        issue_own("ida", "rugs"),
        issue("lamps", 3, 100, Some(1)),
        issue("chairs", 2, 200, None),
        issue("bells", 1, 300, None),
        issue_by("supplier", "tents", tents()),
        publish("lamps"),
        look_at("supplier", "supplier looks"),
    ]
}

/// The poor payer is refused inside its walk; the rich one waits for that and is served.
fn attaching() -> Vec<Message> {
    let plain =
        CommissionTerms { take: Take::Amount(money(40)), ..CommissionTerms::new(money(150), money(100)) };
    let immediate = CommissionTerms {
        funded: money(120),
        attached: money(60),
        policy: IncreasePolicy::NonFirst,
        take: Take::Amount(money(30)),
        cashing: Cashing::Immediate,
        ..plain.clone()
    };
    let condition = Condition {
        times: Some(2),
        amount: None,
        share_of_price: None,
        displayed_ms: None,
        at_least: 1,
        check_point: CheckPoint::BeforeIncrease,
        prompt_ratio: BasisPoints::new(5_000).unwrap(),
    };
    // Long after the last phase it would be met; from 2,020 milliseconds on it is almost met, by time alone.
    let shown = Condition {
        times: None,
        displayed_ms: Some(100_000),
        prompt_ratio: BasisPoints::new(100).unwrap(),
        ..condition.clone()
    };
    let shown = CommissionTerms { condition: Some(shown), ..plain.clone() };
    let withdrawn = CommissionTerms {
        funded: money(90),
        attached: money(30),
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(money(5)),
        acquiring: Acquiring::Manual,
        take: Take::Share(BasisPoints::new(5_000).unwrap()),
        condition: Some(condition),
        ..plain.clone()
    };
    let expiring = CommissionTerms {
        funded: money(80),
        attached: money(40),
        take: Take::Amount(money(10)),
        expires_at: Some(DEADLINE),
        ..plain.clone()
    };
    vec![
        publish("lamps"),
        publish("chairs"),
        publish("bells"),
        publish("tents"),
        publish_own("hal", "mats"),
        publish_own("ida", "rugs"),
        attach("poor", "lamps", &shown),
        attach("payer", "lamps", &shown),
        attach("supplier", "chairs", &immediate),
        attach("payer", "bells", &withdrawn),
        attach("payer", "tents", &expiring),
        look_at("payer", "payer looks"),
        look_at("poor", "poor looks"),
    ]
}

/// One circulation on each certificate, and a buyer who cannot pay for one that nobody has touched.
fn sharing() -> Vec<Message> {
    vec![
        circulate("ann", "lamps", Some(1)),
        circulate("bob", "lamps", Some(2)),
        buy("dan", "dan tries", "lamps", Some(3), Via::Public),
        circulate("cid", "chairs", Some(1)),
        circulate("ann", "bells", Some(1)),
        circulate("bob", "tents", Some(1)),
        by("eve", "eve looks at lamps", Command::ShowOffering { offering: name("lamps") }),
    ]
}

fn sharing_on() -> Vec<Message> {
    vec![
        circulate("bob", "lamps", Some(1)),
        circulate("ann", "lamps", Some(2)),
        circulate("eve", "lamps", None),
        circulate("bob", "chairs", Some(1)),
        circulate("cid", "bells", Some(1)),
        circulate("cid", "tents", Some(1)),
        // A repeat, under way together with what it repeats.
        circulate("ann", "lamps", Some(2)),
        look_at("cid", "cid looks"),
    ]
}

fn acquiring() -> Vec<Message> {
    let acquire = Command::Acquire { offering: name("bells"), serial: Serial(1) };
    vec![
        by("ann", "ann acquires", acquire.clone()),
        by("ann", "ann acquires", acquire),
        circulate("cid", "lamps", None),
        look_at_certificate("bob", "lamps", 2),
    ]
}

/// The first cannot pay for the only bell, the second waits and is served, the third is sold out; the money
/// of the buyer of phase four comes now, so that its old debit would go through if it came again.
fn the_line() -> Vec<Message> {
    vec![
        buy("fay", "fay tries", "bells", Some(1), Via::Public),
        buy("bob", "bob buys", "bells", None, Via::Public),
        buy("cid", "cid buys", "bells", None, Via::Public),
        deposit("dan", "first", 200),
        look_at("fay", "fay looks"),
    ]
}

fn buying() -> Vec<Message> {
    vec![
        deposit("fay", "first", 400),
        deposit("poor", "first", 900),
        buy("dan", "dan buys", "lamps", Some(3), Via::Public),
        buy("cid", "cid buys", "lamps", Some(1), Via::Link),
        buy("ann", "ann buys", "chairs", Some(1), Via::PrivatePage(name("bob"))),
        buy("eve", "eve buys", "chairs", Some(2), Via::Public),
        buy("eve", "eve buys", "mats", None, Via::Public),
        buy("bob", "bob buys", "rugs", None, Via::Public),
        deposit("fay", "first", 400),
        // The id of a hop with another body.
        by(
            "ann",
            "ann shares lamps 1",
            Command::Circulate { offering: name("lamps"), serial: Some(Serial(1)), via: Via::Link },
        ),
        look_at("payee", "payee looks"),
    ]
}

/// Expiry is found by whoever comes first: at a living certificate, and at the offering.
fn after_the_deadline() -> Vec<Message> {
    vec![
        circulate("ann", "tents", Some(1)),
        buy("eve", "eve buys", "tents", Some(2), Via::Public),
        buy("fay", "fay tries", "bells", Some(1), Via::Public),
        buy("poor", "poor buys", "lamps", Some(2), Via::Public),
        buy("cid", "cid wants two", "lamps", Some(2), Via::Public),
    ]
}

fn looking_back() -> Vec<Message> {
    let payee = || name("payee");
    vec![
        funds("cash out", Command::CashOut { account: payee(), amount: money(70) }),
        funds("too much", Command::CashOut { account: payee(), amount: money(50_000) }),
        funds("credit", Command::SetCreditLimit { account: name("fay"), credit_limit: money(60) }),
        circulate("eve", "lamps", Some(1)),
        buy("bob", "bob wants more", "bells", None, Via::Public),
        buy("eve", "eve wants one", "chairs", Some(1), Via::Public),
        attach_again(),
        look_at_certificate("eve", "tents", 1),
        look_at_certificate("eve", "lamps", 1),
        look_at("payer", "payer looks back"),
        look_at("dan", "dan looks back"),
        by("ann", "ann looks back", Command::ShowOffering { offering: name("bells") }),
    ]
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn money(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn by(account: &str, id: &str, command: Command) -> Message {
    Message::from_account(account, id, command).unwrap()
}

fn funds(id: &str, command: Command) -> Message {
    Message { caller: Caller::FundsManagement, request_id: RequestId::new(id).unwrap(), command }
}

fn deposit(account: &str, id: &str, amount: u64) -> Message {
    funds(id, Command::Deposit { account: name(account), amount: money(amount) })
}

fn look_at(account: &str, id: &str) -> Message {
    by(account, id, Command::ShowAccount { account: name(account) })
}

fn look_at_certificate(account: &str, offering: &str, serial: u32) -> Message {
    let id = format!("{account} looks at {offering} {serial}");
    by(
        account,
        &id,
        Command::ShowCertificate { offering: name(offering), serial: Serial(serial), from_hop: 1 },
    )
}

fn issue(offering: &str, items: u32, price: u64, cap: Option<u32>) -> Message {
    let payers = vec![name("payer"), name("poor")];
    issue_by("supplier", offering, Offer { items, cap, payers, ..offer("payee", offering, price) })
}

fn tents() -> Offer {
    let payers = vec![name("payer"), name("poor")];
    Offer { items: 2, payers, window: WINDOW, ..offer("payee", "tents", 150) }
}

/// One item, whose supplier is its payee.
fn issue_own(supplier: &str, offering: &str) -> Message {
    issue_by(supplier, offering, offer(supplier, offering, 45))
}

fn issue_by(supplier: &str, offering: &str, offer: Offer) -> Message {
    let command = Command::Issue { offering: name(offering), offer: Box::new(offer) };
    by(supplier, &format!("issue {offering}"), command)
}

fn offer(payee: &str, product: &str, price: u64) -> Offer {
    Offer::new(name(payee), money(price), usd(), 1, Information::new(product, "at once"))
}

fn publish(offering: &str) -> Message {
    publish_own("supplier", offering)
}

fn publish_own(supplier: &str, offering: &str) -> Message {
    by(supplier, &format!("publish {offering}"), Command::publish(name(offering)))
}

fn attach(payer: &str, offering: &str, terms: &CommissionTerms) -> Message {
    let id = format!("{payer} attaches to {offering}");
    by(payer, &id, Command::attach_commission(name(offering), terms.clone()))
}

/// Once more by somebody else, when it is too late.
fn attach_again() -> Message {
    let terms =
        CommissionTerms { policy: IncreasePolicy::NonFirst, ..CommissionTerms::new(money(9), money(9)) };
    by("supplier", "too late", Command::attach_commission(name("lamps"), terms))
}

fn circulate(account: &str, offering: &str, serial: Option<u32>) -> Message {
    let which = serial.map_or("any".to_owned(), |serial| serial.to_string());
    let id = format!("{account} shares {offering} {which}");
    by(
        account,
        &id,
        Command::Circulate { offering: name(offering), serial: serial.map(Serial), via: Via::Public },
    )
}

fn buy(account: &str, id: &str, offering: &str, serial: Option<u32>, via: Via) -> Message {
    by(account, id, Command::purchase(name(offering), serial.map(Serial), via))
}
