//! What applications remember from one reconciliation to the next.

use super::{contest::Contests, mode_switch};

/// The memory of all systems in one scope. It is lost with the process, and only delays follow.
#[derive(Debug, Default)]
pub struct Memory {
    pub handovers: mode_switch::IngressHandovers,
    pub contests: Contests,
}

impl Memory {
    /// An empty memory.
    pub fn new(contests: Contests) -> Self {
        Self { handovers: mode_switch::IngressHandovers::default(), contests }
    }
}

/// The name from before other things were remembered too.
pub type IngressHandovers = Memory;
