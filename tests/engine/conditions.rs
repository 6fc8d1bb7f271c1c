//! Messages that depend on what their sender has seen: the length of a chain, and a price.

use hongbao::domain::{
    Answer, Code, Command, Conditions, Done, GiftCommand, GiftObject, GoodsKind, Message, RequestId, Serial,
    TransferCommand, Via,
};

use crate::house::{House, SHARDS, buy, cents, code, name, offer};

fn send_on(house: &House, message: &Message, conditions: Conditions) -> Answer {
    let answers = house.engine().send_batch_on([(message, conditions)].into_iter()).wait();
    answers.into_iter().next().unwrap()
}

fn at(sequence: u64) -> Conditions {
    Conditions::of(Some(sequence), None)
}

fn pay(id: &str) -> Message {
    let send = TransferCommand::Send { to: name("shop"), amount: cents(1) };
    Message::from_account("ann", id, Command::Transfer(send)).unwrap()
}

#[test]
fn a_message_is_carried_out_only_where_the_chain_is_as_its_sender_has_seen_it() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann".to_owned()], 100);
        let seen = house.account("ann").sequence;
        for wrong in [0, seen - 1, seen + 1, u64::MAX] {
            let refused = send_on(&house, &pay("first"), at(wrong)).unwrap_err();
            assert_eq!(
                (refused.code, &*refused.field),
                (Code::SequenceMismatch, "if_sequence"),
                "{refused:?}"
            );
        }
        assert_eq!((house.posted("ann"), house.account("ann").sequence), (100, seen), "nothing has changed");
        let done = send_on(&house, &pay("first"), at(seen)).unwrap();
        assert_eq!(house.account("ann").sequence, seen + 1);
        // A repeat is answered whatever has changed since, and whatever it now depends on (I12).
        assert_eq!(send_on(&house, &pay("first"), at(seen)).unwrap(), done);
        assert_eq!(send_on(&house, &pay("first"), at(7_000)).unwrap(), done);
        assert_eq!(code(&send_on(&house, &pay("second"), at(seen))), Some(Code::SequenceMismatch));
        assert_eq!(house.posted("ann"), 99);
    }
}

#[test]
fn of_many_at_once_that_have_seen_the_same_one_is_carried_out() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann".to_owned()], 1_000);
        let seen = house.account("ann").sequence;
        let all: Vec<Message> = (0..200).map(|number| pay(&format!("{number}"))).collect();
        let answers = house.engine().send_batch_on(all.iter().map(|message| (message, at(seen)))).wait();
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{shards} shards");
        assert_eq!(house.posted("ann"), 999);
        // The payee of many at once has a record of them together, which counts before the turn's end.
        let seen = house.account("shop").sequence;
        let home = TransferCommand::Send { to: name("ann"), amount: cents(1) };
        let home = Message::from_account("shop", "home", Command::Transfer(home)).unwrap();
        let more: Vec<Message> = (0..200).map(|number| pay(&format!("more {number}"))).collect();
        let again = Message { request_id: RequestId::new("home again").unwrap(), ..home.clone() };
        let all = more.iter().map(|message| (message, Conditions::default()));
        let all: Vec<(&Message, Conditions)> =
            all.chain([(&home, at(seen)), (&again, at(seen + 1))]).collect();
        let answers = house.engine().send_batch_on(all.into_iter()).wait();
        let there = house.account("shop").sequence;
        assert!(there > seen && answers[..200].iter().all(Result::is_ok));
        for answer in &answers[200..] {
            match shards {
                // A house looks at 128 together, and at what follows from them before its next ones. By then the record
                // of one credit and that of many others are there, the latter still open.
                1 => assert_eq!(code(answer), Some(Code::SequenceMismatch)),
                _ => assert!(answer.is_ok() || code(answer) == Some(Code::SequenceMismatch)),
            }
        }
    }
}

#[test]
fn a_condition_is_about_whom_the_message_is_addressed_to_also_where_another_looks_first() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann".to_owned(), "ben".to_owned()], 1_000);
        house.sell("lantern", offer(3, 100));
        house.send(crate::house::circulate("ann", "share", "lantern", 1)).unwrap();
        // From a private page: the certificate looks first, and it is the offering's to sell.
        let via = Via::PrivatePage(name("ann"));
        let command = Command::purchase(name("lantern"), Some(Serial(1)), via);
        let from_page = |id: &str| Message::from_account("ben", id, command.clone()).unwrap();
        let seen = house.offering("lantern").sequence;
        assert_ne!(seen, house.certificate("lantern", 1, 1).sequence);
        assert_eq!(code(&send_on(&house, &from_page("1"), at(seen + 1))), Some(Code::SequenceMismatch));
        let done = send_on(&house, &from_page("1"), at(seen)).unwrap();
        assert_eq!(send_on(&house, &from_page("1"), at(99)).unwrap(), done, "a repeat");
        // A gift of a certificate: the offering looks first, and it is the donor's to give.
        let object = GiftObject::Certificate { offering: name("lantern"), serial: Serial(3) };
        let give = GiftCommand::Give {
            recipient: name("ben"),
            merchant: None,
            object,
            price: cents(100),
            expires_at: None,
        };
        let gift = Message::from_account("ann", "gift", Command::Gift(give)).unwrap();
        let seen = house.account("ann").sequence;
        assert_eq!(code(&send_on(&house, &gift, at(seen + 1))), Some(Code::SequenceMismatch));
        assert_eq!(house.posted("ann"), 1_000);
        let done = send_on(&house, &gift, at(seen)).unwrap();
        assert_eq!(send_on(&house, &gift, at(99)).unwrap(), done, "a repeat");
        // What is shared is its certificate's, alive or not.
        let share = |id: &str, serial| crate::house::circulate("ben", id, "lantern", serial);
        assert_eq!(code(&send_on(&house, &share("2", 2), at(1))), Some(Code::SequenceMismatch));
        assert!(send_on(&house, &share("2", 2), at(0)).is_ok(), "an untouched one has no entries");
        let seen = house.certificate("lantern", 2, 1).sequence;
        let other = crate::house::circulate("ann", "2", "lantern", 2);
        assert_eq!(code(&send_on(&house, &other, at(seen + 1))), Some(Code::SequenceMismatch));
        assert!(send_on(&house, &other, at(seen)).is_ok());
        let goods = GiftObject::Goods { kind: GoodsKind::Product, description: "a kettle".to_owned() };
        let give = GiftCommand::Give {
            recipient: name("ben"),
            merchant: Some(name("shop")),
            object: goods,
            price: cents(5),
            expires_at: None,
        };
        let gift = Message::from_account("ann", "another", Command::Gift(give)).unwrap();
        assert_eq!(code(&send_on(&house, &gift, at(0))), Some(Code::SequenceMismatch));
    }
}

#[test]
fn nothing_is_bought_or_reserved_above_the_price_that_its_buyer_has_seen() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann".to_owned()], 1_000);
        house.sell("lantern", hongbao::domain::Offer { reservable_ms: Some(1_000), ..offer(3, 100) });
        let at_most = |minor: u64| Conditions::of(None, Some(cents(minor)));
        let refused = send_on(&house, &buy("ann", "buy", "lantern", None), at_most(99)).unwrap_err();
        assert_eq!((refused.code, &*refused.field), (Code::PriceAboveMax, "price_max"));
        let reserve = Command::Reserve { offering: name("lantern"), serial: None, via: Via::Public };
        let reserve = Message::from_account("ann", "reserve", reserve).unwrap();
        assert_eq!(code(&send_on(&house, &reserve, at_most(99))), Some(Code::PriceAboveMax));
        assert_eq!((house.posted("ann"), house.offering("lantern").left), (1_000, 3));
        let bought = send_on(&house, &buy("ann", "buy", "lantern", None), at_most(100));
        assert!(matches!(bought, Ok(Done::Purchased(_))), "{bought:?}");
        assert_eq!(send_on(&house, &buy("ann", "buy", "lantern", None), at_most(1)), bought, "a repeat");
        assert!(send_on(&house, &reserve, at_most(100)).is_ok());
        assert_eq!(house.close_and_audit().totals.sold, 1);
    }
}
