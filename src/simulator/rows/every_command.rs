//! Every command that changes something, once at least, in an order that works, and another body for each.

use crate::domain::{
    Acquiring, Clawback, Command, CommissionTerms, Display, GiftCommand, MandateCommand, MerchantCommand,
    Message, Money, Offer, PaymentCommand, RequestId, Serial, StatusChange, TransferCommand, Via, WhenShort,
};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

/// A market without `tea` being touched, `coffee` issued only, and every command at least once, in an order that
/// works.
pub(super) fn script() -> (Stage, Vec<Message>) {
    let mut stage = market(offer(700, 3), None);
    let others = [open("ann", 100_000), open("ben", 100_000), open("shop", 0), open("till", 0)];
    stage.send_all(&others).into_iter().for_each(|answer| drop(answer.unwrap()));
    stage.send(&issue("coffee", offer(500, 2))).unwrap();
    let manual = CommissionTerms { acquiring: Acquiring::Manual, ..terms(500, 100) };
    let mut messages = vec![
        open("newcomer", 10),
        deposit("newcomer", 5),
        cash_out("newcomer", 3),
        credit("newcomer", 9),
        issue("cocoa", offer(300, 2)),
        publish("cocoa"),
        attach("payer", "tea", &manual),
        circulate("u1", "tea", 0),
        circulate("u2", "tea", 2),
        acquire("u1", "tea", 1),
        circulate("u3", "tea", 0),
        circulate("u4", "tea", 0),
        purchase("buyer", "tea", 0),
        purchase("buyer", "tea", 2),
        purchase_via("buyer", "tea", 3, page_of("u3")),
    ];
    messages.extend(engaging_script());
    (stage, messages)
}

/// Reservations, refunds, payment certificates, transfers, gifts, mandates, orders: `ann` and `ben` pay for all.
fn engaging_script() -> Vec<Message> {
    let flexible = Offer { reservable_ms: Some(1_000), clawback: Clawback::Receivable, ..offer(700, 6) };
    let order = |gift_id| gift("ben", "ann", gift_id);
    let present = |id, what| give("ann", id, "ben", "shop", what);
    vec![
        issue("mate", flexible.clone()),
        attach("payer", "mate", &terms(500, 100)),
        publish_as("mate", Display::AcquisitionInformation),
        reserve("ann", "mate", 0),
        reserve("ben", "mate", 2),
        top_up("payer", "mate", 2, 5),
        circulate("u1", "mate", 1),
        pay("ann", "mate", 1),
        cancel("ben", "mate", 2),
        refund("mate", 1),
        issue_payment("ann", "to spend", 800, ""),
        purchase_with_payment("ann", "mate", 0, "to spend"),
        issue("maize", offer(300, 1)),
        issue_payment("payer", "backing", 600, ""),
        attach_backed("payer", "maize", &terms(500, 100), "backing"),
        issue_payment("ann", "escrow", 50, "ben"),
        receive("ben", payment("ann", "escrow")),
        release(payment("ann", "escrow"), 30),
        issue_payment("ann", "unwanted", 50, "ben"),
        reject("ben", payment("ann", "unwanted")),
        issue_payment("ann", "in vain", 50, "ben"),
        void_payment(payment("ann", "in vain")),
        send_money("ann", "ben", 7),
        begin_transfer("ann", "to post", "ben", 9, None),
        post_transfer("ann", "ann", "to post", 8),
        begin_transfer("ann", "to void", "ben", 9, None),
        void_transfer("ann", "ann", "to void"),
        register_for("shop", "till", Some("supplier"), WhenShort::Refuse),
        present("first", (goods(), 60)),
        accept("ben", "ann", "first"),
        withhold("shop", "order 1", 60, order("first")),
        provide("shop", "order 1"),
        present("second", (goods(), 60)),
        decline("ben", "ann", "second"),
        present("third", (goods(), 60)),
        accept_gifts("ben", true),
        present("fourth", (goods(), 60)),
        accept("ben", "ann", "third"),
        return_gift("ben", order("third")),
        withhold("shop", "order 2", 60, order("fourth")),
        reverse("shop", "order 2"),
        present("fifth", (gift_of("mate", 4), 700)),
        purchase_with_gift("ben", "mate", 4, "ann", "fifth"),
        present("sixth", (gift_of("mate", 5), 700)),
        withhold("shop", "order 3", 700, order("sixth")),
        grant("ben", "mandate", "shop", (100, 50), None),
        withhold_by_mandate("shop", "order 4", 50, "ben", "mandate"),
        revoke("ben", "mandate"),
        by_institution(Command::Merchant(MerchantCommand::Unregister { merchant: name("shop") })),
        status("ann", StatusChange::Freeze),
        status("ann", StatusChange::Unfreeze),
        open("leaver", 0),
        status("leaver", StatusChange::Close),
    ]
}

/// What kind of command it is, where it changes something.
pub(super) fn kind(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::OpenAccount { .. } => "open",
        Command::Deposit { .. } => "deposit",
        Command::CashOut { .. } => "cash out",
        Command::SetCreditLimit { .. } => "credit limit",
        Command::Issue { .. } => "issue",
        Command::Publish { .. } => "publish",
        Command::AttachCommission { .. } => "attach",
        Command::TopUp { .. } => "top up",
        Command::Circulate { .. } => "circulate",
        Command::Acquire { .. } => "acquire",
        Command::Purchase { .. } => "purchase",
        Command::Reserve { .. } => "reserve",
        Command::PayReservation { .. } => "pay",
        Command::CancelReservation { .. } => "cancel",
        Command::Refund { .. } => "refund",
        Command::Status { .. } => "status",
        Command::Payment(command) => match command {
            PaymentCommand::Issue { .. } => "payment: issue",
            PaymentCommand::Receive(_) => "payment: receive",
            PaymentCommand::Reject(_) => "payment: reject",
            PaymentCommand::Release { .. } => "payment: release",
            PaymentCommand::Void(_) => "payment: void",
            PaymentCommand::Show(_) => return None,
        },
        Command::Transfer(command) => match command {
            TransferCommand::Send { .. } => "transfer: send",
            TransferCommand::Begin { .. } => "transfer: begin",
            TransferCommand::Post { .. } => "transfer: post",
            TransferCommand::Void { .. } => "transfer: void",
        },
        Command::Gift(command) => match command {
            GiftCommand::Give { .. } => "gift: give",
            GiftCommand::Accept { .. } => "gift: accept",
            GiftCommand::Decline { .. } => "gift: decline",
            GiftCommand::Return(_) => "gift: return",
            GiftCommand::Show(_) | GiftCommand::List { .. } => return None,
        },
        Command::Mandate(command) => match command {
            MandateCommand::Grant { .. } => "mandate: grant",
            MandateCommand::Revoke { .. } => "mandate: revoke",
            MandateCommand::Show { .. } => return None,
        },
        Command::Merchant(command) => match command {
            MerchantCommand::Register { .. } => "merchant: register",
            MerchantCommand::Unregister { .. } => "merchant: unregister",
            MerchantCommand::Withhold { .. } => "merchant: withhold",
            MerchantCommand::Provide { .. } => "merchant: provide",
            MerchantCommand::Reverse { .. } => "merchant: reverse",
            MerchantCommand::ShowOrder { .. } => return None,
        },
        Command::ShowPage { .. }
        | Command::ShowAccount { .. }
        | Command::ShowOffering { .. }
        | Command::ShowCertificate { .. }
        | Command::ShowRequest { .. } => return None,
    })
}

/// Another body for the same target.
pub(super) fn other_body(message: &Message) -> Command {
    let more = |amount: Money| amount.checked_add(money(1)).unwrap();
    let other_id = || RequestId::new("another").unwrap();
    match message.command.clone() {
        Command::OpenAccount { account, currency, deposit, .. } => {
            Command::OpenAccount { account, currency, deposit, credit_limit: money(1) }
        }
        Command::Deposit { account, .. } => Command::CashOut { account, amount: money(1) },
        Command::CashOut { account, .. } => Command::Deposit { account, amount: money(1) },
        Command::SetCreditLimit { account, .. } => {
            Command::SetCreditLimit { account, credit_limit: money(1) }
        }
        Command::Issue { offering, .. } => Command::Issue { offering, offer: Box::new(offer(301, 2)) },
        Command::Publish { offering, .. } => Command::Publish { offering, display: Display::Snapshot },
        Command::AttachCommission { offering, terms: there, funding } => {
            let terms = Box::new(CommissionTerms { funded: more(there.funded), ..*there });
            Command::AttachCommission { offering, terms, funding }
        }
        Command::TopUp { offering, serial, amount } => {
            Command::TopUp { offering, serial, amount: more(amount) }
        }
        Command::Circulate { offering, serial: Some(serial), .. } => Command::Acquire { offering, serial },
        Command::Circulate { offering, serial: None, via } => Command::purchase(offering, None, via),
        Command::Acquire { offering, serial } => {
            Command::Circulate { offering, serial: Some(serial), via: Via::Link }
        }
        Command::Purchase { offering, serial, paid_from, .. } => {
            let serial = serial.or(Some(Serial(3)));
            Command::Purchase { offering, serial, via: Via::Link, paid_from }
        }
        Command::Reserve { offering, serial, via } => Command::purchase(offering, serial, via),
        Command::PayReservation { offering, serial } => Command::CancelReservation { offering, serial },
        Command::CancelReservation { offering, serial } => Command::PayReservation { offering, serial },
        Command::Refund { offering, serial } => {
            Command::Circulate { offering, serial: Some(serial), via: Via::Link }
        }
        Command::Status { account, change } => {
            let change = match change {
                StatusChange::AcceptGifts { by_itself } => {
                    StatusChange::AcceptGifts { by_itself: !by_itself }
                }
                StatusChange::Freeze => StatusChange::Unfreeze,
                StatusChange::Unfreeze | StatusChange::Close => StatusChange::Freeze,
            };
            Command::Status { account, change }
        }
        Command::Payment(command) => Command::Payment(match command {
            PaymentCommand::Issue { amount, beneficiary, not_before, expires_at } => {
                PaymentCommand::Issue { amount: more(amount), beneficiary, not_before, expires_at }
            }
            PaymentCommand::Receive(reference) => PaymentCommand::Reject(reference),
            PaymentCommand::Reject(reference) => PaymentCommand::Receive(reference),
            PaymentCommand::Release { reference, .. } => PaymentCommand::Void(reference),
            PaymentCommand::Void(reference) => PaymentCommand::Release { reference, amount: money(1) },
            other => other,
        }),
        Command::Transfer(command) => Command::Transfer(match command {
            TransferCommand::Send { to, amount } => TransferCommand::Begin { to, amount, expires_at: None },
            TransferCommand::Begin { to, amount, .. } => TransferCommand::Send { to, amount },
            TransferCommand::Post { from, transfer, .. } => TransferCommand::Void { from, transfer },
            TransferCommand::Void { from, transfer } => {
                TransferCommand::Post { from, transfer, amount: money(1) }
            }
        }),
        Command::Gift(command) => Command::Gift(match command {
            GiftCommand::Give { merchant, object, price, expires_at, .. } => {
                GiftCommand::Give { recipient: name("u9"), merchant, object, price, expires_at }
            }
            GiftCommand::Accept { donor, gift } => GiftCommand::Decline { donor, gift },
            GiftCommand::Decline { donor, gift } => GiftCommand::Accept { donor, gift },
            GiftCommand::Return(reference) => {
                GiftCommand::Accept { donor: reference.donor, gift: reference.gift }
            }
            other => other,
        }),
        Command::Mandate(command) => Command::Mandate(match command {
            MandateCommand::Grant { merchant, amount_max, amount_max_per_use, ends_at } => {
                let amount_max = more(amount_max);
                MandateCommand::Grant { merchant, amount_max, amount_max_per_use, ends_at }
            }
            _ => MandateCommand::Revoke { mandate: other_id() },
        }),
        Command::Merchant(command) => Command::Merchant(match command {
            MerchantCommand::Register { merchant, .. } => MerchantCommand::Unregister { merchant },
            MerchantCommand::Unregister { merchant } => {
                let (payee, when_short) = (name("till"), WhenShort::Refuse);
                MerchantCommand::Register { merchant, payee, supplier: None, when_short }
            }
            MerchantCommand::Withhold { order, amount, from } => {
                // Another amount of the same order, or another order.
                let same = order.as_str() == "order 1";
                let (order, amount) = if same { (order, more(amount)) } else { (name("order 9"), amount) };
                MerchantCommand::Withhold { order, amount, from }
            }
            MerchantCommand::Provide { order } => MerchantCommand::Reverse { order },
            MerchantCommand::Reverse { order } => MerchantCommand::Provide { order },
            other => other,
        }),
        other => other,
    }
}
