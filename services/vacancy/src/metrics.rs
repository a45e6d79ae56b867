//! Metrics of the stock.

use std::sync::atomic::{AtomicU64, Ordering};

use inventory_engine::{BatchStats, Engine};
use inventory_postgres::PostgresWatch;
use inventory_store::EventView;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use telemetry::SpanRef;
use vacancy_api::DEFAULT_EVENT;

/// Stocks beyond this many are left out, so that a scrape has a bounded number of series: three for
/// each stock.
const STOCKS_MAX: usize = 1_000;

/// Registers the engine's metrics.
///
/// # Errors
/// When one of them is registered already.
pub fn register(engine: &Engine, registry: &Registry) -> Result<(), prometheus::Error> {
    let sizes = vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
    let batch_size = Histogram::with_opts(
        HistogramOpts::new("inventory_commit_commands", "Commands per commit").buckets(sizes),
    )?;
    let times = vec![0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0];
    let duration = Histogram::with_opts(
        HistogramOpts::new(
            "inventory_commit_seconds",
            "Time from the decision of a batch until it is durable",
        )
        .buckets(times),
    )?;
    let records = IntCounter::new("inventory_ledger_records_total", "Ledger records written")?;
    let delays =
        vec![0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
    let delay_opts = HistogramOpts::new(
        "inventory_queue_delay_seconds",
        "Time the oldest command of a commit waited in the queue",
    );
    let delay = Histogram::with_opts(delay_opts.buckets(delays))?;
    let sold_out = IntCounter::new(
        "inventory_sold_out_total",
        "Commands refused because the stock was sold out",
    )?;
    registry.register(Box::new(delay.clone()))?;
    registry.register(Box::new(sold_out.clone()))?;
    registry.register(Box::new(batch_size.clone()))?;
    registry.register(Box::new(duration.clone()))?;
    registry.register(Box::new(records.clone()))?;
    let queue_max =
        IntGauge::new("inventory_queue_max", "Capacity of the commit queue (COMMIT_QUEUE_MAX)")?;
    queue_max.set(gauge(engine.limits().queue_max as u64));
    registry.register(Box::new(queue_max))?;
    engine.stats().observe(move |batch: &BatchStats| {
        batch_size.observe(batch.commands as f64);
        duration.observe(batch.duration.as_secs_f64());
        delay.observe(batch.waited.as_secs_f64());
        records.inc_by(batch.records as u64);
        sold_out.inc_by(batch.sold_out as u64);
        let spans = batch
            .traces
            .iter()
            .map(|trace| SpanRef { trace_id: trace.trace_id, span_id: trace.span_id });
        telemetry::record_batch_span("commit", spans, batch.duration, batch.commands);
    });
    registry.register(Box::new(CountsCollector::new(engine.clone())?))?;
    registry.register(Box::new(StockCollector::new(engine.clone())?))
}

/// Reads the engine's counters at each scrape.
struct CountsCollector {
    engine: Engine,
    refused: IntCounterVec,
    cache: IntCounterVec,
}

impl CountsCollector {
    fn new(engine: Engine) -> Result<Self, prometheus::Error> {
        let refused = Opts::new(
            "inventory_commands_dropped_total",
            "Commands dropped without a decision, by reason: busy (queue full), late (deadline passed)",
        );
        let cache = Opts::new(
            "inventory_cache_reads_total",
            "Event reads of a shared store, by cache result",
        );
        Ok(Self {
            engine,
            refused: IntCounterVec::new(refused, &["reason"])?,
            cache: IntCounterVec::new(cache, &["result"])?,
        })
    }
}

impl Collector for CountsCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.refused.desc(), self.cache.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = self.engine.stats().counts();
        let raise =
            |counter: IntCounter, total: u64| counter.inc_by(total.saturating_sub(counter.get()));
        raise(self.refused.with_label_values(&["busy"]), counts.busy);
        raise(self.refused.with_label_values(&["late"]), counts.late);
        raise(self.cache.with_label_values(&["hit"]), counts.cache_hits);
        raise(self.cache.with_label_values(&["miss"]), counts.cache_misses);
        [self.refused.collect(), self.cache.collect()].concat()
    }
}

/// Reads the published counts when it is scraped, into families of that scrape alone: what is gone
/// is not reported.
struct StockCollector {
    engine: Engine,
    descs: Vec<Desc>,
}

/// The families of one scrape.
struct Families {
    queued: IntGauge,
    stock: IntGaugeVec,
    holds: IntGaugeVec,
    omitted: IntGauge,
}

impl Families {
    fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            queued: IntGauge::new("inventory_queue_length", "Commands in the commit queue")?,
            stock: IntGaugeVec::new(
                Opts::new("inventory_stock", "Tickets by event, stock and state"),
                &["event", "stock", "state"],
            )?,
            holds: IntGaugeVec::new(
                Opts::new("inventory_live_holds", "Live holds, by event"),
                &["event"],
            )?,
            omitted: IntGauge::new(
                "inventory_stocks_omitted",
                "Stocks omitted from inventory_stock because of its series limit",
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 4] {
        [&self.queued, &self.stock, &self.holds, &self.omitted]
    }

    fn set(&self, view: &EventView) {
        let name = view.event.name.as_str();
        self.holds.with_label_values(&[name]).set(gauge(view.event.live_holds));
        for (stock, counts) in &view.event.stocks {
            for (state, count) in
                [("available", counts.available()), ("held", counts.held), ("sold", counts.sold)]
            {
                self.stock.with_label_values(&[name, stock.as_str(), state]).set(gauge(count));
            }
        }
    }
}

impl StockCollector {
    fn new(engine: Engine) -> Result<Self, prometheus::Error> {
        let descs =
            Families::new()?.all().iter().flat_map(|family| family.desc()).cloned().collect();
        Ok(Self { engine, descs })
    }
}

impl Collector for StockCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(families) = Families::new() else {
            unreachable!("the same families were made when this was registered")
        };
        families.queued.set(gauge(self.engine.queued() as u64));
        let views = self.engine.published();
        // The default event is always reported. The others follow by name, each with all its
        // stocks, within the series limit.
        let (default, others): (Vec<_>, Vec<_>) =
            views.iter().partition(|view| view.event.name.as_str() == DEFAULT_EVENT);
        let (mut reported, mut omitted) = (0, 0);
        for view in default.into_iter().chain(others) {
            let stocks = view.event.stocks.len();
            if reported > 0 && reported + stocks > STOCKS_MAX {
                omitted += stocks;
            } else {
                reported += stocks;
                families.set(view);
            }
        }
        families.omitted.set(gauge(omitted as u64));
        families.all().iter().flat_map(|family| family.collect()).collect()
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Registers the metrics of the database.
///
/// # Errors
/// When one of them is registered already.
pub fn register_database(
    watch: PostgresWatch,
    registry: &Registry,
) -> Result<(), prometheus::Error> {
    let descs =
        DatabaseFamilies::new()?.all().iter().flat_map(|family| family.desc()).cloned().collect();
    registry.register(Box::new(DatabaseCollector { watch, descs }))
}

/// Reads the store's own counts when it is scraped.
struct DatabaseCollector {
    watch: PostgresWatch,
    descs: Vec<Desc>,
}

struct DatabaseFamilies {
    up: IntGauge,
    connects: IntCounter,
    connect_failures: IntCounter,
    conflicts: IntCounter,
    interrupted: IntCounterVec,
}

impl DatabaseFamilies {
    fn new() -> Result<Self, prometheus::Error> {
        let interrupted = Opts::new(
            "inventory_store_interrupted_commits_total",
            "Commits whose connection was lost, by outcome",
        );
        Ok(Self {
            up: IntGauge::new("inventory_store_up", "1 if the database is available")?,
            connects: IntCounter::new(
                "inventory_store_connects_total",
                "Database connections opened",
            )?,
            connect_failures: IntCounter::new(
                "inventory_store_connect_failures_total",
                "Failed attempts to connect to the database",
            )?,
            conflicts: IntCounter::new(
                "inventory_store_conflicts_total",
                "Batches rolled back because of a conflict and retried",
            )?,
            interrupted: IntCounterVec::new(interrupted, &["outcome"])?,
        })
    }

    fn all(&self) -> [&dyn Collector; 5] {
        [&self.up, &self.connects, &self.connect_failures, &self.conflicts, &self.interrupted]
    }
}

impl Collector for DatabaseCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(families) = DatabaseFamilies::new() else {
            unreachable!("the same families were made when this was registered")
        };
        let counts = self.watch.counts();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        families.up.set(i64::from(self.watch.is_up()));
        families.connects.inc_by(read(&counts.connects));
        families.connect_failures.inc_by(read(&counts.connect_failures));
        families.conflicts.inc_by(read(&counts.conflicts));
        let outcomes = [
            ("committed", &counts.resolved_committed),
            ("not_committed", &counts.resolved_not_committed),
            ("unknown", &counts.unresolved),
        ];
        for (outcome, counter) in outcomes {
            families.interrupted.with_label_values(&[outcome]).inc_by(read(counter));
        }
        families.all().iter().flat_map(|family| family.collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use inventory::{CommandKind, EventName, EventSettings, Limits, StockName};
    use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
    use inventory_engine::{Environment, Request};
    use prometheus::TextEncoder;
    use tempfile::TempDir;

    use super::*;

    /// Sets `event` to stocks of 7 each.
    async fn put(engine: &Engine, event: &str, stocks: &[String]) {
        let capacities: BTreeMap<_, _> =
            stocks.iter().map(|stock| (StockName::new(stock).unwrap(), 7)).collect();
        let (event, settings) = (EventName::new(event).unwrap(), EventSettings::default());
        let kind = CommandKind::PutEvent {
            event,
            capacities,
            settings,
            if_settings_seq: None,
            only_create: false,
            draw: None,
        };
        engine.submit(Request::new(kind)).await.unwrap().result.unwrap();
    }

    fn scrape(registry: &Registry) -> String {
        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    fn start(dir: &TempDir) -> (Engine, Registry) {
        let store = EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()).unwrap();
        let engine = Engine::start(store, Limits::default(), Environment::system()).unwrap();
        let registry = Registry::new();
        register(&engine, &registry).unwrap();
        (engine, registry)
    }

    #[tokio::test]
    async fn a_stock_that_is_removed_is_reported_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, registry) = start(&dir);
        put(&engine, "gig", &["general".to_owned(), "vip".to_owned()]).await;
        assert!(
            scrape(&registry)
                .contains("inventory_stock{event=\"gig\",state=\"available\",stock=\"vip\"} 7")
        );
        put(&engine, "gig", &["general".to_owned()]).await;
        let text = scrape(&registry);
        assert!(
            !text.contains("vip")
                && text
                    .contains("inventory_stock{event=\"gig\",state=\"held\",stock=\"general\"} 0"),
            "{text}"
        );
        assert!(text.contains("inventory_stocks_omitted 0"), "{text}");
    }

    #[tokio::test]
    async fn many_stocks_leave_the_default_event_in_and_the_series_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, registry) = start(&dir);
        let stocks: Vec<_> = (0..64).map(|number| format!("s{number:02}")).collect();
        for number in 0..16 {
            put(&engine, &format!("a{number:02}"), &stocks).await;
        }
        put(&engine, DEFAULT_EVENT, &stocks[..3]).await;
        let text = scrape(&registry);
        assert!(
            text.contains("inventory_stock{event=\"default\",state=\"available\",stock=\"s00\"} 7"),
            "{text}"
        );
        // 3 of the default event, and 15 events of 64 each; the sixteenth does not fit.
        let series = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(
            (series("inventory_stock{"), series("inventory_live_holds{")),
            ((3 + 15 * 64) * 3, 16)
        );
        assert!(text.contains("inventory_stocks_omitted 64") && !text.contains("a15"));
    }
}
