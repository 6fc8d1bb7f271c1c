//! What whoever asks over the network can do about a refusal.
//!
//! The domain advises whoever has the engine at hand; here one has a key, headers and the message that was sent. Absent on purpose:
//! what is wrong; that is the refusal's detail.

use crate::domain::Code;

/// A field that says how a purchase is paid.
pub(in crate::server) const PAID_FROM: &str = "paid_from";

/// What to do about a refusal of a field, which is empty where none is at fault.
pub(super) fn advice(code: Code, field: &str) -> &'static str {
    if let Some(advice) = of_field(field) {
        return advice;
    }
    match (code, field) {
        (Code::NotAllowed, "caller") => {
            "send it with the key of the party that it belongs to; an operator's names it by the header On-Behalf-Of, or by on_behalf_of \
             in a message of a batch or of gRPC"
        }
        (Code::UnknownAccount, "caller") => {
            "open the account first, or name another one: by the header On-Behalf-Of, or by on_behalf_of in a message of a batch or of gRPC"
        }
        (code, PAID_FROM) => of_paid_from(code),
        (Code::Overloaded | Code::Settling, _) => "send it again, with the same key, after a short wait",
        (Code::DayFull, _) => {
            "wait as many seconds as retry_after says, until the oldest is a day old, and send it then, with the same key; or spread \
             them over more accounts"
        }
        (Code::OutcomeUnknown, _) => "send it again, with the same key: the answer says what came of it",
        (Code::Stopped, _) => {
            "send it again, with the same key, once the server is started again: where it does not come back by itself, tell whoever \
             runs it"
        }
        (Code::IdReused, _) => "choose a new key for a new request",
        (Code::UnknownRequest, _) => {
            "send it again with the same key: it may still be under way, have gone to somebody else, or be longer ago than requests are \
             remembered"
        }
        (code, _) => code.advice(),
    }
}

/// What to do about a field that is given back as it came, whatever is wrong with it.
pub(super) fn of_field(field: &str) -> Option<&'static str> {
    (field == "cursor").then_some("begin without a cursor, and then give each next_cursor as it came")
}

/// What to do where a purchase cannot be paid by what it names.
fn of_paid_from(code: Code) -> &'static str {
    match code {
        Code::UnknownGift => {
            "name the donor, and the key of the message that gave it, of a gift of the buyer's own"
        }
        Code::GiftNotAccepted => "accept the gift first",
        Code::AmountMismatch => "give a gift of exactly the price, or pay from what is available",
        Code::UnknownPaymentCertificate => "give the key of the message by which the buyer has issued it",
        Code::TransferConditionNotMet => "wait for its time, or pay from what is available",
        Code::InsufficientFunds => {
            "give a payment certificate of at least the price, or pay from what is available"
        }
        Code::NotAllowed => {
            "it is for something or somebody else: give another one, or pay from what is available"
        }
        _ => "give another one, or pay from what is available",
    }
}

/// True where a purchase that is not paid from what is available can be refused by this only because of what it is paid from.
pub(in crate::server) fn is_of_paid_from(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownGift
            | Code::GiftNotAccepted
            | Code::GiftEnded
            | Code::AmountMismatch
            | Code::UnknownPaymentCertificate
            | Code::PaymentCertificateLinked
            | Code::PaymentCertificateEnded
            | Code::TransferConditionNotMet
            | Code::InsufficientFunds
            | Code::NotAllowed
    )
}
