//! Traces: an id for each request, from whoever sends it or made here, which stands in every line that is logged on its way and
//! goes back with the answer.
//!
//! A span costs more than a microsecond, so there is one only where lines of the level `info` are wanted. What is logged above that
//! gets one of its own then (`Trace::tell`). Absent on purpose: spans within the engine, where one for each message would cost a
//! fifth of the speed.

#[cfg(feature = "otlp")]
pub mod otlp;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Span;

/// The header, in HTTP and gRPC alike, by which the id goes back.
pub(super) const TRACE_ID: &str = "trace-id";

/// The header by which whoever sends says of which trace a request is part (W3C Trace Context).
pub(super) const TRACEPARENT: &str = "traceparent";

/// A trace's id, and the span of whoever sends, where they have said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    id: u128,
    parent: Option<Parent>,
}

/// What a sender says beside the id, for who sends traces on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    span: u64,
    sampled: bool,
}

impl Trace {
    /// The trace that a `traceparent` says; a new one, where it says none.
    pub(super) fn of(traceparent: Option<&str>) -> Trace {
        traceparent.and_then(said).unwrap_or_else(|| Trace { id: made(), parent: None })
    }

    /// The span of a request, where anybody reads it.
    pub(super) fn span(&self, door: &'static str, what: &str) -> Span {
        let span = tracing::info_span!("request", trace_id = %self, door, what);
        #[cfg(feature = "otlp")]
        otlp::join(&span, self);
        span
    }

    /// Tells something from within a span of this trace, also where no other is kept.
    pub(super) fn tell(&self, tell: impl FnOnce()) {
        if Span::current().is_none() {
            tracing::error_span!("request", trace_id = %self).in_scope(tell);
        } else {
            tell();
        }
    }

    /// The id in hexadecimal.
    pub(super) fn text(&self) -> [u8; 32] {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.id.to_be_bytes()) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        text
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.id)
    }
}

/// A new id: nobody outside can tell the next one, and no two are the same.
fn made() -> u128 {
    static SECRETS: OnceLock<[RandomState; 2]> = OnceLock::new();
    static MADE: AtomicU64 = AtomicU64::new(0);
    let secrets = SECRETS.get_or_init(|| [RandomState::new(), RandomState::new()]);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let [high, low] = secrets.each_ref().map(|secret| u128::from(secret.hash_one(number)));
    // All zeros mean that there is none.
    (high << 64 | low).max(1)
}

/// What a `traceparent` says: `00-TRACE-SPAN-FLAGS` in small hexadecimal digits. A later version may say more behind it.
fn said(text: &str) -> Option<Trace> {
    let mut parts = text.split('-');
    let [version, id, span, flags] = [2, 32, 16, 2].map(|digits| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        let small = part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        small.then(|| u128::from_str_radix(part, 16).ok()).flatten()
    });
    let (version, id, flags) = (version?, id.filter(|id| *id != 0)?, flags?);
    let span = u64::try_from(span.filter(|span| *span != 0)?).ok()?;
    if version == 0xFF || (version == 0 && parts.next().is_some()) {
        return None;
    }
    Some(Trace { id, parent: Some(Parent { span, sampled: flags & 1 == 1 }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_over_where_it_is_one() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = format!("00-{id}-00f067aa0ba902b7-01");
        let taken = Trace::of(Some(&good));
        assert_eq!((taken.to_string(), std::str::from_utf8(&taken.text())), (id.to_owned(), Ok(id)));
        assert_eq!(taken.parent, Some(Parent { span: 0x00f0_67aa_0ba9_02b7, sampled: true }));
        let later = format!("cc-{id}-00f067aa0ba902b7-00-what-comes-later");
        assert_eq!(Trace::of(Some(&later)).to_string(), id);
        for bad in [
            String::new(),
            good.to_uppercase(),
            good.replace("00-", "ff-"),
            format!("{good}-more"),
            format!("{good} "),
            good.replace(id, &"0".repeat(32)),
            good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            good.replace("-01", ""),
            good.replace("-01", "-1"),
            good.replace(id, &id[1..]),
            good.replace("4bf", "+bf"),
            good.replace("4bf", "é"),
        ] {
            let made = Trace::of(Some(&bad));
            assert!(made.parent.is_none() && made.to_string() != id, "{bad:?} is taken as {made}");
        }
    }

    #[test]
    fn no_two_are_the_same() {
        let made: std::collections::HashSet<String> =
            (0..10_000).map(|_| Trace::of(None).to_string()).collect();
        assert!(made.len() == 10_000 && made.iter().all(|id| id.len() == 32));
    }
}
