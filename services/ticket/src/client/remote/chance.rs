//! Random numbers: pauses of many clients shall not be in step. In a simulation a seed decides
//! them.

use std::sync::{Mutex, PoisonError};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Where they come from.
#[derive(Debug, Default)]
pub struct Chance(Option<Mutex<StdRng>>);

impl Chance {
    /// The same ones for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A number from 0 up to 1.
    pub fn part(&self) -> f64 {
        match &self.0 {
            Some(seeded) => seeded.lock().unwrap_or_else(PoisonError::into_inner).random(),
            None => rand::random(),
        }
    }
}
