//! Sending: a batch goes through the door, and message by message into the parcels of the shards.
//!
//! What is the same for all messages of a batch is done once: their permits are taken together, and so is the look whether
//! the engine takes anything. Absent on purpose: waiting. Whoever sends is told `overloaded` where there is no room.

use std::sync::Arc;

use super::deliver::{Answers, Batch, Reply};
use super::door::{Fingerprints, TurningAway};
use super::open::Engine;
use crate::actors::{AccountEntry, Booklet, Departing, Envelope, Permit, Sink, Ticket, shard_of};
use crate::domain::{
    ActorNumber, Body, Code, Command, Conditions, Fingerprint, Message, Refusal, Request, RequestId,
    RequestKey, RequestMark, Status, Task, Timestamp,
};
use crate::limits::BATCH_MESSAGES_MAX;

/// How many senders are looked up together, so that the processor waits for the memory of many at once.
const NEAR_SENDERS: usize = 32;

impl Engine {
    /// Sends one message. It is accepted when this returns; the reply comes when what it says is durable.
    pub fn send(&self, message: Message) -> Reply {
        Reply(self.send_batch(vec![message]))
    }

    /// Sends up to `limits::BATCH_MESSAGES_MAX` messages; each is decided for itself. Answers come in their
    /// order, when all are durable. Dropping the future undoes nothing.
    pub fn send_batch(&self, messages: Vec<Message>) -> Answers {
        self.send_batch_on(messages.iter().map(|message| (message, Conditions::default())))
    }

    /// As `send_batch`; each message is carried out where its conditions hold, and else refused (`sequence_mismatch`,
    /// `price_above_max`).
    pub fn send_batch_on<'sent>(
        &self,
        messages: impl ExactSizeIterator<Item = (&'sent Message, Conditions)>,
    ) -> Answers {
        let length = messages.len();
        let (batch, answers) = Batch::new(length);
        let sink: Arc<dyn Sink> = Arc::new(batch);
        if length > BATCH_MESSAGES_MAX {
            let detail = format!("are {length}: send at most {BATCH_MESSAGES_MAX} in a batch");
            let refusal = Refusal::new(Code::BadValue, "messages", detail);
            for (index, _) in (0_u32..).zip(messages) {
                sink.give(index, Err(refusal.clone()));
            }
            return answers;
        }
        let numbered =
            (0_u32..).zip(messages).map(|(index, (message, conditions))| (index, message, conditions));
        self.send_to(&sink, length, numbered);
        answers
    }

    /// Sends so many messages, at most `limits::BATCH_MESSAGES_MAX`. The answer to each goes to the sink as soon as it may leave,
    /// with the number that stands beside the message; once and no more.
    pub(crate) fn send_to<'sent>(
        &self,
        sink: &Arc<dyn Sink>,
        length: usize,
        mut messages: impl Iterator<Item = (u32, &'sent Message, Conditions)>,
    ) {
        let mut arriving = Arriving::new(self, sink, length);
        let mut near = Vec::with_capacity(length.min(NEAR_SENDERS));
        loop {
            near.extend(messages.by_ref().take(NEAR_SENDERS));
            if near.is_empty() {
                break;
            }
            let mut senders = [None; NEAR_SENDERS];
            for (sender, (_, message, _)) in senders.iter_mut().zip(&near) {
                *sender = self.door().sender(message);
            }
            for ((index, message, conditions), sender) in near.drain(..).zip(senders) {
                if let Err(refusal) = arriving.accept(index, message, conditions, sender) {
                    sink.give(index, Err(refusal));
                }
                arriving.left -= 1;
            }
        }
        arriving.send();
    }

    /// A permit for one message, where the engine takes messages.
    pub(super) fn admit(&self) -> Result<Permit, Refusal> {
        let permit = self.permits().take();
        if self.takes_messages() { permit } else { Err(Refusal::of(Code::Stopped)) }
    }

    /// Looks at whatever has a number, past the directory of names.
    pub(super) fn look_at(&self, to: ActorNumber, task: Task) -> Reply {
        let (batch, answers) = Batch::new(1);
        let sink: Arc<dyn Sink> = Arc::new(batch);
        let looked = || -> Result<(), Refusal> {
            let permit = self.admit()?;
            let key = RequestKey { caller: ActorNumber::FUNDS_MANAGEMENT, id: RequestId::new("look")? };
            let mark = RequestMark::new(key, Fingerprint::default());
            let body = Body::Request(Box::new(Request {
                mark,
                task,
                caller_status: Status::Open,
                objection: None,
                conditions: None,
            }));
            let ticket = Some(Ticket::new(Arc::clone(&sink), 0, permit));
            let (walk, now) = (self.door().common().next_walk(), self.now());
            let envelope = Envelope::from_door(to, walk, now, body, ticket);
            self.shards().send(shard_of(to, self.shards().count()), vec![envelope]);
            Ok(())
        };
        if let Err(refusal) = looked() {
            sink.give(0, Err(refusal));
        }
        Reply(answers)
    }
}

/// A batch at the door.
struct Arriving<'engine, 'sent> {
    engine: &'engine Engine,
    takes_messages: bool,
    now: Timestamp,
    length: usize,
    /// How many of them are not looked at yet.
    left: usize,
    booklet: Booklet,
    fingerprints: Fingerprints<'sent>,
    turning_away: TurningAway<'sent>,
    /// One for each shard.
    parcels: Vec<Vec<Envelope>>,
}

impl<'engine, 'sent> Arriving<'engine, 'sent> {
    fn new(engine: &'engine Engine, sink: &Arc<dyn Sink>, length: usize) -> Arriving<'engine, 'sent> {
        let permit = engine.permits().take_up_to(length);
        let mut parcels = Vec::new();
        parcels.resize_with(engine.shards().count(), Vec::new);
        Arriving {
            engine,
            takes_messages: engine.takes_messages(),
            now: engine.now(),
            length,
            left: length,
            booklet: Booklet::new(Arc::clone(sink), permit),
            fingerprints: Fingerprints::default(),
            turning_away: TurningAway::default(),
            parcels,
        }
    }

    /// Puts a message into its shard's parcel. A refusal that is given back depends on nothing that a crash
    /// could take back.
    fn accept(
        &mut self,
        index: u32,
        message: &'sent Message,
        conditions: Conditions,
        sender: Option<AccountEntry>,
    ) -> Result<(), Refusal> {
        if !self.takes_messages {
            return Err(Refusal::of(Code::Stopped));
        }
        let mut seed = [0; 32];
        if matches!(message.command, Command::Issue { .. })
            && let Err(error) = getrandom::fill(&mut seed)
        {
            return Err(Refusal::new(
                Code::Internal,
                "",
                format!("the machine gives no randomness: {error}"),
            ));
        }
        if !self.booklet.has_more() && !self.ask_again() {
            return Err(Refusal::of(Code::Overloaded));
        }
        let door = self.engine.door();
        if conditions.is_none()
            && let Some(refusal) = self.turning_away.refusal(door, sender, message, self.now)
        {
            return self.booklet.refuse(index, refusal);
        }
        let resolved = self
            .fingerprints
            .of(&message.command)
            .and_then(|fingerprint| door.resolve_from(sender, message, fingerprint, seed));
        match resolved {
            Ok((to, mut body)) => {
                let ticket = self.booklet.next(index).ok_or(Refusal::of(Code::Overloaded))?;
                if let Body::Request(request) = &mut body
                    && !conditions.is_none()
                {
                    request.conditions = Some(Box::new(conditions));
                }
                let walk = door.common().next_walk();
                let shards = self.parcels.len();
                let parcel = &mut self.parcels[shard_of(to, shards)];
                if parcel.capacity() == 0 {
                    *parcel = self.engine.shards().parcel(self.length.div_ceil(shards));
                }
                parcel.push(Envelope::from_door(to, walk, self.now, body, Some(ticket)));
            }
            Err(refusal) => self.booklet.refuse(index, refusal)?,
        }
        Ok(())
    }

    /// Asks for more permits where there were not enough for the batch, and some may have come back: those of what was
    /// refused so far, for one. True where there are some.
    #[cold]
    fn ask_again(&mut self) -> bool {
        self.let_refused_go();
        self.booklet.go_on_with(self.engine.permits().take_up_to(self.left));
        self.booklet.has_more()
    }

    /// Lets everything go its way.
    fn send(mut self) {
        let parcels = std::mem::take(&mut self.parcels).into_iter().enumerate();
        let parcels = parcels.filter(|(_, parcel)| !parcel.is_empty());
        parcels.for_each(|(shard, parcel)| self.engine.shards().send(shard, parcel));
        self.let_refused_go();
    }

    /// What the door knows of names may not be durable yet, so its refusals wait like every answer.
    fn let_refused_go(&mut self) {
        if let Some(refused) = self.booklet.refused() {
            let journal = self.engine.journal();
            journal.release(journal.handed_over(), vec![Departing::refused(refused)]);
        }
    }
}
