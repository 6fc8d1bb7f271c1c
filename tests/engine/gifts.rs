//! Gifts in a running engine: races of threads and of the machine's timers, with one shard and with three.

use hongbao::domain::{
    Answer, Code, Command, Done, GiftCommand, GiftObject, GiftReference, GiftState, GoodsKind,
    MerchantCommand, Message, RequestId, Timestamp, WithholdFrom,
};

use crate::house::{House, MORNING, SHARDS, cents, code, name};

fn shop(shards: usize) -> House {
    let house = House::new(shards);
    house.open_accounts(["ann", "bob", "mall", "till"].map(str::to_owned), 20_000);
    house.register_mall();
    house
}

fn give(gift: &str, price: u64, expires_at: Option<Timestamp>) -> Message {
    let object = GiftObject::Goods { kind: GoodsKind::Product, description: "a kettle".to_owned() };
    let (recipient, merchant, price) = (name("bob"), Some(name("mall")), cents(price));
    let give = GiftCommand::Give { recipient, merchant, object, price, expires_at };
    Message::from_account("ann", gift, Command::Gift(give)).unwrap()
}

fn accept(gift: &str) -> Message {
    let command = GiftCommand::Accept { donor: name("ann"), gift: RequestId::new(gift).unwrap() };
    Message::from_account("bob", &format!("accept {gift}"), Command::Gift(command)).unwrap()
}

fn withhold(id: &str, order: &str, gift: &str, amount: u64) -> Message {
    let gift = RequestId::new(gift).unwrap();
    let from = WithholdFrom::Gift(GiftReference { recipient: name("bob"), donor: name("ann"), gift });
    let withhold = MerchantCommand::Withhold { order: name(order), amount: cents(amount), from };
    Message::from_account("mall", id, Command::Merchant(withhold)).unwrap()
}

// T9, I15: the clock reaches the gifts' end while their acceptances are sent by eight threads, and timers run.
#[test]
fn acceptances_race_the_timers_of_ten_thousand_gifts_and_exactly_one_wins_each() {
    for shards in SHARDS {
        let house = shop(shards);
        let ids: Vec<String> = (0..10_000).map(|gift| format!("gift {gift}")).collect();
        // In a thousand groups, each with an end of its own, so that the clock passes one after the other.
        let end = |gift: usize| Some(Timestamp(MORNING + 1_000 + (gift / 10) as u64));
        let gifts: Vec<Message> = ids.iter().enumerate().map(|(gift, id)| give(id, 1, end(gift))).collect();
        for batch in gifts.chunks(5_000) {
            let answers = house.engine().send_batch(batch.to_vec()).wait();
            assert!(answers.iter().all(Result::is_ok));
        }
        let acceptances: Vec<Message> = ids.iter().map(|id| accept(id)).collect();
        let answers = std::thread::scope(|scope| {
            let clock = scope.spawn(|| {
                for tick in 0..1_100 {
                    house.clock.set(Timestamp(MORNING + 950 + tick));
                    std::thread::sleep(std::time::Duration::from_micros(300));
                }
            });
            let answers = house.send_until_decided(&acceptances);
            clock.join().unwrap();
            answers
        });
        let accepted = answers.iter().filter(|answer| matches!(answer, Ok(Done::GiftChanged { .. }))).count();
        let expired = answers.iter().filter(|answer| code(answer) == Some(Code::GiftEnded)).count();
        assert_eq!(
            accepted + expired,
            10_000,
            "{shards} shards: {:?}",
            answers.iter().find(|answer| answer.is_err())
        );
        // What nobody accepted is on its way home by the timers.
        house.clock.set(Timestamp(MORNING + 5_000));
        let home = || house.posted("ann") == 20_000 - i64::try_from(accepted).unwrap();
        for _ in 0..500 {
            if home() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(home(), "{shards} shards: {} at ann, {accepted} accepted", house.posted("ann"));
        assert_eq!(house.account("bob").earmarked, cents(accepted as u64));
        let audit = house.close_and_audit();
        assert_eq!(audit.totals.accounts, 5);
    }
}

// T10, D43, I12
#[test]
fn a_thousand_duplicates_at_once_of_one_withholding_make_one_debit_and_get_equal_answers() {
    for shards in SHARDS {
        let house = shop(shards);
        house.send(give("gift", 300, None)).unwrap();
        assert_eq!(house.send(accept("gift")), Ok(Done::GiftChanged { state: GiftState::Accepted }));
        let done: Answer = Ok(Done::Withheld { amount: cents(300) });
        let batch: Vec<Message> =
            (0..1_000).map(|place| withhold(&format!("one {place}"), "order 1", "gift", 300)).collect();
        let answers = house.engine().send_batch(batch.clone()).wait();
        assert!(answers.iter().all(|answer| *answer == done), "{shards} shards, in one batch");
        assert!(house.send_at_once(&batch).iter().all(|answer| *answer == done), "again, by eight threads");
        house.send(give("second", 200, None)).unwrap();
        house.send(accept("second")).unwrap();
        let threads: Vec<Message> =
            (0..1_000).map(|place| withhold(&format!("two {place}"), "order 2", "second", 200)).collect();
        let done: Answer = Ok(Done::Withheld { amount: cents(200) });
        assert!(
            house.send_at_once(&threads).iter().all(|answer| *answer == done),
            "{shards} shards, by eight threads"
        );
        assert_eq!(["ann", "bob", "till"].map(|account| house.posted(account)), [19_500, 20_000, 20_500]);
        house.close_and_audit();
    }
}
