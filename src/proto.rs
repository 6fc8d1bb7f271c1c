//! What `proto/hongbao.proto` says, in Rust: the messages of the gRPC door, for its server and its clients.
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "these are made, not written")]

tonic::include_proto!("hongbao.v1");

const _: () = assert!(size_of::<Answer>() <= 256, "a batch has thousands of answers");

/// The file itself, for whoever asks what there is.
pub(crate) const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hongbao.bin"));

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("account", &self.account).finish_non_exhaustive()
    }
}
