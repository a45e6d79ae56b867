//! What can be seen of the way to vacancy on /metrics.

use std::{sync::Arc, time::Duration};

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::{
    breaker::{Breaker, Verdict},
    call::Ended,
    gather::Gather,
};

/// How calls end, as label.
const OUTCOMES: [&str; 3] = ["answered", "refused", "failed"];

/// The metrics of the link, registered by [`LinkMetrics::register`].
#[derive(Clone)]
pub struct LinkMetrics {
    calls: [IntCounter; OUTCOMES.len()],
    calls_vec: IntCounterVec,
    duration: Histogram,
    batch: Histogram,
    delay: Histogram,
    retries: IntCounter,
    pub breaker_opened: IntCounter,
}

impl LinkMetrics {
    pub fn new() -> Result<Self, prometheus::Error> {
        let times =
            vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];
        let sizes = vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
        let histogram = |name: &str, help: &str, buckets: &Vec<f64>| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.clone()))
        };
        let calls_vec = IntCounterVec::new(
            Opts::new("vacancy_calls_total", "Calls to vacancy by how they ended"),
            &["outcome"],
        )?;
        Ok(Self {
            calls: OUTCOMES.map(|outcome| calls_vec.with_label_values(&[outcome])),
            calls_vec,
            duration: histogram("vacancy_call_seconds", "Time of one call to vacancy", &times)?,
            batch: histogram(
                "vacancy_call_purchases",
                "Purchases that one call to vacancy carried",
                &sizes,
            )?,
            delay: histogram(
                "vacancy_queue_delay_seconds",
                "How long the oldest purchase of a call waited for it",
                &times,
            )?,
            retries: IntCounter::new(
                "vacancy_retries_total",
                "Calls to vacancy that were repeated",
            )?,
            breaker_opened: IntCounter::new(
                "vacancy_breaker_opened_total",
                "How often the circuit breaker opened",
            )?,
        })
    }

    /// Registers them, the length of the queue of `gather` and the state of `breaker`.
    pub fn register(
        &self,
        registry: &Registry,
        gather: Arc<Gather>,
        breaker: Arc<Breaker>,
    ) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.calls_vec.clone()))?;
        for histogram in [&self.duration, &self.batch, &self.delay] {
            registry.register(Box::new(histogram.clone()))?;
        }
        registry.register(Box::new(self.retries.clone()))?;
        registry.register(Box::new(self.breaker_opened.clone()))?;
        let length =
            IntGauge::new("vacancy_queue_length", "Purchases that wait for a call to vacancy")?;
        registry
            .register(Box::new(WhenScraped { gauge: length, read: move || gather.len() as i64 }))?;
        let state = IntGauge::new(
            "vacancy_breaker_state",
            "Circuit breaker: 0 closed, 1 half-open, 2 open",
        )?;
        registry
            .register(Box::new(WhenScraped { gauge: state, read: move || breaker.show() as i64 }))
    }

    pub fn batch(&self, orders: usize, waited: Duration) {
        self.batch.observe(orders as f64);
        self.delay.observe(waited.as_secs_f64());
    }

    pub fn call(&self, ended: &Ended, took: Duration) {
        let outcome = match ended {
            Ended::Answered(_) => 0,
            Ended::All(_, Verdict::Neutral) | Ended::NotTogether => 1,
            Ended::All(..) | Ended::Broken { .. } => 2,
        };
        self.calls[outcome].inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub fn retried(&self) {
        self.retries.inc();
    }
}

/// A gauge that is read when it is scraped.
struct WhenScraped<F> {
    gauge: IntGauge,
    read: F,
}

impl<F: Fn() -> i64 + Send + Sync> Collector for WhenScraped<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set((self.read)());
        self.gauge.collect()
    }
}
