//! The inputs of decisions: the time and the ids.

use std::sync::Arc;

use inventory::{HoldId, TimeMs};
use inventory_store::{Clock, SystemClock};
use parking_lot::Mutex;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Time and randomness, passed in.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    random: Random,
}

/// The source of ids.
#[derive(Clone)]
enum Random {
    /// A cryptographic generator of each thread, seeded by the operating system.
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Environment {
    /// The machine's clock, and a cryptographic generator seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::default()), random: Random::System }
    }

    /// The given clock, and ids of a generator seeded by the operating system.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..Self::system() }
    }

    /// The given clock, and ids that follow from `seed`: for tests and simulations.
    #[must_use]
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, random: Random::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))) }
    }

    pub(crate) fn now_ms(&self) -> TimeMs {
        self.clock.now_ms()
    }

    pub(crate) fn new_id(&self) -> HoldId {
        let mut random = [0; 10];
        match &self.random {
            Random::System => rand::rng().fill_bytes(&mut random),
            Random::Seeded(rng) => rng.lock().fill_bytes(&mut random),
        }
        HoldId::new(self.now_ms(), random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now_ms(&self) -> TimeMs {
            1_700_000_000_000
        }
    }

    #[test]
    fn ids_have_74_random_bits() {
        const IDS: usize = 4_096;
        let env = Environment::with_clock(Arc::new(Still));
        let ids: Vec<u128> =
            (0..IDS).map(|_| u128::from_be_bytes(*env.new_id().as_bytes())).collect();
        // Of version 7 all but the time (48 bits), the version (4) and the variant (2).
        let random: u128 = !(u128::MAX << 80) & !(0xf << 76) & !(0b11 << 62);
        assert_eq!(random.count_ones(), 74);
        for bit in 0..128 {
            let set = ids.iter().filter(|id| *id >> bit & 1 == 1).count();
            let flips = ids.windows(2).filter(|pair| (pair[0] ^ pair[1]) >> bit & 1 == 1).count();
            if random >> bit & 1 == 1 {
                // Eight standard deviations around the half: 32 each.
                assert!(
                    (IDS / 2 - 256..=IDS / 2 + 256).contains(&set),
                    "bit {bit} is set {set} times"
                );
                assert!(
                    (IDS / 2 - 256..=IDS / 2 + 256).contains(&flips),
                    "bit {bit} changes {flips} times"
                );
            } else {
                assert_eq!(flips, 0, "bit {bit}");
            }
        }
        let other = Environment::with_clock(Arc::new(Still));
        assert!(
            !ids.contains(&u128::from_be_bytes(*other.new_id().as_bytes())),
            "another process makes others"
        );
    }
}
