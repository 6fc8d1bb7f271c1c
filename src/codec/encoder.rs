//! Writes values in bincode's form, without bincode's cost: a byte is a store and a number more, nothing between returns
//! more than a register holds, and whatever is small is written where it is asked for.
//!
//! Absent on purpose: floats, which nothing here is (a share is counted in hundredths of a per cent), and the definition of
//! the form, which is bincode's. In tests `codec` holds every value's bytes against bincode's.

use std::fmt;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// The largest number that takes one byte; larger ones follow a mark that says how many bytes they have.
pub(super) const ONE_BYTE_MAX: u8 = 250;
/// Before two bytes.
pub(super) const TWO_BYTES: u8 = 251;
/// Before four.
pub(super) const FOUR_BYTES: u8 = 252;
/// Before eight.
pub(super) const EIGHT_BYTES: u8 = 253;
/// Before sixteen.
pub(super) const SIXTEEN_BYTES: u8 = 254;

/// Why a value does not encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unencodable {
    /// It has a sequence or a map that does not say how long it is.
    NoLength,
    /// It has a float.
    Float,
    /// Its type says so. What it says is not kept, so that the error is as small as it is.
    Refused,
}

impl fmt::Display for Unencodable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Unencodable::NoLength => "a sequence does not say how long it is",
            Unencodable::Float => "floats are not stored",
            Unencodable::Refused => "its type says that it cannot be stored",
        })
    }
}

impl std::error::Error for Unencodable {}

impl serde::ser::Error for Unencodable {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Unencodable {
        Unencodable::Refused
    }
}

/// Where bytes go.
pub(super) trait Output {
    /// Takes one more.
    fn push(&mut self, byte: u8);
    /// Takes some more.
    fn extend(&mut self, bytes: &[u8]);
    /// Takes a mark and a number, little endian, and of these two the first so many bytes.
    fn extend_by_marked(&mut self, mark: u8, number: u64, bytes: usize);
}

/// What a number up to 64 bits has at most, with its mark.
const MARKED_BYTES: usize = 9;

impl Output for Vec<u8> {
    #[inline(always)]
    fn push(&mut self, byte: u8) {
        Vec::push(self, byte);
    }

    #[inline(always)]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline(always)]
    fn extend_by_marked(&mut self, mark: u8, number: u64, bytes: usize) {
        if self.capacity() - self.len() < MARKED_BYTES {
            // With nothing to be kept meanwhile.
            return more_room_for_marked(self, mark, number, bytes);
        }
        put_marked(self, mark, number, bytes);
    }
}

#[inline(always)]
fn put_marked(output: &mut Vec<u8>, mark: u8, number: u64, bytes: usize) {
    let start = output.len();
    output.extend_from_slice(&[mark; MARKED_BYTES]);
    let place = output.last_chunk_mut().unwrap_or_else(|| unreachable!("it was just added"));
    *place = number.to_le_bytes();
    output.truncate(start + bytes);
}

#[cold]
#[inline(never)]
fn more_room_for_marked(output: &mut Vec<u8>, mark: u8, number: u64, bytes: usize) {
    put_marked(output, mark, number, bytes);
}

/// Bytes that are in no memory of their own as long as they are few.
pub(super) struct Few {
    bytes: [u8; FEW_BYTES],
    /// How many of them are filled; one more than there are once all is in `many`.
    filled: usize,
    many: Vec<u8>,
}

/// Nearly every command is shorter than half of it.
const FEW_BYTES: usize = 256;
const ALL_IN_MANY: usize = FEW_BYTES + 1;

impl Few {
    pub(super) fn new() -> Few {
        Few { bytes: [0; FEW_BYTES], filled: 0, many: Vec::new() }
    }

    /// All that it was given.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or(&self.many)
    }

    #[cold]
    fn add_to_many(&mut self, bytes: &[u8]) {
        if self.filled != ALL_IN_MANY {
            self.many.extend_from_slice(&self.bytes[..self.filled]);
            self.filled = ALL_IN_MANY;
        }
        self.many.extend_from_slice(bytes);
    }
}

impl Output for Few {
    #[inline(always)]
    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.filled) {
            Some(place) => {
                *place = byte;
                self.filled += 1;
            }
            None => self.add_to_many(&[byte]),
        }
    }

    #[inline(always)]
    fn extend(&mut self, bytes: &[u8]) {
        match self.bytes.get_mut(self.filled..).and_then(|free| free.get_mut(..bytes.len())) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.filled += bytes.len();
            }
            None => self.add_to_many(bytes),
        }
    }

    #[inline(always)]
    fn extend_by_marked(&mut self, mark: u8, number: u64, bytes: usize) {
        match self.bytes.get_mut(self.filled..).and_then(<[u8]>::first_chunk_mut::<MARKED_BYTES>) {
            Some([marked, place @ ..]) => {
                (*marked, *place) = (mark, number.to_le_bytes());
                self.filled += bytes;
            }
            None => {
                let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
                self.add_to_many(&[mark, a, b, c, d, e, f, g, h][..bytes]);
            }
        }
    }
}

/// Writes values behind what is there.
pub(super) struct Encoder<'output, Bytes: Output>(pub &'output mut Bytes);

impl<Bytes: Output> Encoder<'_, Bytes> {
    #[inline(always)]
    fn again(&mut self) -> Encoder<'_, Bytes> {
        Encoder(self.0)
    }

    #[inline(always)]
    fn number(&mut self, number: u64) {
        if number <= u64::from(ONE_BYTE_MAX) {
            self.0.push(number as u8);
        } else {
            long_number(self.0, number);
        }
    }

    #[inline(always)]
    fn counted(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }
}

/// Writes a number that takes more than one byte; by itself, so that those that take one are written where they are asked for.
#[inline(never)]
fn long_number<Bytes: Output>(output: &mut Bytes, number: u64) {
    // How long the next number is cannot be foreseen, so no way is chosen by it.
    let more_than_two = number > u64::from(u16::MAX);
    let more_than_four = number > u64::from(u32::MAX);
    let mark = TWO_BYTES + u8::from(more_than_two) + u8::from(more_than_four);
    let bytes = 3 + 2 * usize::from(more_than_two) + 4 * usize::from(more_than_four);
    output.extend_by_marked(mark, number, bytes);
}

const _: () = assert!(TWO_BYTES + 1 == FOUR_BYTES && FOUR_BYTES + 1 == EIGHT_BYTES);

/// The signed number as one without a sign, small where it is near 0: twice it, or where it is below 0 one less than twice
/// how much.
#[inline(always)]
fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

impl<'output, Bytes: Output> Serializer for Encoder<'output, Bytes> {
    type Ok = ();
    type Error = Unencodable;
    type SerializeSeq = Encoder<'output, Bytes>;
    type SerializeTuple = Encoder<'output, Bytes>;
    type SerializeTupleStruct = Encoder<'output, Bytes>;
    type SerializeTupleVariant = Encoder<'output, Bytes>;
    type SerializeMap = Encoder<'output, Bytes>;
    type SerializeStruct = Encoder<'output, Bytes>;
    type SerializeStructVariant = Encoder<'output, Bytes>;

    #[inline(always)]
    fn serialize_bool(self, value: bool) -> Result<(), Unencodable> {
        self.0.push(u8::from(value));
        Ok(())
    }

    #[inline(always)]
    fn serialize_i8(self, value: i8) -> Result<(), Unencodable> {
        self.0.push(value as u8);
        Ok(())
    }

    #[inline(always)]
    fn serialize_i16(self, value: i16) -> Result<(), Unencodable> {
        self.serialize_i64(i64::from(value))
    }

    #[inline(always)]
    fn serialize_i32(self, value: i32) -> Result<(), Unencodable> {
        self.serialize_i64(i64::from(value))
    }

    #[inline(always)]
    fn serialize_i64(mut self, value: i64) -> Result<(), Unencodable> {
        self.number(folded(value));
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Unencodable> {
        self.serialize_u128((value << 1 ^ value >> 127) as u128)
    }

    #[inline(always)]
    fn serialize_u8(self, value: u8) -> Result<(), Unencodable> {
        self.0.push(value);
        Ok(())
    }

    #[inline(always)]
    fn serialize_u16(mut self, value: u16) -> Result<(), Unencodable> {
        self.number(u64::from(value));
        Ok(())
    }

    #[inline(always)]
    fn serialize_u32(mut self, value: u32) -> Result<(), Unencodable> {
        self.number(u64::from(value));
        Ok(())
    }

    #[inline(always)]
    fn serialize_u64(mut self, value: u64) -> Result<(), Unencodable> {
        self.number(value);
        Ok(())
    }

    #[inline]
    fn serialize_u128(mut self, value: u128) -> Result<(), Unencodable> {
        match u64::try_from(value) {
            Ok(value) => self.number(value),
            Err(_) => {
                let mut marked = [SIXTEEN_BYTES; 17];
                marked[1..].copy_from_slice(&value.to_le_bytes());
                self.0.extend(&marked);
            }
        }
        Ok(())
    }

    #[cold]
    fn serialize_f32(self, _: f32) -> Result<(), Unencodable> {
        Err(Unencodable::Float)
    }

    #[cold]
    fn serialize_f64(self, _: f64) -> Result<(), Unencodable> {
        Err(Unencodable::Float)
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), Unencodable> {
        self.0.extend(value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(mut self, value: &str) -> Result<(), Unencodable> {
        self.counted(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), Unencodable> {
        self.counted(value);
        Ok(())
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), Unencodable> {
        self.0.push(0);
        Ok(())
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unencodable> {
        self.0.push(1);
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), Unencodable> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unencodable> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), Unencodable> {
        self.number(u64::from(index));
        Ok(())
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unencodable> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unencodable> {
        self.number(u64::from(index));
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_seq(mut self, length: Option<usize>) -> Result<Self, Unencodable> {
        self.number(length.ok_or(Unencodable::NoLength)? as u64);
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Self, Unencodable> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unencodable> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unencodable> {
        self.number(u64::from(index));
        Ok(self)
    }

    #[inline(always)]
    fn serialize_map(self, length: Option<usize>) -> Result<Self, Unencodable> {
        self.serialize_seq(length)
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unencodable> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unencodable> {
        self.number(u64::from(index));
        Ok(self)
    }

    #[inline(always)]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a value stand one behind the other, whatever holds them.
macro_rules! parts {
    ($($part:ident of $whole:ident $(, $key:ty)?;)*) => {$(
        impl<Bytes: Output> $whole for Encoder<'_, Bytes> {
            type Ok = ();
            type Error = Unencodable;

            #[inline(always)]
            fn $part<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), Unencodable> {
                value.serialize(self.again())
            }

            #[inline(always)]
            fn end(self) -> Result<(), Unencodable> {
                Ok(())
            }
        }
    )*};
}

parts! {
    serialize_element of SerializeSeq;
    serialize_element of SerializeTuple;
    serialize_field of SerializeTupleStruct;
    serialize_field of SerializeTupleVariant;
    serialize_field of SerializeStruct, &'static str;
    serialize_field of SerializeStructVariant, &'static str;
}

impl<Bytes: Output> SerializeMap for Encoder<'_, Bytes> {
    type Ok = ();
    type Error = Unencodable;

    #[inline(always)]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unencodable> {
        key.serialize(self.again())
    }

    #[inline(always)]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unencodable> {
        value.serialize(self.again())
    }

    #[inline(always)]
    fn end(self) -> Result<(), Unencodable> {
        Ok(())
    }
}
