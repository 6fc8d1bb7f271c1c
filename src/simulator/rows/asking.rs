//! Who has lost an answer asks for it by the request's id alone (I12).

use super::every_command::script;
use crate::domain::{
    Caller, Code, Command, Done, GiftCommand, MandateCommand, MerchantCommand, Message, Name, PaymentCommand,
    RequestAt, RequestId, Serial, TransferCommand,
};
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

/// To whom a message is addressed, as its sender names it.
fn addressee(message: &Message) -> RequestAt {
    let own = || match &message.caller {
        Caller::Account(name) => RequestAt::Account(name.clone()),
        Caller::FundsManagement => panic!("the institution has no account: {message:?}"),
    };
    let account = |name: &Name| RequestAt::Account(name.clone());
    let certificate = |offering: &Name, serial: &Serial| RequestAt::Certificate(offering.clone(), *serial);
    match &message.command {
        Command::OpenAccount { account: name, .. }
        | Command::Deposit { account: name, .. }
        | Command::CashOut { account: name, .. }
        | Command::SetCreditLimit { account: name, .. }
        | Command::Status { account: name, .. } => account(name),
        Command::Issue { offering, .. }
        | Command::Publish { offering, .. }
        | Command::AttachCommission { offering, .. } => RequestAt::Offering(offering.clone()),
        Command::Circulate { offering, serial, .. }
        | Command::Purchase { offering, serial, .. }
        | Command::Reserve { offering, serial, .. } => match serial {
            Some(serial) => certificate(offering, serial),
            None => RequestAt::Offering(offering.clone()),
        },
        Command::Acquire { offering, serial }
        | Command::PayReservation { offering, serial }
        | Command::CancelReservation { offering, serial }
        | Command::Refund { offering, serial } => certificate(offering, serial),
        Command::Payment(command) => match command {
            PaymentCommand::Issue { .. } => own(),
            PaymentCommand::Receive(reference)
            | PaymentCommand::Reject(reference)
            | PaymentCommand::Release { reference, .. }
            | PaymentCommand::Void(reference)
            | PaymentCommand::Show(reference) => account(&reference.issuer),
        },
        Command::Transfer(TransferCommand::Post { from, .. } | TransferCommand::Void { from, .. }) => {
            account(from)
        }
        Command::Gift(GiftCommand::Return(reference)) => account(&reference.recipient),
        Command::Merchant(
            MerchantCommand::Register { merchant, .. } | MerchantCommand::Unregister { merchant },
        ) => account(merchant),
        Command::Mandate(MandateCommand::Grant { .. } | MandateCommand::Revoke { .. }) => own(),
        Command::Transfer(_) | Command::Gift(_) | Command::Merchant(_) | Command::TopUp { .. } => own(),
        other => panic!("it only looks: {other:?}"),
    }
}

fn asking(message: &Message) -> Message {
    let command = Command::ShowRequest { at: addressee(message), request: message.request_id.clone() };
    Message { caller: message.caller.clone(), request_id: RequestId::new("look").unwrap(), command }
}

fn orders(message: &Message) -> bool {
    let Command::Merchant(command) = &message.command else { return false };
    matches!(command, MerchantCommand::Withhold { .. } | MerchantCommand::Provide { .. })
}

#[test]
fn whoever_has_lost_an_answer_is_told_it_by_the_id_alone() {
    // I12
    let (mut stage, messages) = script();
    let answers: Vec<_> = messages.iter().map(|message| stage.send(message).unwrap()).collect();
    let records = stage.records();
    let told = |stage: &mut Stage| {
        for (message, answer) in messages.iter().zip(&answers) {
            match stage.send(&asking(message)) {
                Ok(Done::Request(Some(done))) => assert_eq!(*done, *answer, "{message:?}"),
                // Of an order its merchant remembers only that it was asked.
                Ok(Done::Request(None)) => assert!(orders(message), "{message:?}"),
                other => panic!("{message:?}: {other:?}"),
            }
        }
        assert_eq!(stage.records(), records, "looking leaves no record");
    };
    told(&mut stage);
    told(&mut stage.restarted_at(records));
}

#[test]
fn what_was_refused_or_never_sent_or_is_somebody_elses_is_unknown() {
    // I12: a refused id is not remembered
    let (mut stage, messages) = script();
    stage.send(&open("outsider", 0)).unwrap();
    for message in &messages {
        if !matches!(message.command, Command::OpenAccount { .. } | Command::Issue { .. }) {
            stage.send(message).unwrap();
            let outsider = Message { caller: Caller::Account(name("outsider")), ..asking(message) };
            assert_eq!(refuses(&mut stage, &outsider), Code::UnknownRequest, "{message:?}");
            let never = Command::ShowRequest {
                at: addressee(message),
                request: RequestId::new("never sent").unwrap(),
            };
            let never = Message { command: never, ..asking(message) };
            assert_eq!(refuses(&mut stage, &never), Code::UnknownRequest, "{message:?}");
        } else {
            stage.send(message).unwrap();
        }
    }
    let refused = with_id(purchase("buyer", "tea", 0), "too late");
    assert_eq!(refuses(&mut stage, &refused), Code::SoldOut);
    assert_eq!(refuses(&mut stage, &asking(&refused)), Code::UnknownRequest);
}

#[test]
fn who_asks_while_it_is_under_way_waits_for_the_answer() {
    // I12
    let mut told = 0;
    for luck in 0..20 {
        let (stage, messages) = script();
        let mut stage = stage.with_luck(luck);
        for message in messages {
            let both = stage.send_all(&[message.clone(), asking(&message)]);
            let answer = both[0].clone().unwrap();
            match &both[1] {
                Ok(Done::Request(Some(done))) => {
                    assert_eq!(**done, answer, "luck {luck}: {message:?}");
                    told += 1;
                }
                Ok(Done::Request(None)) => assert!(orders(&message), "luck {luck}: {message:?}"),
                // It came before the other one, or while its chain was being looked for.
                Err(refusal) => assert!(
                    matches!(
                        refusal.code,
                        Code::UnknownRequest
                            | Code::UnknownAccount
                            | Code::UnknownOffering
                            | Code::Overloaded
                    ),
                    "luck {luck}: {message:?}: {refusal:?}"
                ),
                other => panic!("luck {luck}: {message:?}: {other:?}"),
            }
        }
    }
    assert!(told > 300, "{told}");
}
