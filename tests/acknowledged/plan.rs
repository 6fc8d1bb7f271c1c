//! What every child asks of the store, in an order that follows from numbers alone: so that whoever knows the numbers can
//! ask the very same again.

use std::fmt::{self, Display, Formatter};

use hongbao::domain::{
    Answer, Code, Command, CommissionTerms, Currency, Done, GiftCommand, GiftObject, GoodsKind, Information,
    Message, Money, Name, Offer, RequestId, Serial, TransferCommand, Via,
};

/// How many threads send at once.
pub const THREADS: u32 = 4;
/// How many messages a thread sends before it waits for their answers.
pub const EACH: u32 = 24;
/// How many accounts everybody pays into.
const POOLS: u32 = 8;
/// The certificates of the offering that is never sold out, and of the one that soon is.
const OFFERINGS: [(&str, u32); 2] = [("rush", 1_000_000), ("few", 40)];
const PRICE: u64 = 10_000;

/// Names one message of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose it is.
    pub thread: u32,
    /// In which step of this thread.
    pub step: u32,
    /// Which of the step.
    pub index: u32,
}

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "message {} of step {} of thread {}", self.index, self.step, self.thread)
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn cents(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

fn open(account: &str, deposit: u64) -> Command {
    let (account, deposit) = (name(account), cents(deposit));
    Command::OpenAccount { account, currency: Currency::USD, deposit, credit_limit: Money::ZERO }
}

/// What must be answered before any thread begins.
pub fn beginning() -> Vec<Message> {
    let mut messages = vec![Message::from_funds_management("open", open("shop", 2_000_000_000)).unwrap()];
    for pool in 0..POOLS {
        messages.push(Message::from_funds_management("open", open(&format!("pool-{pool}"), 0)).unwrap());
    }
    for (offering, items) in OFFERINGS {
        let shop = |id: &str, command| Message::from_account("shop", id, command).unwrap();
        let information = Information::new("lantern", "at purchase");
        let offer = Offer::new(name("shop"), cents(PRICE), Currency::USD, items, information);
        messages.push(shop("issue", Command::Issue { offering: name(offering), offer: Box::new(offer) }));
        let terms = CommissionTerms::new(cents(1_000), cents(200));
        messages.push(shop("attach", Command::attach_commission(name(offering), terms)));
        messages.push(shop("publish", Command::publish(name(offering))));
    }
    messages
}

/// The kinds of steps, in the order in which a thread goes through them again and again.
const KINDS: u32 = 8;

/// Of which offering a purchase is.
pub fn offering(purchase: Place) -> &'static str {
    let [(rush, _), (few, _)] = OFFERINGS;
    if purchase.index.is_multiple_of(8) { few } else { rush }
}

/// One message of the plan.
pub fn message(place: Place) -> Message {
    let Place { thread, step, index } = place;
    let (round, id) = (step / KINDS, format!("{thread}-{step}-{index}"));
    let person = |index: u32| format!("person-{thread}-{round}-{}", index % EACH);
    let (this, next, pool) = (person(index), person(index + 1), format!("pool-{}", index % POOLS));
    // Two threads circulate each serial, and two others its neighbour.
    let serial = Serial(1 + 2 * (round * EACH + index) + thread / 2);
    let from_this = |command| Message::from_account(&this, &id, command).unwrap();
    let gift_id = |giver: u32| RequestId::new(format!("{thread}-{}-{giver}", step - 1)).unwrap();
    match step % KINDS {
        0 => Message::from_funds_management(&id, open(&this, 3 * PRICE)).unwrap(),
        1 => from_this(Command::Circulate { offering: name("rush"), serial: Some(serial), via: Via::Public }),
        2 => {
            let deposit = Command::Deposit { account: name(&pool), amount: cents(1 + u64::from(index)) };
            Message::from_funds_management(&id, deposit).unwrap()
        }
        3 => {
            let serial = (!index.is_multiple_of(2)).then_some(serial);
            from_this(Command::purchase(name(offering(place)), serial, Via::Public))
        }
        4 => from_this(Command::Gift(GiftCommand::Give {
            recipient: name(&next),
            merchant: Some(name("shop")),
            object: GiftObject::Goods { kind: GoodsKind::Product, description: "a kettle".to_owned() },
            price: cents(500 + u64::from(index)),
            expires_at: None,
        })),
        5 => {
            let giver = (index + EACH - 1) % EACH;
            let (donor, gift) = (name(&person(giver)), gift_id(giver));
            from_this(Command::Gift(match index % 2 {
                0 => GiftCommand::Accept { donor, gift },
                _ => GiftCommand::Decline { donor, gift },
            }))
        }
        6 => from_this(Command::Transfer(TransferCommand::Send { to: name(&pool), amount: cents(7) })),
        _ => {
            let account = name(if index.is_multiple_of(2) { &pool } else { &this });
            Message::from_funds_management(&id, Command::ShowAccount { account }).unwrap()
        }
    }
}

/// What an answer acknowledges, in one line; none where it acknowledges nothing, and the message is to be sent again.
///
/// # Panics
/// Where the engine has failed.
pub fn acknowledged(place: impl Display, answer: &Answer) -> Option<String> {
    match answer {
        Ok(Done::Account(view)) => {
            Some(format!("{SHOWN}{} {} {:?}", view.sequence, view.posted.minor(), view.head))
        }
        Ok(done) => Some(format!("{done:?}")),
        Err(refusal) if refusal.code == Code::Overloaded => None,
        Err(refusal) if refusal.code.definite() && refusal.code != Code::Internal => {
            Some(format!("{REFUSED}{:?}", refusal.code))
        }
        Err(refusal) => panic!("{place} was answered {refusal:?}"),
    }
}

const SHOWN: &str = "shown ";
const REFUSED: &str = "refused ";

/// Whether what is answered now agrees with what was acknowledged before.
///
/// What was done gets an equal answer (I12). What was sold out stays so; any other refusal is decided anew. An account that
/// was shown has as many entries and is the same, or has more.
pub fn agrees(before: &str, now: &str) -> bool {
    let entries = |shown: &str| shown.split(' ').nth(1)?.parse::<u64>().ok();
    if before.starts_with(SHOWN) && now.starts_with(SHOWN) {
        return now == before || entries(now) > entries(before);
    }
    let decided_anew = before.starts_with(REFUSED) && !before.ends_with("SoldOut");
    decided_anew || now == before
}
