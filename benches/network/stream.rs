//! One gRPC stream of batches.

use hongbao::proto::hongbao_client::HongbaoClient;
use hongbao::proto::{Answer, Batch, Message};
use tonic::Request;
use tonic::transport::Endpoint;

/// Sends all messages in batches of so many and gives the answers.
pub async fn send_all(address: &str, key: &str, messages: Vec<Message>, at_once: usize) -> Vec<Answer> {
    let batches: Vec<Batch> = (0..)
        .zip(messages.chunks(at_once))
        .map(|(id, chunk)| Batch { id, messages: chunk.to_vec() })
        .collect();
    let channel =
        Endpoint::from_shared(address.to_owned()).unwrap().tcp_nodelay(true).connect().await.unwrap();
    let mut calls = HongbaoClient::new(channel).max_decoding_message_size(16 * 1024 * 1024);
    let mut request = Request::new(tokio_stream::iter(batches));
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let mut answering = calls.submit(request).await.unwrap().into_inner();
    let mut answers = Vec::with_capacity(messages.len());
    while let Some(batch) = answering.message().await.unwrap() {
        assert!(batch.problem.is_none(), "{batch:?}");
        answers.extend(batch.answers);
    }
    assert_eq!(answers.len(), messages.len());
    answers
}
