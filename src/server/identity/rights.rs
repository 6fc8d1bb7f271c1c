//! Who may send what: one table.
//!
//! The engine decides what an account may do to what; this decides which key may speak as which account, and for which kind of
//! work. Absent on purpose: whether a supplier owns an offering, or a merchant an order: the engine knows.

use super::keys::Role;
use super::who::Who;
use crate::domain::{
    Caller, Code, Command, GiftCommand, MandateCommand, MerchantCommand, Name, PaymentCommand, Refusal,
    StatusChange, TransferCommand,
};

/// What kind of work a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Opens an account: by itself, or by the institution with money.
    Open,
    /// Moves outside money, lends, freezes, registers merchants: the institution's alone (P7).
    Funds,
    /// An account's own, or the institution's in its stead: ending, posting and voiding.
    OwnOrFunds,
    /// An account's own: sharing, buying, giving, paying.
    Own,
    /// A supplier's, with what funds its commissions.
    Supply,
    /// A product server's: withholding, providing, paying back.
    Serve,
    /// A gift goes home: its recipient's, or its merchant's.
    OwnOrServe,
    /// Looks.
    Look,
    /// Sets or removes a password, and so lets whoever knows it speak as the account.
    Password,
}

fn work(command: &Command) -> Work {
    match command {
        Command::OpenAccount { .. } => Work::Open,
        Command::Deposit { .. } | Command::CashOut { .. } | Command::SetCreditLimit { .. } => Work::Funds,
        Command::Status { change, .. } => match change {
            StatusChange::Freeze | StatusChange::Unfreeze => Work::Funds,
            StatusChange::Close => Work::OwnOrFunds,
            StatusChange::AcceptGifts { .. } => Work::Own,
        },
        Command::Issue { .. }
        | Command::Publish { .. }
        | Command::AttachCommission { .. }
        | Command::TopUp { .. }
        | Command::Refund { .. } => Work::Supply,
        Command::Circulate { .. }
        | Command::Acquire { .. }
        | Command::Purchase { .. }
        | Command::Reserve { .. }
        | Command::PayReservation { .. }
        | Command::CancelReservation { .. } => Work::Own,
        Command::Payment(command) => match command {
            PaymentCommand::Release { .. } | PaymentCommand::Void(_) => Work::Funds,
            PaymentCommand::Issue { .. } => Work::Supply,
            PaymentCommand::Receive(_) | PaymentCommand::Reject(_) => Work::Own,
            PaymentCommand::Show(_) => Work::Look,
        },
        Command::Transfer(command) => match command {
            TransferCommand::Send { .. } | TransferCommand::Begin { .. } => Work::Own,
            TransferCommand::Post { .. } | TransferCommand::Void { .. } => Work::OwnOrFunds,
        },
        Command::Gift(command) => match command {
            GiftCommand::Give { .. } | GiftCommand::Accept { .. } | GiftCommand::Decline { .. } => Work::Own,
            GiftCommand::Return(_) => Work::OwnOrServe,
            GiftCommand::Show(_) | GiftCommand::List { .. } => Work::Look,
        },
        Command::Mandate(command) => match command {
            MandateCommand::Grant { .. } | MandateCommand::Revoke { .. } => Work::Own,
            MandateCommand::Show { .. } => Work::Look,
        },
        Command::Merchant(command) => match command {
            MerchantCommand::Register { .. } | MerchantCommand::Unregister { .. } => Work::Funds,
            MerchantCommand::Withhold { .. }
            | MerchantCommand::Provide { .. }
            | MerchantCommand::Reverse { .. } => Work::Serve,
            MerchantCommand::ShowOrder { .. } => Work::Look,
        },
        Command::ShowPage { .. }
        | Command::ShowAccount { .. }
        | Command::ShowOffering { .. }
        | Command::ShowCertificate { .. }
        | Command::ShowRequest { .. } => Work::Look,
    }
}

/// The table.
fn may(role: &Role, work: Work) -> bool {
    match role {
        Role::Operator => true,
        Role::FundsManagement => matches!(work, Work::Open | Work::Funds | Work::OwnOrFunds | Work::Look),
        Role::Account { .. } => work != Work::Funds,
        // Whoever sets a password could spend with it, so these may not.
        Role::Supplier { .. } => matches!(work, Work::Supply | Work::Look),
        Role::ProductServer { .. } => matches!(work, Work::Serve | Work::OwnOrServe | Work::Look),
    }
}

/// As whom a key speaks: as the account that it belongs to, as the institution, and an operator as whomever it names.
///
/// # Errors
/// `not_allowed`, where it names somebody else.
pub(in crate::server) fn caller(role: &Role, on_behalf_of: Option<Name>) -> Result<Caller, Refusal> {
    match (role, on_behalf_of) {
        (Role::Operator, Some(account)) => Ok(Caller::Account(account)),
        (Role::Operator | Role::FundsManagement, None) => Ok(Caller::FundsManagement),
        (Role::Account { account } | Role::Supplier { account } | Role::ProductServer { account }, named)
            if named.as_ref().is_none_or(|named| named == account) =>
        {
            Ok(Caller::Account(account.clone()))
        }
        _ => {
            let detail = "names an account that this key does not speak for: leave it out";
            Err(Refusal::new(Code::NotAllowed, "on_behalf_of", detail))
        }
    }
}

/// Judges a command against the table.
///
/// # Errors
/// `not_allowed`.
pub(in crate::server) fn check(role: &Role, command: &Command) -> Result<(), Refusal> {
    allowed(role, work(command))
}

/// True for what changes nothing.
pub(in crate::server) fn looks(command: &Command) -> bool {
    work(command) == Work::Look
}

/// Judges against the table who sets or removes the password of an account: a session only with the current one.
///
/// # Errors
/// `not_allowed`, or `missing` where the current password is.
pub(in crate::server) fn check_password(
    who: &Who,
    caller: &Caller,
    account: &Name,
    with_current: bool,
) -> Result<(), Refusal> {
    allowed(&who.role, Work::Password)?;
    if matches!(caller, Caller::Account(own) if own != account) {
        return Err(Refusal::new(Code::NotAllowed, "account", "is not the one that this key speaks for"));
    }
    if who.has_logged_in() && !with_current {
        let detail = "is left out: a session changes a password only with it";
        return Err(Refusal::new(Code::Missing, "current_password", detail));
    }
    Ok(())
}

fn allowed(role: &Role, work: Work) -> Result<(), Refusal> {
    if may(role, work) {
        return Ok(());
    }
    let detail = format!("has the role {}, which does not send this", role.text());
    Err(Refusal::new(Code::NotAllowed, "key", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::json::CommandBody;

    fn roles() -> [Role; 5] {
        let account = || Name::new("ann").unwrap();
        [
            Role::Operator,
            Role::FundsManagement,
            Role::Account { account: account() },
            Role::Supplier { account: account() },
            Role::ProductServer { account: account() },
        ]
    }

    /// Each command with who may send it: operator, funds management, account, supplier, product server.
    const TABLE: &[(&str, &str)] = &[
        (r#"{"open_account":{"account":"ann","currency":"USD"}}"#, "yyynn"),
        (r#"{"deposit":{"account":"ann","amount":"1","currency":"USD"}}"#, "yynnn"),
        (r#"{"cash_out":{"account":"ann","amount":"1","currency":"USD"}}"#, "yynnn"),
        (r#"{"set_credit_limit":{"account":"ann","credit_limit":"1","currency":"USD"}}"#, "yynnn"),
        (r#"{"freeze":{"account":"ann"}}"#, "yynnn"),
        (r#"{"unfreeze":{"account":"ann"}}"#, "yynnn"),
        (r#"{"close":{"account":"ann"}}"#, "yyynn"),
        (r#"{"accept_gifts":{"account":"ann","by_itself":true}}"#, "ynynn"),
        (
            r#"{"issue":{"offering":"o","offer":{"payee":"p","price":"1","currency":"USD","items":1,
                "information":{"product_name":"a","settlement":"b"}}}}"#,
            "ynyyn",
        ),
        (r#"{"publish":{"offering":"o"}}"#, "ynyyn"),
        (
            r#"{"attach_commission":{"offering":"o","terms":{"funded":"5","attached":"1"},"currency":"USD"}}"#,
            "ynyyn",
        ),
        (r#"{"top_up":{"offering":"o","serial":1,"amount":"1","currency":"USD"}}"#, "ynyyn"),
        (r#"{"circulate":{"offering":"o"}}"#, "ynynn"),
        (r#"{"acquire":{"offering":"o","serial":1}}"#, "ynynn"),
        (r#"{"purchase":{"offering":"o"}}"#, "ynynn"),
        (r#"{"reserve":{"offering":"o"}}"#, "ynynn"),
        (r#"{"pay_reservation":{"offering":"o","serial":1}}"#, "ynynn"),
        (r#"{"cancel_reservation":{"offering":"o","serial":1}}"#, "ynynn"),
        (r#"{"refund":{"offering":"o","serial":1}}"#, "ynyyn"),
        (r#"{"transfer":{"to":"b","amount":"1","currency":"USD"}}"#, "ynynn"),
        (r#"{"begin_transfer":{"to":"b","amount":"1","currency":"USD"}}"#, "ynynn"),
        (r#"{"post_transfer":{"from":"a","transfer":"t","amount":"1","currency":"USD"}}"#, "yyynn"),
        (r#"{"void_transfer":{"from":"a","transfer":"t"}}"#, "yyynn"),
        (r#"{"issue_payment":{"amount":"1","currency":"USD"}}"#, "ynyyn"),
        (r#"{"receive_payment":{"issuer":"a","payment":"p"}}"#, "ynynn"),
        (r#"{"reject_payment":{"issuer":"a","payment":"p"}}"#, "ynynn"),
        (r#"{"release_payment":{"issuer":"a","payment":"p","amount":"1","currency":"USD"}}"#, "yynnn"),
        (r#"{"void_payment":{"issuer":"a","payment":"p"}}"#, "yynnn"),
        (
            r#"{"give":{"recipient":"b","object":{"certificate":{"offering":"o","serial":1}},"price":"1",
                "currency":"USD"}}"#,
            "ynynn",
        ),
        (r#"{"accept_gift":{"donor":"a","gift":"g"}}"#, "ynynn"),
        (r#"{"decline_gift":{"donor":"a","gift":"g"}}"#, "ynynn"),
        (r#"{"return_gift":{"recipient":"b","donor":"a","gift":"g"}}"#, "ynyny"),
        (
            r#"{"grant_mandate":{"merchant":"m","amount_max":"2","amount_max_per_use":"1","currency":"USD"}}"#,
            "ynynn",
        ),
        (r#"{"revoke_mandate":{"mandate":"m"}}"#, "ynynn"),
        (r#"{"register_merchant":{"merchant":"m","payee":"p"}}"#, "yynnn"),
        (r#"{"unregister_merchant":{"merchant":"m"}}"#, "yynnn"),
        (
            r#"{"withhold":{"order":"o","amount":"1","currency":"USD",
                "from":{"mandate":{"recipient":"b","mandate":"m"}}}}"#,
            "ynyny",
        ),
        (r#"{"provide":{"order":"o"}}"#, "ynyny"),
        (r#"{"reverse_order":{"order":"o"}}"#, "ynyny"),
        (r#"{"show_account":{"account":"ann"}}"#, "yyyyy"),
        (r#"{"show_offering":{"offering":"o"}}"#, "yyyyy"),
        (r#"{"show_certificate":{"offering":"o","serial":1}}"#, "yyyyy"),
        (r#"{"show_account_request":{"account":"ann","request":"r"}}"#, "yyyyy"),
        (r#"{"show_offering_request":{"offering":"o","request":"r"}}"#, "yyyyy"),
        (r#"{"show_certificate_request":{"offering":"o","serial":1,"request":"r"}}"#, "yyyyy"),
        (r#"{"show_gift":{"recipient":"b","donor":"a","gift":"g"}}"#, "yyyyy"),
        (r#"{"list_gifts":{}}"#, "yyyyy"),
        (r#"{"show_payment":{"issuer":"a","payment":"p"}}"#, "yyyyy"),
        (r#"{"show_mandate":{"mandate":"m"}}"#, "yyyyy"),
        (r#"{"show_order":{"order":"o"}}"#, "yyyyy"),
    ];

    #[test]
    fn every_cell_of_the_table_is_as_it_is_written() {
        for (json, expected) in TABLE {
            let body: CommandBody = serde_json::from_str(json).unwrap();
            let (command, _) = body.command().unwrap();
            let found: String =
                roles().iter().map(|role| if check(role, &command).is_ok() { 'y' } else { 'n' }).collect();
            assert_eq!(&found, expected, "{json}");
        }
    }

    /// Setting and removing a password, in the order of `TABLE`.
    const PASSWORDS: &str = "ynynn";

    #[test]
    fn a_password_is_its_accounts_and_an_operators_and_a_session_gives_the_current_one() {
        let name = |text: &str| Name::new(text).unwrap();
        for (role, expected) in roles().into_iter().zip(PASSWORDS.chars()) {
            let speaks = caller(&role, None).unwrap();
            let judged = |by_session, account: &str, with_current| {
                let role = role.clone();
                let who = if by_session { Who::by_session(role) } else { Who::by_key(role, &"1".into()) };
                check_password(&who, &speaks, &name(account), with_current).map_err(|refusal| refusal.code)
            };
            let own = if expected == 'y' { Ok(()) } else { Err(Code::NotAllowed) };
            let others = if role == Role::Operator { Ok(()) } else { Err(Code::NotAllowed) };
            for with_current in [true, false] {
                assert_eq!(judged(false, "ann", with_current), own, "{role:?}");
                assert_eq!(judged(false, "ben", with_current), others, "{role:?}");
            }
            if matches!(role, Role::Account { .. }) {
                assert_eq!(judged(true, "ann", true), Ok(()));
                assert_eq!(judged(true, "ann", false), Err(Code::Missing));
                assert_eq!(judged(true, "ben", true), Err(Code::NotAllowed));
            }
        }
        // An operator that speaks for one account sets no other's.
        let operator = Who::by_key(Role::Operator, &"1".into());
        let as_ann = caller(&Role::Operator, Some(name("ann"))).unwrap();
        assert_eq!(check_password(&operator, &as_ann, &name("ann"), false), Ok(()));
        assert!(check_password(&operator, &as_ann, &name("ben"), false).is_err());
    }

    #[test]
    fn every_command_is_in_the_table() {
        for command in CommandBody::names() {
            let listed = TABLE.iter().any(|(json, _)| json.starts_with(&format!("{{\"{command}\":")));
            assert!(listed, "{command} is not in the table");
        }
    }

    #[test]
    fn a_key_speaks_for_its_own_account_and_an_operators_for_anyone() {
        let named = |text: &str| Some(Name::new(text).unwrap());
        for role in roles() {
            let own =
                matches!(role, Role::Account { .. } | Role::Supplier { .. } | Role::ProductServer { .. });
            let of = |account: &str| Caller::Account(Name::new(account).unwrap());
            let alone = if own { of("ann") } else { Caller::FundsManagement };
            assert_eq!(caller(&role, None), Ok(alone), "{role:?}");
            let as_ann = caller(&role, named("ann"));
            assert_eq!(as_ann.is_ok(), own || role == Role::Operator, "{role:?}");
            assert_eq!(caller(&role, named("ben")).is_ok(), role == Role::Operator, "{role:?}");
        }
    }
}
