//! What messages carry of the things that accounts are engaged in: payment certificates, reservations, top-ups, gifts,
//! orders, refunds.

use serde::{Deserialize, Serialize};

use super::Body;
use crate::domain::command::WhenShort;
use crate::domain::gift::Gift;
use crate::domain::merchant::{FoundFrom, OrderKey, Registration, WithholdingRight};
use crate::domain::money::Money;
use crate::domain::name::{Name, RequestId};
use crate::domain::number::{ActorNumber, Serial};
use crate::domain::refusal::Code;
use crate::domain::request::{Party, RequestKey, RequestMark};

/// A payment certificate that is to back a commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPayment {
    /// Who asks.
    pub offering: ActorNumber,
    /// Which of the payer's.
    pub payment: RequestId,
    /// What it is to cover.
    pub amount: Money,
}

/// The price of a certificate, to be held for its reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who asks.
    pub offering: ActorNumber,
    /// The certificate.
    pub serial: Serial,
    /// How much.
    pub amount: Money,
}

/// An order that nobody pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRefused {
    /// The merchant's reference.
    pub reference: Name,
    /// Why.
    pub code: Code,
}

impl OrderRefused {
    /// The message that tells an order's merchant that no money has moved.
    pub(in crate::domain) fn body(order: &OrderKey, code: Code) -> Body {
        Body::OrderRefused(Box::new(OrderRefused { reference: order.reference.clone(), code }))
    }
}

/// An order on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversalPaid {
    /// The merchant's reference.
    pub reference: Name,
    /// Paid back now.
    pub paid: Money,
    /// A debt of the payee.
    pub owed: Money,
}

/// The money of a gift that was not provided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftReversed {
    /// Its donor and the id of the message that gave it.
    pub key: RequestKey,
    /// How much has come back.
    pub amount: Money,
}

/// A demand for the price of a refunded purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitRefund {
    /// Who asks.
    pub certificate: ActorNumber,
    /// Who bought.
    pub buyer: ActorNumber,
    /// The price.
    pub amount: Money,
    /// What to do where it is not there.
    pub when_short: WhenShort,
}

/// Part of a payment certificate, for a commission that it backs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// Which of the payer's.
    pub payment: RequestId,
    /// Who draws.
    pub by: ActorNumber,
    /// To be paid.
    pub release: Money,
    /// To be freed.
    pub free: Money,
}

/// More reserve on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// Who pays.
    pub payer: ActorNumber,
    /// For the certificate of this serial.
    pub serial: Serial,
    /// How much.
    pub amount: Money,
    /// The request.
    pub mark: RequestMark,
}

/// A gift on its way to its recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivingGift {
    /// Its donor and the id of the message that gave it.
    pub key: RequestKey,
    /// The gift.
    pub gift: Gift,
}

/// A withholding on its way from the merchant to the recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withhold {
    /// The order.
    pub order: OrderKey,
    /// What the merchant is registered with.
    pub registration: Registration,
    /// By which right.
    pub right: WithholdingRight,
    /// How much.
    pub amount: Money,
}

/// The price of an order on its way to the payee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The order.
    pub order: OrderKey,
    /// From whom the payee has it: the recipient (T13), or the certificate that was bought with it (T16).
    pub from: ActorNumber,
    /// True where that is a certificate, which is provided with its settlement (D43).
    pub certificate: bool,
    /// How much.
    pub amount: Money,
}

/// A certificate that a merchant withholds for a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseGift {
    /// The gift, and the order.
    pub gift: RequestKey,
    /// The order.
    pub order: OrderKey,
    /// Whose certificates the merchant may withhold.
    pub supplier: ActorNumber,
    /// The recipient.
    pub buyer: Party,
    /// The certificate.
    pub serial: Serial,
    /// What the gift has.
    pub amount: Money,
}

/// An order on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReverseOrder {
    /// The order.
    pub order: OrderKey,
    /// Whose money it was.
    pub from: FoundFrom,
    /// How much.
    pub amount: Money,
    /// What to do where the payee has not the whole of it.
    pub when_short: WhenShort,
}

/// A cashed commission that is to be paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClawBack {
    /// What was cashed.
    pub amount: Money,
    /// The commission's payer, who gets what is there.
    pub payer: ActorNumber,
    /// True where the rest becomes a debt.
    pub receivable: bool,
    /// The certificate.
    pub certificate: ActorNumber,
    /// True where the certificate sends the next page once this one is absorbed.
    pub awaited: bool,
}
