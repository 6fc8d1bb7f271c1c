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
use crate::actors::page::Room;
use crate::actors::ticket::Ticket;
use crate::actors::turn::{Absorbed, Spent, Turn};
use crate::domain::{
    ActorNumber, Body, BodyParts, Context, Credit, Debit, Decision, Event, OfferingEvent, Onward, Resident,
    Settle, Step, Timestamp, WalkId,
};
use crate::journal::{AnswerMark, JournalError, record};

/// How many messages a walk has taken before a debit, a settlement and a payout.
const DEBIT_HOP: u32 = 1;
const SETTLE_HOP: u32 = 2;
const PAYOUT_HOP: u32 = 3;

/// Plain purchases between two of their stages. Nothing is in here while messages are inside the house.
#[derive(Default)]
pub(super) struct Plain {
    debits: Vec<Sent<Debit>>,
    settles: Vec<Sent<Settle>>,
    payouts: Vec<Payout>,
    /// The settlements of the payouts.
    settled: Vec<Settled>,
    /// Memory for what a certificate decides.
    step: Step,
    /// True where no purchase is to go this way.
    #[cfg(test)]
    is_closed: bool,
    /// How many purchases have settled this way.
    #[cfg(test)]
    settlements: usize,
}

/// The only message that a record sends.
struct Sent<Message> {
    message: Message,
    to: ActorNumber,
    walk: WalkId,
    now: Timestamp,
    /// The record's place in the turn.
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

impl<Message> Sent<Message> {
    fn absorbed(&self, hop: u32) -> Absorbed {
        let sender = Sender::OfTurn { record: self.record, index: 0 };
        Absorbed { walk: self.walk, hop, sender, now: self.now }
    }

    fn context(&self) -> Context {
        Context { walk: self.walk, now: self.now }
    }

    /// As a message like any other.
    fn into_envelope(self, hop: u32, body: impl FnOnce(Message) -> Body) -> Envelope {
        let Absorbed { walk, hop, sender, now } = self.absorbed(hop);
        Envelope { to: self.to, walk, now, hop, sender, body: body(self.message), ticket: self.ticket }
    }
}

impl Sent<Debit> {
    fn into_message(self) -> Envelope {
        self.into_envelope(DEBIT_HOP, |debit| Body::Debit(Box::new(debit)))
    }
}

impl Sent<Settle> {
    fn into_message(self) -> Envelope {
        self.into_envelope(SETTLE_HOP, |settle| Body::Settle(Box::new(settle)))
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
        let debit = offering.demand(serial, request.mark.clone());
        let mark = request.mark.clone();
        let event = Event::Offering(OfferingEvent::Allocated { serial, buyer, mark, walk });
        debug_assert_eq!(
            self.rooms.at(place).room.apply(context, &envelope.body),
            Decision::Record(
                Step::of(vec![event.clone()]).sending(buyer, Body::Debit(Box::new(debit.clone())))
            ),
        );
        let message = Absorbed { walk, hop: envelope.hop, sender: envelope.sender, now };
        let encode_onward = |bytes: &mut Vec<u8>| record::encode_sent(buyer, BodyParts::Debit(&debit), bytes);
        let contents = Contents { joined: &[], answer: AnswerMark::None, encode_onward };
        let record = self.record_plain(place, &message, slice::from_ref(&event), contents, turn)?;
        let sent = Sent { message: debit, to: buyer, walk, now, record, ticket: envelope.ticket.take() };
        if self.is_here(buyer) {
            self.plain.debits.push(sent);
        } else {
            turn.outgoing.push(sent.into_message());
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
            self.inside.extend(self.plain.debits.drain(..).map(Sent::<Debit>::into_message));
            self.inside.extend(self.plain.settles.drain(..).map(Sent::<Settle>::into_message));
            let payouts = mem::take(&mut self.plain.payouts);
            self.send_payouts(payouts.into_iter());
        }
    }

    /// Where some of a stage are left, they and everything behind them become messages like any other.
    fn leave_plain_way_with(&mut self, rest: impl ExactSizeIterator<Item = Envelope>) {
        if rest.len() > 0 {
            self.inside.extend(rest);
            self.leave_plain_way();
        }
    }

    fn debit_plainly(&mut self, messages_max: usize, turn: &mut Turn) -> Result<usize, JournalError> {
        let mut debits = mem::take(&mut self.plain.debits);
        let places = look_ahead(&self.rooms, debits.iter().map(|sent| (sent.to, None)));
        let (mut decided, mut rest) = (0, debits.drain(..));
        for place in places.into_iter().take(messages_max.min(rest.len())) {
            let (Some(place), Some(sent)) = (place, rest.as_slice().first()) else { break };
            let Some(room) = self.plain_room(place, sent.now) else { break };
            let Resident::Account(account) = &room.resident else { break };
            let Some(event) = account.plain_debit(&sent.message) else { break };
            let buyer = account.party();
            let (message, debit) = (sent.absorbed(DEBIT_HOP), &sent.message);
            let certificate = debit.offering.certificate(debit.serial);
            debug_assert_eq!(
                room.apply(sent.context(), &Body::Debit(Box::new(debit.clone()))),
                Decision::Record(
                    Step::of(vec![event.clone()])
                        .sending(certificate, Body::Settle(Box::new(debit.clone().paid_by(buyer))))
                ),
            );
            let Some(Sent { message: debit, walk, now, ticket, .. }) = rest.next() else { break };
            let settle = debit.paid_by(buyer);
            let encode_onward =
                |bytes: &mut Vec<u8>| record::encode_sent(certificate, BodyParts::Settle(&settle), bytes);
            let contents = Contents { joined: &[], answer: AnswerMark::None, encode_onward };
            let record = self.record_plain(place, &message, slice::from_ref(&event), contents, turn)?;
            let sent = Sent { message: settle, to: certificate, walk, now, record, ticket };
            if self.is_here(certificate) {
                self.plain.settles.push(sent);
            } else {
                turn.outgoing.push(sent.into_message());
            }
            decided += 1;
        }
        self.leave_plain_way_with(rest.map(Sent::<Debit>::into_message));
        self.plain.debits = debits;
        Ok(decided)
    }

    fn settle_plainly(&mut self, messages_max: usize, turn: &mut Turn) -> Result<usize, JournalError> {
        let mut settles = mem::take(&mut self.plain.settles);
        let mut step = mem::take(&mut self.plain.step);
        let places = look_ahead(&self.rooms, settles.iter().map(|sent| (sent.to, None)));
        let (mut decided, mut rest) = (0, settles.drain(..));
        for place in places.into_iter().take(messages_max.min(rest.len())) {
            let (Some(place), Some(sent)) = (place, rest.as_slice().first()) else { break };
            let Some(room) = self.plain_room(place, sent.now) else { break };
            let Resident::Certificate(certificate) = &room.resident else { break };
            step.clear();
            certificate.settle(sent.context(), &sent.message, &mut step);
            if !is_plain(&step) {
                break;
            }
            debug_assert_eq!(
                room.apply(sent.context(), &Body::Settle(Box::new(sent.message.clone()))),
                Decision::Record(step.clone()),
            );
            let message = sent.absorbed(SETTLE_HOP);
            let Some(Sent { walk, now, ticket, .. }) = rest.next() else { break };
            let answer = AnswerMark::of(step.answer.as_ref());
            let encode_onward = |bytes: &mut Vec<u8>| record::encode_onward(&step.onward, bytes);
            let contents = Contents { joined: &[], answer, encode_onward };
            let record = self.record_plain(place, &message, &step.events, contents, turn)?;
            if let (Some(ticket), Some(answer)) = (&ticket, step.answer.take()) {
                ticket.settle(answer);
            }
            self.send_settlement(Settled { walk, now, record, left: 0, ticket }, &mut step, turn);
            decided += 1;
        }
        self.leave_plain_way_with(rest.map(Sent::<Settle>::into_message));
        (self.plain.settles, self.plain.step) = (settles, step);
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
        for (index, Onward { to, body, .. }) in (0..).zip(step.onward.drain(..)) {
            if here == messages || self.is_here(to) {
                self.plain.payouts.push(Payout { to, body, index, of });
                settled.left += 1;
            } else {
                turn.outgoing.push(settled.message(to, body, index, settled.ticket.clone()));
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
                    let record = Some(settled.record);
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
