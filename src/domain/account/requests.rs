//! What is asked of an account itself, and the order in which that is judged: repeat, status, then the rule.

use super::remembered::Remembered;
use super::{Account, Beginning, account, refuse, signed};
use crate::domain::answer::{Done, PageView};
use crate::domain::chain::Head;
use crate::domain::command::{Status, StatusChange};
use crate::domain::event::AccountEvent;
use crate::domain::gift::GiftState;
use crate::domain::money::{Balance, Money};
use crate::domain::name::RequestId;
use crate::domain::number::{ActorNumber, Fingerprint, WalkId};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{GiftTask, MerchantTask, Request, RequestKey, RequestMark, Task};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;
use crate::limits::{PAGE_ENTRIES_MAX, REQUESTS_KEPT_MAX};

/// What a request has brought about.
enum Outcome {
    /// It was answered so.
    Done(Done),
    /// An order was withheld or provided by it.
    Asked,
    /// Another actor's answer is waited for.
    UnderWay(WalkId),
}

impl Account {
    pub(super) fn apply_request(
        &self,
        context: Context,
        entries: u64,
        head: &Head,
        request: &Request,
    ) -> Decision {
        let mark = &request.mark;
        match &request.task {
            Task::ShowAccount => return Decision::Answer(Done::Account(Box::new(self.view(entries, head)))),
            Task::ShowPage { skip } => return Decision::Answer(Done::Page(self.page_view(*skip))),
            Task::ShowRequest { id, .. } => return self.show_request(mark.key.caller, id, context.now),
            _ => {}
        }
        if let Some(repeat) = self.repeated(request, context.now) {
            return repeat;
        }
        if matches!(request.task, Task::Open(_)) {
            return refuse(Code::NameTaken);
        }
        if let Err(code) = self.may_command(request) {
            return refuse(code);
        }
        if let Some(refusal) = request.barred().filter(|_| !self.own(mark) && !request.task.looks()) {
            return Decision::Refuse(refusal);
        }
        if let Some(objection) = &request.objection {
            return Decision::Refuse(Refusal::clone(objection));
        }
        if self.kept_for_a_day(request)
            && let Err(refusal) = self.has_room(mark, context.now)
        {
            return Decision::Refuse(refusal);
        }
        match &request.task {
            Task::Open(_) => unreachable!("a name that is taken is refused before"),
            Task::Deposit(amount) => self.apply_deposit(*amount, mark),
            Task::CashOut(amount) => self.apply_cash_out(*amount, mark),
            Task::SetCreditLimit(limit) => self.apply_credit_limit(*limit, mark),
            Task::Status(change) => self.apply_status(*change, mark),
            Task::Payment(task) => self.apply_payment(context, mark, task),
            Task::Transfer(task) => self.apply_transfer(context, mark, task),
            Task::Gift(task) => self.apply_gift(context, mark, task),
            Task::Mandate(task) => self.apply_mandate(context, mark, task),
            Task::Merchant(task) => self.apply_merchant(context, mark, task),
            Task::TopUp(task) => self.apply_top_up(context, mark, task),
            other => unreachable!("a door never sends an account {other:?}"),
        }
    }

    /// True for what is remembered for a day where there is room: the rest is recognised for ever by what it has made, or
    /// changes nothing. What the institution does about a status is always heard: an account that is full may have to be
    /// frozen.
    fn kept_for_a_day(&self, request: &Request) -> bool {
        let own = self.own(&request.mark);
        match &request.task {
            Task::Status(_) => own,
            Task::Gift(GiftTask::Return(_)) => own,
            Task::Gift(GiftTask::Give(_)) => false,
            Task::Merchant(MerchantTask::Withhold(_) | MerchantTask::Provide(_)) => false,
            task => !task.looks(),
        }
    }

    /// D46: an account that is frozen has no commands of its own, and one that is closed takes none of others.
    fn may_command(&self, request: &Request) -> Result<(), Code> {
        match self.status() {
            Status::Open => Ok(()),
            _ if request.task.looks() => Ok(()),
            Status::Frozen if self.own(&request.mark) => Err(Code::AccountFrozen),
            Status::Frozen => Ok(()),
            // What was closed can still be emptied of a credit that came late.
            Status::Closed if matches!(request.task, Task::CashOut(_)) => Ok(()),
            Status::Closed => Err(Code::AccountClosed),
        }
    }

    fn apply_deposit(&self, amount: Money, mark: &RequestMark) -> Decision {
        let Some(posted) = self.posted.checked_credit(amount) else {
            let detail = "passes the balance's bound";
            return Decision::Refuse(Refusal::new(Code::AmountTooLarge, "amount", detail));
        };
        done(AccountEvent::Deposited(amount, mark.clone()), Done::Deposited { posted })
    }

    fn apply_cash_out(&self, amount: Money, mark: &RequestMark) -> Decision {
        let free = self.posted.minor() - signed(self.held);
        match self.posted.checked_debit(amount) {
            Some(posted) if free >= signed(amount) => {
                done(AccountEvent::CashedOut(amount, mark.clone()), Done::CashedOut { posted })
            }
            _ => refuse(Code::InsufficientFunds),
        }
    }

    fn apply_credit_limit(&self, limit: Money, mark: &RequestMark) -> Decision {
        if self.posted.minor() - signed(self.held) + signed(limit) < 0 {
            let detail = "is below what the account has drawn on it: give more or deposit first";
            return Decision::Refuse(Refusal::new(Code::InsufficientFunds, "credit_limit", detail));
        }
        let event = AccountEvent::CreditLimitSet(limit, mark.clone());
        done(event, Done::CreditLimitSet { credit_limit: limit })
    }

    fn apply_status(&self, change: StatusChange, mark: &RequestMark) -> Decision {
        let institution = mark.key.caller == ActorNumber::FUNDS_MANAGEMENT;
        let allowed = match change {
            StatusChange::Freeze | StatusChange::Unfreeze => institution,
            StatusChange::Close => institution || self.own(mark),
            StatusChange::AcceptGifts { .. } => self.own(mark),
        };
        if !allowed {
            return refuse(Code::NotAllowed);
        }
        if change == StatusChange::Close {
            let empty = self.posted == Balance::ZERO && self.held.is_zero() && self.earmarked().is_zero();
            let open = self.engagements.as_ref().is_some_and(|engagements| engagements.open());
            if !empty || open {
                return refuse(Code::AccountNotEmpty);
            }
        }
        let (status, accepts_gifts) = self.status_after(change);
        let changed = Done::StatusChanged { status, accepts_gifts };
        done(AccountEvent::StatusChanged(change, mark.clone()), changed)
    }

    /// What it may do after a change, and whether it accepts gifts as they arrive.
    pub(super) fn status_after(&self, change: StatusChange) -> (Status, bool) {
        match change {
            StatusChange::Freeze => (Status::Frozen, self.accepts_gifts()),
            StatusChange::Unfreeze => (Status::Open, self.accepts_gifts()),
            StatusChange::Close => (Status::Closed, self.accepts_gifts()),
            StatusChange::AcceptGifts { by_itself } => (self.status(), by_itself),
        }
    }

    fn page_view(&self, skip: u32) -> PageView {
        let page = self.page();
        let newest = page.iter().rev().skip(skip as usize).take(PAGE_ENTRIES_MAX);
        let entries = u32::try_from(page.len()).unwrap_or(u32::MAX);
        PageView { certificates: newest.copied().collect(), entries }
    }

    /// I12: a repeat is looked up before any rule is applied.
    fn repeated(&self, request: &Request, now: Timestamp) -> Option<Decision> {
        // Nothing is remembered of a look, so it repeats nothing, whatever its id.
        if request.task.looks() {
            return None;
        }
        let (fingerprint, outcome) = self.outcome(&request.mark.key, now)?;
        if fingerprint != request.mark.fingerprint {
            return Some(refuse(Code::IdReused));
        }
        Some(match outcome {
            Outcome::Done(done) => Decision::Answer(done),
            Outcome::UnderWay(walk) => Decision::Wait(walk),
            Outcome::Asked => Decision::Answer(match &request.task {
                Task::Merchant(MerchantTask::Withhold(task)) => Done::Withheld { amount: task.amount },
                _ => Done::Provided,
            }),
        })
    }

    /// What a request of this caller was answered, for whoever has lost the answer.
    fn show_request(&self, caller: ActorNumber, id: &RequestId, now: Timestamp) -> Decision {
        let key = RequestKey { caller, id: id.clone() };
        match self.outcome(&key, now) {
            None => refuse(Code::UnknownRequest),
            Some((_, Outcome::UnderWay(walk))) => Decision::Wait(walk),
            Some((_, Outcome::Done(done))) => Decision::Answer(Done::Request(Some(Box::new(done)))),
            Some((_, Outcome::Asked)) => Decision::Answer(Done::Request(None)),
        }
    }

    /// What the request of this key has brought about here, and the hash of its body.
    fn outcome(&self, key: &RequestKey, now: Timestamp) -> Option<(Fingerprint, Outcome)> {
        let Beginning { id, deposit, fingerprint, by_itself, .. } = &self.beginning;
        let opener = if *by_itself { self.number } else { ActorNumber::FUNDS_MANAGEMENT };
        if opener == key.caller && *id == key.id {
            let posted = Balance::ZERO.checked_credit(*deposit).unwrap_or(Balance::ZERO);
            return Some((*fingerprint, Outcome::Done(Done::Opened { posted })));
        }
        let own = key.caller == self.number;
        let engagements = self.engagements.as_ref();
        if let Some((fingerprint, walk)) = engagements.and_then(|there| there.under_way.get(key)) {
            return Some((*fingerprint, Outcome::UnderWay(*walk)));
        }
        if own && let Some(given) = engagements.and_then(|there| there.given.as_ref()?.get(&key.id)) {
            return Some((given.fingerprint, Outcome::Done(Done::Given { expires_at: given.expires_at })));
        }
        if own && let Some(fingerprint) = self.merchant().and_then(|merchant| merchant.asked.get(&key.id)) {
            return Some((*fingerprint, Outcome::Asked));
        }
        if let Some(fingerprint) = engagements.and_then(|there| there.returned.as_ref()?.get(key)) {
            return Some((*fingerprint, Outcome::Done(Done::GiftChanged { state: GiftState::Returned })));
        }
        let kept = self.remembered.as_ref()?.get(key, now)?;
        Some((kept.fingerprint, Outcome::Done(kept.done.clone())))
    }

    /// Whether one more request can be remembered for a day.
    pub(super) fn has_room(&self, mark: &RequestMark, now: Timestamp) -> Result<(), Refusal> {
        let room_after = |there: &Remembered| there.room_after(self.number, mark.key.caller, now);
        let Some(left_ms) = self.remembered.as_deref().and_then(room_after) else { return Ok(()) };
        let detail = format!("is one of more than {REQUESTS_KEPT_MAX} in a day at one account");
        Err(Refusal::new(Code::DayFull, "request_id", detail).after(left_ms))
    }

    pub(super) fn keep(&mut self, at: Timestamp, mark: &RequestMark, done: Done) {
        let number = self.number;
        self.remembered.get_or_insert_default().keep(number, at, mark, done);
    }
}

/// An event with its answer.
pub(super) fn done(event: AccountEvent, done: Done) -> Decision {
    Decision::Record(Step::of(vec![account(event)]).answering(Ok(done)))
}
