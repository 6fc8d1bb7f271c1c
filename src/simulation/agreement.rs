//! Whether the model agrees with what the engine has answered and with what there is now.
//!
//! What was under way together may have been decided in any order, so every order is tried until one gives all the
//! answers. What was refused has changed nothing in any of them.

use std::collections::BTreeSet;

use super::model::{Model, Verdict};
use super::shown::Shown;
use crate::domain::{Answer, Command, Done, Message};

/// Something that has happened since all was quiet before.
#[derive(Clone)]
pub(crate) enum Happened {
    /// A message was carried out.
    Done(Box<CarriedOut>),
    /// The clock has moved on.
    Clock(u64),
}

/// A message that was carried out.
#[derive(Clone)]
pub(crate) struct CarriedOut {
    pub(crate) message: Message,
    /// When it was decided: at one of these times, or at one that the clock has come to meanwhile.
    pub(crate) at: BTreeSet<u64>,
    pub(crate) done: Done,
}

/// More orders than that are not tried: then it is said that there may be one.
const TRIES_MAX: u64 = 200_000;

struct Search<'search> {
    happened: &'search [Happened],
    clocks: BTreeSet<u64>,
    shown: &'search Shown,
    alone: bool,
    tries: u64,
    /// How far the best order has come, and what was wrong then.
    best: (usize, String),
}

/// The model behind what has happened, in an order that gives these answers and ends with what is shown.
///
/// # Errors
/// What is wrong with the order that comes furthest.
pub(crate) fn agree(
    model: &Model,
    happened: &[Happened],
    shown: &Shown,
    alone: bool,
) -> Result<Model, String> {
    let clocks = happened.iter().filter_map(|happened| match happened {
        Happened::Clock(at) => Some(*at),
        Happened::Done(_) => None,
    });
    let mut search = Search {
        happened,
        clocks: clocks.collect(),
        shown,
        alone,
        tries: 0,
        best: (0, "nothing was tried".to_owned()),
    };
    let left: Vec<usize> = (0..happened.len()).collect();
    search.go(model.clone(), &left, false).ok_or_else(|| {
        let clocks: Vec<&u64> = search.clocks.iter().collect();
        format!(
            "{}{} (of {} that were carried out, the clock going from {} to {clocks:?})",
            search.best.1,
            if search.tries > TRIES_MAX { "; not every order was tried" } else { "" },
            happened.len() - clocks.len(),
            model.clock()
        )
    })
}

impl Search<'_> {
    /// Tries every order of what is left. `on_the_way` says that the clock stands at an instant on its way to where it goes next.
    fn go(&mut self, model: Model, left: &[usize], on_the_way: bool) -> Option<Model> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return None;
        }
        if left.is_empty() {
            let differences = model.shown().differences(self.shown);
            if differences.is_empty() {
                return Some(model);
            }
            self.fails(left, || {
                format!("the model's word and the engine's differ:\n  {}", differences.join("\n  "))
            });
            return None;
        }
        let mut clock = None;
        for (place, index) in left.iter().enumerate() {
            let rest: Vec<usize> = left
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .map(|(_, index)| *index)
                .collect();
            match &self.happened[*index] {
                // The clock goes in its order.
                Happened::Clock(_) if clock.is_some() => {}
                Happened::Clock(at) => {
                    clock = Some(*at);
                    // On its way it waits for a message: without one it goes there at once, which was tried.
                    if !on_the_way {
                        let mut next = model.clone();
                        next.pass(*at);
                        if let Some(found) = self.go(next, &rest, false) {
                            return Some(found);
                        }
                    }
                }
                Happened::Done(carried_out) => {
                    let CarriedOut { message, at, done } = &**carried_out;
                    // Where the clock has moved on meanwhile, what it has brought about at an actor may have come first: then
                    // the message is as late as that.
                    let first = at.first().copied().unwrap_or(0);
                    let later = if self.clocks.is_empty() { 0..0 } else { first..model.clock() + 1 };
                    let ahead = self.may_be_ahead(message, &rest, model.clock());
                    let times = at.iter().copied().filter(|at| ahead || *at <= model.clock()).chain(later);
                    for now in times {
                        let (verdict, mut next) = model.decide(message, now, Some(done), self.alone);
                        let agrees = match &verdict {
                            Verdict::Done(said) | Verdict::Maybe(said) => said.is(done, self.alone),
                            Verdict::Refused(_) => false,
                        };
                        if !agrees {
                            self.fails(left, || {
                                format!(
                                    "the model says {verdict:?} at {now}, and the engine {done:?}, to {message:?} (sent at {at:?})"
                                )
                            });
                            continue;
                        }
                        // What has ended at that very time ends before anything else.
                        let clock = next.clock();
                        next.pass(clock);
                        if let Some(found) = self.go(next, &rest, false) {
                            return Some(found);
                        }
                    }
                }
            }
        }
        let at = clock.filter(|_| left.len() > 1)?;
        // Time passes from one instant to the next, and what is under way may be decided between two of them.
        if let Some(instant) = model.next_instant().filter(|instant| *instant < at) {
            let mut between = model.clone();
            between.pass(instant);
            if let Some(found) = self.go(between, left, true) {
                return Some(found);
            }
        }
        // An offering may let a reservation be paid before its end, and the certificate settle behind what the clock has brought
        // about meanwhile.
        left.iter().filter(|_| !on_the_way).find_map(|index| {
            let paid = self.let_be_paid(&model, &self.happened[*index])?;
            self.go(paid, left, false)
        })
    }

    /// The model behind its offering's word on a payment of a reservation that stood when it was sent.
    fn let_be_paid(&self, model: &Model, happened: &Happened) -> Option<Model> {
        let Happened::Done(carried_out) = happened else { return None };
        let CarriedOut { message, at, .. } = &**carried_out;
        let Command::PayReservation { offering, serial } = &message.command else { return None };
        at.first().filter(|at| **at <= model.clock())?;
        let mut paid = model.clone();
        paid.let_be_paid(offering.as_str(), serial.0).then_some(paid)
    }

    /// True for a circulation that may be decided before the clock has moved on to its time: its certificate is sold by a purchase that
    /// began before, keeps its first time for every rule, and reaches the certificate afterwards.
    fn may_be_ahead(&self, message: &Message, rest: &[usize], clock: u64) -> bool {
        let Command::Circulate { offering, serial: Some(serial), .. } = &message.command else {
            return false;
        };
        rest.iter().any(|index| {
            let Happened::Done(other) = &self.happened[*index] else { return false };
            let (Command::Purchase { offering: sold, .. } | Command::PayReservation { offering: sold, .. }) =
                &other.message.command
            else {
                return false;
            };
            let is_it = matches!(&other.done, Done::Purchased(purchased) if purchased.serial == *serial);
            is_it && sold == offering && other.at.first().is_some_and(|at| *at <= clock)
        })
    }

    fn fails(&mut self, left: &[usize], why: impl FnOnce() -> String) {
        let come = 1 + self.happened.len() - left.len();
        if come >= self.best.0 {
            self.best = (come, why());
        }
    }
}

/// Whether the model agrees with the refusal of a message that was alone under way.
///
/// # Errors
/// What it says instead.
pub(crate) fn refuses(
    model: &Model,
    message: &Message,
    at: &BTreeSet<u64>,
    answer: &Answer,
) -> Result<(), String> {
    let mut said = None;
    for now in at {
        let (verdict, _) = model.decide(message, *now, None, true);
        if verdict.is(answer) {
            return Ok(());
        }
        said.get_or_insert((verdict, *now));
    }
    match said {
        None => Err("it has no time".to_owned()),
        Some((verdict, now)) => {
            Err(format!("the model says {verdict:?} at {now}, and the engine {answer:?}, to {message:?}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::engaging::{grant, register_for, status, withhold_by_mandate};
    use super::super::messages::{
        attach, by, circulate_via, issue, money, name, offer, open, publish, purchase_via,
    };
    use super::super::model::Said;
    use super::*;
    use crate::domain::{
        Circulated, Code, CommissionTerms, Offer, Purchased, Refusal, Serial, Settlement, StatusChange,
        Timestamp, Via, WhenShort, Window,
    };

    /// When a purchase is sent, when its sale and the commission end, and where the clock has come to by then.
    const BEFORE: u64 = 20;
    const END: u64 = 25;
    const AFTER: u64 = 30;

    fn carry_out(model: &Model, message: &Message, at: u64, done: Option<&Done>) -> (Said, Model) {
        match model.decide(message, at, done, false) {
            (Verdict::Done(said) | Verdict::Maybe(said), next) => (said, next),
            (refused, _) => panic!("{refused:?}: {message:?}"),
        }
    }

    /// Two certificates on sale until `END`, the first of which `ann` has circulated.
    fn market(commission: Option<CommissionTerms>) -> Model {
        let end = Some(Timestamp(END));
        let tea = Offer { window: Window { opens: None, closes: end }, ..offer(100, 2) };
        let mut said: Vec<Message> = Vec::new();
        said.extend(["supplier", "payee", "payer", "ann", "eve"].map(|who| open(who, 1_000)));
        said.push(issue("tea", tea));
        said.extend(commission.map(|terms| {
            let terms = CommissionTerms { expires_at: end, ..terms };
            attach("payer", "tea", &terms)
        }));
        said.extend([publish("tea"), circulate_via("ann", "tea", 1, Via::Public)]);
        let mut model = said.iter().fold(Model::default(), |model, said| carry_out(&model, said, 1, None).1);
        model.pass(BEFORE);
        model
    }

    /// Whether a model agrees with this: `eve` circulates the first certificate at this time, and after that a purchase is carried out
    /// that was sent before the end, which the clock has passed meanwhile.
    fn agrees(
        model: &Model,
        circulated_at: u64,
        bought: u32,
        commission: Settlement,
    ) -> Result<Model, String> {
        let share = circulate_via("eve", "tea", 1, Via::Public);
        let buy = purchase_via("eve", "tea", bought, Via::Public);
        let Said::Hop { attached, promise, .. } = carry_out(model, &share, circulated_at, None).0 else {
            panic!("it is a hop")
        };
        let shared = Done::Circulated(Circulated {
            serial: Serial(1),
            hop: 2,
            first: false,
            attached: money(attached),
            promise: money(promise),
            withdrawn: false,
        });
        let price = money(100);
        let sold = Done::Purchased(Purchased { serial: Serial(bought), price, commission, credits_left: 0 });
        let shown = {
            let (_, shared_by) = carry_out(model, &share, circulated_at, Some(&shared));
            let (_, mut last) = carry_out(&shared_by, &buy, BEFORE, Some(&sold));
            last.pass(AFTER);
            last.shown()
        };
        let carried_out = |message: Message, at, done| {
            Happened::Done(Box::new(CarriedOut { message, at: BTreeSet::from([at]), done }))
        };
        let happened = [
            carried_out(buy, BEFORE, sold),
            carried_out(share, circulated_at, shared),
            Happened::Clock(AFTER),
        ];
        agree(model, &happened, &shown, false)
    }

    #[test]
    fn a_circulation_may_come_before_a_purchase_of_its_certificate_that_began_earlier() {
        agrees(&market(None), AFTER, 1, Settlement::None).unwrap();
    }

    #[test]
    fn a_circulation_comes_behind_what_the_clock_has_ended_whatever_else_is_under_way() {
        let market = market(Some(CommissionTerms::new(money(40), money(10))));
        let untouched = || Settlement::Settled { cashed: money(0), promises: 0, returned: money(40) };
        agrees(&market, BEFORE, 2, untouched()).unwrap();
        let refused = agrees(&market, AFTER, 2, untouched()).map(drop).unwrap_err();
        assert!(refused.contains("Hop") || refused.contains("differ"), "{refused}");
    }

    /// Whether a model agrees with this: what `eve` has reserved until shortly before `AFTER` is paid as if its commission had ended,
    /// which ends then, while the clock goes over both at once; `ann` may have shared it.
    fn agrees_with_a_payment(commission_ends: u64, is_shared: bool) -> Result<Model, String> {
        let reservable = Offer { reservable_ms: Some(AFTER - BEFORE - 2), ..offer(100, 2) };
        let terms = CommissionTerms {
            expires_at: Some(Timestamp(commission_ends)),
            ..CommissionTerms::new(money(40), money(10))
        };
        let said = [issue("tea", reservable), attach("payer", "tea", &terms), publish("tea")];
        let opened = ["supplier", "payee", "payer", "ann", "eve"].map(|who| open(who, 1_000));
        let share = is_shared.then(|| circulate_via("ann", "tea", 1, Via::Public));
        let before = opened.iter().chain(&said).chain(&share);
        let mut model = before.fold(Model::default(), |model, said| carry_out(&model, said, 1, None).1);
        model.pass(BEFORE);
        let (offering, serial) = (name("tea"), Serial(1));
        let reserve = by(
            "eve",
            Command::Reserve { offering: offering.clone(), serial: Some(serial), via: Via::Public },
        );
        let pay = by("eve", Command::PayReservation { offering, serial });
        let model = carry_out(&model, &reserve, BEFORE, None).1;
        let (price, commission) = (money(100), Settlement::None);
        let sold = Done::Purchased(Purchased { serial, price, commission, credits_left: 0 });
        let shown = {
            let mut on_the_way = model.clone();
            if is_shared {
                assert!(on_the_way.let_be_paid("tea", 1));
            }
            on_the_way.pass(if is_shared { commission_ends } else { END });
            let mut last = carry_out(&on_the_way, &pay, BEFORE, Some(&sold)).1;
            last.pass(AFTER);
            last.shown()
        };
        let at = BTreeSet::from([BEFORE]);
        let paid = Happened::Done(Box::new(CarriedOut { message: pay, at, done: sold }));
        agree(&model, &[Happened::Clock(AFTER), paid], &shown, false)
    }

    #[test]
    fn a_message_may_come_between_two_instants_that_the_clock_passes_at_once_and_only_where_there_are_two() {
        agrees_with_a_payment(END, false).unwrap();
        let refused = agrees_with_a_payment(AFTER - 1, false).map(drop).unwrap_err();
        assert!(refused.contains("PayReservation"), "{refused}");
    }

    #[test]
    fn a_payment_may_reach_a_certificate_that_is_shared_behind_the_end_of_its_reservation() {
        agrees_with_a_payment(AFTER - 1, true).unwrap();
        let refused = agrees_with_a_payment(AFTER + 1, true).map(drop).unwrap_err();
        assert!(refused.contains("PayReservation"), "{refused}");
    }

    /// What the model says where a merchant withholds 9 by a mandate from an account that has `deposit`, and may be frozen.
    fn withheld_by_mandate(deposit: u64, is_frozen: bool, code: Code) -> Result<(), String> {
        let before = [
            open("shop", 0),
            open("ann", deposit),
            register_for("shop", "shop", None, WhenShort::Receivable),
            grant("ann", "mandate 1", "shop", (9, 9), None),
        ];
        let freeze = is_frozen.then(|| status("ann", StatusChange::Freeze));
        let before = before.iter().chain(&freeze);
        let model = before.fold(Model::default(), |model, said| carry_out(&model, said, 1, None).1);
        let withhold = withhold_by_mandate("shop", "order 1", 9, "ann", "mandate 1");
        refuses(&model, &withhold, &BTreeSet::from([BEFORE]), &Err(Refusal::of(code)))
    }

    #[test]
    fn no_one_code_is_asked_for_where_the_account_of_a_mandate_is_frozen_and_short() {
        withheld_by_mandate(8, true, Code::AccountFrozen).unwrap();
        withheld_by_mandate(8, true, Code::InsufficientFunds).unwrap();
        withheld_by_mandate(9, true, Code::AccountFrozen).unwrap();
        withheld_by_mandate(8, false, Code::InsufficientFunds).unwrap();
        withheld_by_mandate(8, false, Code::AccountFrozen).unwrap_err();
        withheld_by_mandate(9, false, Code::InsufficientFunds).unwrap_err();
    }
}
