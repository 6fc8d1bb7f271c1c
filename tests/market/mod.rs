//! A small market that goes through every kind of thing there is, phase by phase, by a clock that the test sets.

mod day;
pub mod messages;
pub mod play;

use hongbao::domain::{Code, Message, Timestamp, Window};
use messages::{UNNAMED, id, purchase, reserve, send_money};

/// When the market opens: 2027-01-15, 08:00 UTC.
pub const MORNING: u64 = 1_800_000_000_000;
const SECOND: u64 = 1_000;
/// When the commission of `expiring` is over, and all that is given or held until then.
const LIMIT: u64 = MORNING + 600 * SECOND;
/// How long a reservation of `tea` stands.
const RESERVED_MS: u64 = 300 * SECOND;
/// When `drum` is sold.
const WINDOW: Window =
    Window { opens: Some(Timestamp(MORNING + 90 * SECOND)), closes: Some(Timestamp(MORNING + 900 * SECOND)) };
/// After everything that time brings about.
pub const CLOSING: u64 = MORNING + 1_000 * SECOND;

/// Messages that are sent together, each with the code with which it is refused, if it is.
pub type Step = Vec<(Message, Option<Code>)>;

/// What happens at one time.
pub struct Phase {
    pub at: Timestamp,
    pub shards: usize,
    pub steps: Vec<Step>,
    /// True where a snapshot is taken behind it: the first of two halves, and the second.
    pub snapshot: bool,
}

pub fn one(message: Message) -> Step {
    vec![(message, None)]
}

pub fn each(messages: impl IntoIterator<Item = Message>) -> Vec<Step> {
    messages.into_iter().map(one).collect()
}

pub fn refused(code: Code, message: Message) -> Step {
    vec![(message, Some(code))]
}

pub fn together(messages: impl IntoIterator<Item = Message>) -> Step {
    messages.into_iter().map(|message| (message, None)).collect()
}

/// The whole day. With more than one shard the hops of a walk meet those of others, and buyers wait in line.
pub fn phases() -> Vec<Phase> {
    let at = |seconds: u64, shards, steps| Phase {
        at: Timestamp(MORNING + seconds * SECOND),
        shards,
        steps,
        snapshot: [120, 360].contains(&seconds),
    };
    let mut phases = vec![
        at(0, 1, day::opening()),
        at(30, 1, day::selling()),
        at(120, 1, day::sharing()),
        at(180, 1, day::buying()),
        at(200, 3, day::waiting_in_line()),
        at(240, 1, day::payments()),
        at(300, 1, day::gifts()),
        at(360, 1, day::refunds()),
        at(420, 1, day::leaving()),
        at(700, 1, each([purchase("b10", "lantern", 0), purchase("b10", "shown", 1)])),
        at(1_000, 1, each([send_money("ann", "bob", 8), reserve("dan", "tea", 6)])),
    ];
    let messages = phases.iter_mut().flat_map(|phase| &mut phase.steps).flatten();
    let unnamed = messages.map(|(message, _)| message).filter(|message| message.request_id == id(UNNAMED));
    for (number, message) in (1..).zip(unnamed) {
        message.request_id = id(&format!("request {number}"));
    }
    phases
}

/// Accounts with what they begin with, in minor units.
pub const ACCOUNTS: [(&str, &str, u64); 32] = [
    ("shop", "USD", 1_000_000),
    ("till", "USD", 0),
    ("stall", "USD", 0),
    ("payer", "USD", 100_000),
    ("ann", "USD", 50_000),
    ("bob", "USD", 50_000),
    ("cho", "USD", 50_000),
    ("dan", "USD", 50_000),
    ("eve", "USD", 50_000),
    ("bea", "USD", 0),
    ("poor", "USD", 10),
    ("spender", "USD", 0),
    ("mall", "USD", 0),
    ("mall till", "USD", 0),
    ("old mall", "USD", 0),
    ("frosty", "USD", 500),
    ("leaver", "USD", 0),
    ("ryo", "JPY", 100_000),
    ("yui", "JPY", 100_000),
    ("sami", "KWD", 100_000),
    ("badr", "KWD", 100_000),
    ("b1", "USD", 2_000),
    ("b2", "USD", 2_000),
    ("b3", "USD", 2_000),
    ("b4", "USD", 2_000),
    ("b5", "USD", 2_000),
    ("b6", "USD", 2_000),
    ("b7", "USD", 2_000),
    ("b8", "USD", 2_000),
    ("b9", "USD", 2_000),
    ("b10", "USD", 2_000),
    ("买家", "USD", 2_000),
];

/// Offerings with how many certificates each has.
pub const OFFERINGS: [(&str, u32); 18] = [
    ("lantern", 14),
    ("rugs", 2),
    ("kettle", 3),
    ("drum", 2),
    ("silk", 2),
    ("tea", 6),
    ("maize", 3),
    ("expiring", 3),
    ("withdrawn", 2),
    ("shown", 1),
    ("duo", 2),
    ("bells", 1),
    ("cups", 4),
    ("plates", 1),
    ("coming", 5),
    ("kaiseki", 2),
    ("oud", 2),
    ("gongs", 2),
];

/// What `ann` has given, by the recipients.
pub const GIFTS: [(&str, &str); 14] = [
    ("bob", "waiting"),
    ("bob", "accepted"),
    ("bob", "declined"),
    ("bob", "expired"),
    ("bob", "returned"),
    ("bob", "sent back"),
    ("bob", "withheld"),
    ("bob", "provided"),
    ("bob", "reversed"),
    ("bob", "half reversed"),
    ("bob", "lantern 12"),
    ("bob", "lantern 13"),
    ("bea", "by itself"),
    ("bea", "for bea"),
];
