//! What happens on the market's day.

use hongbao::domain::{
    Acquiring, BasisPoints, Cashing, CheckPoint, Clawback, Code, CommissionTerms, Condition, Display,
    Increase, IncreasePolicy, Message, Offer, PaidFrom, StatusChange, Take, Timestamp, Via, WhenShort,
};

use super::messages::*;
use super::{ACCOUNTS, LIMIT, RESERVED_MS, SECOND, Step, WINDOW, each, one, refused, together};

pub fn opening() -> Vec<Step> {
    let mut steps = vec![together(ACCOUNTS.map(|(account, code, deposit)| open(account, code, deposit)))];
    steps.extend(each([
        open_on_credit("lender", "USD", 10_000),
        open_itself("selfmade", "USD"),
        deposit("bob", 500),
        cash_out("bob", 200),
        set_credit_limit("cho", 300),
        send_money("lender", "selfmade", 700),
        accept_gifts("bea"),
        register("mall", "mall till", WhenShort::Refuse),
        register("old mall", "till", WhenShort::Receivable),
        issue_payment("shop", "backing", 300, None, None),
    ]));
    steps
}

/// The factors of a condition that alone never hold today.
fn never() -> Condition {
    Condition {
        times: None,
        amount: None,
        share_of_price: None,
        displayed_ms: None,
        at_least: 1,
        check_point: CheckPoint::AfterIncrease,
        prompt_ratio: share(8_000),
    }
}

fn share(basis_points: u32) -> BasisPoints {
    BasisPoints::new(basis_points).unwrap()
}

fn terms(funded: u64, attached: u64) -> CommissionTerms {
    CommissionTerms::new(minor(funded), minor(attached))
}

pub fn selling() -> Vec<Step> {
    let usd = |product, price, items| Offer { payers: vec![name("payer")], ..offer(product, price, items) };
    let stall = |product, items| Offer { payee: name("stall"), ..usd(product, 300, items) };
    let receivable =
        |offer| Offer { clawback: Clawback::Receivable, when_short: WhenShort::Receivable, ..offer };
    let flexible = Offer { reservable_ms: Some(RESERVED_MS), ..receivable(usd("tea", 500, 6)) };
    let own = |account: &str, code, product, price| Offer {
        payee: name(account),
        currency: currency(code),
        ..usd(product, price, 2)
    };
    let mut steps = each([
        issue("lantern", Offer { clawback: Clawback::Reserve, ..usd("lantern", 700, 14) }),
        issue("kettle", Offer { cap: Some(2), ..usd("kettle", 400, 3) }),
        issue("drum", Offer { window: WINDOW, ..usd("drum", 250, 2) }),
        issue("silk", usd("silk", 900, 2)),
        issue("tea", flexible),
        issue("rugs", receivable(usd("rug", 500, 2))),
        issue("maize", usd("maize", 200, 3)),
        issue("expiring", Offer { expires_at: Some(Timestamp(LIMIT)), ..usd("expiring", 100, 3) }),
        issue("withdrawn", usd("withdrawn", 100, 2)),
        issue("shown", usd("shown", 100, 1)),
        issue("duo", usd("duo", 100, 2)),
        issue("bells", usd("bells", 100, 1)),
        issue("gongs", usd("gongs", 100, 2)),
        issue("cups", Offer { when_short: WhenShort::Receivable, ..stall("cup", 4) }),
        issue("plates", stall("plate", 1)),
        issue("coming", usd("coming", 100, 5)),
        issue_by("ryo", "kaiseki", Offer { payers: Vec::new(), ..own("ryo", "JPY", "dinner", 9_000) }),
        issue_by("sami", "oud", Offer { payers: Vec::new(), ..own("sami", "KWD", "oud", 12_345) }),
    ]);
    steps.push(refused(Code::InsufficientFunds, attach("payer", "gongs", terms(90_000, 100))));
    steps.extend(each(attaching()));
    steps.extend(each([
        publish_by("shop", "drum", Display::Snapshot),
        publish_by("shop", "tea", Display::AcquisitionInformation),
        publish_by("ryo", "kaiseki", Display::Certificate),
        publish_by("sami", "oud", Display::Certificate),
    ]));
    let plain =
        ["lantern", "rugs", "kettle", "silk", "maize", "expiring", "withdrawn", "shown", "duo", "bells"];
    steps.extend(each(plain.into_iter().chain(["gongs", "cups", "plates"]).map(publish)));
    steps
}

/// Every policy, increase, way to take and time of cashing.
fn attaching() -> Vec<Message> {
    let kettle = CommissionTerms {
        policy: IncreasePolicy::NonFirst,
        acquiring: Acquiring::Manual,
        take: Take::Amount(minor(30)),
        cashing: Cashing::Immediate,
        ..terms(200, 60)
    };
    let all_factors = Condition {
        times: Some(9),
        amount: Some(minor(900)),
        share_of_price: Some(share(9_000)),
        displayed_ms: Some(9_000_000),
        at_least: 2,
        ..never()
    };
    let drum = CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Preset(minor(5)),
        take: Take::Share(share(5_000)),
        condition: Some(all_factors),
        ..terms(12, 4)
    };
    let (least, most) = (minor(1), minor(9));
    let silk = CommissionTerms {
        policy: IncreasePolicy::EveryCommand,
        increase: Increase::Random { min: least, max: most },
        take: Take::Random { min: least, max: most },
        ..terms(100, 20)
    };
    let tea = CommissionTerms { take: Take::Split { hops: 3 }, ..terms(90, 60) };
    let expiring = CommissionTerms { expires_at: Some(Timestamp(LIMIT)), ..terms(40, 10) };
    let twice = Condition { times: Some(2), check_point: CheckPoint::BeforeIncrease, ..never() };
    let shown = Condition { displayed_ms: Some(600 * SECOND), prompt_ratio: share(5_000), ..never() };
    vec![
        attach("payer", "lantern", terms(500, 100)),
        attach("payer", "rugs", terms(100, 40)),
        attach("shop", "kettle", kettle),
        attach("shop", "drum", drum),
        attach("shop", "silk", silk),
        attach("payer", "tea", tea),
        attach_backed("shop", "maize", terms(100, 40), "backing"),
        attach("shop", "expiring", expiring),
        attach("shop", "withdrawn", CommissionTerms { condition: Some(twice), ..terms(60, 20) }),
        attach("shop", "shown", CommissionTerms { condition: Some(shown), ..terms(60, 20) }),
        attach("ryo", "kaiseki", terms(500, 100)),
        attach("sami", "oud", terms(1_500, 500)),
    ]
}

pub fn sharing() -> Vec<Step> {
    let page_of = |account| Via::PrivatePage(name(account));
    let mut steps = each([
        circulate("ann", "lantern", 1),
        circulate_via("bob", "lantern", 1, page_of("ann")),
        circulate_via("cho", "lantern", 1, Via::Link),
        circulate("dan", "lantern", 0),
        circulate("ann", "lantern", 2),
        circulate("selfmade", "lantern", 2),
        circulate("ann", "kettle", 1),
        acquire("ann", "kettle", 1),
        circulate("bob", "kettle", 1),
        acquire("bob", "kettle", 1),
        circulate("ann", "drum", 1),
        circulate("bob", "drum", 1),
        circulate("cho", "drum", 1),
        circulate("ann", "silk", 1),
        circulate("bob", "silk", 1),
        circulate("ann", "tea", 1),
        circulate("bob", "tea", 1),
        circulate("spender", "rugs", 1),
        circulate("ann", "maize", 1),
        circulate("ann", "maize", 2),
        circulate("ann", "expiring", 1),
        circulate("ann", "withdrawn", 1),
        circulate("bob", "withdrawn", 1),
        circulate("cho", "withdrawn", 1),
        circulate("ann", "shown", 1),
        circulate("ann", "duo", 1),
        circulate("ann", "duo", 2),
        circulate("bob", "duo", 0),
        circulate("yui", "kaiseki", 1),
        circulate("badr", "oud", 1),
        top_up("payer", "lantern", 1, 50),
        top_up("payer", "lantern", 14, 25),
    ]);
    // From now on `bob` is linked to both chains of `duo`, so none in turn takes him.
    steps.push(one(circulate("bob", "duo", 2)));
    steps.push(refused(Code::AlreadyLinked, circulate("bob", "duo", 0)));
    steps.push(refused(Code::CommissionEnded, top_up("shop", "withdrawn", 1, 5)));
    steps
}

pub fn buying() -> Vec<Step> {
    let crowd = ["b1", "b2", "b3", "b4", "b5", "b6", "买家"].map(|buyer| purchase(buyer, "lantern", 0));
    let mut steps = vec![together(crowd), refused(Code::InsufficientFunds, purchase("poor", "lantern", 0))];
    steps.extend(each([
        purchase("cho", "lantern", 1),
        purchase_via("b7", "lantern", 2, Via::PrivatePage(name("ann"))),
        purchase("b7", "kettle", 1),
        purchase("b7", "kettle", 2),
    ]));
    steps.push(refused(Code::CapReached, purchase("b7", "kettle", 3)));
    steps.extend(each([
        purchase("b8", "drum", 1),
        purchase("b8", "silk", 1),
        purchase("b8", "maize", 1),
        purchase("dan", "withdrawn", 1),
        purchase("yui", "kaiseki", 1),
        purchase("badr", "oud", 0),
        reserve("cho", "tea", 1),
        pay_reservation("cho", "tea", 1),
        reserve("bob", "tea", 2),
        cancel_reservation("bob", "tea", 2),
        reserve("dan", "tea", 4),
        purchase("b9", "rugs", 1),
    ]));
    steps.push(refused(Code::InsufficientFunds, reserve("poor", "tea", 0)));
    steps
}

/// One is left, and who asks first cannot pay: the second waits, and is served.
pub fn waiting_in_line() -> Vec<Step> {
    let buyers = ["poor", "eve", "b1", "b2"];
    let mut line = together(buyers.map(|buyer| purchase(buyer, "bells", 0)));
    line[0].1 = Some(Code::InsufficientFunds);
    line[2].1 = Some(Code::SoldOut);
    line[3].1 = Some(Code::SoldOut);
    vec![line, together(["b3", "b4"].map(|buyer| purchase(buyer, "gongs", 0)))]
}

pub fn payments() -> Vec<Step> {
    each([
        issue_payment("bob", "to spend", 800, None, None),
        purchase_from("bob", "lantern", 0, PaidFrom::PaymentCertificate(id("to spend"))),
        issue_payment("ann", "released", 50, Some("dan"), None),
        receive("dan", payment("ann", "released")),
        release(payment("ann", "released"), 30),
        issue_payment("ann", "received", 50, Some("dan"), None),
        receive("dan", payment("ann", "received")),
        issue_payment("ann", "issued", 50, Some("dan"), None),
        issue_payment("ann", "rejected", 50, Some("dan"), None),
        reject("dan", payment("ann", "rejected")),
        issue_payment("ann", "void", 50, Some("dan"), None),
        void_payment(payment("ann", "void")),
        issue_payment("ann", "lapsed", 50, Some("dan"), Some(LIMIT)),
        begin_transfer("ann", "posted", "bob", 9, None),
        post_transfer("ann", "posted", 8),
        begin_transfer("ann", "voided", "bob", 9, None),
        void_transfer("ann", "voided"),
        begin_transfer("ann", "pending", "bob", 9, None),
        begin_transfer("ann", "too late", "bob", 9, Some(LIMIT)),
    ])
}

pub fn gifts() -> Vec<Step> {
    let present = |gift, end| give(gift, "bob", goods(), 60, end);
    let mut steps = each([
        present("waiting", None),
        present("accepted", None),
        present("declined", None),
        present("expired", Some(LIMIT)),
        present("returned", None),
        present("sent back", None),
        present("withheld", None),
        present("provided", None),
        present("reversed", None),
        present("half reversed", None),
        give("lantern 12", "bob", certificate("lantern", 12), 700, None),
        give("lantern 13", "bob", certificate("lantern", 13), 700, None),
        give("by itself", "bea", goods(), 70, None),
        give("for bea", "bea", goods(), 80, None),
        decline("bob", "declined"),
    ]);
    let accepted = ["accepted", "returned", "sent back", "withheld", "provided", "reversed", "half reversed"];
    steps.extend(each(accepted.into_iter().chain(["lantern 12", "lantern 13"]).map(|it| accept("bob", it))));
    steps.extend(each([
        return_gift("bob", gift("bob", "returned")),
        return_gift("mall", gift("bob", "sent back")),
        withhold("order 1", 60, gift("bob", "withheld")),
        withhold("order 1", 60, gift("bob", "withheld")),
        withhold("order 2", 60, gift("bob", "provided")),
        provide("order 2"),
        withhold("order 3", 60, gift("bob", "reversed")),
        reverse("order 3"),
        withhold("order 4", 60, gift("bob", "half reversed")),
        withhold("order 5", 700, gift("bob", "lantern 12")),
        purchase_from("bob", "lantern", 13, PaidFrom::Gift { donor: name("ann"), gift: id("lantern 13") }),
        withhold("order 6", 80, gift("bea", "for bea")),
        grant("cho", "monthly", 100, 50),
        withhold_by_mandate("order 7", 40, "cho", "monthly"),
        provide("order 7"),
        withhold_by_mandate("order 9", 10, "cho", "monthly"),
        reverse("order 9"),
        grant("dan", "revoked", 100, 50),
        revoke("dan", "revoked"),
    ]));
    steps.push(refused(Code::OutsideMandate, withhold_by_mandate("order 8", 60, "cho", "monthly")));
    steps
}

pub fn refunds() -> Vec<Step> {
    let mut steps = each([
        refund("lantern", 1),
        refund("tea", 1),
        cash_out("spender", 40),
        refund("rugs", 1),
        purchase("cho", "plates", 1),
        cash_out("stall", 300),
    ]);
    steps.push(refused(Code::PayeeShort, refund("plates", 1)));
    steps.extend(each([
        purchase("ann", "cups", 1),
        cash_out("stall", 200),
        refund("cups", 1),
        // Two thirds of it pay the debt to `ann`.
        purchase("bob", "cups", 2),
        cash_out("stall", 100),
        refund("cups", 2),
        reserve("cho", "tea", 3),
    ]));
    // What is left of orders 1, 2, 4, 6 and 7.
    steps.push(one(cash_out("mall till", 300)));
    steps.push(refused(Code::PayeeShort, reverse("order 4")));
    steps.extend(each([register("mall", "mall till", WhenShort::Receivable), reverse("order 4")]));
    steps
}

pub fn leaving() -> Vec<Step> {
    each([
        unregister("old mall"),
        status("frosty", StatusChange::Freeze),
        status("eve", StatusChange::Freeze),
        status("eve", StatusChange::Unfreeze),
        status("leaver", StatusChange::Close),
    ])
}
