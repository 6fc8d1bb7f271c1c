//! One test for each row of SPEC: its "holds when", and what must fail when the rule is broken.

mod acquiring;
mod allocating;
mod certificate_gifts;
mod circulating;
mod clawing_back;
mod elements;
mod every_command;
mod funding;
mod gift_market;
mod gifts;
mod mandates;
mod merchants;
mod payments;
mod purchasing;
mod queueing;
mod refunding;
mod requests;
mod reserving;
mod reserving_again;
mod reserving_shared;
mod reserving_together;
mod reversals;
mod timing;
mod topping;
mod transfers;
mod withdrawing;
