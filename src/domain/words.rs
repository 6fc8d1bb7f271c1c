//! The words of histories: what can stand as the type and as the detail of a row.
//!
//! Absent on purpose: which event has which word; `told` and `purpose` say that.

use super::refusal::Code;

/// The types of an account's rows.
pub const ACCOUNT_TYPES: &[&str] = &[
    "opened",
    "deposited",
    "cashed_out",
    "credit_limit_set",
    "debited",
    "credited",
    "paid_back",
    "owes",
    "debt_paid",
    "transferred",
    "transfer_begun",
    "transfer_posted",
    "transfer_voided",
    "transfer_expired",
    "held",
    "hold_freed",
    "status_changed",
    "displayed",
    "payment_certificate_issued",
    "payment_certificate_received",
    "payment_certificate_rejected",
    "payment_certificate_released",
    "payment_certificate_voided",
    "payment_certificate_expired",
    "payment_certificate_linked",
    "payment_certificate_drawn",
    "payment_certificate_spent",
    "gift_given",
    "gift_arrived",
    "gift_accepted",
    "gift_declined",
    "gift_expired",
    "gift_returned",
    "gift_withheld",
    "gift_provided",
    "gift_reversed",
    "mandate_granted",
    "mandate_used",
    "mandate_revoked",
    "merchant_registered",
    "merchant_unregistered",
    "order_begun",
    "order_paid",
    "order_failed",
    "order_provided",
    "order_asked",
    "reversal_begun",
    "reversal_undone",
    "order_reversed",
    "top_up_begun",
    "top_up_done",
    "top_up_undone",
];

/// The types of a certificate's rows.
pub const CERTIFICATE_TYPES: &[&str] = &[
    "begun",
    "linked",
    "acquired",
    "increased",
    "reserve_short",
    "topped_up",
    "prompted",
    "others_cashed",
    "withdrawn",
    "sold",
    "settled",
    "page_sent",
    "page_credit_absorbed",
    "drawn",
    "refund_begun",
    "refund_undone",
    "refunded",
];

/// The details of an account's rows, but for that of an order that failed, which is a code.
pub const ACCOUNT_DETAILS: &[&str] = &[
    "purchase",
    "commission",
    "gift",
    "payment",
    "withheld",
    "sale",
    "returned",
    "transfer",
    "gift_returned",
    "reversed",
    "refund",
    "clawed_back",
    "debt",
    "frozen",
    "unfrozen",
    "closed",
    "accepts_gifts",
    "accepts_no_gifts",
];

/// The details of a certificate's rows.
pub const CERTIFICATE_DETAILS: &[&str] = &["condition", "deadline", "no_commission", "settled", "withdrawn"];

/// True where that can be a detail of an account's row.
#[must_use]
pub fn is_account_detail(word: &str) -> bool {
    ACCOUNT_DETAILS.contains(&word) || Code::ALL.iter().any(|code| code.text() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CreditReason;

    /// The texts in quotation marks that stand behind something in a source.
    fn behind<'text>(text: &'text str, what: &'text str) -> impl Iterator<Item = &'text str> {
        text.split(what).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn every_word_that_is_told_is_listed_and_every_one_that_is_listed_is_told_and_written_down() {
        let source = include_str!("told.rs");
        let (accounts, rest) = source.split_once("    fn of_certificate(").unwrap();
        let (certificates, _) = rest.split_once("\nfn of_offering(").unwrap();
        let page = include_str!("../../docs/API.md");
        for (source, listed) in [(accounts, ACCOUNT_TYPES), (certificates, CERTIFICATE_TYPES)] {
            let told = behind(source, "word(\"").chain(behind(source, "=> (\""));
            let mut told: Vec<&str> = told.collect();
            told.sort_unstable();
            told.dedup();
            let mut listed: Vec<&str> = listed.to_vec();
            listed.sort_unstable();
            assert_eq!(told, listed);
            for word in listed {
                let short =
                    ["payment_certificate_", "gift_"].iter().find_map(|begin| word.strip_prefix(begin));
                let written = [Some(word), short].into_iter().flatten();
                let mut written = written.map(|word| page.contains(&format!("`{word}`")));
                assert!(written.any(|written| written), "{word} is not in docs/API.md");
            }
        }
    }

    #[test]
    fn every_reason_of_a_credit_is_a_detail() {
        for reason in [
            CreditReason::Sale,
            CreditReason::Commission,
            CreditReason::Returned,
            CreditReason::Transfer,
            CreditReason::Payment,
            CreditReason::Withheld,
            CreditReason::GiftReturned,
            CreditReason::Reversed,
            CreditReason::Refund,
            CreditReason::ClawedBack,
            CreditReason::Debt,
        ] {
            assert!(is_account_detail(reason.text()), "{reason:?}");
        }
        assert!(is_account_detail("sold_out") && !is_account_detail("no_commission"));
    }
}
