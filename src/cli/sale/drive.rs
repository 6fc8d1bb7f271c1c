//! Drives a planned sale through the engine. Certificates run concurrently; each waits for its own answers.
//!
//! A run that finds records of a former one asks each certificate how far it came, and goes on from there.
//! That is needed because an `already_linked` is an answer that nothing remembers: asked again behind a later
//! hop it would become a hop.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

use super::super::failure::Failure;
use super::super::progress;
use super::plan::{Certificate, Plan, circulation_id, show_supplier};
use super::tally::Tally;
use crate::Engine;
use crate::domain::{Answer, CertificateView, Code, Done, Message, Purchased, Refusal};
use crate::limits::OVERLOADED_RETRY_MS;

/// How many certificates are under way at once.
pub(super) const CERTIFICATES_AT_ONCE: usize = 1_024;
/// How many accounts are opened in one batch.
const OPENINGS_AT_ONCE: usize = 1_024;

/// Runs the whole sale.
pub(super) async fn drive(engine: &Engine, plan: &Plan, data: &Path) -> Result<Tally, Failure> {
    let mut tally = Tally::new()?;
    tally.funded = plan.certificates.iter().map(|certificate| i128::from(certificate.funded.minor())).sum();
    let begun = Instant::now();
    open_accounts(engine, plan, data).await?;
    let progress = progress::bar("selling", "certificates", plan.certificates.len() as u64);
    let tally = RefCell::new(tally);
    let resumed = !engine.recovered().nothing();
    let mut runs = stream::iter(&plan.certificates)
        .map(|certificate| run(engine, certificate, resumed, &tally))
        .buffer_unordered(CERTIFICATES_AT_ONCE);
    while let Some(done) = runs.next().await {
        done?;
        progress.inc(1);
    }
    drop(runs);
    progress.finish_and_clear();
    let mut tally = tally.into_inner();
    tally.run.took = begun.elapsed();
    Ok(tally)
}

/// Opens the supplier of a sale, in an empty store or in one of the same sale.
pub(super) async fn open_supplier(
    engine: &Engine,
    open: Result<Message, Refusal>,
    data: &Path,
) -> Result<(), Failure> {
    // The supplier is the first account of a sale, so a store with records and without it is somebody else's.
    if !engine.recovered().nothing() && ask(engine, show_supplier()).await.is_err() {
        return Err(Failure::OtherStore(data.to_owned()));
    }
    match ask(engine, open).await {
        Ok(_) => Ok(()),
        Err(refusal) if matches!(refusal.code, Code::NameTaken | Code::IdReused) => {
            Err(Failure::OtherSale(data.to_owned()))
        }
        Err(refusal) => Err(Failure::Refused { step: "opening the supplier".to_owned(), refusal }),
    }
}

async fn open_accounts(engine: &Engine, plan: &Plan, data: &Path) -> Result<(), Failure> {
    open_supplier(engine, plan.open_supplier(), data).await?;
    let refused = |refusal| Failure::Refused { step: "opening a customer's account".to_owned(), refusal };
    let openings = plan.open_customers().collect::<Result<Vec<Message>, Refusal>>().map_err(refused)?;
    for batch in openings.chunks(OPENINGS_AT_ONCE) {
        for answer in engine.send_batch(batch.to_vec()).await {
            answer.map_err(refused)?;
        }
    }
    if let Some(register) = plan.register_merchant() {
        let refused = |refusal| Failure::Refused { step: "registering the merchant".to_owned(), refusal };
        ask(engine, register).await.map_err(refused)?;
    }
    Ok(())
}

/// Sends a message until it is decided: a house that is full decides later.
pub(super) async fn ask(engine: &Engine, message: Result<Message, Refusal>) -> Answer {
    let message = message?;
    loop {
        match engine.send(message.clone()).await {
            Err(refusal) if refusal.code == Code::Overloaded => {
                tokio::time::sleep(Duration::from_millis(OVERLOADED_RETRY_MS)).await;
            }
            answer => return answer,
        }
    }
}

/// One certificate's whole life, from issuing to the purchase, its buyer's own or out of a gift.
async fn run(
    engine: &Engine,
    certificate: &Certificate,
    resumed: bool,
    tally: &RefCell<Tally>,
) -> Result<(), Failure> {
    let shown = if resumed { ask(engine, certificate.show()).await.ok() } else { None };
    let done_before = match shown {
        Some(Done::Certificate(view)) => before(certificate, &view, &mut tally.borrow_mut()),
        _ => Before::default(),
    };
    if done_before.sold {
        return Ok(());
    }
    let needed = |step: &str, answer: Answer| {
        let step = format!("{step} {}", certificate.offering);
        answer.map(drop).map_err(|refusal| Failure::Refused { step, refusal })
    };
    needed("issuing", ask(engine, certificate.issue()).await)?;
    if let Some(attach) = certificate.attach() {
        needed("attaching the commission of", ask(engine, attach).await)?;
    }
    needed("publishing", ask(engine, certificate.publish()).await)?;
    for place in done_before.circulations..certificate.sharers.len() {
        match ask(engine, certificate.circulate(place)).await {
            Ok(_) => tally.borrow_mut().circulations += 1,
            Err(refusal) if refusal.code == Code::AlreadyLinked => tally.borrow_mut().already_linked += 1,
            Err(refusal) => refused(&refusal, certificate, tally)?,
        }
    }
    let buy = match &certificate.donor {
        None => certificate.buy(),
        Some(donor) if give(engine, certificate, donor, tally).await? => certificate.withhold(donor),
        Some(_) => return Ok(()),
    };
    let sent = Instant::now();
    let answer = ask(engine, buy).await;
    let waited = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
    let purchased = match answer {
        Ok(Done::Purchased(purchased)) => purchased,
        Ok(Done::Withheld { .. }) => shown_purchase(engine, certificate).await?,
        Ok(other) => return Err(Failure::Other(format!("a purchase was answered with {other:?}"))),
        Err(refusal) => return refused(&refusal, certificate, tally),
    };
    let mut tally = tally.borrow_mut();
    let movements = tally.sold(&purchased);
    if certificate.donor.is_some() {
        tally.withheld.add(certificate.price);
    }
    tally.run.sold += 1;
    tally.run.movements += movements;
    tally.run.latency.saturating_record(waited.max(1));
    Ok(())
}

/// Gives a certificate to its buyer, who accepts; false where that was refused.
async fn give(
    engine: &Engine,
    certificate: &Certificate,
    donor: &str,
    tally: &RefCell<Tally>,
) -> Result<bool, Failure> {
    match ask(engine, certificate.give(donor)).await {
        Ok(_) => tally.borrow_mut().given.add(certificate.price),
        Err(refusal) => return refused(&refusal, certificate, tally).map(|()| false),
    }
    match ask(engine, certificate.accept(donor)).await {
        Ok(_) => Ok(true),
        // A former run has accepted it, so long ago that the request is forgotten. Withholding tells how it ended.
        Err(refusal) if refusal.code == Code::GiftEnded => Ok(true),
        Err(refusal) => refused(&refusal, certificate, tally).map(|()| false),
    }
}

/// What a withholding has settled: its own answer goes to the merchant and tells the amount alone.
async fn shown_purchase(engine: &Engine, certificate: &Certificate) -> Result<Purchased, Failure> {
    let offering = &certificate.offering;
    let refused = |refusal| Failure::Refused { step: format!("looking at {offering}"), refusal };
    let sale = match ask(engine, certificate.show()).await.map_err(refused)? {
        Done::Certificate(view) => view.sale,
        _ => None,
    };
    let unsold = || Failure::Other(format!("{offering} was withheld and is not shown as sold"));
    Ok(sale.ok_or_else(unsold)?.purchased)
}

/// A refusal that is a fact of the sale is counted; one that says that the engine stopped ends the run.
fn refused(refusal: &Refusal, certificate: &Certificate, tally: &RefCell<Tally>) -> Result<(), Failure> {
    if refusal.code.retryable() || refusal.code == Code::Internal {
        let step = format!("selling {}", certificate.offering);
        return Err(Failure::Refused { step, refusal: refusal.clone() });
    }
    tally.borrow_mut().refused(refusal.code);
    Ok(())
}

/// How far a former run came with a certificate.
#[derive(Default)]
struct Before {
    /// Circulations answered, hops and `already_linked` together.
    circulations: usize,
    sold: bool,
}

/// Counts what a former run did: everything up to the newest hop was answered, and all of it once it is sold.
fn before(certificate: &Certificate, view: &CertificateView, tally: &mut Tally) -> Before {
    let newest = view.chain.last().map(|hop| hop.request_id.as_str());
    let place = |id: &str| (0..certificate.sharers.len()).find(|place| circulation_id(*place) == id);
    let circulations = match &view.sale {
        Some(_) => certificate.sharers.len(),
        None => newest.and_then(place).map_or(0, |place| place + 1),
    };
    tally.circulations += u64::from(view.hops);
    tally.already_linked += (circulations as u64).saturating_sub(u64::from(view.hops));
    if let Some(sale) = &view.sale {
        tally.sold(&sale.purchased);
        if certificate.donor.is_some() {
            tally.given.add(certificate.price);
            tally.withheld.add(certificate.price);
        }
    }
    Before { circulations, sold: view.sale.is_some() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::orders::read_orders;
    use crate::domain::{BasisPoints, Timestamp};
    use crate::limits::{GIFT_OPEN_MS, REQUEST_KEPT_MS};
    use crate::{Config, ManualClock};

    // T9, T10: a run that stops behind any step of its gifts goes on when requests are forgotten and gifts that say
    // nothing of their time have expired.
    #[test]
    fn gifts_go_on_days_later_whatever_they_had_come_to() {
        let folder = tempfile::tempdir().unwrap();
        let orders = folder.path().join("orders.csv");
        let lines = "ann,1997-01-01,1,10.00\nbob,1997-01-02,1,20.00\nann,1997-01-03,1,5.00\n";
        std::fs::write(&orders, format!("customer,date,units,amount\n{lines}")).unwrap();
        let plan = Plan::new(&read_orders(&orders).unwrap(), BasisPoints::new(10_000).unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for steps in 0..=3 {
            let data = folder.path().join(steps.to_string());
            let open = |now| {
                let clock = Arc::new(ManualClock::at(Timestamp(now)));
                Engine::open(Config::new(&data).with_shards(1).with_clock(clock)).unwrap()
            };
            let engine = open(1);
            runtime.block_on(async {
                open_accounts(&engine, &plan, &data).await.unwrap();
                for certificate in &plan.certificates {
                    let donor = certificate.donor.as_ref().unwrap();
                    ask(&engine, certificate.issue()).await.unwrap();
                    ask(&engine, certificate.attach().unwrap()).await.unwrap();
                    ask(&engine, certificate.publish()).await.unwrap();
                    for place in 0..certificate.sharers.len() {
                        ask(&engine, certificate.circulate(place)).await.unwrap();
                    }
                    let gift =
                        [certificate.give(donor), certificate.accept(donor), certificate.withhold(donor)];
                    for message in gift.into_iter().take(steps) {
                        ask(&engine, message).await.unwrap();
                    }
                }
            });
            engine.close().unwrap();
            drop(engine);
            let engine = open(1 + 2 * REQUEST_KEPT_MS.max(GIFT_OPEN_MS));
            let tally = runtime.block_on(drive(&engine, &plan, &data)).unwrap();
            assert!(tally.refused.is_empty(), "after {steps} steps: {:?}", tally.refused);
            let numbers = (tally.sold, tally.given.number, tally.withheld.number);
            assert_eq!(numbers, (3, 3, 3), "after {steps} steps");
            let money = (tally.revenue, tally.given.money, tally.withheld.money);
            assert_eq!(money, (3_500, 3_500, 3_500), "after {steps} steps");
        }
    }
}
