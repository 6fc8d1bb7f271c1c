//! What a season of a random market begins with: two offerings, their commissions, and what everybody has.

use super::acts::{Act, CROWD, PAYER};
use super::chance::Chance;
use super::messages::{basis_points, condition, money, name, offer};
use crate::domain::{
    Acquiring, Cashing, CheckPoint, Clawback, CommissionTerms, Condition, Increase, IncreasePolicy, Offer,
    Take, Timestamp, WhenShort, Window,
};

/// A season of a random market.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Which season it is.
    pub(crate) season: u64,
    /// The names of its offerings.
    pub(crate) offerings: [String; 2],
    pub(crate) offers: [Offer; 2],
    pub(crate) terms: [CommissionTerms; 2],
    /// Whether a payment certificate backs the commission.
    pub(crate) backed: [bool; 2],
    /// What comes into each account of the crowd.
    pub(crate) purses: [u64; CROWD.len()],
    /// What a reversal does where the payee is short.
    pub(crate) when_short: WhenShort,
}

impl Setting {
    /// A season that begins at `start`.
    pub(crate) fn draw(chance: &mut Chance, season: u64, start: Timestamp) -> Setting {
        let purse = |chance: &mut Chance| match chance.weighted(&[1, 1, 2]) {
            0 => 0,
            1 => chance.within(1, 60),
            _ => chance.within(60, 200),
        };
        Setting {
            season,
            offerings: ["tea", "coffee"].map(|drink| format!("{drink} {season}")),
            offers: [(); 2].map(|()| any_offer(chance, start)),
            terms: [(); 2].map(|()| any_terms(chance, start)),
            backed: [(); 2].map(|()| chance.percent(30)),
            purses: [(); CROWD.len()].map(|()| purse(chance)),
            when_short: short(chance),
        }
    }

    /// The acts by which an offering comes to be on sale with its commission, one after another.
    pub(crate) fn opening(&self, offering: usize) -> Vec<Act> {
        if self.backed[offering] {
            let covers = self.terms[offering].funded.minor() * u64::from(self.offers[offering].items);
            let issue = Act::Issue(PAYER, CROWD.len(), covers, None, None);
            vec![issue, Act::AttachBacked(offering, 0), Act::Publish(offering)]
        } else {
            vec![Act::Attach(PAYER, offering), Act::Publish(offering)]
        }
    }
}

fn short(chance: &mut Chance) -> WhenShort {
    if chance.percent(50) { WhenShort::Refuse } else { WhenShort::Receivable }
}

/// A time in the first instants of a season, or none.
fn soon(chance: &mut Chance, percent: u64, start: Timestamp) -> Option<Timestamp> {
    chance.percent(percent).then(|| Timestamp(start.0 + chance.within(1, 60)))
}

fn any_offer(chance: &mut Chance, start: Timestamp) -> Offer {
    let plain = offer(chance.within(1, 30), chance.within(1, 5) as u32);
    let opens = soon(chance, 30, start);
    let closes = soon(chance, 30, opens.unwrap_or(start));
    // One who spends it may be short of it later.
    let payee = if chance.percent(33) { "payee" } else { CROWD[chance.place(CROWD.len())] };
    Offer {
        payee: name(payee),
        cap: chance.percent(30).then(|| chance.within(1, 3) as u32),
        window: Window { opens, closes },
        expires_at: soon(chance, 30, start),
        reservable_ms: chance.percent(80).then(|| chance.within(1, 40)),
        clawback: [Clawback::None, Clawback::Reserve, Clawback::Receivable][chance.weighted(&[1, 2, 2])],
        when_short: short(chance),
        ..plain
    }
}

fn any_terms(chance: &mut Chance, start: Timestamp) -> CommissionTerms {
    let it = chance;
    let attached = it.below(31);
    let funded = (attached + it.below(41)).max(1);
    let range = |it: &mut Chance| {
        let low = it.below(12);
        (money(low), money(low + it.within(1, 12)))
    };
    let (policy, increase) = match it.below(3) {
        0 => (IncreasePolicy::NonFirst, Increase::Equal),
        1 => (IncreasePolicy::AfterAcquire, Increase::Equal),
        _ if it.percent(50) => (IncreasePolicy::EveryCommand, Increase::Preset(money(it.below(12)))),
        _ => {
            let (min, max) = range(it);
            (IncreasePolicy::EveryCommand, Increase::Random { min, max })
        }
    };
    let take = match it.weighted(&[2, 2, 2, 2, 2]) {
        0 => Take::All,
        1 => Take::Amount(money(it.within(1, 30))),
        2 => Take::Share(basis_points(it.within(1, 10_001) as u32)),
        3 => {
            let (min, max) = range(it);
            Take::Random { min, max }
        }
        _ => Take::Split { hops: it.within(1, 6) as u32 },
    };
    CommissionTerms {
        funded: money(funded),
        attached: money(attached),
        policy,
        increase,
        acquiring: if it.percent(50) { Acquiring::Manual } else { Acquiring::Automatic },
        take,
        cashing: if it.percent(50) { Cashing::Immediate } else { Cashing::OnPurchase },
        condition: it.percent(70).then(|| any_condition(it)),
        expires_at: soon(it, 30, start),
    }
}

fn any_condition(chance: &mut Chance) -> Condition {
    let it = chance;
    let factor = |it: &mut Chance, bound: u64| it.percent(50).then(|| it.within(1, bound));
    let times = factor(it, 9).map(|times| times as u32);
    let amount = factor(it, 60).map(money);
    let share_of_price = factor(it, 9_000).map(|share| basis_points(share as u32));
    let displayed_ms = factor(it, 60);
    let factors = [times.is_some(), amount.is_some(), share_of_price.is_some(), displayed_ms.is_some()];
    let count = factors.into_iter().filter(|is_there| *is_there).count() as u64;
    if count == 0 {
        return Condition { times: Some(it.within(1, 9) as u32), ..condition() };
    }
    let check_point = if it.percent(50) { CheckPoint::BeforeIncrease } else { CheckPoint::AfterIncrease };
    let at_least = it.within(1, count + 1) as u8;
    Condition { times, amount, share_of_price, displayed_ms, at_least, check_point, ..condition() }
}
