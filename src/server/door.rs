//! What every way in needs: the engine once it is open, the keys that count, and how what was read becomes a message.
//!
//! Absent on purpose: how a request looks; that is each protocol's own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use tokio::sync::watch;

use super::begun::Begun;
use super::identity::rights;
use super::identity::{Identity, Nobody, Role, Who};
use super::json::{AnswerBody, CommandBody, Names, PAID_FROM, Problem, ProblemCode, is_of_paid_from};
use super::management::Act;
use super::metrics::{DONE, Metrics, OpenConnection, Outcome, Tally, Way};
use super::places::Places;
use super::shown::Show;
use super::webhooks::WebhookFile;
use crate::Engine;
use crate::domain::{
    Answer, Caller, Code, Command, Conditions, Currency, Done, GiftCommand, MerchantCommand, Message, Name,
    PaidFrom, PaymentCommand, Refusal, RequestAt, RequestId, TransferCommand, WithholdFrom,
};
use crate::limits::{
    ANSWER_MS_MAX, DRAIN_LOOKED_AT_MS, DRAIN_SECONDS_MAX, FEED_LISTENERS_MAX, FEED_LISTENERS_OF_ACCOUNT_MAX,
    HISTORIES_MAX, HISTORIES_OF_ACCOUNT_MAX,
};

/// What stands before a key or a token, in letters of any size.
const BEARER: &str = "bearer ";

/// A message as it was read, in whatever form.
pub(super) struct ReadMessage {
    pub(super) request_id: RequestId,
    pub(super) on_behalf_of: Option<Name>,
    /// How many entries the chain of its addressee must have.
    pub(super) if_sequence: Option<u64>,
    /// What its answer is to show beside itself.
    pub(super) show: Vec<Show>,
    pub(super) command: CommandBody,
}

impl ReadMessage {
    /// A look, which needs no key of its own.
    pub(super) fn look(on_behalf_of: Option<Name>, command: CommandBody) -> Result<ReadMessage, Refusal> {
        let request_id = RequestId::new("look")?;
        Ok(ReadMessage { request_id, on_behalf_of, if_sequence: None, show: Vec::new(), command })
    }
}

/// A message that may be sent, what its command is called, on what it depends, and what its answer is to show.
pub(super) struct Asked {
    pub(super) kind: &'static str,
    pub(super) message: Message,
    pub(super) conditions: Conditions,
    pub(super) show: Vec<Show>,
    /// What it is told as, where it is one of management.
    act: Option<Box<Act>>,
}

/// A request that is being answered, as long as this lives.
pub(super) struct Busy(Data<Door>);

impl Busy {
    pub(super) fn at(door: &Data<Door>) -> Busy {
        door.under_way.fetch_add(1, Ordering::SeqCst);
        Busy(Data::clone(door))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The state behind all handlers.
pub(super) struct Door {
    engine: OnceLock<Engine>,
    identity: Arc<Identity>,
    webhooks: WebhookFile,
    /// Those who are told without end what has happened.
    listeners: Arc<Places>,
    /// Those who read histories and receipts.
    histories: Arc<Places>,
    /// True once the server is to end, for who waits for it, and for who only looks.
    ending: watch::Sender<bool>,
    is_ending: AtomicBool,
    /// True once nothing is waited for any more.
    hurrying: AtomicBool,
    /// What is sent and not answered yet.
    begun: Arc<Begun>,
    /// Requests that are being answered; feeds, which go on without end, are none.
    under_way: AtomicUsize,
    /// The same of each worker's own, so that they do not write to one place.
    under_way_at_workers: Mutex<Vec<Arc<AtomicUsize>>>,
    metrics: Metrics,
}

impl Door {
    pub(super) fn new(identity: Identity, webhooks: WebhookFile) -> Door {
        Door {
            engine: OnceLock::new(),
            identity: Arc::new(identity),
            webhooks,
            listeners: Places::of("events", FEED_LISTENERS_MAX, FEED_LISTENERS_OF_ACCOUNT_MAX),
            histories: Places::of("history", HISTORIES_MAX, HISTORIES_OF_ACCOUNT_MAX),
            ending: watch::Sender::new(false),
            is_ending: AtomicBool::new(false),
            hurrying: AtomicBool::new(false),
            begun: Begun::new(),
            under_way: AtomicUsize::new(0),
            under_way_at_workers: Mutex::default(),
            metrics: Metrics::new(),
        }
    }

    /// Takes the engine, once it is open.
    pub(super) fn open(&self, engine: Engine) {
        assert!(self.engine.set(engine).is_ok(), "an engine is opened once");
    }

    /// The engine.
    ///
    /// # Errors
    /// `not_ready` while it reads its store.
    pub(super) fn engine(&self) -> Result<&Engine, Problem> {
        let not_ready = || Problem::new(ProblemCode::NotReady, "", "the store is being read");
        self.engine.get().ok_or_else(not_ready)
    }

    /// Lets what goes on without end, such as feeds, end.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.ending.send_replace(true);
    }

    /// True once the server is to end.
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    /// Waits until the server is to end.
    pub(super) async fn until_ending(&self) {
        // An error is the end, too.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Lets nobody wait for what is under way.
    pub(super) fn hurry(&self) {
        self.hurrying.store(true, Ordering::SeqCst);
    }

    /// Waits until what is under way is answered, but not for ever.
    pub(super) async fn until_quiet(&self) {
        let begun = Instant::now();
        let quiet = || self.requests_under_way() == 0 || self.hurrying.load(Ordering::SeqCst);
        while !quiet() && begun.elapsed() < Duration::from_secs(DRAIN_SECONDS_MAX) {
            tokio::time::sleep(Duration::from_millis(DRAIN_LOOKED_AT_MS)).await;
        }
    }

    fn requests_under_way(&self) -> usize {
        let of_workers = self.under_way_at_workers.lock().unwrap_or_else(PoisonError::into_inner);
        let at_workers = of_workers.iter().map(|own| own.load(Ordering::SeqCst)).sum::<usize>();
        at_workers + self.under_way.load(Ordering::SeqCst)
    }

    /// Where a worker counts the requests that it is answering.
    pub(super) fn count_of_worker(&self) -> Arc<AtomicUsize> {
        let own = Arc::<AtomicUsize>::default();
        self.under_way_at_workers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&own));
        own
    }

    /// Who is sent what has happened.
    pub(super) fn webhooks(&self) -> &WebhookFile {
        &self.webhooks
    }

    /// Places for those who listen.
    pub(super) fn listeners(&self) -> &Arc<Places> {
        &self.listeners
    }

    /// Places for those who read histories and receipts.
    pub(super) fn histories(&self) -> &Arc<Places> {
        &self.histories
    }

    /// What is sent and not answered yet.
    pub(super) fn begun(&self) -> &Arc<Begun> {
        &self.begun
    }

    /// By what somebody is known.
    pub(super) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Who shows this key or this session's token, as an `Authorization` says it.
    ///
    /// # Errors
    /// `session_ended` for a token that we have signed and that counts no more, `unauthenticated` for everything else; the same for every
    /// reason.
    pub(super) fn who(&self, authorization: Option<&str>) -> Result<Who, Problem> {
        let shown = authorization.and_then(|value| value.split_at_checked(BEARER.len()));
        let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER));
        let who = shown.map_or(Err(Nobody::Unknown), |(_, shown)| self.identity.who(shown.trim()));
        who.map_err(|nobody| match nobody {
            Nobody::Unknown => {
                Problem::new(ProblemCode::Unauthenticated, "", "there is no key and no session that counts")
            }
            Nobody::Ended => {
                let detail = "the session is over: its time has come, or the password was changed or removed";
                Problem::new(ProblemCode::SessionEnded, "", detail)
            }
        })
    }

    /// What whoever shows this may do.
    ///
    /// # Errors
    /// As for `who`.
    pub(super) fn role(&self, authorization: Option<&str>) -> Result<Role, Problem> {
        self.who(authorization).map(|who| who.role)
    }

    /// Counts a request that is no message of the engine.
    pub(super) fn count(&self, request: &'static str, outcome: Result<(), &Problem>) {
        self.metrics.count(request, outcome.map_or_else(|problem| problem.parts().0, |()| DONE));
    }

    /// A message of whoever sends it, judged by all that can be judged before the engine.
    ///
    /// # Errors
    /// `too_fast`, a value that is none, `not_allowed`, or `currency_mismatch` where an amount's currency is not its account's.
    pub(super) fn message(&self, engine: &Engine, who: &Who, read: ReadMessage) -> Result<Asked, Problem> {
        let ReadMessage { request_id, on_behalf_of, if_sequence, show, command: body } = read;
        let (role, kind) = (&who.role, body.name());
        let act = Act::of_command(who, on_behalf_of.as_ref(), kind, &body);
        let judged = || -> Result<(Message, Conditions), Problem> {
            // Each look is one, too.
            for _ in 0..=show.len() {
                self.identity.pace(role)?;
            }
            let conditions = Conditions::of(if_sequence, body.price_max()?);
            let (command, currency) = body.command()?;
            Ok((judged(engine, role, on_behalf_of, request_id, command, currency)?, conditions))
        };
        let judged = judged().inspect_err(|problem| {
            self.metrics.count(kind, problem.parts().0);
            if let Some(act) = &act {
                act.told(problem.parts().0);
            }
        });
        let (message, conditions) = judged?;
        Ok(Asked { kind, message, conditions, show, act })
    }

    /// Counts answers.
    pub(super) fn tally(&self) -> Tally<'_> {
        self.metrics.tally()
    }

    /// Counts an answer, and names the field at fault where only the command tells it.
    ///
    /// # Errors
    /// The answer's own refusal.
    pub(super) fn judged(tally: &mut Tally<'_>, asked: &Asked, answer: Answer) -> Result<Done, Refusal> {
        let code = answer.as_ref().map_or_else(|refusal| refusal.code.text(), |_| DONE);
        Door::tell(tally, asked, code);
        answer.map_err(|refusal| blamed(&asked.message.command, refusal))
    }

    /// Counts what came of a message, and tells it where it is one of management.
    pub(super) fn tell(tally: &mut Tally<'_>, asked: &Asked, code: &'static str) {
        tally.count(asked.kind, code);
        if let Some(act) = &asked.act {
            act.told(code);
        }
    }

    /// Notes that what was whole at that instant is answered.
    pub(super) fn took(&self, way: Way, arrived: Instant) {
        self.took_until(way, arrived, Instant::now());
    }

    /// As `took`, where the answer was there at that other instant.
    pub(super) fn took_until(&self, way: Way, arrived: Instant, answered: Instant) {
        self.metrics.took(way, answered.saturating_duration_since(arrived));
    }

    /// Counts what came of sending an event to a webhook: `taken`, `not_taken` or `lapsed`.
    pub(super) fn count_event(&self, outcome: &'static str) {
        self.metrics.sent_events.get_or_create(&Outcome { outcome }).inc();
    }

    /// Counts a connection, as long as what this gives lives.
    pub(super) fn connection(&self, door: &'static str) -> OpenConnection {
        self.metrics.connection(door)
    }

    /// Everything that can be watched, as text.
    pub(super) fn metrics(&self) -> String {
        self.metrics.text(self.engine.get())
    }
}

/// A message of this role, judged by all that can be judged before the engine.
///
/// # Errors
/// `not_allowed`, or `currency_mismatch` where an amount's currency is not its account's.
fn judged(
    engine: &Engine,
    role: &Role,
    on_behalf_of: Option<Name>,
    request_id: RequestId,
    command: Command,
    currency: Option<Currency>,
) -> Result<Message, Refusal> {
    let caller = rights::caller(role, on_behalf_of)?;
    rights::check(role, &command)?;
    if let Some(currency) = currency
        && let Some((field, holder)) = holder(&command, &caller)
    {
        match engine.currency_of(holder) {
            // One that is opened meanwhile may have another currency, so an amount for nobody goes no further.
            None => {
                return Err(Refusal::new(Code::UnknownAccount, field, format!("{holder} is not open")));
            }
            Some(known) if known != currency => {
                let detail = format!("is {currency}, and the account {holder} has {known}");
                return Err(Refusal::new(Code::CurrencyMismatch, "currency", detail));
            }
            Some(_) => {}
        }
    }
    Ok(Message { caller, request_id, command })
}

/// A refusal with the field at fault where only the command tells it: what a purchase is paid from is judged by its buyer's account,
/// which says no more than why.
fn blamed(command: &Command, refusal: Refusal) -> Refusal {
    let named = matches!(command, Command::Purchase { paid_from, .. } if *paid_from != PaidFrom::Available);
    if named && refusal.field.is_empty() && is_of_paid_from(refusal.code) {
        let detail = format!("cannot pay for it: {}", refusal.code.text().replace('_', " "));
        return Refusal { field: PAID_FROM.into(), detail: detail.into(), ..refusal };
    }
    refusal
}

/// What a message was answered as a body, with the names and the currency that it needs.
///
/// # Errors
/// The engine's refusal, where it has to be asked.
pub(super) async fn body_of(engine: &Engine, message: &Message, done: Done) -> Result<AnswerBody, Problem> {
    if let Some(currency) = currency_at_once(engine, message).filter(|_| !Names::may_be_in(&done)) {
        return Ok(AnswerBody::of(done, currency, &Names::default()));
    }
    // On the heap: most answers need none of it.
    Box::pin(async {
        let names = Names::in_answer(engine, &done).await;
        Ok(AnswerBody::of(done, currency_of(engine, message).await?, &names))
    })
    .await
}

/// Waits for what the engine is asked, but not for ever.
///
/// # Errors
/// `outcome_unknown` behind `limits::ANSWER_MS_MAX`.
pub(super) async fn within<T>(asked: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let waited = actix_web::rt::time::timeout(Duration::from_millis(ANSWER_MS_MAX), asked).await;
    waited.unwrap_or_else(|_| Err(Problem::from(Refusal::of(Code::OutcomeUnknown))))
}

/// The account whose money a message is about, and by which field it is named: the one that the command names, else the
/// caller's.
pub(super) fn holder<'message>(
    command: &'message Command,
    caller: &'message Caller,
) -> Option<(&'static str, &'message Name)> {
    let named = match command {
        Command::Transfer(TransferCommand::Post { from, .. } | TransferCommand::Void { from, .. }) => {
            ("from", from)
        }
        Command::Payment(
            PaymentCommand::Receive(reference)
            | PaymentCommand::Reject(reference)
            | PaymentCommand::Release { reference, .. }
            | PaymentCommand::Void(reference)
            | PaymentCommand::Show(reference),
        ) => ("issuer", &reference.issuer),
        Command::Gift(GiftCommand::Show(reference) | GiftCommand::Return(reference)) => {
            ("recipient", &reference.recipient)
        }
        Command::Merchant(MerchantCommand::Withhold { from, .. }) => match from {
            WithholdFrom::Gift(reference) => ("from.gift.recipient", &reference.recipient),
            WithholdFrom::Mandate { recipient, .. } => ("from.mandate.recipient", recipient),
        },
        Command::OpenAccount { account, .. }
        | Command::Deposit { account, .. }
        | Command::CashOut { account, .. }
        | Command::SetCreditLimit { account, .. }
        | Command::Status { account, .. }
        | Command::ShowRequest { at: RequestAt::Account(account), .. } => ("account", account),
        _ => {
            return match caller {
                Caller::Account(own) => Some(("caller", own)),
                Caller::FundsManagement => None,
            };
        }
    };
    Some(named)
}

/// The currency of an offering.
///
/// # Errors
/// The refusal of the engine.
pub(super) async fn currency_of_offering(engine: &Engine, offering: &Name) -> Result<Currency, Refusal> {
    let command = Command::ShowOffering { offering: offering.clone() };
    let show = Message { caller: Caller::FundsManagement, request_id: RequestId::new("look")?, command };
    match engine.send(show).await? {
        Done::Offering(view) => Ok(view.currency),
        _ => Err(Refusal::of(Code::Internal)),
    }
}

/// The currency in which an answer's amounts are written: that of the offering or the order that was asked, or of the account
/// whose money it is about.
///
/// # Errors
/// The refusal of the engine, where it has to be asked.
async fn currency_of(engine: &Engine, message: &Message) -> Result<Currency, Refusal> {
    match &message.command {
        Command::ShowCertificate { offering, .. }
        | Command::ShowRequest {
            at: RequestAt::Offering(offering) | RequestAt::Certificate(offering, _),
            ..
        } => currency_of_offering(engine, offering).await,
        Command::Merchant(MerchantCommand::Reverse { order }) => {
            let show = Command::Merchant(MerchantCommand::ShowOrder { order: order.clone() });
            match engine.send(Message { command: show, ..message.clone() }).await? {
                Done::Order(order) => Ok(order.from.recipient.currency),
                _ => Err(Refusal::of(Code::Internal)),
            }
        }
        _ => Ok(currency_at_once(engine, message).unwrap_or(Currency::USD)),
    }
}

/// As `currency_of`, where no actor has to be asked for it.
fn currency_at_once(engine: &Engine, message: &Message) -> Option<Currency> {
    match &message.command {
        Command::ShowCertificate { .. }
        | Command::ShowRequest { at: RequestAt::Offering(_) | RequestAt::Certificate(..), .. }
        | Command::Merchant(MerchantCommand::Reverse { .. }) => None,
        command => {
            let holder = holder(command, &message.caller);
            // Where nothing has this name, the answer has no amount either.
            Some(holder.and_then(|(_, holder)| engine.currency_of(holder)).unwrap_or(Currency::USD))
        }
    }
}
