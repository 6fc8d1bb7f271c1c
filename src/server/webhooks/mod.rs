//! Webhooks: the feed, sent to whoever has asked for it, signed, in its order, until it is taken.
//!
//! Each has a thread and a place in the feed of its own, so a dead receiver holds nobody. Absent on purpose: keeping events; what
//! the journal no longer has when a receiver comes back has lapsed for it.

mod address;
mod delivery;
mod file;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::web::Data;

pub(super) use file::MadeBy;
pub use file::{MadeWebhook, NewWebhook, ShownWebhook, WebhookFile, WebhooksError};

use super::door::Door;
use crate::limits::WEBHOOKS_LOOKED_AT_MS;
use delivery::Delivery;

/// Delivers by what the file says, until the server ends.
///
/// # Errors
/// Where the machine gives no threads.
pub(super) fn start(file: WebhookFile, door: Data<Door>) -> std::io::Result<()> {
    if let Err(error) = file.sweep() {
        tracing::warn!(%error, "what is left of webhooks was not removed");
    }
    thread::Builder::new().name("webhooks".to_owned()).spawn(move || watch(&file, &door)).map(drop)
}

/// Starts a thread for each webhook, and ends it where the webhook is removed.
fn watch(file: &WebhookFile, door: &Data<Door>) {
    let mut running: BTreeMap<String, (Arc<AtomicBool>, JoinHandle<()>)> = BTreeMap::new();
    let mut warned = None;
    let (mut read, mut known) = (None, Ok(BTreeMap::new()));
    while !door.is_ending() {
        if door.engine().is_ok() {
            // Most of the time nothing has changed.
            let version = file.version();
            if known.is_err() || version != read {
                (read, known) = (version, file.all());
            }
            match &known {
                Ok(all) => {
                    warned = None;
                    // One that has ended by itself is begun anew.
                    running.retain(|id, (stop, thread)| {
                        let there = all.contains_key(id);
                        stop.store(!there, Ordering::SeqCst);
                        there && !thread.is_finished()
                    });
                    for (id, webhook) in all {
                        if running.contains_key(id) {
                            continue;
                        }
                        let stop = Arc::new(AtomicBool::new(false));
                        let delivery = Delivery::new(
                            id.clone(),
                            webhook.clone(),
                            file.place(id),
                            Data::clone(door),
                            Arc::clone(&stop),
                        );
                        let named = thread::Builder::new().name("webhook".to_owned());
                        match named.spawn(move || delivery.run()) {
                            Ok(thread) => drop(running.insert(id.clone(), (stop, thread))),
                            Err(error) => tracing::error!(%error, id, "a webhook has no thread"),
                        }
                    }
                }
                Err(error) => {
                    let words = error.to_string();
                    if warned.as_ref() != Some(&words) {
                        tracing::error!(%error, "the webhooks were not taken anew");
                        warned = Some(words);
                    }
                }
            }
        }
        thread::sleep(Duration::from_millis(WEBHOOKS_LOOKED_AT_MS));
    }
}
