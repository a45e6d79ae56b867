//! What a verification says.

use std::{fmt, process::ExitCode};

use draw_verifier::Finding;

/// Something is wrong.
const FINDINGS: u8 = 1;
/// It cannot be told.
pub const UNKNOWN: u8 = 2;
/// In order, and no beacon took part.
const UNWITNESSED: u8 = 3;

/// What a verification says.
#[derive(Debug, Default)]
pub struct Outcome {
    lines: Vec<String>,
    findings: usize,
    is_undrawn: bool,
    is_unwitnessed: bool,
}

impl Outcome {
    /// Something that is in order.
    pub(super) fn say(&mut self, line: String) {
        self.lines.push(line);
    }

    /// A draw whose order is not known yet.
    pub(super) fn undrawn(&mut self) {
        self.is_undrawn = true;
    }

    /// A draw without a beacon.
    pub(super) fn unwitnessed(&mut self) {
        self.is_unwitnessed = true;
    }

    /// Something that is wrong.
    pub(super) fn find(&mut self, event: &str, finding: &impl fmt::Display) {
        self.findings += 1;
        self.lines.push(format!("{event}: {finding}"));
    }

    pub(super) fn find_all(&mut self, event: &str, findings: &[Finding]) {
        findings.iter().for_each(|finding| self.find(event, finding));
    }

    /// This one, and then `other`.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self.findings += other.findings;
        self.is_undrawn |= other.is_undrawn;
        self.is_unwitnessed |= other.is_unwitnessed;
        self
    }

    /// The exit code of the command.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self { findings: 1.., .. } => FINDINGS,
            Self { is_undrawn: true, .. } => UNKNOWN,
            Self { is_unwitnessed: true, .. } => UNWITNESSED,
            _ => 0,
        }
    }

    /// As the command ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.code().into()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_code_is_that_of_the_worst() {
        let mut outcome = Outcome::default();
        outcome.say("in order".to_owned());
        assert_eq!(outcome.code(), 0);
        outcome.unwitnessed();
        assert_eq!(outcome.code(), 3);
        outcome.undrawn();
        assert_eq!(outcome.code(), 2);
        let mut wrong = Outcome::default();
        wrong.find("gala", &"seq 7: wrong");
        let all = outcome.and(wrong);
        assert_eq!((all.code(), all.to_string().as_str()), (1, "in order\ngala: seq 7: wrong\n"));
    }
}
