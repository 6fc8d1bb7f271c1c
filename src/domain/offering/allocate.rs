//! Allocating: which serial a buyer gets, who waits in the line, who is refused (F1 to F5, D39, D40).

use super::decide::resuming;
use super::{Commission, Effect, Offering, Standing};
use crate::domain::event::{Event, OfferingEvent, Queued};
use crate::domain::inside::{Body, Debit, DebitRefused};
use crate::domain::number::{ActorNumber, Serial, WalkId};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{FoundVia, PurchaseTask, Request, RequestMark};
use crate::domain::step::{Context, Decision, Step};
use crate::limits::LINE_MAX;

/// What the stock has for a buyer.
enum Choice {
    Serial(Serial),
    Line,
    Refused(Code),
}

impl Offering {
    pub(super) fn apply_purchase(
        &self,
        context: Context,
        request: &Request,
        task: &PurchaseTask,
        known: Option<Effect>,
    ) -> Decision {
        match known {
            None => {}
            Some(Effect::Waits(walk)) => return Decision::Wait(walk),
            Some(Effect::Buys(serial)) => {
                return match self.stock.payment(serial) {
                    Some(payment) => Decision::Wait(payment.walk),
                    None => self.repeat_at(serial, request),
                };
            }
            Some(Effect::Circulates(_)) => return Decision::Refuse(Refusal::of(Code::IdReused)),
        }
        if task.named.is_some_and(|serial| self.stock.standing(serial).is_none()) {
            return Decision::Refuse(Refusal::of(Code::UnknownCertificate));
        }
        if self.published.is_none() {
            return Decision::Refuse(Refusal::of(Code::NotPublished));
        }
        if task.buyer.currency != self.offer.currency {
            return Decision::Refuse(Refusal::of(Code::CurrencyMismatch));
        }
        if matches!(task.via, FoundVia::PrivatePage(_)) && !task.page_found {
            return Decision::Refuse(Refusal::of(Code::NotOnThatPage));
        }
        if !self.offer.window.contains(context.now) {
            return Decision::Refuse(Refusal::of(Code::SaleNotOpen));
        }
        if let Some(walk) = self.attaching() {
            return Decision::Wait(walk);
        }
        let choice = self.choose(task.named);
        if let Choice::Refused(code) = choice {
            return Decision::Refuse(Refusal::of(code));
        }
        if self.over_cap(task.buyer.number) {
            return Decision::Refuse(Refusal::of(Code::CapReached));
        }
        match choice {
            Choice::Serial(serial) => {
                let mut step = Step::default();
                self.allocate(&mut step, serial, task.buyer.number, &request.mark, context, None);
                Decision::Record(step)
            }
            _ if self.line.len() >= LINE_MAX => Decision::Refuse(Refusal::of(Code::Overloaded)),
            _ => Decision::Record(self.queue(context, request, task)),
        }
    }

    fn over_cap(&self, buyer: ActorNumber) -> bool {
        self.offer.cap.is_some_and(|cap| self.bought_by(buyer) >= cap)
    }

    fn choose(&self, named: Option<Serial>) -> Choice {
        if self.stock.all_sold() && named.is_none() {
            return Choice::Refused(Code::SoldOut);
        }
        match named {
            Some(serial) => match self.stock.standing(serial) {
                Some(Standing::Untouched | Standing::Alive) => Choice::Serial(serial),
                Some(Standing::InPayment) => Choice::Line,
                _ => Choice::Refused(Code::Sold),
            },
            None => match self.stock.lowest_untouched().or_else(|| self.stock.lowest_alive()) {
                Some(serial) => Choice::Serial(serial),
                None => Choice::Line,
            },
        }
    }

    fn queue(&self, context: Context, request: &Request, task: &PurchaseTask) -> Step {
        let queued = Queued {
            walk: context.walk,
            now: context.now,
            buyer: task.buyer,
            named: task.named,
            mark: request.mark.clone(),
        };
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Queued(Box::new(queued)))]);
        step.queued = true;
        step
    }

    /// Adds to a step: this serial is the buyer's, who is now asked to pay.
    fn allocate(
        &self,
        step: &mut Step,
        serial: Serial,
        buyer: ActorNumber,
        mark: &RequestMark,
        context: Context,
        from_line: Option<&Queued>,
    ) {
        let untouched = match self.stock.standing(serial) {
            Some(Standing::InPayment) => self.stock.payment(serial).is_some_and(|payment| !payment.alive),
            standing => standing == Some(Standing::Untouched),
        };
        let walk = from_line.map_or(context.walk, |queued| queued.walk);
        step.events.push(Event::Offering(OfferingEvent::Allocated {
            serial,
            buyer,
            mark: mark.clone(),
            walk,
        }));
        let debit = Debit {
            offering: self.number,
            serial,
            amount: self.offer.price,
            mark: mark.clone(),
            birth: untouched.then(|| Box::new(self.birth(serial))),
        };
        let body = Body::Debit(Box::new(debit));
        match from_line {
            Some(queued) => step.onward.push(resuming(buyer, body, queued.walk, queued.now)),
            None => step.send(buyer, body),
        }
    }

    /// The buyer could not pay: the serial is free, and the next in line who may have it gets it (F5).
    pub(super) fn apply_debit_refused(&self, context: Context, refused: &DebitRefused) -> Decision {
        let serial = refused.serial;
        let Some(payment) = self.stock.payment(serial) else {
            unreachable!("a refused debit belongs to a payment under way");
        };
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Freed(serial))]);
        step.answer = Some(Err(Refusal::of(refused.code)));
        let mut served = false;
        for queued in &self.line {
            if served || queued.named.is_some_and(|named| named != serial) {
                continue;
            }
            // The cap counts what this step has just freed no longer; without a cap nothing is counted.
            let freed = u32::from(payment.buyer == queued.buyer.number);
            let bought = self.bought_by(queued.buyer.number).saturating_sub(freed);
            step.events.push(Event::Offering(OfferingEvent::Unqueued(queued.walk)));
            if self.offer.cap.is_some_and(|cap| bought >= cap) {
                step.other_answers.push((queued.walk, Err(Refusal::of(Code::CapReached))));
                continue;
            }
            self.allocate(&mut step, serial, queued.buyer.number, &queued.mark, context, Some(queued));
            served = true;
        }
        // An envelope that comes back after the time limit goes home at once.
        let untouched = !payment.alive;
        if let (Commission::Expired { payer, .. }, Some(birth), true) =
            (&self.commission, &refused.birth, untouched)
            && !birth.money().is_zero()
        {
            step = self.returning(step, *payer, birth.money());
        }
        Decision::Record(step)
    }

    /// The buyer has paid: whoever waited for this serial, or for a stock that is now all sold, is refused.
    pub(super) fn apply_paid(&self, serial: Serial) -> Decision {
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Paid(serial))]);
        let last = self.stock.sold() + 1 == self.offer.items;
        let mut refuse = |walk: WalkId, code| {
            step.events.push(Event::Offering(OfferingEvent::Unqueued(walk)));
            step.other_answers.push((walk, Err(Refusal::of(code))));
        };
        // Mostly nobody in the line is concerned, and it is long while a rush goes on.
        let concerned = if last || self.named_in_line > 0 { self.line.len() } else { 0 };
        for queued in self.line.iter().take(concerned) {
            if queued.named == Some(serial) {
                refuse(queued.walk, Code::Sold);
            } else if last {
                refuse(queued.walk, Code::SoldOut);
            }
        }
        Decision::Record(step)
    }
}
