//! What people of a market say of payment certificates, transfers, gifts, merchants, reservations and refunds.
//!
//! What a message makes is named by its id, so those that make something take an id.

use super::messages::{by, by_institution, id, money, name, with_id};
use crate::domain::{
    Command, CommissionTerms, Funding, GiftCommand, GiftObject, GiftReference, GoodsKind, MandateCommand,
    MerchantCommand, Message, PaidFrom, PaymentCommand, PaymentReference, Serial, StatusChange, Timestamp,
    TransferCommand, Via, WhenShort, WithholdFrom,
};

fn serial(serial: u32) -> Option<Serial> {
    (serial > 0).then_some(Serial(serial))
}

/// Changes what an account may do, by the institution.
pub fn status(account: &str, change: StatusChange) -> Message {
    by_institution(Command::Status { account: name(account), change })
}

/// Accepts gifts as they arrive, or not.
pub fn accept_gifts(account: &str, by_itself: bool) -> Message {
    by(account, Command::Status { account: name(account), change: StatusChange::AcceptGifts { by_itself } })
}

/// Issues a payment certificate, not to be released before and over from then on.
pub fn issue_payment_until(
    issuer: &str,
    payment: &str,
    amount: u64,
    beneficiary: &str,
    (not_before, expires_at): (Option<Timestamp>, Option<Timestamp>),
) -> Message {
    let beneficiary = (!beneficiary.is_empty()).then(|| name(beneficiary));
    let issue = PaymentCommand::Issue { amount: money(amount), beneficiary, not_before, expires_at };
    with_id(by(issuer, Command::Payment(issue)), payment)
}

/// Names a payment certificate.
pub fn payment(issuer: &str, payment: &str) -> PaymentReference {
    PaymentReference { issuer: name(issuer), payment: id(payment) }
}

/// Receives a payment certificate.
pub fn receive(beneficiary: &str, reference: PaymentReference) -> Message {
    by(beneficiary, Command::Payment(PaymentCommand::Receive(reference)))
}

/// Rejects a payment certificate.
pub fn reject(beneficiary: &str, reference: PaymentReference) -> Message {
    by(beneficiary, Command::Payment(PaymentCommand::Reject(reference)))
}

/// Releases a payment certificate, by the institution.
pub fn release(reference: PaymentReference, amount: u64) -> Message {
    by_institution(Command::Payment(PaymentCommand::Release { reference, amount: money(amount) }))
}

/// Voids a payment certificate, by the institution.
pub fn void_payment(reference: PaymentReference) -> Message {
    by_institution(Command::Payment(PaymentCommand::Void(reference)))
}

/// Attaches a commission that a payment certificate of the payer backs.
pub fn attach_backed(payer: &str, offering: &str, terms: &CommissionTerms, payment: &str) -> Message {
    let funding = Funding::PaymentCertificate(id(payment));
    by(payer, Command::AttachCommission { offering: name(offering), terms: Box::new(terms.clone()), funding })
}

/// Adds to the reserve of a certificate's commission.
pub fn top_up(payer: &str, offering: &str, serial: u32, amount: u64) -> Message {
    by(payer, Command::TopUp { offering: name(offering), serial: Serial(serial), amount: money(amount) })
}

/// Buys with a payment certificate of the buyer's.
pub fn purchase_with_payment(buyer: &str, offering: &str, which: u32, payment: &str) -> Message {
    purchase_from(buyer, offering, which, PaidFrom::PaymentCertificate(id(payment)))
}

/// Buys with a gift that the buyer has accepted.
pub fn purchase_with_gift(buyer: &str, offering: &str, which: u32, donor: &str, gift: &str) -> Message {
    purchase_from(buyer, offering, which, PaidFrom::Gift { donor: name(donor), gift: id(gift) })
}

fn purchase_from(buyer: &str, offering: &str, which: u32, paid_from: PaidFrom) -> Message {
    let (offering, serial) = (name(offering), serial(which));
    by(buyer, Command::Purchase { offering, serial, via: Via::Public, paid_from })
}

/// Sends money at once.
pub fn send_money(from: &str, to: &str, amount: u64) -> Message {
    by(from, Command::Transfer(TransferCommand::Send { to: name(to), amount: money(amount) }))
}

/// Begins a transfer in two steps.
pub fn begin_transfer(
    from: &str,
    transfer: &str,
    to: &str,
    amount: u64,
    expires_at: Option<Timestamp>,
) -> Message {
    let begin = TransferCommand::Begin { to: name(to), amount: money(amount), expires_at };
    with_id(by(from, Command::Transfer(begin)), transfer)
}

/// Posts a pending transfer.
pub fn post_transfer(by_whom: &str, from: &str, transfer: &str, amount: u64) -> Message {
    let post = TransferCommand::Post { from: name(from), transfer: id(transfer), amount: money(amount) };
    by(by_whom, Command::Transfer(post))
}

/// Voids a pending transfer.
pub fn void_transfer(by_whom: &str, from: &str, transfer: &str) -> Message {
    by(by_whom, Command::Transfer(TransferCommand::Void { from: name(from), transfer: id(transfer) }))
}

/// Tea leaves, for a gift.
pub fn goods() -> GiftObject {
    GiftObject::Goods { kind: GoodsKind::Product, description: "tea leaves".to_owned() }
}

/// A certificate, for a gift.
pub fn gift_of(offering: &str, serial: u32) -> GiftObject {
    GiftObject::Certificate { offering: name(offering), serial: Serial(serial) }
}

/// Gives until then.
pub fn give_until(
    donor: &str,
    gift: &str,
    recipient: &str,
    merchant: &str,
    (object, price): (GiftObject, u64),
    expires_at: Option<Timestamp>,
) -> Message {
    let merchant = (!merchant.is_empty()).then(|| name(merchant));
    let give =
        GiftCommand::Give { recipient: name(recipient), merchant, object, price: money(price), expires_at };
    with_id(by(donor, Command::Gift(give)), gift)
}

/// Accepts a gift.
pub fn accept(recipient: &str, donor: &str, gift: &str) -> Message {
    by(recipient, Command::Gift(GiftCommand::Accept { donor: name(donor), gift: id(gift) }))
}

/// Declines a gift.
pub fn decline(recipient: &str, donor: &str, gift: &str) -> Message {
    by(recipient, Command::Gift(GiftCommand::Decline { donor: name(donor), gift: id(gift) }))
}

/// Names a gift.
pub fn gift(recipient: &str, donor: &str, gift: &str) -> GiftReference {
    GiftReference { recipient: name(recipient), donor: name(donor), gift: id(gift) }
}

/// Sends an accepted gift home.
pub fn return_gift(by_whom: &str, reference: GiftReference) -> Message {
    by(by_whom, Command::Gift(GiftCommand::Return(reference)))
}

/// Registers a merchant of a supplier.
pub fn register_for(merchant: &str, payee: &str, supplier: Option<&str>, when_short: WhenShort) -> Message {
    let (merchant, payee, supplier) = (name(merchant), name(payee), supplier.map(name));
    by_institution(Command::Merchant(MerchantCommand::Register { merchant, payee, supplier, when_short }))
}

/// Withholds a gift.
pub fn withhold(merchant: &str, order: &str, amount: u64, reference: GiftReference) -> Message {
    let (order, amount, from) = (name(order), money(amount), WithholdFrom::Gift(reference));
    by(merchant, Command::Merchant(MerchantCommand::Withhold { order, amount, from }))
}

/// Withholds by a mandate.
pub fn withhold_by_mandate(
    merchant: &str,
    order: &str,
    amount: u64,
    recipient: &str,
    mandate: &str,
) -> Message {
    let from = WithholdFrom::Mandate { recipient: name(recipient), mandate: id(mandate) };
    let (order, amount) = (name(order), money(amount));
    by(merchant, Command::Merchant(MerchantCommand::Withhold { order, amount, from }))
}

/// Notes that an order was handed over.
pub fn provide(merchant: &str, order: &str) -> Message {
    by(merchant, Command::Merchant(MerchantCommand::Provide { order: name(order) }))
}

/// Pays an order back.
pub fn reverse(merchant: &str, order: &str) -> Message {
    by(merchant, Command::Merchant(MerchantCommand::Reverse { order: name(order) }))
}

/// Grants a mandate.
pub fn grant(
    recipient: &str,
    mandate: &str,
    merchant: &str,
    (amount_max, per_use): (u64, u64),
    ends_at: Option<Timestamp>,
) -> Message {
    let (amount_max, amount_max_per_use) = (money(amount_max), money(per_use));
    let grant = MandateCommand::Grant { merchant: name(merchant), amount_max, amount_max_per_use, ends_at };
    with_id(by(recipient, Command::Mandate(grant)), mandate)
}

/// Revokes a mandate.
pub fn revoke(recipient: &str, mandate: &str) -> Message {
    by(recipient, Command::Mandate(MandateCommand::Revoke { mandate: id(mandate) }))
}

/// Reserves from the public platform; serial 0: any.
pub fn reserve(buyer: &str, offering: &str, which: u32) -> Message {
    by(buyer, Command::Reserve { offering: name(offering), serial: serial(which), via: Via::Public })
}

/// Pays a reservation.
pub fn pay(buyer: &str, offering: &str, serial: u32) -> Message {
    by(buyer, Command::PayReservation { offering: name(offering), serial: Serial(serial) })
}

/// Gives a reservation up.
pub fn cancel(buyer: &str, offering: &str, serial: u32) -> Message {
    by(buyer, Command::CancelReservation { offering: name(offering), serial: Serial(serial) })
}

/// Refunds a purchase of an offering of the account `supplier`.
pub fn refund(offering: &str, serial: u32) -> Message {
    by("supplier", Command::Refund { offering: name(offering), serial: Serial(serial) })
}
