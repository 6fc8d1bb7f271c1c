//! An event as JSON.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::known::Known;
use crate::domain::{ActorNumber, Fact, Money, Refusal, WithdrawalReason};
use crate::server::json::{factors, time_text};
use crate::{Engine, FeedEvent};

/// The types of events.
pub(super) const TYPES: [&str; 16] = [
    "certificate.sold",
    "certificate.fulfil",
    "certificate.refunded",
    "commission.almost_met",
    "commission.withdrawn",
    "commission.reserve_short",
    "reservation.ended",
    "account.opened",
    "account.deposited",
    "account.cashed_out",
    "account.credited",
    "account.status_changed",
    "payment_certificate.issued",
    "gift.changed",
    "order.provide",
    "order.do_not_provide",
];

/// An event, as CloudEvents 1.0.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(in crate::server) struct EventBody {
    specversion: &'static str,
    /// Its id: whoever has it goes on behind it.
    pub(in crate::server) id: String,
    source: &'static str,
    /// What has happened.
    #[serde(rename = "type")]
    pub(in crate::server) kind: &'static str,
    /// The resource that it has happened to.
    pub(in crate::server) subject: String,
    time: String,
    datacontenttype: &'static str,
    data: Map<String, Value>,
}

impl EventBody {
    /// An event with its names, and the accounts that it concerns.
    ///
    /// # Errors
    /// The engine's refusal, where it cannot look.
    pub(in crate::server) async fn of(
        engine: &Engine,
        known: &mut Known,
        event: FeedEvent,
    ) -> Result<(EventBody, Vec<ActorNumber>), Refusal> {
        let FeedEvent { id, at, fact } = event;
        let Told { kind, subject, data, concerned } = told(engine, known, fact).await?;
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        let body = EventBody {
            specversion: "1.0",
            id: id.to_string(),
            source: "urn:hongbao",
            kind,
            subject,
            time: time_text(at),
            datacontenttype: "application/json",
            data,
        };
        Ok((body, concerned))
    }
}

struct Told {
    kind: &'static str,
    subject: String,
    data: Value,
    concerned: Vec<ActorNumber>,
}

async fn told(engine: &Engine, known: &mut Known, fact: Fact) -> Result<Told, Refusal> {
    match fact {
        Fact::Sold { certificate, buyer } => {
            let (offering, serial) = known.certificate(engine, certificate).await?;
            let (buyer_name, payee) =
                (known.account(engine, buyer).await?.0, known.account(engine, offering.payee).await?.0);
            Ok(Told {
                kind: "certificate.sold",
                subject: of_certificate(&offering.name, serial),
                data: json!({
                    "offering": offering.name, "serial": serial, "buyer": buyer_name, "payee": payee,
                    "price": offering.price, "currency": offering.currency,
                }),
                concerned: vec![buyer, offering.payee, offering.supplier],
            })
        }
        Fact::Fulfil { offering: number, serial } => {
            let offering = known.offering(engine, number).await?;
            let sale = engine.certificate(number.certificate(serial)).await?.sale;
            let buyer = sale.map(|sale| sale.buyer);
            let name = match buyer {
                Some(buyer) => Some(known.account(engine, buyer).await?.0),
                None => None,
            };
            let supplier = known.account(engine, offering.supplier).await?.0;
            Ok(Told {
                kind: "certificate.fulfil",
                subject: of_certificate(&offering.name, serial.0),
                data: json!({
                    "offering": offering.name, "serial": serial, "buyer": name, "supplier": supplier,
                }),
                concerned: buyer.into_iter().chain([offering.supplier]).collect(),
            })
        }
        Fact::Prompted { certificate } => {
            let (offering, serial) = known.certificate(engine, certificate).await?;
            let holders = holders(engine, certificate).await?;
            Ok(Told {
                kind: "commission.almost_met",
                subject: of_certificate(&offering.name, serial),
                data: json!({ "offering": offering.name, "serial": serial }),
                concerned: holders.into_iter().chain([offering.supplier]).collect(),
            })
        }
        Fact::Withdrawn { certificate, reason } => {
            let (offering, serial) = known.certificate(engine, certificate).await?;
            let reason = match reason {
                WithdrawalReason::Condition(held) => json!({ "condition": factors(held) }),
                WithdrawalReason::Deadline => json!("deadline"),
            };
            Ok(Told {
                kind: "commission.withdrawn",
                subject: of_certificate(&offering.name, serial),
                data: json!({ "offering": offering.name, "serial": serial, "reason": reason }),
                concerned: vec![offering.supplier],
            })
        }
        Fact::ReserveShort { certificate } => {
            let (offering, serial) = known.certificate(engine, certificate).await?;
            Ok(Told {
                kind: "commission.reserve_short",
                subject: of_certificate(&offering.name, serial),
                data: json!({ "offering": offering.name, "serial": serial }),
                concerned: vec![offering.supplier],
            })
        }
        Fact::Refunded { certificate, paid, owed } => {
            let (offering, serial) = known.certificate(engine, certificate).await?;
            let buyer = engine.certificate(certificate).await?.sale.map(|sale| sale.buyer);
            let text = |amount: Money| amount.format(offering.currency);
            Ok(Told {
                kind: "certificate.refunded",
                subject: of_certificate(&offering.name, serial),
                data: json!({
                    "offering": offering.name, "serial": serial, "currency": offering.currency,
                    "paid": text(paid), "owed": text(owed),
                }),
                concerned: buyer.into_iter().chain([offering.payee, offering.supplier]).collect(),
            })
        }
        Fact::ReservationEnded { offering, serial } => {
            let offering = known.offering(engine, offering).await?;
            Ok(Told {
                kind: "reservation.ended",
                subject: of_certificate(&offering.name, serial.0),
                data: json!({ "offering": offering.name, "serial": serial }),
                concerned: vec![offering.supplier],
            })
        }
        fact => of_accounts(engine, known, fact).await,
    }
}

/// Everyone in a chain, page by page.
async fn holders(engine: &Engine, certificate: ActorNumber) -> Result<Vec<ActorNumber>, Refusal> {
    let mut holders = Vec::new();
    loop {
        let from_hop = u32::try_from(holders.len() + 1).unwrap_or(u32::MAX);
        let view = engine.certificate_from(certificate, from_hop).await?;
        holders.extend(view.chain.iter().map(|hop| hop.account));
        // What was linked meanwhile comes with the next page.
        if view.chain.is_empty() || holders.len() >= view.hops as usize {
            return Ok(holders);
        }
    }
}

async fn of_accounts(engine: &Engine, known: &mut Known, fact: Fact) -> Result<Told, Refusal> {
    match fact {
        Fact::Opened { account, deposit } => {
            of_money(engine, known, "account.opened", account, deposit, None).await
        }
        Fact::Deposited { account, amount } => {
            of_money(engine, known, "account.deposited", account, amount, None).await
        }
        Fact::CashedOut { account, amount } => {
            of_money(engine, known, "account.cashed_out", account, amount, None).await
        }
        Fact::Credited { account, amount, reason } => {
            of_money(engine, known, "account.credited", account, amount, Some(reason.text())).await
        }
        Fact::PaymentIssued { issuer, beneficiary, payment, amount } => {
            let (name, currency) = known.account(engine, issuer).await?;
            let to = known.account(engine, beneficiary).await?.0;
            Ok(Told {
                kind: "payment_certificate.issued",
                subject: format!(
                    "/v1/payment-certificates/{}/{}",
                    part(name.as_str()),
                    part(payment.as_str())
                ),
                data: json!({
                    "issuer": name, "beneficiary": to, "payment": payment,
                    "amount": amount.format(currency), "currency": currency,
                }),
                concerned: vec![issuer, beneficiary],
            })
        }
        Fact::Gift { recipient, key, state } => {
            let gift = engine.gift(recipient, key.clone()).await?.state;
            let (to, currency) = known.account(engine, recipient).await?;
            let donor = known.account(engine, key.caller).await?.0;
            let merchant = match gift.merchant {
                Some(merchant) => Some(known.account(engine, merchant).await?.0),
                None => None,
            };
            Ok(Told {
                kind: "gift.changed",
                subject: format!(
                    "/v1/accounts/{}/gifts/{}/{}",
                    part(to.as_str()),
                    part(donor.as_str()),
                    part(key.id.as_str())
                ),
                data: json!({
                    "recipient": to, "donor": donor, "gift": key.id, "merchant": merchant, "state": state.text(),
                    "price": gift.price.format(currency), "currency": currency,
                }),
                concerned: [recipient, key.caller].into_iter().chain(gift.merchant).collect(),
            })
        }
        Fact::Provide { merchant, order } => {
            let found = engine.order(merchant, order.clone()).await?;
            let recipient = found.from.recipient;
            let names =
                (known.account(engine, merchant).await?.0, known.account(engine, recipient.number).await?.0);
            Ok(Told {
                kind: "order.provide",
                subject: format!("/v1/orders/{}", part(order.as_str())),
                data: json!({
                    "merchant": names.0, "order": order, "recipient": names.1,
                    "amount": found.amount.format(recipient.currency), "currency": recipient.currency,
                }),
                concerned: vec![merchant, recipient.number],
            })
        }
        Fact::DoNotProvide { merchant, order, code } => {
            let name = known.account(engine, merchant).await?.0;
            Ok(Told {
                kind: "order.do_not_provide",
                subject: format!("/v1/orders/{}", part(order.as_str())),
                data: json!({ "merchant": name, "order": order, "code": code.text() }),
                concerned: vec![merchant],
            })
        }
        Fact::StatusChanged { account, change } => {
            let name = known.account(engine, account).await?.0;
            Ok(Told {
                kind: "account.status_changed",
                subject: format!("/v1/accounts/{}", part(name.as_str())),
                data: json!({ "account": name, "change": change.text() }),
                concerned: vec![account],
            })
        }
        _ => Err(Refusal::of(crate::domain::Code::Internal)),
    }
}

/// Money of one account.
async fn of_money(
    engine: &Engine,
    known: &mut Known,
    kind: &'static str,
    account: ActorNumber,
    amount: Money,
    reason: Option<&'static str>,
) -> Result<Told, Refusal> {
    let (name, currency) = known.account(engine, account).await?;
    let mut data = json!({ "account": name, "amount": amount.format(currency), "currency": currency });
    if let Some(reason) = reason {
        data["reason"] = json!(reason);
    }
    let subject = format!("/v1/accounts/{}", part(name.as_str()));
    Ok(Told { kind, subject, data, concerned: vec![account] })
}

fn of_certificate(offering: &crate::domain::Name, serial: u32) -> String {
    format!("/v1/offerings/{}/certificates/{serial}", part(offering.as_str()))
}

/// A name as a part of a path.
fn part(name: &str) -> PercentEncode<'_> {
    /// What a path's part may have as it is, beside letters and digits.
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(name, PLAIN)
}
