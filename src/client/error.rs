//! What a client is told where something was not done.

use std::time::Duration;

use tonic::{Code, Status};

use crate::limits::STOPPED_RETRY_SECONDS;
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

    /// The same, before so long is over.
    pub(super) fn may_succeed_within(&self, longest: Duration) -> bool {
        match self {
            ClientError::Refused(problem) => may_succeed_within(problem, longest),
            other => other.may_succeed_later(),
        }
    }
}

/// True where what was answered with this problem may succeed before so long is over.
pub(super) fn may_succeed_within(problem: &Problem, longest: Duration) -> bool {
    let wait = Duration::from_secs(problem.retry_after.unwrap_or_default().into());
    // How long a server is away nobody knows; what takes longer than that is known.
    problem.retryable && wait <= longest.max(Duration::from_secs(STOPPED_RETRY_SECONDS.into()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_than_patience_is_not_waited_for() {
        let within = |retryable, retry_after, seconds| {
            let problem = Problem { retryable, retry_after, ..Problem::default() };
            ClientError::from(problem).may_succeed_within(Duration::from_secs(seconds))
        };
        assert!(within(true, Some(60), 60) && within(true, None, 60));
        assert!(within(true, Some(STOPPED_RETRY_SECONDS), 1), "a server may be back before");
        assert!(!within(true, Some(86_400), 60) && !within(false, None, 60));
        assert!(ClientError::Unreachable(String::new()).may_succeed_within(Duration::ZERO));
    }
}
