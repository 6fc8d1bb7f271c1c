//! What stands behind a number or a name.

use super::open::Engine;
use crate::domain::{AccountView, ActorNumber, Code, Currency, Done, Name, OfferingView, Refusal, Task};

impl Engine {
    /// The currency of an account that is open; none where there is none of this name.
    #[must_use]
    pub fn currency_of(&self, account: &Name) -> Option<Currency> {
        let entry = self.door().common().directory.account(account).filter(|entry| entry.live);
        entry.map(|entry| entry.currency)
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
