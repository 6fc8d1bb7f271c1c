//! What a record tells the world by itself: sales, money that has come, gifts, instructions.
//!
//! A notice (`notice`) says the same to whoever listens while it happens, with more from its actor's state; a fact needs the record
//! alone, so that it can be told from the journal at any time. Absent on purpose: names, which `engine::feed` finds.

use super::command::StatusChange;
use super::event::{
    AccountEvent, CertificateEvent, Event, GiftEvent, MerchantEvent, OfferingEvent, PaymentEvent,
    WithdrawalReason,
};
use super::gift::GiftState;
use super::inside::CreditReason;
use super::money::Money;
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Serial};
use super::refusal::Code;
use super::request::RequestKey;

/// Something that has happened, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A certificate is sold (C5).
    Sold {
        /// The certificate.
        certificate: ActorNumber,
        /// Who bought it.
        buyer: ActorNumber,
    },
    /// A serial is paid, and its supplier is to deliver (C5).
    Fulfil {
        /// The offering.
        offering: ActorNumber,
        /// The serial.
        serial: Serial,
    },
    /// A commission is almost met (W10).
    Prompted {
        /// The certificate.
        certificate: ActorNumber,
    },
    /// A commission went home by condition or time limit.
    Withdrawn {
        /// The certificate.
        certificate: ActorNumber,
        /// Why.
        reason: WithdrawalReason,
    },
    /// An increase was cut: the payer may top up (D4).
    ReserveShort {
        /// The certificate.
        certificate: ActorNumber,
    },
    /// A purchase is paid back (F7).
    Refunded {
        /// The certificate.
        certificate: ActorNumber,
        /// Now.
        paid: Money,
        /// As a debt of the payee.
        owed: Money,
    },
    /// A reservation is over without a purchase (F6).
    ReservationEnded {
        /// The offering.
        offering: ActorNumber,
        /// The serial.
        serial: Serial,
    },
    /// An account is open (P1), with its first deposit.
    Opened {
        /// The account.
        account: ActorNumber,
        /// How much came in with it.
        deposit: Money,
    },
    /// Money has come in from outside (P10).
    Deposited {
        /// To which account.
        account: ActorNumber,
        /// How much.
        amount: Money,
    },
    /// Money has gone out (P10).
    CashedOut {
        /// From which account.
        account: ActorNumber,
        /// How much.
        amount: Money,
    },
    /// Money has come to an account from another one, or from a certificate.
    Credited {
        /// To whom.
        account: ActorNumber,
        /// How much.
        amount: Money,
        /// What for.
        reason: CreditReason,
    },
    /// A payment certificate waits for its beneficiary (K4).
    PaymentIssued {
        /// Who issued it.
        issuer: ActorNumber,
        /// Who may receive it.
        beneficiary: ActorNumber,
        /// The id of the message that issued it.
        payment: RequestId,
        /// How much.
        amount: Money,
    },
    /// A gift has arrived, or has come on (T8, T9, T12, T14).
    Gift {
        /// To whom.
        recipient: ActorNumber,
        /// Its donor, and the id of the message that gave it.
        key: RequestKey,
        /// How far it has come.
        state: GiftState,
    },
    /// The success instruction: the money has moved, provide the object (T11).
    Provide {
        /// Who is to.
        merchant: ActorNumber,
        /// Which order.
        order: Name,
    },
    /// The failure instruction: no money has moved (T11).
    DoNotProvide {
        /// Whom it concerns.
        merchant: ActorNumber,
        /// Which order.
        order: Name,
        /// Why.
        code: Code,
    },
    /// What an account may do has changed (D46).
    StatusChanged {
        /// The account.
        account: ActorNumber,
        /// How.
        change: StatusChange,
    },
}

impl Fact {
    /// What an event of an actor tells; nothing for most.
    #[must_use]
    pub fn of(actor: ActorNumber, event: &Event) -> Option<Fact> {
        match event {
            Event::Account(event) => Fact::of_account(actor, event),
            Event::Offering(OfferingEvent::Paid(serial)) => {
                Some(Fact::Fulfil { offering: actor, serial: *serial })
            }
            Event::Offering(OfferingEvent::ReservationEnded(serial, _)) => {
                Some(Fact::ReservationEnded { offering: actor, serial: *serial })
            }
            Event::Offering(_) => None,
            Event::Certificate(event) => Fact::of_certificate(actor, event),
        }
    }

    fn of_certificate(certificate: ActorNumber, event: &CertificateEvent) -> Option<Fact> {
        match event {
            CertificateEvent::Sold { buyer, .. } => Some(Fact::Sold { certificate, buyer: *buyer }),
            CertificateEvent::Prompted => Some(Fact::Prompted { certificate }),
            CertificateEvent::Withdrawn(reason) => Some(Fact::Withdrawn { certificate, reason: *reason }),
            CertificateEvent::ReserveShort => Some(Fact::ReserveShort { certificate }),
            CertificateEvent::Refunded { paid, owed } => {
                Some(Fact::Refunded { certificate, paid: *paid, owed: *owed })
            }
            _ => None,
        }
    }

    fn of_account(account: ActorNumber, event: &AccountEvent) -> Option<Fact> {
        match event {
            AccountEvent::Opened(opening, _) => Some(Fact::Opened { account, deposit: opening.deposit }),
            AccountEvent::Deposited(amount, _) => Some(Fact::Deposited { account, amount: *amount }),
            AccountEvent::CashedOut(amount, _) => Some(Fact::CashedOut { account, amount: *amount }),
            AccountEvent::Credited { amount, reason, .. } => {
                Some(Fact::Credited { account, amount: *amount, reason: *reason })
            }
            AccountEvent::Payment(PaymentEvent::Issued(payment, mark)) => Some(Fact::PaymentIssued {
                issuer: account,
                beneficiary: payment.beneficiary?.number,
                payment: mark.key.id.clone(),
                amount: payment.amount,
            }),
            AccountEvent::Gift(event) => {
                let (key, state) = match event {
                    GiftEvent::Arrived(key, gift) => (key, gift.state),
                    GiftEvent::Accepted(key, _) => (key, GiftState::Accepted),
                    GiftEvent::Declined(key, _) => (key, GiftState::Declined),
                    GiftEvent::Expired(key) => (key, GiftState::Expired),
                    GiftEvent::Returned(key, _) => (key, GiftState::Returned),
                    GiftEvent::Withheld(key, _) => (key, GiftState::Withheld),
                    GiftEvent::Provided(key) => (key, GiftState::Provided),
                    GiftEvent::Reversed(key, _) => (key, GiftState::Reversed),
                    GiftEvent::Given { .. } => return None,
                };
                Some(Fact::Gift { recipient: account, key: key.clone(), state })
            }
            AccountEvent::Merchant(MerchantEvent::OrderPaid(order)) => {
                Some(Fact::Provide { merchant: account, order: order.clone() })
            }
            AccountEvent::Merchant(MerchantEvent::OrderFailed(order, code)) => {
                Some(Fact::DoNotProvide { merchant: account, order: order.clone(), code: *code })
            }
            AccountEvent::StatusChanged(change, _) => Some(Fact::StatusChanged { account, change: *change }),
            _ => None,
        }
    }
}
