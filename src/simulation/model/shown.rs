//! The model's market as everybody could see it.

use super::Model;
use crate::simulation::shown::{AccountLine, CertificateLine, Shown};

impl Model {
    /// Everything that can be held against the engine.
    pub(crate) fn shown(&self) -> Shown {
        let mut shown = Shown::default();
        for (name, purse) in &self.purses {
            let mut owes: Vec<(String, u64)> =
                purse.debts.iter().map(|(to, owed, _)| (to.clone(), *owed)).collect();
            owes.sort_unstable();
            shown.account(
                name,
                AccountLine {
                    posted: purse.posted,
                    held: purse.held,
                    earmarked: purse.earmarked,
                    credit: purse.credit,
                    frozen: purse.frozen,
                    accepts_gifts: purse.accepts_gifts,
                    pending: self.pending_of(name),
                    owes,
                },
            );
        }
        for (name, sale) in &self.sales {
            let sold = sale.certificates.iter().filter(|certificate| certificate.sold.is_some()).count();
            let reserved =
                sale.reservations.iter().map(|(serial, (buyer, until))| (*serial, buyer.clone(), *until));
            shown.offering(name, sale.published_at, sold, reserved.collect());
            for (serial, certificate) in (1..).zip(&sale.certificates) {
                if !certificate.touched() {
                    continue;
                }
                let envelope = certificate.envelope.as_ref();
                let stands = envelope.filter(|envelope| !envelope.ended);
                shown.certificate(
                    name,
                    serial,
                    CertificateLine {
                        label: stands
                            .map(|envelope| [envelope.attached, envelope.reserve, envelope.cumulative]),
                        promised: stands.map_or(0, |envelope| envelope.promised()),
                        cashed: envelope
                            .map_or(0, |envelope| envelope.cashed.iter().map(|(_, amount)| amount).sum()),
                        returned: certificate.returned,
                        chain: certificate.chain.clone(),
                        almost_met: stands.is_some_and(|envelope| envelope.prompted),
                        buyer: certificate.sold.clone(),
                        refunded: certificate.refunded,
                    },
                );
            }
        }
        for ((issuer, id), paper) in &self.papers {
            shown.payment(issuer, id, (paper.amount, paper.released, paper.freed), paper.ended);
        }
        for ((donor, id), gift) in &self.gifts {
            shown.gift(donor, id, &gift.recipient, gift.price, gift.state);
        }
        for ((recipient, id), mandate) in &self.mandates {
            shown.mandate(recipient, id, mandate.used, mandate.revoked);
        }
        for ((merchant, reference), order) in &self.orders {
            shown.order(merchant, reference, order.state);
        }
        shown
    }
}
