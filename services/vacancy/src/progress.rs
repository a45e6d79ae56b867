//! Progress of a command on standard error.

use std::time::{Duration, Instant};

use telemetry::console::print_message;

/// Shows progress on standard error, not more often than a person can read.
pub fn show() -> impl FnMut(u64) {
    const EVERY: Duration = Duration::from_millis(500);
    let mut shown = Instant::now();
    move |records| {
        if shown.elapsed() >= EVERY {
            print_message(&format_args!("{records} records"));
            shown = Instant::now();
        }
    }
}
