//! What doors need to know of an event: names that became live, offerings that were published.

use std::sync::Arc;

use super::directory::Directory;
use crate::domain::{
    AccountEvent, ActorNumber, Currency, Event, Information, Name, Offering, OfferingEvent, Resident,
    SoldOut, Status,
};

/// What the directory is told; only when its record has its place in the log.
pub(super) enum DirectoryNews {
    Opened(Name, ActorNumber, Currency),
    Issued(Name, ActorNumber, u32),
    Published(Name, ActorNumber, Box<Information>),
    StatusChanged(Name, Status),
    SoldOut(Name, Option<Arc<SoldOut>>),
}

impl DirectoryNews {
    /// True where an event may be news: most are not.
    pub(super) fn is(event: &Event) -> bool {
        matches!(
            event,
            Event::Account(AccountEvent::Opened(..) | AccountEvent::StatusChanged(..))
                | Event::Offering(
                    OfferingEvent::Issued(..)
                        | OfferingEvent::Published(..)
                        | OfferingEvent::Paid(_)
                        | OfferingEvent::WindowClosed
                )
        )
    }

    /// The news of an event of this actor, if it is any.
    pub(super) fn of(number: ActorNumber, resident: &Resident, event: &Event) -> Option<DirectoryNews> {
        match (event, resident) {
            (Event::Account(AccountEvent::Opened(opening, _)), _) => {
                Some(DirectoryNews::Opened(opening.name.clone(), number, opening.currency))
            }
            (Event::Offering(OfferingEvent::Issued(offer, _)), _) => {
                Some(DirectoryNews::Issued(offer.name.clone(), number, offer.items))
            }
            (Event::Account(AccountEvent::StatusChanged(..)), Resident::Account(account)) => {
                Some(DirectoryNews::StatusChanged(account.name().clone(), account.status()))
            }
            (Event::Offering(OfferingEvent::Published(..)), Resident::Offering(offering)) => {
                let offer = offering.offer();
                Some(DirectoryNews::Published(
                    offer.name.clone(),
                    number,
                    Box::new(offer.information.clone()),
                ))
            }
            (Event::Offering(OfferingEvent::Paid(_)), Resident::Offering(offering)) => {
                DirectoryNews::sold_out(offering)
            }
            (Event::Offering(OfferingEvent::WindowClosed), Resident::Offering(offering)) => {
                Some(DirectoryNews::SoldOut(offering.offer().name.clone(), None))
            }
            _ => None,
        }
    }

    /// The news that everything of an offering is sold, where it is.
    pub(super) fn sold_out(offering: &Offering) -> Option<DirectoryNews> {
        let sold_out = Arc::new(offering.sold_out()?);
        Some(DirectoryNews::SoldOut(offering.offer().name.clone(), Some(sold_out)))
    }

    /// True where it is that everything of this offering is sold.
    pub(super) fn says_sold_out(&self, offering: &Name) -> bool {
        matches!(self, DirectoryNews::SoldOut(name, Some(_)) if name == offering)
    }

    /// Tells the directory.
    pub(super) fn tell(self, directory: &Directory) {
        match self {
            DirectoryNews::Opened(name, number, currency) => {
                directory.account_opened(&name, number, currency)
            }
            DirectoryNews::Issued(name, number, items) => directory.offering_issued(&name, number, items),
            DirectoryNews::Published(name, number, information) => {
                directory.offering_published(&name, number, &information);
            }
            DirectoryNews::StatusChanged(name, status) => directory.account_changed(&name, status),
            DirectoryNews::SoldOut(name, sold_out) => directory.offering_sold_out(&name, sold_out),
        }
    }
}
