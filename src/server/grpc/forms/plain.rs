//! Batches read straight from their bytes: of which a rush consists are purchases with few fields, and none of those is copied on its
//! way.
//!
//! Whatever is not as plain is read as prost reads it, so what can be read, and what is wrong with the rest, is the same. Absent on
//! purpose: any knowledge of fields beyond those of a plain purchase.

use prost::{DecodeError, Message as _};

use super::reading::{message, name, request_id};
use crate::domain::Serial;
use crate::limits::BATCH_MESSAGES_MAX;
use crate::proto;
use crate::server::batch::Batch;
use crate::server::door::ReadMessage;
use crate::server::json::{CommandBody, PaidFromBody, Problem, ViaBody};

/// The keys of fields, as they stand before them: `Batch`, `Message` and `Purchase` of `proto/hongbao.proto`.
const BATCH_ID: u8 = 1 << 3;
const BATCH_MESSAGES: u8 = 2 << 3 | TEXT;
const IDEMPOTENCY_KEY: u8 = 1 << 3 | TEXT;
const ON_BEHALF_OF: u8 = 2 << 3 | TEXT;
/// Field 32 has a key of two bytes, of seven bits each from the lowest on.
const PURCHASE: [u8; 2] = [((32 << 3 | TEXT as u16) & 0x7F) as u8 | 0x80, (32 << 3 >> 7) as u8];
const OFFERING: u8 = 1 << 3 | TEXT;
const SERIAL: u8 = 2 << 3;

/// What a key says of a field that has a length: a text, or a message.
const TEXT: u8 = 2;

/// A plain purchase has no less bytes, mostly: for so many room is made.
const PURCHASE_BYTES: usize = 40;

/// A batch as it was read.
pub(in crate::server) struct ReadBatch {
    pub(in crate::server) id: u64,
    /// The messages, each read or not; or why they are not looked at.
    pub(in crate::server) messages: Result<Vec<Result<ReadMessage, Problem>>, Problem>,
}

/// Reads a batch.
///
/// # Errors
/// Where it is none.
pub(in crate::server) fn batch(bytes: &[u8]) -> Result<ReadBatch, DecodeError> {
    if let Some(read) = plain_batch(bytes) {
        return Ok(read);
    }
    let proto::Batch { id, messages } = proto::Batch::decode(bytes)?;
    let judged = Batch::check(messages.len());
    Ok(ReadBatch { id, messages: judged.map(|()| messages.into_iter().map(message).collect()) })
}

/// A batch of not too many messages, where nothing else stands in it.
fn plain_batch(mut rest: &[u8]) -> Option<ReadBatch> {
    let mut messages = Vec::with_capacity((rest.len() / PURCHASE_BYTES).min(BATCH_MESSAGES_MAX));
    let mut id = 0;
    while let Some(key) = byte(&mut rest) {
        match key {
            BATCH_ID => id = number(&mut rest)?,
            BATCH_MESSAGES if messages.len() < BATCH_MESSAGES_MAX => {
                let bytes = piece(&mut rest)?;
                messages.push(match PlainPurchase::of(bytes) {
                    Some(purchase) => purchase.read(),
                    None => message(proto::Message::decode(bytes).ok()?),
                });
            }
            _ => return None,
        }
    }
    Some(ReadBatch { id, messages: Ok(messages) })
}

/// A purchase of which only this is said.
#[derive(Default)]
struct PlainPurchase<'bytes> {
    idempotency_key: Option<&'bytes str>,
    on_behalf_of: Option<&'bytes str>,
    offering: Option<&'bytes str>,
    serial: Option<u32>,
}

impl<'bytes> PlainPurchase<'bytes> {
    /// None where a message is something else, or says something twice.
    fn of(mut rest: &'bytes [u8]) -> Option<PlainPurchase<'bytes>> {
        let (mut read, mut command) = (PlainPurchase::default(), None);
        while let Some(key) = byte(&mut rest) {
            match key {
                IDEMPOTENCY_KEY => once(&mut read.idempotency_key, text(&mut rest)?)?,
                ON_BEHALF_OF => once(&mut read.on_behalf_of, text(&mut rest)?)?,
                key if key == PURCHASE[0] && byte(&mut rest) == Some(PURCHASE[1]) => {
                    once(&mut command, piece(&mut rest)?)?;
                }
                _ => return None,
            }
        }
        let mut rest = command?;
        while let Some(key) = byte(&mut rest) {
            match key {
                OFFERING => once(&mut read.offering, text(&mut rest)?)?,
                SERIAL => once(&mut read.serial, u32::try_from(number(&mut rest)?).ok()?)?,
                _ => return None,
            }
        }
        Some(read)
    }

    /// As `message` reads it. A text that is left out is empty.
    fn read(self) -> Result<ReadMessage, Problem> {
        let request_id = request_id("idempotency_key", self.idempotency_key.unwrap_or_default())?;
        let on_behalf_of = self.on_behalf_of.map(|text| name("on_behalf_of", text)).transpose()?;
        let command = CommandBody::Purchase {
            offering: name("offering", self.offering.unwrap_or_default())?,
            serial: self.serial.map(Serial),
            via: ViaBody::Public,
            paid_from: PaidFromBody::Available,
            price_max: None,
            currency: None,
        };
        Ok(ReadMessage { request_id, on_behalf_of, if_sequence: None, show: Vec::new(), command })
    }
}

/// Notes what may be said once.
fn once<T>(place: &mut Option<T>, said: T) -> Option<()> {
    place.replace(said).is_none().then_some(())
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

/// A number of up to 63 bits, in groups of seven from the lowest on.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in (0..63).step_by(7) {
        let group = byte(rest)?;
        number |= u64::from(group & 0x7F) << place;
        if group < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Bytes behind their length.
fn piece<'bytes>(rest: &mut &'bytes [u8]) -> Option<&'bytes [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (piece, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(piece)
}

fn text<'bytes>(rest: &mut &'bytes [u8]) -> Option<&'bytes str> {
    std::str::from_utf8(piece(rest)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::message::Command;

    /// As prost reads it.
    fn by_prost(bytes: &[u8]) -> Option<String> {
        let proto::Batch { id, messages } = proto::Batch::decode(bytes).ok()?;
        Some(told(id, messages.into_iter().map(message)))
    }

    fn told(id: u64, messages: impl Iterator<Item = Result<ReadMessage, Problem>>) -> String {
        let one = |read: Result<ReadMessage, Problem>| match read {
            Ok(ReadMessage { request_id, on_behalf_of, if_sequence, show, command }) => {
                format!("{request_id:?} {on_behalf_of:?} {if_sequence:?} {show:?} {command:?}")
            }
            Err(problem) => problem.words(),
        };
        format!("{id} {:?}", messages.map(one).collect::<Vec<_>>())
    }

    fn read(bytes: &[u8]) -> Option<String> {
        let ReadBatch { id, messages } = batch(bytes).ok()?;
        Some(told(id, messages.unwrap().into_iter()))
    }

    fn message_strategy() -> impl Strategy<Value = proto::Message> {
        let text = || prop_oneof!["[a-z]{0,3}", "\u{e9}{0,2}", Just("a\u{7}".to_owned())];
        let purchase = (text(), prop::option::of(any::<u32>()), prop::option::of(text()));
        let purchase = purchase.prop_map(|(offering, serial, via)| {
            Command::Purchase(proto::Purchase { offering, serial, via, ..Default::default() })
        });
        let command = prop_oneof![
            4 => purchase,
            1 => text().prop_map(|account| Command::ShowAccount(proto::Account { account })),
        ];
        (text(), prop::option::of(text()), prop::option::of(0..3_u64), prop::option::of(command)).prop_map(
            |(idempotency_key, on_behalf_of, if_sequence, command)| proto::Message {
                idempotency_key,
                on_behalf_of,
                if_sequence,
                show: Vec::new(),
                command,
            },
        )
    }

    proptest! {
        #[test]
        fn a_batch_reads_as_prost_reads_it(
            id in prop_oneof![0..3_u64, any::<u64>()],
            messages in prop::collection::vec(message_strategy(), 0..4),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = proto::Batch { id, messages }.encode_to_vec();
            prop_assert_eq!(read(&bytes), by_prost(&bytes));
            // What nobody sends, too, and a batch behind another is one.
            let whole = bytes.clone();
            bytes.extend_from_slice(&whole);
            for (place, byte) in edits {
                if !bytes.is_empty() {
                    let place = place.index(bytes.len());
                    bytes[place] = byte;
                }
            }
            if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
                bytes.truncate(cut.index(bytes.len()));
            }
            prop_assert_eq!(read(&bytes), by_prost(&bytes));
        }
    }

    #[test]
    fn a_plain_purchase_is_read_from_its_bytes() {
        let purchase = |serial| proto::Purchase { offering: "tea".to_owned(), serial, ..Default::default() };
        for serial in [None, Some(0), Some(7), Some(u32::MAX)] {
            let sent = proto::Message {
                idempotency_key: "1".to_owned(),
                on_behalf_of: Some("eve".to_owned()),
                command: Some(Command::Purchase(purchase(serial))),
                ..Default::default()
            };
            let bytes = sent.encode_to_vec();
            let read = PlainPurchase::of(&bytes).expect("it is plain");
            assert_eq!((read.idempotency_key, read.on_behalf_of), (Some("1"), Some("eve")));
            assert_eq!((read.offering, read.serial), (Some("tea"), serial));
        }
    }

    #[test]
    fn more_messages_than_a_batch_has_are_not_looked_at() {
        let message = proto::Message { idempotency_key: "1".to_owned(), ..Default::default() };
        let of = |messages| proto::Batch { id: 7, messages: vec![message.clone(); messages] }.encode_to_vec();
        let most = batch(&of(BATCH_MESSAGES_MAX)).unwrap();
        assert_eq!((most.id, most.messages.map(|all| all.len()).ok()), (7, Some(BATCH_MESSAGES_MAX)));
        let more = batch(&of(BATCH_MESSAGES_MAX + 1)).unwrap();
        assert_eq!((more.id, more.messages.err().unwrap().parts().0), (7, "bad_value"));
    }
}
