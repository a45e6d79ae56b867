//! The metrics of the operator.

use std::{collections::BTreeMap, time::Duration};

use parking_lot::Mutex;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Histogram buckets in seconds. A reconciliation takes a few requests to the API server.
const DURATION_BUCKETS_S: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Numbers of systems in one scope.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemCounts {
    pub ready: usize,
    pub not_ready: usize,
    /// Systems that another operator manages.
    pub of_others: usize,
    /// Children that another writer keeps changing.
    pub conflicts: usize,
}

/// The metrics under /metrics. Each operator has its own, so that several can run in one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciliations: IntCounterVec,
    duration: HistogramVec,
    api_requests: IntCounterVec,
    watch_errors: IntCounterVec,
    child_changes: IntCounterVec,
    systems: IntGaugeVec,
    systems_of_others: IntGauge,
    field_conflicts: IntGauge,
    status_write_errors: IntCounter,
    scopes: Mutex<BTreeMap<String, SystemCounts>>,
    /// 1 while this operator leads.
    pub leader: IntGauge,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// If a metric is registered twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter =
            |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
                let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
                registry.register(Box::new(metric.clone()))?;
                Ok(metric)
            };
        let reconciliations = counter(
            "ticket_operator_reconciliations_total",
            "Reconciliations by result.",
            &["result"],
        )?;
        let api_requests = counter(
            "ticket_operator_api_requests_total",
            "Requests to the API server by verb, resource and status code.",
            &["verb", "resource", "code"],
        )?;
        let watch_errors =
            counter("ticket_operator_watch_errors_total", "Failed watches by kind.", &["kind"])?;
        let child_changes = counter(
            "ticket_operator_child_changes_total",
            "Writes to children by kind and action.",
            &["kind", "action"],
        )?;
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "ticket_operator_reconciliation_duration_seconds",
                "Duration of a reconciliation.",
            )
            .buckets(DURATION_BUCKETS_S.to_vec()),
            &["result"],
        )?;
        let systems = IntGaugeVec::new(
            Opts::new("ticket_operator_systems", "TicketSystems by readiness."),
            &["ready"],
        )?;
        let systems_of_others = IntGauge::new(
            "ticket_operator_systems_of_others",
            "TicketSystems in scope that another operator manages.",
        )?;
        let field_conflicts = IntGauge::new(
            "ticket_operator_field_conflicts",
            "Children that another writer keeps changing.",
        )?;
        let status_write_errors = IntCounter::new(
            "ticket_operator_status_write_errors_total",
            "Failed writes of a status.",
        )?;
        let leader =
            IntGauge::new("ticket_operator_leader", "1 while this operator is the leader.")?;
        let build = IntGaugeVec::new(
            Opts::new("ticket_operator_build_info", "Version of the operator."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(systems.clone()))?;
        registry.register(Box::new(systems_of_others.clone()))?;
        registry.register(Box::new(field_conflicts.clone()))?;
        registry.register(Box::new(status_write_errors.clone()))?;
        registry.register(Box::new(leader.clone()))?;
        registry.register(Box::new(build))?;
        registry.register(Box::new(telemetry::dropped_log_lines().clone()))?;
        Ok(Self {
            registry,
            reconciliations,
            duration,
            api_requests,
            watch_errors,
            child_changes,
            systems,
            systems_of_others,
            field_conflicts,
            status_write_errors,
            scopes: Mutex::default(),
            leader,
        })
    }

    /// Counts a reconciliation.
    pub fn reconciled(&self, result: &'static str, took: Duration) {
        self.reconciliations.with_label_values(&[result]).inc();
        self.duration.with_label_values(&[result]).observe(took.as_secs_f64());
    }

    /// Number of reconciliations with this result.
    pub fn reconciliations(&self, result: &str) -> u64 {
        self.reconciliations.with_label_values(&[result]).get()
    }

    /// Counts a request to the API server.
    pub fn api_request(&self, verb: &str, resource: &str, code: &str) {
        self.api_requests.with_label_values(&[verb, resource, code]).inc();
    }

    /// Counts a failed watch.
    pub fn watch_error(&self, kind: &str) {
        self.watch_errors.with_label_values(&[kind]).inc();
    }

    /// Counts a write to a child.
    pub fn child_change(&self, kind: &str, action: &str) {
        self.child_changes.with_label_values(&[kind, action]).inc();
    }

    /// Counts a failed write of a status.
    pub fn status_write_error(&self) {
        self.status_write_errors.inc();
    }

    /// Sets the numbers of systems in one scope. The metrics are the sums over all scopes.
    pub fn systems(&self, scope: &str, counts: SystemCounts) {
        let mut scopes = self.scopes.lock();
        scopes.insert(scope.to_owned(), counts);
        let sum = |count: fn(&SystemCounts) -> usize| {
            i64::try_from(scopes.values().map(count).sum::<usize>()).unwrap_or(i64::MAX)
        };
        self.systems.with_label_values(&["true"]).set(sum(|counts| counts.ready));
        self.systems.with_label_values(&["false"]).set(sum(|counts| counts.not_ready));
        self.systems_of_others.set(sum(|counts| counts.of_others));
        self.field_conflicts.set(sum(|counts| counts.conflicts));
    }

    /// Resets the metrics that only the leader reports.
    pub fn stop_leading(&self) {
        self.leader.set(0);
        self.scopes.lock().clear();
        self.systems.reset();
        self.systems_of_others.set(0);
        self.field_conflicts.set(0);
    }

    /// Number of requests to the API server by verb and resource, with any result.
    pub fn api_requests(&self) -> BTreeMap<(String, String), u64> {
        let mut counts = BTreeMap::new();
        for family in self.registry.gather() {
            if family.name() != "ticket_operator_api_requests_total" {
                continue;
            }
            for metric in family.get_metric() {
                let label = |name: &str| {
                    metric
                        .get_label()
                        .iter()
                        .find(|pair| pair.name() == name)
                        .map(|pair| pair.value().to_owned())
                };
                let key =
                    (label("verb").unwrap_or_default(), label("resource").unwrap_or_default());
                // The counter is an integer that the library returns as a float.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let count = metric.get_counter().get_value() as u64;
                *counts.entry(key).or_default() += count;
            }
        }
        counts
    }

    /// The metrics in the Prometheus text format.
    ///
    /// # Errors
    /// If a metric cannot be encoded.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_summed_over_the_scopes() {
        let metrics = Metrics::new().expect("metrics");
        let shown = || String::from_utf8(metrics.render().expect("text")).expect("UTF-8");
        let counts = |ready, not_ready, of_others| SystemCounts {
            ready,
            not_ready,
            of_others,
            conflicts: 0,
        };
        metrics.systems("a", counts(2, 1, 0));
        metrics.systems("b", counts(3, 0, 4));
        assert!(shown().contains("ticket_operator_systems{ready=\"true\"} 5"), "{}", shown());
        assert!(shown().contains("ticket_operator_systems{ready=\"false\"} 1"), "{}", shown());
        assert!(shown().contains("ticket_operator_systems_of_others 4"), "{}", shown());
        metrics.systems("a", counts(0, 0, 0));
        assert!(shown().contains("ticket_operator_systems{ready=\"true\"} 3"), "{}", shown());
        metrics.stop_leading();
        assert!(!shown().contains("ticket_operator_systems{"), "{}", shown());
    }
}
