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
    CurrencyMismatch = 15, "currency_mismatch", "use accounts and offerings of one currency";
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
    Sold = 22, "sold", "look who has bought it; to get another one, name the offering without a serial";
    /// The buyer has as many as one account may have (F3).
    CapReached = 23, "cap_reached", "nothing, the cap holds for this account";
    /// The account is linked to the certificate already (D20).
    AlreadyLinked = 24, "already_linked", "nothing, until somebody else circulates it";
    /// The account has no right to acquire on this certificate (D33).
    NoRight = 25, "no_right", "circulate the certificate first";
    /// The account has used its right on this certificate (Q2).
    AlreadyAcquired = 26, "already_acquired", "nothing, a right is used once";
    /// The commission is withdrawn, expired or settled, or there is none.
    CommissionEnded = 27, "commission_ended", "nothing, this certificate has no commission that stands";
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
    Stopped = 34, "stopped", "start the engine again, once what it has failed by is mended, and send it with the same request id";
    /// A bug of the engine; nothing was changed.
    Internal = 35, "internal", "report it; the request had no effect";
    /// The account is frozen: it has no commands of its own (D46).
    AccountFrozen = 36, "account_frozen", "ask the institution to unfreeze the account";
    /// The account is closed (D46).
    AccountClosed = 37, "account_closed", "use another account";
    /// The account is not empty, or party to something open (D46).
    AccountNotEmpty = 38, "account_not_empty", "end what is open and take the money out first";
    /// The issuer has no payment certificate of this id.
    UnknownPaymentCertificate = 39, "unknown_payment_certificate", "name the issuer and the id of the message that issued it";
    /// The payment certificate backs a commission (D24, D37).
    PaymentCertificateLinked = 40, "payment_certificate_linked", "issue another one; this one ends with its commission";
    /// The payment certificate was released, rejected, void or expired before.
    PaymentCertificateEnded = 41, "payment_certificate_ended", "issue another one";
    /// The payment certificate was received before.
    PaymentCertificateReceived = 42, "payment_certificate_received", "nothing, its beneficiary has it";
    /// The payment certificate's transfer condition does not hold (D38).
    TransferConditionNotMet = 43, "transfer_condition_not_met", "wait for its time, and for its beneficiary to receive it; with none it only backs a commission, with one it does not";
    /// The payer has no pending transfer of this id.
    UnknownTransfer = 44, "unknown_transfer", "name who began it and the id of the message that began it; it may be posted, void or expired";
    /// The recipient has no gift of this donor and id.
    UnknownGift = 45, "unknown_gift", "name recipient, donor and the id of the message that gave it";
    /// The gift is not accepted yet (T9).
    GiftNotAccepted = 46, "gift_not_accepted", "wait until its recipient accepts it";
    /// The gift was accepted, declined, returned, withheld or reversed before, or its time is over.
    GiftEnded = 47, "gift_ended", "nothing, this step comes too late";
    /// The amount is not exactly what the gift or the certificate costs (T10).
    AmountMismatch = 48, "amount_mismatch", "give exactly the price";
    /// The merchant is not registered (T5).
    NotRegistered = 49, "not_registered", "have the institution register the merchant first";
    /// The merchant has used the order's reference for something else (D43).
    OrderReused = 50, "order_reused", "choose a new reference for a new order";
    /// The merchant has no order of this reference.
    UnknownOrder = 51, "unknown_order", "withhold it first";
    /// The order was paid back before.
    OrderEnded = 52, "order_ended", "nothing, the order was paid back";
    /// The object was provided before (T12).
    AlreadyProvided = 53, "already_provided", "nothing, its recipient has it";
    /// What was provided is not reversed (T14, D43).
    NotReversible = 54, "not_reversible", "refund the purchase of a certificate instead";
    /// The payee cannot cover what is to be paid back (D23).
    PayeeShort = 55, "payee_short", "have the payee provided with money, then send it again";
    /// The account has granted no mandate of this id.
    UnknownMandate = 56, "unknown_mandate", "name who granted it and the id of the message that granted it";
    /// The mandate does not allow this merchant so much now (T15).
    OutsideMandate = 57, "outside_mandate", "withhold less, or ask for a new mandate";
    /// What is left of the offering is reserved, or this certificate is (D39).
    Reserved = 58, "reserved", "come back: a reservation may end; your own is paid, not bought";
    /// The caller has no reservation on this certificate.
    NotReserved = 59, "not_reserved", "reserve it first; a reservation ends with its time";
    /// The offering's certificates cannot be reserved.
    NotReservable = 60, "not_reservable", "buy it at once";
    /// The certificate is not sold.
    NotSold = 61, "not_sold", "wait until it is sold: before that nothing can be refunded, and there is no receipt";
    /// The certificate was refunded before (F7).
    AlreadyRefunded = 62, "already_refunded", "nothing, a purchase is refunded once";
    /// Credits of the purchase still go out; a refund waits for them.
    Settling = 63, "settling", "send it again, with the same request id, after a short wait";
    /// A commission that is backed by a payment certificate cannot be topped up (D37).
    NotToppedUp = 64, "not_topped_up", "only a commission that was paid into its envelope can be topped up";
    /// The text is no page link (V5).
    BadLink = 65, "bad_link", "give the whole link as it was shown";
    /// Nothing was brought about here by a request of the caller's with this id, or it is remembered no more (I12).
    UnknownRequest = 66, "unknown_request", "send it again with the same id: it may still be under way, have gone to somebody else, or be longer ago than requests are remembered";
    /// The actor's chain has another length than the one that the message depends on.
    SequenceMismatch = 67, "sequence_mismatch", "look at what has changed, and decide again";
    /// One costs more than the message was ready to pay.
    PriceAboveMax = 68, "price_above_max", "look at the price, and decide again";
    /// The account remembers as many requests of a day as it can (DESIGN §5).
    DayFull = 69, "day_full", "wait until the oldest is a day old, and send it then, with the same request id; or spread them over more accounts";
}

impl Code {
    /// True where the same request may succeed later as it stands.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Code::Overloaded | Code::OutcomeUnknown | Code::Stopped | Code::Settling | Code::DayFull
        )
    }

    /// True where the request certainly had no effect; false where only a repeat can tell, also of the request that was asked about.
    #[must_use]
    pub fn definite(self) -> bool {
        !matches!(self, Code::OutcomeUnknown | Code::UnknownRequest)
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
    /// After how many seconds the same will be decided otherwise, where that is known; 0 where it is not.
    pub after_seconds: u32,
}

impl Refusal {
    /// A refusal for one field.
    pub fn new(code: Code, field: &'static str, detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, field: Cow::Borrowed(field), detail: detail.into(), after_seconds: 0 }
    }

    /// A refusal whose code says it all; nothing is allocated.
    #[must_use]
    pub const fn of(code: Code) -> Refusal {
        Refusal { code, field: Cow::Borrowed(""), detail: Cow::Borrowed(""), after_seconds: 0 }
    }

    /// The same, of a field that stands within this part of the message.
    #[must_use]
    pub fn within(self, part: &'static str) -> Refusal {
        Refusal { field: Cow::Owned(format!("{part}.{}", self.field)), ..self }
    }

    /// The same, which will be decided otherwise after so many milliseconds.
    #[must_use]
    pub fn after(self, wait_ms: u64) -> Refusal {
        Refusal { after_seconds: u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX), ..self }
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
