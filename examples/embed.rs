//! The sale of a teapot in the reader's own process: open accounts, issue, share, buy. Run it with
//! `cargo run --release --example embed`; a second run on the same folder gives the same answers.

use std::io::Write;

use hongbao::domain::{Command, CommissionTerms, Currency, Information, Message, Money, Name, Offer, Via};
use hongbao::{Config, Engine};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("hongbao-embed"), Into::into);
    let engine = Engine::open(Config::new(folder))?;
    // Every answer is durable when it is printed.
    let ask = |message: Message| -> Result<(), Box<dyn std::error::Error>> {
        let answer = engine.send(message).wait();
        Ok(writeln!(std::io::stdout(), "{answer:?}")?)
    };
    let (usd, dollars) = (Currency::USD, |text| Money::parse(text, Currency::USD));
    for (account, deposit) in [("shop", "10.00"), ("ann", "0"), ("ben", "0"), ("eve", "100.00")] {
        let (account, deposit, credit_limit) = (Name::new(account)?, dollars(deposit)?, Money::ZERO);
        let open = Command::OpenAccount { account, currency: usd, deposit, credit_limit };
        ask(Message::from_funds_management("open", open)?)?;
    }
    let offering = || Name::new("teapot");
    let teapot = Information::new("Teapot", "at purchase");
    let offer = Box::new(Offer::new(Name::new("shop")?, dollars("100.00")?, usd, 1, teapot));
    ask(Message::from_account("shop", "1", Command::Issue { offering: offering()?, offer })?)?;
    let terms = CommissionTerms::new(dollars("10.00")?, dollars("2.00")?);
    ask(Message::from_account("shop", "2", Command::attach_commission(offering()?, terms))?)?;
    ask(Message::from_account("shop", "3", Command::publish(offering()?))?)?;
    for sharer in ["ann", "ben"] {
        let circulate = Command::Circulate { offering: offering()?, serial: None, via: Via::Public };
        ask(Message::from_account(sharer, "4", circulate)?)?;
    }
    let purchase = Command::purchase(offering()?, None, Via::Public);
    ask(Message::from_account("eve", "5", purchase)?)?;
    Ok(engine.close()?)
}
