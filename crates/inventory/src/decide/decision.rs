//! The result of a rule.

use crate::{
    domain::{Outcome, RefusalKind},
    ledger::Change,
};

/// The result of a rule.
#[derive(Debug)]
pub(super) enum Decision {
    /// Write this.
    Append(Change),
    /// Write this, which does not say all of the answer.
    AppendAndAnswer(Change, Outcome),
    /// Write both. The key is written with the first, which has the answer.
    AppendBoth(Change, Change),
    /// Write this and refuse the command. Its key is not written.
    AppendAndRefuse(Change, RefusalKind),
    /// It is so already: nothing to write, and this is the answer, with the `seq` at which it
    /// became so if that is known.
    Already(Outcome, Option<u64>),
}

pub(super) type Ruling = Result<Decision, RefusalKind>;
