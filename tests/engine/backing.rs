//! A commission that a payment certificate backs, on disk: kept over a restart, and counted rightly by an audit.

use hongbao::domain::{Command, Funding, Message, PaymentCommand, RequestId};

use crate::house::{House, SHARDS, buy, cents, circulate, name, offer, terms};

// K3, H3, I1, I14
#[test]
fn an_audit_counts_claims_as_commission_and_not_as_money_in_envelopes() {
    for shards in SHARDS {
        let mut house = House::new(shards);
        house.open_accounts(["ann", "bob", "cho"].map(str::to_owned), 1_000);
        house.sell("lantern", offer(3, 200));
        let cover = RequestId::new("cover").unwrap();
        let issue = PaymentCommand::Issue {
            amount: cents(150),
            beneficiary: None,
            not_before: None,
            expires_at: None,
        };
        house.send(Message::from_account("shop", "cover", Command::Payment(issue)).unwrap()).unwrap();
        let funding = Funding::PaymentCertificate(cover);
        let terms = Box::new(terms(50, 10));
        let attach = Command::AttachCommission { offering: name("lantern"), terms, funding };
        house.send(Message::from_account("shop", "attach", attach).unwrap()).unwrap();
        // One has a promise and is sold, one has a promise, one is never touched.
        for serial in [1, 2] {
            house.send(circulate("ann", &format!("share-{serial}"), "lantern", serial)).unwrap();
        }
        house.restart(shards);
        house.send(buy("cho", "buy", "lantern", Some(1))).unwrap();
        house.restart(shards);
        let shop = house.account("shop");
        assert_eq!(shop.posted.minor(), 1_000_000 + 200 - 10, "{shards} shards");
        assert_eq!((shop.held.minor(), house.posted("ann")), (100, 1_010), "{shards} shards");
        let audit = house.close_and_audit();
        let money = audit.totals.money.values().next().unwrap();
        assert_eq!(money.envelopes, 0, "{shards} shards: no money has left the payer for an envelope");
        assert_eq!(money.posted, money.deposits, "{shards} shards: all of it is in accounts");
        assert_eq!(money.commission_funded, 150, "{shards} shards");
        assert_eq!((money.commission_cashed, money.commission_returned), (10, 40), "{shards} shards");
    }
}
