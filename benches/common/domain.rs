//! The domain alone: plain purchases decided and absorbed in one thread, without door, house, record or disk; once as
//! they are, and once with the entry in each actor's chain, for which the events are encoded and hashed.

use std::hint::black_box;
use std::slice;

use hongbao::actors::Room;
use hongbao::domain::chain::{Before, Entries};
use hongbao::domain::{
    ActorNumber, Body, Context, Event, OfferingEvent, Onward, Resident, Serial, Settle, Step, WalkId,
};
use hongbao::journal::record;
use hongbao::limits::TURN_MESSAGES_MAX;

use super::sale::MESSAGES_PER_PURCHASE;
use super::world::{NOW, World};
use super::{Job, Run, timed};

/// How many purchases are decided together, stage by stage, as in a house.
const NEAR_PURCHASES: usize = 128;
/// After how many groups the chains are hashed: about a turn.
const GROUPS_HASHED: usize = TURN_MESSAGES_MAX / MESSAGES_PER_PURCHASE as usize / NEAR_PURCHASES;

pub fn jobs(world: &World) -> Vec<Job> {
    vec![job("domain/decide_absorb", world, false), job("domain/with_chain", world, true)]
}

fn job(name: &'static str, world: &World, chained: bool) -> Job {
    let door = world.stage().door;
    let resolve = |message| door.resolve(&message, [0; 32]).unwrap();
    let requests: Vec<(ActorNumber, Body)> = world.sale.buys().into_iter().map(resolve).collect();
    let rooms = Rooms::of(world, chained);
    let messages = world.sale.messages();
    let run = move || {
        let mut rooms = rooms.clone();
        let (absorbed, took) = timed(|| buy(&mut rooms, &requests));
        assert_eq!(absorbed, messages);
        Run::of(took)
    };
    Job { name, unit: "movements", units: world.sale.movements(), bytes: None, run: Box::new(run) }
}

/// An actor's room, and where its newest entry stands among those whose heads are not known yet.
type Chained = (Room, Option<u32>);

/// All rooms, by numbers that are near each other as the engine's are.
struct Rooms {
    rooms: Vec<Chained>,
    /// For each actor's number the place of its room.
    places: Vec<u32>,
    /// Where there is to be a chain: the entries that are not hashed yet, and the places of their rooms.
    entries: Option<(Entries, Vec<u32>)>,
    absorbed: u64,
}

impl Rooms {
    fn of(world: &World, chained: bool) -> Rooms {
        let (mut rooms, mut places) = (Vec::new(), Vec::new());
        for (number, room) in &world.rooms {
            let number = usize::try_from(number.0).unwrap();
            places.resize(places.len().max(number + 1), u32::MAX);
            places[number] = u32::try_from(rooms.len()).unwrap();
            rooms.push((room.clone(), None));
        }
        Rooms { rooms, places, entries: chained.then(Default::default), absorbed: 0 }
    }

    fn clone(&self) -> Rooms {
        let (rooms, places) = (self.rooms.clone(), self.places.clone());
        Rooms { rooms, places, entries: self.entries.as_ref().map(|_| Default::default()), absorbed: 0 }
    }

    fn at(&self, number: ActorNumber) -> &Resident {
        &self.rooms[self.places[number.0 as usize] as usize].0.resident
    }

    fn absorb(&mut self, number: ActorNumber, events: &[Event]) {
        let place = self.places[number.0 as usize];
        let (room, newest) = &mut self.rooms[place as usize];
        if let Some((entries, moved)) = &mut self.entries {
            let before = newest.map_or(Before::Head(&room.head), Before::Entry);
            let encode = |bytes: &mut Vec<u8>| record::encode_events(events, bytes);
            *newest = Some(entries.add(before, NOW, encode).unwrap());
            room.sequence += 1;
            moved.push(place);
        }
        events.iter().for_each(|event| room.resident.absorb(NOW, event));
        self.absorbed += 1;
    }

    fn hash(&mut self) {
        if let Some((entries, moved)) = &mut self.entries {
            entries.hash();
            for (head, place) in entries.heads().iter().zip(moved.drain(..)) {
                let (room, newest) = &mut self.rooms[place as usize];
                (room.head, *newest) = (*head, None);
            }
            entries.clear();
        }
    }

    /// Reads what deciding on these messages reads, so that the memory of all is waited for together.
    fn glance<'body>(&self, messages: impl Iterator<Item = (ActorNumber, Option<&'body Body>)>) {
        black_box(messages.fold(0, |read, (to, body)| read ^ self.at(to).glance(body)));
    }
}

/// A purchase on its way.
struct Purchase {
    walk: WalkId,
    serial: Serial,
    settle: Settle,
}

impl Purchase {
    fn certificate(&self) -> ActorNumber {
        self.settle.offering.certificate(self.serial)
    }
}

/// Walks all purchases to their ends. Gives the number of messages that were absorbed.
fn buy(rooms: &mut Rooms, requests: &[(ActorNumber, Body)]) -> u64 {
    let (mut purchases, mut payouts, mut step) = (Vec::new(), Vec::new(), Step::default());
    for (group, near) in (1..).zip(requests.chunks(NEAR_PURCHASES)) {
        rooms.glance(near.iter().map(|(to, body)| (*to, Some(body))));
        for (index, (to, body)) in (0..).zip(near) {
            purchases.push(allocate(rooms, WalkId(group * NEAR_PURCHASES as u64 + index), *to, body));
        }
        rooms.glance(purchases.iter().map(|purchase| (purchase.settle.buyer.number, None)));
        for purchase in &purchases {
            let (buyer, certificate) = (purchase.settle.buyer.number, purchase.certificate());
            let Resident::Account(account) = rooms.at(buyer) else { unreachable!("a buyer is an account") };
            let debited = account.plain_debit(purchase.settle.price, certificate).unwrap();
            rooms.absorb(buyer, slice::from_ref(&debited));
        }
        rooms.glance(purchases.iter().map(|purchase| (purchase.certificate(), None)));
        for purchase in purchases.drain(..) {
            let number = purchase.certificate();
            let Resident::Certificate(certificate) = rooms.at(number) else { unreachable!("it is alive") };
            step.clear();
            certificate.settle(Context { walk: purchase.walk, now: NOW }, &purchase.settle, &mut step);
            rooms.absorb(number, &step.events);
            payouts.append(&mut step.onward);
        }
        for near in payouts.chunks(NEAR_PURCHASES) {
            rooms.glance(near.iter().map(|onward| (onward.to, Some(&onward.body))));
            for Onward { to, body, .. } in near {
                let event = rooms.at(*to).sole_event(body).unwrap();
                rooms.absorb(*to, slice::from_ref(&event));
            }
        }
        payouts.clear();
        if group % GROUPS_HASHED as u64 == 0 {
            rooms.hash();
        }
    }
    rooms.hash();
    rooms.absorbed
}

/// The offering sets a certificate apart.
fn allocate(rooms: &mut Rooms, walk: WalkId, to: ActorNumber, body: &Body) -> Purchase {
    let (Resident::Offering(offering), Body::Request(request)) = (rooms.at(to), body) else {
        unreachable!("a purchase goes to an offering")
    };
    let (serial, buyer) = offering.plain_purchase(Context { walk, now: NOW }, request).unwrap();
    let settle = offering.sale_to(buyer, request.mark.clone());
    let (buyer, mark) = (buyer.number, request.mark.clone());
    let allocated = Event::Offering(OfferingEvent::Allocated { serial, buyer, mark, walk });
    rooms.absorb(to, slice::from_ref(&allocated));
    Purchase { walk, serial, settle }
}
