//! What is judged of a single value at a door, without looking at any actor.

use crate::actors::{AccountEntry, OfferingEntry};
use crate::domain::{ActorNumber, Code, Money, Offer, Party, Refusal, Serial, Timestamp};
use crate::limits::{OFFERING_ITEMS_MAX, PAYERS_MAX, RESERVABLE_MS_MAX, TEXT_BYTES_MAX, TIME_MS_MAX};

pub(super) fn party_of(entry: AccountEntry) -> Party {
    Party { number: entry.number, currency: entry.currency }
}

pub(super) fn certificate(offering: OfferingEntry, serial: Serial) -> Result<ActorNumber, Refusal> {
    if serial.0 == 0 || serial.0 > offering.items {
        let detail = format!("is {}: give 1 to {}", serial.0, offering.items);
        return Err(Refusal::new(Code::UnknownCertificate, "serial", detail));
    }
    Ok(offering.number.certificate(serial))
}

pub(super) fn not_allowed(detail: &'static str) -> Refusal {
    Refusal::new(Code::NotAllowed, "caller", detail)
}

pub(super) fn only_zero(field: &'static str, amount: Money) -> Result<(), Refusal> {
    if amount.is_zero() {
        return Ok(());
    }
    Err(Refusal::new(Code::NotAllowed, field, "is above 0: only the institution brings money in or lends it"))
}

pub(super) fn positive(field: &'static str, amount: Money) -> Result<Money, Refusal> {
    if amount.is_zero() {
        return Err(Refusal::new(Code::AmountNotPositive, field, "is 0: give at least one minor unit"));
    }
    Ok(amount)
}

pub(super) fn check_time(field: &'static str, time: Option<Timestamp>) -> Result<(), Refusal> {
    match time {
        Some(time) if time.0 > TIME_MS_MAX => {
            let detail = format!("is {}: give at most {TIME_MS_MAX}, the end of the year 9999", time.0);
            Err(Refusal::new(Code::BadValue, field, detail))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_text(field: &'static str, text: &str) -> Result<(), Refusal> {
    if text.len() > TEXT_BYTES_MAX {
        let detail = format!("has {} bytes: give at most {TEXT_BYTES_MAX}", text.len());
        return Err(Refusal::new(Code::BadText, field, detail));
    }
    Ok(())
}

/// All of an offer but for those whom it names.
pub(super) fn check_offer(offer: &Offer) -> Result<(), Refusal> {
    for (field, text) in offer.information.texts() {
        check_text(field, text)?;
        let needed = matches!(field, "information.product_name" | "information.settlement");
        if needed && text.trim().is_empty() {
            return Err(Refusal::new(Code::Missing, field, "is empty: a certificate must have it"));
        }
    }
    positive("price", offer.price)?;
    if offer.items == 0 || offer.items > OFFERING_ITEMS_MAX {
        let detail = format!("is {}: give 1 to {OFFERING_ITEMS_MAX}", offer.items);
        return Err(Refusal::new(Code::BadValue, "items", detail));
    }
    if offer.payers.len() > PAYERS_MAX {
        let detail = format!("names {}: name at most {PAYERS_MAX}", offer.payers.len());
        return Err(Refusal::new(Code::BadValue, "payers", detail));
    }
    if offer.cap == Some(0) {
        return Err(Refusal::new(Code::BadValue, "cap", "is 0: give at least 1, or leave it out"));
    }
    if let Some(reservable_ms) = offer.reservable_ms
        && !(1..=RESERVABLE_MS_MAX).contains(&reservable_ms)
    {
        let detail = format!("is {reservable_ms}: give 1 to {RESERVABLE_MS_MAX}, or leave it out");
        return Err(Refusal::new(Code::BadValue, "reservable_ms", detail));
    }
    check_time("window.opens", offer.window.opens)?;
    check_time("window.closes", offer.window.closes)?;
    check_time("expires_at", offer.expires_at)?;
    match (offer.window.opens, offer.window.closes) {
        (Some(opens), Some(closes)) if opens >= closes => {
            let detail = "is not after it opens: give a later time";
            Err(Refusal::new(Code::BadValue, "window.closes", detail))
        }
        _ => Ok(()),
    }
}

pub(super) fn same_currency(field: &'static str, one: Party, other: Party) -> Result<(), Refusal> {
    if one.currency == other.currency {
        return Ok(());
    }
    Err(Refusal::new(Code::CurrencyMismatch, field, "has an account in another currency"))
}
