//! What doors need to know of an event: names that became live, offerings that were published.

use super::directory::Directory;
use crate::domain::{
    AccountEvent, ActorNumber, Currency, Event, Information, Name, OfferingEvent, Resident, Status,
};

/// News for the directory; told only when its record has its place in the log.
pub(super) enum News {
    Opened(Name, ActorNumber, Currency),
    Issued(Name, ActorNumber, u32),
    Published(Name, ActorNumber, Box<Information>),
    StatusChanged(Name, Status),
}

impl News {
    /// The news of an event of this actor, if it is any.
    pub(super) fn of(number: ActorNumber, resident: &Resident, event: &Event) -> Option<News> {
        match (event, resident) {
            (Event::Account(AccountEvent::Opened(opening, _)), _) => {
                Some(News::Opened(opening.name.clone(), number, opening.currency))
            }
            (Event::Offering(OfferingEvent::Issued(offer, _)), _) => {
                Some(News::Issued(offer.name.clone(), number, offer.items))
            }
            (Event::Account(AccountEvent::StatusChanged(..)), Resident::Account(account)) => {
                Some(News::StatusChanged(account.name().clone(), account.status()))
            }
            (Event::Offering(OfferingEvent::Published(..)), Resident::Offering(offering)) => {
                let offer = offering.offer();
                Some(News::Published(offer.name.clone(), number, Box::new(offer.information.clone())))
            }
            _ => None,
        }
    }

    /// Tells the directory.
    pub(super) fn tell(self, directory: &Directory) {
        match self {
            News::Opened(name, number, currency) => directory.account_opened(&name, number, currency),
            News::Issued(name, number, items) => directory.offering_issued(&name, number, items),
            News::Published(name, number, information) => {
                directory.offering_published(&name, number, &information);
            }
            News::StatusChanged(name, status) => directory.account_changed(&name, status),
        }
    }
}
