//! What a hostile client tried once: each was a bug, and stays mended.

use std::sync::atomic::{AtomicBool, Ordering};

use hongbao::domain::{ActorNumber, Code, Command, Currency, Message, Money, Via};
use hongbao::limits::MONEY_MINOR_MAX;
use hongbao::{PlatformCursor, PlatformQuery};

use super::house::{House, SHARDS, buy, cents, code, name, offer, show_account};

fn deposit(account: &str, id: &str, minor: u64) -> Message {
    let command = Command::Deposit { account: name(account), amount: cents(minor) };
    Message::from_funds_management(id, command).unwrap()
}

fn cash_out(account: &str, id: &str, minor: u64) -> Message {
    let command = Command::CashOut { account: name(account), amount: cents(minor) };
    Message::from_funds_management(id, command).unwrap()
}

fn circulate_any(account: &str, id: &str, offering: &str) -> Message {
    let command = Command::Circulate { offering: name(offering), serial: None, via: Via::Public };
    Message::from_account(account, id, command).unwrap()
}

/// A house with no money in it at all.
fn emptied(shards: usize) -> House {
    let house = House::new(shards);
    let posted = u64::try_from(house.posted("shop")).unwrap();
    house.send(cash_out("shop", "empty", posted)).unwrap();
    house
}

// P10
#[test]
fn an_account_may_pass_more_money_through_than_it_may_hold() {
    let mut house = emptied(1);
    for round in 0..3 {
        house.send(deposit("shop", &format!("in-{round}"), MONEY_MINOR_MAX)).unwrap();
        house.send(cash_out("shop", &format!("out-{round}"), MONEY_MINOR_MAX)).unwrap();
    }
    house.restart(3);
    house.send(deposit("shop", "last", 7)).unwrap();
    assert_eq!(house.posted("shop"), 7);
    house.close_and_audit();
}

// The bound on a currency's whole money holds after a restart as before it, whoever earned and whoever cashed out.
#[test]
fn money_that_was_earned_and_cashed_out_makes_room_after_a_restart_too() {
    for shards in SHARDS {
        let mut house = emptied(shards);
        for round in 0..3 {
            let (buyer, offering) = (format!("buyer-{round}"), format!("offering-{round}"));
            house.open_accounts([buyer.clone()], MONEY_MINOR_MAX);
            house.sell(&offering, offer(1, MONEY_MINOR_MAX));
            house.send(buy(&buyer, "buy", &offering, None)).unwrap();
            assert_eq!(code(&house.send(deposit("shop", "more", 1))), Some(Code::AmountTooLarge));
            house.send(cash_out("shop", &format!("out-{round}"), MONEY_MINOR_MAX)).unwrap();
        }
        house.restart(shards);
        house.send(deposit("shop", "after", MONEY_MINOR_MAX)).unwrap();
        assert_eq!(code(&house.send(deposit("shop", "too-much", 1))), Some(Code::AmountTooLarge));
        house.close_and_audit();
    }
}

// D29: the message that brings a certificate to life comes before any settlement of it, on every shard.
#[test]
fn no_settlement_overtakes_its_certificates_birth() {
    const BUYERS: usize = 12;
    const SERIALS: u32 = 40;
    let house = House::new(3);
    let buyers: Vec<String> = (0..BUYERS).map(|buyer| format!("buyer-{buyer}")).collect();
    house.open_accounts(buyers.clone(), 1_000_000);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Shards that are busy take their messages at odd times.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let shows = buyers.iter().cycle().take(200).map(|buyer| show_account(buyer)).collect();
                drop(house.engine().send_batch(shows).wait());
            }
        });
        let _end = SetWhenDropped(&done);
        for round in 0..40 {
            let offering = format!("offering-{round}");
            house.sell(&offering, offer(SERIALS, 1));
            let places = 0..SERIALS as usize;
            let circulations = places
                .clone()
                .map(|place| circulate_any(&buyers[place % BUYERS], &format!("share-{place}"), &offering));
            let purchases =
                places.map(|place| buy(&buyers[place % BUYERS], &format!("buy-{place}"), &offering, None));
            let answers = house.engine().send_batch(circulations.chain(purchases).collect()).wait();
            assert_eq!(house.engine().fault(), None, "round {round}");
            assert!(answers.iter().skip(SERIALS as usize).all(Result::is_ok), "round {round}");
        }
    });
    house.close_and_audit();
}

/// Ends the noise also where the test fails, so that it ends too.
struct SetWhenDropped<'flag>(&'flag AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

// Two issues of one name at once: one wins, and the other's numbers are nobody else's.
#[test]
fn issues_of_one_name_with_other_counts_never_share_numbers() {
    for round in 0..10 {
        let house = House::new(1);
        let issue = |items: u32, id: &str| {
            let offer = Box::new(offer(items, 100));
            let command = Command::Issue { offering: name("lamp"), offer };
            Message::from_account("shop", id, command).unwrap()
        };
        let accounts = (0..500).map(|number| {
            let (account, currency) = (name(&format!("account-{number}")), Currency::USD);
            let (deposit, credit_limit) = (cents(100), Money::ZERO);
            let open = Command::OpenAccount { account, currency, deposit, credit_limit };
            Message::from_funds_management("open", open).unwrap()
        });
        let first: Vec<Message> = std::iter::once(issue(1, "small")).chain(accounts).collect();
        std::thread::scope(|scope| {
            let small = scope.spawn(|| house.engine().send_batch(first).wait());
            let large = scope.spawn(|| house.send(issue(5_000, "large")));
            let (small, large) = (small.join().unwrap(), large.join().unwrap());
            let won = [&small[0], &large].into_iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(won, 1, "round {round}: {:?} {large:?}", small[0]);
        });
        house.publish("lamp");
        for number in 0..3 {
            let account = format!("account-{number}");
            let _ = house.send(circulate_any(&account, "share", "lamp"));
            let _ = house.send(buy(&account, "buy", "lamp", None));
        }
        assert_eq!(house.engine().fault(), None, "round {round}");
        house.close_and_audit();
    }
}

// A cursor beyond every number is an empty page.
#[test]
fn the_platform_behind_the_last_number_is_empty() {
    let house = House::new(1);
    let behind = PlatformCursor(ActorNumber(u64::MAX));
    let page = pollster::block_on(house.engine().platform(&PlatformQuery::default(), behind, 10)).unwrap();
    assert!(page.rows.is_empty() && page.next.is_none());
}
