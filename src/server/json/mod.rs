//! How messages and answers look as JSON.
//!
//! Amounts are decimal text, and every object that has one names its currency; points of time are RFC 3339. A field that is
//! unknown is refused, so a slip of the pen is never ignored. Absent on purpose: who may send what.

mod advice;
mod amount;
mod answer;
mod command;
mod history;
mod names;
mod offer;
mod problem;
mod read;
mod schema;
mod terms;
mod text;
mod time;
mod told;
mod view;
mod written;

pub(super) use advice::{PAID_FROM, is_of_paid_from};
pub(super) use answer::{AnswerBody, CommissionBody};
pub(super) use command::{CommandBody, OwnGiftBody, PaidFromBody, ViaBody, read_apart};
pub(super) use history::{HistoryBody, Others};
pub(super) use names::Names;
pub(super) use problem::{Problem, ProblemCode};
pub(super) use read::{Within, malformed, no_lists, read, read_within, said, whole};
pub(super) use terms::factors;
pub(super) use time::{Time, text as time_text};
pub(super) use view::{AccountBody, CertificateBody, OfferingBody};
pub(super) use written::{put, write};

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
