//! What an offering decides on everything but allocating: issuing, publishing, attaching, circulating, showing.

use super::{Attachment, Commission, Effect, Offering, Standing};
use crate::domain::answer::{CertificateView, CommissionLabel, Done, OfferingView};
use crate::domain::chain::{self, Head};
use crate::domain::event::{Event, OfferingEvent};
use crate::domain::gift::FoundObject;
use crate::domain::inside::{Body, Handed, LinkPayment, Turn, TurnRefused};
use crate::domain::link::PageLink;
use crate::domain::message::Display;
use crate::domain::money::Money;
use crate::domain::number::{ActorNumber, Serial, WalkId};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{
    AttachTask, CirculateTask, FoundVia, GiftTask, GiveTask, IssuedOffer, Party, Request, RequestMark, Task,
};
use crate::domain::step::{Context, Decision, Onward, Step};
use crate::domain::time::Timestamp;
use crate::limits::TURN_TRIES_MAX;

impl Offering {
    /// Issues an offering where there is none.
    #[must_use]
    pub fn apply_absent(offer: &IssuedOffer, mark: &RequestMark) -> Decision {
        let event = OfferingEvent::Issued(Box::new(offer.clone()), mark.clone());
        let done = Done::Issued { items: offer.items };
        Decision::Record(Step::of(vec![Event::Offering(event)]).answering(Ok(done)))
    }

    /// Decides on a message and changes nothing.
    #[must_use]
    pub fn apply(&self, context: Context, entries: u64, head: &Head, body: &Body) -> Decision {
        match body {
            Body::Request(request) if request.task == Task::ShowOffering => {
                Decision::Answer(Done::Offering(Box::new(self.view(entries, head))))
            }
            Body::Request(request) => match &request.task {
                Task::ShowRequest { id, .. } => self.show_request(request, id),
                _ => self.apply_request(context, request),
            },
            Body::DebitRefused(refused) => self.apply_debit_refused(context, refused),
            Body::Paid(serial) => self.apply_paid(*serial),
            Body::TurnRefused(refused) => self.apply_turn_refused(refused),
            Body::HoldDone(serial) => self.apply_hold_done(*serial),
            Body::PurchaseGift(purchase) => self.apply_purchase_gift(context, purchase),
            Body::TopUp(top_up) => self.apply_top_up(top_up),
            Body::CommissionFunded(amount) | Body::CommissionBacked(amount) => {
                let answer = Ok(Done::Attached { debited: *amount });
                Decision::Record(Step::of(vec![Event::Offering(OfferingEvent::Attached)]).answering(answer))
            }
            Body::CommissionRefused(code) => {
                let answer = Err(Refusal::of(*code));
                Decision::Record(
                    Step::of(vec![Event::Offering(OfferingEvent::AttachUndone)]).answering(answer),
                )
            }
            other => unreachable!("an offering is never sent {other:?}"),
        }
    }

    fn apply_request(&self, context: Context, request: &Request) -> Decision {
        let mark = &request.mark;
        let known = match self.known(request) {
            Ok(known) => known,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        let own = |own: &RequestMark| own.key == mark.key;
        let repeats = known.is_some() || (!elsewhere(&request.task) && self.own_marks().any(own));
        // What is passed on is judged by whoever decides: the caller's account, or a certificate that knows its ids.
        let passes = match &request.task {
            Task::Gift(_) | Task::TopUp(_) => true,
            Task::Circulate(task) => task.named.is_some_and(|serial| self.stock.has_chain(serial)),
            task => task.looks(),
        };
        if let Some(refusal) = request.barred().filter(|_| !repeats && !passes) {
            return Decision::Refuse(refusal);
        }
        match &request.task {
            Task::Issue(offer) => {
                if self.issued_by.key == mark.key {
                    return Decision::Answer(Done::Issued { items: offer.items });
                }
                Decision::Refuse(Refusal::of(Code::NameTaken))
            }
            Task::Publish(display) => self.apply_publish(context, mark, *display),
            Task::Attach(attach) => match self.attached_by() {
                Some(known) if known.key == mark.key => self.attach_again(mark),
                _ => self.apply_attach(context, mark, attach),
            },
            Task::Circulate(task) => self.apply_circulate(request, task, known),
            Task::Acquire(_) => Decision::Refuse(Refusal::of(Code::NoRight)),
            Task::Purchase(task) | Task::Reserve(task) => self.apply_purchase(context, request, task, known),
            Task::PayReservation(buyer, serial) => self.apply_pay(context, request, *buyer, *serial, known),
            Task::CancelReservation(serial) => self.apply_cancel(context, mark, *serial, known),
            Task::Refund(_) if mark.key.caller != self.offer.supplier.number => not_the_supplier(),
            Task::Refund(_) => Decision::Refuse(Refusal::of(Code::NotSold)),
            Task::ShowAccount => Decision::Refuse(Refusal::of(Code::UnknownAccount)),
            Task::Gift(GiftTask::Give(give)) => pass_to_caller(request, self.objects_to_gift(give)),
            Task::TopUp(_) => pass_to_caller(request, self.objects_to_top_up(mark.key.caller)),
            Task::ShowCertificate { serial, .. } => self.show_untouched(*serial),
            other => unreachable!("a door never sends an offering {other:?}"),
        }
    }

    /// The requests that made it what it is: issued, published, attached.
    pub(super) fn own_marks(&self) -> impl Iterator<Item = &RequestMark> {
        let published_by = self.published.as_ref().map(|published| &published.mark);
        [Some(&self.issued_by), published_by, self.attached_by()].into_iter().flatten()
    }

    /// The request that has attached the commission, or is attaching it.
    pub(super) fn attached_by(&self) -> Option<&RequestMark> {
        match &self.commission {
            Commission::None => None,
            Commission::Attaching(there, _) | Commission::Attached(there) | Commission::Expired(there) => {
                Some(&there.mark)
            }
        }
    }

    /// What a request with this id has brought about at this offering (I12); nothing where the request is
    /// addressed to a certificate, which knows its own ids.
    ///
    /// # Errors
    /// `id_reused`, where the id came with another body.
    fn known(&self, request: &Request) -> Result<Option<Effect>, Refusal> {
        // Nothing is remembered of a look, so it repeats nothing, whatever its id.
        if elsewhere(&request.task) || request.task.looks() {
            return Ok(None);
        }
        let mark = &request.mark;
        let other = |known: &RequestMark| known.key == mark.key && known.fingerprint != mark.fingerprint;
        match self.requests.get_hashed(mark.hashed_key()) {
            _ if self.own_marks().any(other) => Err(Refusal::of(Code::IdReused)),
            Some(known) if known.fingerprint != mark.fingerprint => Err(Refusal::of(Code::IdReused)),
            known => Ok(known.map(|known| known.effect)),
        }
    }

    fn apply_publish(&self, context: Context, mark: &RequestMark, display: Display) -> Decision {
        if let Some(published) = &self.published
            && published.mark.key == mark.key
        {
            return Decision::Answer(Done::Published { at: published.at });
        }
        if mark.key.caller != self.offer.supplier.number {
            return not_the_supplier();
        }
        if self.published.is_some() {
            return Decision::Refuse(Refusal::of(Code::AlreadyPublished));
        }
        let event = OfferingEvent::Published(mark.clone(), display);
        let done = Done::Published { at: context.now };
        Decision::Record(Step::of(vec![Event::Offering(event)]).answering(Ok(done)))
    }

    pub(super) fn attach_again(&self, mark: &RequestMark) -> Decision {
        match &self.commission {
            Commission::Attaching(_, walk) => Decision::Wait(*walk),
            Commission::Attached(there) | Commission::Expired(there) if there.mark.key == mark.key => {
                let debited = self.all_envelopes(&there.terms).unwrap_or_default();
                Decision::Answer(Done::Attached { debited })
            }
            _ => Decision::Refuse(Refusal::of(Code::AlreadyAttached)),
        }
    }

    fn apply_attach(&self, context: Context, mark: &RequestMark, attach: &AttachTask) -> Decision {
        let AttachTask { payer: Party { number: payer, currency }, terms, backing } = attach;
        let (payer, currency) = (*payer, *currency);
        let refuse = |code, field, detail: &'static str| Decision::Refuse(Refusal::new(code, field, detail));
        if payer != self.offer.supplier.number && !self.offer.payers.contains(&payer) {
            return refuse(
                Code::NotAllowed,
                "caller",
                "is neither the supplier nor a payer whom the supplier named",
            );
        }
        if currency != self.offer.currency {
            return Decision::Refuse(Refusal::of(Code::CurrencyMismatch));
        }
        if self.attached_by().is_some() {
            return self.attach_again(mark);
        }
        if !self.stock.pristine() || !self.line.is_empty() {
            return Decision::Refuse(Refusal::of(Code::AlreadyTouched));
        }
        let over = |limit: Option<Timestamp>| limit.is_some_and(|limit| context.now >= limit);
        if over(terms.expires_at) || over(self.offer.expires_at) {
            return refuse(Code::BadValue, "terms.expires_at", "has passed: give a later time");
        }
        if let Err(refusal) = terms.check_price(self.offer.price) {
            return Decision::Refuse(refusal);
        }
        let Some(amount) = self.all_envelopes(terms) else {
            return refuse(
                Code::AmountTooLarge,
                "terms.funded",
                "times the items passes the bound of an amount: fund less",
            );
        };
        let event = OfferingEvent::AttachBegun {
            attach: Box::new(attach.clone()),
            mark: mark.clone(),
            walk: context.walk,
        };
        let offering = self.number;
        let asks = match backing.clone() {
            None => Body::DebitCommission { offering, amount },
            Some(payment) => Body::LinkPayment(Box::new(LinkPayment { offering, payment, amount })),
        };
        Decision::Record(Step::of(vec![Event::Offering(event)]).sending(payer, asks))
    }

    /// T7, T16: a gift of a certificate has exactly its price, which never changes; what is sold is given no more.
    fn objects_to_gift(&self, give: &GiveTask) -> Option<Refusal> {
        if let FoundObject::Certificate { serial, .. } = give.object
            && self.stock.standing(serial) == Some(Standing::Sold)
        {
            return Some(Refusal::new(Code::Sold, "object", "is sold: give another one"));
        }
        if give.recipient.currency != self.offer.currency {
            return Some(Refusal::new(Code::CurrencyMismatch, "object", "is sold in another currency"));
        }
        let detail = "is not the certificate's: give exactly that";
        let other = give.price != self.offer.price;
        other.then(|| Refusal::new(Code::AmountMismatch, "price", detail))
    }

    /// D37: only the commission's payer adds to it. Once it is attached, who that is never changes.
    fn objects_to_top_up(&self, caller: ActorNumber) -> Option<Refusal> {
        let payer = match &self.commission {
            Commission::None | Commission::Attaching(..) => None,
            Commission::Attached(there) | Commission::Expired(there) => Some(there.payer),
        };
        let detail = "is not the payer of the commission";
        let other = payer.is_some_and(|payer| payer != caller);
        other.then(|| Refusal::new(Code::NotAllowed, "caller", detail))
    }

    /// The walk to wait for while the commission is being funded.
    #[must_use]
    pub fn attaching(&self) -> Option<WalkId> {
        match &self.commission {
            Commission::Attaching(_, walk) => Some(*walk),
            _ => None,
        }
    }

    fn apply_circulate(&self, request: &Request, task: &CirculateTask, known: Option<Effect>) -> Decision {
        match known {
            None => {}
            Some(Effect::Circulates(serial)) => return self.repeat_at(serial, request),
            Some(_) => return Decision::Refuse(Refusal::of(Code::IdReused)),
        }
        let standing = match task.named.map(|serial| self.stock.standing(serial)) {
            Some(None) => return Decision::Refuse(Refusal::of(Code::UnknownCertificate)),
            Some(Some(standing)) => Some(standing),
            None => None,
        };
        if self.published.is_none() {
            return Decision::Refuse(Refusal::of(Code::NotPublished));
        }
        if task.party.currency != self.offer.currency {
            return Decision::Refuse(Refusal::of(Code::CurrencyMismatch));
        }
        if let Some(walk) = self.attaching() {
            return Decision::Wait(walk);
        }
        match (task.named, standing) {
            // A reserved certificate may be circulated (D39).
            (Some(serial), Some(Standing::Untouched | Standing::Reserved))
                if !self.stock.has_chain(serial) =>
            {
                if matches!(task.via, FoundVia::PrivatePage(_)) {
                    return Decision::Refuse(Refusal::of(Code::NotOnThatPage));
                }
                self.bring_to_life(serial, request, None)
            }
            (Some(serial), Some(Standing::InPayment)) => match self.stock.payment(serial) {
                Some(payment) if !payment.alive => Decision::Wait(payment.walk),
                _ => self.pass_on(serial, request),
            },
            (Some(serial), _) => self.pass_on(serial, request),
            (None, _) => self.circulate_any(request),
        }
    }

    fn pass_on(&self, serial: Serial, request: &Request) -> Decision {
        Decision::Pass(self.number.certificate(serial), Body::Request(Box::new(request.clone())))
    }

    pub(super) fn repeat_at(&self, serial: Serial, request: &Request) -> Decision {
        Decision::Pass(self.number.certificate(serial), Body::Repeat(Box::new(request.clone())))
    }

    fn bring_to_life(&self, serial: Serial, request: &Request, mark: Option<RequestMark>) -> Decision {
        let handed = Handed { request: request.clone(), birth: Some(self.birth(serial)), turn: None };
        let step = Step::of(vec![Event::Offering(OfferingEvent::Touched { serial, mark })]);
        Decision::Record(step.sending(self.number.certificate(serial), Body::Handed(Box::new(handed))))
    }

    /// D30: the lowest untouched serial, or the living chains in turn.
    fn circulate_any(&self, request: &Request) -> Decision {
        if let Some(serial) = self.stock.lowest_untouched() {
            return self.bring_to_life(serial, request, Some(request.mark.clone()));
        }
        match self.stock.chain_from(self.cursor) {
            Some(serial) => {
                let turn = Turn { serial, cursor_before: self.cursor, tried_first: serial, tries: 1 };
                Decision::Record(self.take_turn(request, turn))
            }
            None => match self.stock.any_payment() {
                Some(payment) => Decision::Wait(payment.walk),
                None if self.stock.all_sold() => Decision::Refuse(Refusal::of(Code::SoldOut)),
                None => Decision::Refuse(Refusal::of(Code::Reserved)),
            },
        }
    }

    fn take_turn(&self, request: &Request, turn: Turn) -> Step {
        let event = OfferingEvent::TurnTaken { serial: turn.serial, mark: request.mark.clone() };
        let handed = Handed { request: request.clone(), birth: None, turn: Some(turn) };
        Step::of(vec![Event::Offering(event)])
            .sending(self.number.certificate(turn.serial), Body::Handed(Box::new(handed)))
    }

    /// D39: the next chain in turn, or, all of them having refused, the cursor back and the answer.
    fn apply_turn_refused(&self, refused: &TurnRefused) -> Decision {
        let turn = refused.turn;
        if let Some(next) = self.stock.chain_from(turn.serial.0 + 1)
            && !came_round(turn.tried_first, turn.serial, next)
            && turn.tries < TURN_TRIES_MAX
        {
            let turn = Turn { serial: next, tries: turn.tries + 1, ..turn };
            return Decision::Record(self.take_turn(&refused.request, turn));
        }
        let moved_by_others = self.cursor != turn.serial.0 + 1;
        let event = OfferingEvent::TurnUndone {
            cursor: (!moved_by_others).then_some(turn.cursor_before),
            mark: refused.request.mark.clone(),
        };
        let code = if self.stock.all_sold() { Code::SoldOut } else { refused.code };
        Decision::Record(Step::of(vec![Event::Offering(event)]).answering(Err(Refusal::of(code))))
    }

    pub(super) fn label(&self, topped_up: Money) -> Option<CommissionLabel> {
        match &self.commission {
            Commission::Attached(Attachment { terms, .. }) => {
                let reserve =
                    terms.funded.checked_sub(terms.attached).and_then(|rest| rest.checked_add(topped_up));
                let reserve = reserve.unwrap_or_else(|| unreachable!("what was funded is a legal amount"));
                Some(CommissionLabel { attached: terms.attached, reserve, cumulative: terms.attached })
            }
            _ => None,
        }
    }

    fn view(&self, entries: u64, head: &Head) -> OfferingView {
        OfferingView {
            name: self.offer.name.clone(),
            number: self.number,
            supplier: self.offer.supplier.number,
            payee: self.offer.payee.number,
            price: self.offer.price,
            currency: self.offer.currency,
            label: self.label(Money::ZERO),
            published_at: self.published_at(),
            display: self.published.as_ref().map(|published| published.display).unwrap_or_default(),
            frozen: self.published.as_ref().and_then(|published| published.frozen),
            link: PageLink::to(self.number),
            items: self.offer.items,
            sold: self.stock.sold(),
            left: self.stock.left(),
            reserved: self.stock.reserved(),
            window: self.offer.window,
            cap: self.offer.cap,
            expires_at: self.deadline(),
            terms: self.terms().cloned(),
            information: self.offer.information.clone(),
            sequence: entries,
            head: *head,
        }
    }

    fn show_untouched(&self, serial: Serial) -> Decision {
        match self.stock.standing(serial) {
            None => Decision::Refuse(Refusal::of(Code::UnknownCertificate)),
            Some(_) => Decision::Answer(Done::Certificate(Box::new(CertificateView {
                offering: self.number,
                serial,
                link: PageLink::to(self.number.certificate(serial)),
                price: self.offer.price,
                label: self.label(self.topped_up_for(serial)),
                promised: Money::ZERO,
                cashed: Money::ZERO,
                returned: Money::ZERO,
                linked: None,
                hops: 0,
                chain: Vec::new(),
                almost_met: false,
                sale: None,
                refunded: false,
                sequence: 0,
                head: chain::origin(self.number.certificate(serial)),
            }))),
        }
    }
}

fn not_the_supplier() -> Decision {
    Decision::Refuse(Refusal::new(Code::NotAllowed, "caller", "is not the offering's supplier"))
}

/// True where `next`, the chain after `last` going round, is the first one again or lies behind it.
fn came_round(first: Serial, last: Serial, next: Serial) -> bool {
    let wraps = next <= last;
    if last < first { wraps || next >= first } else { wraps && next >= first }
}

/// An onward message that continues a walk which waited in the line.
pub(super) fn resuming(to: ActorNumber, body: Body, walk: WalkId, now: Timestamp) -> Onward {
    Onward { to, body, continues: Some((walk, now)) }
}

/// True for what is addressed to a certificate or an account, which know their own ids.
fn elsewhere(task: &Task) -> bool {
    match task {
        Task::Circulate(task) => task.named.is_some(),
        Task::Acquire(_) | Task::ShowCertificate { .. } | Task::Refund(_) => true,
        Task::Gift(_) | Task::TopUp(_) => true,
        _ => false,
    }
}

/// The caller's account decides, which knows its repeats; what an offering has against it goes along.
fn pass_to_caller(request: &Request, objection: Option<Refusal>) -> Decision {
    let mut request = request.clone();
    request.objection = request.objection.or(objection.map(Box::new));
    Decision::Pass(request.mark.key.caller, Body::Request(Box::new(request)))
}
