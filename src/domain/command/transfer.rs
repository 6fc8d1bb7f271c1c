//! Plain transfers between two accounts, in one step or in two: pending, then posted, void or expired.

use serde::{Deserialize, Serialize};

use crate::domain::money::Money;
use crate::domain::name::{Name, RequestId};
use crate::domain::time::Timestamp;

/// What can be asked of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransferCommand {
    /// Moves money from the caller at once.
    Send {
        /// To whom.
        to: Name,
        /// Minor units, above 0.
        amount: Money,
    },
    /// Holds money of the caller for a transfer that is posted later.
    Begin {
        /// To whom.
        to: Name,
        /// Minor units, above 0.
        amount: Money,
        /// Void from then on; none: without end.
        expires_at: Option<Timestamp>,
    },
    /// Moves up to the pending amount and frees the rest; whoever began it, or the institution.
    Post {
        /// Who began it.
        from: Name,
        /// The id of the message that began it.
        transfer: RequestId,
        /// Minor units, above 0, at most the pending amount.
        amount: Money,
    },
    /// Frees the pending amount; whoever began it, or the institution.
    Void {
        /// Who began it.
        from: Name,
        /// The id of the message that began it.
        transfer: RequestId,
    },
}
