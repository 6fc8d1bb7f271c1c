//! Why a command failed, in one line.

use std::path::PathBuf;

use super::orders::OrdersError;
use crate::domain::Refusal;
use crate::receipt::ReceiptError;
use crate::server::{KeysError, PasswordsError, ServeError, WebhooksError};
use crate::{AuditError, EngineError, SnapshotNotTaken};

/// A command failed; its text is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments contradict each other; exit code 2.
    #[error("{0}")]
    Arguments(String),
    /// The orders cannot be read.
    #[error(transparent)]
    Orders(#[from] OrdersError),
    /// The engine cannot open, or has stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store is not sound.
    #[error("audit: {0}")]
    Audit(#[from] AuditError),
    /// The folder holds something else.
    #[error("{} holds another sale, of other orders, gifts, size or seed: choose another folder with --data", .0.display())]
    OtherSale(PathBuf),
    /// The folder holds something else.
    #[error("{} holds accounts that are not of a sale: choose another folder with --data", .0.display())]
    OtherStore(PathBuf),
    /// Whoever has the store open goes on writing in it.
    #[error("audit: {} is in use by a process, such as a server: end it first, or audit a copy", .0.display())]
    AuditInUse(PathBuf),
    /// Who has the store open must take the snapshot.
    #[error("{} is in use by a process, such as a server: ask the server for a snapshot by POST /v1/snapshots, or end it first", .0.display())]
    SnapshotInUse(PathBuf),
    /// A snapshot was not taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotNotTaken),
    /// The engine refused what a sale needs.
    #[error("{step} was refused: {refusal}")]
    Refused {
        /// What was asked.
        step: String,
        /// Why not.
        refusal: Refusal,
    },
    /// A sale is sound, and not all of it was sold, which it had to be.
    #[error("refused: {0} of lines and orders, and --strict is given: the report says which and why")]
    SomeRefused(u64),
    /// There is nothing that could be listed.
    #[error("there is no store at {}, and no {} beside it: name the folder of the server with --data", data.display(), file.display())]
    NothingThere {
        /// Where a store would be.
        data: PathBuf,
        /// Where the file beside it would be.
        file: PathBuf,
    },
    /// The report cannot be printed.
    #[error("cannot print the report: {0}")]
    Output(#[from] std::io::Error),
    /// The server cannot begin, or has ended by a failure.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Keys cannot be read or written.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Passwords cannot be read or written.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// Webhooks cannot be read or written.
    #[error(transparent)]
    Webhooks(#[from] WebhooksError),
    /// The receipt is none, or not a true one.
    #[error("{name} {error}")]
    Receipt {
        /// From where it was read.
        name: String,
        /// Why.
        error: ReceiptError,
    },
    /// The machine gives no runtime or the report no JSON.
    #[error("{0}")]
    Other(String),
}
