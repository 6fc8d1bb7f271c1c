//! The pure decisions: what accounts, offerings and certificates do with a message.
//!
//! Absent on purpose: clocks, chance, channels, files and `async`. Time and luck come in as data.

mod account;
mod answer;
mod certificate;
pub mod chain;
mod commission;
mod event;
mod inside;
mod message;
mod money;
mod name;
mod number;
mod offering;
mod refusal;
mod request;
mod resident;
mod step;
pub mod supply;
mod time;
pub(crate) mod wide;

pub use account::Account;
pub use answer::{
    AccountView, Answer, CertificateView, Circulated, CommissionLabel, Done, HopView, OfferingView,
    Purchased, SaleView, Settlement,
};
pub use certificate::{Certificate, CommissionState, Hop, Right, Sale};
pub use commission::{
    Acquiring, Buckets, Cashing, CheckPoint, CommissionTerms, Condition, Draw, FactorSet, Increase,
    IncreasePolicy, Observed, Purpose, Take,
};
pub use event::{AccountEvent, CertificateEvent, Event, OfferingEvent, Queued, WithdrawalReason};
pub use inside::{
    Birth, Body, Credit, CreditReason, Debit, DebitRefused, Envelope, Handed, Settle, Turn, TurnRefused,
};
pub use message::{Caller, Command, Information, Message, Offer, Via};
pub use money::{Balance, BasisPoints, Currency, Money, MoneyError};
pub use name::{Name, RequestId};
pub use number::{ActorNumber, Fingerprint, Position, Serial, WalkId};
pub use offering::{Offering, Payment, Standing, Stock};
pub use refusal::{Code, Refusal};
pub use request::{
    CirculateTask, FoundVia, IssuedOffer, Opening, Party, PurchaseTask, Request, RequestKey, RequestMark,
    Task,
};
pub use resident::Resident;
pub use step::{Context, Decision, Onward, Step};
pub use time::{Timestamp, Window};
