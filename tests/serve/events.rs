//! The feed: what has happened, in its order, without gap or repeat, to whom it concerns.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::open_the_mall;
use crate::server::{JSON, Server, Store};

/// A listener.
pub struct Listener(BufReader<TcpStream>);

impl Listener {
    pub fn to(server: &Server, key: &str, query: &str, last: &str) -> Listener {
        let address = server.address.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let last = if last.is_empty() { String::new() } else { format!("Last-Event-ID: {last}\r\n") };
        let asked =
            format!("GET /v1/events{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{last}\r\n");
        connection.write_all(asked.as_bytes()).unwrap();
        let mut lines = BufReader::new(connection);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        Listener(lines)
    }

    /// The next event; none at the end.
    pub fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }

    fn take(&mut self, events: usize) -> Vec<Value> {
        (0..events).map(|_| self.next().unwrap()).collect()
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_purchase_is_told_to_whom_it_concerns() {
    let store = Store::new();
    let key = |role: &str, account: &str| store.key(&[role, "--account", account]);
    let (ann, ben) = (key("account", "ann"), key("account", "ben"));
    let mall = key("supplier", "mall");
    let server = store.serve();
    open_the_mall(&server, 2, &["ann", "ben", "eve"]);
    let mut everything = Listener::to(&server, &server.key, "", "");
    let mut of_ann = Listener::to(&server, &ann, "", "");
    let mut of_ben = Listener::to(&server, &ben, "", "");
    let mut of_mall = Listener::to(&server, &mall, "?types=certificate.sold,certificate.fulfil", "");
    server.done("/v1/offerings/teapot/circulations", "share", "ann", "");
    server.done("/v1/offerings/teapot/certificates/1/purchases", "buy", "eve", "");
    server.done("/v1/transfers", "send", "ann", r#"{"to":"ben","amount":"1.00","currency":"USD"}"#);
    let all = everything.take(6);
    let mut sorted = types(&all);
    sorted.sort_unstable();
    let credited = "account.credited";
    assert_eq!(sorted, [credited, credited, credited, credited, "certificate.fulfil", "certificate.sold"]);
    let sold = all.iter().find(|event| event["type"] == "certificate.sold").unwrap();
    assert_eq!(sold["subject"], "/v1/offerings/teapot/certificates/1");
    assert_eq!(
        sold["data"],
        json!({
            "offering": "teapot", "serial": 1, "buyer": "eve", "payee": "mall", "price": "100.00", "currency": "USD",
        })
    );
    assert_eq!((&sold["specversion"], &sold["source"]), (&json!("1.0"), &json!("urn:hongbao")));
    let commission = of_ann.next().unwrap();
    assert_eq!(
        (&commission["type"], &commission["data"]["reason"]),
        (&json!(credited), &json!("commission"))
    );
    assert_eq!(commission["data"]["amount"], "2.00");
    // Nothing of the purchase concerned ben.
    let transfer = of_ben.next().unwrap();
    assert_eq!(
        (&transfer["data"]["account"], &transfer["data"]["reason"]),
        (&json!("ben"), &json!("transfer"))
    );
    let own = of_mall.take(2);
    assert_eq!(types(&own), ["certificate.sold", "certificate.fulfil"]);
    assert_eq!(own[1]["data"]["buyer"], "eve");
    // A listener keeps nobody from ending.
    assert!(server.end());
    assert_eq!(everything.next(), None);
}

#[test]
fn the_feed_goes_on_behind_the_last_id_also_after_a_kill() {
    let store = Store::new();
    let operator = store.key(&["operator"]);
    let server = store.serve();
    open_the_mall(&server, 40, &["ann", "eve"]);
    let money = json!({ "amount": "50000.00", "currency": "USD" });
    server.done("/v1/accounts/eve/deposits", "rich", "", &money.to_string());
    let mut listener = Listener::to(&server, &operator, "?after=0", "");
    let buy = |server: &Server, number: u32| {
        server.done("/v1/offerings/teapot/circulations", &format!("share {number}"), "ann", "");
        let path = format!("/v1/offerings/teapot/certificates/{number}/purchases");
        server.done(&path, &format!("buy {number}"), "eve", "");
    };
    (1..=10).for_each(|number| buy(&server, number));
    // Three openings and a deposit have happened before; each purchase tells of its sale, its payment, and of three credits.
    let before = listener.take(34);
    server.kill();
    drop(listener);
    let server = store.serve();
    let last = ids(&before).pop().unwrap();
    let mut listener = Listener::to(&server, &operator, "", &last);
    (11..=20).for_each(|number| buy(&server, number));
    let behind = listener.take(70);
    let mut together = ids(&before);
    together.extend(ids(&behind));
    let mut whole = Listener::to(&server, &operator, "?after=0", "");
    assert_eq!(ids(&whole.take(104)), together, "there is no gap and no repeat");
    let sold = behind.iter().chain(&before).filter(|event| event["type"] == "certificate.sold").count();
    assert_eq!(sold, 20);
    let only = "?after=0&types=certificate.sold&subject=/v1/offerings/teapot/certificates/2";
    let subjects: Vec<Value> = Listener::to(&server, &operator, only, "")
        .take(2)
        .into_iter()
        .map(|event| event["subject"].clone())
        .collect();
    let subject = |serial: u32| json!(format!("/v1/offerings/teapot/certificates/{serial}"));
    assert_eq!(subjects, [subject(2), subject(20)]);
    assert!(server.end());
}

#[test]
fn a_gift_and_its_order_are_told_to_the_product_server() {
    let store = Store::new();
    let key = store.key(&["product-server", "--account", "mall"]);
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "ben"]);
    server.done("/v1/merchants/mall/register", "register", "", r#"{"payee":"mall"}"#);
    let mut listener =
        Listener::to(&server, &key, "?types=gift.changed,order.provide,order.do_not_provide", "");
    let gift = json!({
        "recipient": "ben", "merchant": "mall", "price": "5.00", "currency": "USD",
        "object": { "goods": { "kind": "service", "description": "a haircut" } },
    });
    server.done("/v1/gifts", "gift", "ann", &gift.to_string());
    server.done("/v1/gifts/ann/gift/accept", "accept", "ben", "");
    let accepted = listener.take(2);
    let states: Vec<&Value> = accepted.iter().map(|event| &event["data"]["state"]).collect();
    assert_eq!(states, [&json!("requested"), &json!("accepted")]);
    let order = json!({
        "order": "17", "amount": "5.00", "currency": "USD",
        "from": { "gift": { "recipient": "ben", "donor": "ann", "gift": "gift" } },
    });
    server.done("/v1/orders", "withhold", "mall", &order.to_string());
    let told = listener.take(2);
    assert_eq!(types(&told), ["gift.changed", "order.provide"]);
    assert_eq!(
        told[1]["data"],
        json!({ "merchant": "mall", "order": "17", "recipient": "ben", "amount": "5.00", "currency": "USD" })
    );
    assert!(server.end());
}

#[test]
fn who_is_told_nothing_moves_on_and_a_revoked_key_hears_no_more() {
    let store = Store::new();
    let ben = store.key(&["account", "--account", "ben"]);
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "ben", "eve"]);
    let mut listener = Listener::to(&server, &ben, "?after=0", "");
    server.done("/v1/transfers", "send", "ann", r#"{"to":"eve","amount":"1.00","currency":"USD"}"#);
    // Nothing of this is ben's; the id that comes by itself lies behind it.
    let mut line = String::new();
    while !line.starts_with("id: ") {
        line.clear();
        assert_ne!(listener.0.read_line(&mut line).unwrap(), 0);
    }
    let id = line.trim().strip_prefix("id: ").unwrap().to_owned();
    let mut again = Listener::to(&server, &ben, "", &id);
    server.done("/v1/transfers", "send 2", "ann", r#"{"to":"ben","amount":"1.00","currency":"USD"}"#);
    assert_eq!(again.next().unwrap()["data"]["account"], "ben");
    let head = server.ask("HEAD", "/v1/events", &[("Authorization", &*format!("Bearer {ben}"))], b"");
    assert_eq!((head.status, &*head.text), (200, ""));
    store.keys(&["revoke", ben.split('_').nth(1).unwrap()]);
    assert_eq!(again.next(), None);
    assert!(server.end());
}

#[test]
fn what_cannot_be_read_is_said() {
    let store = Store::new();
    let server = store.serve();
    open_the_mall(&server, 1, &["ann"]);
    let refused = |query: &str| server.get(&format!("/v1/events{query}")).problem();
    assert_eq!(refused("?after=nonsense"), (400, "malformed".to_owned(), "after".to_owned()));
    assert_eq!(refused("?after=99999999.0"), (400, "malformed".to_owned(), "after".to_owned()));
    assert_eq!(refused("?types=weather"), (400, "malformed".to_owned(), "types".to_owned()));
    assert_eq!(refused("?since=0"), (400, "malformed".to_owned(), "since".to_owned()));
    assert_eq!(server.ask("GET", "/v1/events", &[], b"").status, 401);
    assert!(server.end());
}

#[test]
fn money_from_outside_is_told_to_its_account() {
    let store = Store::new();
    let ann = store.key(&["account", "--account", "ann"]);
    let server = store.serve();
    open_the_mall(&server, 1, &["ann", "ben"]);
    let money = |amount: &str| json!({ "amount": amount, "currency": "USD" }).to_string();
    server.done("/v1/accounts/ann/deposits", "more", "", &money("5.00"));
    server.done("/v1/accounts/ann/cash-outs", "home", "", &money("7.00"));
    let told = Listener::to(&server, &ann, "?after=0", "").take(3);
    assert_eq!(types(&told), ["account.opened", "account.deposited", "account.cashed_out"]);
    let amounts = ["500.00", "5.00", "7.00"];
    for (event, amount) in told.iter().zip(amounts) {
        let data = json!({ "account": "ann", "amount": amount, "currency": "USD" });
        assert_eq!((&event["data"], &event["subject"]), (&data, &json!("/v1/accounts/ann")));
    }
}

#[test]
fn everybody_in_a_long_chain_is_told_that_its_commission_is_almost_met() {
    // One look at a certificate shows a thousand hops.
    let store = Store::new();
    let (first, last) = ("sharer 1", "sharer 1045");
    let [first, last] = [first, last].map(|name| store.key(&["account", "--account", name]));
    let server = store.serve();
    let open = json!({ "account": "mall", "currency": "USD", "deposit": "100000.00" }).to_string();
    server.done("/v1/accounts", "open", "", &open);
    let offer = json!({
        "offering": "teapot",
        "offer": {
            "payee": "mall", "price": "100.00", "currency": "USD", "items": 1,
            "information": { "product_name": "a teapot", "settlement": "at purchase" },
        },
    });
    server.done("/v1/offerings", "issue", "mall", &offer.to_string());
    let terms = json!({
        "funded": "50.00", "attached": "0.01",
        "condition": { "times": 1_100, "at_least": 1, "check_point": "after_increase", "prompt_ratio": 9_500 },
    });
    let commission = json!({ "terms": terms, "currency": "USD" });
    server.done("/v1/offerings/teapot/commission", "attach", "mall", &commission.to_string());
    server.done("/v1/offerings/teapot/publish", "publish", "mall", "");
    let names: Vec<String> = (1..=1_045).map(|number| format!("sharer {number}")).collect();
    let all = |message: &dyn Fn(&String) -> Value| {
        let body: Vec<Value> = names.iter().map(message).collect();
        let answers = server.messages(&server.key, JSON, &json!(body).to_string()).json();
        assert!(answers.as_array().unwrap().iter().all(|answer| answer["status"] == 200), "{answers}");
    };
    all(
        &|name| json!({ "idempotency_key": "open", "command": { "open_account": { "account": name, "currency": "USD" } } }),
    );
    all(&|name| {
        let command = json!({ "circulate": { "offering": "teapot", "serial": 1 } });
        json!({ "idempotency_key": "share", "on_behalf_of": name, "command": command })
    });
    for key in [&first, &last] {
        let mut listener = Listener::to(&server, key, "?after=0&types=commission.almost_met", "");
        assert_eq!(listener.next().unwrap()["data"], json!({ "offering": "teapot", "serial": 1 }));
    }
}
