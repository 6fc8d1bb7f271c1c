//! How many connections there may be, so that the store always has files left to begin a segment with.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::{CONNECTIONS_MAX, FILES_KEPT};

/// Connections that each door may have.
pub(super) struct Room {
    pub(super) http: usize,
    pub(super) grpc: usize,
}

impl Room {
    /// Asks the system for as many files as it may give, and shares them out.
    pub(super) fn take() -> Room {
        let before = getrlimit(Resource::Nofile);
        // Where that is refused, what there was is shared out.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum });
        let files = getrlimit(Resource::Nofile).current;
        Room::of(files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX))
    }

    fn of(files: usize) -> Room {
        let connections = files.saturating_sub(FILES_KEPT.min(files / 4 * 3)).min(CONNECTIONS_MAX);
        let grpc = connections / 4;
        Room { http: connections - grpc, grpc: grpc.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_keeps_files() {
        for files in [10, 100, 1_024, 4_096, 1_000_000, usize::MAX] {
            let Room { http, grpc } = Room::of(files);
            let kept = files.saturating_sub(http + grpc);
            assert!(
                kept >= FILES_KEPT.min(files / 4 * 3) - 1 && http > 0 && grpc > 0,
                "{files}: {http}, {grpc}"
            );
        }
    }
}
