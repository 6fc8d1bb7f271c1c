//! One certificate's commission: five buckets, rights, the condition (SPEC §1, R, Q, N, W, H; D1 to D14, D32 to D35).

use std::collections::BTreeMap;

use super::verdict::{No, no, somehow};
use crate::domain::{
    Acquiring, Cashing, CheckPoint, CommissionTerms, Condition, Increase, IncreasePolicy, Take,
};

/// One certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificate {
    /// Its commission, if one is attached.
    pub(super) envelope: Option<Envelope>,
    /// Who circulated, one hop after another.
    pub(super) chain: Vec<String>,
    pub(super) sold: Option<String>,
    pub(super) refunded: bool,
    /// What of its commission has gone home since somebody has touched it.
    pub(super) returned: u64,
}

impl Certificate {
    /// True once it has come to life (D29).
    pub(super) fn touched(&self) -> bool {
        !self.chain.is_empty() || self.sold.is_some()
    }

    /// The commission while it stands.
    pub(super) fn standing(&mut self) -> Option<&mut Envelope> {
        self.envelope.as_mut().filter(|envelope| !envelope.ended)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    Unused,
    Used,
    Never,
}

/// A certificate's commission.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    pub(super) reserve: u64,
    pub(super) attached: u64,
    pub(super) cumulative: u64,
    /// What was acquired since the last increase (N4).
    acquired_since: u64,
    /// Promises that are not cashed, in their order.
    pub(super) promises: Vec<(String, u64)>,
    /// Who has cashed how much.
    pub(super) cashed: Vec<(String, u64)>,
    /// By account: a hop's right to acquire (D33).
    rights: BTreeMap<String, Right>,
    /// How many have acquired, for the split (Q4).
    acquirers: u64,
    pub(super) ended: bool,
    pub(super) prompted: bool,
}

/// What the condition of one certificate looks at beside its own amounts.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) price: u64,
    pub(super) hops: usize,
    /// Milliseconds since publishing.
    pub(super) displayed: u64,
}

/// What the engine has drawn, as far as its answer tells: the promise, what is attached after it, and whether it was
/// withdrawn.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub(super) promise: u64,
    pub(super) attached: u64,
    pub(super) withdrawn: bool,
}

impl Envelope {
    /// K2.
    pub(super) fn funded(terms: &CommissionTerms) -> Envelope {
        let attached = terms.attached.minor();
        Envelope {
            reserve: terms.funded.minor() - attached,
            attached,
            cumulative: attached,
            acquired_since: 0,
            promises: Vec::new(),
            cashed: Vec::new(),
            rights: BTreeMap::new(),
            acquirers: 0,
            ended: false,
            prompted: false,
        }
    }

    pub(super) fn promised(&self) -> u64 {
        self.promises.iter().map(|(_, amount)| amount).sum()
    }

    /// W6, W8, W11, D9: everything that is not cashed goes home, and promises are void.
    pub(super) fn send_home(&mut self) -> u64 {
        let rest = self.reserve + self.attached + self.promised();
        (self.reserve, self.attached, self.ended) = (0, 0, true);
        self.promises.clear();
        rest
    }

    /// H2, D14, D16: everyone's own promise becomes money, but for one account's (D41).
    pub(super) fn cash(&mut self, but: Option<&str>) -> Vec<(String, u64)> {
        let (kept, cashed): (Vec<_>, Vec<_>) =
            self.promises.drain(..).partition(|(who, _)| Some(who.as_str()) == but);
        self.promises = kept;
        let cashed: Vec<_> = cashed.into_iter().filter(|(_, amount)| *amount > 0).collect();
        self.cashed.extend(cashed.iter().cloned());
        cashed
    }

    /// R1 to R7 in the order of H5: what a hop does that the condition has not withdrawn before. `newcomer`: it is the
    /// account's first. Gives the promise, or that it was withdrawn by this hop (W9).
    pub(super) fn hop(
        &mut self,
        terms: &CommissionTerms,
        (who, newcomer, no_right): (&str, bool, bool),
        seen: Seen,
        drawn: Option<Drawn>,
    ) -> Result<Option<u64>, No> {
        if newcomer {
            self.rights.insert(who.to_owned(), if no_right { Right::Never } else { Right::Unused });
        }
        let takes = newcomer && !no_right && terms.acquiring == Acquiring::Automatic;
        let late =
            terms.condition.as_ref().filter(|condition| condition.check_point == CheckPoint::AfterIncrease);
        let mut promise = 0;
        if terms.policy == IncreasePolicy::AfterAcquire {
            if takes {
                let unknown = drawn.is_some_and(|drawn| drawn.withdrawn);
                let told =
                    if unknown { self.meeting(terms, late, seen) } else { drawn.map(|drawn| drawn.promise) };
                promise = self.take(terms, who, told)?;
            }
            self.grow(self.acquired_since);
        } else if seen.hops > 1 || terms.policy == IncreasePolicy::EveryCommand {
            let promise = drawn.map_or(0, |drawn| drawn.promise);
            let tells = drawn.filter(|drawn| !drawn.withdrawn).map(|drawn| drawn.attached + promise);
            self.increase(terms, tells, late, seen)?;
        }
        if late.is_some_and(|condition| self.factors(condition, seen).is_some()) {
            if newcomer && self.rights.get(who) == Some(&Right::Unused) {
                self.lose_right(who);
            }
            return Ok(None);
        }
        if terms.policy != IncreasePolicy::AfterAcquire && takes {
            promise = self.take(terms, who, drawn.map(|drawn| drawn.promise))?;
        }
        Ok(Some(promise))
    }

    /// A hop that carries nothing (D12): no right for who had none.
    pub(super) fn lose_right(&mut self, who: &str) {
        let right = self.rights.entry(who.to_owned()).or_insert(Right::Never);
        if *right == Right::Unused {
            *right = Right::Never;
        }
    }

    /// The same, of an account that had a right before: that one stays.
    pub(super) fn no_new_right(&mut self, who: &str) {
        self.rights.entry(who.to_owned()).or_insert(Right::Never);
    }

    /// Q2, D33: acquires by an unused right.
    pub(super) fn acquire(
        &mut self,
        terms: &CommissionTerms,
        who: &str,
        drawn: Option<u64>,
    ) -> Result<u64, No> {
        match self.rights.get(who) {
            None | Some(Right::Never) => return no("no_right"),
            Some(Right::Used) => return no("already_acquired"),
            Some(Right::Unused) if self.ended => return no("commission_ended"),
            Some(Right::Unused) => {}
        }
        let promise = self.take(terms, who, drawn)?;
        if terms.policy == IncreasePolicy::AfterAcquire {
            self.grow(self.acquired_since);
        }
        Ok(promise)
    }

    /// A portion with whose increase the condition is met, where there is one: the engine tells none of a hop that was
    /// withdrawn with it.
    fn meeting(&self, terms: &CommissionTerms, late: Option<&Condition>, seen: Seen) -> Option<u64> {
        let (low, high) = self.portion(terms);
        (low..=high).find(|amount| {
            let mut after = self.clone();
            after.grow(self.acquired_since + amount);
            late.is_some_and(|condition| after.factors(condition, seen).is_some())
        })
    }

    /// Q3 to Q5, D28, D31: from how much to how much one right takes.
    fn portion(&self, terms: &CommissionTerms) -> (u64, u64) {
        let attached = self.attached;
        match terms.take {
            Take::All => (attached, attached),
            Take::Amount(amount) => (amount.minor().min(attached), amount.minor().min(attached)),
            Take::Share(share) => {
                let part = (u128::from(attached) * u128::from(share.get()) + 5_000) / 10_000;
                let part = u64::try_from(part).unwrap_or(attached);
                (part, part)
            }
            Take::Random { min, max } => {
                let least = min.minor().max(1).min(attached);
                (least, max.minor().min(attached).max(least))
            }
            Take::Split { hops } => match u64::from(hops).saturating_sub(self.acquirers).max(1) {
                1 => (attached, attached),
                left => (1.min(attached), (2 * attached / left).max(1).min(attached)),
            },
        }
    }

    /// Q6: takes a portion of what is attached, and uses the right up.
    fn take(&mut self, terms: &CommissionTerms, who: &str, drawn: Option<u64>) -> Result<u64, No> {
        let (low, high) = self.portion(terms);
        let amount = if low == high { low } else { drawn.unwrap_or(low) };
        if amount < low || amount > high {
            return somehow();
        }
        self.attached -= amount;
        self.acquired_since += amount;
        self.acquirers += 1;
        self.promises.push((who.to_owned(), amount));
        self.rights.insert(who.to_owned(), Right::Used);
        Ok(amount)
    }

    /// N1 to N5, D4, D32. `tells` is what is attached behind it, where the engine's answer tells that of a draw.
    fn increase(
        &mut self,
        terms: &CommissionTerms,
        tells: Option<u64>,
        late: Option<&Condition>,
        seen: Seen,
    ) -> Result<(), No> {
        let wanted = match terms.increase {
            Increase::Equal => self.acquired_since,
            Increase::Preset(amount) => amount.minor(),
            Increase::Random { min, max } => {
                let (low, high) = (min.minor().min(self.reserve), max.minor().min(self.reserve));
                let Some(attached) = tells else {
                    // It was withdrawn with this very increase, so only one that meets the condition can it have been.
                    let meets = |amount: &u64| {
                        let mut after = self.clone();
                        after.grow(*amount);
                        late.is_some_and(|condition| after.factors(condition, seen).is_some())
                    };
                    self.grow((low..=high).find(meets).unwrap_or(low));
                    return Ok(());
                };
                match attached.checked_sub(self.attached) {
                    Some(amount) if (low..=high).contains(&amount) => amount,
                    _ => return somehow(),
                }
            }
        };
        self.grow(wanted);
        Ok(())
    }

    fn grow(&mut self, wanted: u64) {
        let amount = wanted.min(self.reserve);
        self.reserve -= amount;
        self.attached += amount;
        self.cumulative += amount;
        self.acquired_since = 0;
    }

    /// W1 to W5, D7, D13: the factors that hold, where enough of them do; bit 0 times, 1 amount, 2 share, 3 time.
    pub(super) fn factors(&self, condition: &Condition, seen: Seen) -> Option<u8> {
        let factors = self.at_parts(condition, seen, 10_000);
        (factors.count_ones() >= u32::from(condition.at_least)).then_some(factors)
    }

    /// The factors that stand at so many of 10,000 parts of their thresholds.
    fn at_parts(&self, condition: &Condition, seen: Seen, parts: u128) -> u8 {
        let reached = |value: u128, threshold: Option<u128>| {
            threshold.is_some_and(|threshold| value * 10_000 >= threshold * parts)
        };
        let cumulative = u128::from(self.cumulative);
        let share = condition.share_of_price.map(|share| u128::from(share.get()) * u128::from(seen.price));
        let all = [
            reached(seen.hops as u128, condition.times.map(u128::from)),
            reached(cumulative, condition.amount.map(|amount| u128::from(amount.minor()))),
            reached(cumulative * 10_000, share),
            reached(u128::from(seen.displayed), condition.displayed_ms.map(u128::from)),
        ];
        all.iter().rev().fold(0, |set, holds| set << 1 | u8::from(*holds))
    }

    /// W10, D19, D35: once, with a chain, while it is almost met.
    pub(super) fn prompt(&mut self, terms: &CommissionTerms, seen: Seen) {
        let Some(condition) = terms.condition.as_ref().filter(|_| !self.ended && seen.hops > 0) else {
            return;
        };
        let near = self.at_parts(condition, seen, u128::from(condition.prompt_ratio.get()));
        if near.count_ones() >= u32::from(condition.at_least) && self.factors(condition, seen).is_none() {
            self.prompted = true;
        }
    }
}

/// H5: whether promises become money when others circulate.
pub(super) fn is_immediate(terms: &CommissionTerms) -> bool {
    terms.cashing == Cashing::Immediate
}

/// How long it has to be on display for the prompt that time alone brings (W10).
pub(super) fn prompt_after(terms: &CommissionTerms) -> Option<u64> {
    let condition = terms.condition.as_ref()?;
    let parts = u128::from(condition.displayed_ms?) * u128::from(condition.prompt_ratio.get());
    u64::try_from(parts.div_ceil(10_000)).ok()
}
