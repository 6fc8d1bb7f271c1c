//! One gRPC stream of batches, as bytes: they are written before they are timed, and answers are read afterwards, as over HTTP.

use hongbao::proto::{Answer, Answers, Batch, Message};
use prost::Message as _;
use prost::bytes::{Buf, BufMut, Bytes};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// A connection.
pub struct Stream {
    calls: Grpc<Channel>,
    key: String,
}

impl Stream {
    pub async fn to(address: &str, key: &str) -> Stream {
        let endpoint = Endpoint::from_shared(address.to_owned()).unwrap().tcp_nodelay(true);
        let calls = Grpc::new(endpoint.connect().await.unwrap()).max_decoding_message_size(16 * 1024 * 1024);
        Stream { calls, key: key.to_owned() }
    }

    /// Sends all batches and gives their answers.
    pub async fn send_all(mut self, batches: Vec<Bytes>) -> Vec<Bytes> {
        let length = batches.len();
        let mut request = Request::new(tokio_stream::iter(batches));
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.key).parse().unwrap());
        self.calls.ready().await.unwrap();
        let path = PathAndQuery::from_static("/hongbao.v1.Hongbao/Submit");
        let mut answering = self.calls.streaming(request, path, AsBytes).await.unwrap().into_inner();
        let mut answers = Vec::with_capacity(length);
        while let Some(next) = answering.message().await.unwrap() {
            answers.push(next);
        }
        answers
    }
}

/// All messages in batches of so many.
pub fn written(messages: &[Message], at_once: usize) -> Vec<Bytes> {
    let batch =
        |(id, chunk): (u64, &[Message])| Batch { id, messages: chunk.to_vec() }.encode_to_vec().into();
    (0..).zip(messages.chunks(at_once)).map(batch).collect()
}

/// The answers to so many messages.
pub fn read(messages: usize, written: Vec<Bytes>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(messages);
    for (id, batch) in (0..).zip(written) {
        let batch = Answers::decode(batch).unwrap();
        assert!(batch.id == id && batch.problem.is_none(), "{batch:?}");
        answers.extend(batch.answers);
    }
    assert_eq!(answers.len(), messages);
    answers
}

/// Messages that nobody looks into.
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = AsBytes;
    type Decoder = AsBytes;

    fn encoder(&mut self) -> AsBytes {
        AsBytes
    }

    fn decoder(&mut self) -> AsBytes {
        AsBytes
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, place: &mut EncodeBuf<'_>) -> Result<(), Status> {
        place.put(message);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
