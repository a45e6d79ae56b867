//! What can be seen of the stock on /metrics.

use inventory::Engine;
use inventory::engine::BatchStats;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

/// Events beyond this many are left out, so that a metric has a bounded number of series.
const EVENTS_MAX: usize = 100;

/// Registers the engine's metrics.
///
/// # Errors
/// When one of them is registered already.
pub fn register(engine: &Engine, registry: &Registry) -> Result<(), prometheus::Error> {
    let sizes = vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
    let batch_size =
        Histogram::with_opts(HistogramOpts::new("inventory_commit_commands", "Commands answered by one commit").buckets(sizes))?;
    let times = vec![0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0];
    let duration =
        Histogram::with_opts(HistogramOpts::new("inventory_commit_seconds", "From deciding a batch to its being durable").buckets(times))?;
    let records = IntCounter::new("inventory_ledger_records_total", "Ledger records written since the start")?;
    registry.register(Box::new(batch_size.clone()))?;
    registry.register(Box::new(duration.clone()))?;
    registry.register(Box::new(records.clone()))?;
    engine.stats().observe(move |batch: &BatchStats| {
        batch_size.observe(batch.commands as f64);
        duration.observe(batch.duration.as_secs_f64());
        records.inc_by(batch.records as u64);
    });
    registry.register(Box::new(StockCollector::new(engine.clone())?))
}

/// Reads the published counts when it is scraped.
struct StockCollector {
    engine: Engine,
    queued: IntGauge,
    stock: IntGaugeVec,
    holds: IntGaugeVec,
}

impl StockCollector {
    fn new(engine: Engine) -> Result<Self, prometheus::Error> {
        Ok(Self {
            engine,
            queued: IntGauge::new("inventory_queue_length", "Commands that wait for a commit")?,
            stock: IntGaugeVec::new(Opts::new("inventory_stock", "Tickets by event, stock and state"), &["event", "stock", "state"])?,
            holds: IntGaugeVec::new(Opts::new("inventory_live_holds", "Holds that are held, by event"), &["event"])?,
        })
    }
}

impl Collector for StockCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.queued.desc(), self.stock.desc(), self.holds.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.queued.set(gauge(self.engine.queued() as u64));
        for view in self.engine.published().iter().take(EVENTS_MAX) {
            let name = view.event.name.as_str();
            self.holds.with_label_values(&[name]).set(gauge(view.event.live_holds));
            for (stock, counts) in &view.event.stocks {
                for (state, count) in [("available", counts.available()), ("held", counts.held), ("sold", counts.sold)] {
                    self.stock.with_label_values(&[name, stock.as_str(), state]).set(gauge(count));
                }
            }
        }
        [self.queued.collect(), self.stock.collect(), self.holds.collect()].concat()
    }
}
