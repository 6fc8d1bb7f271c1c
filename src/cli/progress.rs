//! Progress bars: on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::Progress;

/// A bar over a known number of things, and a message behind them.
pub(super) fn bar(doing: &'static str, of: &'static str, number: u64) -> ProgressBar {
    let template = format!("{doing} {{bar:40}} {{human_pos}}/{{human_len}} {of}{{msg}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(number).with_style(style)
}

/// A bar for reading a journal, which is shown once there is something to read; and its end.
pub(super) fn reading() -> (Progress, ProgressBar) {
    let bar = bar("reading", "records", 0);
    let shown = bar.clone();
    let tell = move |read, records| {
        shown.set_length(records);
        shown.set_position(read);
    };
    (Progress::new(tell), bar)
}
