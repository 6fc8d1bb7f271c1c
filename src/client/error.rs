//! What a client is told where something was not done.

use tonic::{Code, Status};

use crate::proto::Problem;

/// Something was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("the address cannot be one: {0}; give http://HOST:PORT")]
    Address(String),
    /// The key has characters that no key has.
    #[error("the key cannot be one; give it as `hongbao keys create` has printed it")]
    Key,
    /// The server refused the message. Its `code` is stable.
    #[error("{}: {}", .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// The server refused the call: the key does not count, or the whole is no message.
    #[error("the server refused the call: {0}")]
    Call(String),
    /// Nobody answered, or nobody knows the outcome yet: send it again with the same key.
    #[error("the outcome is unknown: {0}; send it again with the same key")]
    Unreachable(String),
}

impl ClientError {
    /// True where the same message, with the same key, may succeed later.
    #[must_use]
    pub fn may_succeed_later(&self) -> bool {
        match self {
            ClientError::Refused(problem) => problem.retryable,
            ClientError::Unreachable(_) => true,
            ClientError::Address(_) | ClientError::Key | ClientError::Call(_) => false,
        }
    }
}

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> ClientError {
        ClientError::Refused(Box::new(problem))
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> ClientError {
        let words = format!("{:?}: {}", status.code(), status.message());
        match status.code() {
            Code::Unauthenticated
            | Code::PermissionDenied
            | Code::InvalidArgument
            | Code::OutOfRange
            | Code::Unimplemented => ClientError::Call(words),
            _ => ClientError::Unreachable(words),
        }
    }
}
