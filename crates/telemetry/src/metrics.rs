use std::sync::Arc;

use prometheus::{IntCounter, IntGauge, Opts, Registry, TextEncoder};

use super::{process::ProcessCollector, requests::Requests, sharded::UnderWay};

/// The metrics of one service, in a registry of its own: several services can live in one process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Requests,
    under_way: UnderWay,
    /// What `under_way` was when last told.
    in_flight: IntGauge,
    rate_limited: IntCounter,
    overloaded: IntCounter,
    connections: ConnectionMetrics,
}

/// What the server loop counts.
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
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("service", service);
        let requests = Requests::new(service)?;
        let in_flight =
            IntGauge::with_opts(opts("http_requests_in_flight", "Requests being handled"))?;
        let rate_limited = IntCounter::with_opts(opts(
            "http_rate_limited_total",
            "Requests of clients that were over their quota",
        ))?;
        let overloaded = IntCounter::with_opts(opts(
            "http_overloaded_total",
            "Requests refused because too many were in flight",
        ))?;
        let open = IntGauge::with_opts(opts("http_connections", "Open connections"))?;
        let refused = IntCounter::with_opts(opts(
            "http_connections_refused_total",
            "Connections over the cap",
        ))?;
        let build = IntGauge::with_opts(
            opts("build_info", "Always 1; the label is the version")
                .const_label("version", version),
        )?;
        build.set(1);

        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(rate_limited.clone()))?;
        registry.register(Box::new(overloaded.clone()))?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        registry.register(Box::new(build))?;
        registry.register(Box::new(ProcessCollector::new()?))?;
        let connections = ConnectionMetrics { open, refused };
        Ok(Self(Arc::new(Inner {
            registry,
            requests,
            under_way: UnderWay::default(),
            in_flight,
            rate_limited,
            overloaded,
            connections,
        })))
    }

    /// Where services register their own collectors.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What the server loop counts.
    #[must_use]
    pub fn connections(&self) -> &ConnectionMetrics {
        &self.0.connections
    }

    /// Everything in the Prometheus text format.
    ///
    /// # Errors
    /// When a registered collector yields a family the format cannot express.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.0.in_flight.set(i64::try_from(self.0.under_way.count()).unwrap_or(i64::MAX));
        let mut text = String::with_capacity(16 * 1_024);
        TextEncoder::new().encode_utf8(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The requests that are being handled.
    pub fn under_way(&self) -> &UnderWay {
        &self.0.under_way
    }

    pub fn rate_limited(&self) -> &IntCounter {
        &self.0.rate_limited
    }

    pub fn overloaded(&self) -> &IntCounter {
        &self.0.overloaded
    }

    pub(super) fn requests(&self) -> &Requests {
        &self.0.requests
    }
}
