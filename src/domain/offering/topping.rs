//! More reserve for one certificate's commission (D4, D37): taken here while the serial has no hop, and passed on to
//! the certificate once it is alive. What is not taken goes back, money and all.

use super::{Commission, Offering, Standing};
use crate::domain::event::{Event, OfferingEvent};
use crate::domain::inside::{Body, TopUp};
use crate::domain::refusal::Code;
use crate::domain::step::{Decision, Step};

impl Offering {
    pub(super) fn apply_top_up(&self, top_up: &TopUp) -> Decision {
        let serial = top_up.serial;
        let step = match self.judge_top_up(top_up) {
            Ok(Place::Here) => {
                let event = OfferingEvent::ToppedUp(serial, top_up.amount);
                let done = Body::TopUpDone(Box::new(top_up.clone()));
                Step::of(vec![Event::Offering(event)]).sending(top_up.payer, done)
            }
            Ok(Place::Certificate) => {
                let certificate = self.number.certificate(serial);
                Step::default().sending(certificate, Body::TopUp(Box::new(top_up.clone())))
            }
            Err(code) => {
                Step::default().sending(top_up.payer, Body::TopUpRefused(Box::new(top_up.clone()), code))
            }
        };
        Decision::Record(step)
    }

    fn judge_top_up(&self, top_up: &TopUp) -> Result<Place, Code> {
        let standing = self.stock.standing(top_up.serial).ok_or(Code::UnknownCertificate)?;
        let attachment = match &self.commission {
            Commission::None => return Err(Code::CommissionEnded),
            Commission::Attaching(..) => return Err(Code::Overloaded),
            Commission::Attached(there) | Commission::Expired(there) => there,
        };
        if attachment.payer != top_up.payer {
            return Err(Code::NotAllowed);
        }
        if attachment.backing.is_some() {
            return Err(Code::NotToppedUp);
        }
        // While the money of a reservation is being held, the envelope is still here; with a payment it is under way.
        let under_way = self.stock.payment(top_up.serial).is_some_and(|payment| payment.until.is_none());
        match &self.commission {
            _ if standing == Standing::Sold => Err(Code::CommissionEnded),
            _ if self.stock.has_chain(top_up.serial) => Ok(Place::Certificate),
            _ if under_way => Err(Code::Overloaded),
            Commission::Attached(there) => {
                let funded = there.terms.funded.checked_add(self.topped_up_for(top_up.serial));
                let funded = funded.and_then(|funded| funded.checked_add(top_up.amount));
                funded.map(|_| Place::Here).ok_or(Code::AmountTooLarge)
            }
            _ => Err(Code::CommissionEnded),
        }
    }
}

/// Where a serial's envelope is.
enum Place {
    Here,
    Certificate,
}
