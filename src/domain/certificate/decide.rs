//! What a certificate decides on each message; circulating and settling have files of their own.

use super::{Addressee, Certificate, Effect, Hop, RefundState, Right, Sale};
use crate::domain::answer::{CertificateView, Circulated, CommissionLabel, Done, HopView, SaleView};
use crate::domain::chain::{self, Head};
use crate::domain::commission::{Acquiring, Buckets, IncreasePolicy};
use crate::domain::event::{CertificateEvent, Event};
use crate::domain::inside::{Birth, Body, Draw, Handed, TopUp, TurnRefused};
use crate::domain::link::PageLink;
use crate::domain::money::Money;
use crate::domain::name::RequestId;
use crate::domain::number::ActorNumber;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{FoundVia, PurchaseTask, Request, RequestKey, Task};
use crate::domain::step::{Context, Decision, Step};
use crate::limits::HOPS_PER_VIEW_MAX;
use crate::planted::{self, Bug};

impl Certificate {
    /// Decides on the message that brings a certificate to life (D29).
    #[must_use]
    pub fn apply_absent(context: Context, number: ActorNumber, body: &Body) -> Decision {
        let birth = match body {
            Body::Handed(handed) => handed.birth.as_ref(),
            Body::Settle(settle) => settle.birth.as_ref(),
            _ => None,
        };
        let Some(birth) = birth else {
            unreachable!("an offering hands a birth over with a certificate's first message, but: {body:?}");
        };
        let newborn = Certificate::newborn(context, number, birth);
        let decision = newborn.apply(context, 0, &chain::origin(number), body);
        match decision {
            Decision::Record(mut step) => {
                step.events.insert(0, Event::Certificate(CertificateEvent::Begun(birth.clone())));
                Decision::Record(step)
            }
            other => unreachable!("nothing refuses a certificate's first message, but: {other:?}"),
        }
    }

    /// As `circulation`, of the certificate that comes to life with it: `apply_absent` gives the same. Where it is false, what is in the
    /// step means nothing.
    #[must_use]
    pub fn first_circulation(
        context: Context,
        number: ActorNumber,
        handed: &Handed,
        step: &mut Step,
    ) -> bool {
        let Some(birth) = &handed.birth else { return false };
        step.events.push(Event::Certificate(CertificateEvent::Begun(birth.clone())));
        let newborn = Certificate::newborn(context, number, birth);
        let carried_out = newborn.circulation(context, &handed.request, step);
        debug_assert!(carried_out, "nothing refuses a certificate's first message");
        carried_out
    }

    fn newborn(context: Context, number: ActorNumber, birth: &Birth) -> Certificate {
        let newborn = Certificate::begun(number, birth);
        let due = newborn.next_due(context.now).is_some_and(|at| at <= context.now);
        assert!(!due, "an offering hands over no envelope whose time is over");
        newborn
    }

    /// Decides on a message and changes nothing.
    #[must_use]
    pub fn apply(&self, context: Context, entries: u64, head: &Head, body: &Body) -> Decision {
        match body {
            Body::Request(request) => match &request.task {
                Task::Circulate(task) => self.apply_circulate(context, request, task),
                Task::Acquire(_) => self.apply_acquire(context, request),
                Task::Purchase(task) | Task::Reserve(task) => self.find_page(request, task),
                Task::Refund(_) => self.apply_refund(context, request),
                Task::ShowAccount => Decision::Refuse(Refusal::of(Code::UnknownAccount)),
                Task::ShowCertificate { from_hop, .. } => {
                    Decision::Answer(Done::Certificate(Box::new(self.view(entries, head, *from_hop))))
                }
                Task::ShowRequest { id, .. } => self.show_request(request, id),
                other => unreachable!("a door never sends a certificate {other:?}"),
            },
            Body::Handed(handed) => self.apply_handed(context, handed),
            Body::Repeat(request) => self.apply_repeat(request),
            Body::Settle(settle) => self.apply_settle(context, settle),
            Body::CreditAbsorbed => self.apply_credit_absorbed(),
            Body::Drawn(amount) => self.apply_drawn(*amount),
            Body::TopUp(top_up) => self.apply_top_up(top_up),
            Body::RefundPaid { paid, owed } => self.apply_refund_paid(*paid, *owed),
            Body::RefundRefused => Self::apply_refund_refused(),
            other => unreachable!("a certificate is never sent {other:?}"),
        }
    }

    fn apply_handed(&self, context: Context, handed: &Handed) -> Decision {
        let Task::Circulate(task) = &handed.request.task else {
            unreachable!("an offering hands over circulations only");
        };
        match (self.apply_circulate(context, &handed.request, task), handed.turn) {
            (Decision::Refuse(refusal), Some(turn)) => {
                let refused = TurnRefused { request: handed.request.clone(), turn, code: refusal.code };
                Decision::Record(
                    Step::default().sending(self.birth.offering, Body::TurnRefused(Box::new(refused))),
                )
            }
            // A message of a walk leaves a record even where it only says no (DESIGN §3, point 1).
            (Decision::Refuse(refusal), None) => Decision::Record(Step::default().answering(Err(refusal))),
            (decision, _) => decision,
        }
    }

    /// What the offering remembers as done here; not found means that it is not done yet, so it decides anew.
    fn apply_repeat(&self, request: &Request) -> Decision {
        let buys =
            matches!(request.task, Task::Purchase(_) | Task::PayReservation(..) | Task::ShowRequest { .. });
        let done = match &self.sale {
            Some(sale) if buys && sale.is_by(&request.mark) => Some(Done::Purchased(sale.purchased.clone())),
            _ => {
                let remembered = self.hops.remembered(Addressee::Offering, &request.mark.key);
                let same = remembered.filter(|remembered| remembered.fingerprint == request.mark.fingerprint);
                same.map(|remembered| self.done_again(remembered.effect))
            }
        };
        match done {
            Some(done) if matches!(request.task, Task::ShowRequest { .. }) => {
                Decision::Answer(Done::Request(Some(Box::new(done))))
            }
            Some(done) => Decision::Answer(done),
            // The offering chose this chain, it has refused, and the walk is on its way to the next one.
            None => Decision::Refuse(Refusal::of(Code::Overloaded)),
        }
    }

    /// The answer that the caller's request of this id was given. The offering knows what was addressed to it, and who buys.
    fn show_request(&self, request: &Request, id: &RequestId) -> Decision {
        let key = RequestKey { caller: request.mark.key.caller, id: id.clone() };
        let answered = |done| Decision::Answer(Done::Request(Some(Box::new(done))));
        if let Some(remembered) = self.hops.remembered(Addressee::Certificate, &key) {
            return answered(self.done_again(remembered.effect));
        }
        match self.refund.as_ref().filter(|refund| refund.mark.key == key).map(|refund| &refund.state) {
            Some(RefundState::Asking(walk)) => Decision::Wait(*walk),
            Some(RefundState::Paid(refunded)) => answered(Done::Refunded(refunded.clone())),
            None => Decision::Pass(self.birth.offering, Body::Request(Box::new(request.clone()))),
        }
    }

    pub(super) fn done_again(&self, effect: Effect) -> Done {
        match effect {
            Effect::Hop(index) => Done::Circulated(self.circulated(index)),
            Effect::Acquired(index, attached) => {
                Done::Acquired { promise: self.hop(index).promise, attached }
            }
        }
    }

    fn circulated(&self, index: u32) -> Circulated {
        let hop = self.hop(index);
        Circulated {
            serial: self.birth.serial,
            hop: index + 1,
            first: index == 0,
            attached: hop.attached_after,
            promise: if hop.asked.is_none() && !hop.withdrew { hop.promise } else { Money::ZERO },
            withdrawn: hop.withdrew,
        }
    }

    /// D40: a purchase from a private page first finds the page's account in the chain, then goes to the offering.
    fn find_page(&self, request: &Request, task: &PurchaseTask) -> Decision {
        if task.buyer.currency != self.birth.currency {
            return Decision::Refuse(Refusal::of(Code::CurrencyMismatch));
        }
        if !self.on_page(task.via) {
            return Decision::Refuse(Refusal::of(Code::NotOnThatPage));
        }
        let found = PurchaseTask { page_found: true, ..task.clone() };
        let reserves = matches!(request.task, Task::Reserve(_));
        let task = if reserves { Task::Reserve(found) } else { Task::Purchase(found) };
        let request = Request { task, ..request.clone() };
        Decision::Pass(self.birth.offering, Body::Request(Box::new(request)))
    }

    pub(super) fn on_page(&self, via: FoundVia) -> bool {
        match via {
            FoundVia::PrivatePage(owner) => self.hops.first_of(owner).is_some(),
            FoundVia::Public | FoundVia::Link => true,
        }
    }

    /// Q2: acquiring by a right that is not used yet. It never checks the condition (D34).
    fn apply_acquire(&self, context: Context, request: &Request) -> Decision {
        let refuse = |code| Decision::Refuse(Refusal::of(code));
        if let Some(remembered) = self.hops.remembered(Addressee::Certificate, &request.mark.key) {
            return match remembered.effect {
                Effect::Acquired(..) if remembered.fingerprint == request.mark.fingerprint => {
                    Decision::Answer(self.done_again(remembered.effect))
                }
                _ => refuse(Code::IdReused),
            };
        }
        if self.refunds_by(&request.mark.key) {
            return refuse(Code::IdReused);
        }
        if let Some(refusal) = request.barred() {
            return Decision::Refuse(refusal);
        }
        if self.sale.is_some() {
            return refuse(Code::Sold);
        }
        let Some(index) = self.hops.first_of(request.mark.key.caller) else {
            return refuse(Code::NoRight);
        };
        match self.hop(index).right {
            Right::None => return refuse(Code::NoRight),
            Right::Used if planted::has(Bug::RightUsedTwice) => {}
            Right::Used => return refuse(Code::AlreadyAcquired),
            Right::Unused => {}
        }
        let Some(envelope) = self.birth.envelope.as_ref().filter(|_| self.active()) else {
            return refuse(Code::CommissionEnded);
        };
        let hop = index + 1;
        let mut buckets = self.buckets;
        let amount = self.taken(&envelope.terms, &buckets, hop);
        buckets.acquire(amount);
        let mut events = Vec::new();
        if envelope.terms.policy == IncreasePolicy::AfterAcquire {
            self.increase(&mut events, &mut buckets, &envelope.terms, hop);
        }
        let asked = Some((request.mark.clone(), buckets.attached));
        events.insert(0, Event::Certificate(CertificateEvent::Acquired { hop, amount, asked }));
        self.prompt(&mut events, &buckets, self.hop_count(), context.now);
        let done = Done::Acquired { promise: amount, attached: buckets.attached };
        Decision::Record(Step::of(events).answering(Ok(done)))
    }

    fn label(&self) -> Option<CommissionLabel> {
        let Buckets { attached, reserve, cumulative, .. } = self.buckets;
        self.active().then_some(CommissionLabel { attached, reserve, cumulative })
    }

    fn view(&self, entries: u64, head: &Head, from_hop: u32) -> CertificateView {
        let from = from_hop.max(1) - 1;
        let page = (from as usize..).zip(self.hops.from(from)).take(HOPS_PER_VIEW_MAX as usize);
        CertificateView {
            offering: self.birth.offering,
            link: PageLink::to(self.number),
            serial: self.birth.serial,
            price: self.birth.price,
            label: self.label(),
            promised: self.buckets.promised,
            cashed: self.buckets.cashed,
            returned: self.buckets.returned,
            linked: self.linked(),
            hops: self.hop_count(),
            chain: page.map(|(index, hop)| self.hop_view(index, hop)).collect(),
            almost_met: self.almost_met(),
            sale: self.sale.as_ref().map(sale_view),
            refunded: self.refunded().is_some(),
            sequence: entries,
            head: *head,
        }
    }

    fn hop_view(&self, index: usize, hop: &Hop) -> HopView {
        HopView {
            hop: u32::try_from(index + 1).unwrap_or(u32::MAX),
            account: hop.account,
            request_id: hop.id.clone(),
            via: hop.via,
            linked_at: hop.linked_at,
            unlinked_at: self.hops.unlinked_at(index),
            promise: self.promise_of(hop),
            cashed: hop.cashed,
        }
    }

    /// True where circulating acquires by itself.
    pub(super) fn automatic(&self) -> bool {
        self.birth.envelope.as_ref().is_some_and(|envelope| envelope.terms.acquiring == Acquiring::Automatic)
    }

    /// D4: the payer adds to the reserve; what comes too late goes back, money and all.
    fn apply_top_up(&self, top_up: &TopUp) -> Decision {
        let payer = self.birth.envelope.as_ref().filter(|_| self.active()).map(|envelope| envelope.payer);
        let top_up = Box::new(top_up.clone());
        let judged = match payer {
            // Money that was cashed may come round again, so the sum over a life is not bounded by the money there.
            Some(payer) if payer == top_up.payer => {
                self.funded().checked_add(top_up.amount).ok_or(Code::AmountTooLarge)
            }
            _ => Err(Code::CommissionEnded),
        };
        Decision::Record(match judged {
            Ok(_) => Step::of(vec![Event::Certificate(CertificateEvent::ToppedUp(top_up.amount))])
                .sending(top_up.payer, Body::TopUpDone(top_up)),
            Err(code) => Step::default().sending(top_up.payer, Body::TopUpRefused(top_up, code)),
        })
    }

    /// Adds to a step that cashes and returns: the rest goes home, where its money is here; where a payment
    /// certificate backs the commission, what is cashed is asked of it and the rest is free.
    pub(super) fn send_home(&self, step: &mut Step, cashed: Money, rest: Money) {
        let Some(envelope) = &self.birth.envelope else { return };
        match envelope.backing.clone() {
            Some(_) if cashed.is_zero() && rest.is_zero() => {}
            Some(payment) => {
                let draw = Draw { payment, by: self.number, release: cashed, free: rest };
                step.send(envelope.payer, Body::Draw(Box::new(draw)));
            }
            None if rest.is_zero() || planted::has(Bug::ReturnDropped) => {}
            None => step.send(envelope.payer, self.returned(rest)),
        }
    }

    /// True where a payment certificate backs the commission, so that its money is elsewhere.
    pub(super) fn backed(&self) -> bool {
        self.birth.envelope.as_ref().is_some_and(|envelope| envelope.backing.is_some())
    }
}

fn sale_view(sale: &Sale) -> SaleView {
    SaleView {
        buyer: sale.buyer,
        at: sale.at,
        request_id: sale.key.id.clone(),
        purchased: sale.purchased.clone(),
    }
}
