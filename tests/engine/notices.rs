//! What listeners are told: only what is durable, each cause before its effect, whoever it concerns.

use hongbao::domain::{
    ActorNumber, BasisPoints, CheckPoint, Code, Command, CommissionTerms, Condition, CreditReason,
    GiftCommand, GiftObject, GiftReference, GiftState, GoodsKind, MerchantCommand, Message, News, Serial,
    WithholdFrom,
};
use hongbao::{Heard, Subscription};

use crate::house::{House, SHARDS, buy, cents, circulate, name, offer, terms};

fn heard(subscription: &mut Subscription) -> Vec<News> {
    let mut news = Vec::new();
    while let Some(heard) = subscription.next_now() {
        match heard {
            Heard::Notice(notice) => news.push(notice.news.clone()),
            Heard::LeftOut(number) => panic!("{number} notices were left out"),
        }
    }
    news
}

fn number(house: &House, offering: &str) -> ActorNumber {
    house.offering(offering).number
}

// C5: Sold, Paid, Fulfil, in that order, to whoever subscribed; and of many sales each in that order.
#[test]
fn a_purchase_is_told_as_sold_paid_and_to_be_fulfilled_in_that_order() {
    for shards in SHARDS {
        let house = House::new(shards);
        let buyers: Vec<String> = (0..200).map(|buyer| format!("buyer-{buyer}")).collect();
        house.open_accounts(buyers.iter().cloned(), 1_000);
        house.sell("lantern", offer(200, 100));
        let offering = number(&house, "lantern");
        let mut everything = house.engine().subscribe();
        let mut of_one = house.engine().subscribe_account(&name("buyer-7")).unwrap();
        let messages: Vec<Message> = buyers.iter().map(|buyer| buy(buyer, "buy", "lantern", None)).collect();
        house.send_at_once(&messages).into_iter().for_each(|answer| drop(answer.unwrap()));
        let (credits, news): (Vec<News>, Vec<News>) =
            heard(&mut everything).into_iter().partition(|news| matches!(news, News::Credited { .. }));
        assert_eq!((credits.len(), news.len()), (200, 600), "{shards} shards");
        let payee = house.account("shop").number;
        for credit in credits {
            let expected = matches!(credit, News::Credited { account, amount, reason: CreditReason::Sale, .. } if account == payee && amount == cents(100));
            assert!(expected, "each price to the payee, and nothing else: {credit:?}");
        }
        for serial in 1..=200 {
            let of_serial: Vec<&News> = news
                .iter()
                .filter(|news| match news {
                    News::Sold { certificate, .. } => *certificate == offering.certificate(Serial(serial)),
                    News::Paid { serial: told, .. } | News::Fulfil { serial: told, .. } => told.0 == serial,
                    _ => false,
                })
                .collect();
            let [
                News::Sold { buyer, price, .. },
                News::Paid { .. },
                News::Fulfil { buyer: to, information, .. },
            ] = of_serial[..]
            else {
                panic!("{shards} shards: {of_serial:?}")
            };
            assert_eq!((to, *price), (buyer, cents(100)));
            assert_eq!(information.product_name, "lantern", "by the rules that the certificate carries");
        }
        assert_eq!(heard(&mut of_one).len(), 3, "only what concerns the account");
        house.close_and_audit();
    }
}

// W10, D35: pushed once, to holder, chain and supplier.
#[test]
fn a_prompt_is_pushed_once_to_holder_chain_and_supplier() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann", "bob", "cho", "dev"].map(str::to_owned), 1_000);
        house.issue("lantern", offer(1, 1_000));
        let condition = Condition {
            times: Some(3),
            amount: None,
            share_of_price: None,
            displayed_ms: None,
            at_least: 1,
            check_point: CheckPoint::BeforeIncrease,
            prompt_ratio: BasisPoints::new(6_000).unwrap(),
        };
        house.attach("lantern", CommissionTerms { condition: Some(condition), ..terms(50, 10) });
        house.publish("lantern");
        let mut of = |account: &str| house.engine().subscribe_account(&name(account)).unwrap();
        let mut ends = ["ann", "bob", "shop", "dev"].map(&mut of);
        house.send(circulate("ann", "one", "lantern", 1)).unwrap();
        house.send(circulate("bob", "two", "lantern", 1)).unwrap();
        house.send(circulate("cho", "three", "lantern", 1)).unwrap();
        for (end, expected) in ends.iter_mut().zip([1, 1, 1, 0]) {
            let prompts: Vec<News> =
                heard(end).into_iter().filter(|news| matches!(news, News::Prompt { .. })).collect();
            assert_eq!(prompts.len(), expected, "{shards} shards: {prompts:?}");
            if let Some(News::Prompt { to, .. }) = prompts.first() {
                assert_eq!(to.len(), 3, "bob, who holds it, ann, and the shop");
            }
        }
        let unknown = house.engine().subscribe_account(&name("nobody")).err().unwrap();
        assert_eq!(unknown.code, Code::UnknownAccount);
    }
}

// T11: the instructions, success only behind the payee's money, failure otherwise.
#[test]
fn a_merchant_is_instructed_to_provide_or_not() {
    for shards in SHARDS {
        let house = House::new(shards);
        house.open_accounts(["ann", "bob", "mall", "till"].map(str::to_owned), 1_000);
        house.register_mall();
        let mut mall = house.engine().subscribe_account(&name("mall")).unwrap();
        let mut bob = house.engine().subscribe_account(&name("bob")).unwrap();
        let object = GiftObject::Goods { kind: GoodsKind::Product, description: "a kettle".to_owned() };
        let give = GiftCommand::Give {
            recipient: name("bob"),
            merchant: Some(name("mall")),
            object,
            price: cents(300),
            expires_at: None,
        };
        house.send(Message::from_account("ann", "gift", Command::Gift(give)).unwrap()).unwrap();
        assert!(matches!(heard(&mut bob)[..], [News::GiftArrived { .. }]));
        let gift = GiftReference {
            recipient: name("bob"),
            donor: name("ann"),
            gift: hongbao::domain::RequestId::new("gift").unwrap(),
        };
        let withhold = |id: &str| {
            let from = WithholdFrom::Gift(gift.clone());
            let withhold = MerchantCommand::Withhold { order: name("order 1"), amount: cents(300), from };
            Message::from_account("mall", id, Command::Merchant(withhold)).unwrap()
        };
        assert!(house.send(withhold("too early")).is_err());
        let news = heard(&mut mall);
        assert!(matches!(&news[..], [News::DoNotProvide { code: Code::GiftNotAccepted, .. }]), "{news:?}");
        let gift = hongbao::domain::RequestId::new("gift").unwrap();
        let accept = GiftCommand::Accept { donor: name("ann"), gift };
        let mut ann = house.engine().subscribe_account(&name("ann")).unwrap();
        house.send(Message::from_account("bob", "accept", Command::Gift(accept)).unwrap()).unwrap();
        for listener in [&mut ann, &mut mall] {
            let news = heard(listener);
            let accepted = News::GiftChanged {
                recipient: house.account("bob").number,
                donor: house.account("ann").number,
                merchant: Some(house.account("mall").number),
                gift: hongbao::domain::RequestId::new("gift").unwrap(),
                state: GiftState::Accepted,
            };
            assert_eq!(news, [accepted], "donor and merchant need not ask");
        }
        house.send(withhold("now")).unwrap();
        let news = heard(&mut mall);
        assert!(matches!(&news[..], [News::Provide { .. }]), "{news:?}");
        assert_eq!(
            ["ann", "bob", "till"].map(|account| house.posted(account)),
            [700, 1_000, 1_300],
            "donor, recipient and payee end at -p, 0, +p (T6)"
        );
        house.engine().close().unwrap();
        assert_eq!(heard(&mut ann), []);
        assert_eq!(pollster::block_on(ann.next()), None, "an engine that is closed tells nothing more");
        house.close_and_audit();
    }
}
