//! The passes of a queue.

/// The pass of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Unclaimed,
    Claimed { expires_at_ms: u64 },
    Spent,
}

/// The pass of every place, by index.
#[derive(Debug, Default)]
pub(super) struct Passes {
    by_index: Vec<Pass>,
    pub claimed: u64,
}

impl Passes {
    pub fn get(&self, index: u32) -> Pass {
        self.by_index.get(index as usize).copied().unwrap_or(Pass::Unclaimed)
    }

    pub fn set(&mut self, index: u32, pass: Pass) {
        let index = index as usize;
        if index >= self.by_index.len() {
            self.by_index.resize(index + 1, Pass::Unclaimed);
        }
        self.by_index[index] = pass;
    }
}
