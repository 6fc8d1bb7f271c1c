//! The golden traces of SPEC §4, number by number, whichever way the commission is funded.

use super::engaging::{attach_backed, issue_payment};
use super::messages::{
    PURSE, chain, circulate, circulated, label, market_on, money, offer, purchase, settled, terms, times,
    view, withdrawn,
};
use super::stage::Stage;
use crate::domain::{
    Cashing, CertificateEvent, CommissionTerms, Increase, IncreasePolicy, Offer, Settlement, Take,
};

const PRICE: u64 = 10_000;

/// How a commission is funded: out of the payer's money into the envelopes (K2), or by a payment certificate that
/// backs it (K3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funded {
    Envelope,
    Backed,
}

/// Both ways: every amount of a trace is the same.
const BOTH_WAYS: [Funded; 2] = [Funded::Envelope, Funded::Backed];

/// A market on a stage whose commission is backed by the payer's payment certificate `cover`, which is just enough.
pub fn backed_market_on(stage: Stage, offer: Offer, terms: &CommissionTerms) -> Stage {
    let amount = terms.funded.minor() * u64::from(offer.items);
    let mut stage = market_on(stage, offer, None);
    stage.send(&issue_payment("payer", "cover", amount, "")).unwrap();
    stage.send(&attach_backed("payer", "tea", terms, "cover")).unwrap();
    stage
}

/// What an account can spend: it is the same whether money has left for an envelope or is held.
pub fn available(stage: &Stage, account: &str) -> u64 {
    stage.account(account).available().minor()
}

/// Every policy, with the increase that SPEC §4 gives it.
fn policies() -> [(IncreasePolicy, Increase); 3] {
    [
        (IncreasePolicy::NonFirst, Increase::Equal),
        (IncreasePolicy::AfterAcquire, Increase::Equal),
        (IncreasePolicy::EveryCommand, Increase::Preset(money(25))),
    ]
}

fn with_policy(policy: IncreasePolicy, increase: Increase, terms: CommissionTerms) -> CommissionTerms {
    CommissionTerms { policy, increase, ..terms }
}

fn of_one(funded: Funded, terms: &CommissionTerms) -> Stage {
    let (stage, offer) = (Stage::new(3), offer(PRICE, 1));
    match funded {
        Funded::Envelope => market_on(stage, offer, Some(terms)),
        Funded::Backed => backed_market_on(stage, offer, terms),
    }
}

/// Every policy funded either way.
fn policies_both_ways() -> Vec<(Funded, IncreasePolicy, Increase)> {
    let each = |funded| policies().map(|(policy, increase)| (funded, policy, increase));
    BOTH_WAYS.into_iter().flat_map(each).collect()
}

#[test]
fn the_three_policies_pass_through_the_amounts_of_the_table() {
    // SPEC §4; N1, N2, N3, N4, Q6, H2, H3, K3, D3, D5, D16
    let after = [
        [[60, 400, 100], [60, 360, 140], [60, 320, 180]],
        [[100, 360, 140], [100, 320, 180], [100, 280, 220]],
        [[85, 375, 125], [70, 350, 150], [55, 325, 175]],
    ];
    for ((funded, policy, increase), rows) in policies_both_ways().into_iter().zip(after.into_iter().cycle())
    {
        let mut stage = of_one(funded, &with_policy(policy, increase, terms(500, 100)));
        for (account, expected) in ["u1", "u2", "u3"].into_iter().zip(rows) {
            let answer = circulated(stage.send(&circulate(account, "tea", 1)));
            assert_eq!(answer.promise.minor(), 40, "{funded:?} {policy:?} {account}");
            assert_eq!(answer.attached.minor(), expected[0], "{funded:?} {policy:?} {account}");
            assert_eq!(label(&mut stage, 1), expected, "{funded:?} {policy:?} after {account}");
        }
        let payer = available(&stage, "payer");
        assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (120, 380), "{funded:?} {policy:?}");
        for account in ["u1", "u2", "u3"] {
            assert_eq!(stage.posted(account), 40, "{funded:?} {policy:?} {account}");
        }
        assert_eq!(available(&stage, "payer") - payer, 380, "{funded:?} {policy:?}");
        assert_eq!(stage.posted("payer"), 1_000_000 - 120, "{funded:?} {policy:?}");
        assert_eq!(stage.posted("payee"), i64::try_from(PRICE).unwrap(), "{policy:?}");
    }
}

#[test]
fn a_short_reserve_makes_the_last_promises_small() {
    // SPEC §4; D4, D32, N4
    let equal = |(_, policy, _): &(Funded, IncreasePolicy, Increase)| *policy != IncreasePolicy::EveryCommand;
    for (funded, policy, increase) in policies_both_ways().into_iter().filter(equal) {
        let taking_all = CommissionTerms { take: Take::All, ..terms(150, 100) };
        let mut stage = of_one(funded, &with_policy(policy, increase, taking_all));
        assert_eq!(chain(&mut stage, 1, &["u1", "u2", "u3"]), [100, 50, 0], "{funded:?} {policy:?}");
        let events = stage.events_of("tea", 1);
        assert!(events.contains(&CertificateEvent::ReserveShort), "{funded:?} {policy:?}");
        assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (150, 0), "{funded:?} {policy:?}");
        let posted = ["u1", "u2", "u3"].map(|account| stage.posted(account));
        assert_eq!(posted, [100, 50, 0], "{funded:?} {policy:?}");
    }
}

#[test]
fn three_circulations_of_three_withdraw_at_the_purchase() {
    // SPEC §4; W1, W6, D7, D9, D10
    for (funded, policy, increase) in policies_both_ways() {
        let limited = CommissionTerms { condition: Some(times(3)), ..terms(500, 100) };
        let mut stage = of_one(funded, &with_policy(policy, increase, limited));
        assert_eq!(chain(&mut stage, 1, &["u1", "u2", "u3"]), [40, 40, 40], "{funded:?} {policy:?}");
        let payer = available(&stage, "payer");
        assert_eq!(withdrawn(stage.send(&purchase("buyer", "tea", 1))), 500, "{funded:?} {policy:?}");
        assert_eq!(["u1", "u2", "u3"].map(|account| stage.posted(account)), [0; 3], "{funded:?} {policy:?}");
        assert_eq!(available(&stage, "payer") - payer, 500, "{funded:?} {policy:?}");
        assert_eq!(stage.posted("payee"), i64::try_from(PRICE).unwrap(), "{funded:?} {policy:?}");
    }
}

#[test]
fn a_fourth_circulation_withdraws_and_a_later_purchase_cashes_nothing() {
    // SPEC §4; W8, D12
    for (funded, policy, increase) in policies_both_ways() {
        let limited = CommissionTerms { condition: Some(times(3)), ..terms(500, 100) };
        let mut stage = of_one(funded, &with_policy(policy, increase, limited));
        chain(&mut stage, 1, &["u1", "u2", "u3"]);
        let fourth = circulated(stage.send(&circulate("u4", "tea", 1)));
        assert_eq!(
            (fourth.hop, fourth.promise.minor(), fourth.withdrawn),
            (4, 0, true),
            "{funded:?} {policy:?}"
        );
        assert_eq!(available(&stage, "payer"), PURSE, "{funded:?} {policy:?}");
        let sold = super::messages::purchased(stage.send(&purchase("buyer", "tea", 1)));
        assert_eq!(sold.commission, Settlement::None, "{funded:?} {policy:?}");
        let posted = ["u1", "u2", "u3", "u4"].map(|account| stage.posted(account));
        assert_eq!(posted, [0; 4], "{funded:?} {policy:?}");
    }
}

#[test]
fn immediate_promises_stay_cashed_when_the_rest_is_withdrawn() {
    // SPEC §4; H5, D9, D14, D41
    let limited =
        CommissionTerms { cashing: Cashing::Immediate, condition: Some(times(3)), ..terms(500, 100) };
    for (funded, by_circulating) in BOTH_WAYS.into_iter().flat_map(|funded| [(funded, false), (funded, true)])
    {
        let mut stage =
            of_one(funded, &with_policy(IncreasePolicy::NonFirst, Increase::Equal, limited.clone()));
        chain(&mut stage, 1, &["u1", "u2", "u3"]);
        assert_eq!(["u1", "u2", "u3"].map(|account| stage.posted(account)), [40, 40, 0], "{funded:?}");
        let payer = available(&stage, "payer");
        if by_circulating {
            assert!(circulated(stage.send(&circulate("u4", "tea", 1))).withdrawn);
        } else {
            assert_eq!(withdrawn(stage.send(&purchase("buyer", "tea", 1))), 420);
        }
        assert_eq!(available(&stage, "payer") - payer, 420, "{funded:?}, by circulating: {by_circulating}");
        assert_eq!(["u1", "u2", "u3", "u4"].map(|account| stage.posted(account)), [40, 40, 0, 0]);
    }
}

#[test]
fn a_purchase_without_a_circulation_returns_everything() {
    // SPEC §4; H6
    for (funded, policy, increase) in policies_both_ways() {
        let mut stage = of_one(funded, &with_policy(policy, increase, terms(500, 100)));
        assert_eq!(settled(stage.send(&purchase("buyer", "tea", 1))), (0, 500), "{funded:?} {policy:?}");
        assert_eq!(available(&stage, "payer"), PURSE, "{funded:?} {policy:?}");
    }
}

#[test]
fn ten_circulations_are_almost_met_at_the_eighth_and_only_once() {
    // SPEC §4; W10, D19, D35, I17
    for (funded, policy, increase) in policies_both_ways() {
        let limited = CommissionTerms { condition: Some(times(10)), ..terms(500, 100) };
        let mut stage = of_one(funded, &with_policy(policy, increase, limited));
        let accounts = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9", "u1"];
        for (hop, account) in (1..).zip(accounts) {
            circulated(stage.send(&circulate(account, "tea", 1)));
            let prompts = stage.events_of("tea", 1);
            let prompts = prompts.iter().filter(|event| **event == CertificateEvent::Prompted).count();
            assert_eq!(prompts, usize::from(hop >= 8), "{funded:?} {policy:?} at hop {hop}");
            assert_eq!(view(&mut stage, "tea", 1).almost_met, hop >= 8, "{funded:?} {policy:?} at hop {hop}");
        }
    }
}
