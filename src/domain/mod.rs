//! The pure decisions: what accounts, offerings and certificates do with a message.
//!
//! Absent on purpose: clocks, chance, channels, files and `async`. Time and luck come in as data.

mod account;
mod answer;
mod certificate;
pub mod chain;
mod command;
mod commission;
mod conditions;
mod event;
mod fact;
mod gift;
mod inside;
mod keyed;
mod link;
mod merchant;
mod message;
mod money;
mod name;
mod notice;
mod number;
mod offering;
mod parted;
mod payment;
pub mod purpose;
mod queue;
mod refusal;
mod request;
mod resident;
mod step;
pub mod supply;
mod text;
mod time;
mod told;
pub(crate) mod wide;
pub mod words;

pub use account::Account;
pub use answer::{
    AccountView, Answer, CertificateView, Circulated, CommissionLabel, Done, FrozenRow, GiftView, HopView,
    OfferingView, PageView, Purchased, Refunded, SaleView, Settlement,
};
pub use certificate::{Certificate, CommissionState, Hop, Right, Sale};
pub use command::{
    Command, GiftCommand, GiftObject, GiftReference, GoodsKind, MandateCommand, MerchantCommand,
    PaymentCommand, PaymentReference, RequestAt, Status, StatusChange, TransferCommand, WhenShort,
    WithholdFrom,
};
pub use commission::{
    Acquiring, Buckets, Cashing, CheckPoint, CommissionTerms, Condition, Draw, FactorSet, Increase,
    IncreasePolicy, Observed, Purpose, Take,
};
pub use conditions::{Conditions, on_condition};
pub use event::{
    AccountEvent, CertificateEvent, Debt, Event, GiftEvent, Income, MandateEvent, MerchantEvent,
    OfferingEvent, PaymentEvent, Queued, TransferEvent, WithdrawalReason,
};
pub use fact::Fact;
pub use gift::{FoundObject, Gift, GiftState, GiftStep};
pub use inside::{
    ArrivingGift, Birth, Body, BodyParts, ClawBack, Credit, CreditReason, Debit, DebitRefund, DebitRefused,
    Draw as DrawPayment, Envelope, GiftReversed, Handed, Hold, LinkPayment, OrderRefused, PurchaseGift,
    ReversalPaid, ReverseOrder, Series, Settle, TopUp, Turn, TurnRefused, Withheld, Withhold,
};
pub(crate) use keyed::Keyed;
pub use link::PageLink;
pub use merchant::{
    FoundFrom, Mandate, Merchant, Order, OrderKey, OrderState, Registration, WithholdingRight,
};
pub use message::{Caller, Clawback, Display, Funding, Information, Message, Offer, PaidFrom, Via};
pub use money::{Balance, BasisPoints, Currency, Money, MoneyError};
pub use name::{Name, RequestId};
pub use notice::{News, Notice};
pub use number::{ActorNumber, Fingerprint, Position, Serial, WalkId};
pub use offering::{Offering, Payment, Reservation, SoldOut, Standing, Stock};
pub use payment::{PaymentCertificate, PaymentState, PaymentStep};
pub use refusal::{Code, Refusal};
pub use request::{
    AttachTask, CirculateTask, FoundVia, GiftTask, GiveTask, IssuedOffer, MandateTask, MerchantTask, Opening,
    Party, PaymentTask, PurchaseTask, RefundTerms, Request, RequestKey, RequestMark, Source, SpentGift,
    SpentPayment, Task, TopUpTask, TransferTask, WithholdTask,
};
pub use resident::Resident;
pub use step::{Context, Decision, Onward, Step};
pub use time::{Timestamp, Window};
pub use told::{Direction, Told, moved, posted_before};
