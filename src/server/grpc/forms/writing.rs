//! What goes out: answers, problems and sessions.

use std::ops::Range;

use prost::Message as _;
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

/// The answers to a batch as they stand in the stream.
pub(in crate::server::grpc) struct WrittenAnswers(Vec<u8>);

impl WrittenAnswers {
    /// As prost writes `proto::Answers`.
    pub(in crate::server::grpc) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Writes the answers to a batch, or why nothing of it was begun. One that says the same as the one before, as in a rush that is
/// over, is copied from there.
pub(in crate::server::grpc) fn answers(
    id: u64,
    outcomes: Result<Vec<batch::Outcome>, Problem>,
) -> WrittenAnswers {
    let (outcomes, refused) = match outcomes {
        Ok(outcomes) => (outcomes, None),
        Err(why) => (Vec::new(), Some(problem(&why))),
    };
    let mut bytes = proto::Answers { id, answers: Vec::new(), problem: refused }.encode_to_vec();
    bytes.reserve(outcomes.len() * ANSWER_BYTES);
    let mut last: Option<(Problem, Range<usize>)> = None;
    for outcome in outcomes {
        let own = outcome.plain_problem().cloned();
        if let (Some(own), Some((known, place))) = (&own, &last)
            && own.is(known)
        {
            bytes.extend_from_within(place.clone());
            continue;
        }
        let from = bytes.len();
        bytes.push(ANSWERS_KEY);
        let answer = answer(outcome);
        // A vector takes whatever is written into it.
        let _ = prost::encode_length_delimiter(answer.encoded_len(), &mut bytes);
        let _ = answer.encode(&mut bytes);
        last = own.map(|own| (own, from..bytes.len()));
    }
    WrittenAnswers(bytes)
}

/// The key of `proto::Answers::answers`: field 2, of which each has its length before it.
const ANSWERS_KEY: u8 = 2 << 3 | 2;

/// Most answers have no more bytes.
const ANSWER_BYTES: usize = 64;

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
    fn answers_are_written_as_prost_writes_them() {
        let sold_out = Problem::from(Refusal::of(Code::SoldOut));
        let outcomes = || {
            let refused = |problem: &Problem| batch::Outcome::refused(problem.clone());
            let issued = |replayed| batch::Outcome {
                answer: Ok(AnswerBody::Issued { items: 7 }),
                replayed,
                shown: None,
            };
            let other = Problem::from(Refusal::new(Code::BadValue, "items", "is 0"));
            let replayed = batch::Outcome { replayed: true, ..refused(&sold_out) };
            vec![
                refused(&sold_out),
                refused(&sold_out),
                replayed,
                refused(&sold_out),
                issued(false),
                refused(&sold_out),
                refused(&other),
                refused(&Problem::from(Refusal::of(Code::SoldOut))),
                issued(true),
            ]
        };
        for id in [0, 7, u64::MAX] {
            let formed = outcomes().into_iter().map(answer).collect();
            let expected = proto::Answers { id, answers: formed, problem: None };
            assert_eq!(answers(id, Ok(outcomes())).bytes(), expected.encode_to_vec());
            let none = proto::Answers { id, answers: Vec::new(), problem: None };
            assert_eq!(answers(id, Ok(Vec::new())).bytes(), none.encode_to_vec());
            let refused = proto::Answers { id, answers: Vec::new(), problem: Some(problem(&sold_out)) };
            assert_eq!(answers(id, Err(sold_out.clone())).bytes(), refused.encode_to_vec());
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
