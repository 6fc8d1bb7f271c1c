//! Plain purchases within a house: the same records as message by message, and no message is made for them.
//!
//! A plain purchase is of a certificate that is alive, out of what its buyer has available, and settles within one page. While
//! nothing but such purchases is under way inside the house, what one stage of them sends is decided as the next stage, in the
//! order in which messages would be: all debits, then all settlements, then all payouts. Whatever turns out not to be plain
//! becomes a message like any other, and so does everything behind it. What is decided stands in `domain`, once for both ways;
//! wherever debug assertions are on it is held against what `apply` decides.
//!
//! Absent on purpose: joints, positions and the turn's end, which know no difference.

use std::mem;
use std::slice;
use std::sync::Arc;

use super::recording::Contents;
use super::{House, NEAR_MESSAGES, Place, look_ahead, unless_it_panics};
use crate::actors::envelope::{Envelope, Sender};
use crate::actors::page::{InTurn, Room};
use crate::actors::ticket::Ticket;
use crate::actors::turn::{Absorbed, Spent, Turn};
use crate::domain::{
    ActorNumber, Body, BodyParts, Context, Credit, Debit, Decision, Event, OfferingEvent, Onward, Resident,
    Serial, Settle, Step, Timestamp, WalkId,
};
use crate::journal::{AnswerMark, JournalError, record};

/// How many messages a walk has taken before a debit, a settlement and a payout.
const DEBIT_HOP: u32 = 1;
const SETTLE_HOP: u32 = 2;
const PAYOUT_HOP: u32 = 3;

/// Plain purchases between two of their stages. Nothing is in here while messages are inside the house.
#[derive(Default)]
pub(super) struct Plain {
    /// Whose buyer is to pay.
    debits: Vec<Purchase>,
    /// Whose certificate is to be settled.
    settles: Vec<Purchase>,
    payouts: Vec<Payout>,
    /// The settlements of the payouts.
    settled: Vec<Settled>,
    /// True where no purchase is to go this way.
    #[cfg(test)]
    is_closed: bool,
    /// How many purchases have settled this way.
    #[cfg(test)]
    settlements: usize,
}

/// A purchase whose next message is on its way: the only one that its newest record sends.
struct Purchase {
    /// What its certificate is sent once its buyer has paid.
    settle: Settle,
    serial: Serial,
    walk: WalkId,
    now: Timestamp,
    /// Its newest record's place in the turn.
    record: u32,
    ticket: Option<Arc<Ticket>>,
}

/// A message of a settlement, from which nothing follows.
struct Payout {
    to: ActorNumber,
    body: Body,
    /// Its place among the settlement's messages.
    index: u32,
    /// The settlement's place.
    of: u32,
}

/// A settlement whose payouts are under way.
struct Settled {
    walk: WalkId,
    now: Timestamp,
    /// Its record's place in the turn.
    record: u32,
    /// How many of its payouts are not absorbed yet: the ticket counts them as one message.
    left: u32,
    ticket: Option<Arc<Ticket>>,
}

impl Purchase {
    fn certificate(&self) -> ActorNumber {
        self.settle.offering.certificate(self.serial)
    }

    fn absorbed(&self, hop: u32) -> Absorbed {
        let sender = Sender::OfTurn { record: self.record, index: 0 };
        Absorbed { walk: self.walk, hop, sender, now: self.now }
    }

    fn context(&self) -> Context {
        Context { walk: self.walk, now: self.now }
    }

    /// What its buyer is sent.
    fn debit(&self) -> Debit {
        let Settle { offering, price: amount, mark, birth, source, .. } = self.settle.clone();
        Debit { offering, serial: self.serial, amount, mark, birth, source }
    }

    /// The demand for the price, as a message like any other.
    fn into_debit(self) -> Envelope {
        let (to, body) = (self.settle.buyer.number, Body::Debit(Box::new(self.debit())));
        self.into_envelope(to, DEBIT_HOP, body)
    }

    /// What settles its certificate, as a message like any other.
    fn into_settle(self) -> Envelope {
        let (to, body) = (self.certificate(), Body::Settle(Box::new(self.settle.clone())));
        self.into_envelope(to, SETTLE_HOP, body)
    }

    fn into_envelope(self, to: ActorNumber, hop: u32, body: Body) -> Envelope {
        let Absorbed { walk, hop, sender, now } = self.absorbed(hop);
        Envelope { to, walk, now, hop, sender, body, ticket: self.ticket }
    }
}

impl Settled {
    fn absorbed(&self, index: u32) -> Absorbed {
        let sender = Sender::OfTurn { record: self.record, index };
        Absorbed { walk: self.walk, hop: PAYOUT_HOP, sender, now: self.now }
    }

    fn message(&self, to: ActorNumber, body: Body, index: u32, ticket: Option<Arc<Ticket>>) -> Envelope {
        let Absorbed { walk, hop, sender, now } = self.absorbed(index);
        Envelope { to, walk, now, hop, sender, body, ticket }
    }
}

impl Plain {
    /// True where something has been sent and not been decided.
    pub(super) fn is_under_way(&self) -> bool {
        !(self.debits.is_empty() && self.settles.is_empty() && self.payouts.is_empty())
    }

    fn is_open(&self) -> bool {
        #[cfg(test)]
        if self.is_closed {
            return false;
        }
        true
    }
}

#[cfg(test)]
impl House {
    /// Lets every purchase be decided message by message from now on.
    pub(crate) fn close_plain_way(&mut self) {
        self.plain.is_closed = true;
    }

    /// How many purchases have settled the plain way.
    pub(crate) fn settled_plainly(&self) -> usize {
        self.plain.settlements
    }
}

impl House {
    /// Decides on a purchase at its offering, where it is plain; else nothing is done.
    pub(super) fn allocate_plainly(
        &mut self,
        envelope: &mut Envelope,
        place: Place,
        turn: &mut Turn,
    ) -> Result<bool, JournalError> {
        let (Resident::Offering(offering), Body::Request(request)) =
            (&self.rooms.at(place).room.resident, &envelope.body)
        else {
            return Ok(false);
        };
        let alone = self.inside.is_empty() && !self.waits() && !self.common.notices.wanted();
        if !alone || !self.plain.is_open() {
            return Ok(false);
        }
        let (walk, now) = (envelope.walk, envelope.now);
        let context = Context { walk, now };
        let plain = || offering.plain_purchase(context, request);
        let Some((serial, buyer)) = unless_it_panics(plain, || None) else { return Ok(false) };
        let settle = offering.sale_to(buyer, request.mark.clone());
        let (buyer, mark) = (buyer.number, request.mark.clone());
        let event = Event::Offering(OfferingEvent::Allocated { serial, buyer, mark, walk });
        let ticket = envelope.ticket.take();
        let mut purchase = Purchase { settle, serial, walk, now, record: 0, ticket };
        debug_assert_eq!(
            self.rooms.at(place).room.apply(context, &envelope.body),
            Decision::Record(
                Step::of(vec![event.clone()]).sending(buyer, Body::Debit(Box::new(purchase.debit())))
            ),
        );
        let message = Absorbed { walk, hop: envelope.hop, sender: envelope.sender, now };
        let parts = BodyParts::Debit(serial, &purchase.settle);
        let encode_onward = |bytes: &mut Vec<u8>| record::encode_sent(buyer, parts, bytes);
        let contents = Contents { joined: &[], answer: AnswerMark::None, encode_onward };
        purchase.record = self.record_plain(place, &message, slice::from_ref(&event), contents, turn)?;
        if self.is_here(buyer) {
            self.plain.debits.push(purchase);
        } else {
            turn.outgoing.push(purchase.into_debit());
        }
        Ok(true)
    }

    /// Decides on up to so many messages of the stage that is under way; gives how many it has decided. Where it is not all of
    /// them, the rest are messages like any other afterwards.
    pub(super) fn go_on_plainly(
        &mut self,
        messages_max: usize,
        turn: &mut Turn,
    ) -> Result<usize, JournalError> {
        let messages_max = messages_max.min(turn.room_for_messages());
        if !self.plain.debits.is_empty() {
            self.debit_plainly(messages_max, turn)
        } else if !self.plain.settles.is_empty() {
            self.settle_plainly(messages_max, turn)
        } else {
            self.pay_out_plainly(messages_max, turn)
        }
    }

    /// Makes messages like any other of everything that is under way, in its order.
    pub(super) fn leave_plain_way(&mut self) {
        if self.plain.is_under_way() {
            self.inside.extend(self.plain.debits.drain(..).map(Purchase::into_debit));
            self.inside.extend(self.plain.settles.drain(..).map(Purchase::into_settle));
            let payouts = mem::take(&mut self.plain.payouts);
            self.send_payouts(payouts.into_iter());
        }
    }

    fn debit_plainly(&mut self, messages_max: usize, turn: &mut Turn) -> Result<usize, JournalError> {
        let mut debits = mem::take(&mut self.plain.debits);
        let places = look_ahead(&self.rooms, debits.iter().map(|debit| (debit.settle.buyer.number, None)));
        let mut decided = 0;
        for (place, purchase) in places.into_iter().zip(&mut debits).take(messages_max) {
            let Some(place) = place else { break };
            let Some(room) = self.plain_room(place, purchase.now) else { break };
            let Resident::Account(account) = &room.resident else { break };
            let certificate = purchase.certificate();
            let Some(event) = account.plain_debit(purchase.settle.price, certificate) else { break };
            debug_assert_eq!(purchase.settle.buyer, account.party());
            debug_assert_eq!(
                room.apply(purchase.context(), &Body::Debit(Box::new(purchase.debit()))),
                Decision::Record(
                    Step::of(vec![event.clone()])
                        .sending(certificate, Body::Settle(Box::new(purchase.settle.clone())))
                ),
            );
            let message = purchase.absorbed(DEBIT_HOP);
            let parts = BodyParts::Settle(&purchase.settle);
            let encode_onward = |bytes: &mut Vec<u8>| record::encode_sent(certificate, parts, bytes);
            let contents = Contents { joined: &[], answer: AnswerMark::None, encode_onward };
            purchase.record = self.record_plain(place, &message, slice::from_ref(&event), contents, turn)?;
            decided += 1;
        }
        let goes_on = decided == debits.len();
        self.inside.extend(debits.drain(decided..).map(Purchase::into_debit));
        if self.shards > 1 {
            let elsewhere = debits.extract_if(.., |purchase| !self.is_here(purchase.certificate()));
            turn.outgoing.extend(elsewhere.map(Purchase::into_settle));
        }
        debug_assert!(self.plain.settles.is_empty(), "one stage is under way");
        self.plain.debits = mem::replace(&mut self.plain.settles, debits);
        if !goes_on {
            self.leave_plain_way();
        }
        Ok(decided)
    }

    fn settle_plainly(&mut self, messages_max: usize, turn: &mut Turn) -> Result<usize, JournalError> {
        let mut settles = mem::take(&mut self.plain.settles);
        let mut step = self.step.take().unwrap_or_default();
        let places = look_ahead(&self.rooms, settles.iter().map(|settle| (settle.certificate(), None)));
        let mut decided = 0;
        for (place, purchase) in places.into_iter().zip(&mut settles).take(messages_max) {
            let Some(place) = place else { break };
            let Some(room) = self.plain_room(place, purchase.now) else { break };
            let Resident::Certificate(certificate) = &room.resident else { break };
            step.clear();
            certificate.settle(purchase.context(), &purchase.settle, &mut step);
            if !is_plain(&step) {
                break;
            }
            debug_assert_eq!(
                room.apply(purchase.context(), &Body::Settle(Box::new(purchase.settle.clone()))),
                Decision::Record(Step::clone(&step)),
            );
            let message = purchase.absorbed(SETTLE_HOP);
            let answer = AnswerMark::of(step.answer.as_ref());
            let encode_onward = |bytes: &mut Vec<u8>| record::encode_onward(&step.onward, bytes);
            let contents = Contents { joined: &[], answer, encode_onward };
            let record = self.record_plain(place, &message, &step.events, contents, turn)?;
            let ticket = purchase.ticket.take();
            if let (Some(ticket), Some(answer)) = (&ticket, step.answer.take()) {
                ticket.settle(answer);
            }
            let Purchase { walk, now, .. } = *purchase;
            self.send_settlement(Settled { walk, now, record, left: 0, ticket }, &mut step, turn);
            decided += 1;
        }
        let goes_on = decided == settles.len();
        self.inside.extend(settles.drain(decided..).map(Purchase::into_settle));
        settles.clear();
        (self.plain.settles, self.step) = (settles, Some(step));
        if !goes_on {
            self.leave_plain_way();
        }
        Ok(decided)
    }

    /// Sends a settlement's payouts on: those of this house as one stage, for which its ticket counts one message.
    fn send_settlement(&mut self, mut settled: Settled, step: &mut Step, turn: &mut Turn) {
        let messages = step.onward.len();
        let here = step.onward.iter().filter(|onward| self.is_here(onward.to)).count();
        if let Some(ticket) = settled.ticket.as_ref().filter(|_| here < messages) {
            ticket.followed_by(messages - here + usize::from(here > 0));
        }
        let of = u32::try_from(self.plain.settled.len()).unwrap_or(u32::MAX);
        let sent = (0..).zip(step.onward.drain(..));
        if here == messages {
            self.plain.payouts.extend(sent.map(|(index, Onward { to, body, .. })| Payout {
                to,
                body,
                index,
                of,
            }));
            settled.left = u32::try_from(here).unwrap_or(u32::MAX);
        } else {
            for (index, Onward { to, body, .. }) in sent {
                if self.is_here(to) {
                    self.plain.payouts.push(Payout { to, body, index, of });
                    settled.left += 1;
                } else {
                    turn.outgoing.push(settled.message(to, body, index, settled.ticket.clone()));
                }
            }
        }
        #[cfg(test)]
        {
            self.plain.settlements += 1;
        }
        if settled.left > 0 {
            self.plain.settled.push(settled);
        }
    }

    fn pay_out_plainly(&mut self, messages_max: usize, turn: &mut Turn) -> Result<usize, JournalError> {
        let mut payouts = mem::take(&mut self.plain.payouts);
        let (mut decided, mut rest) = (0, payouts.drain(..));
        'plain: while decided < messages_max && !rest.as_slice().is_empty() {
            let near = rest.as_slice();
            let near = &near[..near.len().min(messages_max - decided).min(NEAR_MESSAGES)];
            let together = near.len();
            let places = look_ahead(&self.rooms, near.iter().map(|payout| (payout.to, Some(&payout.body))));
            for place in places.into_iter().take(together) {
                let (Some(place), Some(payout)) = (place, rest.as_slice().first()) else { break 'plain };
                let settled = &mut self.plain.settled[payout.of as usize];
                let numbered = self.rooms.at(place);
                if numbered.is_due(settled.now) {
                    break 'plain;
                }
                let Some(event) = numbered.room.resident.sole_event(&payout.body) else { break 'plain };
                let message = settled.absorbed(payout.index);
                debug_assert_eq!(
                    numbered.room.apply(Context { walk: message.walk, now: message.now }, &payout.body),
                    Decision::Record(Step::of(vec![event.clone()])),
                );
                settled.left -= 1;
                if settled.left == 0 {
                    // Its payouts' records may be joints, and be put into the batch behind it: all are in this turn's, and no
                    // answer leaves before the whole of that.
                    let record = Some(InTurn::at(settled.record));
                    turn.spent.extend(settled.ticket.take().map(|ticket| Spent { ticket, record }));
                }
                drop(rest.next());
                self.record_sole(place, &message, &event, None, turn)?;
                decided += 1;
            }
        }
        self.send_payouts(rest);
        self.plain.payouts = payouts;
        Ok(decided)
    }

    /// Makes messages like any other of these payouts, which are all that are left, and forgets their settlements.
    fn send_payouts(&mut self, payouts: impl Iterator<Item = Payout>) {
        let mut parted = None;
        for Payout { to, body, index, of } in payouts {
            let settled = &mut self.plain.settled[of as usize];
            if parted != Some(of)
                && let Some(ticket) = &settled.ticket
            {
                ticket.followed_by(settled.left as usize);
            }
            parted = Some(of);
            settled.left -= 1;
            let ticket = if settled.left == 0 { settled.ticket.take() } else { settled.ticket.clone() };
            let message = settled.message(to, body, index, ticket);
            self.inside.push_back(message);
        }
        self.plain.settled.clear();
    }

    /// The room at a place, where a plain message of that time may be decided there.
    fn plain_room(&self, place: Place, now: Timestamp) -> Option<&Room> {
        let numbered = self.rooms.at(place);
        (!numbered.is_due(now)).then_some(&numbered.room)
    }
}

/// True where nothing follows from what a settlement sends.
fn is_plain(step: &Step) -> bool {
    let ends =
        |onward: &Onward| matches!(onward.body, Body::Credit(Credit { awaited: false, .. }) | Body::Paid(_));
    !step.early && step.onward.iter().all(ends)
}
