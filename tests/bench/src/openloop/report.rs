//! The results of the requests.

use std::time::Duration;

use serde_json::{Value, json};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// 2xx.
    Done,
    /// 429 or 503.
    Refused,
    /// Any other status.
    Failed,
    /// The connection failed.
    Broken,
    /// The client gave up.
    TimedOut,
}

impl Fate {
    pub fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Done,
            429 | 503 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// Latencies of the requests of one connection, by result.
#[derive(Default)]
pub struct Report {
    done_us: Vec<u32>,
    refused_us: Vec<u32>,
    failed: u64,
    broken: u64,
    timed_out: u64,
}

impl Report {
    pub fn note(&mut self, fate: Fate, took: Duration) {
        let us = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        match fate {
            Fate::Done => self.done_us.push(us),
            Fate::Refused => self.refused_us.push(us),
            Fate::Failed => self.failed += 1,
            Fate::Broken => self.broken += 1,
            Fate::TimedOut => self.timed_out += 1,
        }
    }

    pub fn add(&mut self, other: Self) {
        self.done_us.extend(other.done_us);
        self.refused_us.extend(other.refused_us);
        self.failed += other.failed;
        self.broken += other.broken;
        self.timed_out += other.timed_out;
    }

    /// The report of `due` requests within `length`; `unsent` of them were given up before sending.
    pub fn json(mut self, due: u64, unsent: u64, length: Duration) -> Value {
        self.done_us.sort_unstable();
        self.refused_us.sort_unstable();
        let done = self.done_us.len();
        json!({
            "due": due, "done": done, "refused": self.refused_us.len(), "failed": self.failed,
            "broken": self.broken, "timed_out": self.timed_out, "unsent": unsent,
            "goodput_per_s": done as f64 / length.as_secs_f64(),
            "p50_us": quantile(&self.done_us, 0.5), "p99_us": quantile(&self.done_us, 0.99), "p999_us": quantile(&self.done_us, 0.999),
            "refused_p99_us": quantile(&self.refused_us, 0.99),
        })
    }
}

/// A quantile of a sorted list; 0 for an empty one.
fn quantile(sorted: &[u32], part: f64) -> u32 {
    let index = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_adds_up() {
        let mut report = Report::default();
        for us in 1..=1_000 {
            report.note(Fate::of(200), Duration::from_micros(us));
        }
        report.note(Fate::of(503), Duration::from_millis(1));
        report.note(Fate::TimedOut, Duration::from_secs(2));
        let json = report.json(1_003, 1, Duration::from_secs(2));
        assert_eq!(
            (&json["done"], &json["refused"], &json["timed_out"], &json["unsent"]),
            (&1_000.into(), &1.into(), &1.into(), &1.into())
        );
        assert_eq!(
            (&json["p50_us"], &json["p99_us"], &json["p999_us"]),
            (&500.into(), &990.into(), &999.into())
        );
        assert_eq!(json["goodput_per_s"], 500.0);
    }
}
