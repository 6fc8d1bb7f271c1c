//! A command whose parts stand apart: its name in a table, some of its fields in a path or a query, and the others in a body. It is
//! read from where they stand, and no text is made of them.
//!
//! Absent on purpose: what is wrong with one, and where. Who finds that a command does not read looks at the text of all its parts.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{EnumAccessDeserializer, MapAccessDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, VariantAccess, Visitor,
};
use serde_json::Value;

use super::CommandBody;

/// Reads the command of that name with these fields, and with the members of a body, which is an object; none where it does not read.
pub(in crate::server) fn read_apart<'parts>(
    command: &str,
    fields: impl Iterator<Item = (&'parts str, &'parts Value)>,
    body: &'parts str,
) -> Option<CommandBody> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let read = deserializer.deserialize_map(Apart { command, fields }).ok()?;
    deserializer.end().ok()?;
    Some(read)
}

/// What makes a command of a body.
struct Apart<'command, Fields> {
    command: &'command str,
    fields: Fields,
}

impl<'de, Fields: Iterator<Item = (&'de str, &'de Value)>> Visitor<'de> for Apart<'_, Fields> {
    type Value = CommandBody;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<Body: MapAccess<'de>>(self, body: Body) -> Result<CommandBody, Body::Error> {
        let members = Members { fields: self.fields, value: None, body };
        CommandBody::deserialize(EnumAccessDeserializer::new(Named { name: self.command, members }))
    }
}

/// A command's name, and its fields.
struct Named<'command, Members> {
    name: &'command str,
    members: Members,
}

impl<'de, Members: MapAccess<'de>> EnumAccess<'de> for Named<'_, Members> {
    type Error = Members::Error;
    type Variant = Variant<Members>;

    fn variant_seed<Seed: DeserializeSeed<'de>>(
        self,
        seed: Seed,
    ) -> Result<(Seed::Value, Self::Variant), Self::Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, Variant(self.members)))
    }
}

/// The fields of a command, all of which have names.
struct Variant<Members>(Members);

impl<'de, Members: MapAccess<'de>> VariantAccess<'de> for Variant<Members> {
    type Error = Members::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        <()>::deserialize(MapAccessDeserializer::new(self.0))
    }

    fn newtype_variant_seed<Seed: DeserializeSeed<'de>>(
        self,
        seed: Seed,
    ) -> Result<Seed::Value, Self::Error> {
        seed.deserialize(MapAccessDeserializer::new(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self.0)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self.0)
    }
}

/// Fields that stand before a body, and then its members.
struct Members<'de, Fields, Body> {
    fields: Fields,
    /// Of the field whose name was read.
    value: Option<&'de Value>,
    body: Body,
}

impl<'de, Fields, Body> MapAccess<'de> for Members<'de, Fields, Body>
where
    Fields: Iterator<Item = (&'de str, &'de Value)>,
    Body: MapAccess<'de>,
{
    type Error = Body::Error;

    fn next_key_seed<Seed: DeserializeSeed<'de>>(
        &mut self,
        seed: Seed,
    ) -> Result<Option<Seed::Value>, Self::Error> {
        match self.fields.next() {
            Some((name, value)) => {
                self.value = Some(value);
                seed.deserialize(name.into_deserializer()).map(Some)
            }
            None => self.body.next_key_seed(seed),
        }
    }

    fn next_value_seed<Seed: DeserializeSeed<'de>>(
        &mut self,
        seed: Seed,
    ) -> Result<Seed::Value, Self::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(Error::custom),
            None => self.body.next_value_seed(seed),
        }
    }
}
