//! How tonic reads and writes the stream of batches: from their bytes and into them, at once.
//!
//! Absent on purpose: what stands in those; `forms` says that.

use prost::bytes::{Buf, BufMut};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::forms::{ReadBatch, WrittenAnswers, batch};

/// Batches come in, and answers go out.
pub(super) struct BatchCodec;

impl Codec for BatchCodec {
    type Encode = WrittenAnswers;
    type Decode = ReadBatch;
    type Encoder = BatchCodec;
    type Decoder = BatchCodec;

    fn encoder(&mut self) -> BatchCodec {
        BatchCodec
    }

    fn decoder(&mut self) -> BatchCodec {
        BatchCodec
    }
}

impl Encoder for BatchCodec {
    type Item = WrittenAnswers;
    type Error = Status;

    fn encode(&mut self, answers: WrittenAnswers, place: &mut EncodeBuf<'_>) -> Result<(), Status> {
        place.put_slice(answers.bytes());
        Ok(())
    }
}

impl Decoder for BatchCodec {
    type Item = ReadBatch;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<ReadBatch>, Status> {
        // All of a message stands in one piece of memory.
        let length = source.remaining();
        let read = match source.chunk().get(..length) {
            Some(bytes) => batch(bytes),
            None => batch(&source.copy_to_bytes(length)),
        };
        source.advance(source.remaining());
        // As for every message that prost does not read.
        read.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
