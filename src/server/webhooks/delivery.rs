//! One webhook's way through the feed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::web::Data;
use ureq::Agent;
use ureq::unversioned::transport::DefaultConnector;

use super::address::Outside;
use super::file::{Place, Webhook, WebhooksError};
use super::signature;
use crate::limits::{
    FEED_LOOKED_AT_MS, WEBHOOK_FIRST_PAUSE_MS, WEBHOOK_LONGEST_PAUSE_MS, WEBHOOK_MS_MAX, WEBHOOK_PLACE_MS,
};
use crate::server::door::Door;
use crate::server::feed::{EventBody, Known, Wanted};
use crate::{Engine, EventId, FeedError, FeedEvent};

/// A webhook at work.
pub(super) struct Delivery {
    id: String,
    webhook: Webhook,
    wanted: Wanted,
    place: Place,
    door: Data<Door>,
    stop: Arc<AtomicBool>,
    agent: Agent,
    known: Known,
    /// Everything up to there was taken, or was not for it; none before it has begun.
    dealt: Option<EventId>,
    /// Since when that is more than what is noted.
    unnoted: Option<Instant>,
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
            .proxy(None)
            .timeout_global(Some(Duration::from_millis(WEBHOOK_MS_MAX)))
            .build();
        let agent = if webhook.asked.inside {
            Agent::new_with_config(config)
        } else {
            Agent::with_parts(config, DefaultConnector::default(), Outside::default())
        };
        let asked = webhook.asked.clone();
        let wanted = Wanted { types: asked.types, subject: String::new(), account: asked.account };
        Delivery {
            id,
            webhook,
            wanted,
            place,
            door,
            stop,
            agent,
            known: Known::default(),
            dealt: None,
            unnoted: None,
        }
    }

    /// Sends what comes until it is to end.
    pub(super) fn run(mut self) {
        let door = Data::clone(&self.door);
        let Ok(engine) = door.engine() else { return };
        let mut pause = WEBHOOK_FIRST_PAUSE_MS;
        while !self.ends() {
            match self.follow(engine) {
                Ok(()) => break,
                Err(Broken::Feed(FeedError::Lapsed { asked, oldest })) => {
                    self.door.count_event("lapsed");
                    tracing::error!(%asked, oldest = oldest.0, id = self.id, "events have lapsed for a webhook: it begins anew at the oldest that is kept");
                    self.dealt = Some(EventId::default());
                }
                Err(Broken::Feed(FeedError::Ahead { asked, newest })) => {
                    self.door.count_event("lapsed");
                    tracing::error!(%asked, newest = newest.0, id = self.id, "a webhook is ahead of the journal, which is another or older: it begins anew now");
                    self.dealt = Some(engine.newest_event());
                }
                // The place stays, and what was dealt with is not sent again.
                Err(broken) => {
                    tracing::error!(%broken, id = self.id, pause, "a webhook waits");
                    if !self.rest(pause) {
                        break;
                    }
                    pause = (pause * 2).min(WEBHOOK_LONGEST_PAUSE_MS);
                }
            }
        }
        // A webhook that was removed leaves no place behind.
        if !self.stop.load(Ordering::SeqCst) {
            self.note(true);
        }
    }

    /// Follows the feed from where it has come to.
    fn follow(&mut self, engine: &Engine) -> Result<(), Broken> {
        let after = match self.dealt {
            Some(dealt) => dealt,
            None => match self.place.read()? {
                Some(place) => place,
                None => {
                    // It begins now, and that is noted before anything is sent, so that a restart leaves nothing out.
                    let now = engine.newest_event();
                    self.place.write(now)?;
                    now
                }
            },
        };
        self.dealt = Some(after);
        let mut feed = engine.feed(Some(after))?;
        while !self.ends() {
            let events = feed.read()?;
            let nothing = events.is_empty() && !feed.has_more();
            for event in events {
                let id = event.id;
                if !self.deliver(engine, event) {
                    return Ok(());
                }
                self.dealt = Some(id);
            }
            if nothing {
                let passed = feed.passed();
                if self.dealt.is_none_or(|dealt| dealt.position < passed.position) {
                    self.dealt = Some(passed);
                    self.unnoted.get_or_insert_with(Instant::now);
                }
                thread::sleep(Duration::from_millis(FEED_LOOKED_AT_MS));
            }
            self.note(false);
        }
        Ok(())
    }

    fn ends(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.door.is_ending()
    }

    /// Sends an event until it is taken; false where it is to end.
    fn deliver(&mut self, engine: &Engine, event: FeedEvent) -> bool {
        let (id, mut pause) = (event.id, WEBHOOK_FIRST_PAUSE_MS);
        let own = self.wanted.account.as_ref().map(|account| engine.number_of(account));
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
        if let Some((body, concerned)) = told
            && self.wanted.has(&body, &concerned, own.flatten())
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
            (self.dealt, self.unnoted) = (Some(id), Some(Instant::now()));
            self.note(true);
        } else {
            self.unnoted.get_or_insert_with(Instant::now);
        }
        true
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
        let (Some(since), Some(dealt)) = (self.unnoted, self.dealt) else { return };
        if !now && since.elapsed() < Duration::from_millis(WEBHOOK_PLACE_MS) {
            return;
        }
        match self.place.write(dealt) {
            Ok(()) => self.unnoted = None,
            Err(error) => tracing::error!(%error, id = self.id, "a webhook's place was not noted"),
        }
    }
}

/// Why a webhook cannot go on now.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Place(#[from] WebhooksError),
}
