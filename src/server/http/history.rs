//! What has become of one account or certificate, newest first, and receipts of purchases.

use std::collections::BTreeMap;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Deserialize;

use super::head::{fields, on_behalf_of, role, who};
use super::platform::{limit, read_query};
use super::reply::response;
use super::resources::read_command;
use super::router::Params;
use crate::domain::{ActorNumber, Code, Currency, Done, Refusal, words};
use crate::limits::PAGE_ENTRIES_MAX;
use crate::receipt::Receipt;
use crate::server::door::{Door, ReadMessage, within};
use crate::server::identity::rights;
use crate::server::json::{CommandBody, HistoryBody, Others, Problem, ProblemCode, Time};
use crate::server::places::Place;
use crate::{Engine, History, HistoryError, HistoryPage, HistoryQuery, NotACursor, WantedRows, Who};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    #[schemars(with = "Option<u16>", range(min = 1, max = PAGE_ENTRIES_MAX))]
    limit: Option<String>,
    #[schemars(regex(pattern = r"^(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,8})\.(x|0|-?[1-9][0-9]{0,17})$"))]
    cursor: Option<String>,
    /// Only what had happened by then; `posted` is as of then, too.
    as_of: Option<Time>,
    /// Only rows of these types, with commas between; all, where it is empty.
    types: Option<String>,
    /// Only rows with these details, with commas between; all, where it is empty.
    details: Option<String>,
}

/// The words that there are for the rows of a history.
struct Words {
    types: &'static [&'static str],
    details: &'static [&'static str],
    is_detail: fn(&str) -> bool,
}

const OF_ACCOUNTS: Words = Words {
    types: words::ACCOUNT_TYPES,
    details: words::ACCOUNT_DETAILS,
    is_detail: words::is_account_detail,
};

const OF_CERTIFICATES: Words = Words {
    types: words::CERTIFICATE_TYPES,
    details: words::CERTIFICATE_DETAILS,
    is_detail: |word| words::CERTIFICATE_DETAILS.contains(&word),
};

impl EntriesQuery {
    fn read(request: &HttpRequest, words: &Words) -> Result<(HistoryQuery, WantedRows), Problem> {
        let asked: EntriesQuery = read_query(request)?;
        let types = listed("types", asked.types.as_deref(), words.types, |word| words.types.contains(&word))?;
        let details = listed("details", asked.details.as_deref(), words.details, words.is_detail)?;
        let after = asked.cursor.map(|cursor| cursor.parse()).transpose();
        let query = HistoryQuery {
            most: limit(asked.limit.as_deref())?,
            after: after.map_err(|error: NotACursor| {
                Problem::new(ProblemCode::Malformed, "cursor", error.to_string())
            })?,
            as_of: Time::point(asked.as_of),
        };
        Ok((query, WantedRows { types, details }))
    }
}

/// Words with commas between, each of which is known.
fn listed(
    field: &str,
    text: Option<&str>,
    known: &[&str],
    is_known: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Problem> {
    // An empty list wants all, as one that is not there.
    let all: Vec<&str> =
        text.filter(|text| !text.is_empty()).into_iter().flat_map(|text| text.split(',')).collect();
    if let Some(unknown) = all.iter().find(|word| !is_known(word)) {
        let unknown: String = unknown.chars().take(100).collect();
        let detail = format!("has {unknown:?}: give some of {}", known.join(", "));
        return Err(Problem::new(ProblemCode::Malformed, field, detail));
    }
    Ok(all.into_iter().map(str::to_owned).collect())
}

/// `GET /v1/accounts/{account}/entries`.
pub(super) async fn of_account(door: Data<Door>, request: HttpRequest, params: Params) -> HttpResponse {
    response(
        within(async {
            let (engine, shown, _place) = shown(&door, &request, "show_account", params).await?;
            let asked = EntriesQuery::read(&request, &OF_ACCOUNTS)?;
            let Done::Account(view) = shown else { return Err(Problem::from(Refusal::of(Code::Internal))) };
            let (page, others) = read(engine, view.number, None, asked).await?;
            Ok(HistoryBody::of(page, view.currency, &others))
        })
        .await,
    )
}

/// `GET /v1/offerings/{offering}/certificates/{serial}/entries`.
pub(super) async fn of_certificate(door: Data<Door>, request: HttpRequest, params: Params) -> HttpResponse {
    response(
        within(async {
            let (engine, shown, _place) = shown(&door, &request, "show_certificate", params).await?;
            let asked = EntriesQuery::read(&request, &OF_CERTIFICATES)?;
            let Done::Certificate(view) = shown else {
                return Err(Problem::from(Refusal::of(Code::Internal)));
            };
            let certificate = view.offering.certificate(view.serial);
            let (page, others) = read(engine, certificate, Some(view.offering), asked).await?;
            let currency = match others.alive.get(&view.offering) {
                Some(Who::Offering(_, currency)) => *currency,
                _ => Currency::USD,
            };
            Ok(HistoryBody::of(page, currency, &others))
        })
        .await,
    )
}

/// `GET /v1/offerings/{offering}/certificates/{serial}/receipt`.
pub(super) async fn receipt(door: Data<Door>, request: HttpRequest, params: Params) -> HttpResponse {
    let written: Result<Receipt, Problem> = within(async {
        let role = role(&door, &request)?;
        door.identity().pace(&role)?;
        let caller = rights::caller(&role, on_behalf_of(&request)?)?;
        let engine = door.engine()?;
        let _place = door.histories().take(role.account().cloned())?;
        let body = read_command("show_certificate", &fields(params)?, &[], "")?;
        let CommandBody::ShowCertificate { offering, serial, .. } = body else {
            return Err(Problem::from(Refusal::of(Code::Internal)));
        };
        let unwritten = engine.receipt(&caller, &offering, serial).await?;
        in_the_background(move || unwritten.write()).await
    })
    .await;
    response(written)
}

/// What a look shows to whoever asks, where that may be seen.
async fn shown<'door>(
    door: &'door Door,
    request: &HttpRequest,
    command: &str,
    params: Params,
) -> Result<(&'door Engine, Done, Place), Problem> {
    let who = who(door, request)?;
    let engine = door.engine()?;
    let body = read_command(command, &fields(params)?, &[], "")?;
    let asked = door.message(engine, &who, ReadMessage::look(on_behalf_of(request)?, body)?)?;
    let place = door.histories().take(who.role.account().cloned())?;
    Ok((engine, engine.send(asked.message).await?, place))
}

/// Reads a page, and who is on the other side of its rows; `also` is wanted in any case.
async fn read(
    engine: &Engine,
    number: ActorNumber,
    also: Option<ActorNumber>,
    (asked, wanted): (HistoryQuery, WantedRows),
) -> Result<(HistoryPage, Others), Problem> {
    let mut history = engine.history(number)?.only(wanted);
    let (page, alive) = in_the_background(move || {
        let page = history.page(&asked)?;
        let alive = alive(&history, &page, also)?;
        Ok((page, alive))
    })
    .await?;
    // A certificate that was set apart and has not come to life knows nothing of itself.
    let named = distinct(page.rows.iter().filter_map(|row| row.with));
    let unborn = named.into_iter().filter(|number| !alive.contains_key(number));
    let unborn = unborn.filter_map(|number| Some((number, engine.published_certificate(number)?))).collect();
    Ok((page, Others { alive, unborn }))
}

fn alive(
    history: &History,
    page: &HistoryPage,
    also: Option<ActorNumber>,
) -> Result<BTreeMap<ActorNumber, Who>, HistoryError> {
    let named = page.rows.iter().filter_map(|row| row.with).chain(also);
    let numbers: Vec<ActorNumber> = distinct(named);
    let mut alive = history.who(&numbers)?;
    let offerings = alive.values().filter_map(|who| match who {
        Who::Certificate(offering, _) => Some(*offering),
        _ => None,
    });
    let offerings = distinct(offerings.filter(|offering| !alive.contains_key(offering)));
    alive.extend(history.who(&offerings)?);
    Ok(alive)
}

fn distinct(numbers: impl Iterator<Item = ActorNumber>) -> Vec<ActorNumber> {
    let mut numbers: Vec<ActorNumber> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Reads files on a thread that may wait.
async fn in_the_background<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, Problem> {
    let read = web::block(read).await.map_err(|_| Problem::from(Refusal::of(Code::Stopped)))?;
    read.map_err(problem)
}

fn problem(error: HistoryError) -> Problem {
    match error {
        HistoryError::Lapsed { .. } => Problem::new(ProblemCode::Lapsed, "", error.to_string()),
        // It has the form of one.
        HistoryError::NotACursor(_) => {
            Problem::from(Refusal::new(Code::BadValue, "cursor", error.to_string()))
        }
        HistoryError::TooLong { .. } => Problem::new(ProblemCode::TooLong, "", error.to_string()),
        HistoryError::DrawsOpen => Problem::new(ProblemCode::DrawsOpen, "", error.to_string()),
        HistoryError::Refused(refusal) => Problem::from(refusal),
        HistoryError::Receipt(_) => {
            tracing::error!(%error, "a receipt cannot be made");
            Problem::from(Refusal::new(Code::Internal, "", "no receipt can be made of this history"))
        }
        HistoryError::Journal(_) => {
            tracing::error!(%error, "a history cannot be read");
            Problem::new(ProblemCode::Unreadable, "", "the journal cannot be read where this history stands")
        }
    }
}
