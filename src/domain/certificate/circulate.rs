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
use crate::domain::request::{CirculateTask, Request, Task};
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
        if let Some(decision) = self.why_not(request, task) {
            return decision;
        }
        let mut step = Step::of(Vec::with_capacity(EVENTS));
        self.circulate(context, request, task, &mut step);
        Decision::Record(step)
    }

    /// Adds the step of a circulation that this certificate carries out: `apply` gives the same. False where it does not carry one
    /// out, and then nothing is added.
    #[must_use]
    pub fn circulation(&self, context: Context, request: &Request, step: &mut Step) -> bool {
        let Task::Circulate(task) = &request.task else { return false };
        let carried_out = self.why_not(request, task).is_none();
        if carried_out {
            self.circulate(context, request, task, step);
        }
        carried_out
    }

    /// What becomes of a circulation that is not carried out; none where it is.
    fn why_not(&self, request: &Request, task: &CirculateTask) -> Option<Decision> {
        let refuse = |code| Some(Decision::Refuse(Refusal::of(code)));
        if let Some(remembered) = self.hops.remembered(Addressee::of(task), &request.mark.key) {
            return match remembered.effect {
                Effect::Hop(_) if remembered.fingerprint == request.mark.fingerprint => {
                    Some(Decision::Answer(self.done_again(remembered.effect)))
                }
                _ => refuse(Code::IdReused),
            };
        }
        if Addressee::of(task) == Addressee::Certificate && self.refunds_by(&request.mark.key) {
            return refuse(Code::IdReused);
        }
        if let Some(refusal) = request.barred() {
            return Some(Decision::Refuse(refusal));
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
            return Some(Decision::Refuse(Refusal::new(Code::BadValue, "serial", detail)));
        }
        None
    }

    fn circulate(&self, context: Context, request: &Request, task: &CirculateTask, step: &mut Step) {
        let account = task.party.number;
        let hop = self.hop_count() + 1;
        let first_time = self.hops.first_of(account).is_none();
        // Before these there is the beginning of a certificate that comes to life.
        let first = step.events.len();
        let events = &mut step.events;
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
        plan.events.insert(first, Event::Certificate(linked));
        if plan.home.is_none() {
            self.prompt(plan.events, &plan.buckets, hop, context.now);
        }
        let circulated = Circulated {
            serial: self.birth.serial,
            hop,
            first: hop == 1,
            attached: plan.buckets.attached,
            promise: if plan.home.is_some() { Money::ZERO } else { plan.promise },
            withdrawn: plan.home.is_some(),
        };
        let cashed_others = plan
            .events
            .iter()
            .any(|event| matches!(event, Event::Certificate(CertificateEvent::OthersCashed(_))));
        let (buckets, home) = (plan.buckets, plan.home);
        step.answer = Some(Ok(Done::Circulated(circulated)));
        if first_time {
            step.send(account, Body::Displayed(self.number));
        }
        if cashed_others {
            self.send_page(step, &self.uncashed_but(account), self.page_left);
        }
        let cashed = buckets.cashed.checked_sub(self.buckets.cashed).unwrap_or_default();
        self.send_home(step, cashed, home.unwrap_or_default());
    }

    /// The order of SPEC: check, cash, increase and acquire by policy, and the later check point (W9).
    fn plan(
        &self,
        plan: &mut Plan<'_>,
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
                self.increase(plan.events, &mut plan.buckets, terms, hop);
                if check_point == Some(CheckPoint::AfterIncrease) {
                    self.check(plan, hop, context.now, terms);
                }
            }
            IncreasePolicy::NonFirst | IncreasePolicy::EveryCommand => {
                if terms.policy == IncreasePolicy::EveryCommand || hop >= 2 {
                    self.increase(plan.events, &mut plan.buckets, terms, hop);
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
    fn check(&self, plan: &mut Plan<'_>, hops: u32, now: Timestamp, terms: &CommissionTerms) -> bool {
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

    fn acquire(&self, plan: &mut Plan<'_>, terms: &CommissionTerms, hop: u32, acquires: bool) {
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
struct Plan<'step> {
    events: &'step mut Vec<Event>,
    buckets: Buckets,
    /// What goes home, where the commission is withdrawn.
    home: Option<Money>,
    promise: Money,
}

fn one() -> Money {
    Money::from_minor(1).unwrap_or_default()
}
