//! The lines of a run.

use std::fmt::Display;

/// Collects checks and figures, and remembers which checks did not hold.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<String>,
    failed: Vec<String>,
}

impl Report {
    /// A report of a part with this title.
    pub fn titled(title: impl Display) -> Self {
        Self { lines: vec![format!("== {title}")], failed: Vec::new() }
    }

    /// A check with its figure.
    pub fn check(&mut self, what: &str, holds: bool, figure: impl Display) {
        self.lines.push(format!("{} {what}: {figure}", if holds { "ok    " } else { "FAILED" }));
        if !holds {
            self.failed.push(what.to_owned());
        }
    }

    /// A figure that nothing is asked of.
    pub fn figure(&mut self, what: &str, figure: impl Display) {
        self.lines.push(format!("       {what}: {figure}"));
    }

    /// A check that nothing was found; shows the first few.
    pub fn none<T: Display>(&mut self, what: &str, found: &[T]) {
        self.check(what, found.is_empty(), format_args!("{} found", found.len()));
        self.lines.extend(found.iter().take(5).map(|one| format!("         {one}")));
    }

    pub fn is_good(&self) -> bool {
        self.failed.is_empty()
    }

    /// Prints the lines so far.
    pub fn print(&mut self) {
        for line in self.lines.drain(..) {
            println!("{line}");
        }
    }

    /// Takes over the failures of another one, and prints it.
    pub fn merge(&mut self, mut other: Self) {
        other.print();
        self.failed.extend(other.failed);
    }

    /// Prints the end.
    pub fn end(&mut self) {
        self.print();
        if self.is_good() {
            println!("everything holds");
        } else {
            println!("FAILED: {}", self.failed.join("; "));
        }
    }
}
