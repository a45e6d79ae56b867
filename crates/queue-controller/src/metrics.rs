//! Metrics of waiting rooms.

use admission::{Admission, Bound, PaceReason};
use inventory::{EventName, domain::Queue};
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// Metrics of waiting rooms; clones share them.
#[derive(Clone)]
pub struct QueueMetrics {
    places: IntGaugeVec,
    active: IntGaugeVec,
    limit: IntGaugeVec,
    bound: IntGaugeVec,
    calls_per_s: GaugeVec,
    pace: IntCounterVec,
    blocked: IntGaugeVec,
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

impl QueueMetrics {
    /// Metrics that are not registered yet.
    ///
    /// # Errors
    /// When one of them is invalid.
    pub fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            places: gauges(
                "queue_places",
                "Places of a waiting room: called, and waiting",
                &["event", "state"],
            )?,
            active: gauges(
                "queue_active_passes",
                "Passes that are neither used nor expired",
                &["event"],
            )?,
            limit: gauges(
                "queue_active_limit",
                "The most customers who choose at once, by the tickets left",
                &["event"],
            )?,
            bound: gauges(
                "queue_bound",
                "1 for the reason why no more places are called",
                &["event", "reason"],
            )?,
            calls_per_s: GaugeVec::new(
                Opts::new("queue_calls_per_s", "Calls per second that this process makes at most"),
                &["event"],
            )?,
            pace: IntCounterVec::new(
                Opts::new("queue_pace_changes_total", "Changes of the calls per second, by reason"),
                &["event", "reason"],
            )?,
            blocked: gauges(
                "queue_draw_blocked",
                "1 if the draw cannot go on: its signing key is gone, or its beacon is awaited",
                &["event", "reason"],
            )?,
        })
    }

    /// Registers them.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.places.clone()))?;
        registry.register(Box::new(self.active.clone()))?;
        registry.register(Box::new(self.limit.clone()))?;
        registry.register(Box::new(self.bound.clone()))?;
        registry.register(Box::new(self.calls_per_s.clone()))?;
        registry.register(Box::new(self.pace.clone()))?;
        registry.register(Box::new(self.blocked.clone()))
    }

    pub(crate) fn set_places(&self, event: &EventName, queue: &Queue, at_ms: u64) {
        let int = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let name = event.as_str();
        let waiting = queue.joined - queue.called.serving;
        self.places.with_label_values(&[name, "called"]).set(int(queue.called.serving));
        self.places.with_label_values(&[name, "waiting"]).set(int(waiting));
        self.active.with_label_values(&[name]).set(int(queue.passes.active(at_ms)));
    }

    pub(crate) fn set_admission(&self, event: &EventName, admission: Admission) {
        let limit = i64::try_from(admission.limit).unwrap_or(i64::MAX);
        self.limit.with_label_values(&[event.as_str()]).set(limit);
        for bound in Bound::ALL {
            let is_it = i64::from(bound == admission.bound);
            self.bound.with_label_values(&[event.as_str(), bound.label()]).set(is_it);
        }
    }

    pub(crate) fn set_pace(&self, event: &EventName, per_s: f64, reason: PaceReason) {
        self.calls_per_s.with_label_values(&[event.as_str()]).set(per_s);
        self.pace.with_label_values(&[event.as_str(), reason.label()]).inc();
    }

    pub(crate) fn set_blocked(&self, event: &EventName, reason: Option<&str>) {
        for known in ["signing_key", "beacon"] {
            let is_it = i64::from(reason == Some(known));
            self.blocked.with_label_values(&[event.as_str(), known]).set(is_it);
        }
    }

    /// Nobody is called outside the sale.
    pub(crate) fn forget_admission(&self, event: &EventName) {
        let name = event.as_str();
        let _ = self.limit.remove_label_values(&[name]);
        let _ = self.calls_per_s.remove_label_values(&[name]);
        for bound in Bound::ALL {
            let _ = self.bound.remove_label_values(&[name, bound.label()]);
        }
    }

    pub(crate) fn forget(&self, event: &EventName) {
        self.forget_admission(event);
        let name = event.as_str();
        for state in ["called", "waiting"] {
            let _ = self.places.remove_label_values(&[name, state]);
        }
        let _ = self.active.remove_label_values(&[name]);
        for reason in PaceReason::ALL {
            let _ = self.pace.remove_label_values(&[name, reason.label()]);
        }
        for reason in ["signing_key", "beacon"] {
            let _ = self.blocked.remove_label_values(&[name, reason]);
        }
    }
}
