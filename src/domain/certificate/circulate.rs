//! One circulation: check, cash, increase, acquire (R1 to R7, Q1 to Q7, N1 to N5, W8, H5).

use super::{Addressee, Certificate, Effect};
use crate::domain::answer::{Circulated, Done};
use crate::domain::commission::{
    Buckets, Cashing, CheckPoint, CommissionTerms, Draw, Increase, IncreasePolicy, Purpose, Take,
};
use crate::domain::event::{CertificateEvent, Event, WithdrawalReason};
use crate::domain::inside::Body;
use crate::domain::money::Money;
use crate::domain::number::ActorNumber;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{CirculateTask, Request};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;
use crate::limits::HOPS_MAX;

/// As many events as most circulations have: linked, acquired and increased, and a certificate's first its beginning.
const EVENTS: usize = 4;

impl Certificate {
    pub(super) fn apply_circulate(
        &self,
        context: Context,
        request: &Request,
        task: &CirculateTask,
    ) -> Decision {
        let refuse = |code| Decision::Refuse(Refusal::of(code));
        if let Some(remembered) = self.hops.remembered(Addressee::of(task), &request.mark.key) {
            return match remembered.effect {
                Effect::Hop(_) if remembered.fingerprint == request.mark.fingerprint => {
                    Decision::Answer(self.done_again(remembered.effect))
                }
                _ => refuse(Code::IdReused),
            };
        }
        if Addressee::of(task) == Addressee::Certificate && self.refunds_by(&request.mark.key) {
            return refuse(Code::IdReused);
        }
        if let Some(refusal) = request.barred() {
            return Decision::Refuse(refusal);
        }
        if task.party.currency != self.birth.currency {
            return refuse(Code::CurrencyMismatch);
        }
        if !self.on_page(task.via) {
            return refuse(Code::NotOnThatPage);
        }
        if self.sale.is_some() {
            return refuse(Code::Sold);
        }
        if self.linked() == Some(task.party.number) {
            return refuse(Code::AlreadyLinked);
        }
        if self.hop_count() >= HOPS_MAX {
            let detail = "has as many hops as a chain may have: circulate another certificate";
            return Decision::Refuse(Refusal::new(Code::BadValue, "serial", detail));
        }
        Decision::Record(self.circulate(context, request, task))
    }

    fn circulate(&self, context: Context, request: &Request, task: &CirculateTask) -> Step {
        let account = task.party.number;
        let hop = self.hop_count() + 1;
        let first_time = self.hops.first_of(account).is_none();
        let events = Vec::with_capacity(EVENTS);
        let mut plan = Plan { events, buckets: self.buckets, home: None, promise: Money::ZERO };
        let terms = self.birth.envelope.as_ref().filter(|_| self.active()).map(|envelope| &envelope.terms);
        // A right needs a commission to acquire from; it outlives an unlinking, not the commission's end.
        let right = first_time && account != self.birth.supplier && terms.is_some();
        match terms {
            Some(terms) => self.plan(&mut plan, context, account, hop, right, terms),
            None => plan.events.push(Event::Certificate(CertificateEvent::Increased(Money::ZERO))),
        }
        let linked = CertificateEvent::Linked {
            account,
            via: task.via,
            mark: request.mark.clone(),
            right: right && plan.home.is_none(),
            attached: plan.buckets.attached,
            unnamed: task.named.is_none(),
            withdraws: plan.home.is_some(),
        };
        let mut events = plan.events;
        events.insert(0, Event::Certificate(linked));
        if plan.home.is_none() {
            self.prompt(&mut events, &plan.buckets, hop, context.now);
        }
        let circulated = Circulated {
            serial: self.birth.serial,
            hop,
            first: hop == 1,
            attached: plan.buckets.attached,
            promise: if plan.home.is_some() { Money::ZERO } else { plan.promise },
            withdrawn: plan.home.is_some(),
        };
        let cashed_others =
            events.iter().any(|event| matches!(event, Event::Certificate(CertificateEvent::OthersCashed(_))));
        let mut step = Step::of(events).answering(Ok(Done::Circulated(circulated)));
        if first_time {
            step.send(account, Body::Displayed(self.number));
        }
        if cashed_others {
            self.send_page(&mut step, &self.uncashed_but(account), self.page_left);
        }
        let cashed = plan.buckets.cashed.checked_sub(self.buckets.cashed).unwrap_or_default();
        self.send_home(&mut step, cashed, plan.home.unwrap_or_default());
        step
    }

    /// The order of SPEC: check, cash, increase and acquire by policy, and the later check point (W9).
    fn plan(
        &self,
        plan: &mut Plan,
        context: Context,
        account: ActorNumber,
        hop: u32,
        right: bool,
        terms: &CommissionTerms,
    ) {
        let check_point = terms.condition.as_ref().map(|condition| condition.check_point);
        if check_point == Some(CheckPoint::BeforeIncrease) && self.check(plan, hop - 1, context.now, terms) {
            plan.events.push(Event::Certificate(CertificateEvent::Increased(Money::ZERO)));
            return;
        }
        if terms.cashing == Cashing::Immediate {
            let others: Vec<u32> = self.uncashed_but(account);
            if !others.is_empty() {
                plan.events.push(Event::Certificate(CertificateEvent::OthersCashed(account)));
                for index in others {
                    plan.buckets.cash(self.hop(index).promise);
                }
            }
        }
        let acquires = right && self.automatic();
        match terms.policy {
            IncreasePolicy::AfterAcquire => {
                self.acquire(plan, terms, hop, acquires);
                self.increase(&mut plan.events, &mut plan.buckets, terms, hop);
                if check_point == Some(CheckPoint::AfterIncrease) {
                    self.check(plan, hop, context.now, terms);
                }
            }
            IncreasePolicy::NonFirst | IncreasePolicy::EveryCommand => {
                if terms.policy == IncreasePolicy::EveryCommand || hop >= 2 {
                    self.increase(&mut plan.events, &mut plan.buckets, terms, hop);
                } else {
                    plan.events.push(Event::Certificate(CertificateEvent::Increased(Money::ZERO)));
                }
                if check_point == Some(CheckPoint::AfterIncrease) && self.check(plan, hop, context.now, terms)
                {
                    return;
                }
                self.acquire(plan, terms, hop, acquires);
            }
        }
    }

    /// Withdraws in the plan where the condition is met; true where it did.
    fn check(&self, plan: &mut Plan, hops: u32, now: Timestamp, terms: &CommissionTerms) -> bool {
        let observed = self.observed(hops, &plan.buckets, now);
        let Some(factors) = terms.condition.as_ref().and_then(|condition| condition.met(&observed)) else {
            return false;
        };
        let reason = WithdrawalReason::Condition(factors);
        plan.events.push(Event::Certificate(CertificateEvent::Withdrawn(reason)));
        plan.home = Some(plan.buckets.unspent());
        plan.buckets.send_home();
        true
    }

    fn acquire(&self, plan: &mut Plan, terms: &CommissionTerms, hop: u32, acquires: bool) {
        if !acquires {
            return;
        }
        let amount = self.taken(terms, &plan.buckets, hop);
        plan.buckets.acquire(amount);
        plan.promise = amount;
        plan.events.push(Event::Certificate(CertificateEvent::Acquired { hop, amount, asked: None }));
    }

    /// One increase event, cut to what the reserve has (D4, D32).
    pub(super) fn increase(
        &self,
        events: &mut Vec<Event>,
        buckets: &mut Buckets,
        terms: &CommissionTerms,
        hop: u32,
    ) {
        let wanted = match terms.increase {
            Increase::Equal => buckets.unsettled,
            Increase::Preset(amount) => amount,
            Increase::Random { min, max } => self.draw(hop, Purpose::Increase).amount(min, max),
        };
        let amount = wanted.min(buckets.reserve);
        buckets.increase(amount);
        events.push(Event::Certificate(CertificateEvent::Increased(amount)));
        if amount < wanted {
            events.push(Event::Certificate(CertificateEvent::ReserveShort));
        }
    }

    /// Q3 to Q5: how much a right acquires, never more than is attached.
    pub(super) fn taken(&self, terms: &CommissionTerms, buckets: &Buckets, hop: u32) -> Money {
        let attached = buckets.attached;
        if attached.is_zero() {
            return Money::ZERO;
        }
        match terms.take {
            Take::All => attached,
            Take::Amount(amount) => amount.min(attached),
            Take::Share(share) => attached.share(share).min(attached),
            Take::Random { min, max } => {
                // D28: at least one minor unit; D42: attached below the minimum makes attached the minimum.
                let low = min.max(one()).min(attached);
                self.draw(hop, Purpose::Acquire).amount(low, max.min(attached).max(low))
            }
            Take::Split { hops } => {
                let left = u64::from(hops.saturating_sub(self.acquirers).max(1));
                if left == 1 {
                    return attached;
                }
                let double_average = (attached.minor() * 2 / left).max(1);
                let high = Money::from_minor(double_average).unwrap_or(attached).min(attached);
                self.draw(hop, Purpose::Acquire).amount(one(), high)
            }
        }
    }

    fn draw(&self, hop: u32, purpose: Purpose) -> Draw {
        Draw::new(&self.birth.seed, self.birth.offering, self.birth.serial, hop, purpose)
    }

    /// W10: one prompt, when the condition is almost met (D35).
    pub(super) fn prompt(&self, events: &mut Vec<Event>, buckets: &Buckets, hops: u32, now: Timestamp) {
        let condition = self.birth.envelope.as_ref().and_then(|envelope| envelope.terms.condition.as_ref());
        let Some(condition) = condition.filter(|_| self.active() && !self.prompted && hops > 0) else {
            return;
        };
        if condition.almost_met(&self.observed(hops, buckets, now)) {
            events.push(Event::Certificate(CertificateEvent::Prompted));
        }
    }
}

/// What a circulation is going to do, worked out on a copy of the buckets.
struct Plan {
    events: Vec<Event>,
    buckets: Buckets,
    /// What goes home, where the commission is withdrawn.
    home: Option<Money>,
    promise: Money,
}

fn one() -> Money {
    Money::from_minor(1).unwrap_or_default()
}
