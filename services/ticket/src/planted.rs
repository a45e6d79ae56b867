//! Bugs of the way to vacancy that are planted on purpose, to show that the tests find them. They
//! exist only with the feature `planted-bugs`, which no release can be built with, and do nothing
//! until one of them is switched on for the current thread.

/// A bug that could have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A call that is repeated has new keys.
    RepeatedWithNewKeys,
    /// The answers of a batch go each to the buyer before.
    AnswersShifted,
    /// That a call which broke off may have arrived is forgotten.
    SentForgotten,
    /// The breaker, once open, lets nothing through any more.
    NeverHalfOpen,
}

#[cfg(feature = "planted-bugs")]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::RepeatedWithNewKeys, Self::AnswersShifted, Self::SentForgotten, Self::NeverHalfOpen];
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
