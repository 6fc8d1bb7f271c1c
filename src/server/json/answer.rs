//! Answers as JSON: an object whose `type` says what was done.

use serde::Serialize;

use super::amount::Written;
use super::names::Names;
use super::terms::factors;
use super::time;
use super::view::{
    AccountBody, CertificateBody, GiftBody, MandateBody, OfferingBody, OrderBody, PaymentBody, payment_state,
    status,
};
use crate::domain::{Currency, Done, Settlement};

/// What was done. Amounts are text in `currency`, which is the currency of the account that asked, or that was asked about.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::server) enum AnswerBody {
    Opened {
        currency: Currency,
        posted: String,
    },
    Deposited {
        currency: Currency,
        posted: String,
    },
    CashedOut {
        currency: Currency,
        posted: String,
    },
    CreditLimitSet {
        currency: Currency,
        credit_limit: String,
    },
    StatusChanged {
        status: &'static str,
        accepts_gifts: bool,
    },
    Issued {
        items: u32,
    },
    Published {
        at: String,
    },
    Attached {
        currency: Currency,
        debited: String,
    },
    ToppedUp {
        currency: Currency,
        amount: String,
    },
    Circulated {
        serial: u32,
        hop: u32,
        first: bool,
        currency: Currency,
        attached: String,
        promise: String,
        withdrawn: bool,
    },
    Acquired {
        currency: Currency,
        promise: String,
        attached: String,
    },
    Purchased {
        serial: u32,
        currency: Currency,
        price: String,
        commission: CommissionBody,
        credits_left: u32,
    },
    Reserved {
        serial: u32,
        currency: Currency,
        price: String,
        until: String,
    },
    ReservationCancelled {
        serial: u32,
    },
    Refunded {
        serial: u32,
        currency: Currency,
        paid: String,
        owed: String,
        clawed_back: u32,
        left: u32,
    },
    Transferred {
        currency: Currency,
        amount: String,
        posted: String,
    },
    TransferBegun {
        currency: Currency,
        held: String,
    },
    TransferVoided {
        currency: Currency,
        freed: String,
    },
    PaymentIssued {
        currency: Currency,
        held: String,
    },
    PaymentChanged {
        state: &'static str,
        currency: Currency,
        released: String,
        freed: String,
    },
    Given {
        expires_at: String,
    },
    GiftChanged {
        state: &'static str,
    },
    MandateGranted,
    MandateRevoked {
        currency: Currency,
        used: String,
    },
    Registered {
        registered: bool,
    },
    Withheld {
        currency: Currency,
        amount: String,
    },
    Provided,
    OrderReversed {
        currency: Currency,
        paid: String,
        owed: String,
    },
    Account(Box<AccountBody>),
    Offering(Box<OfferingBody>),
    Certificate(Box<CertificateBody>),
    Gift(Box<GiftBody>),
    Gifts {
        gifts: Vec<GiftBody>,
    },
    Payment(Box<PaymentBody>),
    Mandate(Box<MandateBody>),
    Order(Box<OrderBody>),
    /// A private platform: the links of its certificates, newest first.
    Page {
        certificates: Vec<u64>,
        entries: u32,
    },
}

/// What a purchase did to the commission.
#[derive(Debug, Serialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub(in crate::server) enum CommissionBody {
    None,
    Settled { cashed: String, promises: u32, returned: String },
    Withdrawn { factors: Vec<&'static str>, returned: String },
}

impl AnswerBody {
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
            Done::Published { at } => AnswerBody::Published { at: time::text(at) },
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
            Done::Reserved { serial, price, until } => AnswerBody::Reserved {
                serial: serial.0,
                currency,
                price: money(price),
                until: time::text(until),
            },
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
            Done::Given { expires_at } => AnswerBody::Given { expires_at: time::text(expires_at) },
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
