//! Gifts on real shards: accept against expiry, and a thousand repeats of one withholding at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hongbao::domain::{
    Answer, Code, Command, Done, GiftCommand, GiftObject, GiftReference, GiftState, GoodsKind,
    MerchantCommand, Message, Order, OrderState, RequestId, Timestamp, WhenShort, WithholdFrom,
};

use crate::house::{House, MORNING, SHARDS, cents, code, name};

const PRICE: u64 = 7;
const PURSE: u64 = 1_000_000;
/// Gifts that race against their time, per round; no two to one recipient.
const ROUND: usize = 100;
/// How many such rounds; in each the clock passes the limit a little later.
const ROUNDS: usize = 24;

fn message(account: &str, id: &str, command: Command) -> Message {
    Message::from_account(account, id, command).unwrap()
}

fn give(id: &str, recipient: &str, expires_at: Option<Timestamp>) -> Message {
    let object = GiftObject::Goods { kind: GoodsKind::Product, description: "a lantern".to_owned() };
    let (recipient, merchant, price) = (name(recipient), Some(name("merchant")), cents(PRICE));
    message("donor", id, Command::Gift(GiftCommand::Give { recipient, merchant, object, price, expires_at }))
}

fn accept(recipient: &str, id: &str, gift: &str) -> Message {
    let (donor, gift) = (name("donor"), RequestId::new(gift).unwrap());
    message(recipient, id, Command::Gift(GiftCommand::Accept { donor, gift }))
}

fn withhold(id: &str, order: &str, recipient: &str, gift: &str) -> Message {
    let gift = RequestId::new(gift).unwrap();
    let from = WithholdFrom::Gift(GiftReference { recipient: name(recipient), donor: name("donor"), gift });
    let command = MerchantCommand::Withhold { order: name(order), amount: cents(PRICE), from };
    message("merchant", id, Command::Merchant(command))
}

fn state_of(house: &House, recipient: &str, gift: &str) -> GiftState {
    let gift = RequestId::new(gift).unwrap();
    let reference = GiftReference { recipient: name(recipient), donor: name("donor"), gift };
    match house.send(message(recipient, "show", Command::Gift(GiftCommand::Show(reference)))).unwrap() {
        Done::Gift(view) => view.state.state,
        other => panic!("a gift was shown as {other:?}"),
    }
}

fn order_of(house: &House, order: &str) -> Order {
    let show = MerchantCommand::ShowOrder { order: name(order) };
    match house.send(message("merchant", "show", Command::Merchant(show))).unwrap() {
        Done::Order(order) => *order,
        other => panic!("an order was shown as {other:?}"),
    }
}

/// A house with a rich donor, and a merchant whose money goes to `till`.
fn gift_house(shards: usize) -> House {
    let house = House::new(shards);
    house.open_accounts(["donor".to_owned()], PURSE);
    house.open_accounts(["merchant", "till"].map(str::to_owned), 0);
    let (merchant, payee, when_short) = (name("merchant"), name("till"), WhenShort::Refuse);
    let register = MerchantCommand::Register { merchant, payee, supplier: None, when_short };
    let register = Message::from_funds_management("register", Command::Merchant(register)).unwrap();
    house.send(register).unwrap();
    house
}

/// Sends the accepts of a round from two threads while the clock passes the limit of its gifts, when so many of
/// them are sent; before any is sent where that is 0. Answers in the order of the accepts.
fn race(house: &House, accepts: &[Message], limit: u64, passes_at: usize) -> Vec<Answer> {
    if passes_at == 0 {
        house.clock.set(Timestamp(limit));
    }
    let sent = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while sent.load(Ordering::Relaxed) < passes_at {
                std::hint::spin_loop();
            }
            for now in [limit, limit + 1] {
                house.clock.set(Timestamp(now));
                thread::sleep(Duration::from_micros(100));
            }
        });
        let send = |part: &[Message]| -> Vec<Answer> {
            let replies: Vec<_> = part
                .iter()
                .map(|accept| {
                    let reply = house.engine().send(accept.clone());
                    sent.fetch_add(1, Ordering::Relaxed);
                    reply
                })
                .collect();
            replies.into_iter().map(hongbao::Reply::wait).collect()
        };
        let (one, two) = accepts.split_at(accepts.len() / 2);
        let other = scope.spawn(move || send(two));
        let mut answers = send(one);
        answers.extend(other.join().unwrap());
        answers
    })
}

// T9, D36, I15, I19
#[test]
fn of_accepting_and_expiring_on_real_shards_exactly_one_wins() {
    for shards in SHARDS {
        let mut house = gift_house(shards);
        let recipients: Vec<String> = (0..ROUND).map(|number| format!("recipient-{number}")).collect();
        house.open_accounts(recipients.clone(), 0);
        let mut kept = vec![0_u64; ROUND];
        let (mut accepted, mut expired) = (0, 0);
        for round in 0..ROUNDS {
            let limit = MORNING + 1_000 * (round as u64 + 1);
            let gift = format!("gift-{round}");
            let gifts: Vec<Message> = (recipients.iter().enumerate())
                .map(|(number, recipient)| {
                    give(&format!("{gift}-{number}"), recipient, Some(Timestamp(limit)))
                })
                .collect();
            house.clock.set(Timestamp(limit - 1));
            for answer in house.engine().send_batch(gifts).wait() {
                answer.unwrap();
            }
            let accepts: Vec<Message> = (recipients.iter().enumerate())
                .map(|(number, recipient)| {
                    accept(recipient, &format!("accept-{round}"), &format!("{gift}-{number}"))
                })
                .collect();
            let answers = race(&house, &accepts, limit, round * ROUND / ROUNDS);
            if round % 8 == 7 {
                house.restart(shards);
            }
            let place = format!("{shards} shards, round {round}");
            for (number, (recipient, answer)) in recipients.iter().zip(&answers).enumerate() {
                let place = format!("{place}, {recipient}");
                let state = state_of(&house, recipient, &format!("{gift}-{number}"));
                match answer {
                    Ok(Done::GiftChanged { state: GiftState::Accepted }) => {
                        assert_eq!(state, GiftState::Accepted, "{place}");
                        kept[number] += PRICE;
                        accepted += 1;
                    }
                    refused => {
                        assert_eq!(code(refused), Some(Code::GiftEnded), "{place}: {refused:?}");
                        assert_eq!(state, GiftState::Expired, "{place}");
                        expired += 1;
                    }
                }
                let account = house.account(recipient);
                let found = (account.posted.minor(), account.earmarked.minor());
                assert_eq!(found, (0, kept[number]), "{place}");
            }
            let away: u64 = kept.iter().sum();
            assert_eq!(house.posted("donor"), (PURSE - away) as i64, "{place}: all else is home");
        }
        let both = accepted > ROUND && expired >= ROUND;
        assert!(both, "{shards} shards: {accepted} accepted, {expired} expired");
        house.close_and_audit();
    }
}

// T10, D43, I12: many requests, one order.
#[test]
fn a_thousand_repeats_at_once_of_one_withholding_on_real_shards_make_one_debit() {
    for shards in SHARDS {
        let mut house = gift_house(shards);
        house.open_accounts(["recipient".to_owned()], 0);
        for gift in ["gift", "other"] {
            house.send(give(gift, "recipient", None)).unwrap();
            house.send(accept("recipient", &format!("accept-{gift}"), gift)).unwrap();
        }
        let thousand: Vec<Message> = (0..1_000)
            .map(|number| withhold(&format!("ask-{number}"), "order", "recipient", "gift"))
            .collect();
        let wanted: Answer = Ok(Done::Withheld { amount: cents(PRICE) });
        let answers = house.engine().send_batch(thousand.clone()).wait();
        assert_eq!(answers.len(), 1_000, "{shards} shards");
        let others: Vec<_> = answers.iter().filter(|answer| **answer != wanted).collect();
        assert!(others.is_empty(), "{shards} shards: {} differ, such as {:?}", others.len(), others[0]);
        let places = |house: &House| {
            let earmarked = house.account("recipient").earmarked.minor();
            (house.posted("donor"), house.posted("recipient"), earmarked, house.posted("till"))
        };
        let paid = ((PURSE - 2 * PRICE) as i64, 0, PRICE, PRICE as i64);
        assert_eq!(places(&house), paid, "{shards} shards: one debit");
        assert_eq!(order_of(&house, "order").state, OrderState::Paid, "{shards} shards");
        // Behind a restart too, and from eight threads at once.
        house.restart(shards);
        let answers = house.send_at_once(&thousand);
        assert!(answers.iter().all(|answer| *answer == wanted), "{shards} shards, after a restart");
        let reused = house.send(withhold("reuse", "order", "recipient", "other"));
        assert_eq!(code(&reused), Some(Code::OrderReused), "{shards} shards: {reused:?}");
        assert_eq!(places(&house), paid, "{shards} shards");
        house.close_and_audit();
    }
}
