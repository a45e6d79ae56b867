//! Bugs that are planted on purpose, to show that the tests find them. They exist only with the
//! feature `planted-bugs`, which no release can be built with, and do nothing until one of them is
//! switched on for the current thread.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!("the feature `planted-bugs` is for tests: it cannot be built into a release");

/// A bug that could have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Commits are written and not synced before they are acknowledged.
    AckBeforeSync,
    /// A hold lives until a sweeper has come by, whatever its time.
    ExpiryBySweeper,
    /// After a failed write the engine goes on.
    LostPoison,
    /// The key of a request is not in the record of its effect.
    KeyApartFromEffect,
    /// A refund returns twice what it says.
    DoubleRefund,
    /// The limit per customer does not see what the same batch has sold.
    LimitBlindInBatch,
    /// A commit of a single record is not shown to readers until the next one.
    StaleReads,
    /// A repeated request is answered with what is left now, not with its first answer.
    AnswerMadeAnew,
}

#[cfg(feature = "planted-bugs")]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AckBeforeSync,
        Self::ExpiryBySweeper,
        Self::LostPoison,
        Self::KeyApartFromEffect,
        Self::DoubleRefund,
        Self::LimitBlindInBatch,
        Self::StaleReads,
        Self::AnswerMadeAnew,
    ];
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Switches one bug on for the current thread, or all of them off.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub use switch::plant;
#[cfg(feature = "planted-bugs")]
pub(crate) use switch::planted;

/// None is switched on: there is no switch.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
