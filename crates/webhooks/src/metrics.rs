//! Metrics of deliveries.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// Metrics of deliveries.
#[derive(Clone)]
pub struct WebhookMetrics {
    deliveries: IntCounterVec,
    lag: IntGaugeVec,
    paused: IntGaugeVec,
}

impl WebhookMetrics {
    /// Metrics that are not registered yet.
    ///
    /// # Errors
    /// When one of them is invalid.
    pub fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            deliveries: IntCounterVec::new(
                Opts::new("webhook_deliveries_total", "Messages sent to receivers, by outcome"),
                &["webhook", "outcome"],
            )?,
            lag: IntGaugeVec::new(
                Opts::new(
                    "webhook_lag_records",
                    "Records that a receiver has not got yet, at the process that delivers to it",
                ),
                &["webhook"],
            )?,
            paused: IntGaugeVec::new(
                Opts::new("webhook_paused", "1 if nothing is delivered to the receiver"),
                &["webhook"],
            )?,
        })
    }

    /// Registers them.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.deliveries.clone()))?;
        registry.register(Box::new(self.lag.clone()))?;
        registry.register(Box::new(self.paused.clone()))
    }

    pub(crate) fn delivered(&self, webhook: &str) {
        self.deliveries.with_label_values(&[webhook, "delivered"]).inc();
    }

    pub(crate) fn failed(&self, webhook: &str) {
        self.deliveries.with_label_values(&[webhook, "failed"]).inc();
    }

    pub(crate) fn set_lag(&self, webhook: &str, records: u64) {
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        self.lag.with_label_values(&[webhook]).set(records);
    }

    pub(crate) fn set_paused(&self, webhook: &str, paused: bool) {
        self.paused.with_label_values(&[webhook]).set(i64::from(paused));
    }

    /// Forgets the lag, which another process measures from now on.
    pub(crate) fn forget_lag(&self, webhook: &str) {
        let _ = self.lag.remove_label_values(&[webhook]);
    }

    /// Forgets a receiver that is gone.
    pub(crate) fn forget(&self, webhook: &str) {
        self.forget_lag(webhook);
        let _ = self.paused.remove_label_values(&[webhook]);
        for outcome in ["delivered", "failed"] {
            let _ = self.deliveries.remove_label_values(&[webhook, outcome]);
        }
    }
}
