//! Requests by method, route and status, and their durations: the collector of
//! `http_requests_total` and `http_request_duration_seconds`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use prometheus::{
    Opts,
    core::{Collector, Desc, Describer},
    proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};

use crate::sharded::Sharded;

/// Upper bounds of the duration buckets, microseconds.
const BUCKETS_US: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// Statuses counted without a lock.
const STATUSES: [u16; 20] = [
    200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 425, 429, 499,
    503,
];

/// The counts of one method on one route.
pub(crate) struct RouteCounts {
    pub method: &'static str,
    pub route: Box<str>,
    shards: Sharded<Shard>,
    others: Mutex<BTreeMap<u16, u64>>,
}

#[derive(Default)]
struct Shard {
    statuses: [AtomicU64; STATUSES.len()],
    /// The last bucket counts requests over the largest bound.
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    sum_us: AtomicU64,
}

impl RouteCounts {
    pub fn observe(&self, status: u16, elapsed: Duration) {
        let us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let shard = self.shards.mine();
        shard.buckets[BUCKETS_US.partition_point(|bound| *bound < us)].fetch_add(1, Relaxed);
        shard.sum_us.fetch_add(us, Relaxed);
        match STATUSES.iter().position(|known| *known == status) {
            Some(index) => _ = shard.statuses[index].fetch_add(1, Relaxed),
            None => *self.others.lock().entry(status).or_default() += 1,
        }
    }

    fn sum(&self, of: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| of(shard).load(Relaxed)).sum()
    }

    fn statuses(&self) -> Vec<(u16, u64)> {
        let known = STATUSES
            .iter()
            .enumerate()
            .map(|(index, status)| (*status, self.sum(|shard| &shard.statuses[index])));
        let others = self.others.lock().clone();
        known.chain(others).filter(|(_, count)| *count > 0).collect()
    }

    fn histogram(&self) -> Histogram {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BUCKETS_US.len());
        for (index, bound_us) in BUCKETS_US.iter().enumerate() {
            count += self.sum(|shard| &shard.buckets[index]);
            let mut bucket = Bucket::default();
            bucket.set_cumulative_count(count);
            bucket.set_upper_bound(Duration::from_micros(*bound_us).as_secs_f64());
            buckets.push(bucket);
        }
        count += self.sum(|shard| &shard.buckets[BUCKETS_US.len()]);
        let mut histogram = Histogram::default();
        histogram.set_sample_count(count);
        histogram
            .set_sample_sum(Duration::from_micros(self.sum(|shard| &shard.sum_us)).as_secs_f64());
        histogram.set_bucket(buckets);
        histogram
    }
}

/// All routes; clones share them.
#[derive(Clone)]
pub(crate) struct Requests {
    service: Arc<str>,
    routes: Arc<Mutex<Vec<Arc<RouteCounts>>>>,
    described: [Desc; 2],
}

const TOTAL: (&str, &str) = ("http_requests_total", "Requests answered");
const DURATION: (&str, &str) =
    ("http_request_duration_seconds", "Time from a request's head to its answer");

impl Requests {
    pub fn new(service: &str) -> Result<Self, prometheus::Error> {
        let describe = |(name, help): (&str, &str), labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            Opts::new(name, help).const_label("service", service).variable_labels(labels).describe()
        };
        let described = [
            describe(TOTAL, &["method", "route", "status"])?,
            describe(DURATION, &["method", "route"])?,
        ];
        Ok(Self { service: service.into(), routes: Arc::default(), described })
    }

    /// The counts of `method` on `route`.
    pub fn of(&self, method: &'static str, route: &str) -> Arc<RouteCounts> {
        let mut routes = self.routes.lock();
        if let Some(known) =
            routes.iter().find(|known| known.method == method && *known.route == *route)
        {
            return known.clone();
        }
        let new = Arc::new(RouteCounts {
            method,
            route: route.into(),
            shards: Sharded::default(),
            others: Mutex::default(),
        });
        routes.push(new.clone());
        new
    }

    fn metric(&self, counts: &RouteCounts, status: Option<u16>) -> Metric {
        let label = |name: &str, value: &str| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value.to_owned());
            pair
        };
        let mut labels = vec![
            label("method", counts.method),
            label("route", &counts.route),
            label("service", &self.service),
        ];
        labels.extend(status.map(|status| label("status", &status.to_string())));
        Metric::from_label(labels)
    }
}

impl Collector for Requests {
    fn desc(&self) -> Vec<&Desc> {
        self.described.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let routes = self.routes.lock().clone();
        let (mut totals, mut durations) = (Vec::new(), Vec::new());
        for counts in &routes {
            for (status, count) in counts.statuses() {
                let mut total = Counter::default();
                total.set_value(count as f64);
                let mut metric = self.metric(counts, Some(status));
                metric.set_counter(total);
                totals.push(metric);
            }
            let histogram = counts.histogram();
            if histogram.get_sample_count() > 0 {
                let mut metric = self.metric(counts, None);
                metric.set_histogram(histogram);
                durations.push(metric);
            }
        }
        let family = |(name, help): (&str, &str), kind, metrics: Vec<Metric>| {
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            family.set_field_type(kind);
            family.set_metric(metrics);
            family
        };
        let families = [
            family(TOTAL, MetricType::COUNTER, totals),
            family(DURATION, MetricType::HISTOGRAM, durations),
        ];
        families.into_iter().filter(|family| !family.get_metric().is_empty()).collect()
    }
}
