//! Gifts: money that its recipient can have the named merchant withhold, for the named object and nothing else.

use serde::{Deserialize, Serialize};

use crate::domain::money::Money;
use crate::domain::name::{Name, RequestId};
use crate::domain::number::Serial;
use crate::domain::time::Timestamp;

/// Names a gift.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GiftReference {
    /// To whom.
    pub recipient: Name,
    /// From whom.
    pub donor: Name,
    /// The id of the message that gave it.
    pub gift: RequestId,
}

/// What a gift is for (T1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GiftObject {
    /// A product or a service of the merchant.
    Goods {
        /// Of which kind.
        kind: GoodsKind,
        /// What it is, at most `limits::TEXT_BYTES_MAX` bytes.
        #[serde(deserialize_with = "crate::domain::text::deserialize")]
        description: String,
    },
    /// One of our certificates, at its price (T16). The gift does not reserve it (D43).
    Certificate {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
    },
}

/// The kinds of goods that the method names (T1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GoodsKind {
    /// Something that is sent.
    Product,
    /// Something that is done.
    Service,
    /// A policy.
    Insurance,
    /// Shares of a fund.
    Fund,
    /// Gold, in an account or in hand.
    Gold,
    /// A lottery ticket.
    Lottery,
    /// Anything else.
    Other,
}

/// What can be asked of a gift.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GiftCommand {
    /// Gives: the price moves from the caller to the recipient, earmarked (T7, T8).
    Give {
        /// To whom.
        recipient: Name,
        /// Who may withhold it; goods need one, a certificate may be left to its supplier's merchants. It has to be
        /// registered when it withholds, not before.
        merchant: Option<Name>,
        /// What for.
        object: GiftObject,
        /// Minor units, above 0.
        price: Money,
        /// Home again from then on unless accepted; none: `limits::GIFT_OPEN_MS` from now.
        expires_at: Option<Timestamp>,
    },
    /// Accepts it, which authorises its merchant to withhold it once (T9, T15); the recipient's.
    Accept {
        /// From whom.
        donor: Name,
        /// The id of the message that gave it.
        gift: RequestId,
    },
    /// Declines it: the money goes home (T9); the recipient's.
    Decline {
        /// From whom.
        donor: Name,
        /// The id of the message that gave it.
        gift: RequestId,
    },
    /// Sends home what was accepted and is not withheld (D43); the recipient's, or its merchant's.
    Return(GiftReference),
    /// Shows it; its donor's, its recipient's, its merchant's and the institution's.
    Show(GiftReference),
    /// Lists the gifts that wait at the caller to be accepted or withheld, by donor and id, at most
    /// `limits::GIFTS_PER_VIEW_MAX`.
    List {
        /// How many to leave out: those that were seen.
        skip: u32,
    },
}
