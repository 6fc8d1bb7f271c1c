//! A sale in the reader's own process: open accounts, issue, share, buy. Run it with
//! `cargo run --release --example embed`; a second run on the same folder gives the same answers.

use hongbao::domain::{
    Acquiring, Answer, Cashing, Command, CommissionTerms, Currency, Increase, IncreasePolicy, Information,
    Message, Money, Name, Offer, Refusal, Take, Via, Window,
};
use hongbao::{Config, Engine};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("hongbao-embed"), Into::into);
    let engine = Engine::open(Config::new(&folder))?;
    for (account, dollars) in [("shop", "10.00"), ("ann", "0"), ("ben", "0"), ("eve", "100.00")] {
        let deposit = Money::parse(dollars, Currency::USD)?;
        let (account, credit_limit) = (Name::new(account)?, Money::ZERO);
        let open = Command::OpenAccount { account, currency: Currency::USD, deposit, credit_limit };
        say("open", engine.send(Message::from_funds_management("open", open)?).wait())?;
    }
    let offering = Name::new("teapot")?;
    let ask = |account: &str, id: &str, command: Command| -> Result<Answer, Refusal> {
        Ok(engine.send(Message::from_account(account, id, command)?).wait())
    };
    let information =
        Information { product_name: "Teapot".into(), settlement: "at purchase".into(), ..Default::default() };
    let (payee, price) = (Name::new("shop")?, Money::parse("100.00", Currency::USD)?);
    let (payers, window) = (Vec::new(), Window::default());
    let currency = Currency::USD;
    let offer =
        Offer { payee, price, currency, items: 1, information, payers, window, cap: None, expires_at: None };
    say("issue", ask("shop", "1", Command::Issue { offering: offering.clone(), offer: Box::new(offer) })?)?;
    let terms = CommissionTerms {
        funded: Money::parse("10.00", Currency::USD)?,
        attached: Money::parse("2.00", Currency::USD)?,
        policy: IncreasePolicy::AfterAcquire,
        increase: Increase::Equal,
        acquiring: Acquiring::Automatic,
        take: Take::All,
        cashing: Cashing::OnPurchase,
        condition: None,
        expires_at: None,
    };
    let attach = Command::AttachCommission { offering: offering.clone(), terms: Box::new(terms) };
    say("attach", ask("shop", "2", attach)?)?;
    say("publish", ask("shop", "3", Command::Publish { offering: offering.clone() })?)?;
    for sharer in ["ann", "ben"] {
        let circulate = Command::Circulate { offering: offering.clone(), serial: None, via: Via::Public };
        say("circulate", ask(sharer, "4", circulate)?)?;
    }
    let purchase = Command::Purchase { offering, serial: None, via: Via::Public };
    say("purchase", ask("eve", "5", purchase)?)?;
    engine.close()?;
    Ok(())
}

/// Prints an answer, which is durable by now, in a line of its own.
fn say(what: &str, answer: Answer) -> std::io::Result<()> {
    use std::io::Write;
    let line = match answer {
        Ok(done) => format!("{what}: {done:?}\n"),
        Err(refusal) => format!("{what} refused: {refusal}\n"),
    };
    std::io::stdout().write_all(line.as_bytes())
}
