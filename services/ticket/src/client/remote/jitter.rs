//! Random factors for pauses, so that clients do not act in step. A simulation seeds them.

use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A source of random factors.
#[derive(Debug, Default)]
pub struct Jitter(Option<Mutex<StdRng>>);

impl Jitter {
    /// Creates a source that returns the same factors for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Returns a factor from 0 to 1, exclusive.
    pub fn factor(&self) -> f64 {
        match &self.0 {
            Some(seeded) => seeded.lock().random(),
            None => rand::random(),
        }
    }
}
