//! Records and states that nobody made, with checksums and chains that are right: a recovery refuses them by name, or comes
//! to its end.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::fuzzing::{Choices, Target, fuzz};
use super::recorded::RECORDED;
use crate::actors::{Joiner, Replay, Room, invariants};
use crate::codec;
use crate::domain::chain::{self, Head};
use crate::domain::{ActorNumber, Position, Timestamp, WalkId};
use crate::journal::{Record, Reference, Sent, record};

/// More records than any walk needs that a recovery has to finish.
const FINISHING_RECORDS_MAX: u64 = 10_000;

/// A record's bytes with one thing changed, or whatever the change makes of them.
fn changed(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let read = record::decode(bytes).unwrap();
    let sent = |sent: Result<Sent<'_>, _>| sent.map(|sent| (sent.to, sent.encoded.to_vec()));
    let Ok(mut onward) = read.onward().map(sent).collect::<Result<Vec<_>, _>>() else {
        return bytes.to_vec();
    };
    let Record { mut prefix, encoded_events, mut joined, .. } = read;
    let mut events = encoded_events.to_vec();
    let large = [u64::MAX, u64::MAX >> 1, 1 << 32, u64::from(choices.byte())][choices.below(4)];
    match choices.byte() % 12 {
        0 => prefix.hop = u32::try_from(large).unwrap_or(u32::MAX),
        1 => prefix.walk = WalkId(large),
        2 => prefix.actor = ActorNumber(large),
        3 => (prefix.at, prefix.now) = (Timestamp(large), Timestamp(large)),
        4 => prefix.cause = Some((Reference::Back(1 + large % 30), u32::from(choices.byte() % 3))),
        5 => joined.truncate(choices.below(2)),
        6..=8 => choices.change(&mut events),
        _ => {
            let place = choices.below(onward.len());
            match onward.get_mut(place) {
                Some((to, _)) if choices.byte().is_multiple_of(4) => *to = ActorNumber(large % 40),
                Some((_, encoded)) => choices.change(encoded),
                None => choices.change(&mut events),
            }
        }
    }
    let mut made = record::encoded(prefix, &events, &joined, &[]).unwrap();
    for (to, encoded) in onward {
        codec::encode_into(&(to, encoded.len() as u64), &mut made).unwrap();
        made.extend(encoded);
    }
    made
}

/// The record with the chain's head that its actor has by then.
fn chained(bytes: &[u8], heads: &mut HashMap<ActorNumber, Head>) -> Vec<u8> {
    let Ok(read) = record::decode(bytes) else { return bytes.to_vec() };
    let Record { mut prefix, encoded_events, joined, encoded_onward, ref events } = read;
    let head = heads.entry(prefix.actor).or_insert_with(|| chain::origin(prefix.actor));
    if !events.is_empty() {
        *head = chain::advance(head, prefix.at, encoded_events);
    }
    prefix.chain = chain::prefix(head);
    let mut made = record::encoded(prefix, encoded_events, &joined, &[]).unwrap();
    made.extend(encoded_onward);
    made
}

/// Replays records and finishes what they leave unfinished; true where both succeed.
fn recovers<'records>(records: impl Iterator<Item = &'records Vec<u8>>, shards: usize) -> bool {
    let mut replay = Replay::new(shards);
    for (position, bytes) in (1..).zip(records) {
        if let Err(error) = replay.record(Position(position), bytes) {
            assert_eq!(error.position, Position(position), "{error}");
            return false;
        }
    }
    let undelivered = match replay.undelivered() {
        Ok(undelivered) => undelivered,
        Err(error) => {
            assert!(error.position <= replay.newest(), "{error}");
            return false;
        }
    };
    let kept = invariants::check(replay.houses(), &undelivered).is_ok();
    let mut newest = replay.newest();
    let finished = replay.finish(&mut |batch| {
        let first = Position(newest.0 + 1);
        newest.0 += batch.records();
        assert!(newest.0 < FINISHING_RECORDS_MAX, "a recovery comes to its end");
        batch.clear();
        Ok(first)
    });
    kept && finished.is_ok()
}

#[test]
fn a_log_whose_checksums_and_chains_are_right_is_replayed_or_refused_whatever_it_says() {
    let target = Target {
        name: "replays",
        inputs: 400,
        random_bytes_max: 40,
        memory_factor: 1 << 16,
        take: |input| {
            let mut choices = Choices::of(input);
            let records = &RECORDED[choices.below(RECORDED.len())].records;
            // What is behind the change is absorbed by residents that know nothing of it, or not at all.
            let last = choices.below(records.len());
            let end = (last + 1 + choices.below(8)).min(records.len());
            let mut records = records[..end].to_vec();
            for _ in 0..choices.below(3) {
                let place = last - choices.below(4).min(last);
                if record::decode(&records[place]).is_ok() {
                    records[place] = changed(&records[place], &mut choices);
                }
            }
            let mut heads = HashMap::new();
            let chained: Vec<Vec<u8>> = records.iter().map(|bytes| chained(bytes, &mut heads)).collect();
            recovers(chained.iter(), 1 + choices.below(3))
        },
    };
    LazyLock::force(&RECORDED);
    fuzz(&target, &[vec![vec![]], Choices::examples()].concat());
}

/// Joins chunks and puts their rooms where they were; true where all of it succeeds.
fn restores(chunks: &[(Vec<u8>, Vec<u8>)]) -> bool {
    let (mut joiner, mut replay) = (Joiner::default(), Replay::new(2));
    for (key, value) in chunks {
        let restore = |number, room: Room| {
            let (mut bytes, mut again) = (Vec::new(), None);
            codec::encode_into(&(number, &room), &mut bytes).unwrap();
            let read = codec::decode_large::<(ActorNumber, Room)>(&bytes);
            again.replace(read.map_err(|error| error.to_string())?);
            assert_eq!(
                again,
                Some(((number, room.clone()), &[][..])),
                "what is written of it is the same room"
            );
            replay.restore(number, room)
        };
        let whole = joiner.join(key, value);
        if let Err(why) = whole.and_then(|whole| whole.map_or(Ok(()), |whole| whole.rooms(restore))) {
            assert!(!why.is_empty());
            return false;
        }
    }
    if joiner.end().is_err() {
        return false;
    }
    replay.restored(Position(1_000), 1_000);
    let _ = invariants::check(replay.houses(), &[]);
    replay
        .finish(&mut |batch| {
            batch.clear();
            Ok(Position(1_000))
        })
        .is_ok()
}

#[test]
fn any_chunks_of_a_snapshot_are_joined_or_refused() {
    let target = Target {
        name: "joined_chunks",
        inputs: 500,
        random_bytes_max: 60,
        memory_factor: 1 << 16,
        take: |input| {
            let mut choices = Choices::of(input);
            let chunks = &RECORDED[choices.below(RECORDED.len())].chunks;
            let first = choices.below(chunks.len());
            let end = (first + 1 + choices.below(12)).min(chunks.len());
            let mut chunks = chunks[first..end].to_vec();
            for _ in 0..choices.below(4) {
                let place = choices.below(chunks.len());
                match choices.byte() % 8 {
                    0 => choices.change(&mut chunks[place].0),
                    1 => drop(chunks.remove(place)),
                    2 => chunks.insert(place, chunks[place].clone()),
                    3 => chunks[place].1.clear(),
                    _ => choices.change(&mut chunks[place].1),
                }
                if chunks.is_empty() {
                    return false;
                }
            }
            restores(&chunks)
        },
    };
    LazyLock::force(&RECORDED);
    fuzz(&target, &[vec![vec![]], Choices::examples()].concat());
}

#[test]
fn a_log_with_nothing_changed_is_replayed_and_one_with_a_broken_chain_is_not() {
    for recorded in RECORDED.iter() {
        let mut heads = HashMap::new();
        let chained: Vec<Vec<u8>> = recorded.records.iter().map(|bytes| chained(bytes, &mut heads)).collect();
        assert_eq!(chained, recorded.records, "a head is worked out as the engine does");
        assert!(recovers(chained.iter(), 2));
    }
}
