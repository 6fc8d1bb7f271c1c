//! One test for each row of SPEC: its "holds when", and what must fail when the rule is broken.

mod acquiring;
mod allocating;
mod backing;
mod circulating;
mod closing;
mod elements;
mod escrow;
mod funding;
mod payments;
mod purchasing;
mod queueing;
mod requests;
mod timing;
mod topping;
mod transfers;
mod withdrawing;
