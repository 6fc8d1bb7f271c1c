//! An account: its balance, its credit limit, what it is engaged in, the requests it remembers for a day.
//!
//! Absent on purpose: promises. A promise is not money until it is cashed (K1), so no account knows of it.

mod absorb;
mod buying;
mod due;
mod engagements;
mod gifts;
mod income;
mod merchant;
mod payments;
mod remembered;
mod requests;
mod transfers;

use engagements::{Deadline, Engagements, PendingTransfer};
use remembered::Remembered;
use serde::{Deserialize, Serialize};

use super::answer::{AccountView, Done};
use super::chain::Head;
use super::command::Status;
use super::event::{AccountEvent, Debt, Event};
use super::gift::Gift;
use super::inside::Body;
use super::merchant::{Mandate, Merchant, Order, Registration};
use super::money::{Balance, Currency, Money};
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Fingerprint};
use super::payment::PaymentCertificate;
use super::refusal::{Code, Refusal};
use super::request::{Opening, Party, RequestKey, RequestMark};
use super::step::{Context, Decision, Step};
use super::time::Timestamp;

/// The state of an account. There may be millions that do nothing, so what few of them have stands in boxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    number: ActorNumber,
    beginning: Beginning,
    posted: Balance,
    held: Money,
    credit_limit: Money,
    /// None while nothing has come in or gone out since the opening, and it has asked for nothing.
    remembered: Option<Box<Remembered>>,
    /// None while it has only ever paid and been paid.
    engagements: Option<Box<Engagements>>,
}

const _: () = assert!(size_of::<Account>() <= 128, "an idle account takes two lines of a cache");

/// How an account began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Beginning {
    name: Name,
    currency: Currency,
    deposit: Money,
    /// The request that opened it, and whether the account itself sent it.
    id: RequestId,
    fingerprint: Fingerprint,
    by_itself: bool,
}

impl Account {
    /// The account that an opening makes, before its event is absorbed by anyone.
    #[must_use]
    pub fn opened(number: ActorNumber, opening: &Opening, mark: &RequestMark) -> Account {
        let Opening { name, currency, deposit, credit_limit } = opening.clone();
        let RequestMark { key: RequestKey { caller, id }, fingerprint, .. } = mark.clone();
        let by_itself = caller == number;
        Account {
            number,
            beginning: Beginning { name, currency, deposit, id, fingerprint, by_itself },
            posted: Balance::ZERO.checked_credit(deposit).unwrap_or(Balance::ZERO),
            held: Money::ZERO,
            credit_limit,
            remembered: None,
            engagements: None,
        }
    }

    /// Opens an account where there is none.
    #[must_use]
    pub fn apply_absent(opening: &Opening, mark: &RequestMark) -> Decision {
        let posted = Balance::ZERO.checked_credit(opening.deposit).unwrap_or(Balance::ZERO);
        let event = AccountEvent::Opened(Box::new(opening.clone()), mark.clone());
        Decision::Record(Step::of(vec![Event::Account(event)]).answering(Ok(Done::Opened { posted })))
    }

    /// Decides on a message and changes nothing.
    #[must_use]
    pub fn apply(&self, context: Context, entries: u64, head: &Head, body: &Body) -> Decision {
        Decision::Record(match body {
            Body::Request(request) => return self.apply_request(context, entries, head, request),
            Body::Debit(debit) => self.apply_debit(context, debit),
            Body::DebitCommission { offering, amount } => self.apply_debit_commission(*offering, *amount),
            Body::LinkPayment(link) => self.apply_link(context, link),
            Body::Draw(draw) => Self::apply_draw(draw),
            Body::TopUpDone(top_up) => Self::apply_top_up_done(top_up),
            Body::TopUpRefused(top_up, code) => Self::apply_top_up_refused(top_up, *code),
            Body::Hold(hold) => self.apply_hold(hold),
            Body::FreeHold(certificate) => Step::of(vec![account(AccountEvent::HoldFreed(*certificate))]),
            Body::Credit(credit) => self.apply_credit(credit),
            Body::ClawBack(claw) => self.apply_claw_back(claw),
            Body::DebitRefund(debit) => self.apply_debit_refund(debit),
            Body::Displayed(certificate) => Step::of(vec![account(AccountEvent::Displayed(*certificate))]),
            Body::GiftArrives(arriving) => self.apply_gift_arrives(arriving),
            Body::GiftProvided(key) => self.apply_gift_provided(key),
            Body::GiftReversed(reversed) => self.apply_gift_reversed(reversed),
            Body::Withhold(withhold) => self.apply_withhold(context, withhold),
            Body::Withheld(withheld) => self.apply_withheld(withheld),
            Body::ReverseOrder(reverse) => self.apply_reverse_order(reverse),
            Body::OrderPaid(reference) => self.apply_order_paid(reference, false),
            Body::OrderSettled(reference) => self.apply_order_paid(reference, true),
            Body::OrderRefused(refused) => Self::apply_order_refused(refused),
            Body::ReversalPaid(reversal) => Self::apply_reversal_paid(reversal),
            Body::ReversalRefused(reference) => Self::apply_reversal_refused(reference),
            other => unreachable!("an account is never sent {other:?}"),
        })
    }

    fn own(&self, mark: &RequestMark) -> bool {
        mark.key.caller == self.number
    }

    /// The account, as messages name it.
    #[must_use]
    pub fn party(&self) -> Party {
        Party { number: self.number, currency: self.beginning.currency }
    }

    fn view(&self, entries: u64, head: &Head) -> AccountView {
        AccountView {
            name: self.beginning.name.clone(),
            number: self.number,
            currency: self.beginning.currency,
            posted: self.posted,
            held: self.held,
            earmarked: self.earmarked(),
            credit_limit: self.credit_limit,
            available: self.available(),
            owed: self.owed(),
            status: self.status(),
            accepts_gifts: self.accepts_gifts(),
            sequence: entries,
            head: *head,
        }
    }

    /// As `Resident::glance`.
    pub(super) fn glance(&self) -> u64 {
        self.available().minor() ^ self.debts().len() as u64
    }

    /// How many requests, gifts, orders and the like it remembers.
    #[must_use]
    pub fn entries(&self) -> usize {
        let remembered = self.remembered.as_ref().map_or(0, |remembered| remembered.len());
        remembered + self.engagements.as_ref().map_or(0, |engagements| engagements.entries())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.beginning.name
    }

    /// Its currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.beginning.currency
    }

    /// Its balance.
    #[must_use]
    pub fn posted(&self) -> Balance {
        self.posted
    }

    /// The part of it that is held for payment certificates, reservations and pending transfers.
    #[must_use]
    pub fn held(&self) -> Money {
        self.held
    }

    /// Gifts, not part of posted.
    #[must_use]
    pub fn earmarked(&self) -> Money {
        self.engagements.as_ref().map_or(Money::ZERO, |engagements| engagements.earmarked)
    }

    /// How far below 0 it may go.
    #[must_use]
    pub fn credit_limit(&self) -> Money {
        self.credit_limit
    }

    /// All that came in from outside, in minor units.
    #[must_use]
    pub fn deposits(&self) -> u128 {
        let later = self.remembered.as_ref().map_or(0, |remembered| remembered.deposits);
        u128::from(self.beginning.deposit.minor()) + later
    }

    /// All that went out, in minor units.
    #[must_use]
    pub fn cash_outs(&self) -> u128 {
        self.remembered.as_ref().map_or(0, |remembered| remembered.cash_outs)
    }

    /// posted - held + credit limit, never below 0 (I3).
    #[must_use]
    pub fn available(&self) -> Money {
        let available = self.posted.minor() - signed(self.held) + signed(self.credit_limit);
        let minor =
            u64::try_from(available).unwrap_or_else(|_| unreachable!("available never falls below 0 (I3)"));
        Money::from_minor(minor)
            .unwrap_or_else(|_| unreachable!("available never passes the currency's bound"))
    }

    /// What is held in all once so much more is.
    fn can_hold(&self, context: Context, more: Money, until: Option<Timestamp>) -> Result<Money, Refusal> {
        still_to_come(context, "expires_at", until)?;
        let held = self.held.checked_add(more).filter(|_| self.available() >= more);
        held.ok_or(Refusal::of(Code::InsufficientFunds))
    }

    /// What it may do (D46).
    #[must_use]
    pub fn status(&self) -> Status {
        self.engagements.as_ref().map_or(Status::Open, |engagements| engagements.status)
    }

    /// Whether gifts are accepted as they arrive (D22).
    #[must_use]
    pub fn accepts_gifts(&self) -> bool {
        self.engagements.as_ref().is_some_and(|engagements| engagements.accepts_gifts)
    }

    /// The certificates on its private platform, oldest first (P8).
    #[must_use]
    pub fn page(&self) -> &[ActorNumber] {
        self.engagements.as_ref().map_or(&[], |engagements| &engagements.page)
    }

    /// What it owes to others.
    #[must_use]
    pub fn debts(&self) -> &[Debt] {
        self.engagements.as_ref().map_or(&[], |engagements| &engagements.debts)
    }

    /// The sum of what it owes, or the largest amount where it is more.
    #[must_use]
    pub fn owed(&self) -> Money {
        let add = |sum: Money, debt: &Debt| sum.checked_add(debt.amount);
        self.debts().iter().try_fold(Money::ZERO, add).unwrap_or_else(most)
    }

    /// What it holds for certificates that it has reserved (F6).
    pub fn holds(&self) -> impl Iterator<Item = (ActorNumber, Money)> {
        let holds = self.engagements.as_ref().map(|engagements| engagements.holds.iter());
        holds.into_iter().flatten().map(|(certificate, amount)| (*certificate, *amount))
    }

    /// Its payment certificates, ended ones included.
    pub fn payments(&self) -> impl Iterator<Item = (&RequestId, &PaymentCertificate)> {
        self.engagements.iter().flat_map(|engagements| &engagements.payments)
    }

    /// The amounts of its pending transfers.
    pub fn pending_transfers(&self) -> impl Iterator<Item = Money> {
        self.engagements
            .iter()
            .flat_map(|engagements| engagements.transfers.values())
            .map(|pending| pending.amount)
    }

    /// The gifts that it was given: open ones by donor and id, then the ended ones in no order.
    pub fn gifts(&self) -> impl Iterator<Item = (&RequestKey, &Gift)> {
        self.engagements.iter().flat_map(|engagements| engagements.gifts.iter())
    }

    /// The gift that it was given by this message.
    #[must_use]
    pub fn received(&self, key: &RequestKey) -> Option<&Gift> {
        self.engagements.as_ref()?.gifts.get(key)
    }

    /// The gifts that it has given, in no order: the id of the message, the recipient and the price.
    pub fn given(&self) -> impl Iterator<Item = (&RequestId, ActorNumber, Money)> {
        let given = self.engagements.as_ref().and_then(|engagements| engagements.given.as_ref());
        given.into_iter().flat_map(|given| given.iter()).map(|(id, given)| (id, given.recipient, given.price))
    }

    /// Its mandates, ended ones included.
    pub fn mandates(&self) -> impl Iterator<Item = (&RequestId, &Mandate)> {
        self.engagements.iter().flat_map(|engagements| &engagements.mandates)
    }

    /// Its orders, where it is a merchant's, in no order.
    pub fn orders(&self) -> impl Iterator<Item = (&Name, &Order)> {
        self.merchant()
            .into_iter()
            .flat_map(|merchant| merchant.orders.iter())
            .map(|(name, order)| (name, order))
    }

    /// What it may withhold by, where it is a merchant's and its registration has not ended.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        self.merchant()?.registration.as_ref()
    }

    /// Whose money an order has withheld.
    #[must_use]
    pub fn order_recipient(&self, reference: &Name) -> Option<ActorNumber> {
        let order = self.merchant()?.orders.get(reference)?;
        Some(order.from.recipient.number)
    }

    /// How many requests of its own are not answered yet: top-ups, withholdings, reversals.
    #[must_use]
    pub fn requests_under_way(&self) -> usize {
        self.engagements.as_ref().map_or(0, |engagements| engagements.under_way.len())
    }

    fn merchant(&self) -> Option<&Merchant> {
        self.engagements.as_ref()?.merchant.as_deref()
    }
}

fn account(event: AccountEvent) -> Event {
    Event::Account(event)
}

/// What is over before it begins is refused.
fn still_to_come(context: Context, field: &'static str, at: Option<Timestamp>) -> Result<(), Refusal> {
    if at.is_some_and(|at| context.now >= at) {
        return Err(Refusal::new(Code::BadValue, field, "has passed: give a later time"));
    }
    Ok(())
}

fn refuse(code: Code) -> Decision {
    Decision::Refuse(Refusal::of(code))
}

fn signed(money: Money) -> i64 {
    i64::try_from(money.minor()).unwrap_or_else(|_| unreachable!("a legal amount fits a balance"))
}

fn most() -> Money {
    Money::from_minor(crate::limits::MONEY_MINOR_MAX).unwrap_or_default()
}

fn overflow() -> ! {
    unreachable!("a currency's whole money, credit included, stays within its bound")
}
