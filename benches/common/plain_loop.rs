//! What everything is held against: the purchases' debits and credits in a plain loop over a hash map of balances.
//!
//! For each purchase four pairs: buyer to payee the price, payer to each of the two sharers, and payer to payer the
//! return. The payer stands for the envelope, which has no name. Absent on purpose: any check, record or chain.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use super::sale::{CASHED, PRICE, RETURNED, Sale};
use super::{Job, Run};

pub fn job(sale: &Sale) -> Job {
    let balances: HashMap<String, i64> =
        sale.accounts().map(|(account, deposit)| (account, i64::try_from(deposit).unwrap())).collect();
    let pairs: Vec<(String, String, i64)> = sale
        .purchases
        .iter()
        .flat_map(|purchase| {
            let pair = |from: &String, to: &String, amount: u64| {
                (from.clone(), to.clone(), i64::try_from(amount).unwrap())
            };
            let [first, second] = &purchase.sharers;
            [
                pair(&purchase.buyer, &purchase.payee, PRICE),
                pair(&purchase.payer, first, CASHED),
                pair(&purchase.payer, second, CASHED),
                pair(&purchase.payer, &purchase.payer, RETURNED),
            ]
        })
        .collect();
    let run = move || {
        let mut balances = balances.clone();
        let begun = Instant::now();
        for (from, to, amount) in &pairs {
            *balances.get_mut(from).unwrap() -= amount;
            *balances.get_mut(to).unwrap() += amount;
        }
        let took = begun.elapsed();
        black_box(balances);
        Run::of(took)
    };
    Job { name: "loop/hash_map", unit: "pairs", units: sale.movements(), bytes: None, run: Box::new(run) }
}
