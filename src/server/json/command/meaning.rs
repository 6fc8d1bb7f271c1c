//! What a command stands for: the engine's command, with amounts read in their currency.

use super::body::CommandBody;
use super::parts::{DisplayBody, OwnGiftBody, PaidFromBody};
use crate::domain::{
    Command, Currency, Display, Funding, GiftCommand, GiftReference, MandateCommand, MerchantCommand,
    PaidFrom, PaymentCommand, PaymentReference, Refusal, RequestAt, StatusChange, TransferCommand,
};
use crate::server::json::amount::money;
use crate::server::json::time::Time;

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
            CommandBody::Issue { offering, offer } => plain(Command::Issue {
                offering,
                offer: Box::new(offer.offer().map_err(|refusal| refusal.within("offer"))?),
            }),
            CommandBody::Publish { offering, display } => {
                let display = match display {
                    DisplayBody::Certificate => Display::Certificate,
                    DisplayBody::AcquisitionInformation => Display::AcquisitionInformation,
                    DisplayBody::Snapshot => Display::Snapshot,
                };
                plain(Command::Publish { offering, display })
            }
            CommandBody::AttachCommission { offering, terms, currency, payment_certificate } => {
                let terms = Box::new(terms.terms(currency).map_err(|refusal| refusal.within("terms"))?);
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
