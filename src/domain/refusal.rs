//! A refusal: an answer that says no, as a value that the caller reads.
//!
//! Absent on purpose: failures of disks and bugs; those are the engine's errors and assertions.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal, $advice:literal;)*) => {
        /// Why a message was refused. The texts are stable: clients may branch on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[doc = ""] #[doc = concat!("What to do: ", $advice, ".")] $variant = $number,)*
        }

        impl Code {
            /// Every code, for tables and documents.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code with this number.
            #[must_use]
            pub fn numbered(number: u64) -> Option<Code> {
                match number { $($number => Some(Code::$variant),)* _ => None }
            }

            /// The stable text of the code, such as `sold_out`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What the caller can do about it, in one clause.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self { $(Code::$variant => $advice,)* }
            }
        }
    };
}

codes! {
    /// The caller may not send this message.
    NotAllowed = 1, "not_allowed", "send it as the party that the message belongs to";
    /// No account has this name.
    UnknownAccount = 2, "unknown_account", "open the account first";
    /// No offering has this name.
    UnknownOffering = 3, "unknown_offering", "issue the offering first";
    /// The offering has no such serial.
    UnknownCertificate = 4, "unknown_certificate", "name a serial from 1 to the offering's items";
    /// Something with this name exists already.
    NameTaken = 5, "name_taken", "choose another name";
    /// A text is empty, too long or not printable.
    BadText = 6, "bad_text", "give printable text within the limit";
    /// A value lies outside its bounds, or two values contradict each other.
    BadValue = 7, "bad_value", "give a value within the limit";
    /// A field that this message needs is missing.
    Missing = 8, "missing", "give the field";
    /// The text is not a decimal number.
    NotANumber = 9, "not_a_number", "give a decimal number such as 29.33";
    /// The amount is below 0.
    NegativeAmount = 10, "negative_amount", "give an amount of 0 or more";
    /// The amount is 0 where it must be more.
    AmountNotPositive = 11, "amount_not_positive", "give an amount above 0";
    /// The amount has more decimals than its currency.
    TooManyDecimals = 12, "too_many_decimals", "give at most the currency's decimals";
    /// The amount, or the currency's whole money with it, passes the bound.
    AmountTooLarge = 13, "amount_too_large", "give a smaller amount";
    /// The currency is not one that the engine knows.
    UnknownCurrency = 14, "unknown_currency", "give a code of three capital letters, such as USD";
    /// The message crosses currencies (D31).
    CurrencyMismatch = 15, "currency_mismatch", "use an account in the offering's currency";
    /// The same request id came with another body (I12).
    IdReused = 16, "id_reused", "choose a new request id for a new request";
    /// Available money does not cover the amount.
    InsufficientFunds = 17, "insufficient_funds", "deposit first or ask for less";
    /// The offering is not published (V1).
    NotPublished = 18, "not_published", "wait until its supplier publishes it";
    /// The offering was published before.
    AlreadyPublished = 19, "already_published", "nothing, it is published";
    /// The sale's window is not open (F4).
    SaleNotOpen = 20, "sale_not_open", "come back within the sale's window";
    /// Every serial of the offering is sold (F1).
    SoldOut = 21, "sold_out", "nothing, the sale is over";
    /// This certificate is sold.
    Sold = 22, "sold", "name the offering without a serial to get another one";
    /// The buyer has as many as one account may have (F3).
    CapReached = 23, "cap_reached", "nothing, the cap holds for this account";
    /// The account is linked to the certificate already (D20).
    AlreadyLinked = 24, "already_linked", "nothing, until somebody else circulates it";
    /// The account has no right to acquire on this certificate (D33).
    NoRight = 25, "no_right", "circulate the certificate first";
    /// The account has used its right on this certificate (Q2).
    AlreadyAcquired = 26, "already_acquired", "nothing, a right is used once";
    /// The commission is withdrawn, expired or settled, or there is none.
    CommissionEnded = 27, "commission_ended", "nothing, there is no commission to acquire";
    /// A commission is attached already (D37).
    AlreadyAttached = 28, "already_attached", "nothing, a commission is attached once";
    /// The offering has a hop or a sale already (D37).
    AlreadyTouched = 29, "already_touched", "attach before anyone circulates or buys";
    /// The initial amount alone would meet the withdrawal condition (D8).
    ConditionAlreadyMet = 30, "condition_already_met", "attach less or raise the threshold";
    /// The page's account is not in the certificate's chain (D40).
    NotOnThatPage = 31, "not_on_that_page", "name the page of an account that circulated it";
    /// Too much is under way; the request was not begun.
    Overloaded = 32, "overloaded", "send it again, with the same request id, after a short wait";
    /// The engine stopped before the outcome was durable.
    OutcomeUnknown = 33, "outcome_unknown", "after a restart, send it again with the same request id";
    /// The engine is closed or has failed and takes no messages.
    Stopped = 34, "stopped", "start the engine again and send it with the same request id";
    /// A bug of the engine; nothing was changed.
    Internal = 35, "internal", "report it; the request had no effect";
}

impl Code {
    /// True where the same request may succeed later as it stands.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Code::Overloaded | Code::OutcomeUnknown | Code::Stopped)
    }

    /// True where the request certainly had no effect; false where only a repeat can tell.
    #[must_use]
    pub fn definite(self) -> bool {
        self != Code::OutcomeUnknown
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

/// A message was refused: the code, the field at fault (empty where none is), and the reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// The message's field at fault, or an empty text.
    pub field: Cow<'static, str>,
    /// What is wrong with it; empty where the code says it all.
    pub detail: Cow<'static, str>,
}

impl Refusal {
    /// A refusal for one field.
    pub fn new(code: Code, field: &'static str, detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, field: Cow::Borrowed(field), detail: detail.into() }
    }

    /// A refusal whose code says it all; nothing is allocated.
    #[must_use]
    pub const fn of(code: Code) -> Refusal {
        Refusal { code, field: Cow::Borrowed(""), detail: Cow::Borrowed("") }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.code)?;
        if !self.field.is_empty() {
            write!(formatter, ": {}", self.field)?;
        }
        if !self.detail.is_empty() {
            write!(formatter, " {}", self.detail)?;
        }
        write!(formatter, " ({})", self.code.advice())
    }
}

impl std::error::Error for Refusal {}
