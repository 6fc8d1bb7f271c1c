//! Ours held against bincode, on values that have every kind of part.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use super::*;

/// Each kind of value that serde knows of and that is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Made {
    Nothing,
    Marker(Marker),
    Bool(bool),
    Small(u8, i8),
    Middle { unsigned: u16, signed: i16 },
    Numbers(u32, i32, u64, i64),
    Wide(u128, i128),
    Count(usize),
    Letter(char),
    Text(String),
    Optional(Option<Box<Made>>),
    Wrapped(Wrapped),
    Two(Two),
    Fields(Fields),
    Unit(()),
    Array([u64; 3]),
    Sequence(Vec<Made>),
    Map(BTreeMap<String, Made>),
    Fallible(Result<u32, bool>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Box<Made>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Two(Box<Made>, u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fields {
    first: Box<Made>,
    second: Option<u64>,
    third: (i64, Vec<u8>),
}

prop_compose! {
    /// Numbers of every length.
    fn number()(number: u128, bits in 0_u32..=128) -> u128 {
        number.checked_shr(bits).unwrap_or(0)
    }
}

fn made() -> impl Strategy<Value = Made> {
    let leaf = prop_oneof![
        Just(Made::Nothing),
        Just(Made::Marker(Marker)),
        Just(Made::Unit(())),
        any::<bool>().prop_map(Made::Bool),
        any::<(u8, i8)>().prop_map(|(unsigned, signed)| Made::Small(unsigned, signed)),
        (number(), number()).prop_map(|(one, two)| Made::Middle { unsigned: one as u16, signed: two as i16 }),
        (number(), number(), number(), number()).prop_map(|(one, two, three, four)| Made::Numbers(
            one as u32,
            two as i32,
            three as u64,
            four as i64
        )),
        (number(), number()).prop_map(|(one, two)| Made::Wide(one, two as i128)),
        number().prop_map(|number| Made::Count(number as usize)),
        any::<char>().prop_map(Made::Letter),
        ".{0,300}".prop_map(Made::Text),
        (number(), number(), number()).prop_map(|(one, two, three)| Made::Array([
            one as u64,
            two as u64,
            three as u64
        ])),
        any::<Result<u32, bool>>().prop_map(Made::Fallible),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            prop::option::of(boxed()).prop_map(Made::Optional),
            boxed().prop_map(|inner| Made::Wrapped(Wrapped(inner))),
            (boxed(), number()).prop_map(|(inner, number)| Made::Two(Two(inner, number as u64))),
            (boxed(), any::<Option<u64>>(), any::<i64>(), prop::collection::vec(any::<u8>(), 0..300))
                .prop_map(|(first, second, third, bytes)| Made::Fields(Fields {
                    first,
                    second,
                    third: (third, bytes)
                })),
            prop::collection::vec(inner.clone(), 0..8).prop_map(Made::Sequence),
            prop::collection::btree_map(".{0,9}", inner, 0..8).prop_map(Made::Map),
        ]
    })
}

/// Bytes that are asked for as such.
struct Bytes<'bytes>(&'bytes [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Text that is made while it is written.
struct Spoken(u64);

impl Serialize for Spoken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Says whether it is written for people to read.
struct ForPeople;

impl Serialize for ForPeople {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let readable = serializer.is_human_readable();
        serializer.serialize_bool(readable)
    }
}

/// A sequence that does not say how long it is.
struct Endless;

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0_u8..9).filter(|number| number % 2 == 0))
    }
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_only_few_types_ask_for_is_as_bincode_gives_it() {
    for length in [0, 1, 250, 251, 65_535, 65_536] {
        let long = vec![7; length];
        assert_eq!(encoded(&Bytes(&long)), by_bincode(&Bytes(&long)), "{length} bytes");
    }
    assert_eq!(encoded(&Spoken(1_234)), by_bincode(&Spoken(1_234)));
    assert_eq!(encoded(&ForPeople), [0]);
    assert_eq!(by_bincode(&ForPeople), [0]);
}

#[test]
fn what_is_not_stored_is_refused() {
    let mut bytes = vec![9];
    let why = |value: Result<(), CodecError>| value.unwrap_err().to_string();
    assert_eq!(why(encode_into(&Endless, &mut bytes)), "a sequence does not say how long it is");
    assert_eq!(why(encode_into(&1.5_f32, &mut bytes)), "floats are not stored");
    assert_eq!(why(encode_into(&1.5_f64, &mut bytes)), "floats are not stored");
    let locked = std::cell::RefCell::new(1_u8);
    let _held = locked.borrow_mut();
    assert_eq!(why(encode_into(&locked, &mut bytes)), "its type says that it cannot be stored");
    assert_eq!(bytes, [9]);
}

#[test]
fn the_number_in_front_takes_the_bytes_that_it_needs() {
    for length in [0, 1, 247, 248, 249, 250, 251, 252, 65_530, 65_532, 65_533, 65_535, 65_536] {
        let value = Bytes(&vec![7; length]);
        let (whole, mut counted) = (encoded(&value), vec![1, 2, 3]);
        encode_counted_into(&value, &mut counted).unwrap();
        let expected = [&[1, 2, 3], &encoded(&whole.len())[..], &whole].concat();
        assert!(counted == expected, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn every_value_takes_bincodes_bytes(value in made(), before: Vec<u8>) {
        let expected = by_bincode(&value);
        let mut bytes = before.clone();
        encode_into(&value, &mut bytes).unwrap();
        prop_assert_eq!(&bytes[before.len()..], &expected[..]);
        prop_assert_eq!(&bytes[..before.len()], &before[..]);
        let mut few = Few::new();
        value.serialize(Encoder(&mut few)).unwrap();
        prop_assert_eq!(few.bytes(), &expected[..]);
    }

    #[test]
    fn few_bytes_and_many_are_all_kept(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..9)) {
        use encoder::Output;
        let mut few = Few::new();
        for part in &parts {
            match part[..] {
                [byte] => few.push(byte),
                [mark, a, b, c, d, e, f, g, ..] => {
                    few.extend_by_marked(mark, u64::from_le_bytes([a, b, c, d, e, f, g, 0]), 8);
                    few.extend(&part[8..]);
                }
                _ => few.extend(part),
            }
        }
        prop_assert_eq!(few.bytes(), &parts.concat()[..]);
    }

    #[test]
    fn every_value_is_read_back(value in made(), behind: Vec<u8>) {
        let mut bytes = by_bincode(&value);
        bytes.extend(&behind);
        prop_assert_eq!(decode_front(&bytes).unwrap(), (value.clone(), &behind[..]));
        prop_assert_eq!(decode_large(&bytes).unwrap(), (value.clone(), &behind[..]));
        let read = Made::deserialize(&mut Decoder(&bytes));
        if has_letter(&value) {
            prop_assert!(read.is_err(), "letters are for bincode to read");
        } else {
            prop_assert_eq!(read, Ok(value), "bincode is not asked");
        }
    }

    #[test]
    fn sequences_are_put_behind_others(
        sequences in prop::collection::vec(prop::collection::vec(made(), 0..5), 0..5),
        behind: Vec<u8>,
    ) {
        let mut values = Vec::<Made>::new();
        for sequence in &sequences {
            let bytes = [&by_bincode(sequence)[..], &behind].concat();
            prop_assert_eq!(decode_front_into(&bytes, &mut values).unwrap(), (sequence.len(), &behind[..]));
        }
        prop_assert_eq!(values, sequences.concat());
    }

    #[test]
    fn changed_and_cut_bytes_are_read_or_refused_as_by_bincode(
        value in made(),
        changes: Vec<(prop::sample::Index, Change)>,
        cut: Option<prop::sample::Index>,
    ) {
        let mut bytes = by_bincode(&value);
        for (place, change) in changes.into_iter().take(3) {
            change.make(&mut bytes, place);
        }
        bytes.truncate(cut.map_or(usize::MAX, |cut| cut.index(bytes.len().max(1))));
        as_by_bincode::<Made>(&bytes)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_by_bincode(
        bytes in prop::collection::vec(prop_oneof![0..20_u8, 245..=255_u8, any::<u8>()], 0..60),
    ) {
        as_by_bincode::<Made>(&bytes)?;
        as_by_bincode::<(u16, i16, u32, i32, u64, i64, u128, i128)>(&bytes)?;
        as_by_bincode::<(bool, Option<u8>, usize)>(&bytes)?;
        as_by_bincode::<(u16, &str, &[u8])>(&bytes)?;
        as_by_bincode::<Vec<(String, Option<i64>)>>(&bytes)?;
        as_by_bincode::<BTreeMap<u32, Result<u16, Marker>>>(&bytes)?;
    }
}

/// What happens to bytes at a place.
#[derive(Clone, Debug)]
enum Change {
    Set(u8),
    Put(u8),
    Remove,
    Length(u64),
}

impl Arbitrary for Change {
    type Parameters = ();
    type Strategy = BoxedStrategy<Change>;

    fn arbitrary_with((): ()) -> BoxedStrategy<Change> {
        let byte = || prop_oneof![0..20_u8, 245..=255_u8, any::<u8>()];
        prop_oneof![
            byte().prop_map(Change::Set),
            byte().prop_map(Change::Put),
            Just(Change::Remove),
            number().prop_map(|length| Change::Length(length as u64)),
        ]
        .boxed()
    }
}

impl Change {
    fn make(self, bytes: &mut Vec<u8>, place: prop::sample::Index) {
        if bytes.is_empty() {
            return;
        }
        let at = place.index(bytes.len());
        match self {
            Change::Set(byte) => bytes[at] = byte,
            Change::Put(byte) => bytes.insert(at, byte),
            Change::Remove => drop(bytes.remove(at)),
            Change::Length(length) => {
                bytes.splice(at..=at, by_bincode(&length));
            }
        }
    }
}

fn as_by_bincode<'bytes, T: Deserialize<'bytes> + PartialEq + std::fmt::Debug>(
    bytes: &'bytes [u8],
) -> Result<(), TestCaseError> {
    let ours = T::deserialize(&mut Decoder(bytes)).ok();
    let theirs = decode_by_bincode::<T>(bytes, configuration()).map_err(|error| error.to_string());
    if let Some(ours) = ours {
        prop_assert_eq!(Ok(&ours), theirs.as_ref().map(|(value, _)| value));
    }
    prop_assert_eq!(decode_front::<T>(bytes).map_err(|error| error.to_string()), theirs);
    let whole = decode_by_bincode::<Vec<T>>(bytes, configuration()).ok();
    let mut values = Vec::<T>::new();
    let read = decode_front_into(bytes, &mut values).ok();
    prop_assert_eq!(read.map(|(_, rest)| (values, rest)), whole);
    Ok(())
}

fn has_letter(value: &Made) -> bool {
    match value {
        Made::Letter(_) => true,
        Made::Optional(inner) => inner.as_deref().is_some_and(has_letter),
        Made::Wrapped(Wrapped(inner)) | Made::Two(Two(inner, _)) => has_letter(inner),
        Made::Fields(fields) => has_letter(&fields.first),
        Made::Sequence(values) => values.iter().any(has_letter),
        Made::Map(values) => values.values().any(has_letter),
        _ => false,
    }
}

#[test]
fn a_value_is_refused_where_it_passes_the_bound_and_not_before() {
    // A number counts eight bytes, and takes one here.
    let counted = |numbers: u64| [&encoded(&numbers)[..], &vec![1; numbers as usize]].concat();
    let most = RECORD_BYTES_MAX / 8 - 1;
    assert_eq!(decode_front::<Vec<u64>>(&counted(most)).unwrap().0.len() as u64, most);
    assert!(decode_front::<Vec<u64>>(&counted(most + 1)).is_err());
    assert_eq!(decode_large::<Vec<u64>>(&counted(most + 1)).unwrap().0.len() as u64, most + 1);
    // As many as are read without a look at the bound, each counting the most that it can.
    let wide = UNBOUNDED_BYTES_MAX - 5;
    let numbers = [&encoded(&wide)[..], &vec![1; wide]].concat();
    assert_eq!(numbers.len(), UNBOUNDED_BYTES_MAX);
    assert_eq!(decode_front::<Vec<u128>>(&numbers).unwrap().0.len(), wide);
}
