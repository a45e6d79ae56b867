//! How the engine bears the calls.

use admission::Health;
use inventory_engine::{Engine, LATENCY_BUCKETS, Latencies};

/// Measures from one look to the next.
pub struct HealthMeter {
    engine: Engine,
    latencies: Latencies,
    refused: u64,
}

impl HealthMeter {
    pub fn new(engine: Engine) -> Self {
        let (latencies, refused) = (engine.stats().latencies(), refused(&engine));
        Self { engine, latencies, refused }
    }

    /// What happened since the last look.
    pub fn look(&mut self) -> Health {
        let (latencies, refused) = (self.engine.stats().latencies(), refused(&self.engine));
        let new: Latencies =
            std::array::from_fn(|bucket| latencies[bucket] - self.latencies[bucket]);
        let health = Health {
            refused: refused - self.refused,
            p99_ms: p99_ms(&new),
            samples: new.iter().sum(),
        };
        (self.latencies, self.refused) = (latencies, refused);
        health
    }
}

fn refused(engine: &Engine) -> u64 {
    let counts = engine.stats().counts();
    counts.busy + counts.late
}

/// The upper bound of the bucket with the 99th percentile.
fn p99_ms(latencies: &Latencies) -> Option<f64> {
    let all: u64 = latencies.iter().sum();
    let slow_max = all / 100;
    let mut slower = 0;
    for bucket in (0..LATENCY_BUCKETS).rev() {
        slower += latencies[bucket];
        if slower > slow_max {
            return Some((1_u64 << bucket) as f64 / 1_000.0);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p99_is_the_bound_of_its_bucket() {
        let mut latencies: Latencies = [0; LATENCY_BUCKETS];
        assert_eq!(p99_ms(&latencies), None);
        latencies[10] = 990;
        latencies[18] = 10;
        assert_eq!(p99_ms(&latencies), Some(1.024));
        latencies[18] = 11;
        assert_eq!(p99_ms(&latencies), Some(262.144));
    }
}
