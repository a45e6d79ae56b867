//! Metrics of the calls to vacancy.

use std::{sync::Arc, time::Duration};

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::{
    batcher::Batcher,
    breaker::{Breaker, Verdict},
    outcome::CallOutcome,
    readings::Readings,
    transport::{EndpointCounts, Transport},
};

/// The values of the label `outcome`.
const OUTCOMES: [&str; 3] = ["answered", "refused", "failed"];

/// The metrics of the client for vacancy.
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
            Opts::new("vacancy_calls_total", "Calls to vacancy, by outcome"),
            &["outcome"],
        )?;
        Ok(Self {
            calls: OUTCOMES.map(|outcome| calls_vec.with_label_values(&[outcome])),
            calls_vec,
            duration: histogram("vacancy_call_seconds", "Duration of a call to vacancy", &times)?,
            batch: histogram("vacancy_call_purchases", "Requests per call to vacancy", &sizes)?,
            delay: histogram(
                "vacancy_queue_delay_seconds",
                "Time the oldest request of a call waited in the queue",
                &times,
            )?,
            retries: IntCounter::new("vacancy_retries_total", "Retries of calls to vacancy")?,
            breaker_opened: IntCounter::new(
                "vacancy_breaker_opened_total",
                "Circuit breaker openings",
            )?,
        })
    }

    /// Registers them, the length of the queue of `batcher` and the state of `breaker`.
    pub fn register(
        &self,
        registry: &Registry,
        batcher: Arc<Batcher>,
        breaker: Arc<Breaker>,
    ) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.calls_vec.clone()))?;
        for histogram in [&self.duration, &self.batch, &self.delay] {
            registry.register(Box::new(histogram.clone()))?;
        }
        registry.register(Box::new(self.retries.clone()))?;
        registry.register(Box::new(self.breaker_opened.clone()))?;
        let length =
            IntGauge::new("vacancy_queue_length", "Requests waiting for a call to vacancy")?;
        registry.register(Box::new(ScrapeGauge {
            gauge: length,
            read: move || batcher.len() as i64,
        }))?;
        let state = IntGauge::new(
            "vacancy_breaker_state",
            "Circuit breaker: 0 closed, 1 half-open, 2 open",
        )?;
        registry
            .register(Box::new(ScrapeGauge { gauge: state, read: move || breaker.state() as i64 }))
    }

    /// Records a batch and the wait of its oldest request.
    pub fn record_batch(&self, requests: usize, waited: Duration) {
        self.batch.observe(requests as f64);
        self.delay.observe(waited.as_secs_f64());
    }

    /// Records the outcome and the duration of a call.
    pub fn record_call(&self, outcome: &CallOutcome, took: Duration) {
        let outcome = match outcome {
            CallOutcome::Replies { .. } => 0,
            CallOutcome::Failed(_, Verdict::Neutral) | CallOutcome::BatchRefused => 1,
            CallOutcome::Failed(..) | CallOutcome::TimedOut | CallOutcome::Interrupted { .. } => 2,
        };
        self.calls[outcome].inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub fn record_retry(&self) {
        self.retries.inc();
    }
}

/// Registers whether `readings` are live.
pub fn register_readings(
    registry: &Registry,
    readings: &Arc<Readings>,
) -> Result<(), prometheus::Error> {
    let gauge = IntGauge::new(
        "vacancy_readings_live",
        "1 if vacancy confirms the counts that readers get, 0 if they are stale",
    )?;
    let readings = readings.clone();
    let read = move || i64::from(readings.is_live());
    registry.register(Box::new(ScrapeGauge { gauge, read }))
}

/// Registers the numbers of endpoints of `transport` and of calls in flight to them.
pub fn register_endpoints(
    registry: &Registry,
    transport: &Arc<dyn Transport>,
) -> Result<(), prometheus::Error> {
    type Read = fn(EndpointCounts) -> i64;
    let gauges: [(&str, &str, Read); 3] = [
        ("vacancy_endpoints", "Addresses that the host of VACANCY_URL resolves to", |counts| {
            counts.known as i64
        }),
        (
            "vacancy_endpoints_left_out",
            "Addresses that get no calls because they refused a connection or did not respond",
            |counts| counts.left_out as i64,
        ),
        ("vacancy_calls_in_flight", "Calls to vacancy in flight", |counts| counts.in_flight as i64),
    ];
    for (name, help, read) in gauges {
        let (gauge, transport) = (IntGauge::new(name, help)?, transport.clone());
        let read = move || read(transport.endpoints());
        registry.register(Box::new(ScrapeGauge { gauge, read }))?;
    }
    Ok(())
}

/// A gauge whose value is read during a scrape.
struct ScrapeGauge<F> {
    gauge: IntGauge,
    read: F,
}

impl<F: Fn() -> i64 + Send + Sync> Collector for ScrapeGauge<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set((self.read)());
        self.gauge.collect()
    }
}
