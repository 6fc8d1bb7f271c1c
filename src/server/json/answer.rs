//! Answers as JSON: an object whose `type` says what was done.

use schemars::JsonSchema;
use serde::Serialize;

use super::amount::{Amount, SignedAmount, Written};
use super::names::Names;
use super::terms::factors;
use super::time::Time;
use super::view::{
    AccountBody, CertificateBody, GiftBody, MandateBody, OfferingBody, OrderBody, PaymentBody, payment_state,
    status,
};
use crate::domain::{Currency, Done, Settlement};

/// What was done. Amounts are text in `currency`, which is the currency of the account that asked, or that was asked about.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::server) enum AnswerBody {
    /// The account is open.
    Opened { currency: Currency, posted: SignedAmount },
    /// Money came in; the balance after it.
    Deposited { currency: Currency, posted: SignedAmount },
    /// Money went out; the balance after it.
    CashedOut { currency: Currency, posted: SignedAmount },
    /// The credit limit is set.
    CreditLimitSet { currency: Currency, credit_limit: Amount },
    /// What the account may do has changed.
    StatusChanged {
        #[schemars(extend("enum" = ["open", "frozen", "closed"]))]
        status: &'static str,
        accepts_gifts: bool,
    },
    /// The offering is issued.
    Issued { items: u32 },
    /// The offering stands on the public platform, since then.
    Published { at: Time },
    /// The commission is funded and attached; what its payer paid for all certificates.
    Attached { currency: Currency, debited: Amount },
    /// The commission has more reserve.
    ToppedUp { currency: Currency, amount: Amount },
    /// The circulation is in the chain: its hop, what is attached after it, and what this hop acquired by itself.
    Circulated {
        serial: u32,
        hop: u32,
        first: bool,
        currency: Currency,
        attached: Amount,
        promise: Amount,
        withdrawn: bool,
    },
    /// The promise is acquired; what is attached after it.
    Acquired { currency: Currency, promise: Amount, attached: Amount },
    /// The certificate is bought, and everyone who shared is settled; `credits_left` go out after this answer.
    Purchased {
        serial: u32,
        currency: Currency,
        price: Amount,
        commission: CommissionBody,
        credits_left: u32,
    },
    /// The certificate is set apart, and its price is held.
    Reserved { serial: u32, currency: Currency, price: Amount, until: Time },
    /// The reservation is given up.
    ReservationCancelled { serial: u32 },
    /// The purchase is paid back.
    Refunded { serial: u32, currency: Currency, paid: Amount, owed: Amount, clawed_back: u32, left: u32 },
    /// The money has moved; what the payer has posted after it.
    Transferred { currency: Currency, amount: Amount, posted: SignedAmount },
    /// The transfer is pending; what the account holds in all.
    TransferBegun { currency: Currency, held: Amount },
    /// The pending transfer is void.
    TransferVoided { currency: Currency, freed: Amount },
    /// The payment certificate is issued; what the account holds in all.
    PaymentIssued { currency: Currency, held: Amount },
    /// The payment certificate has come on.
    PaymentChanged {
        #[schemars(extend("enum" = ["issued", "received", "released", "rejected", "expired", "void"]))]
        state: &'static str,
        currency: Currency,
        released: Amount,
        freed: Amount,
    },
    /// The gift is given: its money is earmarked at the recipient.
    Given { expires_at: Time },
    /// The gift has come on.
    GiftChanged {
        #[schemars(extend("enum" = ["requested", "accepted", "declined", "expired", "returned", "withheld", "provided", "reversed"]))]
        state: &'static str,
    },
    /// The mandate is granted.
    MandateGranted,
    /// The mandate is revoked; what was withheld by it.
    MandateRevoked { currency: Currency, used: Amount },
    /// The merchant's registration is changed.
    Registered { registered: bool },
    /// The order is withheld: the payee has the money.
    Withheld { currency: Currency, amount: Amount },
    /// The object is provided.
    Provided,
    /// The order is paid back.
    OrderReversed { currency: Currency, paid: Amount, owed: Amount },
    /// An account as it is.
    Account(Box<AccountBody>),
    /// An offering as it is.
    Offering(Box<OfferingBody>),
    /// A certificate as it is.
    Certificate(Box<CertificateBody>),
    /// A gift as it is.
    Gift(Box<GiftBody>),
    /// The gifts that wait at an account.
    Gifts { gifts: Vec<GiftBody> },
    /// A payment certificate as it is.
    Payment(Box<PaymentBody>),
    /// A mandate as it is.
    Mandate(Box<MandateBody>),
    /// An order as it is.
    Order(Box<OrderBody>),
    /// What the request was answered; left out where its addressee remembers that it was carried out, and no more.
    Request {
        #[serde(skip_serializing_if = "Option::is_none")]
        answer: Option<Box<AnswerBody>>,
    },
    /// A private platform: the links of its certificates, newest first.
    Page { certificates: Vec<u64>, entries: u32 },
}

/// What a purchase did to the commission.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub(in crate::server) enum CommissionBody {
    None,
    Settled { cashed: Amount, promises: u32, returned: Amount },
    Withdrawn { factors: Vec<&'static str>, returned: Amount },
}

impl AnswerBody {
    /// True where it shows something, false where something was done.
    pub(in crate::server) fn is_view(&self) -> bool {
        matches!(
            self,
            AnswerBody::Account(_)
                | AnswerBody::Offering(_)
                | AnswerBody::Certificate(_)
                | AnswerBody::Gift(_)
                | AnswerBody::Gifts { .. }
                | AnswerBody::Payment(_)
                | AnswerBody::Mandate(_)
                | AnswerBody::Order(_)
                | AnswerBody::Request { .. }
                | AnswerBody::Page { .. }
        )
    }

    /// How many entries the chain of what it shows has, where it shows an actor.
    pub(in crate::server) fn sequence(&self) -> Option<u64> {
        match self {
            AnswerBody::Account(body) => Some(body.sequence),
            AnswerBody::Offering(body) => Some(body.sequence),
            AnswerBody::Certificate(body) => Some(body.sequence),
            _ => None,
        }
    }

    /// The certificate that it is about.
    pub(in crate::server) fn serial(&self) -> Option<u32> {
        match self {
            AnswerBody::Circulated { serial, .. }
            | AnswerBody::Purchased { serial, .. }
            | AnswerBody::Reserved { serial, .. }
            | AnswerBody::ReservationCancelled { serial }
            | AnswerBody::Refunded { serial, .. } => Some(*serial),
            _ => None,
        }
    }

    /// An answer with amounts of this currency.
    pub(in crate::server) fn of(done: Done, currency: Currency, names: &Names) -> AnswerBody {
        let written = Written(currency);
        let money = |amount| written.money(amount);
        match done {
            Done::Opened { posted } => AnswerBody::Opened { currency, posted: written.balance(posted) },
            Done::Deposited { posted } => AnswerBody::Deposited { currency, posted: written.balance(posted) },
            Done::CashedOut { posted } => AnswerBody::CashedOut { currency, posted: written.balance(posted) },
            Done::CreditLimitSet { credit_limit } => {
                AnswerBody::CreditLimitSet { currency, credit_limit: money(credit_limit) }
            }
            Done::StatusChanged { status: now, accepts_gifts } => {
                AnswerBody::StatusChanged { status: status(now), accepts_gifts }
            }
            Done::Issued { items } => AnswerBody::Issued { items },
            Done::Published { at } => AnswerBody::Published { at: Time(at) },
            Done::Attached { debited } => AnswerBody::Attached { currency, debited: money(debited) },
            Done::ToppedUp { amount } => AnswerBody::ToppedUp { currency, amount: money(amount) },
            Done::Circulated(done) => AnswerBody::Circulated {
                serial: done.serial.0,
                hop: done.hop,
                first: done.first,
                currency,
                attached: money(done.attached),
                promise: money(done.promise),
                withdrawn: done.withdrawn,
            },
            Done::Acquired { promise, attached } => {
                AnswerBody::Acquired { currency, promise: money(promise), attached: money(attached) }
            }
            Done::Purchased(done) => AnswerBody::Purchased {
                serial: done.serial.0,
                currency,
                price: money(done.price),
                commission: CommissionBody::of(done.commission, written),
                credits_left: done.credits_left,
            },
            Done::Reserved { serial, price, until } => {
                AnswerBody::Reserved { serial: serial.0, currency, price: money(price), until: Time(until) }
            }
            Done::ReservationCancelled { serial } => AnswerBody::ReservationCancelled { serial: serial.0 },
            Done::Refunded(done) => AnswerBody::Refunded {
                serial: done.serial.0,
                currency,
                paid: money(done.paid),
                owed: money(done.owed),
                clawed_back: done.clawed_back,
                left: done.left,
            },
            Done::Transferred { amount, posted } => {
                AnswerBody::Transferred { currency, amount: money(amount), posted: written.balance(posted) }
            }
            Done::TransferBegun { held } => AnswerBody::TransferBegun { currency, held: money(held) },
            Done::TransferVoided { freed } => AnswerBody::TransferVoided { currency, freed: money(freed) },
            Done::PaymentIssued { held } => AnswerBody::PaymentIssued { currency, held: money(held) },
            Done::PaymentChanged { state, released, freed } => AnswerBody::PaymentChanged {
                state: payment_state(state),
                currency,
                released: money(released),
                freed: money(freed),
            },
            Done::Given { expires_at } => AnswerBody::Given { expires_at: Time(expires_at) },
            Done::GiftChanged { state } => AnswerBody::GiftChanged { state: state.text() },
            Done::MandateGranted => AnswerBody::MandateGranted,
            Done::MandateRevoked { used } => AnswerBody::MandateRevoked { currency, used: money(used) },
            Done::Registered { registered } => AnswerBody::Registered { registered },
            Done::Withheld { amount } => AnswerBody::Withheld { currency, amount: money(amount) },
            Done::Provided => AnswerBody::Provided,
            Done::OrderReversed { paid, owed } => {
                AnswerBody::OrderReversed { currency, paid: money(paid), owed: money(owed) }
            }
            Done::Account(view) => AnswerBody::Account(Box::new(AccountBody::of(*view))),
            Done::Offering(view) => AnswerBody::Offering(Box::new(OfferingBody::of(*view))),
            Done::Certificate(view) => {
                AnswerBody::Certificate(Box::new(CertificateBody::of(*view, currency, names)))
            }
            Done::Gift(view) => AnswerBody::Gift(Box::new(GiftBody::of(*view, currency, names))),
            Done::Gifts(views) => {
                let gifts = views.into_iter().map(|view| GiftBody::of(view, currency, names)).collect();
                AnswerBody::Gifts { gifts }
            }
            Done::Payment(payment) => {
                AnswerBody::Payment(Box::new(PaymentBody::of(&payment, currency, names)))
            }
            Done::Mandate(mandate) => {
                AnswerBody::Mandate(Box::new(MandateBody::of(&mandate, currency, names)))
            }
            Done::Order(order) => AnswerBody::Order(Box::new(OrderBody::of(&order, names))),
            Done::Request(done) => AnswerBody::Request {
                answer: done.map(|done| Box::new(AnswerBody::of(*done, currency, names))),
            },
            Done::Page(page) => AnswerBody::Page {
                certificates: page.certificates.into_iter().map(|number| number.0).collect(),
                entries: page.entries,
            },
        }
    }
}

impl CommissionBody {
    fn of(settlement: Settlement, written: Written) -> CommissionBody {
        match settlement {
            Settlement::None => CommissionBody::None,
            Settlement::Settled { cashed, promises, returned } => CommissionBody::Settled {
                cashed: written.money(cashed),
                promises,
                returned: written.money(returned),
            },
            Settlement::Withdrawn { factors: held, returned } => {
                CommissionBody::Withdrawn { factors: factors(held), returned: written.money(returned) }
            }
        }
    }
}

#[cfg(test)]
impl AnswerBody {
    /// The types of all answers that a command can have, as they are described.
    pub(in crate::server) fn names() -> Vec<String> {
        let schema = schemars::schema_for!(AnswerBody).to_value();
        let variants = schema["oneOf"].as_array().unwrap().iter();
        let names =
            variants.map(|variant| variant["properties"]["type"]["const"].as_str().unwrap().to_owned());
        // A private page has a resource of its own.
        names.filter(|name| name != "page").collect()
    }
}
