//! Circulating and acquiring: R1 to R7, Q1 to Q7, D1, D12, D20, D30, D33, D39.

use super::commission::{Certificate, Drawn, Seen, is_immediate};
use super::sales::Sale;
use super::verdict::{Decided, no, somehow};
use super::{Asked, Model, Said};
use crate::domain::{CheckPoint, Done, Via};

impl Model {
    /// R1 to R7, D12, D20, D30, D39.
    pub(super) fn circulate(
        &mut self,
        asked: Asked<'_>,
        offering: &str,
        serial: Option<u32>,
        via: &Via,
    ) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let sale = self.sale(offering)?;
        Sale::well_formed(serial, via)?;
        serial.map_or(Ok(()), |serial| sale.at(serial).map(drop))?;
        if sale.published_at.is_none() {
            return no("not_published");
        }
        sale.found(serial, via)?;
        let linked = |serial: u32| {
            sale.at(serial).is_ok_and(|certificate| certificate.chain.last().map(String::as_str) == Some(by))
        };
        let (serial, in_turn) = match serial {
            Some(serial) => (serial, false),
            None => {
                let told = match asked.done {
                    Some(Done::Circulated(told)) if !asked.alone => Some(told.serial.0),
                    _ => None,
                };
                let untouched = sale.serials().find(|serial| sale.untouched(*serial));
                let chains = || {
                    sale.serials().filter(|serial| {
                        !sale.is_sold(*serial) && sale.at(*serial).is_ok_and(Certificate::touched)
                    })
                };
                let next = || {
                    let behind = chains().filter(|serial| *serial > sale.cursor);
                    behind
                        .chain(chains().filter(|serial| *serial <= sale.cursor))
                        .find(|serial| !linked(*serial))
                };
                match told
                    .or(untouched)
                    .map(|serial| (serial, untouched.is_none()))
                    .or_else(|| Some((next()?, true)))
                {
                    Some(chosen) => chosen,
                    None if sale.serials().all(|serial| sale.is_sold(serial)) => return no("sold_out"),
                    None if chains().next().is_some() => return no("already_linked"),
                    None => return somehow(),
                }
            }
        };
        let (was_sold, was_linked) = (sale.at(serial)?.sold.is_some(), linked(serial));
        if was_sold {
            return no("sold");
        }
        if was_linked {
            return no("already_linked");
        }
        if in_turn {
            sale.cursor = serial;
        }
        self.link(asked, by, offering, serial)
    }

    /// A hop of a certificate that may be circulated.
    fn link(&mut self, asked: Asked<'_>, by: &str, offering: &str, serial: u32) -> Decided {
        let drawn = match asked.done {
            Some(Done::Circulated(told)) => Some(Drawn {
                promise: told.promise.minor(),
                attached: told.attached.minor(),
                withdrawn: told.withdrawn,
            }),
            _ => None,
        };
        let sale = self.sale(offering)?;
        let before = sale.seen(serial, asked.now);
        let after = Seen { hops: before.hops + 1, ..before };
        let no_right = by == sale.supplier;
        let terms = sale.funding.as_ref().map(|fund| fund.terms.clone());
        let certificate = sale.at_mut(serial)?;
        let newcomer = !certificate.chain.iter().any(|who| who == by);
        certificate.chain.push(by.to_owned());
        let hop = after.hops;
        let (Some(terms), Some(envelope)) = (terms, &mut certificate.envelope) else {
            return Ok(Said::Hop { serial, hop, attached: 0, promise: 0, withdrawn: false });
        };
        if envelope.ended {
            envelope.no_new_right(by);
            return Ok(Said::Hop { serial, hop, attached: 0, promise: 0, withdrawn: false });
        }
        let early =
            terms.condition.as_ref().filter(|condition| condition.check_point == CheckPoint::BeforeIncrease);
        let withdrawn = Said::Hop { serial, hop, attached: 0, promise: 0, withdrawn: true };
        if early.is_some_and(|condition| envelope.factors(condition, before).is_some()) {
            envelope.no_new_right(by);
            self.goes_home(offering, serial);
            return Ok(withdrawn);
        }
        if is_immediate(&terms) {
            self.cash(offering, serial, Some(by))?;
        }
        let Some(envelope) = self.sale(offering)?.at_mut(serial)?.standing() else { return somehow() };
        match envelope.hop(&terms, (by, newcomer, no_right), after, drawn)? {
            None => {
                self.goes_home(offering, serial);
                Ok(withdrawn)
            }
            Some(promise) => {
                envelope.prompt(&terms, after);
                Ok(Said::Hop { serial, hop, attached: envelope.attached, promise, withdrawn: false })
            }
        }
    }

    /// Q2, D1, D33.
    pub(super) fn acquire(&mut self, asked: Asked<'_>, offering: &str, serial: u32) -> Decided {
        let Some(by) = asked.by else { return somehow() };
        let drawn = match asked.done {
            Some(Done::Acquired { promise, .. }) => Some(promise.minor()),
            _ => None,
        };
        let sale = self.sale(offering)?;
        let seen = sale.seen(serial, asked.now);
        let terms = sale.funding.as_ref().map(|fund| fund.terms.clone());
        let certificate = sale.at_mut(serial)?;
        let (Some(terms), Some(envelope)) = (terms, &mut certificate.envelope) else { return somehow() };
        if certificate.sold.is_some() {
            return somehow();
        }
        let promise = envelope.acquire(&terms, by, drawn)?;
        envelope.prompt(&terms, seen);
        Ok(Said::Acquired { promise, attached: envelope.attached })
    }
}
