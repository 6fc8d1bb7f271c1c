//! What the sale is going to do, worked out from the orders alone, so that every run of them is the same sale.
//!
//! The rules: each order is an offering of one. Its commission is funded with 10 % of the price, of which 2 %
//! of the price is attached. The customers of the three orders before it circulate it, oldest first, unless
//! they are its buyer; then its customer buys it, or is given it (see `gifts`). Everyone opens with exactly what the
//! sale takes from them.

use std::collections::BTreeMap;

use super::super::failure::Failure;
use super::super::orders::{ORDERS_CURRENCY, Order, Orders};
use super::gifts;
use super::options::share_text;
use crate::domain::{
    BasisPoints, Command, CommissionTerms, Information, Message, Money, Name, Offer, Refusal, Serial, Via,
};

/// How many orders before one have customers that circulate it.
const SHARERS: usize = 3;
/// The commission's part of the price, and what of the price is attached.
pub(super) const FUNDED_BASIS_POINTS: u32 = 1_000;
pub(super) const ATTACHED_BASIS_POINTS: u32 = 200;
/// The account that issues everything and is paid.
pub(super) const SUPPLIER: &str = "supplier";

/// The whole sale.
pub(super) struct Plan {
    /// What the supplier opens with: all that it funds.
    pub(super) supplier_deposit: Money,
    /// What every customer opens with: the sum of the orders that they pay, their own or as a gift.
    pub(super) customers: BTreeMap<String, Money>,
    /// One certificate for each order, in the order of the sale.
    pub(super) certificates: Vec<Certificate>,
    /// The request id that opens the supplier; it carries the digest of the orders and the share of gifts.
    opening_id: String,
}

/// One order as a certificate.
pub(super) struct Certificate {
    pub(super) offering: Name,
    pub(super) buyer: String,
    /// Who gives it to the buyer; none where the buyer pays.
    pub(super) donor: Option<String>,
    /// Who circulates it, oldest first; the same customer may come twice.
    pub(super) sharers: Vec<String>,
    pub(super) price: Money,
    pub(super) funded: Money,
    attached: Money,
    information: Information,
}

/// The certificate's only serial.
pub(super) const SERIAL: Serial = Serial(1);

impl Plan {
    /// The sale of these orders, of which such a share are gifts.
    pub(super) fn new(orders: &Orders, gifts: BasisPoints) -> Result<Plan, Failure> {
        let donors = gifts::donors(&orders.orders, gifts)?;
        let mut supplier_deposit = Money::ZERO;
        let mut customers: BTreeMap<String, Money> =
            orders.customer_ids.iter().map(|customer| (customer.clone(), Money::ZERO)).collect();
        let mut certificates = Vec::with_capacity(orders.orders.len());
        for (index, (order, donor)) in orders.orders.iter().zip(donors).enumerate() {
            let before = &orders.orders[index.saturating_sub(SHARERS)..index];
            let certificate = Certificate::new(order, donor, before)?;
            supplier_deposit = sum(supplier_deposit, certificate.funded)?;
            let deposit = customers.entry(certificate.payer().to_owned()).or_default();
            *deposit = sum(*deposit, order.price)?;
            certificates.push(certificate);
        }
        let sale = format!("sale-{}", orders.digest);
        let opening_id = match gifts.get() {
            0 => sale,
            _ => format!("{sale}-gifts-{}", share_text(gifts)),
        };
        Ok(Plan { supplier_deposit, customers, certificates, opening_id })
    }

    /// Opens the supplier. Its request id says which sale this is, so that another sale's folder refuses it.
    pub(super) fn open_supplier(&self) -> Result<Message, Refusal> {
        open(SUPPLIER, &self.opening_id, self.supplier_deposit)
    }

    /// Opens every customer.
    pub(super) fn open_customers(&self) -> impl Iterator<Item = Result<Message, Refusal>> {
        self.customers.iter().map(|(customer, deposit)| open(&account(customer), "open", *deposit))
    }
}

fn sum(one: Money, other: Money) -> Result<Money, Failure> {
    one.checked_add(other).ok_or_else(|| {
        Failure::Other("the orders add up to more than an amount may be: split the file".to_owned())
    })
}

/// Shows the supplier.
pub(super) fn show_supplier() -> Result<Message, Refusal> {
    Message::from_account(SUPPLIER, "show", Command::ShowAccount { account: Name::new(SUPPLIER)? })
}

/// Opens an account.
pub(super) fn open(account: &str, request_id: &str, deposit: Money) -> Result<Message, Refusal> {
    let account = Name::new(account)?;
    let open =
        Command::OpenAccount { account, currency: ORDERS_CURRENCY, deposit, credit_limit: Money::ZERO };
    Message::from_funds_management(request_id, open)
}

/// The account of a customer; the prefix keeps customers apart from the supplier.
pub(super) fn account(customer: &str) -> String {
    format!("customer-{customer}")
}

impl Certificate {
    fn new(order: &Order, donor: Option<String>, before: &[Order]) -> Result<Certificate, Failure> {
        let share = |basis_points| {
            BasisPoints::new(basis_points)
                .map(|part| order.price.share(part))
                .map_err(|error| Failure::Other(error.to_string()))
        };
        let name = format!("order-{}", order.line);
        let offering = Name::new(name).map_err(|refusal| Failure::Other(refusal.to_string()))?;
        let sharers = before.iter().map(|earlier| earlier.customer.clone());
        Ok(Certificate {
            offering,
            buyer: order.customer.clone(),
            donor,
            sharers: sharers.filter(|sharer| *sharer != order.customer).collect(),
            price: order.price,
            funded: share(FUNDED_BASIS_POINTS)?,
            attached: share(ATTACHED_BASIS_POINTS)?,
            information: Information {
                product: format!("{} units, ordered on {}", order.units, order.date),
                ..Information::new(
                    format!("Order of line {}", order.line),
                    "at purchase, from posted balance",
                )
            },
        })
    }

    /// Who pays the price: the donor of a gift, else the buyer.
    fn payer(&self) -> &str {
        self.donor.as_ref().unwrap_or(&self.buyer)
    }

    pub(super) fn issue(&self) -> Result<Message, Refusal> {
        let information = self.information.clone();
        let offer = Offer::new(Name::new(SUPPLIER)?, self.price, ORDERS_CURRENCY, 1, information);
        let issue = Command::Issue { offering: self.offering.clone(), offer: Box::new(offer) };
        Message::from_account(SUPPLIER, "issue", issue)
    }

    /// None where 10 % of the price round to nothing: then there is no commission.
    pub(super) fn attach(&self) -> Option<Result<Message, Refusal>> {
        let terms = CommissionTerms::new(self.funded, self.attached);
        let attach = Command::attach_commission(self.offering.clone(), terms);
        (!self.funded.is_zero()).then(|| Message::from_account(SUPPLIER, "attach", attach))
    }

    pub(super) fn publish(&self) -> Result<Message, Refusal> {
        Message::from_account(SUPPLIER, "publish", Command::publish(self.offering.clone()))
    }

    /// The circulation of the sharer with this place, from 0.
    pub(super) fn circulate(&self, place: usize) -> Result<Message, Refusal> {
        let circulate =
            Command::Circulate { offering: self.offering.clone(), serial: Some(SERIAL), via: Via::Public };
        Message::from_account(&account(&self.sharers[place]), &circulation_id(place), circulate)
    }

    pub(super) fn buy(&self) -> Result<Message, Refusal> {
        let purchase = Command::purchase(self.offering.clone(), Some(SERIAL), Via::Public);
        Message::from_account(&account(&self.buyer), "buy", purchase)
    }

    pub(super) fn show(&self) -> Result<Message, Refusal> {
        let show = Command::ShowCertificate { offering: self.offering.clone(), serial: SERIAL, from_hop: 1 };
        Message::from_account(SUPPLIER, "show", show)
    }
}

/// The request id of a circulation.
pub(super) fn circulation_id(place: usize) -> String {
    format!("circulate-{}", place + 1)
}
