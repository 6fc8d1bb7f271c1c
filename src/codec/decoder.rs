//! Reads values in bincode's form, without bincode's cost: a number of one byte is a look and a step, and that something is
//! wrong takes no memory.
//!
//! Absent on purpose: what is wrong, and whatever is rare. Bytes that are refused here are read once more by bincode, which
//! says what is wrong with them, or reads them; so nothing can be refused here alone. It reads letters too, and what is so
//! long that its bound could matter. What must not be is that bytes are taken here and refused there.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::encoder::{EIGHT_BYTES, FOUR_BYTES, ONE_BYTE_MAX, SIXTEEN_BYTES, TWO_BYTES};

/// No part of a value counts more against bincode's bound for each of its bytes: a number of sixteen bytes may be stored in one.
pub(super) const COUNTED_FOR_A_BYTE_MAX: usize = 16;

/// Bytes that are not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("these bytes are for bincode to read")
    }
}

impl std::error::Error for Unread {}

impl serde::de::Error for Unread {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Unread {
        Unread
    }
}

/// Takes values off the front of bytes.
pub(super) struct Decoder<'bytes>(pub &'bytes [u8]);

impl<'bytes> Decoder<'bytes> {
    #[inline(always)]
    fn byte(&mut self) -> Result<u8, Unread> {
        let (byte, rest) = self.0.split_first().ok_or(Unread)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// True or false; nothing else is.
    #[inline(always)]
    fn truth(&mut self) -> Result<bool, Unread> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unread),
        }
    }

    /// A number whose mark is at most this.
    #[inline(always)]
    fn number(&mut self, mark_max: u8) -> Result<u64, Unread> {
        match self.0.split_first() {
            Some((byte, rest)) if *byte <= ONE_BYTE_MAX => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_number(mark_max),
        }
    }

    #[inline(never)]
    fn long_number(&mut self, mark_max: u8) -> Result<u64, Unread> {
        let mark = self.byte()?;
        if mark > mark_max {
            return Err(Unread);
        }
        match mark {
            TWO_BYTES => Ok(u64::from(u16::from_le_bytes(self.chunk()?))),
            FOUR_BYTES => Ok(u64::from(u32::from_le_bytes(self.chunk()?))),
            EIGHT_BYTES => Ok(u64::from_le_bytes(self.chunk()?)),
            _ => Err(Unread),
        }
    }

    #[inline(always)]
    fn chunk<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Unread> {
        let (chunk, rest) = self.0.split_first_chunk().ok_or(Unread)?;
        self.0 = rest;
        Ok(*chunk)
    }

    fn wide_number(&mut self) -> Result<u128, Unread> {
        match self.0.split_first_chunk() {
            Some(([SIXTEEN_BYTES], rest)) => {
                self.0 = rest;
                Ok(u128::from_le_bytes(self.chunk()?))
            }
            _ => self.number(EIGHT_BYTES).map(u128::from),
        }
    }

    #[inline(always)]
    fn length(&mut self) -> Result<usize, Unread> {
        usize::try_from(self.number(EIGHT_BYTES)?).map_err(|_| Unread)
    }

    #[inline(always)]
    fn counted(&mut self) -> Result<&'bytes [u8], Unread> {
        let length = self.length()?;
        let (front, rest) = self.0.split_at_checked(length).ok_or(Unread)?;
        self.0 = rest;
        Ok(front)
    }

    #[inline(always)]
    fn text(&mut self) -> Result<&'bytes str, Unread> {
        std::str::from_utf8(self.counted()?).map_err(|_| Unread)
    }
}

/// The number that `encoder` has folded.
#[inline(always)]
fn unfolded(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

impl<'bytes> Deserializer<'bytes> for &mut Decoder<'bytes> {
    type Error = Unread;

    #[cold]
    fn deserialize_any<V: Visitor<'bytes>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    #[inline(always)]
    fn deserialize_bool<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_bool(self.truth()?)
    }

    #[inline(always)]
    fn deserialize_i8<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i8(self.byte()? as i8)
    }

    #[inline(always)]
    fn deserialize_i16<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i16(unfolded(self.number(TWO_BYTES)?) as i16)
    }

    #[inline(always)]
    fn deserialize_i32<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i32(unfolded(self.number(FOUR_BYTES)?) as i32)
    }

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i64(unfolded(self.number(EIGHT_BYTES)?))
    }

    #[inline]
    fn deserialize_i128<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        let number = self.wide_number()?;
        visitor.visit_i128((number >> 1) as i128 ^ -((number & 1) as i128))
    }

    #[inline(always)]
    fn deserialize_u8<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u8(self.byte()?)
    }

    #[inline(always)]
    fn deserialize_u16<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u16(self.number(TWO_BYTES)? as u16)
    }

    #[inline(always)]
    fn deserialize_u32<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u32(self.number(FOUR_BYTES)? as u32)
    }

    #[inline(always)]
    fn deserialize_u64<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u64(self.number(EIGHT_BYTES)?)
    }

    #[inline]
    fn deserialize_u128<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u128(self.wide_number()?)
    }

    #[cold]
    fn deserialize_f32<V: Visitor<'bytes>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    #[cold]
    fn deserialize_f64<V: Visitor<'bytes>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    #[cold]
    fn deserialize_char<V: Visitor<'bytes>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_string(self.text()?.to_owned())
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_borrowed_bytes(self.counted()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_byte_buf(self.counted()?.to_vec())
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.truth()? { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    #[inline(always)]
    fn deserialize_unit<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_unit_struct<V: Visitor<'bytes>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'bytes>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    #[inline(always)]
    fn deserialize_seq<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        let left = self.length()?;
        visitor.visit_seq(Parts { decoder: self, left })
    }

    #[inline(always)]
    fn deserialize_tuple<V: Visitor<'bytes>>(self, length: usize, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_seq(Parts { decoder: self, left: length })
    }

    #[inline(always)]
    fn deserialize_tuple_struct<V: Visitor<'bytes>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_tuple(length, visitor)
    }

    #[inline(always)]
    fn deserialize_map<V: Visitor<'bytes>>(self, visitor: V) -> Result<V::Value, Unread> {
        let left = self.length()?;
        visitor.visit_map(Parts { decoder: self, left })
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'bytes>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[inline(always)]
    fn deserialize_enum<V: Visitor<'bytes>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_enum(self)
    }

    #[cold]
    fn deserialize_identifier<V: Visitor<'bytes>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    #[cold]
    fn deserialize_ignored_any<V: Visitor<'bytes>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    #[inline(always)]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a value that are still to be read; of a map, its pairs.
struct Parts<'decoder, 'bytes> {
    decoder: &'decoder mut Decoder<'bytes>,
    left: usize,
}

impl<'bytes> SeqAccess<'bytes> for Parts<'_, 'bytes> {
    type Error = Unread;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'bytes>>(&mut self, seed: T) -> Result<Option<T::Value>, Unread> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    #[inline(always)]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'bytes> MapAccess<'bytes> for Parts<'_, 'bytes> {
    type Error = Unread;

    #[inline(always)]
    fn next_key_seed<T: DeserializeSeed<'bytes>>(&mut self, seed: T) -> Result<Option<T::Value>, Unread> {
        self.next_element_seed(seed)
    }

    #[inline(always)]
    fn next_value_seed<T: DeserializeSeed<'bytes>>(&mut self, seed: T) -> Result<T::Value, Unread> {
        seed.deserialize(&mut *self.decoder)
    }

    #[inline(always)]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'bytes> EnumAccess<'bytes> for &mut Decoder<'bytes> {
    type Error = Unread;
    type Variant = Self;

    #[inline(always)]
    fn variant_seed<T: DeserializeSeed<'bytes>>(self, seed: T) -> Result<(T::Value, Self), Unread> {
        let index = self.number(FOUR_BYTES)? as u32;
        let variant = seed.deserialize(IntoDeserializer::<Unread>::into_deserializer(index))?;
        Ok((variant, self))
    }
}

impl<'bytes> VariantAccess<'bytes> for &mut Decoder<'bytes> {
    type Error = Unread;

    #[inline(always)]
    fn unit_variant(self) -> Result<(), Unread> {
        Ok(())
    }

    #[inline(always)]
    fn newtype_variant_seed<T: DeserializeSeed<'bytes>>(self, seed: T) -> Result<T::Value, Unread> {
        seed.deserialize(self)
    }

    #[inline(always)]
    fn tuple_variant<V: Visitor<'bytes>>(self, length: usize, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_tuple(length, visitor)
    }

    #[inline(always)]
    fn struct_variant<V: Visitor<'bytes>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
