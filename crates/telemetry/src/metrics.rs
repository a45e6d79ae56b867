//! The metrics of one service.

use std::sync::Arc;

use prometheus::{IntCounter, IntGauge, Opts, Registry, TextEncoder};

use crate::{dropped_log_lines, process::ProcessCollector, requests::Requests, sharded::InFlight};

/// The metrics of one service, in a registry of its own, so that one process can run several
/// services.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Requests,
    in_flight: InFlight,
    /// `in_flight` at the last scrape.
    in_flight_gauge: IntGauge,
    rate_limited: IntCounter,
    overloaded: IntCounter,
    connections: ConnectionMetrics,
}

/// The metrics of a server loop.
#[derive(Clone)]
pub struct ConnectionMetrics {
    /// Open connections.
    pub open: IntGauge,
    /// Connections over the cap.
    pub refused: IntCounter,
}

impl Metrics {
    /// The metrics of `service` at `version`, with those of the process.
    ///
    /// # Errors
    /// When a metric cannot be registered, which a fresh registry never refuses.
    pub fn new(service: &str, version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("service", service);
        let gauge = |opts: Opts| {
            let gauge = IntGauge::with_opts(opts)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::with_opts(opts(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let requests = Requests::new(service)?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(ProcessCollector::new()?))?;
        registry.register(Box::new(dropped_log_lines().clone()))?;
        gauge(
            opts("build_info", "Always 1; the label is the version")
                .const_label("version", version),
        )?
        .set(1);
        let inner = Inner {
            requests,
            in_flight: InFlight::default(),
            in_flight_gauge: gauge(opts("http_requests_in_flight", "Requests being handled"))?,
            rate_limited: counter(
                "http_rate_limited_total",
                "Requests of clients that were over their quota",
            )?,
            overloaded: counter(
                "http_overloaded_total",
                "Requests refused because too many were in flight",
            )?,
            connections: ConnectionMetrics {
                open: gauge(opts("http_connections", "Open connections"))?,
                refused: counter("http_connections_refused_total", "Connections over the cap")?,
            },
            registry,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The registry, where services register their own collectors.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The metrics of the server loop.
    #[must_use]
    pub fn connections(&self) -> &ConnectionMetrics {
        &self.0.connections
    }

    /// Everything in the Prometheus text format.
    ///
    /// # Errors
    /// When a registered collector yields a family the format cannot express.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.0.in_flight_gauge.set(i64::try_from(self.0.in_flight.count()).unwrap_or(i64::MAX));
        let mut text = String::with_capacity(16 * 1_024);
        TextEncoder::new().encode_utf8(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The requests being handled.
    #[must_use]
    pub fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    /// Counts requests of clients over their quota.
    #[must_use]
    pub fn rate_limited(&self) -> &IntCounter {
        &self.0.rate_limited
    }

    /// Counts requests refused because too many were in flight.
    #[must_use]
    pub fn overloaded(&self) -> &IntCounter {
        &self.0.overloaded
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }
}
