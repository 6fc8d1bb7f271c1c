//! What can be asked of the engine, command by command; what belongs together has a file of its own.
//!
//! A thing that a message makes, such as a gift, a payment certificate, a pending transfer or a mandate, is named
//! by the id of that message, within the account that sent it: there is no second name to choose.

mod account;
mod gift;
mod merchant;
mod payment;
mod transfer;

use serde::{Deserialize, Serialize};

pub use account::{Status, StatusChange};
pub use gift::{GiftCommand, GiftObject, GiftReference, GoodsKind};
pub use merchant::{MandateCommand, MerchantCommand, WhenShort, WithholdFrom};
pub use payment::{PaymentCommand, PaymentReference};
pub use transfer::TransferCommand;

use super::commission::CommissionTerms;
use super::message::{Display, Funding, Offer, PaidFrom, Via};
use super::money::{Currency, Money};
use super::name::{Name, RequestId};
use super::number::Serial;

/// What can be asked of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Opens an account, with a first deposit where the institution asks (P10).
    OpenAccount {
        /// Its name; a second account of that name is refused.
        account: Name,
        /// Its one currency (D31).
        currency: Currency,
        /// The first deposit, in minor units; above 0 only from the institution.
        deposit: Money,
        /// How far below 0 it may go, in minor units; above 0 only from the institution.
        credit_limit: Money,
    },
    /// Brings outside money in (P10); the institution's.
    Deposit {
        /// The account.
        account: Name,
        /// Minor units, above 0.
        amount: Money,
    },
    /// Settles a cash-out to a bank, up to posted less held (D45); the institution's.
    CashOut {
        /// The account.
        account: Name,
        /// Minor units, above 0.
        amount: Money,
    },
    /// Sets how far below 0 an account may go; the institution's.
    SetCreditLimit {
        /// The account.
        account: Name,
        /// Minor units.
        credit_limit: Money,
    },
    /// Issues an offering of `items` certificates (P4, C1 to C3); the caller is its supplier.
    Issue {
        /// The offering's name.
        offering: Name,
        /// What is sold, to whom the money goes, and by which rules.
        offer: Box<Offer>,
    },
    /// Puts an offering on the public platform (V1); its supplier's.
    Publish {
        /// The offering.
        offering: Name,
        /// How the platform shows it (V2).
        display: Display,
    },
    /// Funds a commission for every certificate of the offering from the caller's account (C7, D37).
    AttachCommission {
        /// The offering.
        offering: Name,
        /// The terms, for each certificate.
        terms: Box<CommissionTerms>,
        /// Out of which money (K2, K3).
        funding: Funding,
    },
    /// Adds to the reserve of one certificate's commission (D4, D37); its payer's.
    TopUp {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
        /// Minor units, above 0.
        amount: Money,
    },
    /// Shares a certificate (R1 to R7); the caller becomes the linked account.
    Circulate {
        /// The offering.
        offering: Name,
        /// The certificate; none: the engine chooses (D30).
        serial: Option<Serial>,
        /// Where the caller found it (R5).
        via: Via,
    },
    /// Acquires a commission by an unused right (Q2).
    Acquire {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
    },
    /// Buys a certificate (H1, F1).
    Purchase {
        /// The offering.
        offering: Name,
        /// The certificate; none: any (D29).
        serial: Option<Serial>,
        /// Where the caller found it.
        via: Via,
        /// Out of which money.
        paid_from: PaidFrom,
    },
    /// Sets a certificate and its price apart for the caller, to be paid later, for as long as the offering says
    /// (`Offer::reservable_ms`, F6).
    Reserve {
        /// The offering.
        offering: Name,
        /// The certificate; none: any.
        serial: Option<Serial>,
        /// Where the caller found it.
        via: Via,
    },
    /// Buys what the caller has reserved, out of the money that is held for it (F6).
    PayReservation {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
    },
    /// Gives a reservation up: stock and money are free again (F6); whoever reserved.
    CancelReservation {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
    },
    /// Pays a purchase back, once, and claws cashed commission back as the offering says (F7, D44); its supplier's. The
    /// certificate stays sold, and does not go back on sale.
    Refund {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
    },
    /// Changes what an account may do (D46).
    Status {
        /// The account.
        account: Name,
        /// How.
        change: StatusChange,
    },
    /// Of a payment certificate (K4).
    Payment(PaymentCommand),
    /// Of a transfer between two accounts.
    Transfer(TransferCommand),
    /// Of a gift (T7 to T9).
    Gift(GiftCommand),
    /// Of a standing authorisation of a merchant (T15).
    Mandate(MandateCommand),
    /// Of a merchant, the product server of the gift method (T5, T10 to T14).
    Merchant(MerchantCommand),
    /// Lists what an account has circulated, newest first: its private platform (P8, V4). Anyone's to look at.
    ShowPage {
        /// The account.
        account: Name,
        /// How many of the newest entries to leave out.
        skip: u32,
    },
    /// Shows an account as it is.
    ShowAccount {
        /// The account.
        account: Name,
    },
    /// Shows an offering: its platform row, its stock, its texts.
    ShowOffering {
        /// The offering.
        offering: Name,
    },
    /// Shows a certificate with a page of its chain.
    ShowCertificate {
        /// The offering.
        offering: Name,
        /// The certificate.
        serial: Serial,
        /// The first hop of the page, from 1.
        from_hop: u32,
    },
    /// Shows what another request of the same caller was answered (I12), for whoever has lost the answer and what was sent.
    ShowRequest {
        /// To whom it was addressed.
        at: RequestAt,
        /// Its id.
        request: RequestId,
    },
}

/// To whom a request was addressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RequestAt {
    /// To an account: what opens it and moves its money; also what it has engaged in by its own messages.
    Account(Name),
    /// To an offering, without a serial.
    Offering(Name),
    /// To a certificate of an offering.
    Certificate(Name, Serial),
}

impl Command {
    /// Puts an offering on the public platform as it is, with live values.
    #[must_use]
    pub fn publish(offering: Name) -> Command {
        Command::Publish { offering, display: Display::Certificate }
    }

    /// Funds a commission out of the caller's available money.
    #[must_use]
    pub fn attach_commission(offering: Name, terms: CommissionTerms) -> Command {
        Command::AttachCommission { offering, terms: Box::new(terms), funding: Funding::Envelope }
    }

    /// Buys with the caller's available money; no serial: any certificate.
    #[must_use]
    pub fn purchase(offering: Name, serial: Option<Serial>, via: Via) -> Command {
        Command::Purchase { offering, serial, via, paid_from: PaidFrom::Available }
    }
}
