//! What comes in: credits, which nothing refuses, and the debts that they pay first (D23, D44).

use super::{Account, account};
use crate::domain::command::WhenShort;
use crate::domain::event::{AccountEvent, Debt, Event, Income};
use crate::domain::inside::{
    Body, ClawBack, Credit, CreditReason, DebitRefund, GiftReversed, ReversalPaid, ReverseOrder,
};
use crate::domain::merchant::WithholdingRight;
use crate::domain::money::Money;
use crate::domain::number::ActorNumber;
use crate::domain::step::Step;
use crate::limits::CREDITS_PER_PAGE;

impl Account {
    /// As `Resident::sole_event`.
    pub(in crate::domain) fn sole_event(&self, body: &Body) -> Option<Event> {
        match *body {
            Body::Credit(Credit { amount, from, reason, awaited: false }) if self.debts().is_empty() => {
                Some(account(AccountEvent::Credited { amount, from, reason }))
            }
            Body::Displayed(certificate) => Some(account(AccountEvent::Displayed(certificate))),
            _ => None,
        }
    }

    pub(super) fn apply_credit(&self, credit: &Credit) -> Step {
        let mut step = self.credited(credit.amount, credit.from, credit.reason);
        if credit.awaited {
            step.send(credit.from, Body::CreditAbsorbed);
        }
        step
    }

    /// A step that takes money in and pays debts with it, oldest first.
    pub(super) fn credited(&self, amount: Money, from: ActorNumber, reason: CreditReason) -> Step {
        let mut step = Step::of(vec![account(AccountEvent::Credited { amount, from, reason })]);
        let income = match reason {
            CreditReason::Commission => Income::Commission,
            CreditReason::Sale | CreditReason::Withheld => Income::Sales,
            _ => return step,
        };
        let mut left = amount;
        for debt in self.debts().iter().filter(|debt| debt.paid_by == income).take(CREDITS_PER_PAGE) {
            let paid = debt.amount.min(left);
            if paid.is_zero() {
                break;
            }
            left = left.checked_sub(paid).unwrap_or_default();
            step.events.push(account(AccountEvent::DebtPaid { to: debt.to, amount: paid, paid_by: income }));
            step.send(debt.to, self.sends(paid, CreditReason::Debt));
        }
        step
    }

    /// A credit out of this account.
    pub(super) fn sends(&self, amount: Money, reason: CreditReason) -> Body {
        Body::Credit(Credit { amount, reason, from: self.number, awaited: false })
    }

    /// What of an amount it can pay back now, and what it will owe to that creditor; none where the whole is asked for
    /// and not there. Nobody owes to itself.
    fn pay_back(
        &self,
        amount: Money,
        when_short: WhenShort,
        creditor: ActorNumber,
    ) -> Option<(Money, Money)> {
        let paid = amount.min(self.available());
        let short = amount.checked_sub(paid).unwrap_or_default();
        let owed = if creditor == self.number { Money::ZERO } else { short };
        (short.is_zero() || when_short == WhenShort::Receivable).then_some((paid, owed))
    }

    /// The events of paying back: what goes now, what is owed to whom.
    fn paid_back(&self, (paid, owed): (Money, Money), to: ActorNumber, debt: Debt) -> Step {
        let mut step = Step::default();
        if !paid.is_zero() {
            step.events.push(account(AccountEvent::PaidBack { amount: paid, to }));
        }
        if !owed.is_zero() {
            step.events.push(account(AccountEvent::Owes(Debt { amount: owed, ..debt })));
        }
        step
    }

    /// F7, D23: the price of a purchase goes back to the certificate, which passes it on.
    pub(super) fn apply_debit_refund(&self, debit: &DebitRefund) -> Step {
        let DebitRefund { certificate, buyer, amount, when_short } = *debit;
        let Some((paid, owed)) = self.pay_back(amount, when_short, buyer) else {
            return Step::default().sending(certificate, Body::RefundRefused);
        };
        let debt = Debt { to: buyer, amount: owed, paid_by: Income::Sales };
        self.paid_back((paid, owed), certificate, debt).sending(certificate, Body::RefundPaid { paid, owed })
    }

    /// T14: the price of an order goes back to the recipient, and with a gift on to its donor.
    pub(super) fn apply_reverse_order(&self, reverse: &ReverseOrder) -> Step {
        let merchant = reverse.order.merchant;
        let recipient = reverse.from.recipient.number;
        let gift = match &reverse.from.right {
            WithholdingRight::Gift(key) => Some(key),
            WithholdingRight::Mandate(_) => None,
        };
        let creditor = gift.map_or(recipient, |key| key.caller);
        let Some((paid, owed)) = self.pay_back(reverse.amount, reverse.when_short, creditor) else {
            return Step::default().sending(merchant, Body::ReversalRefused(reverse.order.reference.clone()));
        };
        let debt = Debt { to: creditor, amount: owed, paid_by: Income::Sales };
        let mut step = self.paid_back((paid, owed), recipient, debt);
        match gift {
            Some(key) => {
                let reversed = GiftReversed { key: key.clone(), amount: paid };
                step.send(recipient, Body::GiftReversed(Box::new(reversed)));
            }
            None if paid.is_zero() => {}
            None => step.send(recipient, self.sends(paid, CreditReason::Reversed)),
        }
        let reversal = ReversalPaid { reference: reverse.order.reference.clone(), paid, owed };
        step.sending(merchant, Body::ReversalPaid(Box::new(reversal)))
    }

    /// D44: what is available goes to the commission's payer, and what is not may become a debt.
    pub(super) fn apply_claw_back(&self, claw: &ClawBack) -> Step {
        let (paid, owed) = self.pay_back(claw.amount, WhenShort::Receivable, claw.payer).unwrap_or_default();
        let owed = if claw.receivable { owed } else { Money::ZERO };
        let debt = Debt { to: claw.payer, amount: owed, paid_by: Income::Commission };
        let mut step = self.paid_back((paid, owed), claw.certificate, debt);
        if !paid.is_zero() {
            let credit = Credit {
                amount: paid,
                reason: CreditReason::ClawedBack,
                from: claw.certificate,
                awaited: false,
            };
            step.send(claw.payer, Body::Credit(credit));
        }
        if claw.awaited { step.sending(claw.certificate, Body::CreditAbsorbed) } else { step }
    }
}
