//! hongbao in this process: every answer is durable, and every walk is whole.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hongbao::domain::{
    Command, CommissionTerms, Currency, Done, Information, Message, Money, Name, Offer, Serial, Via,
};
use hongbao::{Answers, Config, Engine};

use crate::Outcome;
use crate::sale::{self, Sale};

const BATCH: usize = 1_024;
const BATCHES: usize = 8;
/// How many messages are under way at once.
pub const IN_FLIGHT: u32 = (BATCH * BATCHES) as u32;

/// Makes the sale in a store of its own.
pub fn run(sale: &Sale) -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let engine = Engine::open(Config::new(folder.path().join("data")))?;
    for phase in phases(sale)? {
        send(&engine, phase)?;
    }
    let buys = (0..sale.purchases)
        .map(|index| {
            let command =
                Command::purchase(name(&sale::offering(index % sale.offerings))?, None, Via::Public);
            Ok(Message::from_account(&sale::buyer(index), "buy", command)?)
        })
        .collect::<Outcome<Vec<Message>>>()?;
    let batches = batches(buys);
    let begun = Instant::now();
    send(&engine, batches)?;
    let took = begun.elapsed();
    check(sale, &engine)?;
    engine.close()?;
    Ok(took)
}

fn name(text: &str) -> Outcome<Name> {
    Ok(Name::new(text)?)
}

fn batches(messages: Vec<Message>) -> Vec<Vec<Message>> {
    messages.chunks(BATCH).map(<[Message]>::to_vec).collect()
}

/// Sends batches, several in flight at once; nothing may be refused.
fn send(engine: &Engine, batches: Vec<Vec<Message>>) -> Outcome<()> {
    let take = |answers: Answers| answers.wait().into_iter().try_for_each(|answer| answer.map(drop));
    let mut in_flight = VecDeque::new();
    for batch in batches {
        if in_flight.len() == BATCHES {
            in_flight.pop_front().map_or(Ok(()), take)?;
        }
        in_flight.push_back(engine.send_batch(batch));
    }
    Ok(in_flight.into_iter().try_for_each(take)?)
}

/// All that comes before the buying, each phase resting on the answers of the one before.
fn phases(sale: &Sale) -> Outcome<Vec<Vec<Vec<Message>>>> {
    let cents = |minor| Money::from_minor(minor);
    let open = |account: String, deposit: u64| -> Outcome<Message> {
        let (account, currency, deposit) = (name(&account)?, Currency::USD, cents(deposit)?);
        let command = Command::OpenAccount { account, currency, deposit, credit_limit: Money::ZERO };
        Ok(Message::from_funds_management("open", command)?)
    };
    let mut accounts = Vec::new();
    for index in 0..sale.shops() {
        accounts.push(open(sale::shop(index), 0)?);
        accounts.push(open(sale::payer(index), sale.funds())?);
    }
    for index in 0..sale::SHARERS {
        accounts.push(open(sale::sharer(index), 0)?);
    }
    for index in 0..sale.purchases {
        accounts.push(open(sale::buyer(index), sale::PRICE)?);
    }
    let (mut issues, mut attaches, mut publishes) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..sale.offerings {
        let (shop, payer) = (sale::shop(index % sale.shops()), sale::payer(index % sale.shops()));
        let lantern = Information::new("lantern", "at purchase");
        let price = cents(sale::PRICE)?;
        let mut offer = Offer::new(name(&shop)?, price, Currency::USD, sale.items, lantern);
        offer.payers = vec![name(&payer)?];
        let offering = name(&sale::offering(index))?;
        let issue = Command::Issue { offering: offering.clone(), offer: Box::new(offer) };
        issues.push(Message::from_account(&shop, "issue", issue)?);
        let terms = CommissionTerms::new(cents(sale::FUNDED)?, cents(sale::PROMISE)?);
        let attach = Command::attach_commission(offering.clone(), terms);
        attaches.push(Message::from_account(&payer, "attach", attach)?);
        publishes.push(Message::from_account(&shop, "publish", Command::publish(offering))?);
    }
    let circulate = |place: usize| -> Outcome<Vec<Message>> {
        let circulate = |(index, serial): (u32, u32)| {
            let offering = name(&sale::offering(index))?;
            let sharer = &sale::sharers(index, serial)[place];
            let id = format!("share-{index}-{serial}");
            let command = Command::Circulate { offering, serial: Some(Serial(serial)), via: Via::Public };
            Ok(Message::from_account(sharer, &id, command)?)
        };
        sale.certificates().map(circulate).collect()
    };
    let all = [accounts, issues, attaches, publishes, circulate(0)?, circulate(1)?];
    Ok(all.into_iter().map(batches).collect())
}

fn check(sale: &Sale, engine: &Engine) -> Outcome<()> {
    let sum = |names: Vec<String>| -> Outcome<u64> {
        let mut sum = 0;
        for account in names {
            let show = Command::ShowAccount { account: name(&account)? };
            match engine.send(Message::from_funds_management("look", show)?).wait()? {
                Done::Account(view) => sum += u64::try_from(view.posted.minor())?,
                other => return Err(format!("a look was answered {other:?}").into()),
            }
        }
        Ok(sum)
    };
    let found = [
        sum((0..sale.shops()).map(sale::shop).collect())?,
        sum((0..sale::SHARERS).map(sale::sharer).collect())?,
        sum((0..sale.shops()).map(sale::payer).collect())?,
    ];
    Ok(sale::check(sale, found)?)
}
