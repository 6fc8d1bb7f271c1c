//! What is measured: purchases of certificates that two have shared, and answers that everything is sold.

use std::time::Instant;

use hongbao::proto::answer::Outcome;
use hongbao::proto::message::Command;
use hongbao::proto::{self, Answer, Message};

use crate::http::Connections;
use crate::program::{Echo, Server};
use crate::stream::Stream;
use crate::{Load, http, stream};

const BUYERS: usize = 1_000;
const AT_ONCE: usize = 1_000;
/// Connections with one batch at a time.
const BATCHES: usize = 8;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// On so many connections, with one request at a time.
    Single(usize),
    Messages,
    Stream,
    SoldOut,
}

impl Row {
    pub const ALL: [Row; 5] =
        [Row::Single(256), Row::Single(1_024), Row::Messages, Row::Stream, Row::SoldOut];

    pub fn name(self) -> String {
        match self {
            Row::Single(connections) => {
                let (thousands, rest) = (connections / 1_000, connections % 1_000);
                let connections =
                    if thousands > 0 { format!("{thousands},{rest:03}") } else { rest.to_string() };
                format!("purchases, one JSON request each, {connections} connections")
            }
            Row::Messages => "purchases, /v1/messages, 1,000 lines".to_owned(),
            Row::Stream => "purchases, gRPC stream, batches of 1,000".to_owned(),
            Row::SoldOut => "sold-out answers, gRPC stream".to_owned(),
        }
    }
}

/// A market in a server.
pub struct Market<'server> {
    server: &'server Server,
    offerings: usize,
}

fn message(key: String, account: String, command: Command) -> Message {
    let on_behalf_of = (!account.is_empty()).then_some(account);
    Message { idempotency_key: key, on_behalf_of, command: Some(command), ..Message::default() }
}

fn purchase(key: String, offering: &str, place: usize) -> Message {
    let bought = proto::Purchase { offering: offering.to_owned(), ..Default::default() };
    message(key, format!("buyer {}", place % BUYERS), Command::Purchase(bought))
}

impl Market<'_> {
    pub async fn open(server: &Server) -> Market<'_> {
        let market = Market { server, offerings: 0 };
        let open = |name: String| {
            let account = proto::OpenAccount {
                account: name.clone(),
                currency: "USD".to_owned(),
                deposit: Some("1000000000.00".to_owned()),
                credit_limit: None,
            };
            message(format!("open {name}"), String::new(), Command::OpenAccount(account))
        };
        let names = (0..BUYERS).map(|buyer| format!("buyer {buyer}")).chain(["mall".to_owned()]);
        market.done(names.map(open).collect()).await;
        market
    }

    async fn done(&self, messages: Vec<Message>) {
        let stream = Stream::to(&self.server.grpc, &self.server.key).await;
        let answers = stream.send_all(stream::written(&messages, AT_ONCE)).await;
        for answer in stream::read(messages.len(), answers) {
            assert!(!matches!(answer.outcome, Some(Outcome::Problem(_)) | None), "{answer:?}");
        }
    }

    /// An offering of which every certificate is shared by two.
    async fn offering(&mut self, items: usize) -> String {
        self.offerings += 1;
        let name = format!("offering {}", self.offerings);
        let text = |text: &str| text.to_owned();
        let mall = |what: &str, command| message(format!("{what} {name}"), text("mall"), command);
        let information = proto::Information {
            product_name: text("a teapot"),
            settlement: text("at purchase"),
            ..Default::default()
        };
        let offer = proto::Offer {
            payee: text("mall"),
            price: text("100.00"),
            currency: text("USD"),
            items: u32::try_from(items).unwrap(),
            information: Some(information),
            ..Default::default()
        };
        let terms = proto::Terms { funded: text("5.00"), attached: text("1.00"), ..Default::default() };
        let attach = proto::AttachCommission {
            offering: name.clone(),
            terms: Some(terms),
            currency: text("USD"),
            payment_certificate: None,
        };
        for command in [
            Command::Issue(proto::Issue { offering: name.clone(), offer: Some(offer) }),
            Command::AttachCommission(attach),
            Command::Publish(proto::Publish { offering: name.clone(), display: None }),
        ] {
            self.done(vec![mall(&format!("{:?}", std::mem::discriminant(&command)), command)]).await;
        }
        let share = |round: usize| {
            let name = &name;
            (0..items).map(move |place| {
                let serial = Some(u32::try_from(place + 1).unwrap());
                let circulate = proto::Circulate { offering: name.clone(), serial, ..Default::default() };
                let account = format!("buyer {}", (place + round) % BUYERS);
                message(format!("share {round} {place} {name}"), account, Command::Circulate(circulate))
            })
        };
        self.done(share(1).collect()).await;
        self.done(share(2).collect()).await;
        name
    }

    /// Messages a second.
    pub async fn measure(&mut self, row: Row, load: Load) -> f64 {
        let messages = if let Row::Single(_) = row { load.single } else { load.many };
        let offering = self.offering(if row == Row::SoldOut { 1 } else { messages }).await;
        if row == Row::SoldOut {
            self.done(vec![purchase("the last".to_owned(), &offering, 0)]).await;
        }
        let (address, key) = (&self.server.http, &self.server.key);
        match row {
            Row::Single(connections) => {
                let requests = singles(key, &offering, messages);
                let connections = Connections::to(address, connections.min(messages)).await;
                let (rate, bodies) = timed(messages, connections.send_all(requests)).await;
                let bought = |body: &Vec<u8>| body.starts_with(br#"{"type":"purchased""#);
                assert!(bodies.iter().all(bought), "not everything was bought");
                rate
            }
            Row::Messages => {
                let requests = lines(key, &offering, messages);
                let connections = Connections::to(address, BATCHES).await;
                let (rate, bodies) = timed(messages, connections.send_all(requests)).await;
                let bought = |body: &Vec<u8>| String::from_utf8_lossy(body).matches("\"purchased\"").count();
                assert_eq!(bodies.iter().map(bought).sum::<usize>(), messages, "not everything was bought");
                rate
            }
            Row::Stream | Row::SoldOut => {
                let batches = stream::written(&purchases(&offering, messages), AT_ONCE);
                let stream = Stream::to(&self.server.grpc, key).await;
                let (rate, answers) = timed(messages, stream.send_all(batches)).await;
                let expected = |answer: &Answer| match &answer.outcome {
                    Some(Outcome::Purchased(_)) => row == Row::Stream,
                    Some(Outcome::Problem(problem)) => row == Row::SoldOut && problem.code == "sold_out",
                    _ => false,
                };
                assert!(
                    stream::read(messages, answers).iter().all(expected),
                    "not every answer is what it should be"
                );
                rate
            }
        }
    }

    /// Of the same bytes through the echo.
    pub async fn measure_echo(&self, row: Row, load: Load, echo: &Echo) -> f64 {
        let (key, offering) = (&self.server.key, "offering 1");
        match row {
            Row::Single(connections) => {
                let requests = singles(key, offering, load.single);
                let connections = Connections::to(&echo.http, connections.min(load.single)).await;
                timed(load.single, connections.send_all(requests)).await.0
            }
            Row::Messages => {
                let requests = lines(key, offering, load.many);
                let connections = Connections::to(&echo.http, BATCHES).await;
                timed(load.many, connections.send_all(requests)).await.0
            }
            Row::Stream | Row::SoldOut => {
                let batches = stream::written(&purchases(offering, load.many), AT_ONCE);
                let stream = Stream::to(&echo.grpc, key).await;
                timed(load.many, stream.send_all(batches)).await.0
            }
        }
    }
}

/// Messages a second, and what came of it.
async fn timed<T>(messages: usize, work: impl Future<Output = T>) -> (f64, T) {
    let begun = Instant::now();
    let done = work.await;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let messages = messages as f64;
    (messages / begun.elapsed().as_secs_f64(), done)
}

fn purchases(offering: &str, messages: usize) -> Vec<Message> {
    (0..messages).map(|place| purchase(format!("buy {place}"), offering, place)).collect()
}

fn singles(key: &str, offering: &str, messages: usize) -> Vec<Vec<u8>> {
    let path = format!("/v1/offerings/{}/purchases", offering.replace(' ', "%20"));
    let one = |place| {
        let headers = format!(
            "Authorization: Bearer {key}\r\nOn-Behalf-Of: buyer {}\r\nIdempotency-Key: buy {place}\r\nContent-Type: application/json\r\n",
            place % BUYERS
        );
        http::request(&path, &headers, r#"{"paid_from":"available"}"#)
    };
    (0..messages).map(one).collect()
}

fn lines(key: &str, offering: &str, messages: usize) -> Vec<Vec<u8>> {
    let headers = format!("Authorization: Bearer {key}\r\nContent-Type: application/x-ndjson\r\n");
    let line = |place: &usize| {
        format!(
            "{{\"idempotency_key\":\"buy {place}\",\"on_behalf_of\":\"buyer {}\",\"command\":{{\"purchase\":{{\"offering\":\"{offering}\"}}}}}}\n",
            place % BUYERS
        )
    };
    let places: Vec<usize> = (0..messages).collect();
    let request = |chunk: &[usize]| {
        http::request("/v1/messages", &headers, &chunk.iter().map(line).collect::<String>())
    };
    places.chunks(AT_ONCE).map(request).collect()
}
