//! Bytes that nobody wrote, as segments, as records and as messages: an error that names its place, or something whole.

use std::sync::LazyLock;

use super::super::format::{self, BATCH_HEAD_BYTES, SEGMENT_HEADER_BYTES, Scanned};
use super::super::survey::segment_name;
use super::*;
use crate::codec;
use crate::domain::{Command, Event, Message, Onward};
use crate::journal::{Disk, JournalError, record};
use crate::simulator::{Choices, RECORDED, Target, fuzz};

const FIRST: &str = "00000000000000000001.segment";

/// The files of a disk with their bytes.
fn files(disk: &TearingDisk) -> Vec<(String, Vec<u8>)> {
    let bytes = |name: &String| disk.read(name, 0, disk.length(name).unwrap() as usize).unwrap();
    names(disk).into_iter().map(|name| (name.clone(), bytes(&name))).collect()
}

/// Opens what lies on the disk, for reading and for writing: both find the same, and it can be gone on with, or both name
/// the same place. True where it opens.
fn opens(disk: &TearingDisk) -> bool {
    let lengths: Vec<(String, u64)> =
        names(disk).into_iter().map(|name| (name.clone(), disk.length(&name).unwrap())).collect();
    let length_of = |file: &std::path::Path| {
        let (_, length) =
            lengths.iter().find(|(name, _)| file.ends_with(name)).expect("a file that is there");
        *length
    };
    let inspected = TornLog::inspect(disk.clone());
    let before = inspected.as_ref().ok().map(|(log, _)| read_all(log));
    match (inspected, TornLog::open_with(disk.clone(), SMALL)) {
        (Ok((_, inspected)), Ok((mut log, opened))) => {
            assert_eq!(inspected, opened);
            if let Some(cut) = &opened.cut {
                assert_eq!(cut.offset + cut.bytes, length_of(&cut.file), "{cut}");
            }
            let records = read_all(&log);
            assert_eq!(Some(&records), before.as_ref(), "what is read is what is kept");
            assert_eq!(records.len() as u64, opened.records);
            assert!(records.iter().map(|(position, _)| *position).eq(opened.oldest.0..=opened.newest.0));
            log.append(&batch_of(&[b"more"])).unwrap();
            log.sync().unwrap();
            let (again, found) = TornLog::inspect(disk.clone()).unwrap();
            assert_eq!((found.records, found.cut), (opened.records + 1, None));
            assert_eq!(read_all(&again)[..records.len()], records);
            true
        }
        (Err(error), Err(again)) => {
            assert_eq!(error.to_string(), again.to_string());
            match error {
                JournalError::Corrupt { file, offset, why } => {
                    assert!(!why.is_empty() && offset <= length_of(&file), "{offset}: {why}");
                }
                JournalError::NewerFormat { file, version } => {
                    length_of(&file);
                    assert!(version > 1);
                }
                other => panic!("{other}"),
            }
            false
        }
        (inspected, opened) => panic!("{:?} and {:?}", inspected.err(), opened.err()),
    }
}

#[test]
fn any_bytes_as_a_segment_open_or_are_named() {
    let target = Target {
        name: "segments",
        inputs: 10_000,
        random_bytes_max: 400,
        memory_factor: 64,
        take: |input| {
            let mut disk = TearingDisk::new();
            disk.create(FIRST, input).unwrap();
            opens(&disk)
        },
    };
    let disk = TearingDisk::new();
    let (mut log, _) = open(&disk, WIDE);
    write_batches(&mut log, &[1, 3, 2]);
    let unsealed = files(&disk).remove(0).1;
    log.seal().unwrap();
    fuzz(&target, &[unsealed, files(&disk).remove(0).1]);
}

/// A segment in parts, of which each can be changed without a checksum that tells.
#[derive(Clone)]
struct Parts {
    name: String,
    header: Vec<u8>,
    batches: Vec<Batch>,
}

/// A batch in parts.
#[derive(Clone)]
struct Batch {
    head: Vec<u8>,
    records: Vec<Vec<u8>>,
    /// Bytes of the head that are set behind its counts.
    set: Vec<(usize, Vec<u8>)>,
}

impl Parts {
    fn of(name: &str, bytes: &[u8]) -> Parts {
        let identity = SMALL.new_identity;
        let (header, mut rest) = bytes.split_at(SEGMENT_HEADER_BYTES);
        let mut batches = Vec::new();
        while let Scanned::Whole(_, payload) = format::scan_batch(rest, identity) {
            let (head, behind) = rest.split_at(BATCH_HEAD_BYTES);
            let (mut records, mut at) = (Vec::new(), 0);
            while let Ok((record, end)) = format::frame_at(payload, at) {
                records.push(record.to_vec());
                at = end;
            }
            batches.push(Batch { head: head.to_vec(), records, set: Vec::new() });
            rest = &behind[payload.len()..];
        }
        assert!(rest.is_empty());
        Parts { name: name.to_owned(), header: header.to_vec(), batches }
    }

    /// The file, with all counts and checksums right but those that were set.
    fn written(&self) -> Vec<u8> {
        let mut bytes = self.header.clone();
        mend(&mut bytes, 36);
        for Batch { head, records, set } in &self.batches {
            let mut payload = Vec::new();
            for record in records {
                payload.extend((record.len() as u32).to_le_bytes());
                payload.extend([0; 4]);
                payload.extend(record);
            }
            format::set_checksums(&mut payload);
            let mut head = head.clone();
            head[32..36].copy_from_slice(&(records.len() as u32).to_le_bytes());
            head[36..40].copy_from_slice(&(payload.len() as u32).to_le_bytes());
            let checksum = if payload.is_empty() { 0 } else { crc32fast::hash(&payload) };
            head[40..44].copy_from_slice(&checksum.to_le_bytes());
            for (at, number) in set {
                head[*at..at + number.len()].copy_from_slice(number);
            }
            mend(&mut head, 44);
            bytes.extend(head);
            bytes.extend(payload);
        }
        bytes
    }
}

/// Puts the checksum of what stands before `at` there.
fn mend(bytes: &mut [u8], at: usize) {
    let checksum = crc32fast::hash(&bytes[..at]).to_le_bytes();
    bytes[at..at + 4].copy_from_slice(&checksum);
}

/// A journal of real records in several segments, sealed.
static JOURNAL: LazyLock<Vec<Parts>> = LazyLock::new(|| {
    let disk = TearingDisk::new();
    let options = SegmentOptions { segment_bytes_max: 900, ..SMALL };
    let (mut log, _) = open(&disk, options);
    for records in RECORDED[0].records[..24].chunks(3) {
        log.append(&batch_of(&records.iter().map(Vec::as_slice).collect::<Vec<_>>())).unwrap();
        log.sync().unwrap();
    }
    log.seal().unwrap();
    let parts: Vec<Parts> = files(&disk).iter().map(|(name, bytes)| Parts::of(name, bytes)).collect();
    assert!(parts.len() > 2);
    parts
});

/// A number that somebody may have put in a place of so many bytes.
fn number(choices: &mut Choices<'_>, length: usize) -> Vec<u8> {
    let number = match choices.byte() % 5 {
        0 => 0,
        1 => u64::from(choices.byte()),
        2 => u64::MAX - u64::from(choices.byte() % 4),
        3 => 1 << (choices.byte() % 64),
        _ => u64::MAX >> (choices.byte() % 64),
    };
    number.to_le_bytes()[..length].to_vec()
}

/// Adds to the number in these eight bytes; gives the sum.
fn add(bytes: &mut [u8], by: u64) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(bytes);
    let sum = u64::from_le_bytes(number).wrapping_add(by);
    bytes.copy_from_slice(&sum.to_le_bytes());
    sum
}

/// Moves all batches, or all positions, of the journal to other numbers that follow each other as before.
fn shift(journal: &mut [Parts], positions: bool, by: u64) {
    for Parts { name, header, batches } in journal {
        if positions {
            *name = segment_name(Position(add(&mut header[20..28], by)));
        } else {
            add(&mut header[28..36], by);
        }
        for Batch { head, .. } in batches {
            add(&mut head[if positions { 24..32 } else { 16..24 }], by);
        }
    }
}

/// Changes one thing of the journal, and leaves its checksums right.
fn change_one(journal: &mut Vec<Parts>, choices: &mut Choices<'_>) {
    if choices.byte().is_multiple_of(8) {
        let mut by = [0; 8];
        let positions = choices.byte().is_multiple_of(2);
        by.copy_from_slice(&number(choices, 8));
        return shift(journal, positions, u64::from_le_bytes(by));
    }
    let place = choices.below(journal.len());
    let Some(segment) = journal.get_mut(place) else { return };
    let within = choices.below(segment.batches.len());
    match (choices.byte() % 10, segment.batches.get_mut(within)) {
        (0, _) => {
            let (at, length) = [(8, 4), (12, 8), (20, 8), (28, 8)][choices.below(4)];
            segment.header[at..at + length].copy_from_slice(&number(choices, length));
        }
        (1 | 2, Some(batch)) => {
            let (at, length) =
                [(4, 4), (8, 8), (16, 8), (24, 8), (32, 4), (36, 4), (40, 4)][choices.below(7)];
            batch.set.push((at, number(choices, length)));
        }
        (3, Some(batch)) => {
            let record = choices.below(batch.records.len());
            if let Some(record) = batch.records.get_mut(record) {
                choices.change(record);
            }
        }
        (4, Some(batch)) => batch.records.truncate(choices.below(4)),
        (5, Some(batch)) => {
            let batch = batch.clone();
            segment.batches.insert(choices.below(within + 1), batch);
        }
        (6, Some(_)) => drop(segment.batches.remove(within)),
        (7, _) => drop(journal.remove(place)),
        (8, _) => {
            let mut first = [0; 8];
            first.copy_from_slice(&number(choices, 8));
            let first = u64::from_le_bytes(first);
            segment.name = segment_name(Position(first));
            segment.header[20..28].copy_from_slice(&first.to_le_bytes());
        }
        _ => segment.batches.truncate(within),
    }
}

#[test]
fn a_journal_whose_checksums_are_right_opens_or_is_named_whatever_it_says() {
    let target = Target {
        name: "mended_journals",
        inputs: 2_500,
        random_bytes_max: 40,
        memory_factor: 64,
        take: |input| {
            let mut choices = Choices::of(input);
            let mut journal = JOURNAL.clone();
            for _ in 0..choices.below(4) {
                change_one(&mut journal, &mut choices);
            }
            let mut disk = TearingDisk::new();
            for segment in &journal {
                disk.create(&segment.name, &segment.written()).unwrap();
            }
            if let Some(name) = names(&disk).pop().filter(|_| !choices.is_over()) {
                let (at, length) = (choices.below(1_000), choices.below(1_000));
                disk.change(&name, |bytes| {
                    let mut choices = Choices::of(&input[input.len() / 2..]);
                    if at.is_multiple_of(2) {
                        bytes.truncate(length);
                    } else {
                        choices.change(bytes);
                    }
                });
            }
            opens(&disk)
        },
    };
    LazyLock::force(&JOURNAL);
    fuzz(&target, &[vec![vec![]], Choices::examples()].concat());
}

/// Reads a record, and where it is one, what is written of it is the same record.
fn record_is_read(input: &[u8]) -> bool {
    let Ok(read) = record::decode(input) else { return false };
    let causes = read.causes(Position(9)).count();
    assert_eq!(read.walks().count() - usize::from(read.prefix.cause.is_none()), causes);
    assert_eq!(read.parts().flat_map(|(_, events)| events).count(), read.events.len());
    let sent: Result<Vec<_>, _> = read.onward().collect();
    let Ok(sent) = sent else { return false };
    let Ok(onward) = sent.iter().map(|sent| sent.read()).collect::<Result<Vec<Onward>, _>>() else {
        return false;
    };
    let mut events = Vec::new();
    codec::encode_into(&read.events, &mut events).unwrap();
    let (decoded, behind) = codec::decode_front::<Vec<Event>>(&events).unwrap();
    assert_eq!((&decoded, behind.len()), (&read.events.to_vec(), 0));
    let bytes = record::encoded(read.prefix, &events, &read.joined, &onward).unwrap();
    let again = record::decode(&bytes).unwrap();
    let (events_bytes, joined_bytes) = (again.prefix.events_bytes, again.prefix.joined_bytes);
    assert_eq!(again.prefix, super::super::Prefix { events_bytes, joined_bytes, ..read.prefix });
    assert_eq!((&again.events, &again.joined), (&read.events, &read.joined));
    let sent: Vec<Onward> = again.onward().map(|sent| sent.unwrap().read().unwrap()).collect();
    assert_eq!(sent, onward);
    true
}

#[test]
fn any_bytes_as_a_record_are_refused_or_read_in_one_way() {
    let target = Target {
        name: "records",
        inputs: 50_000,
        random_bytes_max: 200,
        memory_factor: 2_048,
        take: record_is_read,
    };
    let records = RECORDED.iter().flat_map(|recorded| &recorded.records);
    fuzz(&target, &records.step_by(7).cloned().collect::<Vec<_>>());
}

/// Reads a value, and where it is one, what is written of it is the same value.
fn value_is_read<'input, Value>(input: &'input [u8]) -> bool
where
    Value: serde::Serialize + for<'bytes> serde::Deserialize<'bytes> + PartialEq + std::fmt::Debug,
{
    let Ok((value, rest)) = codec::decode_front::<Value>(input) else { return false };
    assert!(rest.len() <= input.len() && input.ends_with(rest));
    let mut bytes = Vec::new();
    codec::encode_into(&value, &mut bytes).unwrap();
    let (again, behind) = codec::decode_front::<Value>(&bytes).unwrap();
    assert_eq!((again, behind.len()), (value, 0));
    true
}

#[test]
fn any_bytes_as_a_message_are_refused_or_read_in_one_way() {
    let target = Target {
        name: "messages",
        inputs: 50_000,
        random_bytes_max: 200,
        memory_factor: 2_048,
        take: |input| {
            let message = value_is_read::<Message>(input);
            // A message begins with its caller and its id, so hardly any bytes are both.
            value_is_read::<Command>(input) || message
        },
    };
    let messages = RECORDED.iter().flat_map(|recorded| &recorded.messages);
    let examples = messages.step_by(3).flat_map(|message| {
        let (mut whole, mut command) = (Vec::new(), Vec::new());
        codec::encode_into(message, &mut whole).unwrap();
        codec::encode_into(&message.command, &mut command).unwrap();
        [whole, command]
    });
    fuzz(&target, &examples.collect::<Vec<_>>());
}
