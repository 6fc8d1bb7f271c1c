//! The messages that actors send each other inside a walk.

mod birth;
mod engagements;

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::merchant::OrderKey;
use crate::domain::money::Money;
use crate::domain::name::Name;
use crate::domain::number::{ActorNumber, Serial};
use crate::domain::refusal::Code;
use crate::domain::request::{Party, Request, RequestKey, RequestMark, Source};

pub use birth::{Birth, Envelope, Series};
pub use engagements::{
    ArrivingGift, ClawBack, DebitRefund, Draw, GiftReversed, Hold, LinkPayment, OrderRefused, PurchaseGift,
    ReversalPaid, ReverseOrder, TopUp, Withheld, Withhold,
};

/// Everything that can arrive at an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// From a door, to its target.
    Request(Box<Request>),
    /// A request that an offering hands to a certificate that it has chosen or brought to life.
    Handed(Box<Handed>),
    /// A repeat of a request that this certificate has made a hop or a sale of.
    Repeat(Box<Request>),
    /// Offering to buyer: pay for an allocated certificate.
    Debit(Box<Debit>),
    /// Buyer to offering: the money is not there; the serial is free again.
    DebitRefused(Box<DebitRefused>),
    /// Buyer to certificate: the price is paid, settle everybody.
    Settle(Box<Settle>),
    /// To an account: money that nothing refuses.
    Credit(Credit),
    /// Account to certificate: a credit of a page is absorbed.
    CreditAbsorbed,
    /// Certificate to offering: the serial is paid and sold.
    Paid(Serial),
    /// Certificate to offering: a circulation in turn was refused; try the next one.
    TurnRefused(Box<TurnRefused>),
    /// Offering to payer: fund the commission of all its certificates.
    DebitCommission {
        /// Who asks.
        offering: ActorNumber,
        /// How much.
        amount: Money,
    },
    /// Payer to offering: the money for all its certificates.
    CommissionFunded(Money),
    /// Payer to offering: the money is not there.
    CommissionRefused(Code),
    /// Offering to payer: let a payment certificate back the commission of all its certificates (K3).
    LinkPayment(Box<LinkPayment>),
    /// Payer to offering: the payment certificate backs it.
    CommissionBacked(Money),
    /// Certificate or offering to payer: of the payment certificate that backs the commission, pay so much and free
    /// so much (H3).
    Draw(Box<Draw>),
    /// Payer to certificate: the money to be paid on to those who acquired.
    Drawn(Money),
    /// Certificate to an account: it has circulated that certificate, which is shown on its private platform.
    Displayed(ActorNumber),
    /// Payer to offering, and on to a certificate that is alive: more reserve.
    TopUp(Box<TopUp>),
    /// Back to the payer: the commission has it.
    TopUpDone(Box<TopUp>),
    /// Back to the payer, money and all: the commission would not have it.
    TopUpRefused(Box<TopUp>, Code),
    /// Offering to buyer: hold the price of a certificate that is reserved (F6).
    Hold(Box<Hold>),
    /// Buyer to offering: it is held.
    HoldDone(Serial),
    /// Offering to buyer: the reservation is over.
    FreeHold(ActorNumber),
    /// Donor to recipient: a gift, money and all (T8).
    GiftArrives(Box<ArrivingGift>),
    /// Merchant to recipient: the price of an order is to be withheld (T10).
    Withhold(Box<Withhold>),
    /// Recipient, or the certificate of a gift, to payee: the price, and whom to tell.
    Withheld(Box<Withheld>),
    /// To the merchant: the price has reached its payee.
    OrderPaid(Name),
    /// To the merchant: the price is paid, and the certificate provided with it.
    OrderSettled(Name),
    /// To the merchant: no money has moved.
    OrderRefused(Box<OrderRefused>),
    /// Recipient to offering: the certificate of a gift is withheld (T16).
    PurchaseGift(Box<PurchaseGift>),
    /// To the recipient: the object of a gift is there (T12).
    GiftProvided(RequestKey),
    /// Merchant to payee: pay an order back (T14).
    ReverseOrder(Box<ReverseOrder>),
    /// Payee to merchant: it is on its way back, so much now and so much as a debt.
    ReversalPaid(Box<ReversalPaid>),
    /// Payee to merchant: it cannot be covered.
    ReversalRefused(Name),
    /// Payee to recipient: the money of a gift that was not provided, to go on to its donor.
    GiftReversed(Box<GiftReversed>),
    /// Certificate to payee: pay the price of a purchase back (F7).
    DebitRefund(Box<DebitRefund>),
    /// Payee to certificate: so much of the price comes back now, so much is owed.
    RefundPaid {
        /// Comes with the message.
        paid: Money,
        /// A debt of the payee to the buyer.
        owed: Money,
    },
    /// Payee to certificate: it cannot be covered.
    RefundRefused,
    /// Certificate to whoever cashed: pay it back, as far as the money is there (D44).
    ClawBack(Box<ClawBack>),
}

/// A body whose message is in no box, to be written: it has the bytes of the `Body` of that message.
#[derive(Clone, Copy, Debug)]
pub enum BodyParts<'message> {
    /// As `Body::Debit`, for that serial, where this is what comes of it.
    Debit(Serial, &'message Settle),
    /// As `Body::Settle`.
    Settle(&'message Settle),
}

/// What a `Debit` consists of, in its order.
#[derive(Serialize)]
struct DebitParts<'message> {
    offering: ActorNumber,
    serial: Serial,
    amount: Money,
    mark: &'message RequestMark,
    birth: &'message Option<Birth>,
    source: &'message Source,
}

impl Serialize for BodyParts<'_> {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The second number is the message's place among the kinds of `Body`.
        match self {
            BodyParts::Debit(serial, settle) => {
                let Settle { offering, buyer: _, price, mark, birth, source } = settle;
                let (offering, serial, amount) = (*offering, *serial, *price);
                let parts = DebitParts { offering, serial, amount, mark, birth, source };
                serializer.serialize_newtype_variant("Body", 3, "Debit", &parts)
            }
            BodyParts::Settle(settle) => serializer.serialize_newtype_variant("Body", 5, "Settle", settle),
        }
    }
}

/// A circulation on its way from the offering to a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The request, a circulation.
    pub request: Request,
    /// What brings the certificate to life, where this is its first message (D29).
    pub birth: Option<Birth>,
    /// Where the offering chose in turn (D30): how to go on if this certificate refuses.
    pub turn: Option<Turn>,
}

/// Where a circulation in turn stands (D39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The certificate that was chosen.
    pub serial: Serial,
    /// The cursor before the walk moved it, restored if every one refuses.
    pub cursor_before: u32,
    /// The first serial that was tried; the round ends where it would come again.
    pub tried_first: Serial,
    /// How many were tried; the round ends at `limits::TURN_TRIES_MAX` too.
    pub tries: u32,
}

/// A circulation in turn that its certificate refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRefused {
    /// The request, a circulation.
    pub request: Request,
    /// Where the round stands.
    pub turn: Turn,
    /// Why it was refused.
    pub code: Code,
}

/// A demand for the price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debit {
    /// Who asks and waits for a refusal.
    pub offering: ActorNumber,
    /// What is bought.
    pub serial: Serial,
    /// The price.
    pub amount: Money,
    /// Whose purchase it is.
    pub mark: RequestMark,
    /// What brings the certificate to life, where nothing has yet.
    pub birth: Option<Birth>,
    /// Out of which money.
    pub source: Source,
}

impl Debit {
    /// What its certificate is sent once this buyer has paid.
    #[must_use]
    pub fn paid_by(self, buyer: Party) -> Settle {
        let Debit { offering, amount: price, mark, birth, source, .. } = self;
        Settle { offering, buyer, price, mark, birth, source }
    }
}

/// The buyer cannot pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitRefused {
    /// What is free again.
    pub serial: Serial,
    /// Why.
    pub code: Code,
    /// The envelope goes back with it.
    pub birth: Option<Birth>,
    /// The order that wanted it, whose merchant is to be told.
    pub order: Option<OrderKey>,
}

/// A paid certificate, to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The offering, to be told.
    pub offering: ActorNumber,
    /// Who bought it.
    pub buyer: Party,
    /// What was paid.
    pub price: Money,
    /// Whose purchase it is.
    pub mark: RequestMark,
    /// What brings the certificate to life, where nothing has yet.
    pub birth: Option<Birth>,
    /// Out of which money.
    pub source: Source,
}

/// Money for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// How much, above 0.
    pub amount: Money,
    /// What for.
    pub reason: CreditReason,
    /// The certificate or offering that it comes from.
    pub from: ActorNumber,
    /// True where `from` sends the next page once this one is absorbed.
    pub awaited: bool,
}

/// What a credit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CreditReason {
    /// The price, to the payee.
    Sale,
    /// A cashed promise.
    Commission,
    /// What is left of a commission, to its payer.
    Returned,
    /// A transfer.
    Transfer,
    /// A released payment certificate, to its beneficiary.
    Payment,
    /// A withheld order, to the payee.
    Withheld,
    /// A gift that came home, to its donor.
    GiftReturned,
    /// A reversed order, to the recipient whose mandate had paid it.
    Reversed,
    /// A refunded price, to the buyer.
    Refund,
    /// Cashed commission that was clawed back, to the commission's payer.
    ClawedBack,
    /// A part of a debt, to whom it is owed.
    Debt,
}

impl CreditReason {
    /// It in a stable word.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            CreditReason::Sale => "sale",
            CreditReason::Commission => "commission",
            CreditReason::Returned => "returned",
            CreditReason::Transfer => "transfer",
            CreditReason::Payment => "payment",
            CreditReason::Withheld => "withheld",
            CreditReason::GiftReturned => "gift_returned",
            CreditReason::Reversed => "reversed",
            CreditReason::Refund => "refund",
            CreditReason::ClawedBack => "clawed_back",
            CreditReason::Debt => "debt",
        }
    }
}

impl Body {
    /// As `Resident::glance`, of the message.
    #[must_use]
    pub fn glance(&self) -> u64 {
        match self {
            Body::Request(request) => request.mark.key.caller.0 ^ u64::from(request.objection.is_some()),
            Body::Handed(handed) => handed.request.mark.key.caller.0 ^ u64::from(handed.birth.is_some()),
            Body::Debit(debit) => debit.amount.minor() ^ debit.mark.key.caller.0,
            Body::Settle(settle) => settle.price.minor() ^ settle.mark.key.caller.0,
            _ => 0,
        }
    }

    /// True for what is answered with the head of its actor's chain.
    #[must_use]
    pub fn shows_chain(&self) -> bool {
        matches!(self, Body::Request(request) if request.task.shows_chain())
    }

    /// The money that travels with the message, in minor units: part of I1 while it is under way.
    #[must_use]
    pub fn money(&self) -> u128 {
        let of = |money: Money| u128::from(money.minor());
        let born = |birth: &Option<Birth>| birth.as_ref().map_or(0, |birth| of(birth.money()));
        match self {
            Body::Handed(handed) => born(&handed.birth),
            Body::Debit(debit) => born(&debit.birth),
            Body::DebitRefused(refused) => born(&refused.birth),
            Body::Settle(settle) => of(settle.price) + born(&settle.birth),
            Body::Credit(credit) => of(credit.amount),
            Body::CommissionFunded(amount) | Body::Drawn(amount) => of(*amount),
            Body::GiftReversed(reversed) => of(reversed.amount),
            Body::TopUp(top_up) | Body::TopUpRefused(top_up, _) => of(top_up.amount),
            Body::GiftArrives(arriving) => of(arriving.gift.price),
            Body::Withheld(withheld) => of(withheld.amount),
            Body::RefundPaid { paid, .. } => of(*paid),
            Body::Request(_)
            | Body::Repeat(_)
            | Body::CreditAbsorbed
            | Body::Paid(_)
            | Body::TurnRefused(_)
            | Body::DebitCommission { .. }
            | Body::CommissionRefused(_)
            | Body::LinkPayment(_)
            | Body::CommissionBacked(_)
            | Body::Draw(_)
            | Body::Displayed(_)
            | Body::TopUpDone(_)
            | Body::Hold(_)
            | Body::HoldDone(_)
            | Body::FreeHold(_)
            | Body::Withhold(_)
            | Body::OrderPaid(_)
            | Body::OrderSettled(_)
            | Body::OrderRefused(_)
            | Body::PurchaseGift(_)
            | Body::GiftProvided(_)
            | Body::ReverseOrder(_)
            | Body::ReversalPaid(_)
            | Body::ReversalRefused(_)
            | Body::DebitRefund(_)
            | Body::RefundRefused
            | Body::ClawBack(_) => 0,
        }
    }
}
