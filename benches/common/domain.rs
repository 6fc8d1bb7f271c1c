//! The domain alone: purchases decided and absorbed in one thread, without door, house, record or disk; once as
//! they are, and once with the entry in each actor's chain, for which the events are encoded and hashed.

use std::collections::{HashMap, VecDeque};

use hongbao::actors::Room;
use hongbao::domain::chain::{Before, Entries};
use hongbao::domain::{ActorNumber, Body, Context, Decision, WalkId};
use hongbao::journal::record;
use hongbao::limits::TURN_MESSAGES_MAX;
use rustc_hash::FxBuildHasher;

use super::world::{NOW, World};
use super::{Job, Run, timed};

/// Each actor's room, and where its newest entry stands among those whose heads are not known yet.
type Rooms = HashMap<ActorNumber, (Room, Option<u32>), FxBuildHasher>;

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

/// Walks all purchases to their ends, in turns of as many messages as a house takes; gives the number of steps.
fn buy(rooms: &mut Rooms, requests: Vec<(ActorNumber, Body)>, chained: bool) -> u64 {
    let mut requests = (0..).map(WalkId).zip(requests);
    let mut queue: VecDeque<(WalkId, (ActorNumber, Body))> = VecDeque::new();
    let mut steps = 0;
    let (mut entries, mut moved) = (Entries::default(), Vec::new());
    loop {
        if queue.is_empty() {
            queue.extend(requests.by_ref().take(TURN_MESSAGES_MAX));
        }
        if queue.is_empty() {
            return steps;
        }
        for _ in 0..queue.len().min(TURN_MESSAGES_MAX) {
            let (walk, (to, body)) = queue.pop_front().unwrap();
            let (room, entry) = rooms.get_mut(&to).unwrap();
            let context = Context { walk, now: NOW };
            let decision = room.resident.apply(context, room.sequence, &room.head, &body);
            let Decision::Record(step) = decision else {
                unreachable!("a purchase was decided as {decision:?}")
            };
            if chained && !step.events.is_empty() {
                let before = entry.map_or(Before::Head(&room.head), Before::Entry);
                let encode = |bytes: &mut Vec<u8>| record::encode_events(&step.events, bytes);
                *entry = Some(entries.add(before, NOW, encode).unwrap());
                room.sequence += 1;
                moved.push(to);
            }
            for event in &step.events {
                room.resident.absorb(NOW, event);
            }
            queue.extend(step.onward.into_iter().map(|onward| (walk, (onward.to, onward.body))));
            steps += 1;
        }
        for (head, actor) in entries.heads().iter().zip(moved.drain(..)) {
            let (room, entry) = rooms.get_mut(&actor).unwrap();
            (room.head, *entry) = (*head, None);
        }
        entries.clear();
    }
}
