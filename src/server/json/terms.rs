//! A commission's terms as JSON, both ways. What is left out is as in the usual terms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Amount, Written, money, share};
use super::time::Time;
use crate::domain::{
    Acquiring, BasisPoints, Cashing, CheckPoint, CommissionTerms, Condition, Currency, FactorSet, Increase,
    IncreasePolicy, Refusal, Take,
};

/// `CommissionTerms`.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct TermsBody {
    funded: Amount,
    attached: Amount,
    #[serde(default)]
    policy: PolicyBody,
    #[serde(default)]
    increase: IncreaseBody,
    #[serde(default)]
    acquiring: AcquiringBody,
    #[serde(default)]
    take: TakeBody,
    #[serde(default)]
    cashing: CashingBody,
    #[serde(default)]
    condition: Option<ConditionBody>,
    #[serde(default)]
    expires_at: Option<Time>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum PolicyBody {
    NonFirst,
    #[default]
    AfterAcquire,
    EveryCommand,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum IncreaseBody {
    #[default]
    Equal,
    Preset(Amount),
    Random(RangeBody),
}

/// Two bounds, both of them within.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct RangeBody {
    min: Amount,
    max: Amount,
}

/// A number of hops.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct SplitBody {
    hops: u32,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum AcquiringBody {
    #[default]
    Automatic,
    Manual,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TakeBody {
    #[default]
    All,
    Amount(Amount),
    /// Basis points.
    Share(u32),
    Random(RangeBody),
    Split(SplitBody),
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum CashingBody {
    #[default]
    OnPurchase,
    Immediate,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum CheckPointBody {
    BeforeIncrease,
    AfterIncrease,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct ConditionBody {
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    amount: Option<Amount>,
    /// Basis points.
    #[serde(default)]
    share_of_price: Option<u32>,
    #[serde(default)]
    displayed_ms: Option<u64>,
    at_least: u8,
    check_point: CheckPointBody,
    /// Basis points.
    #[serde(default = "usual_prompt_ratio")]
    prompt_ratio: u32,
}

/// W10: almost met from eight tenths on.
fn usual_prompt_ratio() -> u32 {
    8_000
}

impl TermsBody {
    /// The terms that it stands for, with amounts of this currency.
    ///
    /// # Errors
    /// Names the amount or the share that is none.
    pub(super) fn terms(self, currency: Currency) -> Result<CommissionTerms, Refusal> {
        let amount = |field, text: &Amount| money(field, text, currency);
        Ok(CommissionTerms {
            funded: amount("funded", &self.funded)?,
            attached: amount("attached", &self.attached)?,
            policy: match self.policy {
                PolicyBody::NonFirst => IncreasePolicy::NonFirst,
                PolicyBody::AfterAcquire => IncreasePolicy::AfterAcquire,
                PolicyBody::EveryCommand => IncreasePolicy::EveryCommand,
            },
            increase: match self.increase {
                IncreaseBody::Equal => Increase::Equal,
                IncreaseBody::Preset(preset) => Increase::Preset(amount("increase", &preset)?),
                IncreaseBody::Random(RangeBody { min, max }) => {
                    Increase::Random { min: amount("increase", &min)?, max: amount("increase", &max)? }
                }
            },
            acquiring: match self.acquiring {
                AcquiringBody::Automatic => Acquiring::Automatic,
                AcquiringBody::Manual => Acquiring::Manual,
            },
            take: match self.take {
                TakeBody::All => Take::All,
                TakeBody::Amount(text) => Take::Amount(amount("take", &text)?),
                TakeBody::Share(basis_points) => Take::Share(share("take", basis_points)?),
                TakeBody::Random(RangeBody { min, max }) => {
                    Take::Random { min: amount("take", &min)?, max: amount("take", &max)? }
                }
                TakeBody::Split(SplitBody { hops }) => Take::Split { hops },
            },
            cashing: match self.cashing {
                CashingBody::OnPurchase => Cashing::OnPurchase,
                CashingBody::Immediate => Cashing::Immediate,
            },
            condition: self.condition.map(|condition| condition.condition(currency)).transpose()?,
            expires_at: Time::point(self.expires_at),
        })
    }

    /// Terms as they are shown.
    pub(super) fn of(terms: &CommissionTerms, written: Written) -> TermsBody {
        let text = |amount| written.money(amount);
        TermsBody {
            funded: text(terms.funded),
            attached: text(terms.attached),
            policy: match terms.policy {
                IncreasePolicy::NonFirst => PolicyBody::NonFirst,
                IncreasePolicy::AfterAcquire => PolicyBody::AfterAcquire,
                IncreasePolicy::EveryCommand => PolicyBody::EveryCommand,
            },
            increase: match terms.increase {
                Increase::Equal => IncreaseBody::Equal,
                Increase::Preset(preset) => IncreaseBody::Preset(text(preset)),
                Increase::Random { min, max } => {
                    IncreaseBody::Random(RangeBody { min: text(min), max: text(max) })
                }
            },
            acquiring: match terms.acquiring {
                Acquiring::Automatic => AcquiringBody::Automatic,
                Acquiring::Manual => AcquiringBody::Manual,
            },
            take: match terms.take {
                Take::All => TakeBody::All,
                Take::Amount(amount) => TakeBody::Amount(text(amount)),
                Take::Share(share) => TakeBody::Share(share.get()),
                Take::Random { min, max } => TakeBody::Random(RangeBody { min: text(min), max: text(max) }),
                Take::Split { hops } => TakeBody::Split(SplitBody { hops }),
            },
            cashing: match terms.cashing {
                Cashing::OnPurchase => CashingBody::OnPurchase,
                Cashing::Immediate => CashingBody::Immediate,
            },
            condition: terms.condition.as_ref().map(|condition| ConditionBody::of(condition, written)),
            expires_at: terms.expires_at.map(Time),
        }
    }
}

impl ConditionBody {
    fn condition(self, currency: Currency) -> Result<Condition, Refusal> {
        let amount = self.amount.map(|text| money("condition.amount", &text, currency)).transpose()?;
        let part = self.share_of_price.map(|part| share("condition.share_of_price", part)).transpose()?;
        Ok(Condition {
            times: self.times,
            amount,
            share_of_price: part,
            displayed_ms: self.displayed_ms,
            at_least: self.at_least,
            check_point: match self.check_point {
                CheckPointBody::BeforeIncrease => CheckPoint::BeforeIncrease,
                CheckPointBody::AfterIncrease => CheckPoint::AfterIncrease,
            },
            prompt_ratio: share("condition.prompt_ratio", self.prompt_ratio)?,
        })
    }

    fn of(condition: &Condition, written: Written) -> ConditionBody {
        ConditionBody {
            times: condition.times,
            amount: condition.amount.map(|amount| written.money(amount)),
            share_of_price: condition.share_of_price.map(BasisPoints::get),
            displayed_ms: condition.displayed_ms,
            at_least: condition.at_least,
            check_point: match condition.check_point {
                CheckPoint::BeforeIncrease => CheckPointBody::BeforeIncrease,
                CheckPoint::AfterIncrease => CheckPointBody::AfterIncrease,
            },
            prompt_ratio: condition.prompt_ratio.get(),
        }
    }
}

/// The factors of a condition that held, by their fields' names.
pub(in crate::server) fn factors(set: FactorSet) -> Vec<&'static str> {
    let all = ["times", "amount", "share_of_price", "displayed_ms"];
    all.into_iter().enumerate().filter(|(bit, _)| set.0 & (1 << bit) != 0).map(|(_, factor)| factor).collect()
}
