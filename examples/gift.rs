//! A gift from end to end: Ann gives Bob a kettle, Bob accepts, the mall withholds its price and hands it over.
//!
//! `cargo run --release --example gift`; the data goes into the folder that is named, or a temporary one.

use hongbao::domain::{
    Answer, Command, Currency, Done, GiftCommand, GiftObject, GiftReference, GoodsKind, MerchantCommand,
    Message, Money, MoneyError, Name, Refusal, RequestId, WhenShort, WithholdFrom,
};
use hongbao::{Config, Engine, Heard};

fn dollars(text: &str) -> Result<Money, MoneyError> {
    Money::parse(text, Currency::USD)
}

fn open(account: &str, deposit: &str) -> Result<Message, Box<dyn std::error::Error>> {
    let (account, deposit) = (Name::new(account)?, dollars(deposit)?);
    let credit_limit = Money::ZERO;
    let open = Command::OpenAccount { account, currency: Currency::USD, deposit, credit_limit };
    Ok(Message::from_funds_management("open", open)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or_else(|| temporary.path().join("data"), Into::into);
    let engine = Engine::open(Config::new(folder))?;
    let ask = |message: Message| -> Answer { engine.send(message).wait() };
    for (account, deposit) in [("ann", "100.00"), ("bob", "0.00"), ("mall", "0.00"), ("till", "0.00")] {
        ask(open(account, deposit)?)?;
    }
    let mut mall = engine.subscribe_account(&Name::new("mall")?)?;

    // The institution lets the mall withhold, into its till.
    let (merchant, payee, when_short) = (Name::new("mall")?, Name::new("till")?, WhenShort::Refuse);
    let register = MerchantCommand::Register { merchant, payee, supplier: None, when_short };
    ask(Message::from_funds_management("register", Command::Merchant(register))?)?;

    // The id of Ann's message, with her name, is the gift's name.
    let give = GiftCommand::Give {
        recipient: Name::new("bob")?,
        merchant: Some(Name::new("mall")?),
        object: GiftObject::Goods { kind: GoodsKind::Product, description: "a kettle".to_owned() },
        price: dollars("30.00")?,
        expires_at: None,
    };
    println!("ann gives:       {:?}", ask(Message::from_account("ann", "birthday", Command::Gift(give))?)?);
    show(&engine, &["ann", "bob", "till"])?;

    let (donor, gift) = (Name::new("ann")?, RequestId::new("birthday")?);
    let reference = GiftReference { recipient: Name::new("bob")?, donor: donor.clone(), gift: gift.clone() };
    let withhold = |id: &str| -> Result<Answer, Box<dyn std::error::Error>> {
        let from = WithholdFrom::Gift(reference.clone());
        let withhold =
            MerchantCommand::Withhold { order: Name::new("order 1")?, amount: dollars("30.00")?, from };
        Ok(ask(Message::from_account("mall", id, Command::Merchant(withhold))?))
    };
    println!("mall, too early: {}", withhold("try")?.err().ok_or("it was too early")?);
    let accept = Command::Gift(GiftCommand::Accept { donor, gift });
    println!("bob accepts:     {:?}", ask(Message::from_account("bob", "thanks", accept)?)?);
    println!("mall withholds:  {:?}", withhold("now")??);
    println!("and once more:   {:?}", withhold("again")??);
    let provide = MerchantCommand::Provide { order: Name::new("order 1")? };
    println!(
        "mall provides:   {:?}",
        ask(Message::from_account("mall", "done", Command::Merchant(provide))?)?
    );
    show(&engine, &["ann", "bob", "till"])?;
    while let Some(Heard::Notice(notice)) = mall.next_now() {
        println!("mall was told:   {:?}", notice.news);
    }
    engine.close()?;
    Ok(())
}

/// Prints what accounts have.
fn show(engine: &Engine, accounts: &[&str]) -> Result<(), Refusal> {
    for account in accounts {
        let show = Command::ShowAccount { account: Name::new(account)? };
        if let Done::Account(view) = engine.send(Message::from_account(account, "show", show)?).wait()? {
            let (posted, earmarked) =
                (view.posted.format(Currency::USD), view.earmarked.format(Currency::USD));
            println!("    {account:<5} posted {posted:>7}  earmarked {earmarked:>6}");
        }
    }
    Ok(())
}
