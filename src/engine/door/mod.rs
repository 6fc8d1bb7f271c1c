//! The door: names become numbers, bodies are checked and hashed, time and luck are stamped.
//!
//! Every refusal here names the field, its limit and what to do. Absent on purpose: anything that depends on
//! an actor's state, but for what stays as it is: that everything of an offering is sold.

mod checks;
mod engagements;
mod fingerprints;
mod turning_away;

use std::sync::Arc;

pub(super) use fingerprints::Fingerprints;
pub(super) use turning_away::TurningAway;

use checks::{certificate, check_offer, check_time, not_allowed, only_zero, party_of, positive};

use crate::actors::{AccountEntry, Common, OfferingEntry};
use crate::domain::{
    ActorNumber, AttachTask, Body, Caller, CirculateTask, Code, Command, Fingerprint, FoundVia, Funding,
    IssuedOffer, Message, Name, Offer, Opening, Party, PurchaseTask, RefundTerms, Refusal, Request,
    RequestAt, RequestKey, RequestMark, Serial, Source, Status, Task, Timestamp, TopUpTask, Via,
};

/// Resolves messages against the names of one engine.
#[derive(Clone)]
pub struct Door {
    common: Arc<Common>,
}

type Target = (ActorNumber, Task);

impl Door {
    /// The door of an engine whose houses share this.
    #[must_use]
    pub fn new(common: Arc<Common>) -> Door {
        Door { common }
    }

    /// What the houses share.
    #[must_use]
    pub fn common(&self) -> &Common {
        &self.common
    }

    /// The actor that a message is for, and the message as it receives it. `seed` is the luck of an offering
    /// that is issued by it.
    ///
    /// # Errors
    /// A refusal that names the field, its limit and what to do; nothing was changed.
    pub fn resolve(&self, message: &Message, seed: [u8; 32]) -> Result<(ActorNumber, Body), Refusal> {
        let fingerprint = Fingerprints::default().of(&message.command)?;
        self.resolve_from(self.sender(message), message, fingerprint, seed)
    }

    /// The account that sends a message, where it is open.
    pub(super) fn sender(&self, message: &Message) -> Option<AccountEntry> {
        match &message.caller {
            Caller::FundsManagement => None,
            Caller::Account(name) => self.common.directory.account(name).filter(|entry| entry.live),
        }
    }

    /// The refusal of a purchase of any certificate where everything of its offering is sold, as the offering would give it (F2);
    /// none where the offering is to be asked. The message depends on nothing else. Like every refusal of a door it may rest on
    /// records that are not durable yet.
    #[must_use]
    pub fn turns_away(&self, message: &Message, now: Timestamp) -> Option<Refusal> {
        TurningAway::default().refusal(self, self.sender(message), message, now)
    }

    /// As `resolve`, of an account that was looked up right before.
    pub(super) fn resolve_from(
        &self,
        sender: Option<AccountEntry>,
        message: &Message,
        fingerprint: Fingerprint,
        seed: [u8; 32],
    ) -> Result<(ActorNumber, Body), Refusal> {
        let resolving = Resolving { common: &self.common, sender };
        let (to, task) = resolving.target(message, seed)?;
        let mut caller_status = Status::Open;
        let caller = match &message.caller {
            Caller::FundsManagement => ActorNumber::FUNDS_MANAGEMENT,
            Caller::Account(_) if matches!(task, Task::Open(_)) => to,
            Caller::Account(name) => {
                let entry = resolving.sender(name)?;
                caller_status = entry.status;
                entry.number
            }
        };
        let key = RequestKey { caller, id: message.request_id.clone() };
        let objection = resolving.closed_party(&message.command);
        let mark = RequestMark::new(key, fingerprint);
        let request = Request { mark, task, caller_status, objection, conditions: None };
        Ok((to, Body::Request(Box::new(request))))
    }
}

/// A message at the door.
struct Resolving<'door> {
    common: &'door Common,
    /// The account that it comes from, where that was found to be open.
    sender: Option<AccountEntry>,
}

impl Resolving<'_> {
    /// The account that the message comes from.
    fn sender(&self, name: &Name) -> Result<AccountEntry, Refusal> {
        match self.sender {
            Some(entry) => Ok(entry),
            None => self.account("caller", name),
        }
    }

    fn target(&self, message: &Message, seed: [u8; 32]) -> Result<Target, Refusal> {
        let caller = &message.caller;
        match &message.command {
            Command::OpenAccount { account, currency, deposit, credit_limit } => {
                match caller {
                    Caller::FundsManagement => {}
                    Caller::Account(own) if own == account => {
                        only_zero("deposit", *deposit)?;
                        only_zero("credit_limit", *credit_limit)?;
                    }
                    Caller::Account(_) => {
                        return Err(not_allowed("is neither the institution nor the account itself"));
                    }
                }
                let (name, currency) = (account.clone(), *currency);
                let (deposit, credit_limit) = (*deposit, *credit_limit);
                let entry = self.common.directory.reserve_account(account, currency);
                Ok((entry.number, Task::Open(Opening { name, currency, deposit, credit_limit })))
            }
            Command::Deposit { account, amount } => {
                let account = self.funds(caller, "account", account)?;
                Ok((account, Task::Deposit(positive("amount", *amount)?)))
            }
            Command::CashOut { account, amount } => {
                let account = self.funds(caller, "account", account)?;
                Ok((account, Task::CashOut(positive("amount", *amount)?)))
            }
            Command::SetCreditLimit { account, credit_limit } => {
                Ok((self.funds(caller, "account", account)?, Task::SetCreditLimit(*credit_limit)))
            }
            Command::Issue { offering, offer } => self.issue(caller, offering, offer, seed),
            Command::Publish { offering, display } => {
                self.party(caller)?;
                Ok((self.offering(offering)?.number, Task::Publish(*display)))
            }
            Command::AttachCommission { offering, terms, funding } => {
                let payer = self.party(caller)?;
                let entry = self.offering(offering)?;
                terms.check().map_err(|refusal| refusal.within("terms"))?;
                check_time("terms.expires_at", terms.expires_at)?;
                let backing = match funding {
                    Funding::Envelope => None,
                    Funding::PaymentCertificate(payment) => Some(payment.clone()),
                };
                let attach = AttachTask { payer, terms: (**terms).clone(), backing };
                Ok((entry.number, Task::Attach(Box::new(attach))))
            }
            Command::TopUp { offering, serial, amount } => {
                self.party(caller)?;
                let entry = self.offering(offering)?;
                certificate(entry, *serial)?;
                let (offering, amount) = (entry.number, positive("amount", *amount)?);
                Ok((offering, Task::TopUp(TopUpTask { offering, serial: *serial, amount })))
            }
            Command::Circulate { offering, serial, via } => {
                let party = self.party(caller)?;
                let entry = self.offering(offering)?;
                let named = serial.map(|serial| certificate(entry, serial)).transpose()?;
                let via = self.via(via, *serial)?;
                let task = Task::Circulate(CirculateTask { party, named: *serial, via });
                Ok((named.unwrap_or(entry.number), task))
            }
            Command::Acquire { offering, serial } => {
                self.party(caller)?;
                Ok((certificate(self.offering(offering)?, *serial)?, Task::Acquire(*serial)))
            }
            Command::Purchase { offering, serial, via, paid_from } => {
                let source = self.source(paid_from)?;
                let (to, task) = self.buying(caller, (offering, *serial), via, source)?;
                Ok((to, Task::Purchase(task)))
            }
            Command::Reserve { offering, serial, via } => {
                let (to, task) = self.buying(caller, (offering, *serial), via, Source::Reservation)?;
                Ok((to, Task::Reserve(task)))
            }
            Command::PayReservation { offering, serial } => {
                let (buyer, entry) = (self.party(caller)?, self.offering(offering)?);
                certificate(entry, *serial)?;
                Ok((entry.number, Task::PayReservation(buyer, *serial)))
            }
            Command::CancelReservation { offering, serial } => {
                self.party(caller)?;
                let entry = self.offering(offering)?;
                certificate(entry, *serial)?;
                Ok((entry.number, Task::CancelReservation(*serial)))
            }
            Command::Refund { offering, serial } => {
                self.party(caller)?;
                Ok((certificate(self.offering(offering)?, *serial)?, Task::Refund(*serial)))
            }
            Command::Status { account, change } => self.status(caller, account, *change),
            Command::Payment(command) => self.payment(caller, command),
            Command::Transfer(command) => self.transfer(caller, command),
            Command::Gift(command) => self.gift(caller, command),
            Command::Mandate(command) => self.mandate(caller, command),
            Command::Merchant(command) => self.merchant(caller, command),
            Command::ShowPage { account, skip } => {
                Ok((self.account("account", account)?.number, Task::ShowPage { skip: *skip }))
            }
            Command::ShowAccount { account } => {
                match caller {
                    Caller::FundsManagement => {}
                    Caller::Account(own) if own == account => {}
                    Caller::Account(_) => return Err(not_allowed("may look at its own account only")),
                }
                Ok((self.account("account", account)?.number, Task::ShowAccount))
            }
            Command::ShowOffering { offering } => Ok((self.offering(offering)?.number, Task::ShowOffering)),
            Command::ShowCertificate { offering, serial, from_hop } => {
                let number = certificate(self.offering(offering)?, *serial)?;
                Ok((number, Task::ShowCertificate { serial: *serial, from_hop: *from_hop }))
            }
            Command::ShowRequest { at, request } => {
                let show = |serial| Task::ShowRequest { id: request.clone(), serial };
                match at {
                    RequestAt::Account(name) => Ok((self.account("account", name)?.number, show(None))),
                    RequestAt::Offering(name) => Ok((self.offering(name)?.number, show(None))),
                    RequestAt::Certificate(name, serial) => {
                        Ok((certificate(self.offering(name)?, *serial)?, show(Some(*serial))))
                    }
                }
            }
        }
    }

    /// A purchase or a reservation, and to whom it goes first.
    fn buying(
        &self,
        caller: &Caller,
        (offering, serial): (&Name, Option<Serial>),
        via: &Via,
        source: Source,
    ) -> Result<(ActorNumber, PurchaseTask), Refusal> {
        let buyer = self.party(caller)?;
        let entry = self.offering(offering)?;
        let named = serial.map(|serial| certificate(entry, serial)).transpose()?;
        let via = self.via(via, serial)?;
        let task = PurchaseTask { buyer, named: serial, via, page_found: false, source };
        // A private page is a certificate's own, so the certificate looks first (D40).
        match (via, named) {
            (FoundVia::PrivatePage(_), Some(certificate)) => Ok((certificate, task)),
            _ => Ok((entry.number, task)),
        }
    }

    fn issue(&self, caller: &Caller, name: &Name, offer: &Offer, seed: [u8; 32]) -> Result<Target, Refusal> {
        let supplier = self.party(caller)?;
        check_offer(offer).map_err(|refusal| refusal.within("offer"))?;
        let payee = party_of(self.account("offer.payee", &offer.payee)?);
        for (field, party) in [("caller", supplier), ("offer.payee", payee)] {
            if party.currency != offer.currency {
                return Err(Refusal::new(
                    Code::CurrencyMismatch,
                    field,
                    "has another currency than the offering",
                ));
            }
        }
        let payers = offer
            .payers
            .iter()
            .map(|payer| Ok(self.account("offer.payers", payer)?.number))
            .collect::<Result<Vec<_>, Refusal>>()?;
        let entry = self.common.directory.reserve_offering(name, offer.items);
        // The name's numbers were reserved for another issue, which is on its way, and for as many items as that has:
        // overtaking it with more would take numbers that others have.
        if !entry.live && entry.items != offer.items {
            return Err(Refusal::of(Code::Overloaded));
        }
        let issued = IssuedOffer {
            name: name.clone(),
            supplier,
            payee,
            price: offer.price,
            currency: offer.currency,
            items: offer.items,
            information: offer.information.clone(),
            payers,
            window: offer.window,
            cap: offer.cap,
            expires_at: offer.expires_at,
            reservable_ms: offer.reservable_ms,
            refund: RefundTerms { clawback: offer.clawback, when_short: offer.when_short },
            seed,
        };
        Ok((entry.number, Task::Issue(Box::new(issued))))
    }

    fn funds(&self, caller: &Caller, field: &'static str, account: &Name) -> Result<ActorNumber, Refusal> {
        if *caller != Caller::FundsManagement {
            return Err(not_allowed("is not the funds-management institution"));
        }
        Ok(self.account(field, account)?.number)
    }

    fn account(&self, field: &'static str, name: &Name) -> Result<AccountEntry, Refusal> {
        let entry = self.common.directory.account(name).filter(|entry| entry.live);
        entry.ok_or_else(|| Refusal::new(Code::UnknownAccount, field, format!("{name} is not open")))
    }

    fn party(&self, caller: &Caller) -> Result<Party, Refusal> {
        match caller {
            Caller::Account(name) => Ok(party_of(self.sender(name)?)),
            Caller::FundsManagement => {
                Err(not_allowed("is the institution, and this is an account's to send"))
            }
        }
    }

    fn offering(&self, name: &Name) -> Result<OfferingEntry, Refusal> {
        let entry = self.common.directory.offering(name).filter(|entry| entry.live);
        entry.ok_or_else(|| Refusal::new(Code::UnknownOffering, "offering", format!("{name} is not issued")))
    }

    fn via(&self, via: &Via, serial: Option<Serial>) -> Result<FoundVia, Refusal> {
        match via {
            Via::Public => Ok(FoundVia::Public),
            _ if serial.is_none() => Err(Refusal::new(
                Code::Missing,
                "serial",
                "is left out: a private page or a link names a certificate",
            )),
            Via::PrivatePage(owner) => {
                Ok(FoundVia::PrivatePage(self.account("via.private_page", owner)?.number))
            }
            Via::Link => Ok(FoundVia::Link),
        }
    }
}
