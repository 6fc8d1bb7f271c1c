//! Listening: notices of what concerns an account, or of everything, each when it is durable and in its order.
//!
//! Absent on purpose: notices of before. Listening begins now; what was before is in the views.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::open::Engine;
use crate::domain::{ActorNumber, Code, Name, Notice, Refusal};

/// A listener's end. Dropping it ends the listening.
pub struct Subscription {
    notices: broadcast::Receiver<Arc<Notice>>,
    /// Only what concerns this account.
    account: Option<ActorNumber>,
}

/// What a listener hears next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A notice.
    Notice(Arc<Notice>),
    /// So many notices of the engine were left out, because this listener was slower than they came; some of them
    /// may have concerned it.
    LeftOut(u64),
}

impl Subscription {
    /// Waits for the next notice, on any runtime; none once the engine is closed or gone.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.notices.recv().await {
                Ok(notice) if self.concerns(&notice) => return Some(Heard::Notice(notice)),
                Ok(_) => {}
                Err(RecvError::Lagged(left_out)) => return Some(Heard::LeftOut(left_out)),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next notice that is there already; none where there is none.
    pub fn next_now(&mut self) -> Option<Heard> {
        loop {
            match self.notices.try_recv() {
                Ok(notice) if self.concerns(&notice) => return Some(Heard::Notice(notice)),
                Ok(_) => {}
                Err(TryRecvError::Lagged(left_out)) => return Some(Heard::LeftOut(left_out)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    fn concerns(&self, notice: &Notice) -> bool {
        self.account.is_none_or(|account| notice.news.concerns(account))
    }
}

impl Engine {
    /// Listens to every notice from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription { notices: self.door().common().notices.listen(), account: None }
    }

    /// Listens to what concerns one account from now on: prompts of certificates that it shared, its sales, money
    /// that it gets, gifts and instructions.
    ///
    /// # Errors
    /// `unknown_account`.
    pub fn subscribe_account(&self, account: &Name) -> Result<Subscription, Refusal> {
        let common = self.door().common();
        let entry = common.directory.account(account).filter(|entry| entry.live);
        let entry = entry
            .ok_or_else(|| Refusal::new(Code::UnknownAccount, "account", format!("{account} is not open")))?;
        Ok(Subscription { notices: common.notices.listen(), account: Some(entry.number) })
    }
}
