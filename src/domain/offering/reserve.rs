//! Reserving now and paying later (F6): the offering keeps the time, the buyer's account holds the money.

use super::{Effect, Offering, Standing};
use crate::domain::answer::Done;
use crate::domain::event::{Event, OfferingEvent};
use crate::domain::inside::Body;
use crate::domain::number::{ActorNumber, Serial};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{Party, Request, RequestMark, Source};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;
use crate::planted::{self, Bug};

impl Offering {
    /// The money is held. Whoever waited for this payment to fail is told that it has not.
    pub(super) fn apply_hold_done(&self, serial: Serial) -> Decision {
        let Some(until) = self.stock.payment(serial).and_then(|payment| payment.until) else {
            unreachable!("money is held for a reservation under way");
        };
        let done = Done::Reserved { serial, price: self.offer.price, until };
        let mut step = Step::of(vec![Event::Offering(OfferingEvent::Reserved(serial))]).answering(Ok(done));
        self.dismiss(&mut step, serial, Code::Reserved, Code::Reserved);
        Decision::Record(step)
    }

    /// The one who has reserved pays, whatever the window says by now (D40).
    pub(super) fn apply_pay(
        &self,
        context: Context,
        request: &Request,
        buyer: Party,
        serial: Serial,
        known: Option<Effect>,
    ) -> Decision {
        match known {
            None => {}
            Some(Effect::Buys(serial)) => {
                return match self.stock.payment(serial) {
                    Some(payment) => Decision::Wait(payment.walk),
                    None => self.repeat_at(serial, request),
                };
            }
            Some(_) => return Decision::Refuse(Refusal::of(Code::IdReused)),
        }
        if let Err(code) = self.reserved_by(buyer.number, serial) {
            return Decision::Refuse(Refusal::of(code));
        }
        if let Some(refusal) = self.objects_to_price(request) {
            return Decision::Refuse(refusal);
        }
        let mark = request.mark.clone();
        let walk = context.walk;
        let allocated = OfferingEvent::Allocated { serial, buyer: buyer.number, mark: mark.clone(), walk };
        let asking = self.asking(serial, mark, Source::Reservation);
        Decision::Record(Step::of(vec![Event::Offering(allocated)]).sending(buyer.number, asking))
    }

    /// Stock and money are free again, as after the time limit.
    pub(super) fn apply_cancel(
        &self,
        context: Context,
        mark: &RequestMark,
        serial: Serial,
        known: Option<Effect>,
    ) -> Decision {
        match known {
            Some(Effect::Cancels(serial)) => return Decision::Answer(Done::ReservationCancelled { serial }),
            Some(_) => return Decision::Refuse(Refusal::of(Code::IdReused)),
            None => {}
        }
        match self.reserved_by(mark.key.caller, serial) {
            Err(code) => Decision::Refuse(Refusal::of(code)),
            Ok(()) => Decision::Record(
                self.reservation_over(context.now, serial, Some(mark.clone()))
                    .answering(Ok(Done::ReservationCancelled { serial })),
            ),
        }
    }

    fn reserved_by(&self, buyer: ActorNumber, serial: Serial) -> Result<(), Code> {
        match self.stock.standing(serial) {
            None => Err(Code::UnknownCertificate),
            Some(Standing::Sold) => Err(Code::Sold),
            _ => match self.stock.reservation(serial) {
                Some(reservation) if reservation.buyer == buyer => Ok(()),
                _ => Err(Code::NotReserved),
            },
        }
    }

    /// The step that ends a reservation: the money is free, and the next in line may have the serial.
    pub(super) fn reservation_over(&self, now: Timestamp, serial: Serial, mark: Option<RequestMark>) -> Step {
        let Some(reservation) = self.stock.reservation(serial) else {
            unreachable!("only a reservation that stands ends");
        };
        let ended = OfferingEvent::ReservationEnded(serial, mark);
        let mut step = Step::of(vec![Event::Offering(ended)]);
        if !planted::has(Bug::HoldKept) {
            step.send(reservation.buyer, Body::FreeHold(self.number.certificate(serial)));
        }
        self.serve(&mut step, serial, reservation.buyer, now);
        step
    }
}
