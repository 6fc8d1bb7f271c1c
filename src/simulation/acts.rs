//! What random people of a random market do: every message, by small numbers.
//!
//! Whatever a message makes is named by that message's id, so later acts point at one that was sent before: mostly it
//! is the right one, and often it comes too late or from the wrong side.

use super::chance::Chance;
use super::earlier::{begun, bought_before, given, granted, pick, reserved_before, withheld};
use super::engaging::*;
use super::messages::*;
use super::setting::Setting;
use crate::domain::{
    Answer, Caller, Command, GiftCommand, GiftObject, MerchantCommand, Message, PaymentCommand, StatusChange,
    Timestamp, Via,
};

/// Who acts in it.
pub(crate) const CROWD: [&str; 5] = ["a", "b", "c", "supplier", "payer"];

/// The one who pays commissions.
pub(crate) const PAYER: usize = 4;

/// The merchant, which is registered from the beginning.
pub(crate) const SHOP: &str = "shop";

/// What was sent, what was answered, and when that was new.
pub(crate) type Sent = (Message, Option<Answer>, Timestamp);

/// One message of a random market, by small numbers. The last number of what points at an earlier message says which.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
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

impl Act {
    /// Any act.
    pub fn draw(chance: &mut Chance) -> Act {
        match chance.weighted(&[5, 3, 4]) {
            0 => market_act(chance),
            1 => sale_act(chance),
            _ => engaging_act(chance),
        }
    }

    /// Whether it takes what is there at an instant, or changes what others may do.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Act::Refund(..) | Act::Reverse(_) | Act::Status(..))
    }
}

fn who(chance: &mut Chance) -> usize {
    chance.place(CROWD.len())
}

fn which(chance: &mut Chance) -> usize {
    chance.place(2)
}

/// Any message that was sent before.
fn any_earlier(chance: &mut Chance) -> usize {
    chance.place(100)
}

/// Points at an earlier message of a kind: mostly the newest, for what is long ago is mostly over.
fn earlier(chance: &mut Chance) -> usize {
    if chance.percent(40) { 0 } else { chance.place(6) }
}

/// Two of the crowd.
fn two(chance: &mut Chance) -> (usize, usize) {
    let one = who(chance);
    (one, (one + 1 + chance.place(CROWD.len() - 1)) % CROWD.len())
}

/// Where something was found: mostly on the public platform.
fn found(chance: &mut Chance) -> usize {
    chance.place(10)
}

/// Any serial, or none.
fn any_serial(chance: &mut Chance) -> u32 {
    chance.below(4) as u32
}

fn serial(chance: &mut Chance) -> u32 {
    1 + chance.below(3) as u32
}

/// A time of the next instants of a market.
fn soon(chance: &mut Chance) -> Option<u64> {
    chance.percent(30).then(|| chance.within(1, 80))
}

/// Accounts, circulations, purchases.
fn market_act(chance: &mut Chance) -> Act {
    let it = chance;
    match it.weighted(&[1, 1, 1, 10, 3, 6, 1, 1, 3, 1]) {
        0 => Act::Deposit(who(it), it.within(1, 30)),
        1 => Act::CashOut(who(it), it.within(1, 30)),
        2 => Act::Credit(who(it), it.below(20)),
        3 => Act::Circulate(who(it), which(it), any_serial(it), found(it)),
        4 => Act::Acquire(who(it), which(it), serial(it)),
        5 => Act::Purchase(who(it), which(it), any_serial(it), found(it)),
        6 => Act::Attach(who(it), which(it)),
        7 => Act::Publish(which(it)),
        8 => Act::Again(any_earlier(it)),
        _ => Act::Reuse(any_earlier(it), any_earlier(it)),
    }
}

/// Reservations, refunds, more reserve, and what accounts may do.
fn sale_act(chance: &mut Chance) -> Act {
    let it = chance;
    match it.weighted(&[5, 4, 2, 5, 3, 2]) {
        0 => Act::Reserve(who(it), which(it), any_serial(it), found(it)),
        1 => Act::Pay(serial(it), earlier(it)),
        2 => Act::Cancel(serial(it), earlier(it)),
        3 => Act::Refund(it.percent(90), serial(it), earlier(it)),
        4 => {
            let topper = if it.percent(80) { PAYER } else { who(it) };
            Act::TopUp(topper, which(it), serial(it), it.within(1, 9))
        }
        // Freezing, lifting that, closing, accepting gifts by itself or not.
        _ => Act::Status(who(it), it.weighted(&[1, 4, 1, 2, 1])),
    }
}

/// Transfers, payment certificates, gifts, mandates, a merchant's orders.
fn engaging_act(chance: &mut Chance) -> Act {
    match chance.weighted(&[1, 2, 3, 3]) {
        0 => transfer_act(chance),
        1 => payment_act(chance),
        2 => gift_act(chance),
        _ => order_act(chance),
    }
}

fn transfer_act(chance: &mut Chance) -> Act {
    let it = chance;
    match it.weighted(&[1, 2, 2, 1]) {
        0 => {
            let (from, to) = two(it);
            Act::Send(from, to, it.within(1, 20))
        }
        1 => {
            let (from, to) = two(it);
            Act::Begin(from, to, it.within(1, 20), soon(it))
        }
        2 => Act::Post(it.within(1, 20), earlier(it)),
        _ => Act::VoidTransfer(earlier(it)),
    }
}

fn payment_act(chance: &mut Chance) -> Act {
    let it = chance;
    match it.weighted(&[4, 3, 1, 3, 1, 3, 1]) {
        0 => Act::Issue(who(it), it.place(CROWD.len() + 1), it.within(1, 40), soon(it), soon(it)),
        1 => Act::Receive(earlier(it)),
        2 => Act::Reject(earlier(it)),
        3 => Act::Release(it.within(1, 30), earlier(it)),
        4 => Act::VoidPayment(earlier(it)),
        5 => Act::PurchaseWithPayment(which(it), any_serial(it), earlier(it)),
        _ => Act::AttachBacked(which(it), earlier(it)),
    }
}

fn gift_act(chance: &mut Chance) -> Act {
    let it = chance;
    let own = |it: &mut Chance| it.percent(20).then(|| it.within(1, 30));
    match it.weighted(&[5, 6, 1, 1, 5, 4]) {
        0 => Act::Give(two(it), it.place(3), serial(it), own(it), soon(it)),
        1 => Act::Accept(earlier(it)),
        2 => Act::Decline(earlier(it)),
        3 => Act::Return(it.percent(50), earlier(it)),
        4 => Act::Withhold(it.place(8), own(it), earlier(it)),
        _ => Act::BuyWithGift(earlier(it)),
    }
}

fn order_act(chance: &mut Chance) -> Act {
    let it = chance;
    match it.weighted(&[2, 1, 3, 2, 3]) {
        0 => Act::Grant(who(it), (it.within(1, 40), it.within(1, 20)), soon(it)),
        1 => Act::Revoke(earlier(it)),
        2 => Act::WithholdByMandate(it.place(8), it.within(1, 20), earlier(it)),
        3 => Act::Provide(earlier(it)),
        _ => Act::Reverse(earlier(it)),
    }
}

/// The message of an act, behind all that was sent; none where it points at nothing.
pub(crate) fn message(act: Act, sent: &[Sent], setting: &Setting, now: Timestamp) -> Option<Message> {
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
            circulate_via(CROWD[who], &setting.offerings[offering], fit(offering, serial), via(code))
        }
        Act::Acquire(who, offering, serial) => acquire(CROWD[who], &setting.offerings[offering], serial),
        Act::Purchase(who, offering, serial, code) => {
            purchase_via(CROWD[who], &setting.offerings[offering], fit(offering, serial), via(code))
        }
        Act::Attach(who, offering) => {
            attach(CROWD[who], &setting.offerings[offering], &setting.terms[offering])
        }
        Act::Publish(offering) => publish(&setting.offerings[offering]),
        Act::Reserve(who, offering, serial, code) => {
            let mut message = reserve(CROWD[who], &setting.offerings[offering], fit(offering, serial));
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
            top_up(CROWD[who], &setting.offerings[offering], fit(offering, serial), amount)
        }
        Act::Status(who, code) => match code {
            0 => status(CROWD[who], StatusChange::Freeze),
            1 => status(CROWD[who], StatusChange::Unfreeze),
            2 => status(CROWD[who], StatusChange::Close),
            accepts => accept_gifts(CROWD[who], accepts == 3),
        },
        other => engaging_message(other, sent, setting, now)?,
    };
    Some(with_id(message, &format!("id {}", sent.len())))
}

fn engaging_message(act: Act, sent: &[Sent], setting: &Setting, now: Timestamp) -> Option<Message> {
    let until = |time: Option<u64>| time.map(|time| Timestamp(now.0 + time));
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
            purchase_with_payment(&issuer, &setting.offerings[offering], serial, issue.request_id.as_str())
        }
        Act::AttachBacked(offering, which) => {
            let (issuer, issue) = issued(which)?;
            let terms = &setting.terms[offering];
            attach_backed(&issuer, &setting.offerings[offering], terms, issue.request_id.as_str())
        }
        Act::Give((from, to), object, serial, price, ends) => {
            let offer = setting.offers.get(object);
            let usual = offer.map_or(5, |offer| offer.price.minor());
            let object =
                setting.offerings.get(object).map_or_else(goods, |offering| gift_of(offering, serial));
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
            withhold(
                SHOP,
                &reference(setting, order),
                amount.unwrap_or(price.minor()),
                gift(&recipient, &donor, &id),
            )
        }
        Act::BuyWithGift(which) => {
            let (donor, id, recipient, command) = given(sent, which)?;
            let (offering, serial) = match command {
                GiftCommand::Give { object: GiftObject::Certificate { offering, serial }, .. } => {
                    (offering.as_str(), serial.0)
                }
                _ => (setting.offerings[0].as_str(), 1),
            };
            purchase_with_gift(&recipient, offering, serial, &donor, &id)
        }
        Act::WithholdByMandate(order, amount, which) => {
            let (recipient, id) = granted(sent, which)?;
            withhold_by_mandate(SHOP, &reference(setting, order), amount, &recipient, &id)
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

fn reference(setting: &Setting, order: usize) -> String {
    format!("order {}.{order}", setting.season)
}

/// True for what its account remembers for a day only (DESIGN §5): a repeat after that is a new message, or is told
/// that its id has been used.
pub(crate) fn remembered_for_a_day(command: &Command) -> bool {
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
