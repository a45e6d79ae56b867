//! What is not decided but given: the time and the ids.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::domain::{HoldId, TimeMs};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> TimeMs;
}

/// The machine's clock, without its jumps: it runs at the pace of the monotonic clock, and
/// approaches the clock on the wall by at most a twentieth of the time that passes. So a clock that
/// is set wrong while the service runs lets no hold run out and no key be forgotten, and small
/// corrections are followed.
#[derive(Debug)]
pub struct SystemClock {
    slewed: Mutex<Slewed>,
    started: Instant,
    /// What was told last.
    told_ms: AtomicU64,
    /// Until so many microseconds after the start it stays true, so that few readers need the
    /// lock.
    true_until_us: AtomicU64,
}

/// The time that was told last, and when that was.
#[derive(Debug, Clone, Copy)]
struct Slewed {
    told_us: u64,
    at: Instant,
}

/// A correction is at most this part of the time that has passed.
const SLEW_PART: u64 = 20;

impl Slewed {
    #[allow(clippy::disallowed_methods)] // the one place that reads the clocks
    fn read() -> (u64, Instant) {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        (u64::try_from(since.as_micros()).unwrap_or(u64::MAX), Instant::now())
    }

    fn advance(&mut self, wall_us: u64, at: Instant) -> u64 {
        let passed_us =
            u64::try_from(at.saturating_duration_since(self.at).as_micros()).unwrap_or(0);
        let expected_us = self.told_us.saturating_add(passed_us);
        let correction_max_us = passed_us / SLEW_PART;
        self.told_us = wall_us
            .clamp(expected_us - correction_max_us, expected_us.saturating_add(correction_max_us));
        self.at = at;
        self.told_us
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        let (told_us, at) = Slewed::read();
        Self {
            slewed: Mutex::new(Slewed { told_us, at }),
            started: at,
            told_ms: AtomicU64::new(told_us / 1_000),
            true_until_us: AtomicU64::new(0),
        }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // reads the monotonic clock
    fn now_ms(&self) -> TimeMs {
        let passed_us = |at: Instant| {
            u64::try_from(at.saturating_duration_since(self.started).as_micros())
                .unwrap_or(u64::MAX)
        };
        let true_until_us = self.true_until_us.load(Ordering::Acquire);
        if passed_us(Instant::now()) < true_until_us {
            return self.told_ms.load(Ordering::Relaxed);
        }
        let mut slewed = self.slewed.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: two threads must not see each other's times in the wrong order.
        let (wall_us, at) = Slewed::read();
        let told_us = slewed.advance(wall_us, at);
        let told_ms = told_us / 1_000;
        self.told_ms.store(told_ms, Ordering::Relaxed);
        // Running as fast as it may, the clock reaches the next millisecond no earlier than this.
        let left_us = (1_000 - told_us % 1_000) * SLEW_PART / (SLEW_PART + 1);
        self.true_until_us.store(passed_us(at) + left_us, Ordering::Release);
        told_ms
    }
}

/// Time and randomness, passed in.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    random: Random,
}

/// Where ids come from.
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

    pub(super) fn now_ms(&self) -> TimeMs {
        self.clock.now_ms()
    }

    pub(super) fn new_id(&self) -> HoldId {
        let mut random = [0; 10];
        match &self.random {
            Random::System => rand::rng().fill_bytes(&mut random),
            Random::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut random)
            }
        }
        HoldId::new(self.now_ms(), random)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn jumps_are_not_followed_and_small_corrections_are() {
        let (_, start) = Slewed::read();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut clock = Slewed { told_us: 1_000_000, at: start };
        assert_eq!(clock.advance(1_100_000, at(100)), 1_100_000);
        let year_us = 31_536_000_000_000;
        assert_eq!(
            clock.advance(year_us, at(200)),
            1_205_000,
            "forward: no faster than a twentieth"
        );
        assert_eq!(
            clock.advance(0, at(300)),
            1_300_000,
            "back: no slower than a twentieth, and never backwards"
        );
        assert_eq!(clock.advance(1_402_000, at(400)), 1_402_000);
        assert_eq!(clock.advance(0, at(400)), 1_402_000);
    }

    struct Still;

    impl Clock for Still {
        fn now_ms(&self) -> TimeMs {
            1_700_000_000_000
        }
    }

    #[test]
    fn seventy_four_bits_of_an_id_are_random_and_nothing_counts() {
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
