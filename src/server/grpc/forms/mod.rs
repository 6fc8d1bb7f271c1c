//! The two ways between the messages of `proto/hongbao.proto` and the bodies that stand behind both doors.
//!
//! What is sent most has a way of its own; everything else goes through the form of its JSON body, whose members have the same
//! names.

mod plain;
mod reading;
mod writing;

#[cfg(test)]
pub(in crate::server) use plain::batch as parsed;
pub(super) use plain::{ReadBatch, batch};
pub(super) use reading::{credentials, message};
pub(super) use writing::{WrittenAnswers, answer, answers, problem, session};
