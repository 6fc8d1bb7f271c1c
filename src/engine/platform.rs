//! The platforms: the public one with its search, every account's private one, and page links (P8, P9, V1 to V5).
//!
//! Every value comes from the live actor, but for what was published as a snapshot. Looking moves no money.

use super::open::Engine;
use crate::domain::{
    ActorNumber, Caller, CertificateView, Code, Command, Currency, Display, Done, FrozenRow, Message, Money,
    Name, OfferingView, PageLink, Refusal, RequestId, Serial,
};
use crate::limits::{PAGE_ENTRIES_MAX, PLATFORM_LOOKED_AT_MAX, PLATFORM_QUERY_BYTES_MAX};

/// What is looked for on the public platform. The default looks for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformQuery {
    /// Words that the product's name and description must all have, whatever their letters are like.
    pub words: String,
    /// Only this currency.
    pub currency: Option<Currency>,
    /// Only from this price on, in minor units; goes with `currency`.
    pub price_min: Option<Money>,
    /// Only up to this price, in minor units; goes with `currency`.
    pub price_max: Option<Money>,
    /// Only where an untouched certificate shows a commission.
    pub with_commission: bool,
    /// Only where certificates are left.
    pub in_stock: bool,
}

/// A page of the public platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformPage {
    /// The rows, in the order in which their offerings were issued.
    pub rows: Vec<PlatformRow>,
    /// Where the next page begins; none behind the last. A page may hold fewer rows than were asked for, or none,
    /// and still have a next one.
    pub next: Option<PlatformCursor>,
}

/// A place on the public platform. It stays good while offerings come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlatformCursor(pub ActorNumber);

/// One offering on the public platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformRow {
    /// Its name.
    pub name: Name,
    /// Its link.
    pub link: PageLink,
    /// What of it is shown.
    pub shown: Shown,
}

/// What of an offering is shown (V2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Everything, live.
    Certificate(Box<OfferingView>),
    /// Nothing but name and link.
    AcquisitionInformation,
    /// As it was when it was published.
    Snapshot(FrozenRow, Currency),
}

/// A page of an account's private platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivatePage {
    /// What the account has circulated, newest first, as it is now.
    pub rows: Vec<LinkedPage>,
    /// How many the account has circulated in all.
    pub entries: u32,
}

/// What a page link opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedPage {
    /// The offering's name, by which one circulates and buys.
    pub offering: Name,
    /// The certificate as it is, sold or not; none where the link is an offering's.
    pub certificate: Option<CertificateView>,
}

impl PlatformQuery {
    fn check(&self) -> Result<(), Refusal> {
        if self.words.len() > PLATFORM_QUERY_BYTES_MAX {
            let detail = format!("have {} bytes: give at most {PLATFORM_QUERY_BYTES_MAX}", self.words.len());
            return Err(Refusal::new(Code::BadText, "words", detail));
        }
        if self.currency.is_none() && (self.price_min.is_some() || self.price_max.is_some()) {
            return Err(Refusal::new(Code::Missing, "currency", "is left out: prices are compared in one"));
        }
        if let (Some(min), Some(max)) = (self.price_min, self.price_max)
            && min > max
        {
            return Err(Refusal::new(Code::BadValue, "price_max", "is below price_min: swap them"));
        }
        Ok(())
    }

    fn takes(&self, row: &OfferingView) -> bool {
        self.currency.is_none_or(|currency| currency == row.currency)
            && self.price_min.is_none_or(|min| row.price >= min)
            && self.price_max.is_none_or(|max| row.price <= max)
            && (!self.with_commission || row.label.is_some())
            && (!self.in_stock || row.left > 0)
    }
}

impl PlatformRow {
    fn of(view: OfferingView) -> PlatformRow {
        let (name, link) = (view.name.clone(), view.link);
        let shown = match (view.display, view.frozen) {
            (Display::AcquisitionInformation, _) => Shown::AcquisitionInformation,
            (Display::Snapshot, Some(frozen)) => Shown::Snapshot(frozen, view.currency),
            _ => Shown::Certificate(Box::new(view)),
        };
        PlatformRow { name, link, shown }
    }
}

impl Engine {
    /// Up to `most` rows of the public platform behind a cursor, at most `limits::PAGE_ENTRIES_MAX` (P8, V1, V3).
    ///
    /// # Errors
    /// `bad_text`, `missing` or `bad_value` for a query out of its bounds; `overloaded`, `stopped` or
    /// `outcome_unknown` where the engine could not look.
    pub async fn platform(
        &self,
        query: &PlatformQuery,
        after: PlatformCursor,
        most: usize,
    ) -> Result<PlatformPage, Refusal> {
        query.check()?;
        if most == 0 {
            return Err(Refusal::new(Code::BadValue, "most", "is 0: ask for one row at least"));
        }
        let most = most.min(PAGE_ENTRIES_MAX);
        let directory = &self.door().common().directory;
        let found = directory.published(&query.words, after.0, PLATFORM_LOOKED_AT_MAX);
        let more = found.len() == PLATFORM_LOOKED_AT_MAX;
        let last = found.last().map(|(number, _)| PlatformCursor(*number));
        let mut page = PlatformPage { rows: Vec::new(), next: last.filter(|_| more) };
        for part in found.chunks(most) {
            let shows = part.iter().map(|(_, offering)| Command::ShowOffering { offering: offering.clone() });
            for answer in self.send_batch(looks(shows)?).await {
                let Done::Offering(row) = answer? else { continue };
                if page.rows.len() == most {
                    return Ok(page);
                }
                if query.takes(&row) {
                    let cursor = PlatformCursor(row.number);
                    page.rows.push(PlatformRow::of(*row));
                    if page.rows.len() == most {
                        page.next = Some(cursor).filter(|cursor| Some(*cursor) != last || more);
                    }
                }
            }
        }
        Ok(page)
    }

    /// What an account has circulated, newest first, leaving out the `skip` newest: its private platform (P8, V4).
    /// Circulate and buy from there with `Via::PrivatePage`.
    ///
    /// # Errors
    /// `unknown_account`; `overloaded`, `stopped` or `outcome_unknown` where the engine could not look.
    pub async fn private_platform(
        &self,
        account: &Name,
        skip: u32,
        most: usize,
    ) -> Result<PrivatePage, Refusal> {
        let show = Command::ShowPage { account: account.clone(), skip };
        let Done::Page(page) = self.send(look(show)?).await? else {
            return Err(Refusal::of(Code::Internal));
        };
        let certificates: Vec<ActorNumber> = page.certificates.into_iter().take(most).collect();
        let rows = self.certificates(&certificates).await?;
        Ok(PrivatePage { rows, entries: page.entries })
    }

    /// What a page link opens, live (P9, V5). Circulate and buy from there with `Via::Link`.
    ///
    /// # Errors
    /// `bad_link` where nothing that was published has this link; `overloaded`, `stopped` or `outcome_unknown`
    /// where the engine could not look.
    pub async fn open_link(&self, link: PageLink) -> Result<LinkedPage, Refusal> {
        let mut opened = self.certificates(&[link.number()]).await?;
        opened.pop().ok_or_else(|| Refusal::of(Code::Internal))
    }

    async fn certificates(&self, numbers: &[ActorNumber]) -> Result<Vec<LinkedPage>, Refusal> {
        let mut pages = Vec::with_capacity(numbers.len());
        let mut shows = Vec::with_capacity(numbers.len());
        for number in numbers {
            let (offering, serial) = self.published_as(*number)?;
            if let Some(serial) = serial {
                let offering = offering.clone();
                shows.push(Command::ShowCertificate { offering, serial, from_hop: 1 });
            }
            pages.push((offering, serial.is_some()));
        }
        let mut answers = self.send_batch(looks(shows.into_iter())?).await.into_iter();
        let mut opened = Vec::with_capacity(pages.len());
        for (offering, has_certificate) in pages {
            let certificate = match has_certificate.then(|| answers.next()).flatten() {
                Some(answer) => match answer? {
                    Done::Certificate(view) => Some(*view),
                    _ => return Err(Refusal::of(Code::Internal)),
                },
                None => None,
            };
            opened.push(LinkedPage { offering, certificate });
        }
        Ok(opened)
    }

    /// The name of the published offering that has this number, or that of its certificate, and then the serial.
    fn published_as(&self, number: ActorNumber) -> Result<(Name, Option<Serial>), Refusal> {
        let directory = &self.door().common().directory;
        let unknown = || Refusal::new(Code::BadLink, "link", "links to nothing that was published");
        let (offering, name) = directory.holding(number).ok_or_else(unknown)?;
        let items = directory.offering(&name).map_or(0, |entry| entry.items);
        match u32::try_from(number.0 - offering.0) {
            Ok(0) => Ok((name, None)),
            Ok(serial) if serial <= items => Ok((name, Some(Serial(serial)))),
            _ => Err(unknown()),
        }
    }
}

/// A message that only looks: the institution may look at everything, and a look leaves nothing behind.
fn look(command: Command) -> Result<Message, Refusal> {
    Ok(Message { caller: Caller::FundsManagement, request_id: RequestId::new("look")?, command })
}

fn looks(commands: impl Iterator<Item = Command>) -> Result<Vec<Message>, Refusal> {
    commands.map(look).collect()
}
