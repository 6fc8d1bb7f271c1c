//! What a request to an offering was answered, for whoever has lost the answer (I12).

use super::{Effect, Offering};
use crate::domain::answer::Done;
use crate::domain::name::RequestId;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{Request, RequestKey, RequestMark};
use crate::domain::step::Decision;

impl Offering {
    /// The answer that the caller's request of this id was given. What stands at a certificate is asked there.
    pub(super) fn show_request(&self, request: &Request, id: &RequestId) -> Decision {
        let key = RequestKey { caller: request.mark.key.caller, id: id.clone() };
        let answered = |done| Decision::Answer(Done::Request(Some(Box::new(done))));
        if self.issued_by.key == key {
            return answered(Done::Issued { items: self.offer.items });
        }
        if let Some(published) = self.published.as_ref().filter(|published| published.mark.key == key) {
            return answered(Done::Published { at: published.at });
        }
        if let Some(mark) = self.attached_by().filter(|mark| mark.key == key) {
            return match self.attach_again(mark) {
                Decision::Answer(done) => answered(done),
                decision => decision,
            };
        }
        let Some(known) = self.requests.get(&key) else {
            return Decision::Refuse(Refusal::of(Code::UnknownRequest));
        };
        let mark = RequestMark::new(key, known.fingerprint);
        let payment = |serial| self.stock.payment(serial).filter(|payment| payment.mark == mark);
        let there = |serial| self.repeat_at(serial, &Request { mark: mark.clone(), ..request.clone() });
        match known.effect {
            Effect::Waits(walk) => Decision::Wait(walk),
            Effect::Buys(serial) => match payment(serial) {
                Some(payment) => Decision::Wait(payment.walk),
                None => there(serial),
            },
            Effect::Circulates(serial) => there(serial),
            Effect::Reserves(serial, until) => match payment(serial) {
                Some(payment) => Decision::Wait(payment.walk),
                None => answered(Done::Reserved { serial, price: self.offer.price, until }),
            },
            Effect::Cancels(serial) => answered(Done::ReservationCancelled { serial }),
        }
    }
}
