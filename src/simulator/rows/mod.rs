//! One test for each row of SPEC: its "holds when", and what must fail when the rule is broken.

mod acquiring;
mod allocating;
mod certificate_gifts;
mod circulating;
mod elements;
mod funding;
mod gift_market;
mod gifts;
mod mandates;
mod merchants;
mod purchasing;
mod queueing;
mod requests;
mod reversals;
mod timing;
mod withdrawing;
