//! An engine on a folder of its own, with the messages that the tests send again and again.

use std::sync::{Arc, Barrier};

use hongbao::domain::{
    AccountView, Answer, CertificateView, Code, Command, CommissionTerms, Currency, Done, Information,
    MerchantCommand, Message, Money, Name, Offer, OfferingView, Serial, Timestamp, Via, WhenShort,
};
use hongbao::{Audit, Config, Engine, ManualClock};
use tempfile::TempDir;

/// How many shards every test runs with.
pub const SHARDS: [usize; 2] = [1, 3];
/// When the clock of a house begins.
pub const MORNING: u64 = 1_000_000;
/// How many threads send at once.
const THREADS: usize = 8;

pub struct House {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    engine: Option<Engine>,
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn cents(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

pub fn code(answer: &Answer) -> Option<Code> {
    answer.as_ref().err().map(|refusal| refusal.code)
}

/// An offer of the supplier `shop`, without window, cap or limit.
pub fn offer(items: u32, price: u64) -> Offer {
    Offer::new(name("shop"), cents(price), Currency::USD, items, Information::new("lantern", "at purchase"))
}

/// Everything attached is acquired by each, and as much follows out of the reserve.
pub fn terms(funded: u64, attached: u64) -> CommissionTerms {
    CommissionTerms::new(cents(funded), cents(attached))
}

pub fn circulate(account: &str, id: &str, offering: &str, serial: u32) -> Message {
    let (offering, serial) = (name(offering), Some(Serial(serial)));
    let command = Command::Circulate { offering, serial, via: Via::Public };
    Message::from_account(account, id, command).unwrap()
}

pub fn buy(account: &str, id: &str, offering: &str, serial: Option<u32>) -> Message {
    let (offering, serial) = (name(offering), serial.map(Serial));
    let command = Command::purchase(offering, serial, Via::Public);
    Message::from_account(account, id, command).unwrap()
}

pub fn show_account(account: &str) -> Message {
    Message::from_funds_management("show", Command::ShowAccount { account: name(account) }).unwrap()
}

impl House {
    /// An engine with the account `shop` open and a little money in it.
    pub fn new(shards: usize) -> House {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp(MORNING)));
        let mut house = House { folder, clock, engine: None };
        house.engine = Some(Engine::open(house.config(shards)).unwrap());
        house.open_accounts(["shop".to_owned()], 1_000_000);
        house
    }

    pub fn config(&self, shards: usize) -> Config {
        let clock = Arc::clone(&self.clock) as Arc<dyn hongbao::Clock>;
        Config::new(self.folder.path().join("data")).with_shards(shards).with_clock(clock)
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Ends the engine's process, as far as one process can: without closing it.
    pub fn drop_engine(&mut self) {
        drop(self.engine.take());
    }

    pub fn open_engine(&mut self, config: Config) {
        self.engine = Some(Engine::open(config).unwrap());
    }

    /// Closes the engine and opens it again with so many shards.
    pub fn restart(&mut self, shards: usize) {
        self.engine().close().unwrap();
        self.drop_engine();
        self.open_engine(self.config(shards));
        assert!(self.engine().recovered().sealed, "a closed engine seals its store");
        assert_eq!(self.engine().recovered().unfinished_walks, 0, "a closed engine finishes its walks");
    }

    /// Closes the engine and audits the store.
    pub fn close_and_audit(mut self) -> Audit {
        self.engine().close().unwrap();
        self.drop_engine();
        hongbao::audit(&self.folder.path().join("data")).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn send(&self, message: Message) -> Answer {
        self.engine().send(message).wait()
    }

    /// Sends messages from several threads at once, each singly; answers in the order of the messages.
    pub fn send_at_once(&self, messages: &[Message]) -> Vec<Answer> {
        let barrier = Barrier::new(THREADS);
        let part = messages.len().div_ceil(THREADS).max(1);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let mine = messages.chunks(part).nth(thread).unwrap_or_default();
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        let replies: Vec<_> =
                            mine.iter().map(|message| self.engine().send(message.clone())).collect();
                        replies.into_iter().map(hongbao::Reply::wait).collect::<Vec<_>>()
                    })
                })
                .collect();
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
        })
    }

    /// As `send_at_once`, and what is answered `overloaded` is sent again with the same id until it is decided.
    pub fn send_until_decided(&self, messages: &[Message]) -> Vec<Answer> {
        let mut answers = self.send_at_once(messages);
        loop {
            let again: Vec<usize> =
                (0..answers.len()).filter(|index| code(&answers[*index]) == Some(Code::Overloaded)).collect();
            if again.is_empty() {
                return answers;
            }
            let repeats: Vec<Message> = again.iter().map(|index| messages[*index].clone()).collect();
            for (index, answer) in again.into_iter().zip(self.send_at_once(&repeats)) {
                answers[index] = answer;
            }
        }
    }

    pub fn open_accounts(&self, names: impl IntoIterator<Item = String>, deposit: u64) {
        let open = |account: String| {
            let (account, currency, deposit) = (name(&account), Currency::USD, cents(deposit));
            let command = Command::OpenAccount { account, currency, deposit, credit_limit: Money::ZERO };
            Message::from_funds_management("open", command).unwrap()
        };
        let answers = self.engine().send_batch(names.into_iter().map(open).collect()).wait();
        answers.into_iter().for_each(|answer| drop(answer.unwrap()));
    }

    /// Registers the account `mall` as a merchant that is paid into the account `till`.
    pub fn register_mall(&self) {
        let (merchant, payee, when_short) = (name("mall"), name("till"), WhenShort::Refuse);
        let register = MerchantCommand::Register { merchant, payee, supplier: None, when_short };
        self.send(Message::from_funds_management("register", Command::Merchant(register)).unwrap()).unwrap();
    }

    pub fn issue(&self, offering: &str, offer: Offer) {
        let issue = Command::Issue { offering: name(offering), offer: Box::new(offer) };
        self.send(Message::from_account("shop", "issue", issue).unwrap()).unwrap();
    }

    pub fn attach(&self, offering: &str, terms: CommissionTerms) {
        let attach = Command::attach_commission(name(offering), terms);
        self.send(Message::from_account("shop", "attach", attach).unwrap()).unwrap();
    }

    pub fn publish(&self, offering: &str) {
        let publish = Command::publish(name(offering));
        self.send(Message::from_account("shop", "publish", publish).unwrap()).unwrap();
    }

    /// Issues and publishes without a commission.
    pub fn sell(&self, offering: &str, offer: Offer) {
        self.issue(offering, offer);
        self.publish(offering);
    }

    pub fn account(&self, account: &str) -> AccountView {
        match self.send(show_account(account)).unwrap() {
            Done::Account(view) => *view,
            other => panic!("an account was shown as {other:?}"),
        }
    }

    pub fn posted(&self, account: &str) -> i64 {
        self.account(account).posted.minor()
    }

    pub fn offering(&self, offering: &str) -> OfferingView {
        let show = Command::ShowOffering { offering: name(offering) };
        match self.send(Message::from_account("shop", "show", show).unwrap()).unwrap() {
            Done::Offering(view) => *view,
            other => panic!("an offering was shown as {other:?}"),
        }
    }

    pub fn certificate(&self, offering: &str, serial: u32, from_hop: u32) -> CertificateView {
        let show = Command::ShowCertificate { offering: name(offering), serial: Serial(serial), from_hop };
        match self.send(Message::from_account("shop", "show", show).unwrap()).unwrap() {
            Done::Certificate(view) => *view,
            other => panic!("a certificate was shown as {other:?}"),
        }
    }
}
