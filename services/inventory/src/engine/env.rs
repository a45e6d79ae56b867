//! What is not decided but given: the time and the ids.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::domain::{HoldId, TimeMs};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> TimeMs;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads it
    fn now_ms(&self) -> TimeMs {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        TimeMs::try_from(since.as_millis()).unwrap_or(TimeMs::MAX)
    }
}

/// Time and randomness, passed in.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    random: Arc<Mutex<StdRng>>,
}

impl Environment {
    /// The machine's clock, and a cryptographic generator seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        let mut rng = rand::rng();
        Self { clock: Arc::new(SystemClock), random: Arc::new(Mutex::new(StdRng::from_rng(&mut rng))) }
    }

    /// The given clock, and ids that follow from `seed`: for tests and simulations.
    #[must_use]
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    pub(super) fn now_ms(&self) -> TimeMs {
        self.clock.now_ms()
    }

    pub(super) fn new_id(&self) -> HoldId {
        let mut random = [0; 10];
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut random);
        HoldId::new(self.now_ms(), random)
    }
}
