//! The two ways between the messages of `proto/hongbao.proto` and the bodies that stand behind both doors.
//!
//! What is sent most has a way of its own; everything else goes through the form of its JSON body, whose members have the same
//! names.

mod reading;
mod writing;

pub(super) use reading::credentials;
pub(in crate::server) use reading::message;
pub(super) use writing::{answer, problem, session};
