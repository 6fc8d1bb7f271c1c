//! What goes out: answers, problems and sessions.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{Code, Refusal, Timestamp};
use crate::proto;
use crate::proto::answer::Outcome;
use crate::server::batch;
use crate::server::identity::Session;
use crate::server::json::{AnswerBody, CommissionBody, Problem, time_text};

/// Writes an answer.
pub(in crate::server::grpc) fn answer(
    batch::Outcome { answer, replayed, shown }: batch::Outcome,
) -> proto::Answer {
    let outcome = match answer {
        Ok(answer) => done(answer).unwrap_or_else(|error| {
            Outcome::Problem(problem(&Problem::from(Refusal::new(
                Code::Internal,
                "answer",
                error.to_string(),
            ))))
        }),
        Err(why) => Outcome::Problem(problem(&why)),
    };
    // What does not encode is left out: nothing of it does not.
    let shown = shown.and_then(|shown| view(&shown).ok());
    proto::Answer { outcome: Some(outcome), replayed, shown }
}

fn done(answer: AnswerBody) -> Result<Outcome, serde_json::Error> {
    match answer {
        AnswerBody::Circulated { serial, hop, first, currency, attached, promise, withdrawn } => {
            Ok(Outcome::Circulated(proto::Circulated {
                serial,
                hop,
                first,
                currency: currency.to_string(),
                attached: attached.into_text(),
                promise: promise.into_text(),
                withdrawn,
            }))
        }
        AnswerBody::Purchased { serial, currency, price, commission, credits_left } => {
            Ok(Outcome::Purchased(proto::Purchased {
                serial,
                currency: currency.to_string(),
                price: price.into_text(),
                commission: Some(commission_of(commission)),
                credits_left,
            }))
        }
        AnswerBody::Request { answer } => {
            let answer = answer.map(|answer| done(*answer)).transpose()?;
            let answer = answer.map(|outcome| proto::Answer { outcome: Some(outcome), ..Default::default() });
            Ok(Outcome::Request(Box::new(proto::RequestView { answer: answer.map(Box::new) })))
        }
        shown if shown.is_view() => view(&shown),
        other => serde_json::from_value(serde_json::to_value(&other)?),
    }
}

/// Members that are names, or numbers where the engine could not look.
const NAMES: [&str; 11] = [
    "account",
    "backs",
    "beneficiary",
    "buyer",
    "donor",
    "linked",
    "merchant",
    "offering",
    "payee",
    "private_page",
    "recipient",
];

/// The form of something that is shown.
fn view<Form: DeserializeOwned>(shown: &impl Serialize) -> Result<Form, serde_json::Error> {
    let mut value = serde_json::to_value(shown)?;
    make_a_form_of(&mut value);
    serde_json::from_value(value)
}

/// Of JSON what a form can have: a choice that is one word is left out, whose private page it was stands beside `via`, and a name
/// that the engine could not look up is empty.
fn make_a_form_of(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(make_a_form_of),
        Value::Object(members) => {
            let page = members.get_mut("via").and_then(|via| via.get_mut("private_page")).map(Value::take);
            if let Some(page) = page {
                members.insert("via".to_owned(), Value::from("private_page"));
                members.insert("private_page".to_owned(), page);
            }
            for (name, value) in members {
                match value {
                    Value::String(_) if matches!(&**name, "increase" | "take") => *value = Value::Null,
                    Value::Number(_) if NAMES.contains(&&**name) => *value = Value::from(""),
                    _ => make_a_form_of(value),
                }
            }
        }
        _ => {}
    }
}

fn commission_of(commission: CommissionBody) -> proto::Commission {
    match commission {
        CommissionBody::None => proto::Commission { became: "none".to_owned(), ..Default::default() },
        CommissionBody::Settled { cashed, promises, returned } => proto::Commission {
            became: "settled".to_owned(),
            cashed: Some(cashed.into_text()),
            promises: Some(promises),
            returned: Some(returned.into_text()),
            factors: Vec::new(),
        },
        CommissionBody::Withdrawn { factors, returned } => proto::Commission {
            became: "withdrawn".to_owned(),
            cashed: None,
            promises: None,
            returned: Some(returned.into_text()),
            factors: factors.into_iter().map(str::to_owned).collect(),
        },
    }
}

/// Writes a session.
pub(in crate::server::grpc) fn session(Session { token, account, expires_at_ms }: Session) -> proto::Session {
    let (account, expires_at) = (account.as_str().to_owned(), time_text(Timestamp(expires_at_ms)));
    proto::Session { token, account, expires_at }
}

/// Writes a problem.
pub(in crate::server::grpc) fn problem(problem: &Problem) -> proto::Problem {
    let (code, field, detail) = problem.parts();
    // Most that are refused are refused by a code alone, whose advice is their detail: once is enough.
    let advice = if problem.advice() == detail { "" } else { problem.advice() };
    proto::Problem {
        code: code.to_owned(),
        status: u32::from(problem.status()),
        field: field.to_owned(),
        detail: detail.to_owned(),
        retryable: problem.retryable(),
        definite: problem.definite(),
        advice: advice.to_owned(),
        retry_after: problem.retry_after(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_form() {
        let text = include_str!("../../../../proto/hongbao.proto");
        for answer in AnswerBody::names() {
            assert!(text.contains(&format!(" {answer} = ")), "{answer} has no form");
        }
    }

    #[test]
    fn a_name_that_could_not_be_looked_up_is_empty_and_a_choice_of_one_word_is_left_out() {
        let mut shown = serde_json::json!({
            "offering": 7, "serial": 1, "number": 7, "linked": "ann",
            "chain": [{ "hop": 1, "account": 8, "via": { "private_page": 9 } }, { "hop": 2, "account": "é", "via": "link" }],
            "terms": { "increase": "equal", "take": { "split": { "hops": 3 } } },
        });
        make_a_form_of(&mut shown);
        assert_eq!(
            shown,
            serde_json::json!({
                "offering": "", "serial": 1, "number": 7, "linked": "ann",
                "chain": [
                    { "hop": 1, "account": "", "via": "private_page", "private_page": "" },
                    { "hop": 2, "account": "é", "via": "link" },
                ],
                "terms": { "increase": null, "take": { "split": { "hops": 3 } } },
            })
        );
    }
}
