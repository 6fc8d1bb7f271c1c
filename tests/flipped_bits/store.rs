//! A small store that has something of everything, and ways to damage a copy of it bit by bit.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hongbao::domain::{
    Command, CommissionTerms, Currency, GiftCommand, GiftObject, GoodsKind, Information, Message, Money,
    Name, Offer, RequestId, TransferCommand, Via,
};
use hongbao::{Audit, AuditError, Config, Engine, Keeping, audit};
use tempfile::TempDir;

use crate::copying::copy_folder;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn cents(minor: u64) -> Money {
    Money::from_minor(minor).unwrap()
}

fn open(account: &str, deposit: u64) -> Message {
    let (account, deposit) = (name(account), cents(deposit));
    let command =
        Command::OpenAccount { account, currency: Currency::USD, deposit, credit_limit: Money::ZERO };
    Message::from_funds_management("open", command).unwrap()
}

/// One round of a small sale; every round has names and offerings of its own.
fn round(round: u32) -> Vec<Message> {
    let of = |who: &str| format!("{who}-{round}");
    let offering = || name(&of("kettle"));
    let send = |account: &str, id: &str, command| Message::from_account(account, id, command).unwrap();
    let offer =
        Offer::new(name("shop"), cents(3_000), Currency::USD, 2, Information::new("kettle", "at purchase"));
    let (ann, ben) = (of("ann"), of("ben"));
    let goods = GiftObject::Goods { kind: GoodsKind::Product, description: "a pot".to_owned() };
    let give = GiftCommand::Give {
        recipient: name(&ben),
        merchant: Some(name("shop")),
        object: goods,
        price: cents(700),
        expires_at: None,
    };
    let accept = GiftCommand::Accept { donor: name(&ann), gift: RequestId::new("give").unwrap() };
    vec![
        open(&ann, 10_000),
        open(&ben, 10_000),
        send("shop", "issue", Command::Issue { offering: offering(), offer: Box::new(offer) }),
        send(
            "shop",
            "attach",
            Command::attach_commission(offering(), CommissionTerms::new(cents(500), cents(100))),
        ),
        send("shop", "publish", Command::publish(offering())),
        send(&ann, "share", Command::Circulate { offering: offering(), serial: None, via: Via::Public }),
        send(&ben, "buy", Command::purchase(offering(), None, Via::Public)),
        send(&ann, "give", Command::Gift(give)),
        send(&ben, "accept", Command::Gift(accept)),
        send(&ben, "pay", Command::Transfer(TransferCommand::Send { to: name(&ann), amount: cents(5) })),
    ]
}

fn config(data: &Path) -> Config {
    let keeping = Keeping {
        snapshot_every: 2_500,
        journal_max: 10_000_000,
        archive: 10_000_000,
        segment: 4_096,
        idle_snapshots: None,
    };
    Config::new(data).with_shards(1).with_keeping(keeping)
}

/// A small store and what it holds.
pub struct Store {
    _above: TempDir,
    pub data: PathBuf,
    pub audit: Audit,
}

impl Store {
    /// A store that was closed, or one that was not, with two snapshots and a few kilobytes of journal.
    pub fn new(sealed: bool) -> Store {
        let above = TempDir::new().unwrap();
        let (data, copy) = (above.path().join("data"), above.path().join("copy"));
        let engine = Engine::open(config(&data)).unwrap();
        let ask = |message: Message| drop(engine.send(message).wait().unwrap());
        ask(open("shop", 100_000));
        for number in 0..4 {
            round(number).into_iter().for_each(ask);
            // Two rounds are more than lies between two snapshots, wherever in them the one before has begun.
            if number % 2 == 1 {
                wait_for_snapshots(&engine, number.div_ceil(2).into());
            }
        }
        let quiet = || {
            let stats = engine.snapshot_stats();
            std::thread::sleep(Duration::from_millis(50));
            !stats.under_way && !engine.snapshot_stats().under_way
        };
        while !quiet() {}
        if sealed {
            engine.close().unwrap();
            drop(engine);
            return Store::at(above, data);
        }
        copy_folder(&data, &copy).unwrap();
        Store::at(above, copy)
    }

    fn at(above: TempDir, data: PathBuf) -> Store {
        let audit = audit(&data).unwrap();
        assert_eq!((audit.snapshots, audit.passed_over.len(), audit.cut.is_some()), (2, 0, false));
        Store { _above: above, data, audit }
    }

    /// The same without any snapshot.
    pub fn without_snapshots(self) -> Store {
        fs::remove_dir_all(self.data.join("snapshots")).unwrap();
        self
    }

    /// The same with one half and its manifest alone.
    pub fn with_half(self, half: &str) -> Store {
        let (other, snapshots) = (if half == "one" { "two" } else { "one" }, self.data.join("snapshots"));
        fs::remove_dir_all(snapshots.join(other)).unwrap();
        fs::remove_file(snapshots.join(format!("{other}.manifest"))).unwrap();
        self
    }

    /// The path of a file below the data folder.
    pub fn named<'path>(&self, path: &'path Path) -> &'path str {
        path.strip_prefix(&self.data).unwrap().to_str().unwrap()
    }

    /// Audits the store with one bit of a file flipped, and puts the bit back.
    pub fn audit_flipped(&self, file: &Path, bit: u64) -> Result<Audit, AuditError> {
        flip(file, bit);
        let audited = audit(&self.data);
        flip(file, bit);
        audited
    }

    /// Opens a copy of the store with one bit of a file flipped; gives what the engine says.
    pub fn open_flipped(&self, file: &Path, bit: u64) -> Result<hongbao::Recovered, String> {
        let above = TempDir::new().unwrap();
        copy_folder(&self.data, above.path()).unwrap();
        flip(&above.path().join(self.named(file)), bit);
        match Engine::open(config(above.path())) {
            Ok(engine) => Ok(engine.recovered().clone()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn wait_for_snapshots(engine: &Engine, finished: u64) {
    for _ in 0..1_000 {
        if engine.snapshot_stats().finished >= finished {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not {finished} snapshots in ten seconds: {:?}", engine.snapshot_stats());
}

/// Flips one bit of a file, counted from its first byte's lowest.
pub fn flip(file: &Path, bit: u64) {
    let opened = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    opened.read_exact_at(&mut byte, bit / 8).unwrap();
    byte[0] ^= 1 << (bit % 8);
    opened.write_all_at(&byte, bit / 8).unwrap();
}

/// The length of a file in bits.
pub fn bits(file: &Path) -> u64 {
    fs::metadata(file).unwrap().len() * 8
}

/// Every file below a folder, in the order of their paths.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
