//! How messages are read and written, as tonic asks for it: as prost does it, but out of one piece of memory, in which tonic has a
//! whole message anyway. Prost reads that in half the time of memory that might be in pieces.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use tonic::Status;
use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Writes messages of one type, and reads those of another.
pub(crate) struct Codec<Written, Read>(PhantomData<(Written, Read)>);

impl<Written, Read> Default for Codec<Written, Read> {
    fn default() -> Codec<Written, Read> {
        Codec(PhantomData)
    }
}

impl<Written, Read> tonic::codec::Codec for Codec<Written, Read>
where
    Written: Message + 'static,
    Read: Message + Default + 'static,
{
    type Encode = Written;
    type Decode = Read;
    type Encoder = Codec<Written, Read>;
    type Decoder = Codec<Written, Read>;

    fn encoder(&mut self) -> Codec<Written, Read> {
        Codec::default()
    }

    fn decoder(&mut self) -> Codec<Written, Read> {
        Codec::default()
    }
}

impl<Written: Message, Read> Encoder for Codec<Written, Read> {
    type Item = Written;
    type Error = Status;

    fn encode(&mut self, message: Written, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.encoded_len());
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<Written, Read: Message + Default> Decoder for Codec<Written, Read> {
    type Item = Read;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Read>, Status> {
        let (piece, whole) = (buffer.chunk(), buffer.remaining());
        let read = if piece.len() == whole {
            let read = Read::decode(piece);
            buffer.advance(whole);
            read
        } else {
            Read::decode(buffer)
        };
        read.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
