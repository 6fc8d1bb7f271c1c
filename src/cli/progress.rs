//! Progress, on standard error: a bar where that is a terminal, and else a line now and then.

use std::io::{IsTerminal, Write, stderr};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::text::count;
use crate::Progress;

/// How often a line tells how far it is, where no bar can be seen.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar over a known number of things, and a message behind them.
pub(super) fn bar(doing: &'static str, of: &'static str, number: u64) -> ProgressBar {
    let template = format!("{doing} {{bar:40}} {{human_pos}}/{{human_len}} {of}{{msg}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(number).with_style(style);
    if !stderr().is_terminal() {
        tell_in_lines(&bar, doing, of);
    }
    bar
}

/// Tells how far a bar is until it ends, from a thread of its own.
fn tell_in_lines(bar: &ProgressBar, doing: &'static str, of: &'static str) {
    let bar = bar.downgrade();
    let tell = move || {
        thread::sleep(LINE_EVERY);
        while let Some(bar) = bar.upgrade().filter(|bar| !bar.is_finished()) {
            // Nobody has to read it.
            let _ = stderr().write_all(line(doing, of, bar.position(), bar.length().unwrap_or(0)).as_bytes());
            drop(bar);
            thread::sleep(LINE_EVERY);
        }
    };
    // Without a thread the work goes on all the same.
    let _ = thread::Builder::new().name("progress".to_owned()).spawn(tell);
}

fn line(doing: &str, of: &str, done: u64, all: u64) -> String {
    if all == 0 {
        return String::new();
    }
    format!("{doing} {} of {} {of}\n", count(done), count(all))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_once_it_is_known_how_much_there_is() {
        assert_eq!(line("reading", "records", 12_000, 3_317_038), "reading 12,000 of 3,317,038 records\n");
        assert_eq!(line("reading", "records", 0, 0), "");
    }
}
