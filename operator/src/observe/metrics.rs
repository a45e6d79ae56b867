use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// Seconds; a reconciliation is a handful of requests to the API server.
const DURATION_BUCKETS_S: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Everything under /metrics. One instance per operator, so that several can run in one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciliations: IntCounterVec,
    duration: HistogramVec,
    api_requests: IntCounterVec,
    watch_errors: IntCounterVec,
    child_changes: IntCounterVec,
    systems: IntGaugeVec,
    /// Systems that are ready and that are not, by scope.
    scopes: Mutex<BTreeMap<String, (usize, usize)>>,
    /// 1 while this operator leads.
    pub leader: IntGauge,
}

impl Metrics {
    /// # Errors
    /// When a metric is registered twice, which would be a bug.
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
        let watch_errors = counter(
            "ticket_operator_watch_errors_total",
            "Watches that broke, by kind.",
            &["kind"],
        )?;
        let child_changes = counter(
            "ticket_operator_child_changes_total",
            "Writes to children by kind and what was done.",
            &["kind", "action"],
        )?;
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "ticket_operator_reconciliation_duration_seconds",
                "Time a reconciliation took.",
            )
            .buckets(DURATION_BUCKETS_S.to_vec()),
            &["result"],
        )?;
        let systems = IntGaugeVec::new(
            Opts::new("ticket_operator_systems", "TicketSystems by whether they are ready."),
            &["ready"],
        )?;
        let leader = IntGauge::new("ticket_operator_leader", "1 while this operator leads.")?;
        let build = IntGaugeVec::new(
            Opts::new("ticket_operator_build_info", "Version of the operator."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(systems.clone()))?;
        registry.register(Box::new(leader.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self {
            registry,
            reconciliations,
            duration,
            api_requests,
            watch_errors,
            child_changes,
            systems,
            scopes: Mutex::default(),
            leader,
        })
    }

    pub fn reconciled(&self, result: &'static str, took: Duration) {
        self.reconciliations.with_label_values(&[result]).inc();
        self.duration.with_label_values(&[result]).observe(took.as_secs_f64());
    }

    /// Reconciliations with that result so far.
    pub fn reconciliations(&self, result: &str) -> u64 {
        self.reconciliations.with_label_values(&[result]).get()
    }

    pub fn api_request(&self, verb: &str, resource: &str, code: &str) {
        self.api_requests.with_label_values(&[verb, resource, code]).inc();
    }

    pub fn watch_error(&self, kind: &str) {
        self.watch_errors.with_label_values(&[kind]).inc();
    }

    pub fn child_change(&self, kind: &str, action: &str) {
        self.child_changes.with_label_values(&[kind, action]).inc();
    }

    /// What there is in one scope; shown is the sum over all.
    pub fn systems(&self, scope: &str, ready: usize, not_ready: usize) {
        let mut scopes = self.scopes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        scopes.insert(scope.to_owned(), (ready, not_ready));
        let count = |sum: usize| i64::try_from(sum).unwrap_or(i64::MAX);
        self.systems
            .with_label_values(&["true"])
            .set(count(scopes.values().map(|(ready, _)| ready).sum()));
        self.systems
            .with_label_values(&["false"])
            .set(count(scopes.values().map(|(_, not_ready)| not_ready).sum()));
    }

    /// This operator leads no longer, and counts nothing that another one counts.
    pub fn rest(&self) {
        self.leader.set(0);
        self.scopes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        self.systems.reset();
    }

    /// Requests to the API server so far, by verb and resource, whatever came of them.
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
                // Counters are floats on the wire and whole numbers here.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let count = metric.get_counter().get_value() as u64;
                *counts.entry(key).or_default() += count;
            }
        }
        counts
    }

    /// Prometheus text format.
    ///
    /// # Errors
    /// When a metric cannot be encoded.
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
        metrics.systems("a", 2, 1);
        metrics.systems("b", 3, 0);
        assert!(shown().contains("ticket_operator_systems{ready=\"true\"} 5"), "{}", shown());
        assert!(shown().contains("ticket_operator_systems{ready=\"false\"} 1"), "{}", shown());
        metrics.systems("a", 0, 0);
        assert!(shown().contains("ticket_operator_systems{ready=\"true\"} 3"), "{}", shown());
        metrics.rest();
        assert!(!shown().contains("ticket_operator_systems{"), "{}", shown());
    }
}
