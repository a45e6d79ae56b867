//! Warnings about settings, before a command that runs and ends.

use telemetry::console::print_message;

/// Prints each warning as a line on standard error.
pub fn print_warnings(warnings: &[String]) {
    for warning in warnings {
        print_message(&format_args!("warning: {warning}"));
    }
}
