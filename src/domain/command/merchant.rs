//! Merchants, the product servers of the gift method, and what recipients authorise them to take (T5, T10 to T15).

use serde::{Deserialize, Serialize};

use super::gift::GiftReference;
use crate::domain::money::Money;
use crate::domain::name::{Name, RequestId};
use crate::domain::time::Timestamp;

/// What becomes of a refund or a reversal where the payee has not the whole amount (D23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum WhenShort {
    /// It is refused, and nothing moves.
    #[default]
    Refuse,
    /// What the payee has goes back now; the rest is a debt that its later sales pay.
    Receivable,
}

/// Whose money a merchant withholds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WithholdFrom {
    /// An accepted gift's (T10).
    Gift(GiftReference),
    /// The recipient's own, by a mandate (T15).
    Mandate {
        /// Who granted it.
        recipient: Name,
        /// The id of the message that granted it.
        mandate: RequestId,
    },
}

/// What can be asked of a mandate (T15).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MandateCommand {
    /// Authorises a merchant to withhold from the caller's available money.
    Grant {
        /// Whom.
        merchant: Name,
        /// In all, minor units, above 0.
        amount_max: Money,
        /// At a time, minor units, above 0.
        amount_max_per_use: Money,
        /// Over from then on; none: until it is revoked.
        ends_at: Option<Timestamp>,
    },
    /// Ends it. An accepted gift is not touched by it (D43).
    Revoke {
        /// The id of the message that granted it.
        mandate: RequestId,
    },
    /// Shows it; whoever granted it.
    Show {
        /// The id of the message that granted it.
        mandate: RequestId,
    },
}

/// What can be asked of a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MerchantCommand {
    /// Registers an account as a merchant's, or changes its registration (T5); the institution's.
    Register {
        /// The merchant.
        merchant: Name,
        /// The receiving account of what it withholds.
        payee: Name,
        /// Whose certificates it may withhold; none: those that it supplies itself.
        supplier: Option<Name>,
        /// What a reversal does where the payee has not the whole amount.
        when_short: WhenShort,
    },
    /// Ends the registration: nothing is withheld any more; orders that are paid go on. The institution's.
    Unregister {
        /// The merchant.
        merchant: Name,
    },
    /// Withholds the price of one order, once for one reference (T10); the caller is the merchant.
    Withhold {
        /// The merchant's reference, unique over all that it withholds.
        order: Name,
        /// Minor units: exactly the gift's price, or what the mandate allows.
        amount: Money,
        /// Whose money.
        from: WithholdFrom,
    },
    /// Notes that the object was handed over to the recipient (T12); the caller is the merchant.
    Provide {
        /// The order.
        order: Name,
    },
    /// Pays a withheld order back, payee to recipient to donor, where it cannot be provided (T14).
    Reverse {
        /// The order.
        order: Name,
    },
    /// Shows an order; the caller is the merchant.
    ShowOrder {
        /// The order.
        order: Name,
    },
}
