//! The names of the accounts and offerings that an answer knows by number.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Engine;
use crate::domain::{ActorNumber, Done, FoundObject, FoundVia, GiftView, Name, WithholdingRight};

/// Names by number.
#[derive(Default)]
pub(in crate::server) struct Names(BTreeMap<ActorNumber, Name>);

/// An account or an offering in an answer: its name, or its number where the engine could not look.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(untagged)]
pub(super) enum Named {
    Name(Name),
    Number(u64),
}

impl Names {
    /// False where an answer knows nobody by number, for sure.
    pub(in crate::server) fn may_be_in(done: &Done) -> bool {
        matches!(
            done,
            Done::Certificate(_)
                | Done::Gift(_)
                | Done::Gifts(_)
                | Done::Payment(_)
                | Done::Request(_)
                | Done::Mandate(_)
                | Done::Order(_)
        )
    }

    /// Looks up everybody whom the answer knows by number; for most answers that is nobody.
    pub(in crate::server) async fn in_answer(engine: &Engine, done: &Done) -> Names {
        let mut asked = Asked::default();
        asked.of(done);
        let mut names = BTreeMap::new();
        // All are asked before the first is waited for.
        let accounts: Vec<_> =
            asked.accounts.keys().map(|number| (*number, engine.account(*number))).collect();
        for (number, view) in accounts {
            if let Ok(view) = view.await {
                names.insert(number, view.name);
            }
        }
        for number in asked.offerings.keys() {
            if let Ok(view) = engine.offering(*number).await {
                names.insert(*number, view.name);
            }
        }
        Names(names)
    }

    pub(super) fn of(&self, number: ActorNumber) -> Named {
        self.0.get(&number).map_or(Named::Number(number.0), |name| Named::Name(name.clone()))
    }
}

/// Whose names are needed.
#[derive(Default)]
struct Asked {
    accounts: BTreeMap<ActorNumber, ()>,
    offerings: BTreeMap<ActorNumber, ()>,
}

impl Asked {
    fn accounts(&mut self, numbers: impl IntoIterator<Item = ActorNumber>) {
        self.accounts.extend(numbers.into_iter().map(|number| (number, ())));
    }

    fn of(&mut self, done: &Done) {
        match done {
            Done::Certificate(view) => {
                self.accounts(view.linked);
                self.accounts(view.sale.as_ref().map(|sale| sale.buyer));
                self.offerings.insert(view.offering, ());
                for hop in &view.chain {
                    self.accounts([hop.account]);
                    if let FoundVia::PrivatePage(owner) = hop.via {
                        self.accounts([owner]);
                    }
                }
            }
            Done::Gift(view) => self.gift(view),
            Done::Gifts(views) => views.iter().for_each(|view| self.gift(view)),
            Done::Payment(payment) => {
                self.accounts(payment.beneficiary.map(|party| party.number));
                self.offerings.extend(payment.backs.map(|number| (number, ())));
            }
            Done::Request(Some(done)) => self.of(done),
            Done::Mandate(mandate) => self.accounts([mandate.merchant]),
            Done::Order(order) => {
                self.accounts([order.from.recipient.number, order.payee]);
                if let WithholdingRight::Gift(key) = &order.from.right {
                    self.accounts([key.caller]);
                }
            }
            _ => {}
        }
    }

    fn gift(&mut self, view: &GiftView) {
        self.accounts([view.donor]);
        self.accounts(view.state.merchant);
        self.accounts(view.state.order.as_ref().map(|order| order.merchant));
        if let FoundObject::Certificate { offering, .. } = view.state.object {
            self.offerings.insert(offering, ());
        }
    }
}
