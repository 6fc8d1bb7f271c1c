//! An account: its balance, its credit limit, the requests it remembers for a day.
//!
//! Absent on purpose: promises. A promise is not money until it is cashed (K1), so no account knows of it.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::answer::{AccountView, Done};
use super::chain::Head;
use super::event::{AccountEvent, Event};
use super::inside::{Body, Credit, Debit, DebitRefused, Settle};
use super::money::{Balance, Currency, Money};
use super::name::Name;
use super::number::{ActorNumber, Fingerprint};
use super::refusal::{Code, Refusal};
use super::request::{Opening, Party, Request, RequestKey, RequestMark, Task};
use super::step::{Context, Decision, Step};
use super::time::Timestamp;
use crate::limits::{REQUEST_KEPT_MS, REQUESTS_KEPT_MAX};

/// The state of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    number: ActorNumber,
    opening: Opening,
    opened_by: RequestMark,
    posted: Balance,
    held: Money,
    earmarked: Money,
    credit_limit: Money,
    /// In minor units, over its whole life: no bound of an amount holds for these two.
    deposits: u128,
    cash_outs: u128,
    requests: BTreeMap<RequestKey, Kept>,
    /// The same by their time, oldest first; one that was kept anew stands here twice.
    ages: VecDeque<(Timestamp, RequestKey)>,
}

/// A request that is recognised for a day (DESIGN §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    fingerprint: Fingerprint,
    at: Timestamp,
    done: Done,
}

impl Account {
    /// The account that an opening makes, before its event is absorbed by anyone.
    #[must_use]
    pub fn opened(number: ActorNumber, opening: &Opening, mark: &RequestMark) -> Account {
        Account {
            number,
            opening: opening.clone(),
            opened_by: mark.clone(),
            posted: Balance::ZERO.checked_credit(opening.deposit).unwrap_or(Balance::ZERO),
            held: Money::ZERO,
            earmarked: Money::ZERO,
            credit_limit: opening.credit_limit,
            deposits: u128::from(opening.deposit.minor()),
            cash_outs: 0,
            requests: BTreeMap::new(),
            ages: VecDeque::new(),
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
        match body {
            Body::Request(request) => self.apply_request(context, entries, head, request),
            Body::Debit(debit) => self.apply_debit(debit),
            Body::DebitCommission { offering, amount } => self.apply_debit_commission(*offering, *amount),
            Body::Credit(credit) => Decision::Record(Self::apply_credit(credit)),
            other => unreachable!("an account is never sent {other:?}"),
        }
    }

    fn apply_request(&self, context: Context, entries: u64, head: &Head, request: &Request) -> Decision {
        if let Some(repeat) = self.repeated(&request.mark, context.now) {
            return repeat;
        }
        let mark = request.mark.clone();
        let (event, done) = match &request.task {
            Task::Open(_) => return Decision::Refuse(Refusal::of(Code::NameTaken)),
            Task::ShowAccount => return Decision::Answer(Done::Account(Box::new(self.view(entries, head)))),
            Task::Deposit(amount) => {
                let Some(posted) = self.posted.checked_credit(*amount) else {
                    return Decision::Refuse(Refusal::new(
                        Code::AmountTooLarge,
                        "amount",
                        "passes the balance's bound",
                    ));
                };
                (AccountEvent::Deposited(*amount, mark), Done::Deposited { posted })
            }
            Task::CashOut(amount) => {
                let free = self.posted.minor() - signed(self.held);
                match self.posted.checked_debit(*amount) {
                    Some(posted) if free >= signed(*amount) => {
                        (AccountEvent::CashedOut(*amount, mark), Done::CashedOut { posted })
                    }
                    _ => return Decision::Refuse(Refusal::of(Code::InsufficientFunds)),
                }
            }
            Task::SetCreditLimit(limit) => {
                if self.posted.minor() - signed(self.held) + signed(*limit) < 0 {
                    let detail = "is below what the account has drawn on it: give more or deposit first";
                    return Decision::Refuse(Refusal::new(Code::InsufficientFunds, "credit_limit", detail));
                }
                (AccountEvent::CreditLimitSet(*limit, mark), Done::CreditLimitSet { credit_limit: *limit })
            }
            other => unreachable!("a door never sends an account {other:?}"),
        };
        if self.requests.len() >= REQUESTS_KEPT_MAX && self.oldest_kept_is_fresh(context.now) {
            return Decision::Refuse(Refusal::of(Code::Overloaded));
        }
        Decision::Record(Step::of(vec![Event::Account(event)]).answering(Ok(done)))
    }

    /// I12: a repeat is looked up before any rule is applied.
    fn repeated(&self, mark: &RequestMark, now: Timestamp) -> Option<Decision> {
        let same = |fingerprint: Fingerprint, done: Done| {
            if fingerprint == mark.fingerprint {
                Decision::Answer(done)
            } else {
                Decision::Refuse(Refusal::of(Code::IdReused))
            }
        };
        if self.opened_by.key == mark.key {
            let posted = Balance::ZERO.checked_credit(self.opening.deposit).unwrap_or(Balance::ZERO);
            return Some(same(self.opened_by.fingerprint, Done::Opened { posted }));
        }
        let kept = self.requests.get(&mark.key)?;
        (now.since(kept.at) < REQUEST_KEPT_MS).then(|| same(kept.fingerprint, kept.done.clone()))
    }

    fn oldest_kept_is_fresh(&self, now: Timestamp) -> bool {
        self.ages.front().is_some_and(|(at, _)| now.since(*at) < REQUEST_KEPT_MS)
    }

    fn apply_debit(&self, debit: &Debit) -> Decision {
        if self.available() < debit.amount {
            let refused = DebitRefused {
                serial: debit.serial,
                code: Code::InsufficientFunds,
                birth: debit.birth.clone(),
            };
            return Decision::Record(
                Step::default().sending(debit.offering, Body::DebitRefused(Box::new(refused))),
            );
        }
        let certificate = debit.offering.certificate(debit.serial);
        let event = AccountEvent::Debited { amount: debit.amount, to: certificate };
        let settle = Settle {
            offering: debit.offering,
            buyer: self.party(),
            price: debit.amount,
            mark: debit.mark.clone(),
            birth: debit.birth.clone(),
        };
        Decision::Record(
            Step::of(vec![Event::Account(event)]).sending(certificate, Body::Settle(Box::new(settle))),
        )
    }

    fn apply_debit_commission(&self, offering: ActorNumber, amount: Money) -> Decision {
        if self.available() < amount {
            return Decision::Record(
                Step::default().sending(offering, Body::CommissionRefused(Code::InsufficientFunds)),
            );
        }
        let event = AccountEvent::Debited { amount, to: offering };
        Decision::Record(
            Step::of(vec![Event::Account(event)]).sending(offering, Body::CommissionFunded(amount)),
        )
    }

    fn apply_credit(credit: &Credit) -> Step {
        let event =
            AccountEvent::Credited { amount: credit.amount, from: credit.from, reason: credit.reason };
        let step = Step::of(vec![Event::Account(event)]);
        if credit.awaited { step.sending(credit.from, Body::CreditAbsorbed) } else { step }
    }

    /// Takes an event that was decided before; `at` is the record's time.
    pub fn absorb(&mut self, at: Timestamp, event: &AccountEvent) {
        match event {
            AccountEvent::Opened(..) => unreachable!("an account is opened once"),
            AccountEvent::Deposited(amount, mark) => {
                self.post(*amount);
                self.deposits += u128::from(amount.minor());
                self.keep(at, mark, Done::Deposited { posted: self.posted });
            }
            AccountEvent::CashedOut(amount, mark) => {
                self.unpost(*amount);
                self.cash_outs += u128::from(amount.minor());
                self.keep(at, mark, Done::CashedOut { posted: self.posted });
            }
            AccountEvent::CreditLimitSet(limit, mark) => {
                self.credit_limit = *limit;
                self.keep(at, mark, Done::CreditLimitSet { credit_limit: *limit });
            }
            AccountEvent::Debited { amount, .. } => self.unpost(*amount),
            AccountEvent::Credited { amount, .. } => self.post(*amount),
        }
    }

    fn post(&mut self, amount: Money) {
        self.posted = self.posted.checked_credit(amount).unwrap_or_else(|| overflow());
    }

    fn unpost(&mut self, amount: Money) {
        self.posted = self.posted.checked_debit(amount).unwrap_or_else(|| overflow());
    }

    fn keep(&mut self, at: Timestamp, mark: &RequestMark, done: Done) {
        while let Some((kept_at, key)) =
            self.ages.pop_front_if(|(kept_at, _)| at.since(*kept_at) >= REQUEST_KEPT_MS)
        {
            if self.requests.get(&key).is_some_and(|kept| kept.at == kept_at) {
                self.requests.remove(&key);
            }
        }
        self.ages.push_back((at, mark.key.clone()));
        self.requests.insert(mark.key.clone(), Kept { fingerprint: mark.fingerprint, at, done });
    }

    fn party(&self) -> Party {
        Party { number: self.number, currency: self.opening.currency }
    }

    fn view(&self, entries: u64, head: &Head) -> AccountView {
        AccountView {
            name: self.opening.name.clone(),
            currency: self.opening.currency,
            posted: self.posted,
            held: self.held,
            earmarked: self.earmarked,
            credit_limit: self.credit_limit,
            available: self.available(),
            sequence: entries,
            head: *head,
        }
    }

    /// How many requests it remembers.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.ages.len()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.opening.name
    }

    /// Its currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.opening.currency
    }

    /// Its balance.
    #[must_use]
    pub fn posted(&self) -> Balance {
        self.posted
    }

    /// The part of it that is held.
    #[must_use]
    pub fn held(&self) -> Money {
        self.held
    }

    /// Gifts, not part of posted.
    #[must_use]
    pub fn earmarked(&self) -> Money {
        self.earmarked
    }

    /// How far below 0 it may go.
    #[must_use]
    pub fn credit_limit(&self) -> Money {
        self.credit_limit
    }

    /// All that came in from outside, in minor units.
    #[must_use]
    pub fn deposits(&self) -> u128 {
        self.deposits
    }

    /// All that went out, in minor units.
    #[must_use]
    pub fn cash_outs(&self) -> u128 {
        self.cash_outs
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
}

fn signed(money: Money) -> i64 {
    i64::try_from(money.minor()).unwrap_or_else(|_| unreachable!("a legal amount fits a balance"))
}

fn overflow() -> ! {
    unreachable!("a currency's whole money, credit included, stays within its bound")
}
