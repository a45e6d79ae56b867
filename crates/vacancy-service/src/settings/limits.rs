//! Limits of requests, commits and the embedded store.

use clap::Args;
use config::{ConfigError, accept::range};
use http_server::descriptors;
use inventory::Limits;
use inventory_embedded::EmbeddedOptions;
use queue_controller::QueueArgs;

const YEAR_S: u64 = 31_536_000;
const MS_PER_S: u64 = 1_000;

/// Limits of requests, commits and the embedded store.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Maximum quantity of one stock in one request.
    #[arg(env = "MAX_QTY", default_value = "1000", value_parser = range(1..=1_000_000_u64))]
    pub max_qty: u64,
    /// Maximum number of stocks in one hold.
    #[arg(env = "MAX_ITEMS_PER_HOLD", default_value = "16", value_parser = range(1..=256_usize))]
    pub max_items_per_hold: usize,
    /// Maximum number of stocks of one event.
    #[arg(
        env = "MAX_STOCKS_PER_EVENT",
        default_value = "64",
        value_parser = range(1..=1_024_usize)
    )]
    pub max_stocks_per_event: usize,
    /// Maximum number of events.
    #[arg(env = "MAX_EVENTS", default_value = "10000", value_parser = range(1..=1_000_000_usize))]
    pub max_events: usize,
    /// Largest capacity of a stock.
    #[arg(
        env = "MAX_CAPACITY",
        default_value = "1000000000",
        value_parser = range(1..=1_000_000_000_000_u64)
    )]
    pub max_capacity: u64,
    /// Maximum number of live holds of all events.
    #[arg(
        env = "MAX_LIVE_HOLDS",
        default_value = "1000000",
        value_parser = range(1..=100_000_000_u64)
    )]
    pub max_live_holds: u64,
    /// Maximum number of entries of one waiting list.
    #[arg(
        env = "MAX_WAITLIST",
        default_value = "10000",
        value_parser = range(1..=1_000_000_u64).unit("entries")
    )]
    pub max_waitlist: u64,
    /// Lifetime of a hold when neither the request nor the event specifies one.
    #[arg(
        env = "HOLD_TTL_S",
        default_value = "600",
        value_parser = range(1..=YEAR_S).described("1 to HOLD_TTL_MAX_S seconds")
    )]
    pub hold_ttl_s: u64,
    /// Longest lifetime that one request may ask for.
    #[arg(
        env = "HOLD_TTL_MAX_S",
        default_value = "3600",
        value_parser = range(1..=YEAR_S).unit("seconds")
    )]
    pub hold_ttl_max_s: u64,
    /// Longest lifetime of a hold with all its extensions.
    #[arg(
        env = "HOLD_LIFETIME_MAX_S",
        default_value = "7200",
        value_parser = range(1..=YEAR_S).described("HOLD_TTL_MAX_S to 31536000 seconds")
    )]
    pub hold_lifetime_max_s: u64,
    /// Time for which a hold lives from the start of its payment, up to HOLD_LIFETIME_MAX_S.
    #[arg(
        env = "PAYMENT_WINDOW_S",
        default_value = "1800",
        value_parser = range(1..=YEAR_S).unit("seconds")
    )]
    pub payment_window_s: u64,
    /// Time for which an Idempotency-Key returns its stored response.
    #[arg(
        env = "IDEMPOTENCY_TTL_S",
        default_value = "86400",
        value_parser = range(1..=YEAR_S).unit("seconds")
    )]
    pub idempotency_ttl_s: u64,
    /// Maximum number of stored keys; above it the oldest are dropped first.
    #[arg(
        env = "IDEMPOTENCY_KEYS_MAX",
        default_value = "10000000",
        value_parser = range(1..=1_000_000_000_u64)
    )]
    pub idempotency_keys_max: u64,
    /// Maximum number of requests in one commit.
    #[arg(env = "COMMIT_BATCH_MAX", default_value = "1024", value_parser = range(1..=65_536_usize))]
    pub commit_batch_max: usize,
    /// Maximum number of requests that wait for a commit; above it 503.
    #[arg(
        env = "COMMIT_QUEUE_MAX",
        default_value = "16384",
        value_parser = range(1..=1_048_576_usize)
    )]
    pub commit_queue_max: usize,
    /// Maximum number of requests in one call of /api/v1/internal/batch or /api/v1/reserve/batch.
    #[arg(
        env = "RESERVE_BATCH_MAX",
        default_value = "512",
        value_parser = range(1..=10_000_usize).described(
            "1 to 10000, and no more than COMMIT_QUEUE_MAX"
        )
    )]
    pub reserve_batch_max: usize,
    /// Maximum number of entries in one page of a list.
    #[arg(env = "MAX_PAGE", default_value = "1000", value_parser = range(1..=10_000_usize))]
    pub max_page: usize,
    /// Cache for reads from the store.
    #[arg(
        env = "STORE_CACHE_BYTES",
        default_value = "16777216",
        value_parser = range(1 << 20..=1_u64 << 40).unit("bytes")
    )]
    pub store_cache_bytes: u64,
    /// Recent writes kept in memory, for each of eleven tables; at most an eleventh of
    /// STORE_JOURNAL_BYTES.
    #[arg(
        env = "STORE_MEMTABLE_BYTES",
        default_value = "8388608",
        value_parser = range(1 << 20..=1_u64 << 30).unit("bytes")
    )]
    pub store_memtable_bytes: u64,
    /// Write-ahead journal on disk, which a start may have to read.
    #[arg(
        env = "STORE_JOURNAL_BYTES",
        default_value = "134217728",
        value_parser = range(64 << 20..=1_u64 << 40).unit("bytes")
    )]
    pub store_journal_bytes: u64,
    /// Table files that the store keeps open; at most an eighth of the limit of open files
    /// (ulimit -n).
    #[arg(
        env = "STORE_OPEN_FILES",
        default_value = "256",
        value_parser = range(EmbeddedOptions::OPEN_FILES_MIN..=100_000).unit("files")
    )]
    pub store_open_files: usize,
}

impl LimitArgs {
    /// Checks across several limits.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ttl_max = self.hold_ttl_max_s;
        if self.hold_ttl_s > ttl_max {
            let accepted = format!("1 to HOLD_TTL_MAX_S seconds, which is {ttl_max}");
            return Err(ConfigError::invalid("HOLD_TTL_S", &self.hold_ttl_s, accepted));
        }
        if self.hold_lifetime_max_s < ttl_max {
            let accepted = format!("HOLD_TTL_MAX_S, which is {ttl_max}, to {YEAR_S} seconds");
            let value = self.hold_lifetime_max_s;
            return Err(ConfigError::invalid("HOLD_LIFETIME_MAX_S", &value, accepted));
        }
        // The store checks the journal when a memtable is full. Until then the journal may grow by
        // the content of all memtables, which must not exceed its bound.
        if self.store_memtable_bytes > self.store_journal_bytes / EmbeddedOptions::TABLES {
            let journal_bytes = self.store_journal_bytes;
            let accepted = format!(
                "no more than an eleventh of STORE_JOURNAL_BYTES, which is {journal_bytes}"
            );
            let value = self.store_memtable_bytes;
            return Err(ConfigError::invalid("STORE_MEMTABLE_BYTES", &value, accepted));
        }
        // A batch larger than the queue would be refused in part each time, even on an idle
        // service.
        if self.reserve_batch_max > self.commit_queue_max {
            let accepted =
                format!("no more than COMMIT_QUEUE_MAX, which is {}", self.commit_queue_max);
            return Err(ConfigError::invalid(
                "RESERVE_BATCH_MAX",
                &self.reserve_batch_max,
                accepted,
            ));
        }
        Ok(())
    }

    pub(super) fn embedded(&self) -> EmbeddedOptions {
        EmbeddedOptions {
            cache_bytes: self.store_cache_bytes,
            memtable_bytes: self.store_memtable_bytes,
            journal_bytes: self.store_journal_bytes,
            open_files: self
                .store_open_files
                .min(descriptors::limit() / 8)
                .max(EmbeddedOptions::OPEN_FILES_MIN),
            keys_max: self.idempotency_keys_max,
        }
    }

    pub(super) fn engine(&self, queues: &QueueArgs) -> Limits {
        Limits {
            qty_max: self.max_qty,
            items_max: self.max_items_per_hold,
            stocks_max: self.max_stocks_per_event,
            events_max: self.max_events,
            capacity_max: self.max_capacity,
            live_holds_max: self.max_live_holds,
            hold_ttl_ms: self.hold_ttl_s * MS_PER_S,
            hold_ttl_max_ms: self.hold_ttl_max_s * MS_PER_S,
            hold_lifetime_max_ms: self.hold_lifetime_max_s * MS_PER_S,
            payment_window_ms: self.payment_window_s * MS_PER_S,
            key_ttl_ms: self.idempotency_ttl_s * MS_PER_S,
            keys_max: self.idempotency_keys_max,
            places_max: queues.queue_places_max,
            joins_max: queues.queue_join_batch_max,
            waitlist_max: self.max_waitlist,
            batch_max: self.commit_batch_max,
            queue_max: self.commit_queue_max,
        }
    }
}
