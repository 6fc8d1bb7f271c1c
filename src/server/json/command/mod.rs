//! What can be asked, as JSON: an object with one member, whose name is the command's and whose value has its fields.

mod apart;
mod body;
mod meaning;
mod parts;

pub(in crate::server) use apart::read_apart;
pub(in crate::server) use body::CommandBody;
pub(in crate::server) use parts::{OwnGiftBody, PaidFromBody, ViaBody};
