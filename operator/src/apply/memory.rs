//! What applications remember from one reconciliation to the next.

use std::collections::HashSet;

use parking_lot::Mutex;

use super::{contest::Contests, mode_switch};

/// The memory of all systems in one scope. It is lost with the process, and only delays follow.
#[derive(Debug, Default)]
pub struct Memory {
    pub handovers: mode_switch::IngressHandovers,
    pub contests: Contests,
    pub checks: CheckPods,
}

impl Memory {
    /// An empty memory.
    pub fn new(contests: Contests) -> Self {
        Self { contests, ..Self::default() }
    }
}

/// The systems that have no pods of checks, by uid. An operator that just started knows of none:
/// the one before it may have ended between a check and its deletion.
#[derive(Debug, Default)]
pub struct CheckPods(Mutex<HashSet<String>>);

impl CheckPods {
    /// Whether the system may have pods of checks.
    pub(super) fn may_exist(&self, uid: &str) -> bool {
        !self.0.lock().contains(uid)
    }

    /// Records that a pod was created, or that all were deleted.
    pub(super) fn set(&self, uid: &str, may_exist: bool) {
        let mut systems = self.0.lock();
        if may_exist {
            systems.remove(uid);
        } else {
            systems.insert(uid.to_owned());
        }
    }
}

/// The name from before other things were remembered too.
pub type IngressHandovers = Memory;
