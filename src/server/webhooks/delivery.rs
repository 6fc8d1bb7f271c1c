//! One webhook's way through the feed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::web::Data;
use ureq::Agent;
use ureq::unversioned::transport::DefaultConnector;

use super::address::Outside;
use super::file::{Place, Webhook};
use super::signature;
use crate::limits::{
    FEED_LOOKED_AT_MS, WEBHOOK_FIRST_PAUSE_MS, WEBHOOK_LONGEST_PAUSE_MS, WEBHOOK_MS_MAX, WEBHOOK_PLACE_MS,
};
use crate::server::door::Door;
use crate::server::feed::{EventBody, Known, Wanted};
use crate::{Engine, EventId, Feed, FeedError, FeedEvent};

/// A webhook at work.
pub(super) struct Delivery {
    id: String,
    webhook: Webhook,
    place: Place,
    door: Data<Door>,
    stop: Arc<AtomicBool>,
    agent: Agent,
    known: Known,
    /// What was passed over or taken, and not noted yet, since then.
    unnoted: Option<(EventId, Instant)>,
}

impl Delivery {
    pub(super) fn new(
        id: String,
        webhook: Webhook,
        place: Place,
        door: Data<Door>,
        stop: Arc<AtomicBool>,
    ) -> Delivery {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_millis(WEBHOOK_MS_MAX)))
            .build();
        let agent = if webhook.asked.inside {
            Agent::new_with_config(config)
        } else {
            Agent::with_parts(config, DefaultConnector::default(), Outside::default())
        };
        Delivery { id, webhook, place, door, stop, agent, known: Known::default(), unnoted: None }
    }

    /// Sends what comes until it is to end.
    pub(super) fn run(mut self) {
        let door = Data::clone(&self.door);
        let Ok(engine) = door.engine() else { return };
        let after = self.place.read().unwrap_or_else(|| {
            // It begins now, and that is noted before anything is sent, so that a restart leaves nothing out.
            let now = engine.newest_event();
            self.unnoted = Some((now, Instant::now()));
            self.note(true);
            now
        });
        let mut feed = self.feed(engine, after);
        while let Some(reading) = &mut feed
            && !self.ends()
        {
            match reading.read() {
                Ok(events) => {
                    let nothing = events.is_empty() && !reading.has_more();
                    for event in events {
                        if !self.deliver(engine, event) {
                            return;
                        }
                    }
                    self.note(nothing);
                    if nothing {
                        thread::sleep(Duration::from_millis(FEED_LOOKED_AT_MS));
                    }
                }
                Err(error) => {
                    self.lapsed(&error);
                    feed = self.feed(engine, EventId::default());
                }
            }
        }
        self.note(true);
    }

    fn ends(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.door.is_ending()
    }

    /// The feed from a place on; from the oldest that is kept where that has lapsed.
    fn feed(&self, engine: &Engine, after: EventId) -> Option<Feed> {
        match engine.feed(Some(after)) {
            Ok(feed) => Some(feed),
            Err(error @ FeedError::Lapsed { .. }) => {
                self.lapsed(&error);
                engine.feed(Some(EventId::default())).ok()
            }
            Err(error) => {
                tracing::error!(%error, id = self.id, "a webhook cannot read the feed");
                None
            }
        }
    }

    fn lapsed(&self, error: &FeedError) {
        self.door.count_event("lapsed");
        tracing::error!(%error, id = self.id, "events have lapsed for a webhook: it begins anew at the oldest that is kept");
    }

    /// Sends an event until it is taken; false where it is to end.
    fn deliver(&mut self, engine: &Engine, event: FeedEvent) -> bool {
        let (id, mut pause) = (event.id, WEBHOOK_FIRST_PAUSE_MS);
        let own = self.webhook.asked.account.as_ref().map(|account| engine.number_of(account));
        let told = loop {
            match pollster::block_on(EventBody::of(engine, &mut self.known, event.clone())) {
                Ok(told) => break Some(told),
                Err(refusal) if refusal.code.retryable() => {
                    if !self.rest(pause) {
                        return false;
                    }
                }
                Err(refusal) => {
                    tracing::error!(%refusal, %id, "an event cannot be told");
                    break None;
                }
            }
        };
        let wanted = Wanted {
            types: self.webhook.asked.types.clone(),
            subject: String::new(),
            account: self.webhook.asked.account.clone(),
        };
        if let Some((body, concerned)) = told
            && wanted.has(&body, &concerned, own.flatten())
            && let Ok(text) = serde_json::to_string(&body)
        {
            while let Err(why) = self.send(&text) {
                self.door.count_event("not_taken");
                tracing::warn!(why, id = self.id, event = %id, pause, "an event was not taken");
                if !self.rest(pause) {
                    return false;
                }
                pause = (pause * 2).min(WEBHOOK_LONGEST_PAUSE_MS);
            }
            self.door.count_event("taken");
            // What was taken is noted at once, so that it is hardly ever sent again.
            self.unnoted = Some((id, Instant::now()));
            self.note(true);
        } else {
            let since = self.unnoted.map_or_else(Instant::now, |(_, since)| since);
            self.unnoted = Some((id, since));
        }
        !self.ends()
    }

    /// Sends a body once.
    fn send(&self, body: &str) -> Result<(), String> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let sent = self
            .agent
            .post(&self.webhook.asked.url)
            .header("Content-Type", "application/cloudevents+json")
            .header(signature::HEADER, signature::of(&self.webhook.secret, seconds, body))
            .send(body);
        match sent {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("the answer was {}", response.status())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits; false where it is to end meanwhile.
    fn rest(&self, milliseconds: u64) -> bool {
        let until = Instant::now() + Duration::from_millis(milliseconds);
        while Instant::now() < until {
            if self.ends() {
                return false;
            }
            thread::sleep(Duration::from_millis(FEED_LOOKED_AT_MS.min(milliseconds)));
        }
        true
    }

    /// Notes how far it has come: now, or where that is some time ago.
    fn note(&mut self, now: bool) {
        let Some((id, since)) = self.unnoted else { return };
        if !now && since.elapsed() < Duration::from_millis(WEBHOOK_PLACE_MS) {
            return;
        }
        match self.place.write(id) {
            Ok(()) => self.unnoted = None,
            Err(error) => tracing::error!(%error, id = self.id, "a webhook's place was not noted"),
        }
    }
}
