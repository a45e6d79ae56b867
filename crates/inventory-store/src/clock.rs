//! Where the time comes from.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use inventory::TimeMs;
use parking_lot::Mutex;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> TimeMs;
}

/// The system clock without its jumps. It runs at the pace of the monotonic clock and corrects
/// itself towards the system clock by at most 5 % of the elapsed time. A jump of the system clock
/// therefore expires no hold and no key, and small corrections are followed.
#[derive(Debug)]
pub struct SystemClock {
    slewed: Mutex<Slewed>,
    started: Instant,
    /// The time returned last.
    told_ms: AtomicU64,
    /// Microseconds after the start until which `told_ms` is valid, so that few readers take the
    /// lock.
    true_until_us: AtomicU64,
}

/// The time returned last, and the instant at which it was returned.
#[derive(Debug, Clone, Copy)]
struct Slewed {
    told_us: u64,
    at: Instant,
}

/// A correction is at most 1/`SLEW_PART` of the elapsed time.
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
        let mut slewed = self.slewed.lock();
        // Read under the lock: two threads must not see each other's times in the wrong order.
        let (wall_us, at) = Slewed::read();
        let told_us = slewed.advance(wall_us, at);
        let told_ms = told_us / 1_000;
        self.told_ms.store(told_ms, Ordering::Relaxed);
        // At its highest pace, the clock reaches the next millisecond no earlier than this.
        let left_us = (1_000 - told_us % 1_000) * SLEW_PART / (SLEW_PART + 1);
        self.true_until_us.store(passed_us(at) + left_us, Ordering::Release);
        told_ms
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_ignores_jumps_and_follows_small_corrections() {
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
}
