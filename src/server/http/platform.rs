//! The platforms: what is published, what an account has circulated, and what a page link opens.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::head::{on_behalf_of, query, role};
use super::reply::response;
use crate::domain::{Code, Currency, Done, Money, MoneyError, Name, PageLink, Refusal};
use crate::limits::PAGE_ENTRIES_MAX;
use crate::server::door::{Door, currency_of_offering, within};
use crate::server::identity::rights;
use crate::server::json::{AnswerBody, Names, Problem, ProblemCode, Within, malformed, time_text};
use crate::{Engine, LinkedPage, PlatformCursor, PlatformQuery, Shown};

/// How many rows a page has where nothing is said.
const LIMIT: usize = 100;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    #[serde(default)]
    words: String,
    currency: Option<Currency>,
    price_min: Option<String>,
    price_max: Option<String>,
    #[schemars(with = "Option<bool>")]
    with_commission: Option<String>,
    #[schemars(with = "Option<bool>")]
    in_stock: Option<String>,
    #[schemars(with = "Option<u16>", range(min = 1, max = PAGE_ENTRIES_MAX))]
    limit: Option<String>,
    #[schemars(regex(pattern = "^[0-9]{1,18}$"))]
    cursor: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    #[schemars(with = "Option<u16>", range(min = 1, max = PAGE_ENTRIES_MAX))]
    limit: Option<String>,
    #[schemars(regex(pattern = "^[0-9]{1,9}$"))]
    cursor: Option<String>,
}

/// A page of anything.
#[derive(Serialize)]
struct PageBody<Row> {
    data: Vec<Row>,
    next_cursor: Option<String>,
    has_more: bool,
}

#[derive(JsonSchema, Serialize)]
pub(super) struct RowBody {
    offering: Name,
    link: String,
    #[serde(flatten)]
    shown: ShownBody,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownBody {
    /// Everything, live.
    Live(Box<AnswerBody>),
    /// Nothing but name and link.
    AcquisitionInformation {},
    /// As it was when it was published.
    AsPublished { at: String, currency: Currency, price: String, left: u32 },
}

#[derive(JsonSchema, Serialize)]
pub(super) struct LinkedBody {
    offering: Name,
    certificate: Option<AnswerBody>,
}

/// The engine, for whoever has a key.
fn engine<'door>(door: &'door Door, request: &HttpRequest) -> Result<&'door Engine, Problem> {
    let role = role(door, request)?;
    door.identity().pace(&role)?;
    rights::caller(&role, on_behalf_of(request)?)?;
    door.engine()
}

/// `GET /v1/platform`.
pub(super) async fn search(door: Data<Door>, request: HttpRequest) -> HttpResponse {
    response(
        within(async {
            let engine = engine(&door, &request)?;
            let asked: SearchQuery = read_query(&request)?;
            let amount = |field: &'static str, text: Option<String>| -> Result<Option<Money>, Refusal> {
                let Some(text) = text else { return Ok(None) };
                let missing =
                    || Refusal::new(Code::Missing, "currency", "is left out: prices are compared in one");
                let currency = asked.currency.ok_or_else(missing)?;
                let refused = |error: MoneyError| Refusal::new(Code::NotANumber, field, error.to_string());
                Money::parse(&text, currency).map(Some).map_err(refused)
            };
            let looked_for = PlatformQuery {
                words: asked.words,
                currency: asked.currency,
                price_min: amount("price_min", asked.price_min)?,
                price_max: amount("price_max", asked.price_max)?,
                with_commission: flag("with_commission", asked.with_commission.as_deref())?,
                in_stock: flag("in_stock", asked.in_stock.as_deref())?,
            };
            let after = PlatformCursor(crate::domain::ActorNumber(cursor(asked.cursor.as_deref())?));
            let page = engine.platform(&looked_for, after, limit(asked.limit.as_deref())?).await?;
            let row = |row: crate::PlatformRow| RowBody {
                offering: row.name,
                link: row.link.to_string(),
                shown: match row.shown {
                    Shown::Certificate(view) => {
                        let currency = view.currency;
                        ShownBody::Live(Box::new(AnswerBody::of(
                            Done::Offering(view),
                            currency,
                            &Names::default(),
                        )))
                    }
                    Shown::AcquisitionInformation => ShownBody::AcquisitionInformation {},
                    Shown::Snapshot(frozen, currency) => ShownBody::AsPublished {
                        at: time_text(frozen.at),
                        currency,
                        price: frozen.price.format(currency),
                        left: frozen.left,
                    },
                },
            };
            Ok(PageBody {
                data: page.rows.into_iter().map(row).collect(),
                next_cursor: page.next.map(|next| next.0.0.to_string()),
                has_more: page.next.is_some(),
            })
        })
        .await,
    )
}

/// `GET /v1/accounts/{account}/page`.
pub(super) async fn private(door: Data<Door>, request: HttpRequest, account: &str) -> HttpResponse {
    response(
        within(async {
            let engine = engine(&door, &request)?;
            let asked: PageQuery = read_query(&request)?;
            let account = Name::new(account)?;
            let (skip, most) = (cursor(asked.cursor.as_deref())?, limit(asked.limit.as_deref())?);
            let skip = u32::try_from(skip).map_err(|_| wrong_cursor())?;
            let page = engine.private_platform(&account, skip, most).await?;
            let behind = skip.saturating_add(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
            let mut data = Vec::with_capacity(page.rows.len());
            for row in page.rows {
                data.push(linked(engine, row).await?);
            }
            let has_more = behind < page.entries && !data.is_empty();
            Ok(PageBody { data, next_cursor: has_more.then(|| behind.to_string()), has_more })
        })
        .await,
    )
}

/// `GET /v1/links/{link}`.
pub(super) async fn link(door: Data<Door>, request: HttpRequest, link: &str) -> HttpResponse {
    response(
        within(async {
            let engine = engine(&door, &request)?;
            linked(engine, engine.open_link(PageLink::parse(link)?).await?).await
        })
        .await,
    )
}

async fn linked(engine: &Engine, page: LinkedPage) -> Result<LinkedBody, Problem> {
    let LinkedPage { offering, certificate } = page;
    let Some(view) = certificate else { return Ok(LinkedBody { offering, certificate: None }) };
    let currency = currency_of_offering(engine, &offering).await?;
    let done = Done::Certificate(Box::new(view));
    let names = Names::in_answer(engine, &done).await;
    Ok(LinkedBody { offering, certificate: Some(AnswerBody::of(done, currency, &names)) })
}

pub(super) fn read_query<T: for<'de> Deserialize<'de>>(request: &HttpRequest) -> Result<T, Problem> {
    let mut fields = serde_json::Map::new();
    for (name, value) in query(request.query_string())? {
        if fields.insert(name.clone(), value).is_some() {
            return Err(Problem::new(ProblemCode::Malformed, &name, "is there twice: send it once"));
        }
    }
    serde_path_to_error::deserialize(Value::Object(fields))
        .map_err(|error| malformed(Within::Body, error.path(), &error.inner().to_string()))
}

fn flag(field: &'static str, text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => {
            Err(Problem::new(ProblemCode::Malformed, field, format!("is {text:?}: give true or false")))
        }
    }
}

pub(super) fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(LIMIT) };
    let number = text.parse().ok().filter(|limit| (1..=PAGE_ENTRIES_MAX).contains(limit));
    number.ok_or_else(|| {
        let detail = format!("is {text:?}: give a number from 1 to {PAGE_ENTRIES_MAX}");
        Problem::new(ProblemCode::Malformed, "limit", detail)
    })
}

fn cursor(text: Option<&str>) -> Result<u64, Problem> {
    text.map_or(Ok(0), |text| text.parse().map_err(|_| wrong_cursor()))
}

fn wrong_cursor() -> Problem {
    let detail = "is not the next_cursor of a page: leave it out to begin anew";
    Problem::new(ProblemCode::Malformed, "cursor", detail)
}
