//! The withdrawal condition: a pure function of hops, cumulative amount, price and display time (I10).
//!
//! Absent on purpose: time limits. They end a commission by themselves (D17), condition or not.

use serde::{Deserialize, Serialize};

use crate::domain::money::{BasisPoints, Money};
use crate::domain::refusal::{Code, Refusal};
use crate::planted::{self, Bug};

/// Where in a circulation the condition is checked (D11, W9). A purchase always checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CheckPoint {
    /// At the start of the circulation, without it.
    BeforeIncrease,
    /// After its increase; this hop and this increase count.
    AfterIncrease,
}

/// One to four factors, of which at least `at_least` must hold (D34).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// W1: circulations, at least 1.
    pub times: Option<u32>,
    /// W2: cumulative attached, at least one minor unit.
    pub amount: Option<Money>,
    /// W3: cumulative attached as a share of the price, at least 1 basis point.
    pub share_of_price: Option<BasisPoints>,
    /// W4: milliseconds displayed since publishing, at least 1.
    pub displayed_ms: Option<u64>,
    /// How many factors must hold: 1 is any of them, their number is all.
    pub at_least: u8,
    /// Where a circulation checks.
    pub check_point: CheckPoint,
    /// From which part of a threshold on the factor is almost met (W10); 8,000 basis points by default.
    pub prompt_ratio: BasisPoints,
}

/// What the condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Accepted circulations.
    pub hops: u32,
    /// Initial attached and every increase.
    pub cumulative: Money,
    /// The certificate's price.
    pub price: Money,
    /// Milliseconds since publishing.
    pub displayed_ms: u64,
}

/// Which factors hold: bit 0 times, bit 1 amount, bit 2 share of price, bit 3 duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FactorSet(pub u8);

impl FactorSet {
    /// How many factors hold.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }
}

const WHOLE: u128 = 10_000;

impl Condition {
    fn factors(&self) -> u32 {
        u32::from(self.times.is_some())
            + u32::from(self.amount.is_some())
            + u32::from(self.share_of_price.is_some())
            + u32::from(self.displayed_ms.is_some())
    }

    /// Judges the condition's own form.
    ///
    /// # Errors
    /// `bad_value`, naming the field and its limit.
    pub fn check(&self) -> Result<(), Refusal> {
        let factors = self.factors();
        if factors == 0 {
            return Err(Refusal::new(
                Code::BadValue,
                "condition",
                "has no factor: configure one to four, or leave it out",
            ));
        }
        if self.at_least == 0 || u32::from(self.at_least) > factors {
            return Err(Refusal::new(
                Code::BadValue,
                "condition.at_least",
                format!("is {}: give 1 to {factors}, the number of factors", self.at_least),
            ));
        }
        let zero_threshold = self.times == Some(0)
            || self.amount.is_some_and(Money::is_zero)
            || self.share_of_price.is_some_and(|share| share.get() == 0)
            || self.displayed_ms == Some(0);
        if zero_threshold {
            return Err(Refusal::new(Code::BadValue, "condition", "has a threshold of 0: give at least 1"));
        }
        if self.prompt_ratio.get() == 0 {
            return Err(Refusal::new(
                Code::BadValue,
                "condition.prompt_ratio",
                "is 0: give 1 to 10000 basis points",
            ));
        }
        Ok(())
    }

    /// The factors whose value is at least `ratio` of their threshold, exactly (cross-multiplied).
    fn at_ratio(&self, observed: &Observed, ratio: u128) -> FactorSet {
        let cumulative = u128::from(observed.cumulative.minor());
        let missed = planted::has(Bug::ThresholdMissed);
        let reached = |value: u128, threshold: u128| {
            value * WHOLE >= threshold * ratio + u128::from(missed && ratio == WHOLE)
        };
        let mut set = 0;
        if self.times.is_some_and(|times| reached(observed.hops.into(), times.into())) {
            set |= 1;
        }
        if self.amount.is_some_and(|amount| reached(cumulative, amount.minor().into())) {
            set |= 2;
        }
        if self.share_of_price.is_some_and(|share| {
            reached(cumulative * WHOLE, u128::from(observed.price.minor()) * u128::from(share.get()))
        }) {
            set |= 4;
        }
        if self.displayed_ms.is_some_and(|duration| reached(observed.displayed_ms.into(), duration.into())) {
            set |= 8;
        }
        FactorSet(set)
    }

    /// The factors that hold, where the condition is met (D7, D13); none where it is not.
    #[must_use]
    pub fn met(&self, observed: &Observed) -> Option<FactorSet> {
        let set = self.at_ratio(observed, WHOLE);
        (set.count() >= u32::from(self.at_least)).then_some(set)
    }

    /// From how many milliseconds on display on the duration is almost met (W10); none without that factor.
    #[must_use]
    pub fn prompt_displayed_ms(&self) -> Option<u64> {
        let parts = u128::from(self.displayed_ms?) * u128::from(self.prompt_ratio.get());
        u64::try_from(parts.div_ceil(WHOLE)).ok()
    }

    /// True where enough factors stand at the prompt's ratio and the condition is not met (D19, D35).
    #[must_use]
    pub fn almost_met(&self, observed: &Observed) -> bool {
        let near = self.at_ratio(observed, self.prompt_ratio.get().into());
        near.count() >= u32::from(self.at_least) && self.met(observed).is_none()
    }
}
