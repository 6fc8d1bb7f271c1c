//! What can be watched: counts and gauges in the text form of Prometheus.
//!
//! What the engine counts anyway is read when somebody looks, so that watching costs the engine nothing between two looks. Absent
//! on purpose: anything by account or offering, of which there may be millions.

use std::fmt;
use std::ptr;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::Engine;
use crate::journal::SyncTimes;
use crate::limits::{ANSWER_MICROSECONDS, PERMITS_MAX, SYNC_MICROSECONDS};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    command: &'static str,
    code: &'static str,
}

/// What came of sending an event, or of taking a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

/// Which way in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    door: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shard {
    shard: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

type Whole = Gauge<i64, AtomicI64>;

/// By which way messages came in: the ways differ in how many are answered together.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// Many at once, over HTTP.
    HttpMessages,
    /// One at its resource, over HTTP.
    HttpSingle,
    /// A batch of a stream, or one message, over gRPC.
    Grpc,
}

impl Way {
    /// All, in their order.
    const ALL: [Way; 3] = [Way::HttpMessages, Way::HttpSingle, Way::Grpc];

    fn at(self) -> At {
        let door = match self {
            Way::HttpMessages => "http_messages",
            Way::HttpSingle => "http_single",
            Way::Grpc => "grpc",
        };
        At { door }
    }
}

/// How long answers took, by the way of their messages.
type Took = Family<At, Histogram, fn() -> Histogram>;

/// What is counted here; everything else is read when somebody looks.
pub(super) struct Metrics {
    messages: Family<Labels, Counter>,
    answers: Took,
    /// Those of `answers`, by `Way`.
    ways: [Histogram; Way::ALL.len()],
    /// Events that webhooks have sent, by what came of it.
    pub(super) sent_events: Family<Outcome, Counter>,
    connections: Family<At, Whole>,
    started: Duration,
}

/// The code of what was done.
pub(super) const DONE: &str = "done";

/// A connection that is open, as long as this lives.
pub(super) struct OpenConnection(Whole);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts the messages of a batch: those of one command and one code that follow on each other are counted together.
pub(super) struct Tally<'metrics> {
    metrics: &'metrics Metrics,
    last: Option<(Labels, u64)>,
}

impl Tally<'_> {
    /// Counts a message of a command.
    pub(super) fn count(&mut self, command: &'static str, code: &'static str) {
        match &mut self.last {
            // Each text is one in memory, mostly, and need not be looked at.
            Some((last, messages)) if ptr::eq(last.command, command) && ptr::eq(last.code, code) => {
                *messages += 1;
            }
            last => {
                let before = last.replace((Labels { command, code }, 1));
                self.tell(before);
            }
        }
    }

    fn tell(&self, counted: Option<(Labels, u64)>) {
        if let Some((labels, messages)) = counted {
            self.metrics.add(labels, messages);
        }
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        let last = self.last.take();
        self.tell(last);
    }
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let (sent_events, connections): (Family<Outcome, Counter>, Family<At, Whole>) = Default::default();
        // So that each is there before the first, and its first one is seen as a step from 0.
        for outcome in ["taken", "not_taken", "lapsed"] {
            let _ = sent_events.get_or_create(&Outcome { outcome });
        }
        for door in ["http", "grpc"] {
            let _ = connections.get_or_create(&At { door });
        }
        let answers = Took::new_with_constructor(|| Histogram::new(in_seconds(&ANSWER_MICROSECONDS)));
        let ways = Way::ALL.map(|way| answers.get_or_create_owned(&way.at()));
        Metrics {
            messages: Family::default(),
            answers,
            ways,
            sent_events,
            connections,
            started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// Counts a message of a command.
    pub(super) fn count(&self, command: &'static str, code: &'static str) {
        self.add(Labels { command, code }, 1);
    }

    fn add(&self, labels: Labels, messages: u64) {
        self.messages.get_or_create(&labels).inc_by(messages);
    }

    /// For the messages of one batch.
    pub(super) fn tally(&self) -> Tally<'_> {
        Tally { metrics: self, last: None }
    }

    /// Notes how long an answer took; a batch has one.
    pub(super) fn took(&self, way: Way, time: Duration) {
        if let Some(answers) = self.ways.get(way as usize) {
            answers.observe(time.as_secs_f64());
        }
    }

    /// Counts a connection at a door, as long as what this gives lives.
    pub(super) fn connection(&self, door: &'static str) -> OpenConnection {
        let open = self.connections.get_or_create_owned(&At { door });
        open.inc();
        OpenConnection(open)
    }

    /// Everything as text, as it is now.
    pub(super) fn text(&self, engine: Option<&Engine>) -> String {
        let mut all = Registry::default();
        let started = ConstGauge::new(self.started.as_secs_f64());
        let help = "When this server was started, in seconds since 1970";
        all.register_with_unit("process_start_time", help, Unit::Seconds, started);
        let own = all.sub_registry_with_prefix("hongbao");
        own.register("build", "The version", Info::new(Build { version: env!("CARGO_PKG_VERSION") }));
        let ready = engine.is_some_and(|engine| engine.fault().is_none());
        own.register("ready", "1 where messages are taken", ConstGauge::new(i64::from(ready)));
        let help = "Messages by command and by code; done where they were";
        own.register("messages", help, self.messages.clone());
        let help = "How long answers took, from the arrival of a whole message or batch on; a batch is one";
        own.register_with_unit("answer", help, Unit::Seconds, self.answers.clone());
        let help = "Events for webhooks: taken, not_taken (and sent again), lapsed (a webhook that was behind what is kept)";
        own.register("webhook_events", help, self.sent_events.clone());
        own.register("connections", "Connections that are open, by door", self.connections.clone());
        own.register("permits", "The most messages under way at once", whole(PERMITS_MAX as u64));
        if let Some(engine) = engine {
            of_engine(own, engine);
        }
        let mut text = String::new();
        // A text takes whatever is written into it.
        let _ = encode(&mut text, &all);
        text
    }
}

/// What an engine that is open tells.
fn of_engine(own: &mut Registry, engine: &Engine) {
    let (journal, snapshots, recovered) =
        (engine.journal_stats(), engine.snapshot_stats(), engine.recovered());
    let under_way = whole(engine.in_flight() as u64);
    own.register("messages_under_way", "Messages that are taken and not answered", under_way);
    let waiting: Family<Shard, Whole> = Family::default();
    for (shard, messages) in engine.waiting().into_iter().enumerate() {
        waiting.get_or_create(&Shard { shard }).set(i64::try_from(messages).unwrap_or(i64::MAX));
    }
    let help = "Messages that wait at a shard to be decided; a purchase is some eight of them";
    own.register("shard_waiting_messages", help, waiting);
    let records = whole(recovered.records);
    own.register("recovered_records", "Records of the journal that the start has read", records);
    own.register_with_unit("recovery", "How long the start has read", Unit::Seconds, seconds(recovered.took));
    let records = ConstCounter::new(journal.records);
    own.register("journal_records", "Records made durable since the start", records);
    let bytes = ConstCounter::new(journal.bytes);
    own.register_with_unit(
        "journal_written",
        "Bytes written to the journal since the start",
        Unit::Bytes,
        bytes,
    );
    let help = "How long syncs of the journal took; every answer waits for one";
    own.register_with_unit("journal_sync", help, Unit::Seconds, Times(journal.sync_times));
    let help = "The longest sync of the journal since the start";
    own.register_with_unit("journal_sync_longest", help, Unit::Seconds, seconds(journal.sync_times.longest));
    let help = "Bytes of journal behind the newest snapshot: what a start would read";
    own.register_with_unit("journal_behind_snapshot", help, Unit::Bytes, whole(snapshots.journal_behind));
    let taken: Family<Outcome, Counter> = Family::default();
    for (outcome, count) in [("finished", snapshots.finished), ("failed", snapshots.failed)] {
        taken.get_or_create(&Outcome { outcome }).inc_by(count);
    }
    own.register("snapshots", "Snapshots since the start, finished and failed", taken);
    if let Some(at) = snapshots.newest_at {
        let age = SystemTime::now().duration_since(at).unwrap_or_default();
        let help = "How long ago the newest snapshot was finished; left out where there is none";
        own.register_with_unit("snapshot_age", help, Unit::Seconds, seconds(age));
    }
    let bytes = ConstCounter::new(snapshots.bytes);
    own.register_with_unit(
        "snapshot_written",
        "Bytes of states put into snapshots since the start",
        Unit::Bytes,
        bytes,
    );
    let held = ConstCounter::new(snapshots.held.as_secs_f64());
    own.register_with_unit(
        "snapshot_held",
        "How long snapshots have held shards since the start",
        Unit::Seconds,
        held,
    );
    let help = "The longest that a snapshot has held a shard since the start";
    own.register_with_unit("snapshot_slice_longest", help, Unit::Seconds, seconds(snapshots.slice_max));
}

fn whole(number: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX))
}

fn seconds(time: Duration) -> ConstGauge<f64> {
    ConstGauge::new(time.as_secs_f64())
}

fn in_seconds(microseconds: &[u64]) -> impl Iterator<Item = f64> {
    microseconds.iter().map(|micros| Duration::from_micros(*micros).as_secs_f64())
}

/// Times that the journal has counted.
#[derive(Debug)]
struct Times(SyncTimes);

impl EncodeMetric for Times {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let SyncTimes { counts, sum, .. } = &self.0;
        let bounds = in_seconds(&SYNC_MICROSECONDS);
        let buckets: Vec<(f64, u64)> = bounds.chain([f64::INFINITY]).zip(counts.iter().copied()).collect();
        encoder.encode_histogram::<NoLabelSet>(sum.as_secs_f64(), counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
