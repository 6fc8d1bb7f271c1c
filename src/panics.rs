//! What a panic said, for the one line that tells of it.

use std::any::Any;

/// The words of a panic.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("an invariant is broken")
}
