//! The orders of a sale that are gifts: which they are, who gives them, and what donor, recipient and merchant say
//! (T6 to T10, T16).
//!
//! The rules: each order is drawn by its line alone. The donor is the customer of the nearest order before it who is not
//! its own customer, else of the nearest behind it; where there is no other customer, the order stays a purchase.
//!
//! Absent on purpose: gifts that nobody accepts. Each is accepted and withheld where the purchase would have been.

use std::collections::BTreeMap;

use super::super::failure::Failure;
use super::super::orders::Order;
use super::draw::is_drawn;
use super::plan::{Certificate, Plan, SERIAL, SUPPLIER, account};
use crate::domain::{
    BasisPoints, Command, GiftCommand, GiftObject, GiftReference, MerchantCommand, Message, Name, Refusal,
    RequestId, Timestamp, WhenShort, WithholdFrom,
};
use crate::limits::{REQUESTS_KEPT_MAX, TIME_MS_MAX};

/// Draws the orders; it is the same for all sales, so that a file and a share say which they are.
const SEED: u64 = 1;
/// A run that was cut off may go on long after a gift would have expired by itself.
const EXPIRES_AT: Timestamp = Timestamp(TIME_MS_MAX);

/// The donor of each order, in their order; none where it is no gift.
///
/// # Errors
/// Where a customer is given more than one account can accept in a day.
pub(super) fn donors(orders: &[Order], share: BasisPoints) -> Result<Vec<Option<String>>, Failure> {
    // Whoever has nobody else before them has ordered all that comes first.
    let first = orders.first();
    let behind = first.and_then(|first| orders.iter().find(|order| order.customer != first.customer));
    let mut before: Option<&Order> = None;
    let mut given: BTreeMap<&str, usize> = BTreeMap::new();
    let mut donors = Vec::with_capacity(orders.len());
    for (index, order) in orders.iter().enumerate() {
        if let Some(former) = index.checked_sub(1).map(|former| &orders[former])
            && former.customer != order.customer
        {
            before = Some(former);
        }
        let donor = before.or(behind).filter(|_| is_drawn(order.line, share, SEED));
        if donor.is_some() {
            let gifts = given.entry(&order.customer).or_default();
            *gifts += 1;
            if *gifts > REQUESTS_KEPT_MAX {
                let customer = &order.customer;
                return Err(Failure::Other(format!(
                    "customer {customer} is given more than {REQUESTS_KEPT_MAX} orders: choose a smaller share"
                )));
            }
        }
        donors.push(donor.map(|donor| donor.customer.clone()));
    }
    Ok(donors)
}

impl Plan {
    /// Registers the supplier as the merchant who withholds, and who is paid; none where there are no gifts.
    pub(super) fn register_merchant(&self) -> Option<Result<Message, Refusal>> {
        let register = || {
            let (merchant, payee) = (Name::new(SUPPLIER)?, Name::new(SUPPLIER)?);
            let when_short = WhenShort::Refuse;
            let register = MerchantCommand::Register { merchant, payee, supplier: None, when_short };
            Message::from_funds_management("register", Command::Merchant(register))
        };
        self.certificates.iter().any(|certificate| certificate.donor.is_some()).then(register)
    }
}

impl Certificate {
    /// The id of the gift: unique over all that its donor gives.
    fn gift(&self) -> String {
        format!("give-{}", self.offering)
    }

    /// The donor gives the price, for the certificate and nothing else.
    pub(super) fn give(&self, donor: &str) -> Result<Message, Refusal> {
        let give = GiftCommand::Give {
            recipient: Name::new(account(&self.buyer))?,
            merchant: Some(Name::new(SUPPLIER)?),
            object: GiftObject::Certificate { offering: self.offering.clone(), serial: SERIAL },
            price: self.price,
            expires_at: Some(EXPIRES_AT),
        };
        Message::from_account(&account(donor), &self.gift(), Command::Gift(give))
    }

    /// The recipient accepts it.
    pub(super) fn accept(&self, donor: &str) -> Result<Message, Refusal> {
        let (donor, gift) = (Name::new(account(donor))?, RequestId::new(self.gift())?);
        let accept = Command::Gift(GiftCommand::Accept { donor, gift });
        Message::from_account(&account(&self.buyer), &format!("accept-{}", self.offering), accept)
    }

    /// The supplier withholds it, which sells the certificate to the recipient.
    pub(super) fn withhold(&self, donor: &str) -> Result<Message, Refusal> {
        let from = WithholdFrom::Gift(GiftReference {
            recipient: Name::new(account(&self.buyer))?,
            donor: Name::new(account(donor))?,
            gift: RequestId::new(self.gift())?,
        });
        let withhold = MerchantCommand::Withhold { order: self.offering.clone(), amount: self.price, from };
        Message::from_account(SUPPLIER, &format!("withhold-{}", self.offering), Command::Merchant(withhold))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::Money;

    fn orders<'orders>(customers: impl IntoIterator<Item = &'orders str>) -> Vec<Order> {
        let order = |(line, customer): (u64, &str)| {
            let (customer, price) = (customer.to_owned(), Money::from_minor(1).unwrap());
            Order { line, customer, date: date(1997, 1, 1), units: 1, price }
        };
        (1..).zip(customers).map(order).collect()
    }

    const ALL: u32 = BasisPoints::MAX;

    // T6
    #[test]
    fn whoever_else_ordered_last_is_the_donor_or_whoever_else_orders_next() {
        let cases: &[(&str, &str)] = &[
            ("", ""),
            ("a", "-"),
            ("a a a", "- - -"),
            ("a b", "b a"),
            ("a a b", "b b a"),
            ("a b c", "b a b"),
            ("a b a a b", "b a b b a"),
            ("a a b b c a a", "b b a a b c c"),
        ];
        for (customers, wanted) in cases {
            let donors =
                donors(&orders(customers.split_whitespace()), BasisPoints::new(ALL).unwrap()).unwrap();
            let found: Vec<&str> = donors.iter().map(|donor| donor.as_deref().unwrap_or("-")).collect();
            assert_eq!(found.join(" "), *wanted, "{customers}");
        }
    }

    #[test]
    fn an_order_is_drawn_by_its_line_alone() {
        let share = |share| BasisPoints::new(share).unwrap();
        let customers = ["a", "b", "c", "a"].iter().copied().cycle().take(1_000);
        let few = orders(customers);
        let gifts = |orders: &[Order], share| -> Vec<u64> {
            let donors = donors(orders, share).unwrap();
            let drawn = orders.iter().zip(donors).filter(|(_, donor)| donor.is_some());
            drawn.map(|(order, _)| order.line).collect()
        };
        let drawn = gifts(&few, share(3_000));
        assert!((200..400).contains(&drawn.len()), "{} of 1,000", drawn.len());
        let in_half = drawn.iter().copied().filter(|line| *line <= 500).collect::<Vec<_>>();
        assert_eq!(gifts(&few[..500], share(3_000)), in_half);
        assert!(gifts(&few, share(0)).is_empty());
    }

    // An account remembers so many requests in a day, and would answer `overloaded` until the next.
    #[test]
    fn a_customer_is_given_no_more_than_an_account_can_accept_in_a_day() {
        let given = |times| {
            let customers = std::iter::once("donor").chain(std::iter::repeat_n("ann", times));
            donors(&orders(customers), BasisPoints::new(ALL).unwrap()).map(|donors| donors.len())
        };
        assert_eq!(given(REQUESTS_KEPT_MAX).unwrap(), REQUESTS_KEPT_MAX + 1);
        let refused = given(REQUESTS_KEPT_MAX + 1).unwrap_err().to_string();
        assert_eq!(refused, "customer ann is given more than 65536 orders: choose a smaller share");
    }
}
