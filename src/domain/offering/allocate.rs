//! Allocating: which serial a buyer gets, who waits in the line, who is refused (F1 to F5, D39, D40).

use super::decide::resuming;
use super::{Commission, Effect, Offering, Standing};
use crate::domain::answer::Done;
use crate::domain::event::{Event, OfferingEvent, Queued};
use crate::domain::inside::{Body, Debit, DebitRefused, Hold, OrderRefused, PurchaseGift, Settle};
use crate::domain::number::{ActorNumber, Fingerprint, Serial, WalkId};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{
    FoundVia, Party, PurchaseTask, Request, RequestKey, RequestMark, Source, SpentGift, SpentPayment, Task,
};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;
use crate::limits::LINE_MAX;
use crate::planted::{self, Bug};

/// For whom a serial is set apart.
pub(super) struct Buyer<'request> {
    pub(super) number: ActorNumber,
    pub(super) mark: &'request RequestMark,
    pub(super) source: &'request Source,
}

/// Why a request gets no serial and no place in the line.
enum Objection {
    Refused(Refusal),
    /// The commission is being funded by that walk.
    Early(WalkId),
}

/// What the stock has for a buyer.
enum Choice {
    /// This one, which is untouched or alive.
    Serial(Serial, Standing),
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
            Some(Effect::Reserves(serial, until)) => {
                return match self.stock.payment(serial) {
                    Some(payment) if payment.mark == request.mark => Decision::Wait(payment.walk),
                    _ => Decision::Answer(Done::Reserved { serial, price: self.offer.price, until }),
                };
            }
            Some(Effect::Circulates(_) | Effect::Cancels(_)) => {
                return Decision::Refuse(Refusal::of(Code::IdReused));
            }
        }
        match self.judge(context, request, task) {
            Ok(Some((serial, _))) => {
                let mut step = Step::default();
                let buyer = Buyer { number: task.buyer.number, mark: &request.mark, source: &task.source };
                self.allocate(&mut step, serial, &buyer, (context.walk, context.now), None);
                Decision::Record(step)
            }
            Ok(None) if self.line.len() >= LINE_MAX => Decision::Refuse(Refusal::of(Code::Overloaded)),
            Ok(None) => Decision::Record(self.queue(context, request, task)),
            Err(Objection::Refused(refusal)) => Decision::Refuse(refusal),
            Err(Objection::Early(walk)) => Decision::Wait(walk),
        }
    }

    /// Which serial a new request is to have, and where that stands; none where the buyer is to wait in the line.
    fn judge(
        &self,
        context: Context,
        request: &Request,
        task: &PurchaseTask,
    ) -> Result<Option<(Serial, Standing)>, Objection> {
        let refuse = |code| Err(Objection::Refused(Refusal::of(code)));
        if task.named.is_some_and(|serial| !self.stock.has(serial)) {
            return refuse(Code::UnknownCertificate);
        }
        if self.published.is_none() {
            return refuse(Code::NotPublished);
        }
        if task.buyer.currency != self.offer.currency {
            return refuse(Code::CurrencyMismatch);
        }
        if let Some(refusal) = self.objects_to_price(request) {
            return Err(Objection::Refused(refusal));
        }
        if matches!(task.via, FoundVia::PrivatePage(_)) && !task.page_found {
            return refuse(Code::NotOnThatPage);
        }
        if !self.offer.window.contains(context.now) {
            return refuse(Code::SaleNotOpen);
        }
        if task.source == Source::Reservation && self.offer.reservable_ms.is_none() {
            return refuse(Code::NotReservable);
        }
        if let Some(walk) = self.attaching() {
            return Err(Objection::Early(walk));
        }
        let chosen = match self.choose(task.named) {
            Choice::Refused(code) => return refuse(code),
            Choice::Serial(serial, standing) => Some((serial, standing)),
            Choice::Line => None,
        };
        if self.over_cap(task.buyer.number) { refuse(Code::CapReached) } else { Ok(chosen) }
    }

    /// The serial that a plain purchase is to have, and its buyer: a new one of a certificate that is alive, out of what the buyer
    /// has available. `apply` then allocates it and asks for the price, and nothing beside that.
    #[must_use]
    pub fn plain_purchase(&self, context: Context, request: &Request) -> Option<(Serial, Party)> {
        let Task::Purchase(task) = &request.task else { return None };
        let unconditional = request.objection.is_none() && request.conditions.is_none();
        let known = || {
            let mark = &request.mark;
            self.own_marks().any(|own| own.key == mark.key)
                || self.requests.get_hashed(mark.hashed_key()).is_some()
        };
        if !matches!(task.source, Source::Available)
            || !unconditional
            || request.barred().is_some()
            || known()
        {
            return None;
        }
        match self.judge(context, request, task) {
            Ok(Some((serial, Standing::Alive))) => Some((serial, task.buyer)),
            _ => None,
        }
    }

    /// What its sender has against the price.
    pub(super) fn objects_to_price(&self, request: &Request) -> Option<Refusal> {
        request.conditions.as_deref()?.objects_to_price(self.offer.price)
    }

    fn over_cap(&self, buyer: ActorNumber) -> bool {
        let more = u32::from(planted::has(Bug::CapMissed));
        self.offer.cap.is_some_and(|cap| self.bought_by(buyer) >= cap + more)
    }

    fn choose(&self, named: Option<Serial>) -> Choice {
        if self.stock.all_sold() && named.is_none() {
            return Choice::Refused(Code::SoldOut);
        }
        match named {
            Some(serial) => match self.stock.standing(serial) {
                Some(free @ (Standing::Untouched | Standing::Alive)) => Choice::Serial(serial, free),
                Some(Standing::InPayment) => Choice::Line,
                Some(Standing::Reserved) => Choice::Refused(Code::Reserved),
                Some(Standing::Sold) | None => Choice::Refused(Code::Sold),
            },
            None => {
                let free = |standing| move |serial| Choice::Serial(serial, standing);
                let untouched = self.stock.lowest_untouched().map(free(Standing::Untouched));
                match untouched.or_else(|| self.stock.lowest_alive().map(free(Standing::Alive))) {
                    Some(choice) => choice,
                    None if self.stock.payments() > 0 => Choice::Line,
                    None => Choice::Refused(Code::Reserved),
                }
            }
        }
    }

    /// T16: a merchant withholds the certificate of a gift. It waits in no line: the merchant asks again.
    pub(super) fn apply_purchase_gift(&self, context: Context, purchase: &PurchaseGift) -> Decision {
        let PurchaseGift { gift, order, supplier, buyer, serial, amount } = purchase;
        let judged = match self.choose(Some(*serial)) {
            _ if *supplier != self.offer.supplier.number => Err(Code::NotAllowed),
            _ if self.published.is_none() => Err(Code::NotPublished),
            _ if *amount != self.offer.price => Err(Code::AmountMismatch),
            _ if !self.offer.window.contains(context.now) => Err(Code::SaleNotOpen),
            Choice::Refused(code) => Err(code),
            Choice::Line => Err(Code::Overloaded),
            Choice::Serial(..) if self.attaching().is_some() => Err(Code::Overloaded),
            Choice::Serial(..) if self.over_cap(buyer.number) => Err(Code::CapReached),
            Choice::Serial(serial, _) => Ok(serial),
        };
        match judged {
            Err(code) => {
                let refused = OrderRefused::body(order, code);
                Decision::Record(Step::default().sending(order.merchant, refused))
            }
            Ok(serial) => {
                // No client's request: its caller is the certificate, which no client can be.
                let key = RequestKey { caller: self.number.certificate(serial), id: gift.id.clone() };
                let mark = RequestMark::new(key, Fingerprint::default());
                let spent = SpentGift { key: gift.clone(), order: Some(order.clone()) };
                let source = Source::Gift(Box::new(spent));
                let buyer = Buyer { number: buyer.number, mark: &mark, source: &source };
                let mut step = Step::default();
                self.allocate(&mut step, serial, &buyer, (context.walk, context.now), None);
                Decision::Record(step)
            }
        }
    }

    fn queue(&self, context: Context, request: &Request, task: &PurchaseTask) -> Step {
        let queued = Queued {
            walk: context.walk,
            now: context.now,
            buyer: task.buyer,
            named: task.named,
            mark: request.mark.clone(),
            source: task.source.clone(),
        };
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Queued(Box::new(queued)))]);
        step.queued = true;
        step
    }

    /// Adds to a step: this serial is the buyer's, who is now asked to pay, or to hold the money of a reservation.
    /// `walk` and `now` are those of the walk that pays.
    pub(super) fn allocate(
        &self,
        step: &mut Step,
        serial: Serial,
        buyer: &Buyer<'_>,
        (walk, now): (WalkId, Timestamp),
        from_line: Option<&Queued>,
    ) {
        let (number, mark) = (buyer.number, buyer.mark.clone());
        step.events.reserve_exact(1);
        let body = match buyer.source {
            Source::Reservation => {
                let until = Timestamp(now.0.saturating_add(self.offer.reservable_ms.unwrap_or(0)));
                let mark = Box::new(mark);
                let reserving = OfferingEvent::Reserving { serial, buyer: number, mark, walk, until };
                step.events.push(Event::Offering(reserving));
                Body::Hold(Box::new(Hold { offering: self.number, serial, amount: self.offer.price }))
            }
            source => {
                let allocated = OfferingEvent::Allocated { serial, buyer: number, mark: mark.clone(), walk };
                step.events.push(Event::Offering(allocated));
                self.asking(serial, mark, self.paid_by(source))
            }
        };
        match from_line {
            Some(queued) => step.onward.push(resuming(number, body, queued.walk, queued.now)),
            None => step.send(number, body),
        }
    }

    /// The demand for the price, with what brings the certificate to life where nothing has yet.
    pub(super) fn asking(&self, serial: Serial, mark: RequestMark, source: Source) -> Body {
        let untouched = !self.stock.has_chain(serial);
        let birth = untouched.then(|| self.birth(serial));
        let (offering, amount) = (self.number, self.offer.price);
        Body::Debit(Box::new(Debit { offering, serial, amount, mark, birth, source }))
    }

    /// What the certificate of a plain purchase is sent once the buyer has paid.
    #[must_use]
    pub fn sale_to(&self, buyer: Party, mark: RequestMark) -> Settle {
        let (offering, price, source) = (self.number, self.offer.price, Source::Available);
        Settle { offering, buyer, price, mark, birth: None, source }
    }

    /// A payment certificate pays its own beneficiary, which the buyer's account judges by this payee.
    fn paid_by(&self, source: &Source) -> Source {
        match source {
            Source::PaymentCertificate(spent) => {
                let payee = Some(self.offer.payee.number);
                Source::PaymentCertificate(Box::new(SpentPayment { payee, ..(**spent).clone() }))
            }
            source => source.clone(),
        }
    }

    /// The buyer could not pay: the serial is free, and the next in line who may have it gets it (F5).
    pub(super) fn apply_debit_refused(&self, context: Context, refused: &DebitRefused) -> Decision {
        let serial = refused.serial;
        let Some(payment) = self.stock.payment(serial) else {
            unreachable!("a refused debit belongs to a payment under way");
        };
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Freed(serial))]);
        match &refused.order {
            // The merchant's account answers.
            Some(order) => {
                step.send(order.merchant, OrderRefused::body(order, refused.code));
            }
            None => step.answer = Some(Err(Refusal::of(refused.code))),
        }
        self.serve(&mut step, serial, payment.buyer, context.now);
        // An envelope that comes back after the time limit goes home at once.
        let untouched = !payment.alive;
        if let (Commission::Expired(there), Some(birth), true) = (&self.commission, &refused.birth, untouched)
            && !birth.funded().is_zero()
        {
            step = self.returning(step, there, birth.funded());
        }
        Decision::Record(step)
    }

    /// Adds to a step that frees a serial, which `former` had: the next in line who may have it gets it (F5).
    pub(super) fn serve(&self, step: &mut Step, serial: Serial, former: ActorNumber, now: Timestamp) {
        let mut served = false;
        for queued in &self.line {
            if served || queued.named.is_some_and(|named| named != serial) {
                continue;
            }
            // The cap counts what this step has just freed no longer; without a cap nothing is counted.
            let freed = u32::from(former == queued.buyer.number);
            let bought = self.bought_by(queued.buyer.number).saturating_sub(freed);
            step.events.push(Event::Offering(OfferingEvent::Unqueued(queued.walk)));
            if self.offer.cap.is_some_and(|cap| bought >= cap) {
                step.other_answers.push((queued.walk, Err(Refusal::of(Code::CapReached))));
                continue;
            }
            let buyer = Buyer { number: queued.buyer.number, mark: &queued.mark, source: &queued.source };
            // The walk that has freed it may have begun before this one, whose reservation stands its whole time.
            let begins = queued.now.max(now);
            self.allocate(step, serial, &buyer, (queued.walk, begins), Some(queued));
            served = true;
        }
    }

    /// As `Resident::sole_event`: nobody waits in the line to hear of a payment.
    pub(in crate::domain) fn sole_event(&self, body: &Body) -> Option<Event> {
        match body {
            Body::Paid(serial) if self.line.is_empty() => Some(Event::Offering(OfferingEvent::Paid(*serial))),
            _ => None,
        }
    }

    /// The buyer has paid: whoever waited for this serial, or for a stock of which nothing can come free any more
    /// by a payment that fails, is refused.
    pub(super) fn apply_paid(&self, serial: Serial) -> Decision {
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Paid(serial))]);
        let code = if self.stock.sold() + 1 == self.offer.items { Code::SoldOut } else { Code::Reserved };
        self.dismiss(&mut step, serial, Code::Sold, code);
        Decision::Record(step)
    }

    /// Adds to a step that ends a payment for good: whoever waited for that serial is refused with `for_it`, and,
    /// where it was the last payment under way, everyone else with `for_others`.
    pub(super) fn dismiss(&self, step: &mut Step, serial: Serial, for_it: Code, for_others: Code) {
        let last = self.stock.payments() <= 1;
        let mut refuse = |walk: WalkId, code| {
            step.events.push(Event::Offering(OfferingEvent::Unqueued(walk)));
            step.other_answers.push((walk, Err(Refusal::of(code))));
        };
        // Mostly nobody in the line is concerned, and it is long while a rush goes on.
        let concerned = if last || self.named_in_line > 0 { self.line.len() } else { 0 };
        for queued in self.line.iter().take(concerned) {
            if queued.named == Some(serial) {
                refuse(queued.walk, for_it);
            } else if last {
                refuse(queued.walk, for_others);
            }
        }
    }
}
