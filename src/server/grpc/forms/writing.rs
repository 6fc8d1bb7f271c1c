//! What goes out: answers, problems and sessions.

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
    let shown = shown.and_then(|shown| Some(proto::View { json: serde_json::to_string(&shown).ok()? }));
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
        shown if shown.is_view() => Ok(Outcome::View(proto::View { json: serde_json::to_string(&shown)? })),
        other => serde_json::from_value(serde_json::to_value(&other)?),
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
    proto::Problem {
        code: code.to_owned(),
        status: u32::from(problem.status()),
        field: field.to_owned(),
        detail: detail.to_owned(),
        retryable: problem.retryable(),
        definite: problem.definite(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_form() {
        let text = include_str!("../../../../proto/hongbao.proto");
        for answer in AnswerBody::names() {
            let shown = AnswerBody::VIEWS.contains(&&*answer);
            assert!(shown || text.contains(&format!(" {answer} = ")), "{answer} has no form");
        }
    }
}
