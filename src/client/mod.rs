//! A client of the message API over gRPC, for services in Rust: it sends messages, and sends them again with the same key where
//! nobody knows what became of them.
//!
//! Absent on purpose: choosing keys. A key belongs to what the caller wants done, and outlives a process.

mod error;
mod patience;

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

pub use error::ClientError;
use error::may_succeed_within;
pub use patience::Patience;

use crate::limits::{ANSWER_MS_MAX, KEPT_ALIVE_MS};
use crate::proto::hongbao_client::HongbaoClient;
use crate::proto::{Answer, Batch, Message, Problem, answer};

/// Messages in one batch: few enough that they fit into it whatever they say.
const AT_ONCE: usize = 256;

/// The most bytes of one batch's answers: each may show a whole chain.
const ANSWERS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A connection to a server. Cloning it is cheap, and all clones share the connection.
#[derive(Clone)]
pub struct Client {
    calls: HongbaoClient<Channel>,
    authorization: MetadataValue<Ascii>,
    patience: Patience,
}

impl Client {
    /// Connects to a server: `http://127.0.0.1:7301`, or `https://…`, whose certificate is one that browsers trust; with a key of
    /// `hongbao keys create`, or the token of a session.
    ///
    /// # Errors
    /// `ClientError::Address` and `ClientError::Key` where they cannot be any; `ClientError::Unreachable` where nobody answers.
    pub async fn connect(address: &str, key: &str) -> Result<Client, ClientError> {
        Client::connect_with(address, key, ClientTlsConfig::new().with_webpki_roots()).await
    }

    /// Connects to a server whose certificate was issued by this one, in PEM.
    ///
    /// # Errors
    /// As for `connect`.
    pub async fn connect_trusting(address: &str, key: &str, issuer: &str) -> Result<Client, ClientError> {
        Client::connect_with(
            address,
            key,
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(issuer)),
        )
        .await
    }

    async fn connect_with(address: &str, key: &str, tls: ClientTlsConfig) -> Result<Client, ClientError> {
        let wrong = |error: tonic::transport::Error| ClientError::Address(error.to_string());
        let mut endpoint = Endpoint::from_shared(address.to_owned()).map_err(wrong)?.tcp_nodelay(true);
        let alive = Duration::from_millis(KEPT_ALIVE_MS);
        endpoint = endpoint.connect_timeout(alive).http2_keep_alive_interval(alive).keep_alive_timeout(alive);
        if address.starts_with("https:") {
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        let authorization = format!("Bearer {key}").parse().map_err(|_| ClientError::Key)?;
        let unreachable = |error: tonic::transport::Error| ClientError::Unreachable(error.to_string());
        let channel = endpoint.connect().await.map_err(unreachable)?;
        let calls = HongbaoClient::new(channel).max_decoding_message_size(ANSWERS_BYTES_MAX);
        Ok(Client { calls, authorization, patience: Patience::default() })
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Client {
        Client { patience, ..self }
    }

    /// Sends one message, again and again with its key while what became of it is unknown or it may succeed later, and gives
    /// what was done.
    ///
    /// # Errors
    /// `ClientError::Refused`, for good; `ClientError::Unreachable` where patience ended first: send it again later, with the same
    /// key.
    pub async fn send(&self, message: Message) -> Result<answer::Outcome, ClientError> {
        let mut tries = self.patience.tries();
        loop {
            let error = match self.try_to_send(message.clone()).await {
                Ok(Answer { outcome: Some(answer::Outcome::Problem(problem)), .. }) => {
                    ClientError::from(problem)
                }
                Ok(Answer { outcome: Some(outcome), .. }) => return Ok(outcome),
                Ok(Answer { outcome: None, .. }) => {
                    ClientError::Unreachable("an answer says nothing".to_owned())
                }
                Err(status) => ClientError::from(status),
            };
            if !error.may_succeed_within(self.patience.longest) {
                return Err(error);
            }
            let Some(pause) = tries.next() else { return Err(error) };
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_to_send(&self, message: Message) -> Result<Answer, Status> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request.set_timeout(Duration::from_millis(ANSWER_MS_MAX + KEPT_ALIVE_MS));
        self.calls.clone().send(request).await.map(tonic::Response::into_inner)
    }

    /// Sends many messages in one stream and gives their answers in their order. What was not answered when a stream breaks off,
    /// and what may succeed later, is sent again with the same keys.
    ///
    /// What has to wait for longer than patience lasts is not sent again. Where patience ends first, what nobody has answered is `outcome_unknown`: send it again later, with the same keys.
    ///
    /// # Errors
    /// As for `send`, but of the whole, and only where nothing was answered at all: a message that is refused is an answer here.
    pub async fn send_all(&self, messages: Vec<Message>) -> Result<Vec<Answer>, ClientError> {
        let mut answers: Vec<Option<Answer>> = messages.iter().map(|_| None).collect();
        let mut tries = self.patience.tries();
        loop {
            let longest = self.patience.longest;
            let waiting: Vec<usize> =
                (0..messages.len()).filter(|place| waits(answers[*place].as_ref(), longest)).collect();
            if waiting.is_empty() {
                return Ok(answers.into_iter().flatten().collect());
            }
            let ended = self.try_to_send_all(&messages, &waiting, &mut answers).await;
            match (ended.map_err(ClientError::from), tries.next()) {
                (Err(error), next) if !error.may_succeed_later() || next.is_none() => {
                    if answers.iter().all(Option::is_none) {
                        return Err(error);
                    }
                    return Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(unknown)).collect());
                }
                // Patience has ended, and every message has some answer.
                (Ok(()), None) => return Ok(answers.into_iter().flatten().collect()),
                (_, Some(pause)) if answers.iter().any(|answer| waits(answer.as_ref(), longest)) => {
                    tokio::time::sleep(pause).await;
                }
                _ => {}
            }
        }
    }

    async fn try_to_send_all(
        &self,
        messages: &[Message],
        waiting: &[usize],
        answers: &mut [Option<Answer>],
    ) -> Result<(), Status> {
        let batches: Vec<Batch> = (0_u64..)
            .zip(waiting.chunks(AT_ONCE))
            .map(|(id, places)| Batch {
                id,
                messages: places.iter().map(|place| messages[*place].clone()).collect(),
            })
            .collect();
        let mut request = Request::new(tokio_stream::iter(batches));
        request.metadata_mut().insert("authorization", self.authorization.clone());
        let mut answering = self.calls.clone().submit(request).await?.into_inner();
        let mut left = waiting.iter();
        while let Some(batch) = answering.message().await? {
            if let Some(problem) = batch.problem {
                let code = if problem.retryable { Code::Unavailable } else { Code::InvalidArgument };
                return Err(Status::new(code, format!("{}: {}", problem.code, problem.detail)));
            }
            for (answer, place) in batch.answers.into_iter().zip(&mut left) {
                answers[*place] = Some(answer);
            }
        }
        if left.next().is_some() {
            return Err(Status::new(Code::Unavailable, "the stream ended before everything was answered"));
        }
        Ok(())
    }
}

/// The answer to a message that nobody has answered.
fn unknown() -> Answer {
    let problem = Problem {
        code: "outcome_unknown".to_owned(),
        status: 503,
        field: String::new(),
        detail: "nobody has answered: send it again with the same key".to_owned(),
        retryable: true,
        definite: false,
        advice: String::new(),
        retry_after: Some(1),
    };
    Answer { outcome: Some(answer::Outcome::Problem(problem)), ..Answer::default() }
}

/// True where an answer is none yet, or one that says to come again before so long is over.
fn waits(answer: Option<&Answer>, longest: Duration) -> bool {
    match answer.and_then(|answer| answer.outcome.as_ref()) {
        None => true,
        Some(answer::Outcome::Problem(problem)) => may_succeed_within(problem, longest),
        Some(_) => false,
    }
}
