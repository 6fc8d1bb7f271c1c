//! A merchant's orders at its own account: begun, paid or failed, provided or reversed (T5, T10 to T14).

use super::requests::done;
use super::{Account, account, refuse};
use crate::domain::answer::Done;
use crate::domain::event::{AccountEvent, MerchantEvent};
use crate::domain::inside::{
    Body, CreditReason, OrderRefused, ReversalPaid, ReverseOrder, Withheld, Withhold,
};
use crate::domain::merchant::{Order, OrderKey, OrderNext, OrderState, OrderStep, WithholdingRight};
use crate::domain::name::Name;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{MerchantTask, RequestMark, WithholdTask};
use crate::domain::step::{Context, Decision, Step};

impl Account {
    pub(super) fn apply_merchant(
        &self,
        context: Context,
        mark: &RequestMark,
        task: &MerchantTask,
    ) -> Decision {
        match task {
            MerchantTask::Register(registration) => {
                let event = MerchantEvent::Registered(*registration, mark.clone());
                done(AccountEvent::Merchant(event), Done::Registered { registered: true })
            }
            MerchantTask::Unregister => match self.merchant().and_then(|merchant| merchant.registration) {
                None => refuse(Code::NotRegistered),
                Some(_) => {
                    let event = MerchantEvent::Unregistered(mark.clone());
                    done(AccountEvent::Merchant(event), Done::Registered { registered: false })
                }
            },
            MerchantTask::Withhold(task) => self.withhold(context, mark, task),
            MerchantTask::Provide(reference) => self.provide(mark, reference),
            MerchantTask::Reverse(reference) => self.reverse(context, mark, reference),
            MerchantTask::ShowOrder(reference) => match self.order(reference) {
                Err(code) => refuse(code),
                Ok(order) => Decision::Answer(Done::Order(Box::new(order.clone()))),
            },
        }
    }

    fn order(&self, reference: &Name) -> Result<&Order, Code> {
        self.merchant().and_then(|merchant| merchant.orders.get(reference)).ok_or(Code::UnknownOrder)
    }

    /// T10, D43: once for one reference, however often asked.
    fn withhold(&self, context: Context, mark: &RequestMark, task: &WithholdTask) -> Decision {
        if let Ok(order) = self.order(&task.reference) {
            return match order.state {
                _ if order.amount != task.amount || order.from != task.from => refuse(Code::OrderReused),
                OrderState::Begun(walk) => Decision::Wait(walk),
                _ => match self.has_room(mark, context.now) {
                    Err(refusal) => Decision::Refuse(refusal),
                    Ok(()) => {
                        let asked = MerchantEvent::OrderAsked(mark.clone(), order.amount);
                        done(AccountEvent::Merchant(asked), Done::Withheld { amount: order.amount })
                    }
                },
            };
        }
        let registration = self.merchant().and_then(|merchant| merchant.registration);
        let Some(registration) = registration else { return refuse(Code::NotRegistered) };
        if task.from.recipient.currency != registration.payee.currency {
            return refuse(Code::CurrencyMismatch);
        }
        let order = Order {
            amount: task.amount,
            from: task.from.clone(),
            payee: registration.payee.number,
            state: OrderState::Begun(context.walk),
            certificate: false,
            asked: Some(Box::new(mark.clone())),
        };
        let withhold = Withhold {
            order: OrderKey { merchant: self.number, reference: task.reference.clone() },
            registration,
            right: task.from.right.clone(),
            amount: task.amount,
        };
        let event = MerchantEvent::OrderBegun(task.reference.clone(), Box::new(order));
        Decision::Record(
            Step::of(vec![account(AccountEvent::Merchant(event))])
                .sending(task.from.recipient.number, Body::Withhold(Box::new(withhold))),
        )
    }

    /// At the payee: the money is here, which the merchant is told behind it (T11).
    pub(super) fn apply_withheld(&self, withheld: &Withheld) -> Step {
        let OrderKey { merchant, reference } = withheld.order.clone();
        let (reason, told) = if withheld.certificate {
            (CreditReason::Sale, Body::OrderSettled(reference))
        } else {
            (CreditReason::Withheld, Body::OrderPaid(reference))
        };
        self.credited(withheld.amount, withheld.from, reason).sending(merchant, told)
    }

    /// T11: the success instruction; a certificate is provided with its settlement (D43).
    pub(super) fn apply_order_paid(&self, reference: &Name, provided: bool) -> Step {
        let order = self.order(reference);
        let order = order.unwrap_or_else(|_| unreachable!("an order that is paid was begun here"));
        let paid = account(AccountEvent::Merchant(MerchantEvent::OrderPaid(reference.clone())));
        let step = Step::of(vec![paid]).answering(Ok(Done::Withheld { amount: order.amount }));
        if provided { self.providing(step, order, reference, None) } else { step }
    }

    /// T11: the failure instruction. The reference is free again.
    pub(super) fn apply_order_refused(refused: &OrderRefused) -> Step {
        let OrderRefused { reference, code } = refused.clone();
        let event = MerchantEvent::OrderFailed(reference, code);
        Step::of(vec![account(AccountEvent::Merchant(event))]).answering(Err(Refusal::of(code)))
    }

    fn provide(&self, mark: &RequestMark, reference: &Name) -> Decision {
        match self.order(reference).and_then(|order| Ok((order, order.next(OrderStep::Provide)?))) {
            Err(code) => refuse(code),
            Ok((_, OrderNext::Wait(walk))) => Decision::Wait(walk),
            Ok((order, OrderNext::Go)) => {
                let step = Step::default().answering(Ok(Done::Provided));
                Decision::Record(self.providing(step, order, reference, Some(mark.clone())))
            }
        }
    }

    /// T12: the recipient is told that the object is there.
    fn providing(&self, mut step: Step, order: &Order, reference: &Name, mark: Option<RequestMark>) -> Step {
        let event = MerchantEvent::OrderProvided(reference.clone(), mark);
        step.events.push(account(AccountEvent::Merchant(event)));
        match &order.from.right {
            WithholdingRight::Gift(key) => {
                step.sending(order.from.recipient.number, Body::GiftProvided(key.clone()))
            }
            WithholdingRight::Mandate(_) => step,
        }
    }

    /// T14: the payee pays first, and may refuse.
    fn reverse(&self, context: Context, mark: &RequestMark, reference: &Name) -> Decision {
        match self.order(reference).and_then(|order| Ok((order, order.next(OrderStep::Reverse)?))) {
            Err(code) => refuse(code),
            Ok((_, OrderNext::Wait(walk))) => Decision::Wait(walk),
            Ok((order, OrderNext::Go)) => {
                let event = MerchantEvent::ReversalBegun(reference.clone(), mark.clone(), context.walk);
                let registration = self.merchant().and_then(|merchant| merchant.registration);
                let when_short = registration.map(|registration| registration.when_short).unwrap_or_default();
                let reverse = ReverseOrder {
                    order: OrderKey { merchant: self.number, reference: reference.clone() },
                    from: order.from.clone(),
                    amount: order.amount,
                    when_short,
                };
                Decision::Record(
                    Step::of(vec![account(AccountEvent::Merchant(event))])
                        .sending(order.payee, Body::ReverseOrder(Box::new(reverse))),
                )
            }
        }
    }

    pub(super) fn apply_reversal_paid(reversal: &ReversalPaid) -> Step {
        let ReversalPaid { reference: order, paid, owed } = reversal.clone();
        let event = MerchantEvent::OrderReversed { order, paid, owed };
        Step::of(vec![account(AccountEvent::Merchant(event))])
            .answering(Ok(Done::OrderReversed { paid, owed }))
    }

    pub(super) fn apply_reversal_refused(reference: &Name) -> Step {
        let event = MerchantEvent::ReversalUndone(reference.clone());
        Step::of(vec![account(AccountEvent::Merchant(event))]).answering(Err(Refusal::of(Code::PayeeShort)))
    }
}
