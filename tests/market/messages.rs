//! The messages of the market, in short. What a message makes is named by its id; every other one is numbered.

use hongbao::domain::{
    Command, CommissionTerms, Currency, Display, Funding, GiftCommand, GiftObject, GiftReference, GoodsKind,
    Information, MandateCommand, MerchantCommand, Message, Money, Name, Offer, PaidFrom, PaymentCommand,
    PaymentReference, RequestId, Serial, StatusChange, Timestamp, TransferCommand, Via, WhenShort,
    WithholdFrom,
};

/// The id of a message that is to be numbered.
pub const UNNAMED: &str = "unnamed";

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn id(text: &str) -> RequestId {
    RequestId::new(text).unwrap()
}

pub fn minor(amount: u64) -> Money {
    Money::from_minor(amount).unwrap()
}

pub fn by(account: &str, command: Command) -> Message {
    Message::from_account(account, UNNAMED, command).unwrap()
}

pub fn by_institution(command: Command) -> Message {
    Message::from_funds_management(UNNAMED, command).unwrap()
}

/// The same with an id of its own.
pub fn named(request: &str, message: Message) -> Message {
    Message { request_id: id(request), ..message }
}

pub fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn opening(account: &str, code: &str, deposit: u64, credit_limit: u64) -> Command {
    let (deposit, credit_limit) = (minor(deposit), minor(credit_limit));
    Command::OpenAccount { account: name(account), currency: currency(code), deposit, credit_limit }
}

pub fn open(account: &str, code: &str, deposit: u64) -> Message {
    by_institution(opening(account, code, deposit, 0))
}

pub fn open_on_credit(account: &str, code: &str, credit_limit: u64) -> Message {
    by_institution(opening(account, code, 0, credit_limit))
}

pub fn open_itself(account: &str, code: &str) -> Message {
    by(account, opening(account, code, 0, 0))
}

pub fn deposit(account: &str, amount: u64) -> Message {
    by_institution(Command::Deposit { account: name(account), amount: minor(amount) })
}

pub fn cash_out(account: &str, amount: u64) -> Message {
    by_institution(Command::CashOut { account: name(account), amount: minor(amount) })
}

pub fn set_credit_limit(account: &str, amount: u64) -> Message {
    by_institution(Command::SetCreditLimit { account: name(account), credit_limit: minor(amount) })
}

pub fn status(account: &str, change: StatusChange) -> Message {
    by_institution(Command::Status { account: name(account), change })
}

pub fn accept_gifts(account: &str) -> Message {
    let change = StatusChange::AcceptGifts { by_itself: true };
    by(account, Command::Status { account: name(account), change })
}

/// What `shop` sells for `till`.
pub fn offer(product: &str, price: u64, items: u32) -> Offer {
    let information = Information {
        trade: "at the market".to_owned(),
        commitment_letter: "as described, or your money back: 保证".to_owned(),
        ..Information::new(product, "at purchase")
    };
    Offer::new(name("till"), minor(price), Currency::USD, items, information)
}

pub fn issue_by(supplier: &str, offering: &str, offer: Offer) -> Message {
    by(supplier, Command::Issue { offering: name(offering), offer: Box::new(offer) })
}

pub fn issue(offering: &str, offer: Offer) -> Message {
    issue_by("shop", offering, offer)
}

pub fn publish_by(supplier: &str, offering: &str, display: Display) -> Message {
    by(supplier, Command::Publish { offering: name(offering), display })
}

pub fn publish(offering: &str) -> Message {
    publish_by("shop", offering, Display::Certificate)
}

pub fn attach(payer: &str, offering: &str, terms: CommissionTerms) -> Message {
    by(payer, Command::attach_commission(name(offering), terms))
}

pub fn attach_backed(payer: &str, offering: &str, terms: CommissionTerms, payment: &str) -> Message {
    let (terms, funding) = (Box::new(terms), Funding::PaymentCertificate(id(payment)));
    by(payer, Command::AttachCommission { offering: name(offering), terms, funding })
}

pub fn top_up(payer: &str, offering: &str, serial: u32, amount: u64) -> Message {
    let (offering, serial, amount) = (name(offering), Serial(serial), minor(amount));
    by(payer, Command::TopUp { offering, serial, amount })
}

/// Of any certificate where the serial is 0, here and below.
fn serial_of(serial: u32) -> Option<Serial> {
    (serial > 0).then_some(Serial(serial))
}

pub fn circulate(account: &str, offering: &str, serial: u32) -> Message {
    circulate_via(account, offering, serial, Via::Public)
}

pub fn circulate_via(account: &str, offering: &str, serial: u32, via: Via) -> Message {
    by(account, Command::Circulate { offering: name(offering), serial: serial_of(serial), via })
}

pub fn acquire(account: &str, offering: &str, serial: u32) -> Message {
    by(account, Command::Acquire { offering: name(offering), serial: Serial(serial) })
}

pub fn purchase(account: &str, offering: &str, serial: u32) -> Message {
    by(account, Command::purchase(name(offering), serial_of(serial), Via::Public))
}

pub fn purchase_via(account: &str, offering: &str, serial: u32, via: Via) -> Message {
    by(account, Command::purchase(name(offering), serial_of(serial), via))
}

pub fn purchase_from(account: &str, offering: &str, serial: u32, paid_from: PaidFrom) -> Message {
    let (offering, serial) = (name(offering), serial_of(serial));
    by(account, Command::Purchase { offering, serial, via: Via::Public, paid_from })
}

pub fn reserve(account: &str, offering: &str, serial: u32) -> Message {
    let (offering, serial) = (name(offering), serial_of(serial));
    by(account, Command::Reserve { offering, serial, via: Via::Public })
}

pub fn pay_reservation(account: &str, offering: &str, serial: u32) -> Message {
    by(account, Command::PayReservation { offering: name(offering), serial: Serial(serial) })
}

pub fn cancel_reservation(account: &str, offering: &str, serial: u32) -> Message {
    by(account, Command::CancelReservation { offering: name(offering), serial: Serial(serial) })
}

pub fn refund(offering: &str, serial: u32) -> Message {
    by("shop", Command::Refund { offering: name(offering), serial: Serial(serial) })
}

/// A payment certificate, for a beneficiary if there is one; over at an instant if that is one.
pub fn issue_payment(
    issuer: &str,
    payment: &str,
    amount: u64,
    to: Option<&str>,
    end: Option<u64>,
) -> Message {
    let (amount, beneficiary, expires_at) = (minor(amount), to.map(name), end.map(Timestamp));
    let issue = PaymentCommand::Issue { amount, beneficiary, not_before: None, expires_at };
    named(payment, by(issuer, Command::Payment(issue)))
}

pub fn payment(issuer: &str, payment: &str) -> PaymentReference {
    PaymentReference { issuer: name(issuer), payment: id(payment) }
}

pub fn receive(account: &str, reference: PaymentReference) -> Message {
    by(account, Command::Payment(PaymentCommand::Receive(reference)))
}

pub fn reject(account: &str, reference: PaymentReference) -> Message {
    by(account, Command::Payment(PaymentCommand::Reject(reference)))
}

pub fn release(reference: PaymentReference, amount: u64) -> Message {
    by_institution(Command::Payment(PaymentCommand::Release { reference, amount: minor(amount) }))
}

pub fn void_payment(reference: PaymentReference) -> Message {
    by_institution(Command::Payment(PaymentCommand::Void(reference)))
}

pub fn send_money(from: &str, to: &str, amount: u64) -> Message {
    by(from, Command::Transfer(TransferCommand::Send { to: name(to), amount: minor(amount) }))
}

pub fn begin_transfer(from: &str, transfer: &str, to: &str, amount: u64, end: Option<u64>) -> Message {
    let (to, amount, expires_at) = (name(to), minor(amount), end.map(Timestamp));
    named(transfer, by(from, Command::Transfer(TransferCommand::Begin { to, amount, expires_at })))
}

pub fn post_transfer(from: &str, transfer: &str, amount: u64) -> Message {
    let (transfer, amount) = (id(transfer), minor(amount));
    by(from, Command::Transfer(TransferCommand::Post { from: name(from), transfer, amount }))
}

pub fn void_transfer(from: &str, transfer: &str) -> Message {
    by(from, Command::Transfer(TransferCommand::Void { from: name(from), transfer: id(transfer) }))
}

pub fn goods() -> GiftObject {
    GiftObject::Goods { kind: GoodsKind::Gold, description: "a coin, 一枚".to_owned() }
}

pub fn certificate(offering: &str, serial: u32) -> GiftObject {
    GiftObject::Certificate { offering: name(offering), serial: Serial(serial) }
}

/// A gift of `ann` for the merchant `mall` to withhold.
pub fn give(gift: &str, recipient: &str, object: GiftObject, price: u64, end: Option<u64>) -> Message {
    let (recipient, merchant, price) = (name(recipient), Some(name("mall")), minor(price));
    let give = GiftCommand::Give { recipient, merchant, object, price, expires_at: end.map(Timestamp) };
    named(gift, by("ann", Command::Gift(give)))
}

pub fn gift(recipient: &str, gift: &str) -> GiftReference {
    GiftReference { recipient: name(recipient), donor: name("ann"), gift: id(gift) }
}

pub fn accept(recipient: &str, gift: &str) -> Message {
    by(recipient, Command::Gift(GiftCommand::Accept { donor: name("ann"), gift: id(gift) }))
}

pub fn decline(recipient: &str, gift: &str) -> Message {
    by(recipient, Command::Gift(GiftCommand::Decline { donor: name("ann"), gift: id(gift) }))
}

pub fn return_gift(account: &str, gift: GiftReference) -> Message {
    by(account, Command::Gift(GiftCommand::Return(gift)))
}

/// A merchant that may withhold certificates of `shop`.
pub fn register(merchant: &str, payee: &str, when_short: WhenShort) -> Message {
    let (merchant, payee, supplier) = (name(merchant), name(payee), Some(name("shop")));
    let register = MerchantCommand::Register { merchant, payee, supplier, when_short };
    by_institution(Command::Merchant(register))
}

pub fn unregister(merchant: &str) -> Message {
    by_institution(Command::Merchant(MerchantCommand::Unregister { merchant: name(merchant) }))
}

pub fn withhold(order: &str, amount: u64, gift: GiftReference) -> Message {
    let from = WithholdFrom::Gift(gift);
    by(
        "mall",
        Command::Merchant(MerchantCommand::Withhold { order: name(order), amount: minor(amount), from }),
    )
}

pub fn withhold_by_mandate(order: &str, amount: u64, recipient: &str, mandate: &str) -> Message {
    let from = WithholdFrom::Mandate { recipient: name(recipient), mandate: id(mandate) };
    by(
        "mall",
        Command::Merchant(MerchantCommand::Withhold { order: name(order), amount: minor(amount), from }),
    )
}

pub fn provide(order: &str) -> Message {
    by("mall", Command::Merchant(MerchantCommand::Provide { order: name(order) }))
}

pub fn reverse(order: &str) -> Message {
    by("mall", Command::Merchant(MerchantCommand::Reverse { order: name(order) }))
}

pub fn grant(recipient: &str, mandate: &str, amount_max: u64, amount_max_per_use: u64) -> Message {
    let (amount_max, amount_max_per_use) = (minor(amount_max), minor(amount_max_per_use));
    let grant =
        MandateCommand::Grant { merchant: name("mall"), amount_max, amount_max_per_use, ends_at: None };
    named(mandate, by(recipient, Command::Mandate(grant)))
}

pub fn revoke(recipient: &str, mandate: &str) -> Message {
    by(recipient, Command::Mandate(MandateCommand::Revoke { mandate: id(mandate) }))
}
