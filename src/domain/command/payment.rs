//! Payment certificates: money that its issuer holds for somebody, under a transfer condition (K4, D38).

use serde::{Deserialize, Serialize};

use crate::domain::money::Money;
use crate::domain::name::{Name, RequestId};
use crate::domain::time::Timestamp;

/// Names a payment certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PaymentReference {
    /// Who issued it.
    pub issuer: Name,
    /// The id of the message that issued it.
    pub payment: RequestId,
}

/// What can be asked of a payment certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PaymentCommand {
    /// Issues one on the caller's funds or credit line: the amount is held from now on.
    Issue {
        /// Minor units, above 0.
        amount: Money,
        /// Who may receive it; none where it is to back a commission or a purchase of any payee.
        beneficiary: Option<Name>,
        /// Not to be released before.
        not_before: Option<Timestamp>,
        /// Over from then on, everything freed; none: without end.
        expires_at: Option<Timestamp>,
    },
    /// Takes note of it; its beneficiary's.
    Receive(PaymentReference),
    /// Will not have it: everything is freed; its beneficiary's.
    Reject(PaymentReference),
    /// Pays the beneficiary, once, and frees the rest; the institution's (P7).
    Release {
        /// Which.
        reference: PaymentReference,
        /// Minor units, above 0, at most its amount.
        amount: Money,
    },
    /// Ends it unpaid: everything is freed; the institution's (P7).
    Void(PaymentReference),
    /// Shows it; its issuer's, its beneficiary's and the institution's.
    Show(PaymentReference),
}
