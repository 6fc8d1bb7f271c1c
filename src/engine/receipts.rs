//! Receipts of purchases: who may have one, and what it is made of.
//!
//! Absent on purpose: how a receipt looks and is verified (`receipt`).

use std::collections::BTreeMap;

use super::history::{History, HistoryError, Who};
use super::open::Engine;
use crate::domain::{
    ActorNumber, Caller, CertificateView, Code, Command, CommissionTerms, Done, Increase, Message, Name,
    OfferingView, Refusal, RequestId, Serial, Take,
};
use crate::receipt::{self, Receipt};

/// A receipt that may be had, and is not written yet.
pub struct Unwritten {
    history: History,
    certificate: ActorNumber,
    draws_open: bool,
}

impl Engine {
    /// A receipt of a sold certificate, for whoever bought it, is paid for it or supplies it, and for the institution.
    ///
    /// # Errors
    /// `unknown_offering` and `unknown_certificate`; `not_sold`; `not_allowed`; `overloaded`, `stopped` or `outcome_unknown` where the
    /// engine could not look.
    pub async fn receipt(
        &self,
        caller: &Caller,
        offering: &Name,
        serial: Serial,
    ) -> Result<Unwritten, Refusal> {
        let command = Command::ShowCertificate { offering: offering.clone(), serial, from_hop: u32::MAX };
        let view: CertificateView = match self.send(look(command)?).await? {
            Done::Certificate(view) => *view,
            _ => return Err(Refusal::of(Code::Internal)),
        };
        let not_sold =
            || Refusal::new(Code::NotSold, "serial", "is not sold: there is nothing to give a receipt of");
        let sale = view.sale.ok_or_else(not_sold)?;
        let offered = self.offering(view.offering).await?;
        if let Caller::Account(name) = caller {
            let own = self.number_of(name);
            if ![sale.buyer, offered.payee, offered.supplier].iter().any(|party| Some(*party) == own) {
                let detail = "may have receipts only of what it bought, is paid for or supplies";
                return Err(Refusal::new(Code::NotAllowed, "caller", detail));
            }
        }
        let certificate = view.offering.certificate(serial);
        let history = self.history(certificate)?;
        Ok(Unwritten { history, certificate, draws_open: self.draws_open(&offered) })
    }

    /// True where amounts of an offering may still be drawn: a certificate's first event has the seed of all of them, and whoever knows
    /// it knows what each circulation will get.
    fn draws_open(&self, offered: &OfferingView) -> bool {
        let now = self.now();
        let over = |terms: &CommissionTerms| {
            [offered.expires_at, terms.expires_at].into_iter().flatten().any(|end| end <= now)
        };
        let draws = |terms: &CommissionTerms| {
            matches!(terms.increase, Increase::Random { .. })
                || matches!(terms.take, Take::Random { .. } | Take::Split { .. })
        };
        offered.sold < offered.items
            && offered.terms.as_ref().is_some_and(|terms| draws(terms) && !over(terms))
    }
}

impl Unwritten {
    /// The receipt. It reads files, so it belongs on a thread that may wait.
    ///
    /// # Errors
    /// `Lapsed`, where the certificate's beginning is kept no more; `TooLong`; `DrawsOpen`; what reading gives.
    pub fn write(mut self) -> Result<Receipt, HistoryError> {
        if self.draws_open {
            return Err(HistoryError::DrawsOpen);
        }
        let entries = self.history.whole()?;
        let named = receipt::named(self.certificate, &entries)?;
        let names: BTreeMap<u64, Name> = self
            .history
            .who(&named)?
            .into_iter()
            .filter_map(|(number, who)| match who {
                Who::Account(name, _) | Who::Offering(name, _) => Some((number.0, name)),
                Who::Certificate(..) => None,
            })
            .collect();
        Ok(Receipt::of(self.certificate, &entries, &names)?)
    }
}

/// A message that only looks.
fn look(command: Command) -> Result<Message, Refusal> {
    Ok(Message { caller: Caller::FundsManagement, request_id: RequestId::new("look")?, command })
}
