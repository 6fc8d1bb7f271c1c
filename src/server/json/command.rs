//! What can be asked, as JSON: an object with one member, whose name is the command's and whose value has its fields.

use serde::Deserialize;

use super::amount::money;
use super::offer::{OfferBody, WhenShortBody};
use super::terms::TermsBody;
use super::time;
use crate::domain::{
    Command, Currency, Display, Funding, GiftCommand, GiftObject, GiftReference, GoodsKind, MandateCommand,
    MerchantCommand, Name, PaidFrom, PaymentCommand, PaymentReference, Refusal, RequestId, Serial,
    StatusChange, Timestamp, TransferCommand, Via, WithholdFrom,
};

/// A command, with amounts as text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum CommandBody {
    OpenAccount {
        account: Name,
        currency: Currency,
        #[serde(default = "nothing")]
        deposit: String,
        #[serde(default = "nothing")]
        credit_limit: String,
    },
    Deposit {
        account: Name,
        amount: String,
        currency: Currency,
    },
    CashOut {
        account: Name,
        amount: String,
        currency: Currency,
    },
    SetCreditLimit {
        account: Name,
        credit_limit: String,
        currency: Currency,
    },
    Freeze {
        account: Name,
    },
    Unfreeze {
        account: Name,
    },
    Close {
        account: Name,
    },
    AcceptGifts {
        account: Name,
        by_itself: bool,
    },
    Issue {
        offering: Name,
        offer: OfferBody,
    },
    Publish {
        offering: Name,
        #[serde(default)]
        display: DisplayBody,
    },
    AttachCommission {
        offering: Name,
        terms: TermsBody,
        currency: Currency,
        #[serde(default)]
        payment_certificate: Option<RequestId>,
    },
    TopUp {
        offering: Name,
        serial: Serial,
        amount: String,
        currency: Currency,
    },
    Circulate {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
    },
    Acquire {
        offering: Name,
        serial: Serial,
    },
    Purchase {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
        #[serde(default)]
        paid_from: PaidFromBody,
    },
    Reserve {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
    },
    PayReservation {
        offering: Name,
        serial: Serial,
    },
    CancelReservation {
        offering: Name,
        serial: Serial,
    },
    Refund {
        offering: Name,
        serial: Serial,
    },
    Transfer {
        to: Name,
        amount: String,
        currency: Currency,
    },
    BeginTransfer {
        to: Name,
        amount: String,
        currency: Currency,
        #[serde(default, with = "time::optional")]
        expires_at: Option<Timestamp>,
    },
    PostTransfer {
        from: Name,
        transfer: RequestId,
        amount: String,
        currency: Currency,
    },
    VoidTransfer {
        from: Name,
        transfer: RequestId,
    },
    IssuePayment {
        amount: String,
        currency: Currency,
        #[serde(default)]
        beneficiary: Option<Name>,
        #[serde(default, with = "time::optional")]
        not_before: Option<Timestamp>,
        #[serde(default, with = "time::optional")]
        expires_at: Option<Timestamp>,
    },
    ReceivePayment {
        issuer: Name,
        payment: RequestId,
    },
    RejectPayment {
        issuer: Name,
        payment: RequestId,
    },
    ReleasePayment {
        issuer: Name,
        payment: RequestId,
        amount: String,
        currency: Currency,
    },
    VoidPayment {
        issuer: Name,
        payment: RequestId,
    },
    Give {
        recipient: Name,
        #[serde(default)]
        merchant: Option<Name>,
        object: ObjectBody,
        price: String,
        currency: Currency,
        #[serde(default, with = "time::optional")]
        expires_at: Option<Timestamp>,
    },
    AcceptGift {
        donor: Name,
        gift: RequestId,
    },
    DeclineGift {
        donor: Name,
        gift: RequestId,
    },
    ReturnGift {
        recipient: Name,
        donor: Name,
        gift: RequestId,
    },
    GrantMandate {
        merchant: Name,
        amount_max: String,
        amount_max_per_use: String,
        currency: Currency,
        #[serde(default, with = "time::optional")]
        ends_at: Option<Timestamp>,
    },
    RevokeMandate {
        mandate: RequestId,
    },
    RegisterMerchant {
        merchant: Name,
        payee: Name,
        #[serde(default)]
        supplier: Option<Name>,
        #[serde(default)]
        when_short: WhenShortBody,
    },
    UnregisterMerchant {
        merchant: Name,
    },
    Withhold {
        order: Name,
        amount: String,
        currency: Currency,
        from: WithholdFromBody,
    },
    Provide {
        order: Name,
    },
    ReverseOrder {
        order: Name,
    },
    ShowAccount {
        account: Name,
    },
    ShowOffering {
        offering: Name,
    },
    ShowCertificate {
        offering: Name,
        serial: Serial,
        #[serde(default = "first_hop")]
        from_hop: u32,
    },
    ShowGift {
        recipient: Name,
        donor: Name,
        gift: RequestId,
    },
    ListGifts {
        #[serde(default)]
        skip: u32,
    },
    ShowPayment {
        issuer: Name,
        payment: RequestId,
    },
    ShowMandate {
        mandate: RequestId,
    },
    ShowOrder {
        order: Name,
    },
}

fn nothing() -> String {
    "0".to_owned()
}

fn first_hop() -> u32 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum DisplayBody {
    #[default]
    Certificate,
    AcquisitionInformation,
    Snapshot,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum ViaBody {
    #[default]
    Public,
    PrivatePage(Name),
    Link,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum PaidFromBody {
    #[default]
    Available,
    Gift {
        donor: Name,
        gift: RequestId,
    },
    PaymentCertificate(RequestId),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum ObjectBody {
    Goods { kind: KindBody, description: String },
    Certificate { offering: Name, serial: Serial },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum KindBody {
    Product,
    Service,
    Insurance,
    Fund,
    Gold,
    Lottery,
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum WithholdFromBody {
    Gift { recipient: Name, donor: Name, gift: RequestId },
    Mandate { recipient: Name, mandate: RequestId },
}

impl CommandBody {
    /// The command that it stands for, and the currency that it names for its amounts: that of the account whose money they
    /// are, as the door finds out. None where it has no amounts, or is what gives an account or an offering its currency.
    ///
    /// # Errors
    /// Names the amount or the share that is none.
    pub(in crate::server) fn command(self) -> Result<(Command, Option<Currency>), Refusal> {
        let plain = |command| Ok((command, None));
        let status = |account, change| Ok((Command::Status { account, change }, None));
        match self {
            CommandBody::OpenAccount { account, currency, deposit, credit_limit } => {
                let deposit = money("deposit", &deposit, currency)?;
                let credit_limit = money("credit_limit", &credit_limit, currency)?;
                plain(Command::OpenAccount { account, currency, deposit, credit_limit })
            }
            CommandBody::Deposit { account, amount, currency } => {
                let amount = money("amount", &amount, currency)?;
                Ok((Command::Deposit { account, amount }, Some(currency)))
            }
            CommandBody::CashOut { account, amount, currency } => {
                let amount = money("amount", &amount, currency)?;
                Ok((Command::CashOut { account, amount }, Some(currency)))
            }
            CommandBody::SetCreditLimit { account, credit_limit, currency } => {
                let credit_limit = money("credit_limit", &credit_limit, currency)?;
                Ok((Command::SetCreditLimit { account, credit_limit }, Some(currency)))
            }
            CommandBody::Freeze { account } => status(account, StatusChange::Freeze),
            CommandBody::Unfreeze { account } => status(account, StatusChange::Unfreeze),
            CommandBody::Close { account } => status(account, StatusChange::Close),
            CommandBody::AcceptGifts { account, by_itself } => {
                status(account, StatusChange::AcceptGifts { by_itself })
            }
            CommandBody::Issue { offering, offer } => {
                plain(Command::Issue { offering, offer: Box::new(offer.offer()?) })
            }
            CommandBody::Publish { offering, display } => {
                let display = match display {
                    DisplayBody::Certificate => Display::Certificate,
                    DisplayBody::AcquisitionInformation => Display::AcquisitionInformation,
                    DisplayBody::Snapshot => Display::Snapshot,
                };
                plain(Command::Publish { offering, display })
            }
            CommandBody::AttachCommission { offering, terms, currency, payment_certificate } => {
                let terms = Box::new(terms.terms(currency)?);
                let funding = payment_certificate.map_or(Funding::Envelope, Funding::PaymentCertificate);
                Ok((Command::AttachCommission { offering, terms, funding }, Some(currency)))
            }
            CommandBody::TopUp { offering, serial, amount, currency } => {
                let amount = money("amount", &amount, currency)?;
                Ok((Command::TopUp { offering, serial, amount }, Some(currency)))
            }
            CommandBody::Circulate { offering, serial, via } => {
                plain(Command::Circulate { offering, serial, via: via.via() })
            }
            CommandBody::Acquire { offering, serial } => plain(Command::Acquire { offering, serial }),
            CommandBody::Purchase { offering, serial, via, paid_from } => {
                let paid_from = match paid_from {
                    PaidFromBody::Available => PaidFrom::Available,
                    PaidFromBody::Gift { donor, gift } => PaidFrom::Gift { donor, gift },
                    PaidFromBody::PaymentCertificate(payment) => PaidFrom::PaymentCertificate(payment),
                };
                plain(Command::Purchase { offering, serial, via: via.via(), paid_from })
            }
            CommandBody::Reserve { offering, serial, via } => {
                plain(Command::Reserve { offering, serial, via: via.via() })
            }
            CommandBody::PayReservation { offering, serial } => {
                plain(Command::PayReservation { offering, serial })
            }
            CommandBody::CancelReservation { offering, serial } => {
                plain(Command::CancelReservation { offering, serial })
            }
            CommandBody::Refund { offering, serial } => plain(Command::Refund { offering, serial }),
            CommandBody::Transfer { to, amount, currency } => {
                let amount = money("amount", &amount, currency)?;
                Ok((Command::Transfer(TransferCommand::Send { to, amount }), Some(currency)))
            }
            CommandBody::BeginTransfer { to, amount, currency, expires_at } => {
                let amount = money("amount", &amount, currency)?;
                let begin = TransferCommand::Begin { to, amount, expires_at };
                Ok((Command::Transfer(begin), Some(currency)))
            }
            CommandBody::PostTransfer { from, transfer, amount, currency } => {
                let amount = money("amount", &amount, currency)?;
                Ok((Command::Transfer(TransferCommand::Post { from, transfer, amount }), Some(currency)))
            }
            CommandBody::VoidTransfer { from, transfer } => {
                plain(Command::Transfer(TransferCommand::Void { from, transfer }))
            }
            CommandBody::IssuePayment { amount, currency, beneficiary, not_before, expires_at } => {
                let amount = money("amount", &amount, currency)?;
                let issue = PaymentCommand::Issue { amount, beneficiary, not_before, expires_at };
                Ok((Command::Payment(issue), Some(currency)))
            }
            CommandBody::ReceivePayment { issuer, payment } => {
                plain(Command::Payment(PaymentCommand::Receive(PaymentReference { issuer, payment })))
            }
            CommandBody::RejectPayment { issuer, payment } => {
                plain(Command::Payment(PaymentCommand::Reject(PaymentReference { issuer, payment })))
            }
            CommandBody::ReleasePayment { issuer, payment, amount, currency } => {
                let amount = money("amount", &amount, currency)?;
                let reference = PaymentReference { issuer, payment };
                Ok((Command::Payment(PaymentCommand::Release { reference, amount }), Some(currency)))
            }
            CommandBody::VoidPayment { issuer, payment } => {
                plain(Command::Payment(PaymentCommand::Void(PaymentReference { issuer, payment })))
            }
            CommandBody::Give { recipient, merchant, object, price, currency, expires_at } => {
                let price = money("price", &price, currency)?;
                let object = object.object();
                let give = GiftCommand::Give { recipient, merchant, object, price, expires_at };
                Ok((Command::Gift(give), Some(currency)))
            }
            CommandBody::AcceptGift { donor, gift } => {
                plain(Command::Gift(GiftCommand::Accept { donor, gift }))
            }
            CommandBody::DeclineGift { donor, gift } => {
                plain(Command::Gift(GiftCommand::Decline { donor, gift }))
            }
            CommandBody::ReturnGift { recipient, donor, gift } => {
                plain(Command::Gift(GiftCommand::Return(GiftReference { recipient, donor, gift })))
            }
            CommandBody::GrantMandate { merchant, amount_max, amount_max_per_use, currency, ends_at } => {
                let amount_max = money("amount_max", &amount_max, currency)?;
                let amount_max_per_use = money("amount_max_per_use", &amount_max_per_use, currency)?;
                let grant = MandateCommand::Grant { merchant, amount_max, amount_max_per_use, ends_at };
                Ok((Command::Mandate(grant), Some(currency)))
            }
            CommandBody::RevokeMandate { mandate } => {
                plain(Command::Mandate(MandateCommand::Revoke { mandate }))
            }
            CommandBody::RegisterMerchant { merchant, payee, supplier, when_short } => {
                let when_short = when_short.when_short();
                plain(Command::Merchant(MerchantCommand::Register { merchant, payee, supplier, when_short }))
            }
            CommandBody::UnregisterMerchant { merchant } => {
                plain(Command::Merchant(MerchantCommand::Unregister { merchant }))
            }
            CommandBody::Withhold { order, amount, currency, from } => {
                let amount = money("amount", &amount, currency)?;
                let from = from.from();
                Ok((Command::Merchant(MerchantCommand::Withhold { order, amount, from }), Some(currency)))
            }
            CommandBody::Provide { order } => plain(Command::Merchant(MerchantCommand::Provide { order })),
            CommandBody::ReverseOrder { order } => {
                plain(Command::Merchant(MerchantCommand::Reverse { order }))
            }
            CommandBody::ShowAccount { account } => plain(Command::ShowAccount { account }),
            CommandBody::ShowOffering { offering } => plain(Command::ShowOffering { offering }),
            CommandBody::ShowCertificate { offering, serial, from_hop } => {
                plain(Command::ShowCertificate { offering, serial, from_hop })
            }
            CommandBody::ShowGift { recipient, donor, gift } => {
                plain(Command::Gift(GiftCommand::Show(GiftReference { recipient, donor, gift })))
            }
            CommandBody::ListGifts { skip } => plain(Command::Gift(GiftCommand::List { skip })),
            CommandBody::ShowPayment { issuer, payment } => {
                plain(Command::Payment(PaymentCommand::Show(PaymentReference { issuer, payment })))
            }
            CommandBody::ShowMandate { mandate } => plain(Command::Mandate(MandateCommand::Show { mandate })),
            CommandBody::ShowOrder { order } => {
                plain(Command::Merchant(MerchantCommand::ShowOrder { order }))
            }
        }
    }
}

impl ViaBody {
    fn via(self) -> Via {
        match self {
            ViaBody::Public => Via::Public,
            ViaBody::PrivatePage(owner) => Via::PrivatePage(owner),
            ViaBody::Link => Via::Link,
        }
    }
}

impl ObjectBody {
    fn object(self) -> GiftObject {
        match self {
            ObjectBody::Goods { kind, description } => GiftObject::Goods { kind: kind.kind(), description },
            ObjectBody::Certificate { offering, serial } => GiftObject::Certificate { offering, serial },
        }
    }
}

impl KindBody {
    fn kind(self) -> GoodsKind {
        match self {
            KindBody::Product => GoodsKind::Product,
            KindBody::Service => GoodsKind::Service,
            KindBody::Insurance => GoodsKind::Insurance,
            KindBody::Fund => GoodsKind::Fund,
            KindBody::Gold => GoodsKind::Gold,
            KindBody::Lottery => GoodsKind::Lottery,
            KindBody::Other => GoodsKind::Other,
        }
    }
}

impl WithholdFromBody {
    fn from(self) -> WithholdFrom {
        match self {
            WithholdFromBody::Gift { recipient, donor, gift } => {
                WithholdFrom::Gift(GiftReference { recipient, donor, gift })
            }
            WithholdFromBody::Mandate { recipient, mandate } => WithholdFrom::Mandate { recipient, mandate },
        }
    }
}

#[cfg(test)]
impl CommandBody {
    /// The names of all commands, as serde lists them where one is unknown.
    pub(in crate::server) fn names() -> Vec<String> {
        let unknown = serde_json::from_str::<CommandBody>(r#"{"nothing":{}}"#).unwrap_err().to_string();
        let names: Vec<String> = unknown.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(names.len() > 40, "{unknown}");
        names
    }
}
