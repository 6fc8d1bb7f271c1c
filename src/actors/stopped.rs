//! Why an engine has stopped by itself. Absent on purpose: a way to go on.

use crate::sync::OnceLock;

/// Why an engine has stopped by itself; set once.
#[derive(Debug, Default)]
pub struct Stopped(OnceLock<String>);

impl Stopped {
    /// The first reason.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Notes a reason; only the first counts.
    pub fn stop(&self, why: String) {
        if self.0.set(why).is_ok() {
            tracing::error!(why = self.why(), "the engine has stopped");
        }
    }
}
