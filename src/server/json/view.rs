//! What is shown of accounts, offerings, certificates, gifts, payment certificates, mandates and orders.

use schemars::JsonSchema;
use serde::Serialize;

use super::amount::{Amount, SignedAmount, Written};
use super::hex;
use super::names::{Named, Names};
use super::offer::{InformationBody, WindowBody};
use super::terms::TermsBody;
use super::time::Time;
use crate::domain::{
    AccountView, CertificateView, CommissionLabel, Currency, Display, FoundObject, FoundVia, FrozenRow,
    GiftView, GoodsKind, HopView, Mandate, OfferingView, Order, OrderState, PaymentCertificate, PaymentState,
    SaleView, Status, Timestamp, WithholdingRight,
};

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Frozen => "frozen",
        Status::Closed => "closed",
    }
}

pub(super) fn payment_state(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Issued => "issued",
        PaymentState::Received => "received",
        PaymentState::Released => "released",
        PaymentState::Rejected => "rejected",
        PaymentState::Expired => "expired",
        PaymentState::Void => "void",
    }
}

/// An account.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct AccountBody {
    account: String,
    number: u64,
    currency: Currency,
    posted: SignedAmount,
    held: Amount,
    earmarked: Amount,
    credit_limit: Amount,
    available: Amount,
    owed: Amount,
    #[schemars(extend("enum" = ["open", "frozen", "closed"]))]
    status: &'static str,
    accepts_gifts: bool,
    pub(super) sequence: u64,
    chain_head: String,
}

impl AccountBody {
    pub(super) fn of(view: AccountView) -> AccountBody {
        let written = Written(view.currency);
        AccountBody {
            account: view.name.to_string(),
            number: view.number.0,
            currency: view.currency,
            posted: written.balance(view.posted),
            held: written.money(view.held),
            earmarked: written.money(view.earmarked),
            credit_limit: written.money(view.credit_limit),
            available: written.money(view.available),
            owed: written.money(view.owed),
            status: status(view.status),
            accepts_gifts: view.accepts_gifts,
            sequence: view.sequence,
            chain_head: hex(&view.head),
        }
    }
}

/// K5: what a commission shows.
#[derive(Debug, JsonSchema, Serialize)]
struct LabelBody {
    attached: Amount,
    reserve: Amount,
    cumulative: Amount,
}

impl LabelBody {
    fn of(label: CommissionLabel, written: Written) -> LabelBody {
        LabelBody {
            attached: written.money(label.attached),
            reserve: written.money(label.reserve),
            cumulative: written.money(label.cumulative),
        }
    }
}

#[derive(Debug, JsonSchema, Serialize)]
struct FrozenBody {
    at: Time,
    price: Amount,
    commission: Option<LabelBody>,
    left: u32,
}

impl FrozenBody {
    fn of(row: FrozenRow, written: Written) -> FrozenBody {
        let commission = row.label.map(|label| LabelBody::of(label, written));
        FrozenBody { at: Time(row.at), price: written.money(row.price), commission, left: row.left }
    }
}

/// An offering.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct OfferingBody {
    offering: String,
    number: u64,
    currency: Currency,
    price: Amount,
    commission: Option<LabelBody>,
    published_at: Option<Time>,
    #[schemars(extend("enum" = ["certificate", "acquisition_information", "snapshot"]))]
    display: &'static str,
    as_published: Option<FrozenBody>,
    link: String,
    items: u32,
    sold: u32,
    left: u32,
    reserved: u32,
    window: WindowBody,
    cap: Option<u32>,
    expires_at: Option<Time>,
    terms: Option<TermsBody>,
    information: InformationBody,
    pub(super) sequence: u64,
    chain_head: String,
}

impl OfferingBody {
    pub(super) fn of(view: OfferingView) -> OfferingBody {
        let written = Written(view.currency);
        OfferingBody {
            offering: view.name.to_string(),
            number: view.number.0,
            currency: view.currency,
            price: written.money(view.price),
            commission: view.label.map(|label| LabelBody::of(label, written)),
            published_at: view.published_at.map(Time),
            display: match view.display {
                Display::Certificate => "certificate",
                Display::AcquisitionInformation => "acquisition_information",
                Display::Snapshot => "snapshot",
            },
            as_published: view.frozen.map(|row| FrozenBody::of(row, written)),
            link: view.link.to_string(),
            items: view.items,
            sold: view.sold,
            left: view.left,
            reserved: view.reserved,
            window: WindowBody::of(view.window),
            cap: view.cap,
            expires_at: view.expires_at.map(Time),
            terms: view.terms.as_ref().map(|terms| TermsBody::of(terms, written)),
            information: InformationBody::of(view.information),
            sequence: view.sequence,
            chain_head: hex(&view.head),
        }
    }
}

/// A certificate.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct CertificateBody {
    offering: Named,
    serial: u32,
    link: String,
    currency: Currency,
    price: Amount,
    commission: Option<LabelBody>,
    promised: Amount,
    cashed: Amount,
    returned: Amount,
    linked: Option<Named>,
    hops: u32,
    chain: Vec<HopBody>,
    almost_met: bool,
    sale: Option<SaleBody>,
    refunded: bool,
    pub(super) sequence: u64,
    chain_head: String,
}

#[derive(Debug, JsonSchema, Serialize)]
struct HopBody {
    hop: u32,
    account: Named,
    via: FoundBody,
    linked_at: Time,
    unlinked_at: Option<Time>,
    promise: Amount,
    cashed: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum FoundBody {
    Public,
    PrivatePage(Named),
    Link,
}

#[derive(Debug, JsonSchema, Serialize)]
struct SaleBody {
    buyer: Named,
    at: Time,
    price: Amount,
}

impl CertificateBody {
    pub(super) fn of(view: CertificateView, currency: Currency, names: &Names) -> CertificateBody {
        let written = Written(currency);
        CertificateBody {
            offering: names.of(view.offering),
            serial: view.serial.0,
            link: view.link.to_string(),
            currency,
            price: written.money(view.price),
            commission: view.label.map(|label| LabelBody::of(label, written)),
            promised: written.money(view.promised),
            cashed: written.money(view.cashed),
            returned: written.money(view.returned),
            linked: view.linked.map(|account| names.of(account)),
            hops: view.hops,
            chain: view.chain.into_iter().map(|hop| HopBody::of(hop, written, names)).collect(),
            almost_met: view.almost_met,
            sale: view.sale.map(|sale| SaleBody::of(&sale, written, names)),
            refunded: view.refunded,
            sequence: view.sequence,
            chain_head: hex(&view.head),
        }
    }
}

impl HopBody {
    fn of(hop: HopView, written: Written, names: &Names) -> HopBody {
        HopBody {
            hop: hop.hop,
            account: names.of(hop.account),
            via: match hop.via {
                FoundVia::Public => FoundBody::Public,
                FoundVia::PrivatePage(owner) => FoundBody::PrivatePage(names.of(owner)),
                FoundVia::Link => FoundBody::Link,
            },
            linked_at: Time(hop.linked_at),
            unlinked_at: hop.unlinked_at.map(Time),
            promise: written.money(hop.promise),
            cashed: hop.cashed,
        }
    }
}

impl SaleBody {
    fn of(sale: &SaleView, written: Written, names: &Names) -> SaleBody {
        SaleBody {
            buyer: names.of(sale.buyer),
            at: Time(sale.at),
            price: written.money(sale.purchased.price),
        }
    }
}

/// A gift at its recipient.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct GiftBody {
    donor: Named,
    gift: String,
    merchant: Option<Named>,
    object: ObjectShown,
    currency: Currency,
    price: Amount,
    expires_at: Time,
    #[schemars(extend("enum" = ["requested", "accepted", "declined", "expired", "returned", "withheld", "provided", "reversed"]))]
    state: &'static str,
    order: Option<OrderNamed>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum ObjectShown {
    Goods(GoodsShown),
    Certificate(CertificateNamed),
}

#[derive(Debug, JsonSchema, Serialize)]
struct GoodsShown {
    #[schemars(extend("enum" = ["product", "service", "insurance", "fund", "gold", "lottery", "other"]))]
    kind: &'static str,
    description: String,
}

#[derive(Debug, JsonSchema, Serialize)]
struct CertificateNamed {
    offering: Named,
    serial: u32,
}

#[derive(Debug, JsonSchema, Serialize)]
struct OrderNamed {
    merchant: Named,
    order: String,
}

impl GiftBody {
    pub(super) fn of(view: GiftView, currency: Currency, names: &Names) -> GiftBody {
        let gift = view.state;
        GiftBody {
            donor: names.of(view.donor),
            gift: view.gift.to_string(),
            merchant: gift.merchant.map(|merchant| names.of(merchant)),
            object: match gift.object {
                FoundObject::Goods { kind, description } => {
                    ObjectShown::Goods(GoodsShown { kind: goods(kind), description })
                }
                FoundObject::Certificate { offering, serial } => ObjectShown::Certificate(CertificateNamed {
                    offering: names.of(offering),
                    serial: serial.0,
                }),
            },
            currency,
            price: Written(currency).money(gift.price),
            expires_at: Time(gift.expires_at),
            state: gift.state.text(),
            order: gift.order.map(|order| OrderNamed {
                merchant: names.of(order.merchant),
                order: order.reference.to_string(),
            }),
        }
    }
}

fn goods(kind: GoodsKind) -> &'static str {
    match kind {
        GoodsKind::Product => "product",
        GoodsKind::Service => "service",
        GoodsKind::Insurance => "insurance",
        GoodsKind::Fund => "fund",
        GoodsKind::Gold => "gold",
        GoodsKind::Lottery => "lottery",
        GoodsKind::Other => "other",
    }
}

/// A payment certificate.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct PaymentBody {
    currency: Currency,
    amount: Amount,
    released: Amount,
    freed: Amount,
    beneficiary: Option<Named>,
    not_before: Option<Time>,
    expires_at: Option<Time>,
    backs: Option<Named>,
    #[schemars(extend("enum" = ["issued", "received", "released", "rejected", "expired", "void"]))]
    state: &'static str,
}

impl PaymentBody {
    pub(super) fn of(payment: &PaymentCertificate, currency: Currency, names: &Names) -> PaymentBody {
        let written = Written(currency);
        let at = |time: Option<Timestamp>| time.map(Time);
        PaymentBody {
            currency,
            amount: written.money(payment.amount),
            released: written.money(payment.released),
            freed: written.money(payment.freed),
            beneficiary: payment.beneficiary.map(|party| names.of(party.number)),
            not_before: at(payment.not_before),
            expires_at: at(payment.expires_at),
            backs: payment.backs.map(|offering| names.of(offering)),
            state: payment_state(payment.state),
        }
    }
}

/// A mandate.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct MandateBody {
    merchant: Named,
    currency: Currency,
    amount_max: Amount,
    amount_max_per_use: Amount,
    used: Amount,
    ends_at: Option<Time>,
    revoked: bool,
}

impl MandateBody {
    pub(super) fn of(mandate: &Mandate, currency: Currency, names: &Names) -> MandateBody {
        let written = Written(currency);
        MandateBody {
            merchant: names.of(mandate.merchant),
            currency,
            amount_max: written.money(mandate.amount_max),
            amount_max_per_use: written.money(mandate.amount_max_per_use),
            used: written.money(mandate.used),
            ends_at: mandate.ends_at.map(Time),
            revoked: mandate.revoked,
        }
    }
}

/// A merchant's order.
#[derive(Debug, JsonSchema, Serialize)]
pub(in crate::server) struct OrderBody {
    currency: Currency,
    amount: Amount,
    recipient: Named,
    by: RightBody,
    payee: Named,
    certificate: bool,
    #[schemars(extend("enum" = ["begun", "paid", "provided", "reversing", "reversed"]))]
    state: &'static str,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum RightBody {
    Gift { donor: Named, gift: String },
    Mandate { mandate: String },
}

impl OrderBody {
    pub(super) fn of(order: &Order, names: &Names) -> OrderBody {
        let currency = order.from.recipient.currency;
        OrderBody {
            currency,
            amount: Written(currency).money(order.amount),
            recipient: names.of(order.from.recipient.number),
            by: match &order.from.right {
                WithholdingRight::Gift(key) => {
                    RightBody::Gift { donor: names.of(key.caller), gift: key.id.to_string() }
                }
                WithholdingRight::Mandate(mandate) => RightBody::Mandate { mandate: mandate.to_string() },
            },
            payee: names.of(order.payee),
            certificate: order.certificate,
            state: match order.state {
                OrderState::Begun(_) => "begun",
                OrderState::Paid => "paid",
                OrderState::Provided => "provided",
                OrderState::Reversing(_) => "reversing",
                OrderState::Reversed => "reversed",
            },
        }
    }
}
