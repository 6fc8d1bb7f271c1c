//! What those whom it concerns are told of: prompts, sales, payments, fulfilment, gifts and instructions.
//!
//! A notice follows from an event and is told when its record is durable. Absent on purpose: who listens.

use std::collections::BTreeSet;

use super::account::Account;
use super::certificate::Certificate;
use super::command::Status;
use super::event::{
    AccountEvent, CertificateEvent, Event, GiftEvent, MerchantEvent, OfferingEvent, PaymentEvent,
    WithdrawalReason,
};
use super::gift::GiftState;
use super::inside::CreditReason;
use super::message::Information;
use super::money::Money;
use super::name::{Name, RequestId};
use super::number::{ActorNumber, Position, Serial};
use super::refusal::Code;
use super::resident::Resident;
use super::time::Timestamp;

/// Something that has happened, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The record that it follows from.
    pub position: Position,
    /// That record's time.
    pub at: Timestamp,
    /// What.
    pub news: News,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A certificate is sold; `Paid` and `Fulfil` follow, in this order (C5).
    Sold {
        /// The certificate.
        certificate: ActorNumber,
        /// Who bought it.
        buyer: ActorNumber,
        /// Who is paid.
        payee: ActorNumber,
        /// What was paid.
        price: Money,
    },
    /// The offering knows that a serial is paid.
    Paid {
        /// The offering.
        offering: ActorNumber,
        /// The serial.
        serial: Serial,
        /// Who has paid.
        buyer: ActorNumber,
        /// The offering's supplier.
        supplier: ActorNumber,
    },
    /// The supplier is to deliver by the certificate's texts (C5).
    Fulfil {
        /// The offering.
        offering: ActorNumber,
        /// The serial.
        serial: Serial,
        /// To whom.
        buyer: ActorNumber,
        /// By whom.
        supplier: ActorNumber,
        /// Product, logistics, insurance, service, as they were issued.
        information: Box<Information>,
    },
    /// A commission is almost met (W10): for the holder first, then everyone in the chain, then the supplier.
    Prompt {
        /// The certificate.
        certificate: ActorNumber,
        /// Whom it concerns.
        to: Vec<ActorNumber>,
    },
    /// A commission went home by condition or time limit.
    Withdrawn {
        /// The certificate.
        certificate: ActorNumber,
        /// Its payer.
        payer: ActorNumber,
        /// Why.
        reason: WithdrawalReason,
    },
    /// An increase was cut: the payer may top up (D4).
    ReserveShort {
        /// The certificate.
        certificate: ActorNumber,
        /// Its payer.
        payer: ActorNumber,
    },
    /// A reservation is over (F6).
    ReservationEnded {
        /// The offering.
        offering: ActorNumber,
        /// The serial.
        serial: Serial,
        /// Who had it.
        buyer: ActorNumber,
    },
    /// Money has come to an account: a price, a commission, a transfer, a refund, a gift that came home.
    Credited {
        /// To whom.
        account: ActorNumber,
        /// How much.
        amount: Money,
        /// By which account, certificate or offering.
        from: ActorNumber,
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
    /// A gift waits for its recipient (T8).
    GiftArrived {
        /// To whom.
        recipient: ActorNumber,
        /// From whom.
        donor: ActorNumber,
        /// The id of the message that gave it.
        gift: RequestId,
        /// How much.
        price: Money,
    },
    /// A gift was accepted, or its money is on its way home: declined, expired or returned (T9).
    GiftChanged {
        /// To whom it was given.
        recipient: ActorNumber,
        /// From whom.
        donor: ActorNumber,
        /// Who may withhold it; none where that is left to its supplier's merchants.
        merchant: Option<ActorNumber>,
        /// The id of the message that gave it.
        gift: RequestId,
        /// What has become of it.
        state: GiftState,
    },
    /// The success instruction: the money has moved, provide the object (T11).
    Provide {
        /// Who is to.
        merchant: ActorNumber,
        /// Which order.
        order: Name,
        /// For whom.
        recipient: ActorNumber,
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
        /// What it may do now.
        status: Status,
    },
}

impl News {
    /// Whom it concerns, where that is one of these accounts.
    #[must_use]
    pub fn concerns(&self, account: ActorNumber) -> bool {
        match self {
            News::Sold { buyer, payee, .. } => [buyer, payee].contains(&&account),
            News::Paid { buyer, supplier, .. } | News::Fulfil { buyer, supplier, .. } => {
                [buyer, supplier].contains(&&account)
            }
            News::Prompt { to, .. } => to.contains(&account),
            News::Withdrawn { payer, .. } | News::ReserveShort { payer, .. } => *payer == account,
            News::ReservationEnded { buyer, .. } => *buyer == account,
            News::Credited { account: credited, .. } => *credited == account,
            News::PaymentIssued { beneficiary, .. } => *beneficiary == account,
            News::GiftArrived { recipient, .. } => *recipient == account,
            News::GiftChanged { recipient, donor, merchant, .. } => {
                [Some(*recipient), Some(*donor), *merchant].contains(&Some(account))
            }
            News::Provide { merchant, recipient, .. } => [merchant, recipient].contains(&&account),
            News::DoNotProvide { merchant, .. } => *merchant == account,
            News::StatusChanged { account: changed, .. } => *changed == account,
        }
    }

    /// What an event takes with it, told from its actor's state before the record.
    #[must_use]
    pub fn before(resident: &Resident, actor: ActorNumber, event: &Event) -> Vec<News> {
        let (Event::Offering(event), Resident::Offering(there)) = (event, resident) else {
            return Vec::new();
        };
        let supplier = there.offer().supplier.number;
        let offering = actor;
        match event {
            OfferingEvent::Paid(serial) => {
                let Some(payment) = there.stock().payment(*serial) else { return Vec::new() };
                let (serial, buyer) = (*serial, payment.buyer);
                let information = Box::new(there.offer().information.clone());
                vec![
                    News::Paid { offering, serial, buyer, supplier },
                    News::Fulfil { offering, serial, buyer, supplier, information },
                ]
            }
            OfferingEvent::ReservationEnded(serial, _) => {
                let buyer = there.stock().reservation(*serial).map(|reservation| reservation.buyer);
                let ended = buyer.map(|buyer| News::ReservationEnded { offering, serial: *serial, buyer });
                ended.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// What an event has brought about, told from its actor's state after the record; nothing for most.
    #[must_use]
    pub fn after(resident: &Resident, actor: ActorNumber, event: &Event) -> Option<News> {
        match (event, resident) {
            (Event::Certificate(event), Resident::Certificate(there)) => {
                News::of_certificate(there, actor, event)
            }
            (Event::Account(event), Resident::Account(there)) => News::of_account(there, actor, event),
            _ => None,
        }
    }

    fn of_certificate(
        there: &Certificate,
        certificate: ActorNumber,
        event: &CertificateEvent,
    ) -> Option<News> {
        let birth = there.birth();
        let payer = birth.envelope.as_ref().map(|envelope| envelope.payer).unwrap_or_default();
        match event {
            CertificateEvent::Sold { buyer, .. } => {
                let (buyer, payee, price) = (*buyer, birth.payee, birth.price);
                Some(News::Sold { certificate, buyer, payee, price })
            }
            CertificateEvent::Prompted => {
                let mut known = BTreeSet::new();
                let newest_first = there.hops().rev().map(|hop| hop.account);
                let to =
                    newest_first.chain([birth.supplier]).filter(|account| known.insert(*account)).collect();
                Some(News::Prompt { certificate, to })
            }
            CertificateEvent::Withdrawn(reason) => {
                Some(News::Withdrawn { certificate, payer, reason: *reason })
            }
            CertificateEvent::ReserveShort => Some(News::ReserveShort { certificate, payer }),
            _ => None,
        }
    }

    fn of_account(there: &Account, account: ActorNumber, event: &AccountEvent) -> Option<News> {
        match event {
            AccountEvent::Credited { amount, from, reason } => {
                Some(News::Credited { account, amount: *amount, from: *from, reason: *reason })
            }
            AccountEvent::Payment(PaymentEvent::Issued(payment, mark)) => {
                let (beneficiary, amount) = (payment.beneficiary?.number, payment.amount);
                Some(News::PaymentIssued {
                    issuer: account,
                    beneficiary,
                    payment: mark.key.id.clone(),
                    amount,
                })
            }
            AccountEvent::Gift(GiftEvent::Arrived(key, gift)) => Some(News::GiftArrived {
                recipient: account,
                donor: key.caller,
                gift: key.id.clone(),
                price: gift.price,
            }),
            AccountEvent::Gift(
                GiftEvent::Accepted(key, _)
                | GiftEvent::Declined(key, _)
                | GiftEvent::Expired(key)
                | GiftEvent::Returned(key, _),
            ) => {
                let gift = there.received(key)?;
                Some(News::GiftChanged {
                    recipient: account,
                    donor: key.caller,
                    merchant: gift.merchant,
                    gift: key.id.clone(),
                    state: gift.state,
                })
            }
            AccountEvent::Merchant(MerchantEvent::OrderPaid(order)) => {
                let recipient = there.order_recipient(order)?;
                Some(News::Provide { merchant: account, order: order.clone(), recipient })
            }
            AccountEvent::Merchant(MerchantEvent::OrderFailed(order, code)) => {
                Some(News::DoNotProvide { merchant: account, order: order.clone(), code: *code })
            }
            AccountEvent::StatusChanged(..) => Some(News::StatusChanged { account, status: there.status() }),
            _ => None,
        }
    }
}
