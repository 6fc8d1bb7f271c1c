//! The file of webhooks, beside the data folder, and the place of each in the feed.
//!
//! Their secrets stand in it as they are, because what is sent is signed with them; so its owner alone may read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ureq::http::Uri;

use super::address::{INSIDE, is_written_inside};
use crate::domain::{Name, RequestId};
use crate::limits::{WEBHOOK_URL_BYTES_MAX, WEBHOOKS_MAX, WEBHOOKS_OF_ACCOUNT_MAX};
use crate::server::beside::{Beside, FileError, Version, version};
use crate::server::feed::wrong_types;
use crate::server::json::hex;
use crate::{EventId, NotAnEventId};

/// A webhook as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are sent.
    pub url: String,
    /// Only what concerns this account; everything where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,
    /// Only of these types; of all where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Whether it may be without TLS, or at a private address.
    #[serde(default)]
    pub inside: bool,
}

/// A webhook as the file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Webhook {
    #[serde(flatten)]
    pub(super) asked: NewWebhook,
    /// What its events are signed with.
    pub(super) secret: String,
    /// Which message over the network has made it; none where it was made by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_by: Option<MadeBy>,
}

/// The message that has made a webhook, so that a repeat makes no second one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(in crate::server) struct MadeBy {
    /// Whose; the institution's where it is none.
    pub(in crate::server) account: Option<Name>,
    /// Which.
    pub(in crate::server) key: RequestId,
}

/// A webhook that was made.
#[derive(Clone, Debug)]
pub struct MadeWebhook {
    /// Its id.
    pub id: String,
    /// What its events are signed with.
    pub secret: String,
    /// True where it was made before, by the same message.
    pub again: bool,
}

/// A webhook as it is listed: all but its secret.
#[derive(Clone, Debug)]
pub struct ShownWebhook {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub asked: NewWebhook,
    /// Everything up to there was taken, or was not for it.
    pub up_to: Option<EventId>,
}

/// Webhooks cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// The file's failure.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file holds something else.
    #[error("{} holds no webhooks: {why}; restore it from a copy, or remove it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What was asked for cannot be.
    #[error("{field} {why}")]
    Asked {
        /// The field.
        field: &'static str,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// There are as many as there may be.
    #[error("webhooks are {most}{whose} already: remove some")]
    Full {
        /// The bound.
        most: usize,
        /// Whose they are, where it is an account's bound.
        whose: &'static str,
    },
    /// The message that asks for one has made another one.
    #[error("the idempotency key has made another webhook: choose a new one")]
    Reused,
    /// No webhook of this id.
    #[error("{} has no webhook {id:?}: `hongbao webhooks list` shows all", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        id: String,
    },
}

/// The file of webhooks, for whoever makes and removes them.
#[derive(Clone)]
pub struct WebhookFile(Beside);

type All = BTreeMap<String, Webhook>;

impl WebhookFile {
    /// The file of the webhooks to the data in this folder: it stands beside it.
    #[must_use]
    pub fn beside(data: &Path) -> WebhookFile {
        WebhookFile(Beside::of(data, ".webhooks.json"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes a webhook.
    ///
    /// # Errors
    /// `Asked`, where it cannot be; `Full`; where the file cannot be read or written.
    pub fn create(&self, asked: NewWebhook) -> Result<MadeWebhook, WebhooksError> {
        self.create_by(asked, None)
    }

    /// As `create`; once for one message.
    ///
    /// # Errors
    /// `Reused`, too.
    pub(in crate::server) fn create_by(
        &self,
        asked: NewWebhook,
        made_by: Option<MadeBy>,
    ) -> Result<MadeWebhook, WebhooksError> {
        check(&asked)?;
        let _lock = self.0.lock()?;
        let mut all = self.all()?;
        let mut known = all.iter().filter(|(_, webhook)| made_by.is_some() && webhook.made_by == made_by);
        if let Some((id, webhook)) = known.next() {
            let (id, secret) = (id.clone(), webhook.secret.clone());
            let same = webhook.asked == asked;
            return if same {
                Ok(MadeWebhook { id, secret, again: true })
            } else {
                Err(WebhooksError::Reused)
            };
        }
        if all.len() >= WEBHOOKS_MAX {
            return Err(WebhooksError::Full { most: WEBHOOKS_MAX, whose: "" });
        }
        let own = |webhook: &&Webhook| webhook.asked.account == asked.account;
        if asked.account.is_some() && all.values().filter(own).count() >= WEBHOOKS_OF_ACCOUNT_MAX {
            return Err(WebhooksError::Full { most: WEBHOOKS_OF_ACCOUNT_MAX, whose: " of this account" });
        }
        let random = |bytes: &mut [u8]| -> Result<String, WebhooksError> {
            getrandom::fill(bytes)
                .map_err(|error| self.0.failed("draw a secret for")(io::Error::other(error.to_string())))?;
            Ok(hex(bytes))
        };
        let (id, secret) = (random(&mut [0; 8])?, random(&mut [0; 32])?);
        all.insert(id.clone(), Webhook { asked, secret: secret.clone(), made_by });
        self.0.write(&all)?;
        Ok(MadeWebhook { id, secret, again: false })
    }

    /// Removes a webhook, and its place.
    ///
    /// # Errors
    /// `Unknown`; where the file cannot be read or written.
    pub fn remove(&self, id: &str) -> Result<(), WebhooksError> {
        self.remove_of(None, id)
    }

    /// As `remove`, of this account's.
    ///
    /// # Errors
    /// `Unknown` where it is another one's, too.
    pub(in crate::server) fn remove_of(&self, account: Option<&Name>, id: &str) -> Result<(), WebhooksError> {
        let _lock = self.0.lock()?;
        let mut all = self.all()?;
        let unknown = || WebhooksError::Unknown { path: self.0.path().to_owned(), id: id.to_owned() };
        let there =
            all.get(id).filter(|webhook| account.is_none() || webhook.asked.account.as_ref() == account);
        there.ok_or_else(unknown)?;
        all.remove(id);
        self.0.write(&all)?;
        self.place(id).forget();
        Ok(())
    }

    /// All webhooks, by their ids.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn list(&self) -> Result<Vec<ShownWebhook>, WebhooksError> {
        let shown = |(id, webhook): (String, Webhook)| {
            let up_to = self.place(&id).read()?;
            Ok(ShownWebhook { id, asked: webhook.asked, up_to })
        };
        self.all()?.into_iter().map(shown).collect()
    }

    pub(super) fn all(&self) -> Result<All, WebhooksError> {
        let Some(text) = self.0.read()? else { return Ok(All::default()) };
        serde_json::from_slice(&text).map_err(|error| damaged(&self.0, error.to_string()))
    }

    /// What tells whether it has changed.
    pub(super) fn version(&self) -> Option<Version> {
        version(self.0.path())
    }

    /// Removes what writers that were killed have left, and the places of webhooks that there are no more.
    ///
    /// # Errors
    /// Where the file cannot be read or locked.
    pub(super) fn sweep(&self) -> Result<(), WebhooksError> {
        if !self.0.path().exists() {
            return Ok(());
        }
        let _lock = self.0.lock()?;
        let all = self.all()?;
        let stem = self.0.with_ending("").path().to_owned();
        let (Some(folder), Some(stem)) = (stem.parent(), stem.file_stem().and_then(|stem| stem.to_str()))
        else {
            return Ok(());
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let of = |name: &str| -> Option<String> {
            let id = name.strip_prefix(stem)?.strip_prefix('.')?;
            id.strip_suffix(".place").or(id.strip_suffix(".new")).map(str::to_owned)
        };
        for entry in fs::read_dir(folder).map_err(self.0.failed("look beside"))?.flatten() {
            let id = entry.file_name().to_str().and_then(of);
            if id.is_some_and(|id| id.len() == 16 && !all.contains_key(&id)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Where a webhook's place in the feed is kept.
    pub(super) fn place(&self, id: &str) -> Place {
        Place(self.0.with_ending(&format!("{id}.place")))
    }
}

fn damaged(file: &Beside, why: String) -> WebhooksError {
    WebhooksError::Damaged { path: file.path().to_owned(), why }
}

/// Where a webhook has come to in the feed.
pub(super) struct Place(Beside);

impl Place {
    /// How far it has come; none where it has not begun.
    ///
    /// # Errors
    /// Where that cannot be read, or is no place.
    pub(super) fn read(&self) -> Result<Option<EventId>, WebhooksError> {
        let Some(text) = self.0.read()? else { return Ok(None) };
        let text: String =
            serde_json::from_slice(&text).map_err(|error| damaged(&self.0, error.to_string()))?;
        text.parse().map(Some).map_err(|error: NotAnEventId| damaged(&self.0, format!("{text:?} {error}")))
    }

    /// Notes that an event was taken. Where that is lost, it is sent again.
    pub(super) fn write(&self, taken: EventId) -> Result<(), WebhooksError> {
        Ok(self.0.write(&taken.to_string())?)
    }

    fn forget(&self) {
        // It may never have been written.
        let _ = fs::remove_file(self.0.path());
    }
}

fn check(asked: &NewWebhook) -> Result<(), WebhooksError> {
    let wrong = |field, why: String| Err(WebhooksError::Asked { field, why });
    if asked.url.len() > WEBHOOK_URL_BYTES_MAX {
        return wrong("url", format!("has more than {WEBHOOK_URL_BYTES_MAX} bytes: give a shorter one"));
    }
    if asked.url.contains(['@', '#']) {
        return wrong(
            "url",
            "has a user, a password or a fragment: leave it out, the signature tells who sends".to_owned(),
        );
    }
    if asked.types.len() > asked.types.iter().collect::<BTreeSet<_>>().len() {
        return wrong("types", "has one twice: give each once".to_owned());
    }
    let uri: Result<Uri, _> = asked.url.parse();
    let Some((scheme, host)) =
        uri.ok().and_then(|uri| Some((uri.scheme_str()?.to_owned(), uri.host()?.to_owned())))
    else {
        return wrong("url", "is no address: give https://HOST/PATH".to_owned());
    };
    match (&*scheme, asked.inside) {
        ("https", _) | ("http", true) => {}
        ("http", false) => {
            return wrong(
                "url",
                "is without TLS: give https, or have it allowed by `hongbao webhooks create --inside`"
                    .to_owned(),
            );
        }
        _ => return wrong("url", format!("is of {scheme}: give https")),
    }
    if !asked.inside && is_written_inside(&host) {
        return wrong("url", INSIDE.to_owned());
    }
    if let Some(why) = wrong_types(&asked.types) {
        return wrong("types", why);
    }
    Ok(())
}
