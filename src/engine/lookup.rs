//! What stands behind a number or a name.

use super::open::Engine;
use crate::domain::{
    AccountView, ActorNumber, CertificateView, Code, Currency, Done, GiftTask, GiftView, MerchantTask, Name,
    OfferingView, Order, Refusal, RequestKey, Serial, Status, Task,
};

impl Engine {
    /// The currency of an account that is open; none where there is none of this name.
    #[must_use]
    pub fn currency_of(&self, account: &Name) -> Option<Currency> {
        let entry = self.door().common().directory.account(account).filter(|entry| entry.live);
        entry.map(|entry| entry.currency)
    }

    /// What an account may do; none where there is none of this name.
    #[must_use]
    pub fn status_of(&self, account: &Name) -> Option<Status> {
        let entry = self.door().common().directory.account(account).filter(|entry| entry.live);
        entry.map(|entry| entry.status)
    }

    /// The number of an account that is open; none where there is none of this name.
    #[must_use]
    pub fn number_of(&self, account: &Name) -> Option<ActorNumber> {
        self.door().common().directory.account(account).filter(|entry| entry.live).map(|entry| entry.number)
    }

    /// The account of a number, as a notice or a view names it.
    ///
    /// # Errors
    /// `unknown_account` where no account has this number; `overloaded`, `stopped` or `outcome_unknown` where the
    /// engine could not look.
    pub async fn account(&self, number: ActorNumber) -> Result<AccountView, Refusal> {
        match self.look_at(number, Task::ShowAccount).await? {
            Done::Account(view) => Ok(*view),
            _ => Err(Refusal::of(Code::UnknownAccount)),
        }
    }

    /// The certificate of a number, as a notice names it, and its chain from the first hop on.
    ///
    /// # Errors
    /// `unknown_certificate` where none of this number has come to life; `overloaded`, `stopped` or `outcome_unknown` where
    /// the engine could not look.
    pub async fn certificate(&self, number: ActorNumber) -> Result<CertificateView, Refusal> {
        self.certificate_from(number, 1).await
    }

    /// As `certificate`, with its chain from this hop on.
    ///
    /// # Errors
    /// As for `certificate`.
    pub async fn certificate_from(
        &self,
        number: ActorNumber,
        from_hop: u32,
    ) -> Result<CertificateView, Refusal> {
        // Whoever is alive knows its own serial.
        let task = Task::ShowCertificate { serial: Serial(0), from_hop };
        match self.look_at(number, task).await? {
            Done::Certificate(view) => Ok(*view),
            _ => Err(Refusal::of(Code::UnknownCertificate)),
        }
    }

    /// The offering's name and the serial of a certificate of a published offering, alive or not.
    #[must_use]
    pub fn published_certificate(&self, number: ActorNumber) -> Option<(Name, Serial)> {
        let directory = &self.door().common().directory;
        let (offering, name) = directory.holding(number)?;
        let items = directory.offering(&name)?.items;
        let serial =
            u32::try_from(number.0 - offering.0).ok().filter(|serial| (1..=items).contains(serial))?;
        Some((name, Serial(serial)))
    }

    /// A merchant's order.
    ///
    /// # Errors
    /// `unknown_order`; `overloaded`, `stopped` or `outcome_unknown` where the engine could not look.
    pub async fn order(&self, merchant: ActorNumber, order: Name) -> Result<Order, Refusal> {
        match self.look_at(merchant, Task::Merchant(MerchantTask::ShowOrder(order))).await? {
            Done::Order(order) => Ok(*order),
            _ => Err(Refusal::of(Code::UnknownOrder)),
        }
    }

    /// A gift, by its recipient and its key.
    ///
    /// # Errors
    /// `unknown_gift`; `overloaded`, `stopped` or `outcome_unknown` where the engine could not look.
    pub async fn gift(&self, recipient: ActorNumber, key: RequestKey) -> Result<GiftView, Refusal> {
        match self.look_at(recipient, Task::Gift(GiftTask::Show(key))).await? {
            Done::Gift(view) => Ok(*view),
            _ => Err(Refusal::of(Code::UnknownGift)),
        }
    }

    /// The offering of a number, as a view names it.
    ///
    /// # Errors
    /// `unknown_offering` where no offering has this number; `overloaded`, `stopped` or `outcome_unknown` where the
    /// engine could not look.
    pub async fn offering(&self, number: ActorNumber) -> Result<OfferingView, Refusal> {
        match self.look_at(number, Task::ShowOffering).await? {
            Done::Offering(view) => Ok(*view),
            _ => Err(Refusal::of(Code::UnknownOffering)),
        }
    }
}
