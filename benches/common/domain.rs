//! The domain alone: purchases decided and absorbed in one thread, without door, house, record or disk; once as
//! they are, and once with the entry in each actor's chain, for which the events are encoded and hashed.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::slice;

use hongbao::actors::Room;
use hongbao::domain::chain::{Before, Entries};
use hongbao::domain::{ActorNumber, Body, Context, Decision, Step, WalkId};
use hongbao::journal::record;
use hongbao::limits::TURN_MESSAGES_MAX;
use rustc_hash::FxBuildHasher;

use super::world::{NOW, World};
use super::{Job, Run, timed};

/// Each actor's room, and where its newest entry stands among those whose heads are not known yet.
type Rooms = HashMap<ActorNumber, (Room, Option<u32>), FxBuildHasher>;

/// How many messages are looked at together.
const NEAR_MESSAGES: usize = 128;

pub fn jobs(world: &World) -> Vec<Job> {
    vec![job("domain/decide_absorb", world, false), job("domain/with_chain", world, true)]
}

fn job(name: &'static str, world: &World, chained: bool) -> Job {
    let door = world.stage().door;
    let resolve = |message| door.resolve(&message, [0; 32]).unwrap();
    let requests: Vec<(ActorNumber, Body)> = world.sale.buys().into_iter().map(resolve).collect();
    let rooms: Rooms = world.rooms.iter().map(|(number, room)| (*number, (room.clone(), None))).collect();
    let messages = world.sale.messages();
    let run = move || {
        let (mut rooms, requests) = (rooms.clone(), requests.clone());
        let (absorbed, took) = timed(|| buy(&mut rooms, requests, chained));
        assert_eq!(absorbed, messages);
        Run::of(took)
    };
    Job { name, unit: "movements", units: world.sale.movements(), bytes: None, run: Box::new(run) }
}

fn decide(room: &Room, walk: WalkId, body: &Body) -> Step {
    match room.resident.apply(Context { walk, now: NOW }, room.sequence, &room.head, body) {
        Decision::Record(step) => step,
        other => unreachable!("a purchase was decided as {other:?}"),
    }
}

/// Walks all purchases to their ends, as a house does: in turns of as many messages, of which some are looked at together, and
/// without a step where one event is all. Gives the number of steps.
fn buy(rooms: &mut Rooms, requests: Vec<(ActorNumber, Body)>, chained: bool) -> u64 {
    let mut requests = (0..).map(WalkId).zip(requests);
    let mut queue: VecDeque<(WalkId, (ActorNumber, Body))> = VecDeque::new();
    let mut steps = 0;
    let (mut entries, mut moved, mut near) = (Entries::default(), Vec::new(), Vec::new());
    loop {
        if queue.is_empty() {
            queue.extend(requests.by_ref().take(TURN_MESSAGES_MAX));
        }
        if queue.is_empty() {
            return steps;
        }
        let mut left = queue.len().min(TURN_MESSAGES_MAX);
        while left > 0 {
            near.extend(queue.drain(..left.min(NEAR_MESSAGES)));
            left -= near.len();
            let glance =
                |(_, (to, body)): &(WalkId, (ActorNumber, Body))| rooms[to].0.resident.glance(Some(body));
            black_box(near.iter().fold(0, |read, message| read ^ glance(message)));
            for (walk, (to, body)) in near.drain(..) {
                let (room, entry) = rooms.get_mut(&to).unwrap();
                let sole = room.resident.sole_event(&body);
                let step = match &sole {
                    Some(_) => Step::default(),
                    None => decide(room, walk, &body),
                };
                let events = sole.as_ref().map_or(&step.events[..], slice::from_ref);
                if chained && !events.is_empty() {
                    let before = entry.map_or(Before::Head(&room.head), Before::Entry);
                    let encode = |bytes: &mut Vec<u8>| record::encode_events(events, bytes);
                    *entry = Some(entries.add(before, NOW, encode).unwrap());
                    room.sequence += 1;
                    moved.push(to);
                }
                events.iter().for_each(|event| room.resident.absorb(NOW, event));
                queue.extend(step.onward.into_iter().map(|onward| (walk, (onward.to, onward.body))));
                steps += 1;
            }
        }
        for (head, actor) in entries.heads().iter().zip(moved.drain(..)) {
            let (room, entry) = rooms.get_mut(&actor).unwrap();
            (room.head, *entry) = (*head, None);
        }
        entries.clear();
    }
}
