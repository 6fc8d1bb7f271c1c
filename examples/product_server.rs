//! The product server of the gift method: it is told of gifts by a webhook, withholds the price of each that is accepted, and hands
//! the product over once the money has moved.
//!
//! ```text
//! hongbao serve --grpc 127.0.0.1:7301
//! hongbao keys create --role product-server --account mall
//! hongbao webhooks create --url http://127.0.0.1:7400/ --inside --account mall --types gift.changed,order.provide
//! product_server 127.0.0.1:7400 http://127.0.0.1:7301 KEY SECRET mall
//! ```
//!
//! An event may come twice, and nothing happens twice: the order's reference is the gift's, and so are the keys of the messages.

use std::error::Error;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use hmac::{Hmac, KeyInit, Mac};
use hongbao::client::Client;
use hongbao::proto::message::Command;
use hongbao::proto::withhold_from::Right;
use hongbao::proto::{GiftOf, Message, Order, Withhold, WithholdFrom};
use serde_json::Value;
use sha2::Sha256;

/// A signature that is older, in seconds, may be somebody's who has listened.
const OLDEST: u64 = 300;

struct ProductServer {
    client: Client,
    secret: String,
    merchant: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, server, key, secret, merchant] = &arguments[..] else {
        return Err("give LISTEN SERVER KEY SECRET MERCHANT".into());
    };
    actix_web::rt::System::new().block_on(async {
        let client = Client::connect(server, key).await?;
        let own = Data::from(Arc::new(ProductServer {
            client,
            secret: secret.clone(),
            merchant: merchant.clone(),
        }));
        let app = move || App::new().app_data(Data::clone(&own)).default_service(web::post().to(told));
        let running = HttpServer::new(app).workers(1).bind(listen)?;
        for address in running.addrs() {
            println!("the product server listens on http://{address}/");
        }
        running.run().await?;
        Ok(())
    })
}

/// An event has come: it is taken once what follows from it is done, and comes again where it is not.
async fn told(own: Data<ProductServer>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let header = request.headers().get("Hongbao-Signature").and_then(|value| value.to_str().ok());
    if !header.is_some_and(|header| is_signed(&own.secret, header, &body)) {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    match own.answer(&event["type"], &event["data"]).await {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).body(error.to_string()),
    }
}

/// `t=SECONDS,v1=HEX`, HMAC-SHA-256 over `SECONDS.BODY`.
fn is_signed(secret: &str, header: &str, body: &[u8]) -> bool {
    let Some((seconds, hex)) = header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else {
        return false;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let young = seconds.parse::<u64>().is_ok_and(|seconds| now.abs_diff(seconds) <= OLDEST);
    let digits: Vec<char> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    let Some(signature) = digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>() else { return false };
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    hmac.update(seconds.as_bytes());
    hmac.update(b".");
    hmac.update(body);
    young && hmac.verify_slice(&signature).is_ok()
}

impl ProductServer {
    async fn answer(&self, kind: &Value, data: &Value) -> Result<(), Box<dyn Error>> {
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        match (kind.as_str(), data["state"].as_str()) {
            (Some("gift.changed"), Some("accepted")) if text("merchant") == self.merchant => {
                let gift = GiftOf { recipient: text("recipient"), donor: text("donor"), gift: text("gift") };
                let order = format!("{} of {}", gift.gift, gift.donor);
                println!(
                    "{} has accepted a gift: withholding {} as {order:?}",
                    gift.recipient,
                    text("price")
                );
                let withhold = Withhold {
                    order: order.clone(),
                    amount: text("price"),
                    currency: text("currency"),
                    from: Some(WithholdFrom { right: Some(Right::Gift(gift)) }),
                };
                self.send(format!("withhold {order}"), Command::Withhold(withhold)).await
            }
            (Some("order.provide"), _) => {
                let order = text("order");
                println!(
                    "the money of {order:?} has moved: handing the product over to {}",
                    text("recipient")
                );
                self.send(format!("provide {order}"), Command::Provide(Order { order })).await
            }
            _ => Ok(()),
        }
    }

    async fn send(&self, key: String, command: Command) -> Result<(), Box<dyn Error>> {
        let message = Message { idempotency_key: key, command: Some(command), ..Message::default() };
        match self.client.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.may_succeed_later() => Err(error.into()),
            // It was refused for good: whoever asks again is refused again.
            Err(error) => {
                println!("refused: {error}");
                Ok(())
            }
        }
    }
}
