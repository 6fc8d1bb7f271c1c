//! One test for each row of SPEC: its "holds when", and what must fail when the rule is broken.

mod acquiring;
mod allocating;
mod circulating;
mod elements;
mod funding;
mod gifts;
mod merchants;
mod payments;
mod purchasing;
mod queueing;
mod refunding;
mod requests;
mod reserving;
mod timing;
mod topping;
mod transfers;
mod withdrawing;
