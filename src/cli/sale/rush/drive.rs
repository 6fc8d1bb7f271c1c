//! Drives a rush through the engine: large batches, several under way, one phase behind the other.
//!
//! A run goes through all of the rush again, whatever a former run did: every message but a refused purchase
//! is recognised, and gets the answer that it got then. What was there before is looked up first, so that
//! the rates count what this run did.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};

use super::super::super::failure::Failure;
use super::super::super::progress;
use super::super::drive::{ask, open_supplier};
use super::super::plan::show_supplier;
use super::super::tally::Tally;
use super::super::threads::{Busy, Threads};
use super::plan::Plan;
use crate::Engine;
use crate::domain::{Answer, Code, Done, Message, Refusal};
use crate::limits::OVERLOADED_RETRY_MS;

/// What a rush has come to.
pub(super) struct Driven {
    /// The totals, and the latencies of this run's purchases, refused ones and repeats included.
    pub(super) tally: Tally,
    /// Sold in each offering, as the engine shows it in the end.
    pub(super) sold: Vec<u32>,
    /// The supplier's balance in the end, in minor units.
    pub(super) supplier_posted: i128,
    pub(super) circulation: Phase,
    pub(super) purchase: Phase,
    /// How often a message was sent again because the engine was full.
    pub(super) overloaded_retries: u64,
    /// How busy the threads were while the buyers came; none where the machine does not say.
    pub(super) busy: Option<Busy>,
}

/// One phase of this run.
#[derive(Clone, Copy, Default)]
pub(super) struct Phase {
    /// What this run did in it, without what was done before.
    pub(super) done: u64,
    /// From the first message to the last durable answer.
    pub(super) took: Duration,
}

struct Driver<'sale> {
    engine: &'sale Engine,
    plan: &'sale Plan,
    overloaded_retries: Cell<u64>,
}

/// Runs the whole rush.
pub(super) async fn drive(engine: &Engine, plan: &Plan, data: &Path) -> Result<Driven, Failure> {
    let driver = Driver { engine, plan, overloaded_retries: Cell::new(0) };
    let begun = Instant::now();
    open_supplier(engine, plan.open_supplier(), data).await?;
    let mut tally = Tally::new()?;
    tally.funded = i128::from(plan.funded.minor()) * i128::from(plan.rush.certificates);
    driver.open_accounts().await?;
    driver.issue().await?;
    let resumed = !engine.recovered().nothing();
    let hops_before = if resumed { driver.hops().await? } else { 0 };
    let sold_before: u64 = driver.sold().await?.into_iter().map(u64::from).sum();
    let (circulations, took) = driver.circulate().await?;
    tally.circulations = circulations;
    let circulation = Phase { done: circulations.saturating_sub(hops_before), took };
    let threads = Threads::now();
    let tally = RefCell::new(tally);
    let took = driver.purchase(&tally).await?;
    let busy = Threads::now().zip(threads).map(|(after, before)| after.busy_since(&before, took));
    let sold = driver.sold().await?;
    let sold_now: u64 = sold.iter().copied().map(u64::from).sum();
    let purchase = Phase { done: sold_now.saturating_sub(sold_before), took };
    let mut tally = tally.into_inner();
    tally.run.sold = purchase.done;
    tally.run.movements = (purchase.done * tally.movements).checked_div(tally.sold).unwrap_or(0);
    tally.run.took = begun.elapsed();
    let supplier_posted = match ask(engine, show_supplier()).await {
        Ok(Done::Account(view)) => view.posted.minor().into(),
        answer => return Err(unexpected("looking at the supplier", answer)),
    };
    let overloaded_retries = driver.overloaded_retries.get();
    Ok(Driven { tally, sold, supplier_posted, circulation, purchase, overloaded_retries, busy })
}

impl Driver<'_> {
    async fn open_accounts(&self) -> Result<(), Failure> {
        let plan = self.plan;
        let step = "opening an account";
        let sharers = async |range| self.needed(step, range, |sharer| plan.open_sharer(sharer)).await;
        self.phase("opening", "sharers", 0..plan.sharers(), sharers).await?;
        let buyers = async |range| self.needed(step, range, |buyer| plan.open_buyer(buyer)).await;
        self.phase("opening", "buyers", 0..plan.rush.buyers, buyers).await
    }

    async fn issue(&self) -> Result<(), Failure> {
        let plan = self.plan;
        let step = "issuing an offering";
        let issue = async |range| self.needed(step, range, |offering| plan.issue(offering)).await;
        self.phase("issuing", "offerings", plan.issued(), issue).await?;
        let step = "attaching a commission";
        let attach = async |range| self.needed(step, range, |offering| plan.attach(offering)).await;
        self.phase("attaching to", "offerings", plan.issued(), attach).await?;
        let step = "publishing an offering";
        let publish = async |range| self.needed(step, range, |offering| plan.publish(offering)).await;
        self.phase("publishing", "offerings", plan.issued(), publish).await
    }

    /// How many hops there are in all chains.
    async fn hops(&self) -> Result<u64, Failure> {
        let hops = Cell::new(0);
        let look = async |range| {
            for (_, answer) in self.decided(range, |number| self.plan.show_certificate(number)).await? {
                match answer {
                    Ok(Done::Certificate(view)) => hops.set(hops.get() + u64::from(view.hops)),
                    answer => return Err(unexpected("looking at a certificate", answer)),
                }
            }
            Ok(())
        };
        self.phase("looking at", "certificates", self.plan.certificates(), look).await?;
        Ok(hops.get())
    }

    /// How many certificates each offering has sold.
    async fn sold(&self) -> Result<Vec<u32>, Failure> {
        let sold = RefCell::new(vec![0; self.plan.offerings.len()]);
        let look = async |range| {
            for (offering, answer) in
                self.decided(range, |offering| self.plan.show_offering(offering)).await?
            {
                match answer {
                    Ok(Done::Offering(view)) => sold.borrow_mut()[offering as usize] = view.sold,
                    answer => return Err(unexpected("looking at an offering", answer)),
                }
            }
            Ok(())
        };
        self.phase("looking at", "offerings", self.plan.issued(), look).await?;
        Ok(sold.into_inner())
    }

    /// Everyone who shares circulates; a batch of certificates goes round by round, so that each has its
    /// sharers in turn. Gives the number of hops.
    async fn circulate(&self) -> Result<(u64, Duration), Failure> {
        let (hops, begun) = (Cell::new(0), Instant::now());
        let circulate = async |range: Range<u32>| {
            for round in 0..self.plan.rush.sharers {
                let message = |certificate| self.plan.circulate(certificate, round);
                for (_, answer) in self.decided(range.clone(), message).await? {
                    match answer {
                        Ok(Done::Circulated(_)) => hops.set(hops.get() + 1),
                        answer => return Err(unexpected("circulating", answer)),
                    }
                }
            }
            Ok(())
        };
        self.phase("circulating", "certificates", self.plan.certificates(), circulate).await?;
        Ok((hops.get(), begun.elapsed()))
    }

    async fn purchase(&self, tally: &RefCell<Tally>) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let purchase = async |range| {
            let sent = Instant::now();
            let answers = self.decided(range, |place| self.plan.buy(place)).await?;
            let waited = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
            let mut tally = tally.borrow_mut();
            tally.run.latency.saturating_record_n(waited.max(1), answers.len() as u64);
            for (_, answer) in answers {
                match answer {
                    Ok(Done::Purchased(purchased)) => drop(tally.sold(&purchased)),
                    Err(refusal) if matches!(refusal.code, Code::SoldOut | Code::InsufficientFunds) => {
                        tally.refused(refusal.code);
                    }
                    answer => return Err(unexpected("a purchase", answer)),
                }
            }
            Ok(())
        };
        self.phase("selling to", "buyers", 0..self.plan.rush.buyers, purchase).await?;
        Ok(begun.elapsed())
    }

    /// Goes through numbers batch by batch, several at once.
    async fn phase(
        &self,
        doing: &'static str,
        of: &'static str,
        numbers: Range<u32>,
        batch: impl AsyncFn(Range<u32>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let progress = progress::bar(doing, of, u64::from(numbers.end - numbers.start));
        let (batch, end) = (&batch, numbers.end);
        let size = self.plan.rush.batch;
        let outcome = stream::iter(numbers.step_by(size as usize))
            .map(|first| async move {
                let range = first..end.min(first.saturating_add(size));
                let number = u64::from(range.end - range.start);
                batch(range).await.map(|()| number)
            })
            .buffer_unordered(self.plan.rush.at_once as usize)
            .try_for_each(|number| {
                progress.inc(number);
                std::future::ready(Ok(()))
            })
            .await;
        progress.finish_and_clear();
        outcome
    }

    /// Sends a batch whose messages nothing may refuse.
    async fn needed(
        &self,
        step: &str,
        numbers: Range<u32>,
        message: impl Fn(u32) -> Result<Message, Refusal>,
    ) -> Result<(), Failure> {
        for (_, answer) in self.decided(numbers, message).await? {
            answer.map_err(|refusal| Failure::Refused { step: step.to_owned(), refusal })?;
        }
        Ok(())
    }

    /// Sends a batch until all of it is decided: a house that is full decides later. The answers come with their
    /// messages' numbers, in the order in which they were decided.
    async fn decided(
        &self,
        numbers: Range<u32>,
        message: impl Fn(u32) -> Result<Message, Refusal>,
    ) -> Result<Vec<(u32, Answer)>, Failure> {
        let mut decided = Vec::with_capacity(numbers.len());
        let mut left: Vec<u32> = numbers.collect();
        loop {
            let messages = left.iter().map(|number| message(*number)).collect::<Result<Vec<_>, Refusal>>();
            let messages = messages.map_err(|refusal| unexpected("making a message", Err(refusal)))?;
            let answers = self.engine.send_batch(messages).await;
            let mut again = Vec::new();
            for (number, answer) in left.into_iter().zip(answers) {
                match answer {
                    Err(refusal) if refusal.code == Code::Overloaded => again.push(number),
                    answer => decided.push((number, answer)),
                }
            }
            if again.is_empty() {
                return Ok(decided);
            }
            self.overloaded_retries.set(self.overloaded_retries.get() + again.len() as u64);
            tokio::time::sleep(Duration::from_millis(OVERLOADED_RETRY_MS)).await;
            left = again;
        }
    }
}

fn unexpected(step: &str, answer: Answer) -> Failure {
    match answer {
        Ok(done) => Failure::Other(format!("{step} was answered with {done:?}")),
        Err(refusal) => Failure::Refused { step: step.to_owned(), refusal },
    }
}
