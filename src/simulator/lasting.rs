//! What stays true of an answer whatever happens later: for the judge of a crash, who asks again.

use crate::domain::{
    AccountEvent, CertificateEvent, Code, Command, CreditReason, Done, Event, GiftCommand, GiftEvent,
    GiftState, MerchantCommand, MerchantEvent, OfferingEvent, Order, OrderState, PaymentCertificate,
    PaymentEvent, PaymentState, TransferEvent,
};

/// How a refusal that stays true for ever is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// By the first actor, without a record.
    AtOnce,
    /// Inside a walk, which records what it undoes.
    InsideAWalk,
}

impl Lasting {
    /// How this refusal of this command is given again; none where a later state may decide otherwise.
    pub fn of(code: Code, command: &Command) -> Option<Lasting> {
        let at_once = match (code, command) {
            // A merchant's order is refused inside a walk, and its gift may end for another reason.
            (_, Command::Merchant(MerchantCommand::Withhold { .. })) => code == Code::OrderReused,
            (Code::AlreadyProvided | Code::NotReversible | Code::OrderEnded, Command::Merchant(_)) => true,
            (Code::PaymentCertificateEnded, Command::Payment(_)) => true,
            (Code::GiftEnded, Command::Gift(_)) => true,
            (Code::AmountMismatch, Command::Gift(GiftCommand::Give { .. })) => true,
            (Code::AlreadyRefunded, Command::Refund { .. }) => true,
            (Code::CommissionEnded | Code::NotToppedUp, Command::TopUp { .. }) => {
                return Some(Lasting::InsideAWalk);
            }
            _ => matches!(
                code,
                Code::SoldOut
                    | Code::Sold
                    | Code::NameTaken
                    | Code::AlreadyAttached
                    | Code::AlreadyPublished
                    | Code::IdReused
                    | Code::AccountClosed
                    | Code::NotReservable
            ),
        };
        at_once.then_some(Lasting::AtOnce)
    }
}

/// True where two views that carry no place in a chain are of the same thing, the second not before the first.
pub(super) fn is_later(before: &Done, after: &Done) -> bool {
    match (before, after) {
        (Done::Payment(before), Done::Payment(after)) => payment_is_later(before, after),
        (Done::Order(before), Done::Order(after)) => order_is_later(before, after),
        (Done::Gift(before), Done::Gift(after)) => {
            let same = (&before.donor, &before.gift) == (&after.donor, &after.gift);
            same && gift_is_later(before.state.state, after.state.state)
        }
        // Those that wait no more stand in it no more.
        (Done::Gifts(before), Done::Gifts(after)) => after.iter().all(|after| {
            let same =
                before.iter().find(|before| (&before.donor, &before.gift) == (&after.donor, &after.gift));
            same.is_none_or(|before| gift_is_later(before.state.state, after.state.state))
        }),
        (Done::Mandate(before), Done::Mandate(after)) => {
            before.used <= after.used && before.revoked <= after.revoked && before.merchant == after.merchant
        }
        (Done::Page(before), Done::Page(after)) => {
            before.entries <= after.entries && after.certificates.ends_with(&before.certificates)
        }
        _ => false,
    }
}

fn payment_is_later(before: &PaymentCertificate, after: &PaymentCertificate) -> bool {
    let stage = |state| match state {
        PaymentState::Issued => 0,
        PaymentState::Received => 1,
        PaymentState::Released | PaymentState::Rejected | PaymentState::Expired | PaymentState::Void => 2,
    };
    let (from, to) = (stage(before.state), stage(after.state));
    (before.amount, before.beneficiary) == (after.amount, after.beneficiary)
        && (before.state == after.state || from < to)
        && before.released <= after.released
        && before.freed <= after.freed
        && (before.backs == after.backs || before.backs.is_none())
}

fn gift_is_later(before: GiftState, after: GiftState) -> bool {
    let stage = |state| match state {
        GiftState::Requested => 0,
        GiftState::Accepted => 1,
        GiftState::Withheld => 2,
        GiftState::Declined
        | GiftState::Expired
        | GiftState::Returned
        | GiftState::Provided
        | GiftState::Reversed => 3,
    };
    before == after || stage(before) < stage(after)
}

fn order_is_later(before: &Order, after: &Order) -> bool {
    let stage = |state| match state {
        OrderState::Begun(_) => 0,
        OrderState::Paid | OrderState::Reversing(_) => 1,
        OrderState::Provided | OrderState::Reversed => 2,
    };
    let same = (&before.amount, &before.from, before.payee) == (&after.amount, &after.from, after.payee);
    same && (before.state == after.state || stage(before.state) < stage(after.state))
}

/// True for what a refused message must not have done. What undoes itself, or comes home because its time is
/// over, is not among it.
pub(super) fn has_effect(event: &Event) -> bool {
    match event {
        Event::Account(event) => account_has_effect(event),
        Event::Offering(event) => matches!(
            event,
            OfferingEvent::Issued(..)
                | OfferingEvent::Published(..)
                | OfferingEvent::Attached
                | OfferingEvent::Touched { .. }
                | OfferingEvent::Paid(_)
                | OfferingEvent::Reserved(_)
                | OfferingEvent::ReservationEnded(_, Some(_))
                | OfferingEvent::ToppedUp(..)
        ),
        Event::Certificate(event) => matches!(
            event,
            CertificateEvent::Linked { .. }
                | CertificateEvent::Acquired { .. }
                | CertificateEvent::Sold { .. }
                | CertificateEvent::ToppedUp(_)
                | CertificateEvent::Refunded { .. }
        ),
    }
}

/// Every event of an account is an effect, but for a few.
fn account_has_effect(event: &AccountEvent) -> bool {
    match event {
        // They come home, because a time is over too.
        AccountEvent::Credited { reason, .. } => {
            !matches!(reason, CreditReason::Returned | CreditReason::GiftReturned)
        }
        AccountEvent::HoldFreed(_)
        | AccountEvent::Payment(PaymentEvent::Expired(_))
        | AccountEvent::Transfer(TransferEvent::Expired(_))
        | AccountEvent::Gift(GiftEvent::Expired(_)) => false,
        AccountEvent::Payment(PaymentEvent::Drawn { release, .. }) => !release.is_zero(),
        // They are undone where the walk ends in a refusal.
        AccountEvent::TopUpBegun { .. } | AccountEvent::TopUpUndone { .. } => false,
        AccountEvent::Merchant(
            MerchantEvent::OrderBegun(..)
            | MerchantEvent::OrderFailed(..)
            | MerchantEvent::ReversalBegun(..)
            | MerchantEvent::ReversalUndone(_),
        ) => false,
        _ => true,
    }
}
