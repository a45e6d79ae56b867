//! Warnings about settings, before a command that runs and ends.

use std::io::Write;

/// Prints each warning as a line on standard error.
pub fn print_warnings(warnings: &[String]) {
    for warning in warnings {
        // Nobody may read it.
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
}
