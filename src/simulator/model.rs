//! The life of one certificate as SPEC tells it: straight on, with plain numbers, knowing nothing of the engine.
//!
//! Absent on purpose: luck, stock, windows, caps, currencies and requests. Every choice here cites its row.

use std::collections::BTreeMap;

/// When attached grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// N1, by what was acquired.
    NonFirst,
    /// N2, by what was acquired.
    AfterAcquire,
    /// N3, by so much.
    EveryCommand(u64),
}

/// How much one right takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// Q3.
    All,
    /// Q5.
    Fixed(u64),
    /// Q5, in basis points.
    Share(u64),
}

/// D34.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub times: Option<u64>,
    pub amount: Option<u64>,
    pub share: Option<u64>,
    pub displayed: Option<u64>,
    pub at_least: usize,
    pub after_increase: bool,
}

/// What one certificate begins with.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub price: u64,
    pub funded: u64,
    pub attached: u64,
    pub growth: Growth,
    pub portion: Portion,
    pub manual: bool,
    pub immediate: bool,
    pub limits: Option<Limits>,
    pub deadline: Option<u64>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Hop { hop: usize, attached: u64, promise: u64, withdrawn: bool },
    Acquired { promise: u64, attached: u64 },
    Settled { cashed: u64, returned: u64 },
    Withdrawn { returned: u64 },
    SoldAlone,
    Refused(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Unused,
    Used,
    Never,
}

/// The certificate and everybody's money.
pub struct Model {
    plan: Plan,
    pub balances: BTreeMap<&'static str, i64>,
    /// Milliseconds since publishing.
    pub now: u64,
    reserve: u64,
    attached: u64,
    cumulative: u64,
    acquired_since: u64,
    pub cashed: u64,
    pub returned: u64,
    chain: Vec<&'static str>,
    rights: BTreeMap<&'static str, Right>,
    promises: Vec<(&'static str, u64)>,
    ended: bool,
    sold: bool,
    pub prompted: bool,
}

impl Model {
    /// K2, D8: the payer has paid, unless the initial amount alone meets the condition.
    pub fn attach(plan: Plan, balances: BTreeMap<&'static str, i64>) -> Option<Model> {
        let mut model = Model {
            plan,
            balances,
            now: 0,
            reserve: plan.funded - plan.attached,
            attached: plan.attached,
            cumulative: plan.attached,
            acquired_since: 0,
            cashed: 0,
            returned: 0,
            chain: Vec::new(),
            rights: BTreeMap::new(),
            promises: Vec::new(),
            ended: false,
            sold: false,
            prompted: false,
        };
        if model.met(0) {
            return None;
        }
        model.pay("payer", -signed(plan.funded));
        Some(model)
    }

    fn pay(&mut self, who: &'static str, amount: i64) {
        *self.balances.get_mut(who).unwrap() += amount;
    }

    /// How many factors stand at so many of 10,000 parts of their threshold.
    fn factors(&self, hops: usize, parts: u128) -> usize {
        let Some(limits) = self.plan.limits else { return 0 };
        let reached = |value: u64, threshold: Option<u64>| {
            threshold.is_some_and(|threshold| u128::from(value) * 10_000 >= u128::from(threshold) * parts)
        };
        let share = limits.share.map(|share| share * self.plan.price);
        [
            reached(hops as u64, limits.times),
            reached(self.cumulative, limits.amount),
            reached(self.cumulative * 10_000, share),
            reached(self.now, limits.displayed),
        ]
        .into_iter()
        .filter(|factor| *factor)
        .count()
    }

    /// W1 to W5, D7, D13.
    fn met(&self, hops: usize) -> bool {
        self.plan.limits.is_some_and(|limits| self.factors(hops, 10_000) >= limits.at_least)
    }

    /// W10, D19, D35.
    fn prompt(&mut self) {
        let Some(limits) = self.plan.limits else { return };
        let hops = self.chain.len();
        if !self.ended && hops > 0 && !self.met(hops) && self.factors(hops, 8_000) >= limits.at_least {
            self.prompted = true;
        }
    }

    /// Time passes, and with it a prompt comes by itself, in its own millisecond, expiry first (W10, D35).
    pub fn pass(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.now += 1;
            if self.plan.deadline.is_none_or(|deadline| self.now < deadline) {
                self.prompt();
            }
        }
    }

    /// True while the certificate shows that it is almost met.
    pub fn almost_met(&self) -> bool {
        self.prompted && !self.ended
    }

    /// W6, W8, W11, D9: everything not cashed goes to the payer, promises are void.
    fn send_home(&mut self) -> u64 {
        let rest = self.reserve + self.attached + self.promised();
        (self.reserve, self.attached, self.ended) = (0, 0, true);
        self.promises.clear();
        self.returned += rest;
        self.pay("payer", signed(rest));
        rest
    }

    /// Σ of what is promised and not cashed.
    pub fn promised(&self) -> u64 {
        self.promises.iter().map(|(_, amount)| amount).sum()
    }

    /// D17: half-open.
    pub fn expire(&mut self) {
        if !self.ended && self.plan.deadline.is_some_and(|deadline| self.now >= deadline) {
            self.send_home();
        }
    }

    /// Q3, Q5, Q6, D31, D33: takes a portion of attached and uses the right up.
    fn take(&mut self, who: &'static str) -> u64 {
        let amount = match self.plan.portion {
            Portion::All => self.attached,
            Portion::Fixed(amount) => amount.min(self.attached),
            Portion::Share(share) => (self.attached * share + 5_000) / 10_000,
        };
        self.attached -= amount;
        self.acquired_since += amount;
        self.promises.push((who, amount));
        self.rights.insert(who, Right::Used);
        amount
    }

    /// N4, D4, D32.
    fn grow(&mut self) {
        let wanted = match self.plan.growth {
            Growth::EveryCommand(preset) => preset,
            Growth::NonFirst | Growth::AfterAcquire => self.acquired_since,
        };
        let amount = wanted.min(self.reserve);
        self.reserve -= amount;
        self.attached += amount;
        self.cumulative += amount;
        self.acquired_since = 0;
    }

    /// R1 to R7 in the order of H5: check, cash, increase and acquire by D5.
    pub fn circulate(&mut self, who: &'static str) -> Said {
        self.expire();
        if self.sold {
            return Said::Refused("sold");
        }
        if self.chain.last() == Some(&who) {
            return Said::Refused("already_linked");
        }
        let before = self.chain.len();
        let newcomer = !self.chain.contains(&who);
        self.chain.push(who);
        let hop = before + 1;
        let withdrawn = Said::Hop { hop, attached: 0, promise: 0, withdrawn: true };
        let late = self.plan.limits.is_some_and(|limits| limits.after_increase);
        if self.ended {
            self.rights.entry(who).or_insert(Right::Never);
            return Said::Hop { hop, attached: 0, promise: 0, withdrawn: false };
        }
        if !late && self.met(before) {
            self.rights.entry(who).or_insert(Right::Never);
            self.send_home();
            return withdrawn;
        }
        if self.plan.immediate {
            self.cash(Some(who));
        }
        if newcomer {
            self.rights.insert(who, if who == "supplier" { Right::Never } else { Right::Unused });
        }
        let takes = newcomer && who != "supplier" && !self.plan.manual;
        let mut promise = 0;
        if self.plan.growth == Growth::AfterAcquire {
            if takes {
                promise = self.take(who);
            }
            self.grow();
            if late && self.met(hop) {
                self.send_home();
                self.lose(who, newcomer);
                return withdrawn;
            }
        } else {
            if hop > 1 || matches!(self.plan.growth, Growth::EveryCommand(_)) {
                self.grow();
            }
            if late && self.met(hop) {
                self.send_home();
                self.lose(who, newcomer);
                return withdrawn;
            }
            if takes {
                promise = self.take(who);
            }
        }
        self.prompt();
        Said::Hop { hop, attached: self.attached, promise, withdrawn: false }
    }

    /// D12: the hop that trips the condition carries nothing.
    fn lose(&mut self, who: &'static str, newcomer: bool) {
        if newcomer && self.rights[who] == Right::Unused {
            self.rights.insert(who, Right::Never);
        }
    }

    /// H2, D14, D41: promises become money, but for one account's.
    fn cash(&mut self, but: Option<&'static str>) -> u64 {
        let (kept, cashed): (Vec<_>, Vec<_>) =
            self.promises.drain(..).partition(|(owner, _)| Some(*owner) == but);
        self.promises = kept;
        let mut sum = 0;
        for (owner, amount) in cashed {
            self.pay(owner, signed(amount));
            sum += amount;
        }
        self.cashed += sum;
        sum
    }

    /// Q2, D1, D33; D34: never checks.
    pub fn acquire(&mut self, who: &'static str) -> Said {
        self.expire();
        if self.sold {
            return Said::Refused("sold");
        }
        match self.rights.get(who) {
            None | Some(Right::Never) => return Said::Refused("no_right"),
            Some(Right::Used) => return Said::Refused("already_acquired"),
            Some(Right::Unused) => {}
        }
        if self.ended {
            return Said::Refused("commission_ended");
        }
        let promise = self.take(who);
        if self.plan.growth == Growth::AfterAcquire {
            self.grow();
        }
        self.prompt();
        Said::Acquired { promise, attached: self.attached }
    }

    /// H1, H2, H6, W6, W7.
    pub fn purchase(&mut self, who: &'static str) -> Said {
        if self.sold {
            return Said::Refused("sold");
        }
        if self.balances[who] < signed(self.plan.price) {
            return Said::Refused("insufficient_funds");
        }
        self.expire();
        self.pay(who, -signed(self.plan.price));
        self.pay("payee", signed(self.plan.price));
        self.sold = true;
        if self.ended {
            return Said::SoldAlone;
        }
        if self.met(self.chain.len()) {
            return Said::Withdrawn { returned: self.send_home() };
        }
        let cashed = self.cash(None);
        Said::Settled { cashed, returned: self.send_home() }
    }

    /// Attached, reserve and cumulative, while the commission stands.
    pub fn label(&self) -> Option<[u64; 3]> {
        (!self.ended).then_some([self.attached, self.reserve, self.cumulative])
    }

    /// Accepted circulations.
    pub fn hops(&self) -> usize {
        self.chain.len()
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap()
}
