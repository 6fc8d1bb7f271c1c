//! A market as everybody could see it, a line for each thing: for the model and the engine alike.

use std::collections::BTreeMap;

/// What there is, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown(BTreeMap<String, String>);

pub(crate) struct AccountLine {
    pub(crate) posted: i64,
    pub(crate) held: u64,
    pub(crate) earmarked: u64,
    pub(crate) credit: u64,
    pub(crate) frozen: bool,
    pub(crate) accepts_gifts: bool,
    /// Pending transfers, smallest first.
    pub(crate) pending: Vec<u64>,
    /// To whom and how much, sorted.
    pub(crate) owes: Vec<(String, u64)>,
}

pub(crate) struct CertificateLine {
    /// Attached, reserve, cumulative.
    pub(crate) label: Option<[u64; 3]>,
    pub(crate) promised: u64,
    pub(crate) cashed: u64,
    pub(crate) returned: u64,
    pub(crate) chain: Vec<String>,
    pub(crate) almost_met: bool,
    pub(crate) buyer: Option<String>,
    pub(crate) refunded: bool,
}

impl Shown {
    fn add(&mut self, name: String, line: String) {
        if let Some(first) = self.0.insert(name.clone(), line) {
            self.0.insert(format!("{name}, there twice"), first);
        }
    }

    pub(crate) fn account(&mut self, name: &str, line: AccountLine) {
        let AccountLine { posted, held, earmarked, credit, frozen, accepts_gifts, pending, owes } = line;
        self.add(
            format!("account {name}"),
            format!(
                "posted {posted} held {held} earmarked {earmarked} credit {credit} frozen {frozen} accepts gifts \
                 {accepts_gifts} pending {pending:?} owes {owes:?}"
            ),
        );
    }

    /// Since when it is published, how many are sold, and what is reserved: serial, for whom, until when.
    pub(crate) fn offering(
        &mut self,
        name: &str,
        published_at: Option<u64>,
        sold: usize,
        mut reserved: Vec<(u32, String, u64)>,
    ) {
        reserved.sort_unstable();
        let line = format!("published {published_at:?} sold {sold} reserved {reserved:?}");
        self.add(format!("offering {name}"), line);
    }

    pub(crate) fn certificate(&mut self, offering: &str, serial: u32, line: CertificateLine) {
        let CertificateLine { label, promised, cashed, returned, chain, almost_met, buyer, refunded } = line;
        self.add(
            format!("certificate {offering}#{serial}"),
            format!(
                "label {label:?} promised {promised} cashed {cashed} returned {returned} chain {chain:?} almost met \
                 {almost_met} buyer {buyer:?} refunded {refunded}"
            ),
        );
    }

    /// Its amount, what was released of it, and what is free again.
    pub(crate) fn payment(
        &mut self,
        issuer: &str,
        id: &str,
        (amount, released, freed): (u64, u64, u64),
        ended: bool,
    ) {
        let line = format!("amount {amount} released {released} freed {freed} ended {ended}");
        self.add(format!("payment certificate {issuer} {id}"), line);
    }

    pub(crate) fn gift(&mut self, donor: &str, id: &str, recipient: &str, price: u64, state: &str) {
        self.add(format!("gift {donor} {id}"), format!("to {recipient} price {price} {state}"));
    }

    pub(crate) fn mandate(&mut self, recipient: &str, id: &str, used: u64, revoked: bool) {
        self.add(format!("mandate {recipient} {id}"), format!("used {used} revoked {revoked}"));
    }

    pub(crate) fn order(&mut self, merchant: &str, reference: &str, state: &str) {
        self.add(format!("order {merchant} {reference}"), state.to_owned());
    }

    /// Where two differ, a line for each: this one's word, and the other's.
    pub(crate) fn differences(&self, other: &Shown) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let line =
            |shown: &Shown, name| shown.0.get(name).cloned().unwrap_or_else(|| "is not there".to_owned());
        names
            .into_iter()
            .filter(|name| self.0.get(*name) != other.0.get(*name))
            .map(|name| format!("{name}:\n    {}\n    {}", line(self, name), line(other, name)))
            .collect()
    }
}
