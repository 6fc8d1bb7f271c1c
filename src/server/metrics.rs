//! What can be watched: counts and gauges in the text form of Prometheus.
//!
//! Absent on purpose: anything by account or offering, of which there may be millions.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::Engine;
use crate::limits::PERMITS_MAX;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    command: &'static str,
    code: &'static str,
}

/// What came of sending an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

type Whole = Gauge<i64, AtomicI64>;
type Seconds = Gauge<f64, AtomicU64>;

/// What is counted and measured.
pub(super) struct Metrics {
    registry: Registry,
    messages: Family<Labels, Counter>,
    /// Events that webhooks have sent, by what came of it.
    pub(super) sent_events: Family<Outcome, Counter>,
    under_way: Whole,
    ready: Whole,
    recovered_records: Whole,
    recovery: Seconds,
    journal_records: Whole,
    journal_bytes: Whole,
    journal_syncs: Whole,
    snapshots: Whole,
    snapshots_failed: Whole,
    slice_longest: Seconds,
}

/// The code of what was done.
pub(super) const DONE: &str = "done";

impl Metrics {
    pub(super) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("hongbao");
        let messages = Family::default();
        registry.register(
            "messages",
            "Messages by command and by code; done where they were",
            messages.clone(),
        );
        let sent_events = Family::default();
        registry.register(
            "webhook_events",
            "Events for webhooks: taken, not taken (and sent again), lapsed (a webhook that was behind what is kept)",
            sent_events.clone(),
        );
        let permits = Whole::default();
        permits.set(i64::try_from(PERMITS_MAX).unwrap_or(i64::MAX));
        registry.register("permits", "The most messages under way at once", permits);
        let mut whole = |name: &str, help: &str| {
            let gauge = Whole::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let under_way = whole("messages_under_way", "Messages that are taken and not answered");
        let ready = whole("ready", "1 where messages are taken");
        let recovered_records = whole("recovered_records", "Records of the journal that the start has read");
        let journal_records = whole("journal_records", "Records made durable since the start");
        let journal_bytes = whole("journal_bytes", "Bytes written to the journal since the start");
        let journal_syncs = whole("journal_syncs", "Syncs of the journal since the start");
        let snapshots = whole("snapshots", "Snapshots finished since the start");
        let snapshots_failed = whole("snapshots_failed", "Snapshots that failed since the start");
        let mut seconds = |name: &str, help: &str| {
            let gauge = Seconds::default();
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
            gauge
        };
        let recovery = seconds("recovery", "How long the start has read");
        let slice_longest = seconds("snapshot_slice_longest", "The longest that a snapshot has held a shard");
        Metrics {
            registry,
            messages,
            sent_events,
            under_way,
            ready,
            recovered_records,
            recovery,
            journal_records,
            journal_bytes,
            journal_syncs,
            snapshots,
            snapshots_failed,
            slice_longest,
        }
    }

    /// Counts a message of a command.
    pub(super) fn count(&self, command: &'static str, code: &'static str) {
        self.messages.get_or_create(&Labels { command, code }).inc();
    }

    /// Everything as text, as it is now.
    pub(super) fn text(&self, engine: Option<&Engine>) -> String {
        self.ready.set(i64::from(engine.is_some_and(|engine| engine.fault().is_none())));
        if let Some(engine) = engine {
            let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            let (journal, snapshots, recovered) =
                (engine.journal_stats(), engine.snapshot_stats(), engine.recovered());
            self.under_way.set(whole(engine.in_flight() as u64));
            self.recovered_records.set(whole(recovered.records));
            self.recovery.set(recovered.took.as_secs_f64());
            self.journal_records.set(whole(journal.records));
            self.journal_bytes.set(whole(journal.bytes));
            self.journal_syncs.set(whole(journal.syncs));
            self.snapshots.set(whole(snapshots.finished));
            self.snapshots_failed.set(whole(snapshots.failed));
            self.slice_longest.set(snapshots.slice_max.as_secs_f64());
        }
        let mut text = String::new();
        // A text takes whatever is written into it.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
