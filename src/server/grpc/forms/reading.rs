//! What comes in: messages, and who logs in.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{Code, Name, Refusal, RequestId, Serial};
use crate::proto;
use crate::proto::message::Command;
use crate::proto::purchase::PaidFrom;
use crate::server::door::ReadMessage;
use crate::server::identity::{Password, SentPassword};
use crate::server::json::{
    CommandBody, OwnGiftBody, PaidFromBody, Problem, ProblemCode, ViaBody, Within, malformed, said,
};
use crate::server::shown::each_once;

/// Reads a message.
///
/// # Errors
/// `malformed` or `bad_text`, with the field.
pub(in crate::server::grpc) fn message(message: proto::Message) -> Result<ReadMessage, Problem> {
    let request_id = request_id("idempotency_key", &message.idempotency_key)?;
    let on_behalf_of = message.on_behalf_of.map(|text| name("on_behalf_of", &text)).transpose()?;
    let missing = || Problem::new(ProblemCode::Malformed, "command", "is left out");
    let show =
        each_once(message.show.iter().map(|text| said("show", text)).collect::<Result<_, Problem>>()?)?;
    let command = command(message.command.ok_or_else(missing)?)?;
    Ok(ReadMessage { request_id, on_behalf_of, if_sequence: message.if_sequence, show, command })
}

/// Reads a field that may be left out, as its text is read in a body.
fn said_or_not<T: DeserializeOwned>(field: &str, text: Option<String>) -> Result<Option<T>, Problem> {
    text.map(|text| said(field, &text)).transpose()
}

fn command(command: Command) -> Result<CommandBody, Problem> {
    let offering = |text: &str| name("offering", text);
    match command {
        Command::Circulate(asked) => Ok(CommandBody::Circulate {
            offering: offering(&asked.offering)?,
            serial: asked.serial.map(Serial),
            via: via(asked.via.as_deref(), asked.private_page.as_deref())?,
        }),
        Command::Reserve(asked) => Ok(CommandBody::Reserve {
            offering: offering(&asked.offering)?,
            serial: asked.serial.map(Serial),
            via: via(asked.via.as_deref(), asked.private_page.as_deref())?,
            price_max: said_or_not("price_max", asked.price_max)?,
            currency: said_or_not("currency", asked.currency)?,
        }),
        Command::Acquire(asked) => {
            Ok(CommandBody::Acquire { offering: offering(&asked.offering)?, serial: Serial(asked.serial) })
        }
        Command::Purchase(asked) => Ok(CommandBody::Purchase {
            offering: offering(&asked.offering)?,
            serial: asked.serial.map(Serial),
            via: via(asked.via.as_deref(), asked.private_page.as_deref())?,
            paid_from: match asked.paid_from {
                None => PaidFromBody::Available,
                Some(PaidFrom::Gift(gift)) => PaidFromBody::Gift(OwnGiftBody {
                    donor: name("donor", &gift.donor)?,
                    gift: request_id("gift", &gift.gift)?,
                }),
                Some(PaidFrom::PaymentCertificate(id)) => {
                    PaidFromBody::PaymentCertificate(request_id("payment_certificate", &id)?)
                }
            },
            price_max: said_or_not("price_max", asked.price_max)?,
            currency: said_or_not("currency", asked.currency)?,
        }),
        other => by_its_body(&other),
    }
}

/// Reads a command by way of its JSON body.
fn by_its_body(command: &Command) -> Result<CommandBody, Problem> {
    let failed =
        |error: serde_json::Error| Problem::from(Refusal::new(Code::Internal, "", error.to_string()));
    let mut value = serde_json::to_value(command).map_err(failed)?;
    leave_out_nothing(&mut value);
    serde_path_to_error::deserialize(value)
        .map_err(|error| malformed(Within::Command(&[]), error.path(), &error.inner().to_string()))
}

/// What is left out is not there, rather than null.
fn leave_out_nothing(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(leave_out_nothing);
    }
}

fn via(via: Option<&str>, private_page: Option<&str>) -> Result<ViaBody, Problem> {
    let wrong = |field, detail: &'static str| Err(Problem::new(ProblemCode::Malformed, field, detail));
    match (via.unwrap_or("public"), private_page) {
        ("public", None) => Ok(ViaBody::Public),
        ("link", None) => Ok(ViaBody::Link),
        ("private_page", Some(owner)) => Ok(ViaBody::PrivatePage(name("private_page", owner)?)),
        ("private_page", None) => wrong("private_page", "is left out"),
        ("public" | "link", Some(_)) => wrong("private_page", "does not go with this via: leave it out"),
        _ => wrong("via", "is none of public, link and private_page"),
    }
}

pub(super) fn name(field: &'static str, text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|refusal| named(field, refusal))
}

pub(super) fn request_id(field: &'static str, text: &str) -> Result<RequestId, Problem> {
    RequestId::new(text).map_err(|refusal| named(field, refusal))
}

fn named(field: &'static str, refusal: Refusal) -> Problem {
    Problem::from(Refusal { field: field.into(), ..refusal })
}

/// Reads who logs in.
///
/// # Errors
/// `bad_text`, with the field.
pub(in crate::server::grpc) fn credentials(sent: proto::Credentials) -> Result<(Name, Password), Problem> {
    let account = name("account", &sent.account)?;
    Ok((account, SentPassword::new(sent.password).to_try("password")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One message of each command, with everything that may be said.
    fn every_command() -> Vec<Command> {
        let text = |text: &str| text.to_owned();
        let usd = || text("USD");
        let account = || proto::Account { account: text("ann") };
        let certificate = || proto::Certificate { offering: text("o"), serial: 1 };
        let money = || proto::Money { account: text("ann"), amount: text("1.50"), currency: usd() };
        let payment = || proto::Payment { issuer: text("ann"), payment: text("p") };
        let gift = || proto::Gift { donor: text("ann"), gift: text("g") };
        let gift_of = || proto::GiftOf { recipient: text("ben"), donor: text("ann"), gift: text("g") };
        let order = || proto::Order { order: text("1") };
        let range = || proto::Range { min: text("0.10"), max: text("0.20") };
        let later = || Some(text("2030-01-31T18:00:00Z"));
        let terms = |increase, take| proto::Terms {
            funded: text("5"),
            attached: text("1"),
            policy: Some(text("every_command")),
            increase: Some(proto::Increase { by: Some(increase) }),
            acquiring: Some(text("manual")),
            take: Some(proto::Take { part: Some(take) }),
            cashing: Some(text("immediate")),
            condition: Some(proto::Condition {
                times: Some(3),
                amount: Some(text("4")),
                share_of_price: Some(100),
                displayed_ms: Some(1_000),
                at_least: 1,
                check_point: text("before_increase"),
                prompt_ratio: Some(9_000),
            }),
            expires_at: later(),
        };
        let attach = |increase, take| {
            Command::AttachCommission(proto::AttachCommission {
                offering: text("o"),
                terms: Some(terms(increase, take)),
                currency: usd(),
                payment_certificate: Some(text("p")),
            })
        };
        let give = |object| {
            Command::Give(proto::Give {
                recipient: text("ben"),
                merchant: Some(text("mall")),
                object: Some(proto::GiftObject { object: Some(object) }),
                price: text("1"),
                currency: usd(),
                expires_at: later(),
            })
        };
        let withhold = |right| {
            Command::Withhold(proto::Withhold {
                order: text("1"),
                amount: text("1"),
                currency: usd(),
                from: Some(proto::WithholdFrom { right: Some(right) }),
            })
        };
        let circulate = |via: Option<&str>, page: Option<&str>| proto::Circulate {
            offering: text("o"),
            serial: Some(1),
            via: via.map(text),
            private_page: page.map(text),
        };
        let purchase = |paid_from| {
            Command::Purchase(proto::Purchase {
                offering: text("o"),
                serial: None,
                via: None,
                private_page: None,
                paid_from,
                price_max: Some(text("100")),
                currency: Some(usd()),
            })
        };
        let information = proto::Information {
            product_name: text("a teapot"),
            settlement: text("at purchase"),
            product: Some(text("of clay")),
            ..Default::default()
        };
        let offer = proto::Offer {
            payee: text("mall"),
            price: text("1"),
            currency: usd(),
            items: 1,
            information: Some(information),
            payers: vec![text("ann")],
            window: Some(proto::Window { opens: later(), closes: None }),
            cap: Some(1),
            expires_at: later(),
            reservable_ms: Some(1),
            clawback: Some(text("reserve")),
            when_short: Some(text("receivable")),
        };
        let transfer =
            |expires_at| proto::Transfer { to: text("ben"), amount: text("1"), currency: usd(), expires_at };
        use proto::increase::By;
        use proto::take::Part;
        vec![
            Command::OpenAccount(proto::OpenAccount {
                account: text("ann"),
                currency: usd(),
                deposit: Some(text("1")),
                credit_limit: None,
            }),
            Command::Deposit(money()),
            Command::CashOut(money()),
            Command::SetCreditLimit(proto::CreditLimit {
                account: text("ann"),
                credit_limit: text("1"),
                currency: usd(),
            }),
            Command::Freeze(account()),
            Command::Unfreeze(account()),
            Command::Close(account()),
            Command::AcceptGifts(proto::AcceptGifts { account: text("ann"), by_itself: true }),
            Command::Issue(proto::Issue { offering: text("o"), offer: Some(offer) }),
            Command::Publish(proto::Publish { offering: text("o"), display: Some(text("snapshot")) }),
            attach(By::Preset(text("1")), Part::Amount(text("1"))),
            attach(By::Random(range()), Part::Random(range())),
            attach(By::Random(range()), Part::Share(10)),
            attach(By::Random(range()), Part::Split(proto::Split { hops: 3 })),
            Command::TopUp(proto::TopUp {
                offering: text("o"),
                serial: 1,
                amount: text("1"),
                currency: usd(),
            }),
            Command::Circulate(circulate(Some("private_page"), Some("ann"))),
            Command::Acquire(certificate()),
            purchase(None),
            purchase(Some(PaidFrom::Gift(gift()))),
            purchase(Some(PaidFrom::PaymentCertificate(text("p")))),
            Command::Reserve(proto::Reserve {
                offering: text("o"),
                serial: Some(1),
                via: Some(text("link")),
                private_page: None,
                price_max: Some(text("100")),
                currency: Some(usd()),
            }),
            Command::PayReservation(certificate()),
            Command::CancelReservation(certificate()),
            Command::Refund(certificate()),
            Command::Transfer(transfer(None)),
            Command::BeginTransfer(transfer(later())),
            Command::PostTransfer(proto::PostTransfer {
                from: text("ann"),
                transfer: text("t"),
                amount: text("1"),
                currency: usd(),
            }),
            Command::VoidTransfer(proto::PendingTransfer { from: text("ann"), transfer: text("t") }),
            Command::IssuePayment(proto::IssuePayment {
                amount: text("1"),
                currency: usd(),
                beneficiary: Some(text("ben")),
                not_before: later(),
                expires_at: later(),
            }),
            Command::ReceivePayment(payment()),
            Command::RejectPayment(payment()),
            Command::ReleasePayment(proto::ReleasePayment {
                issuer: text("ann"),
                payment: text("p"),
                amount: text("1"),
                currency: usd(),
            }),
            Command::VoidPayment(payment()),
            give(proto::gift_object::Object::Goods(proto::Goods {
                kind: text("gold"),
                description: text("a coin"),
            })),
            give(proto::gift_object::Object::Certificate(certificate())),
            Command::AcceptGift(gift()),
            Command::DeclineGift(gift()),
            Command::ReturnGift(gift_of()),
            Command::GrantMandate(proto::GrantMandate {
                merchant: text("mall"),
                amount_max: text("2"),
                amount_max_per_use: text("1"),
                currency: usd(),
                ends_at: later(),
            }),
            Command::RevokeMandate(proto::Mandate { mandate: text("m") }),
            Command::RegisterMerchant(proto::RegisterMerchant {
                merchant: text("mall"),
                payee: text("mall"),
                supplier: Some(text("ann")),
                when_short: Some(text("refuse")),
            }),
            Command::UnregisterMerchant(proto::Merchant { merchant: text("mall") }),
            withhold(proto::withhold_from::Right::Gift(gift_of())),
            withhold(proto::withhold_from::Right::Mandate(proto::MandateOf {
                recipient: text("ben"),
                mandate: text("m"),
            })),
            Command::Provide(order()),
            Command::ReverseOrder(order()),
            Command::ShowAccount(account()),
            Command::ShowOffering(proto::Offering { offering: text("o") }),
            Command::ShowCertificate(proto::ShowCertificate {
                offering: text("o"),
                serial: 1,
                from_hop: Some(2),
            }),
            Command::ShowAccountRequest(proto::AccountRequest { account: text("ann"), request: text("r") }),
            Command::ShowOfferingRequest(proto::OfferingRequest { offering: text("o"), request: text("r") }),
            Command::ShowCertificateRequest(proto::CertificateRequest {
                offering: text("o"),
                serial: 1,
                request: text("r"),
            }),
            Command::ShowGift(gift_of()),
            Command::ListGifts(proto::ListGifts { skip: Some(3) }),
            Command::ShowPayment(payment()),
            Command::ShowMandate(proto::Mandate { mandate: text("m") }),
            Command::ShowOrder(order()),
        ]
    }

    #[test]
    fn every_command_has_a_form_and_reads_as_its_body_does() {
        let mut seen = Vec::new();
        for asked in every_command() {
            let value = serde_json::to_value(&asked).unwrap();
            seen.push(value.as_object().unwrap().keys().next().unwrap().clone());
            let read = command(asked).unwrap_or_else(|problem| panic!("{value}: {}", problem.words()));
            // What it stands for is complete: nothing that was said is lost on the way.
            let told = format!("{:?}", read.command().unwrap());
            for said in ["a teapot", "of clay", "snapshot"] {
                if value.to_string().contains(said) {
                    assert!(told.to_lowercase().contains(said), "{value}: {told}");
                }
            }
        }
        for name in CommandBody::names() {
            assert!(seen.contains(&name), "{name} has no form");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        let wrong = |asked: Command| command(asked).and_then(|body| Ok(body.command()?)).unwrap_err();
        let field = |problem: Problem| problem.parts().1.to_owned();
        let open = |account: &str, currency: &str| {
            Command::OpenAccount(proto::OpenAccount {
                account: account.to_owned(),
                currency: currency.to_owned(),
                deposit: None,
                credit_limit: None,
            })
        };
        assert_eq!(field(wrong(open("", "USD"))), "account");
        assert_eq!(field(wrong(open("ann", "usd"))), "currency");
        assert_eq!(field(wrong(open("ann", ""))), "currency");
        let issue = proto::Issue { offering: "o".to_owned(), offer: None };
        assert_eq!(field(wrong(Command::Issue(issue))), "offer");
        let currency = "USD".to_owned();
        let give = proto::Give { recipient: "ben".to_owned(), currency, ..Default::default() };
        assert_eq!(field(wrong(Command::Give(give))), "object");
        let circulate = |via: &str| proto::Circulate {
            offering: "o".to_owned(),
            via: Some(via.to_owned()),
            ..Default::default()
        };
        assert_eq!(field(wrong(Command::Circulate(circulate("somewhere")))), "via");
        assert_eq!(field(wrong(Command::Circulate(circulate("private_page")))), "private_page");
    }
}
