//! What random people of a random market do: every message, by small numbers.
//!
//! Whatever a message makes is named by that message's id, so later acts point at one that was sent before: mostly it
//! is the right one, and often it comes too late or from the wrong side.

use proptest::prelude::*;

use super::engaging::*;
use super::messages::*;
use super::properties::Setting;
use super::stage::START;
use crate::domain::{
    Answer, Caller, Command, Done, GiftCommand, GiftObject, MandateCommand, MerchantCommand, Message,
    PaymentCommand, StatusChange, Timestamp, TransferCommand, Via,
};
use crate::limits::REQUEST_KEPT_MS;

/// The offerings of a random market.
pub(super) const OFFERINGS: [&str; 2] = ["tea", "coffee"];

/// Who acts in it.
pub(super) const CROWD: [&str; 5] = ["a", "b", "c", "supplier", "payer"];

/// The one who pays commissions.
pub(super) const PAYER: usize = 4;

/// The merchant, which is registered from the beginning.
pub(super) const SHOP: &str = "shop";

/// What was sent, what was answered, and when that was new.
pub(super) type Sent = (Message, Option<Answer>, Timestamp);

/// One message of a random market, by small numbers. The last number of what points at an earlier message says which.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Deposit(usize, u64),
    CashOut(usize, u64),
    Credit(usize, u64),
    Circulate(usize, usize, u32, usize),
    Acquire(usize, usize, u32),
    Purchase(usize, usize, u32, usize),
    Attach(usize, usize),
    Publish(usize),
    /// Sends a message again that was sent before.
    Again(usize),
    /// Takes an id that was used before for another message.
    Reuse(usize, usize),
    Reserve(usize, usize, u32, usize),
    /// Pays a reservation; of a serial where the reservation named none.
    Pay(u32, usize),
    Cancel(u32, usize),
    /// By the supplier, or by somebody else; the serial where the purchase is not answered yet.
    Refund(bool, u32, usize),
    TopUp(usize, usize, u32, u64),
    Send(usize, usize, u64),
    Begin(usize, usize, u64, Option<u64>),
    Post(u64, usize),
    VoidTransfer(usize),
    /// Issuer, beneficiary (behind the crowd: none), amount, not before, and until.
    Issue(usize, usize, u64, Option<u64>, Option<u64>),
    Receive(usize),
    Reject(usize),
    Release(u64, usize),
    VoidPayment(usize),
    PurchaseWithPayment(usize, u32, usize),
    AttachBacked(usize, usize),
    /// Donor, recipient, the object (behind the offerings: goods), its serial, an own price, and until.
    Give((usize, usize), usize, u32, Option<u64>, Option<u64>),
    Accept(usize),
    Decline(usize),
    /// By the merchant, or by the recipient.
    Return(bool, usize),
    /// The order's reference, and an own amount.
    Withhold(usize, Option<u64>, usize),
    WithholdByMandate(usize, u64, usize),
    Provide(usize),
    Reverse(usize),
    BuyWithGift(usize),
    Grant(usize, (u64, u64), Option<u64>),
    Revoke(usize),
    Status(usize, usize),
}

/// Batches of acts that are under way together, each after a pause.
pub(super) fn acts() -> impl Strategy<Value = Vec<(u64, Vec<Act>)>> {
    let act = prop_oneof![5 => market_act(), 3 => sale_act(), 4 => engaging_act()];
    let pause = prop_oneof![4 => Just(0), 3 => 1..15_u64, 1 => Just(REQUEST_KEPT_MS)];
    prop::collection::vec((pause, prop::collection::vec(act, 1..7)), 1..24)
}

fn who() -> std::ops::Range<usize> {
    0..CROWD.len()
}

fn which() -> std::ops::Range<usize> {
    0..OFFERINGS.len()
}

/// Any message that was sent before.
fn any_earlier() -> std::ops::Range<usize> {
    0..100
}

/// Points at an earlier message of a kind: mostly the newest, for what is long ago is mostly over.
fn earlier() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0_usize), 3 => 0..6_usize]
}

/// Two of the crowd.
fn two() -> impl Strategy<Value = (usize, usize)> {
    (who(), 1..CROWD.len()).prop_map(|(one, further)| (one, (one + further) % CROWD.len()))
}

/// Where something was found: mostly on the public platform.
fn found() -> std::ops::Range<usize> {
    0..10
}

/// A time of the first instants of a market, in which most of it happens.
fn soon() -> impl Strategy<Value = Option<u64>> {
    prop::option::weighted(0.3, 1..80_u64)
}

/// Accounts, circulations, purchases.
fn market_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => (who(), 1..30_u64).prop_map(|(who, amount)| Act::Deposit(who, amount)),
        1 => (who(), 1..30_u64).prop_map(|(who, amount)| Act::CashOut(who, amount)),
        1 => (who(), 0..20_u64).prop_map(|(who, limit)| Act::Credit(who, limit)),
        10 => (who(), which(), 0..4_u32, found())
            .prop_map(|(who, offering, serial, via)| Act::Circulate(who, offering, serial, via)),
        3 => (who(), which(), 1..4_u32)
            .prop_map(|(who, offering, serial)| Act::Acquire(who, offering, serial)),
        6 => (who(), which(), 0..4_u32, found())
            .prop_map(|(who, offering, serial, via)| Act::Purchase(who, offering, serial, via)),
        1 => (who(), which()).prop_map(|(who, offering)| Act::Attach(who, offering)),
        1 => which().prop_map(Act::Publish),
        3 => any_earlier().prop_map(Act::Again),
        1 => (any_earlier(), any_earlier()).prop_map(|(id, body)| Act::Reuse(id, body)),
    ]
}

/// Reservations, refunds, more reserve, and what accounts may do.
fn sale_act() -> impl Strategy<Value = Act> {
    let topper = prop_oneof![4 => Just(PAYER), 1 => who()];
    // Freezing, lifting that, closing, accepting gifts by itself or not.
    let change = prop_oneof![1 => Just(0_usize), 4 => Just(1), 1 => Just(2), 2 => Just(3), 1 => Just(4)];
    prop_oneof![
        5 => (who(), which(), 0..4_u32, found())
            .prop_map(|(who, offering, serial, via)| Act::Reserve(who, offering, serial, via)),
        4 => (1..4_u32, earlier()).prop_map(|(serial, earlier)| Act::Pay(serial, earlier)),
        2 => (1..4_u32, earlier()).prop_map(|(serial, earlier)| Act::Cancel(serial, earlier)),
        5 => (prop::bool::weighted(0.9), 1..4_u32, earlier())
            .prop_map(|(supplier, serial, earlier)| Act::Refund(supplier, serial, earlier)),
        3 => (topper, which(), 1..4_u32, 1..9_u64)
            .prop_map(|(who, offering, serial, amount)| Act::TopUp(who, offering, serial, amount)),
        2 => (who(), change).prop_map(|(who, change)| Act::Status(who, change)),
    ]
}

/// Transfers, payment certificates, gifts, mandates, a merchant's orders.
fn engaging_act() -> impl Strategy<Value = Act> {
    let own = || prop::option::weighted(0.2, 1..30_u64);
    let transfers = prop_oneof![
        1 => (two(), 1..20_u64).prop_map(|((from, to), amount)| Act::Send(from, to, amount)),
        2 => (two(), 1..20_u64, soon())
            .prop_map(|((from, to), amount, until)| Act::Begin(from, to, amount, until)),
        2 => (1..20_u64, earlier()).prop_map(|(amount, earlier)| Act::Post(amount, earlier)),
        1 => earlier().prop_map(Act::VoidTransfer),
    ];
    let payments = prop_oneof![
        4 => (who(), 0..=CROWD.len(), 1..40_u64, soon(), soon())
            .prop_map(|(who, to, amount, from, until)| Act::Issue(who, to, amount, from, until)),
        3 => earlier().prop_map(Act::Receive),
        1 => earlier().prop_map(Act::Reject),
        3 => (1..30_u64, earlier()).prop_map(|(amount, earlier)| Act::Release(amount, earlier)),
        1 => earlier().prop_map(Act::VoidPayment),
        3 => (which(), 0..4_u32, earlier())
            .prop_map(|(offering, serial, earlier)| Act::PurchaseWithPayment(offering, serial, earlier)),
        1 => (which(), earlier()).prop_map(|(offering, earlier)| Act::AttachBacked(offering, earlier)),
    ];
    let gifts = prop_oneof![
        5 => (two(), 0..=OFFERINGS.len(), 1..4_u32, own(), soon())
            .prop_map(|(both, object, serial, price, until)| Act::Give(both, object, serial, price, until)),
        6 => earlier().prop_map(Act::Accept),
        1 => earlier().prop_map(Act::Decline),
        1 => (any::<bool>(), earlier()).prop_map(|(shop, earlier)| Act::Return(shop, earlier)),
        5 => (0..8_usize, own(), earlier())
            .prop_map(|(order, amount, earlier)| Act::Withhold(order, amount, earlier)),
        4 => earlier().prop_map(Act::BuyWithGift),
    ];
    let orders = prop_oneof![
        2 => (who(), (1..40_u64, 1..20_u64), soon())
            .prop_map(|(who, amounts, ends)| Act::Grant(who, amounts, ends)),
        1 => earlier().prop_map(Act::Revoke),
        3 => (0..8_usize, 1..20_u64, earlier())
            .prop_map(|(order, amount, earlier)| Act::WithholdByMandate(order, amount, earlier)),
        2 => earlier().prop_map(Act::Provide),
        3 => earlier().prop_map(Act::Reverse),
    ];
    prop_oneof![1 => transfers, 2 => payments, 3 => gifts, 3 => orders]
}

/// The message of an act, behind all that was sent; none where it points at nothing.
pub(super) fn message(act: Act, sent: &[Sent], setting: &Setting) -> Option<Message> {
    // A serial that the offering has.
    let fit = |offering: usize, serial: u32| match serial {
        0 => 0,
        serial => 1 + (serial - 1) % setting.offers[offering].items,
    };
    let message = match act {
        Act::Again(index) => return sent.get(index).map(|(message, ..)| message.clone()),
        Act::Reuse(first, second) => {
            let ((first, ..), (second, ..)) = (sent.get(first)?, sent.get(second)?);
            return Some(Message { request_id: first.request_id.clone(), ..second.clone() });
        }
        Act::Deposit(who, amount) => deposit(CROWD[who], amount),
        Act::CashOut(who, amount) => cash_out(CROWD[who], amount),
        Act::Credit(who, limit) => credit(CROWD[who], limit),
        Act::Circulate(who, offering, serial, code) => {
            circulate_via(CROWD[who], OFFERINGS[offering], fit(offering, serial), via(code))
        }
        Act::Acquire(who, offering, serial) => acquire(CROWD[who], OFFERINGS[offering], serial),
        Act::Purchase(who, offering, serial, code) => {
            purchase_via(CROWD[who], OFFERINGS[offering], fit(offering, serial), via(code))
        }
        Act::Attach(who, offering) => attach(CROWD[who], OFFERINGS[offering], &setting.terms[offering]),
        Act::Publish(offering) => publish(OFFERINGS[offering]),
        Act::Reserve(who, offering, serial, code) => {
            let mut message = reserve(CROWD[who], OFFERINGS[offering], fit(offering, serial));
            if let Command::Reserve { via: from, .. } = &mut message.command {
                *from = via(code);
            }
            message
        }
        Act::Pay(serial, which) => reserved_before(sent, which, serial, pay)?,
        Act::Cancel(serial, which) => reserved_before(sent, which, serial, cancel)?,
        Act::Refund(by_supplier, serial, which) => {
            let (offering, serial) = bought_before(sent, which, serial)?;
            let by = if by_supplier { "supplier" } else { CROWD[0] };
            Message { caller: Caller::Account(name(by)), ..refund(&offering, serial) }
        }
        Act::TopUp(who, offering, serial, amount) => {
            top_up(CROWD[who], OFFERINGS[offering], fit(offering, serial), amount)
        }
        Act::Status(who, code) => match code {
            0 => status(CROWD[who], StatusChange::Freeze),
            1 => status(CROWD[who], StatusChange::Unfreeze),
            2 => status(CROWD[who], StatusChange::Close),
            accepts => accept_gifts(CROWD[who], accepts == 3),
        },
        other => engaging_message(other, sent, setting)?,
    };
    Some(with_id(message, &format!("id {}", sent.len())))
}

fn engaging_message(act: Act, sent: &[Sent], setting: &Setting) -> Option<Message> {
    let until = |time: Option<u64>| time.map(|time| Timestamp(START.0 + time));
    let issued = |which| {
        let issues = |command: &Command| matches!(command, Command::Payment(PaymentCommand::Issue { .. }));
        pick(sent, which, issues)
    };
    Some(match act {
        Act::Send(from, to, amount) => send_money(CROWD[from], CROWD[to], amount),
        Act::Begin(from, to, amount, ends) => {
            begin_transfer(CROWD[from], "named below", CROWD[to], amount, until(ends))
        }
        Act::Post(amount, which) => {
            let (from, begun) = begun(sent, which)?;
            post_transfer(&from, &from, &begun, amount)
        }
        Act::VoidTransfer(which) => {
            let (from, begun) = begun(sent, which)?;
            void_transfer(&from, &from, &begun)
        }
        Act::Issue(who, to, amount, not_before, ends) => {
            let beneficiary = CROWD.get(to).copied().unwrap_or_default();
            let times = (until(not_before), until(ends));
            issue_payment_until(CROWD[who], "named below", amount, beneficiary, times)
        }
        Act::Receive(which) | Act::Reject(which) => {
            let (issuer, issue) = issued(which)?;
            let Command::Payment(PaymentCommand::Issue { beneficiary, .. }) = &issue.command else {
                return None;
            };
            let by = beneficiary.as_ref().map_or(CROWD[0], |name| name.as_str());
            let reference = payment(&issuer, issue.request_id.as_str());
            if matches!(act, Act::Receive(_)) { receive(by, reference) } else { reject(by, reference) }
        }
        Act::Release(amount, which) => {
            let (issuer, issue) = issued(which)?;
            release(payment(&issuer, issue.request_id.as_str()), amount)
        }
        Act::VoidPayment(which) => {
            let (issuer, issue) = issued(which)?;
            void_payment(payment(&issuer, issue.request_id.as_str()))
        }
        Act::PurchaseWithPayment(offering, serial, which) => {
            let (issuer, issue) = issued(which)?;
            purchase_with_payment(&issuer, OFFERINGS[offering], serial, issue.request_id.as_str())
        }
        Act::AttachBacked(offering, which) => {
            let (issuer, issue) = issued(which)?;
            let terms = &setting.terms[offering];
            attach_backed(&issuer, OFFERINGS[offering], terms, issue.request_id.as_str())
        }
        Act::Give((from, to), object, serial, price, ends) => {
            let offer = setting.offers.get(object);
            let usual = offer.map_or(5, |offer| offer.price.minor());
            let object = OFFERINGS.get(object).map_or_else(goods, |offering| gift_of(offering, serial));
            // A certificate may be left to its recipient or its supplier's merchants.
            let merchant = if offer.is_some() && serial == 1 { "" } else { SHOP };
            let gift = (object, price.unwrap_or(usual));
            give_until(CROWD[from], "named below", CROWD[to], merchant, gift, until(ends))
        }
        Act::Accept(which) => {
            let (donor, id, recipient, _) = given(sent, which)?;
            accept(&recipient, &donor, &id)
        }
        Act::Decline(which) => {
            let (donor, id, recipient, _) = given(sent, which)?;
            decline(&recipient, &donor, &id)
        }
        Act::Return(by_shop, which) => {
            let (donor, id, recipient, _) = given(sent, which)?;
            return_gift(if by_shop { SHOP } else { &recipient }, gift(&recipient, &donor, &id))
        }
        Act::Withhold(order, amount, which) => {
            let (donor, id, recipient, command) = given(sent, which)?;
            let GiftCommand::Give { price, .. } = command else { return None };
            withhold(SHOP, &reference(order), amount.unwrap_or(price.minor()), gift(&recipient, &donor, &id))
        }
        Act::BuyWithGift(which) => {
            let (donor, id, recipient, command) = given(sent, which)?;
            let (offering, serial) = match command {
                GiftCommand::Give { object: GiftObject::Certificate { offering, serial }, .. } => {
                    (offering.as_str(), serial.0)
                }
                _ => (OFFERINGS[0], 1),
            };
            purchase_with_gift(&recipient, offering, serial, &donor, &id)
        }
        Act::WithholdByMandate(order, amount, which) => {
            let (recipient, id) = granted(sent, which)?;
            withhold_by_mandate(SHOP, &reference(order), amount, &recipient, &id)
        }
        Act::Provide(which) => provide(SHOP, &withheld(sent, which)?),
        Act::Reverse(which) => reverse(SHOP, &withheld(sent, which)?),
        Act::Grant(who, amounts, ends) => grant(CROWD[who], "named below", SHOP, amounts, until(ends)),
        Act::Revoke(which) => {
            let (recipient, id) = granted(sent, which)?;
            revoke(&recipient, &id)
        }
        other => unreachable!("{other:?} has its message above"),
    })
}

fn via(code: usize) -> Via {
    match code {
        0..=6 => Via::Public,
        7 => Via::Link,
        other => page_of(CROWD[other - 8]),
    }
}

fn reference(order: usize) -> String {
    format!("order {order}")
}

/// One of the messages sent before whose command is such and that was not refused, and who sent it.
fn pick(sent: &[Sent], which: usize, wanted: impl Fn(&Command) -> bool) -> Option<(String, &Message)> {
    let (message, _) = pick_sent(sent, which, wanted)?;
    match &message.caller {
        Caller::Account(name) => Some((name.as_str().to_owned(), message)),
        Caller::FundsManagement => None,
    }
}

fn pick_sent(
    sent: &[Sent],
    which: usize,
    wanted: impl Fn(&Command) -> bool,
) -> Option<(&Message, Option<&Done>)> {
    let such: Vec<_> = sent
        .iter()
        .filter(|(message, answer, _)| wanted(&message.command) && !matches!(answer, Some(Err(_))))
        .map(|(message, answer, _)| (message, answer.as_ref().and_then(|answer| answer.as_ref().ok())))
        .collect();
    such.iter().rev().nth(which % such.len().max(1)).copied()
}

/// Offering and serial of a purchase.
fn bought_before(sent: &[Sent], which: usize, serial: u32) -> Option<(String, u32)> {
    let buys =
        |command: &Command| matches!(command, Command::Purchase { .. } | Command::PayReservation { .. });
    let (message, done) = pick_sent(sent, which, buys)?;
    let (offering, named) = match &message.command {
        Command::Purchase { offering, serial, .. } => (offering, *serial),
        Command::PayReservation { offering, serial } => (offering, Some(*serial)),
        _ => return None,
    };
    let serial = match done {
        Some(Done::Purchased(purchased)) => purchased.serial.0,
        _ => named.map_or(serial, |named| named.0),
    };
    Some((offering.as_str().to_owned(), serial))
}

fn reserved_before(
    sent: &[Sent],
    which: usize,
    serial: u32,
    make: fn(&str, &str, u32) -> Message,
) -> Option<Message> {
    let (message, done) = pick_sent(sent, which, |command| matches!(command, Command::Reserve { .. }))?;
    let Command::Reserve { offering, serial: named, .. } = &message.command else { return None };
    let Caller::Account(buyer) = &message.caller else { return None };
    let serial = match done {
        Some(Done::Reserved { serial, .. }) => serial.0,
        _ => named.map_or(serial, |named| named.0),
    };
    Some(make(buyer.as_str(), offering.as_str(), serial))
}

fn begun(sent: &[Sent], which: usize) -> Option<(String, String)> {
    let begins = |command: &Command| matches!(command, Command::Transfer(TransferCommand::Begin { .. }));
    let (from, message) = pick(sent, which, begins)?;
    Some((from, message.request_id.as_str().to_owned()))
}

/// Donor, id, recipient and the whole command.
fn given(sent: &[Sent], which: usize) -> Option<(String, String, String, &GiftCommand)> {
    let gives = |command: &Command| matches!(command, Command::Gift(GiftCommand::Give { .. }));
    let (donor, message) = pick(sent, which, gives)?;
    match &message.command {
        Command::Gift(give @ GiftCommand::Give { recipient, .. }) => {
            let id = message.request_id.as_str().to_owned();
            Some((donor, id, recipient.as_str().to_owned(), give))
        }
        _ => None,
    }
}

/// The reference of an order.
fn withheld(sent: &[Sent], which: usize) -> Option<String> {
    let withholds =
        |command: &Command| matches!(command, Command::Merchant(MerchantCommand::Withhold { .. }));
    match &pick_sent(sent, which, withholds)?.0.command {
        Command::Merchant(MerchantCommand::Withhold { order, .. }) => Some(order.as_str().to_owned()),
        _ => None,
    }
}

fn granted(sent: &[Sent], which: usize) -> Option<(String, String)> {
    let grants = |command: &Command| matches!(command, Command::Mandate(MandateCommand::Grant { .. }));
    let (recipient, message) = pick(sent, which, grants)?;
    Some((recipient, message.request_id.as_str().to_owned()))
}

/// True for what its account remembers for a day only (DESIGN §5): a repeat after that is a new message, or is told
/// that its id has been used.
pub(super) fn remembered_for_a_day(command: &Command) -> bool {
    match command {
        Command::Deposit { .. }
        | Command::CashOut { .. }
        | Command::SetCreditLimit { .. }
        | Command::TopUp { .. }
        | Command::Status { .. }
        | Command::Payment(_)
        | Command::Transfer(_)
        | Command::Mandate(_) => true,
        Command::Gift(gift) => !matches!(gift, GiftCommand::Give { .. }),
        Command::Merchant(merchant) => !matches!(merchant, MerchantCommand::Withhold { .. }),
        _ => false,
    }
}
