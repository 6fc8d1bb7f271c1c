//! The door of everything that accounts are engaged in: status, payment certificates, transfers, gifts, mandates,
//! merchants.

use super::checks::{certificate, check_text, check_time, not_allowed, party_of, positive, same_currency};
use super::{Resolving, Target};
use crate::domain::{
    ActorNumber, Caller, Code, Command, FoundFrom, FoundObject, GiftCommand, GiftObject, GiftReference,
    GiftTask, GiveTask, Mandate, MandateCommand, MandateTask, MerchantCommand, MerchantTask, Money, Name,
    PaidFrom, Party, PaymentCommand, PaymentReference, PaymentTask, Refusal, Registration, RequestId,
    RequestKey, Source, SpentGift, SpentPayment, Status, StatusChange, Task, Timestamp, TransferCommand,
    TransferTask, WithholdFrom, WithholdTask, WithholdingRight,
};

impl Resolving<'_> {
    /// An account that is to take part in something new. Whether it is closed is asked by `closed_party`.
    fn counterpart(&self, field: &'static str, name: &Name) -> Result<Party, Refusal> {
        self.account(field, name).map(party_of)
    }

    /// An account that cannot take part in something new, being closed. A repeat is answered all the same (I12), so
    /// this is judged behind it, by whoever decides.
    pub(super) fn closed_party(&self, command: &Command) -> Option<Box<Refusal>> {
        let parties: [Option<(&'static str, &Name)>; 2] = match command {
            Command::Payment(PaymentCommand::Issue { beneficiary, .. }) => {
                [beneficiary.as_ref().map(|name| ("beneficiary", name)), None]
            }
            Command::Transfer(TransferCommand::Send { to, .. } | TransferCommand::Begin { to, .. }) => {
                [Some(("to", to)), None]
            }
            Command::Gift(GiftCommand::Give { recipient, merchant, .. }) => {
                [Some(("recipient", recipient)), merchant.as_ref().map(|name| ("merchant", name))]
            }
            Command::Mandate(MandateCommand::Grant { merchant, .. }) => [Some(("merchant", merchant)), None],
            Command::Merchant(MerchantCommand::Register { payee, .. }) => [Some(("payee", payee)), None],
            Command::Issue { offer, .. } => [Some(("offer.payee", &offer.payee)), None],
            _ => [None, None],
        };
        let closed = |name| self.account("", name).is_ok_and(|entry| entry.status == Status::Closed);
        let (field, _) = parties.into_iter().flatten().find(|(_, name)| closed(name))?;
        Some(Box::new(Refusal::new(Code::AccountClosed, field, "is closed")))
    }

    pub(super) fn source(&self, paid_from: &PaidFrom) -> Result<Source, Refusal> {
        Ok(match paid_from {
            PaidFrom::Available => Source::Available,
            PaidFrom::Gift { donor, gift } => {
                let key = self.gift_key("paid_from.gift.donor", donor, gift)?;
                Source::Gift(Box::new(SpentGift { key, order: None }))
            }
            PaidFrom::PaymentCertificate(payment) => {
                Source::PaymentCertificate(Box::new(SpentPayment { payment: payment.clone(), payee: None }))
            }
        })
    }

    pub(super) fn status(
        &self,
        caller: &Caller,
        account: &Name,
        change: StatusChange,
    ) -> Result<Target, Refusal> {
        let institution = *caller == Caller::FundsManagement;
        let own = matches!(caller, Caller::Account(name) if name == account);
        let (allowed, words) = match change {
            StatusChange::Freeze | StatusChange::Unfreeze => (institution, "is not the institution"),
            StatusChange::Close => (institution || own, "is neither the institution nor the account itself"),
            StatusChange::AcceptGifts { .. } => (own, "is not the account itself"),
        };
        if !allowed {
            return Err(not_allowed(words));
        }
        Ok((self.account("account", account)?.number, Task::Status(change)))
    }

    pub(super) fn payment(&self, caller: &Caller, command: &PaymentCommand) -> Result<Target, Refusal> {
        let issuer = |reference: &PaymentReference| self.account("issuer", &reference.issuer);
        let (to, task) = match command {
            PaymentCommand::Issue { amount, beneficiary, not_before, expires_at } => {
                let issuer = self.party(caller)?;
                let named = beneficiary.as_ref().map(|name| self.counterpart("beneficiary", name));
                let beneficiary = named.transpose()?;
                if let Some(beneficiary) = beneficiary {
                    same_currency("beneficiary", issuer, beneficiary)?;
                }
                check_time("not_before", *not_before)?;
                check_time("expires_at", *expires_at)?;
                if let (Some(not_before), Some(expires_at)) = (not_before, expires_at)
                    && not_before >= expires_at
                {
                    let detail = "is not after not_before: give a later time";
                    return Err(Refusal::new(Code::BadValue, "expires_at", detail));
                }
                let amount = positive("amount", *amount)?;
                let (not_before, expires_at) = (*not_before, *expires_at);
                (issuer.number, PaymentTask::Issue { amount, beneficiary, not_before, expires_at })
            }
            PaymentCommand::Receive(reference) => {
                self.party(caller)?;
                (issuer(reference)?.number, PaymentTask::Receive(reference.payment.clone()))
            }
            PaymentCommand::Reject(reference) => {
                self.party(caller)?;
                (issuer(reference)?.number, PaymentTask::Reject(reference.payment.clone()))
            }
            PaymentCommand::Release { reference, amount } => {
                let issuer = self.funds(caller, "issuer", &reference.issuer)?;
                (issuer, PaymentTask::Release(reference.payment.clone(), positive("amount", *amount)?))
            }
            PaymentCommand::Void(reference) => (
                self.funds(caller, "issuer", &reference.issuer)?,
                PaymentTask::Void(reference.payment.clone()),
            ),
            PaymentCommand::Show(reference) => {
                (issuer(reference)?.number, PaymentTask::Show(reference.payment.clone()))
            }
        };
        Ok((to, Task::Payment(task)))
    }

    pub(super) fn transfer(&self, caller: &Caller, command: &TransferCommand) -> Result<Target, Refusal> {
        let between = |to: &Name| {
            let (payer, to) = (self.party(caller)?, self.counterpart("to", to)?);
            same_currency("to", payer, to)?;
            if payer.number == to.number {
                return Err(Refusal::new(Code::BadValue, "to", "is the caller: name another account"));
            }
            Ok((payer.number, to.number))
        };
        let (to, task) = match command {
            TransferCommand::Send { to, amount } => {
                let (payer, to) = between(to)?;
                (payer, TransferTask::Send { to, amount: positive("amount", *amount)? })
            }
            TransferCommand::Begin { to, amount, expires_at } => {
                let (payer, to) = between(to)?;
                check_time("expires_at", *expires_at)?;
                let (amount, expires_at) = (positive("amount", *amount)?, *expires_at);
                (payer, TransferTask::Begin { to, amount, expires_at })
            }
            TransferCommand::Post { from, transfer, amount } => {
                let task = TransferTask::Post(transfer.clone(), positive("amount", *amount)?);
                (self.account("from", from)?.number, task)
            }
            TransferCommand::Void { from, transfer } => {
                (self.account("from", from)?.number, TransferTask::Void(transfer.clone()))
            }
        };
        Ok((to, Task::Transfer(task)))
    }

    fn gift_key(&self, field: &'static str, donor: &Name, gift: &RequestId) -> Result<RequestKey, Refusal> {
        Ok(RequestKey { caller: self.account(field, donor)?.number, id: gift.clone() })
    }

    fn gift_of(&self, reference: &GiftReference) -> Result<(Party, RequestKey), Refusal> {
        let recipient = party_of(self.account("recipient", &reference.recipient)?);
        Ok((recipient, self.gift_key("donor", &reference.donor, &reference.gift)?))
    }

    pub(super) fn gift(&self, caller: &Caller, command: &GiftCommand) -> Result<Target, Refusal> {
        let (to, task) = match command {
            GiftCommand::Give { recipient, merchant, object, price, expires_at } => {
                return self.give(caller, (recipient, merchant.as_ref()), object, (*price, *expires_at));
            }
            GiftCommand::Accept { donor, gift } => {
                (self.party(caller)?.number, GiftTask::Accept(self.gift_key("donor", donor, gift)?))
            }
            GiftCommand::Decline { donor, gift } => {
                (self.party(caller)?.number, GiftTask::Decline(self.gift_key("donor", donor, gift)?))
            }
            GiftCommand::Return(reference) => {
                self.party(caller)?;
                let (recipient, key) = self.gift_of(reference)?;
                (recipient.number, GiftTask::Return(key))
            }
            GiftCommand::Show(reference) => {
                let (recipient, key) = self.gift_of(reference)?;
                (recipient.number, GiftTask::Show(key))
            }
            GiftCommand::List { skip } => (self.party(caller)?.number, GiftTask::List { skip: *skip }),
        };
        Ok((to, Task::Gift(task)))
    }

    /// T7: what a gift must say. A certificate's offering is asked first, which knows its price.
    fn give(
        &self,
        caller: &Caller,
        (recipient, merchant): (&Name, Option<&Name>),
        object: &GiftObject,
        (price, expires_at): (Money, Option<Timestamp>),
    ) -> Result<Target, Refusal> {
        let donor = self.party(caller)?;
        let recipient = self.counterpart("recipient", recipient)?;
        if donor.number == recipient.number {
            return Err(Refusal::new(Code::BadValue, "recipient", "is the donor: name another account"));
        }
        same_currency("recipient", donor, recipient)?;
        let merchant = merchant.map(|name| self.counterpart("merchant", name)).transpose()?;
        let (to, object) = match object {
            GiftObject::Goods { kind, description } => {
                check_text("object.goods.description", description)?;
                if description.trim().is_empty() {
                    let detail = "is empty: say what is given";
                    return Err(Refusal::new(Code::Missing, "object.goods.description", detail));
                }
                if merchant.is_none() {
                    let detail = "is left out: goods are withheld by a merchant";
                    return Err(Refusal::new(Code::Missing, "merchant", detail));
                }
                (donor.number, FoundObject::Goods { kind: *kind, description: description.clone() })
            }
            GiftObject::Certificate { offering, serial } => {
                let named = self.offering(offering).and_then(|entry| {
                    certificate(entry, *serial)?;
                    Ok(entry)
                });
                let entry = named.map_err(|refusal| refusal.within("object.certificate"))?;
                (entry.number, FoundObject::Certificate { offering: entry.number, serial: *serial })
            }
        };
        check_time("expires_at", expires_at)?;
        let (price, merchant) = (positive("price", price)?, merchant.map(|merchant| merchant.number));
        let give = GiveTask { recipient, merchant, object, price, expires_at };
        Ok((to, Task::Gift(GiftTask::Give(Box::new(give)))))
    }

    pub(super) fn mandate(&self, caller: &Caller, command: &MandateCommand) -> Result<Target, Refusal> {
        let party = self.party(caller)?;
        let task = match command {
            MandateCommand::Grant { merchant, amount_max, amount_max_per_use, ends_at } => {
                let merchant = self.counterpart("merchant", merchant)?;
                same_currency("merchant", party, merchant)?;
                check_time("ends_at", *ends_at)?;
                if !amount_max.is_zero() && amount_max_per_use > amount_max {
                    let detail = "is above amount_max: give at most that";
                    return Err(Refusal::new(Code::BadValue, "amount_max_per_use", detail));
                }
                MandateTask::Grant(Mandate {
                    merchant: merchant.number,
                    amount_max: positive("amount_max", *amount_max)?,
                    amount_max_per_use: positive("amount_max_per_use", *amount_max_per_use)?,
                    ends_at: *ends_at,
                    used: Money::ZERO,
                    revoked: false,
                })
            }
            MandateCommand::Revoke { mandate } => MandateTask::Revoke(mandate.clone()),
            MandateCommand::Show { mandate } => MandateTask::Show(mandate.clone()),
        };
        Ok((party.number, Task::Mandate(task)))
    }

    pub(super) fn merchant(&self, caller: &Caller, command: &MerchantCommand) -> Result<Target, Refusal> {
        let own = || -> Result<ActorNumber, Refusal> { Ok(self.party(caller)?.number) };
        let (to, task) = match command {
            MerchantCommand::Register { merchant, payee, supplier, when_short } => {
                let number = self.funds(caller, "merchant", merchant)?;
                let payee = self.counterpart("payee", payee)?;
                let named = supplier.as_ref().map(|supplier| self.account("supplier", supplier));
                let supplier = named.transpose()?.map_or(number, |entry| entry.number);
                (number, MerchantTask::Register(Registration { payee, supplier, when_short: *when_short }))
            }
            MerchantCommand::Unregister { merchant } => {
                (self.funds(caller, "merchant", merchant)?, MerchantTask::Unregister)
            }
            MerchantCommand::Withhold { order, amount, from } => {
                let (reference, amount) = (order.clone(), positive("amount", *amount)?);
                let from = self.withhold_from(from)?;
                (own()?, MerchantTask::Withhold(Box::new(WithholdTask { reference, amount, from })))
            }
            MerchantCommand::Provide { order } => (own()?, MerchantTask::Provide(order.clone())),
            MerchantCommand::Reverse { order } => (own()?, MerchantTask::Reverse(order.clone())),
            MerchantCommand::ShowOrder { order } => (own()?, MerchantTask::ShowOrder(order.clone())),
        };
        Ok((to, Task::Merchant(task)))
    }

    fn withhold_from(&self, from: &WithholdFrom) -> Result<FoundFrom, Refusal> {
        Ok(match from {
            WithholdFrom::Gift(reference) => {
                let found = self.gift_of(reference).map_err(|refusal| refusal.within("from.gift"))?;
                FoundFrom { recipient: found.0, right: WithholdingRight::Gift(found.1) }
            }
            WithholdFrom::Mandate { recipient, mandate } => {
                let recipient = party_of(self.account("from.mandate.recipient", recipient)?);
                FoundFrom { recipient, right: WithholdingRight::Mandate(mandate.clone()) }
            }
        })
    }
}
