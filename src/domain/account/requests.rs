//! What is asked of an account itself, and the order in which that is judged: repeat, status, then the rule.

use super::{Account, Kept, account, refuse, signed};
use crate::domain::answer::{Done, PageView};
use crate::domain::chain::Head;
use crate::domain::command::{Status, StatusChange};
use crate::domain::event::AccountEvent;
use crate::domain::money::{Balance, Money};
use crate::domain::number::{ActorNumber, Fingerprint};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::request::{MerchantTask, Request, RequestKey, RequestMark, Task};
use crate::domain::step::{Context, Decision, Step};
use crate::domain::time::Timestamp;
use crate::limits::{PAGE_ENTRIES_MAX, REQUEST_KEPT_MS, REQUESTS_KEPT_MAX};

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
        if request.task.passes() && self.remembers_enough(mark, context.now) {
            let detail = format!(
                "is one of more than {REQUESTS_KEPT_MAX} in a day at one account: send it when the oldest is a day old"
            );
            return Decision::Refuse(Refusal::new(Code::Overloaded, "request_id", detail));
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
            Task::Mandate(task) => self.apply_mandate(mark, task),
            Task::Merchant(task) => self.apply_merchant(context, mark, task),
            Task::TopUp(task) => self.apply_top_up(context, mark, task),
            other => unreachable!("a door never sends an account {other:?}"),
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
            let empty = self.posted == Balance::ZERO && self.held.is_zero() && self.earmarked.is_zero();
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
        let mark = &request.mark;
        let same = |fingerprint: Fingerprint, done: Done| {
            if fingerprint == mark.fingerprint { Decision::Answer(done) } else { refuse(Code::IdReused) }
        };
        if self.opened_by.key == mark.key {
            let posted = Balance::ZERO.checked_credit(self.opening.deposit).unwrap_or(Balance::ZERO);
            return Some(same(self.opened_by.fingerprint, Done::Opened { posted }));
        }
        let engagements = self.engagements.as_ref();
        if let Some((fingerprint, walk)) = engagements.and_then(|there| there.under_way.get(&mark.key)) {
            let same = *fingerprint == mark.fingerprint;
            return Some(if same { Decision::Wait(*walk) } else { refuse(Code::IdReused) });
        }
        if self.own(mark)
            && let Some(given) = engagements.and_then(|there| there.given.as_ref()?.get(&mark.key.id))
        {
            return Some(same(given.fingerprint, Done::Given { expires_at: given.expires_at }));
        }
        if self.own(mark)
            && let Some(fingerprint) = self.merchant().and_then(|merchant| merchant.asked.get(&mark.key.id))
        {
            let done = match &request.task {
                Task::Merchant(MerchantTask::Withhold(task)) => Done::Withheld { amount: task.amount },
                _ => Done::Provided,
            };
            return Some(same(*fingerprint, done));
        }
        let kept = self.requests.get(&mark.key)?;
        (now.since(kept.at) < REQUEST_KEPT_MS).then(|| same(kept.fingerprint, kept.done.clone()))
    }

    /// True where no more of this caller's kind can be kept: the account's own and those of others have a bound
    /// each, so that nobody else fills its memory; the institution is trusted (P7) and always heard.
    fn remembers_enough(&self, mark: &RequestMark, now: Timestamp) -> bool {
        let others = self.requests_of_others as usize;
        let kept = match mark.key.caller {
            ActorNumber::FUNDS_MANAGEMENT => return false,
            caller if caller == self.number => self.requests.len() - others,
            _ => others,
        };
        let fresh = |(at, _): &(Timestamp, RequestKey)| now.since(*at) < REQUEST_KEPT_MS;
        kept >= REQUESTS_KEPT_MAX && self.ages.front().is_some_and(fresh)
    }

    pub(super) fn keep(&mut self, at: Timestamp, mark: &RequestMark, done: Done) {
        while let Some((kept_at, key)) =
            self.ages.pop_front_if(|(kept_at, _)| at.since(*kept_at) >= REQUEST_KEPT_MS)
        {
            if self.requests.get(&key).is_some_and(|kept| kept.at == kept_at) {
                self.requests.remove(&key);
                self.requests_of_others -= u32::from(key.caller != self.number);
            }
        }
        self.ages.push_back((at, mark.key.clone()));
        let kept = Kept { fingerprint: mark.fingerprint, at, done };
        let is_new = self.requests.insert(mark.key.clone(), kept).is_none();
        self.requests_of_others += u32::from(is_new && !self.own(mark));
    }
}

/// An event with its answer.
pub(super) fn done(event: AccountEvent, done: Done) -> Decision {
    Decision::Record(Step::of(vec![account(event)]).answering(Ok(done)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;
    use crate::domain::name::{Name, RequestId};
    use crate::domain::number::WalkId;
    use crate::domain::request::{GiftTask, Opening};

    const OWN: ActorNumber = ActorNumber(1 << 32);
    const OTHER: ActorNumber = ActorNumber(2 << 32);

    fn mark(caller: ActorNumber, id: usize) -> RequestMark {
        let key = RequestKey { caller, id: RequestId::new(format!("request {id}")).unwrap() };
        RequestMark { key, fingerprint: Fingerprint::default() }
    }

    fn answer(account: &Account, now: Timestamp, caller: ActorNumber, task: Task) -> Result<(), Code> {
        let mark = mark(caller, usize::MAX);
        let request = Request { mark, task, caller_status: Status::Open, objection: None };
        let context = Context { now, walk: WalkId(1) };
        match account.apply_request(context, 0, &Head::default(), &request) {
            Decision::Refuse(refusal) => Err(refusal.code),
            _ => Ok(()),
        }
    }

    // DESIGN §5, I12, D22
    #[test]
    fn nobody_fills_the_memory_of_another_account_s_requests() {
        let opening = Opening {
            name: Name::new("bob").unwrap(),
            currency: Currency::USD,
            deposit: Money::from_minor(9).unwrap(),
            credit_limit: Money::ZERO,
        };
        let mut account = Account::opened(OWN, &opening, &mark(ActorNumber::FUNDS_MANAGEMENT, 0));
        let one = Money::from_minor(1).unwrap();
        let closes = || Task::Status(StatusChange::AcceptGifts { by_itself: true });
        let reaches = |account: &Account, now, caller, task| answer(account, Timestamp(now), caller, task);
        (0..REQUESTS_KEPT_MAX).for_each(|id| account.keep(Timestamp(10), &mark(OTHER, id), Done::Provided));
        assert_eq!(reaches(&account, 10, OTHER, closes()), Err(Code::Overloaded), "others have their bound");
        assert_eq!(reaches(&account, 10, OWN, closes()), Ok(()), "and it has its own");
        (0..REQUESTS_KEPT_MAX).for_each(|id| account.keep(Timestamp(10), &mark(OWN, id), Done::Provided));
        assert_eq!(reaches(&account, 10, OWN, closes()), Err(Code::Overloaded));
        let (institution, list) = (ActorNumber::FUNDS_MANAGEMENT, Task::Gift(GiftTask::List { skip: 0 }));
        assert_eq!(reaches(&account, 10, institution, Task::Deposit(one)), Ok(()), "it is always heard");
        assert_eq!(reaches(&account, 10, OWN, list), Ok(()), "a look is kept nowhere");
        let tomorrow = 10 + REQUEST_KEPT_MS;
        assert_eq!(reaches(&account, tomorrow - 1, OWN, closes()), Err(Code::Overloaded));
        assert_eq!(reaches(&account, tomorrow, OWN, closes()), Ok(()));
        account.keep(Timestamp(tomorrow), &mark(OWN, 0), Done::Provided);
        assert_eq!((account.requests.len(), account.requests_of_others), (1, 0), "all of yesterday is gone");
    }
}
