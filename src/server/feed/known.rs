//! What a reader of the feed has looked up: names do not change, so each is asked for once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::Engine;
use crate::domain::{ActorNumber, Currency, Name, Refusal};
use crate::limits::FEED_NAMES_MAX;

/// What does not change of an offering.
#[derive(Debug)]
pub(in crate::server) struct KnownOffering {
    pub(super) name: Name,
    pub(super) supplier: ActorNumber,
    pub(super) payee: ActorNumber,
    pub(super) price: String,
    pub(super) currency: Currency,
    number: ActorNumber,
    items: u32,
}

/// Names by number.
#[derive(Default)]
pub(in crate::server) struct Known {
    accounts: HashMap<ActorNumber, (Name, Currency)>,
    /// By their numbers, behind which their certificates' numbers follow.
    offerings: BTreeMap<ActorNumber, Arc<KnownOffering>>,
}

impl Known {
    /// An account's name and currency.
    pub(super) async fn account(
        &mut self,
        engine: &Engine,
        number: ActorNumber,
    ) -> Result<(Name, Currency), Refusal> {
        if let Some(known) = self.accounts.get(&number) {
            return Ok(known.clone());
        }
        let view = engine.account(number).await?;
        if self.accounts.len() >= FEED_NAMES_MAX {
            self.accounts.clear();
        }
        self.accounts.insert(number, (view.name.clone(), view.currency));
        Ok((view.name, view.currency))
    }

    /// An offering.
    pub(super) async fn offering(
        &mut self,
        engine: &Engine,
        number: ActorNumber,
    ) -> Result<Arc<KnownOffering>, Refusal> {
        if let Some(known) = self.offerings.get(&number) {
            return Ok(Arc::clone(known));
        }
        let view = engine.offering(number).await?;
        let known = Arc::new(KnownOffering {
            price: view.price.format(view.currency),
            name: view.name,
            supplier: view.supplier,
            payee: view.payee,
            currency: view.currency,
            number,
            items: view.items,
        });
        if self.offerings.len() >= FEED_NAMES_MAX {
            self.offerings.clear();
        }
        self.offerings.insert(number, Arc::clone(&known));
        Ok(known)
    }

    /// A certificate's offering, and its serial there.
    pub(super) async fn certificate(
        &mut self,
        engine: &Engine,
        number: ActorNumber,
    ) -> Result<(Arc<KnownOffering>, u32), Refusal> {
        let before = self.offerings.range(..number).next_back().map(|(_, known)| Arc::clone(known));
        let within = |known: &Arc<KnownOffering>| number.0 - known.number.0 <= u64::from(known.items);
        let offering = match before.filter(within) {
            Some(known) => known,
            None => {
                let offering = engine.certificate(number).await?.offering;
                self.offering(engine, offering).await?
            }
        };
        let serial = u32::try_from(number.0 - offering.number.0).unwrap_or(u32::MAX);
        Ok((offering, serial))
    }
}
