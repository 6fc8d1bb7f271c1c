//! What can be asked, as JSON: an object with one member, whose name is the command's and whose value has its fields.

use schemars::JsonSchema;
use serde::Deserialize;
use strum::IntoStaticStr;

use super::amount::{Amount, money};
use super::offer::{OfferBody, WhenShortBody};
use super::terms::TermsBody;
use super::time::Time;
use crate::domain::{
    Code, Command, Currency, Display, Funding, GiftCommand, GiftObject, GiftReference, GoodsKind,
    MandateCommand, MerchantCommand, Money, Name, PaidFrom, PaymentCommand, PaymentReference, Refusal,
    RequestAt, RequestId, Serial, StatusChange, TransferCommand, Via, WithholdFrom,
};

/// A command, with amounts as text.
#[derive(Clone, Debug, Deserialize, IntoStaticStr, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum(serialize_all = "snake_case")]
pub(in crate::server) enum CommandBody {
    /// Opens an account. A first deposit and a credit limit are the institution's to give.
    OpenAccount {
        account: Name,
        currency: Currency,
        #[serde(default = "Amount::nothing")]
        deposit: Amount,
        #[serde(default = "Amount::nothing")]
        credit_limit: Amount,
    },
    /// Brings outside money in; the institution's.
    Deposit { account: Name, amount: Amount, currency: Currency },
    /// Pays money out, up to what is posted and not held; the institution's.
    CashOut { account: Name, amount: Amount, currency: Currency },
    /// Sets how far below 0 an account may go; the institution's.
    SetCreditLimit { account: Name, credit_limit: Amount, currency: Currency },
    /// Leaves an account no commands of its own; the institution's. Credits, and what it had committed, go on.
    Freeze { account: Name },
    /// Gives an account its commands back; the institution's.
    Unfreeze { account: Name },
    /// Closes an account for ever: its own, or the institution's. It has to be empty, and party to nothing open.
    Close { account: Name },
    /// Says whether gifts are accepted as they arrive; the account's own.
    AcceptGifts { account: Name, by_itself: bool },
    /// Issues an offering of certificates; the caller is its supplier.
    Issue { offering: Name, offer: OfferBody },
    /// Puts an offering on the public platform; its supplier's.
    Publish {
        offering: Name,
        #[serde(default)]
        display: DisplayBody,
    },
    /// Funds a commission for every certificate of an offering, out of the caller's account or a payment certificate of
    /// its own.
    AttachCommission {
        offering: Name,
        terms: TermsBody,
        currency: Currency,
        #[serde(default)]
        payment_certificate: Option<RequestId>,
    },
    /// Adds to the reserve of one certificate's commission; its payer's.
    TopUp { offering: Name, serial: Serial, amount: Amount, currency: Currency },
    /// Shares a certificate: the caller becomes its linked account. Without a serial the engine chooses the chain.
    Circulate {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
    },
    /// Acquires a commission by a right that the caller has and has not used.
    Acquire { offering: Name, serial: Serial },
    /// Buys a certificate, and settles everyone who shared it. Without a serial any is bought.
    Purchase {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
        #[serde(default)]
        paid_from: PaidFromBody,
        /// What one may cost at most, in `currency`.
        #[serde(default)]
        price_max: Option<Amount>,
        #[serde(default)]
        currency: Option<Currency>,
    },
    /// Sets a certificate and its price apart, to be paid later. Without a serial any is reserved.
    Reserve {
        offering: Name,
        #[serde(default)]
        serial: Option<Serial>,
        #[serde(default)]
        via: ViaBody,
        /// What one may cost at most, in `currency`.
        #[serde(default)]
        price_max: Option<Amount>,
        #[serde(default)]
        currency: Option<Currency>,
    },
    /// Buys what the caller has reserved, out of the money that is held for it.
    PayReservation { offering: Name, serial: Serial },
    /// Gives a reservation up: stock and money are free again.
    CancelReservation { offering: Name, serial: Serial },
    /// Pays a purchase back, once, and claws cashed commission back as the offering says; its supplier's.
    Refund { offering: Name, serial: Serial },
    /// Moves money from the caller to another account.
    Transfer { to: Name, amount: Amount, currency: Currency },
    /// Holds money for another account, to be posted or voided later; the request's key names it.
    BeginTransfer {
        to: Name,
        amount: Amount,
        currency: Currency,
        #[serde(default)]
        expires_at: Option<Time>,
    },
    /// Moves a pending transfer's money, up to what is held, and frees the rest; whoever began it, or the institution.
    PostTransfer { from: Name, transfer: RequestId, amount: Amount, currency: Currency },
    /// Frees a pending transfer's money again; whoever began it, or the institution.
    VoidTransfer { from: Name, transfer: RequestId },
    /// Issues a payment certificate: the amount is held; the request's key names it.
    IssuePayment {
        amount: Amount,
        currency: Currency,
        #[serde(default)]
        beneficiary: Option<Name>,
        #[serde(default)]
        not_before: Option<Time>,
        #[serde(default)]
        expires_at: Option<Time>,
    },
    /// Receives a payment certificate; its beneficiary's.
    ReceivePayment { issuer: Name, payment: RequestId },
    /// Rejects a payment certificate, whose money is free again; its beneficiary's.
    RejectPayment { issuer: Name, payment: RequestId },
    /// Pays out of a payment certificate whose condition holds; the institution's. The rest is free again.
    ReleasePayment { issuer: Name, payment: RequestId, amount: Amount, currency: Currency },
    /// Voids a payment certificate; the institution's.
    VoidPayment { issuer: Name, payment: RequestId },
    /// Gives a gift: the price is earmarked at the recipient for this object and nothing else; the request's key names it.
    Give {
        recipient: Name,
        #[serde(default)]
        merchant: Option<Name>,
        object: ObjectBody,
        price: Amount,
        currency: Currency,
        #[serde(default)]
        expires_at: Option<Time>,
    },
    /// Accepts a gift, which authorises its merchant to withhold it once; the recipient's.
    AcceptGift { donor: Name, gift: RequestId },
    /// Declines a gift: the money goes home; the recipient's.
    DeclineGift { donor: Name, gift: RequestId },
    /// Sends a gift home that was accepted and is not withheld; the recipient's, or its merchant's.
    ReturnGift { recipient: Name, donor: Name, gift: RequestId },
    /// Authorises a merchant to withhold from the caller's available money, within two limits; the request's key names it.
    GrantMandate {
        merchant: Name,
        amount_max: Amount,
        amount_max_per_use: Amount,
        currency: Currency,
        #[serde(default)]
        ends_at: Option<Time>,
    },
    /// Ends a mandate; whoever granted it.
    RevokeMandate { mandate: RequestId },
    /// Registers an account as a merchant's, or changes its registration; the institution's.
    RegisterMerchant {
        merchant: Name,
        payee: Name,
        #[serde(default)]
        supplier: Option<Name>,
        #[serde(default)]
        when_short: WhenShortBody,
    },
    /// Ends a merchant's registration; the institution's. Orders that are paid go on.
    UnregisterMerchant { merchant: Name },
    /// Withholds the price of one order, once for one reference; the caller is the merchant.
    Withhold { order: Name, amount: Amount, currency: Currency, from: WithholdFromBody },
    /// Notes that an order's object was handed over; the caller is the merchant.
    Provide { order: Name },
    /// Pays an order back that cannot be provided, payee to recipient to donor; the caller is the merchant.
    ReverseOrder { order: Name },
    /// Shows an account with its balances; its own, or the institution's.
    ShowAccount { account: Name },
    /// Shows an offering: price, stock, terms and texts.
    ShowOffering { offering: Name },
    /// Shows a certificate: its commission, its chain from a hop on, its sale.
    ShowCertificate {
        offering: Name,
        serial: Serial,
        #[serde(default = "first_hop")]
        from_hop: u32,
    },
    /// Shows what a request of the caller's to an account was answered, by its key: an opening, a transfer, a gift, an order.
    ShowAccountRequest { account: Name, request: RequestId },
    /// Shows what a request of the caller's to an offering was answered, by its key.
    ShowOfferingRequest { offering: Name, request: RequestId },
    /// Shows what a request of the caller's to a certificate was answered, by its key.
    ShowCertificateRequest { offering: Name, serial: Serial, request: RequestId },
    /// Shows a gift; its donor's, its recipient's, its merchant's and the institution's.
    ShowGift { recipient: Name, donor: Name, gift: RequestId },
    /// Lists the gifts that wait at the caller to be accepted or withheld.
    ListGifts {
        #[serde(default)]
        skip: u32,
    },
    /// Shows a payment certificate; its issuer's, its beneficiary's and the institution's.
    ShowPayment { issuer: Name, payment: RequestId },
    /// Shows a mandate; whoever granted it.
    ShowMandate { mandate: RequestId },
    /// Shows an order; the caller is the merchant.
    ShowOrder { order: Name },
}

fn first_hop() -> u32 {
    1
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum DisplayBody {
    #[default]
    Certificate,
    AcquisitionInformation,
    Snapshot,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum ViaBody {
    #[default]
    Public,
    PrivatePage(Name),
    Link,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum PaidFromBody {
    #[default]
    Available,
    Gift(OwnGiftBody),
    PaymentCertificate(RequestId),
}

/// Names a gift to the caller.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct OwnGiftBody {
    pub(in crate::server) donor: Name,
    pub(in crate::server) gift: RequestId,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum ObjectBody {
    Goods(GoodsBody),
    Certificate(NamedCertificateBody),
}

/// A product or a service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct GoodsBody {
    kind: KindBody,
    description: String,
}

/// Names a certificate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NamedCertificateBody {
    offering: Name,
    serial: Serial,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
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

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum WithholdFromBody {
    Gift(NamedGiftBody),
    Mandate(NamedMandateBody),
}

/// Names a gift.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NamedGiftBody {
    recipient: Name,
    donor: Name,
    gift: RequestId,
}

/// Names a mandate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NamedMandateBody {
    recipient: Name,
    mandate: RequestId,
}

impl CommandBody {
    /// What it is called.
    pub(in crate::server) fn name(&self) -> &'static str {
        self.into()
    }

    /// What one may cost at most, where it says so.
    ///
    /// # Errors
    /// Where it is no amount, or one of amount and currency is without the other.
    pub(in crate::server) fn price_max(&self) -> Result<Option<Money>, Refusal> {
        let (CommandBody::Purchase { price_max, currency, .. }
        | CommandBody::Reserve { price_max, currency, .. }) = self
        else {
            return Ok(None);
        };
        match (price_max, currency) {
            (None, None) => Ok(None),
            (Some(price_max), Some(currency)) => money("price_max", price_max, *currency).map(Some),
            (Some(_), None) => {
                Err(Refusal::new(Code::Missing, "currency", "is left out: price_max needs it"))
            }
            (None, Some(_)) => {
                Err(Refusal::new(Code::Missing, "price_max", "is left out: currency is for it"))
            }
        }
    }

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
            CommandBody::Purchase { offering, serial, via, paid_from, price_max: _, currency } => {
                let paid_from = match paid_from {
                    PaidFromBody::Available => PaidFrom::Available,
                    PaidFromBody::Gift(OwnGiftBody { donor, gift }) => PaidFrom::Gift { donor, gift },
                    PaidFromBody::PaymentCertificate(payment) => PaidFrom::PaymentCertificate(payment),
                };
                Ok((Command::Purchase { offering, serial, via: via.via(), paid_from }, currency))
            }
            CommandBody::Reserve { offering, serial, via, price_max: _, currency } => {
                Ok((Command::Reserve { offering, serial, via: via.via() }, currency))
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
                let begin = TransferCommand::Begin { to, amount, expires_at: Time::point(expires_at) };
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
                let issue = PaymentCommand::Issue {
                    amount,
                    beneficiary,
                    not_before: Time::point(not_before),
                    expires_at: Time::point(expires_at),
                };
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
                let give = GiftCommand::Give {
                    recipient,
                    merchant,
                    object,
                    price,
                    expires_at: Time::point(expires_at),
                };
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
                let grant = MandateCommand::Grant {
                    merchant,
                    amount_max,
                    amount_max_per_use,
                    ends_at: Time::point(ends_at),
                };
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
            CommandBody::ShowAccountRequest { account, request } => {
                plain(Command::ShowRequest { at: RequestAt::Account(account), request })
            }
            CommandBody::ShowOfferingRequest { offering, request } => {
                plain(Command::ShowRequest { at: RequestAt::Offering(offering), request })
            }
            CommandBody::ShowCertificateRequest { offering, serial, request } => {
                plain(Command::ShowRequest { at: RequestAt::Certificate(offering, serial), request })
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
            ObjectBody::Goods(GoodsBody { kind, description }) => {
                GiftObject::Goods { kind: kind.kind(), description }
            }
            ObjectBody::Certificate(NamedCertificateBody { offering, serial }) => {
                GiftObject::Certificate { offering, serial }
            }
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
            WithholdFromBody::Gift(NamedGiftBody { recipient, donor, gift }) => {
                WithholdFrom::Gift(GiftReference { recipient, donor, gift })
            }
            WithholdFromBody::Mandate(NamedMandateBody { recipient, mandate }) => {
                WithholdFrom::Mandate { recipient, mandate }
            }
        }
    }
}

#[cfg(test)]
impl CommandBody {
    /// The names of all commands, as serde lists them where one is unknown.
    pub(in crate::server) fn names() -> Vec<String> {
        let unknown =
            serde_json::from_str::<CommandBody>(r#"{"Amount::nothing":{}}"#).unwrap_err().to_string();
        let names: Vec<String> = unknown.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(names.len() > 40, "{unknown}");
        names
    }
}
