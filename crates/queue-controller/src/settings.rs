//! Settings of waiting rooms.

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use admission::PaceSettings;
use beacon::HttpBeacon;
use clap::Args;
use config::{
    ConfigError,
    accept::{flag, parsed, range, seconds},
};

/// Keys, the beacon, and the pace of calls.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Waiting rooms")]
pub struct QueueArgs {
    /// JWK Set with the private Ed25519 keys that sign places, passes and tickets: the first one
    /// signs places and passes, all of them verify. Unset, a key is generated in DATA_DIR. It is
    /// read again every second.
    #[arg(env = "SIGNING_KEYS_FILE", value_parser = parsed::<PathBuf>("path"))]
    pub signing_keys_file: Option<PathBuf>,
    /// Base URLs of relays of drand's chain quicknet, separated by commas, whose randomness takes
    /// part in draws; unset, draws have no witness, and say so.
    #[arg(env = "QUEUE_BEACON_URLS", value_parser = parsed::<String>("https://host,https://host2"))]
    pub queue_beacon_urls: Option<String>,
    /// Whether relays may have URLs without TLS.
    #[arg(
        env = "QUEUE_BEACON_ALLOW_HTTP",
        default_value = "false",
        value_parser = flag(),
        action = clap::ArgAction::Set
    )]
    pub queue_beacon_allow_http: bool,
    /// Time from the opening of a sale to the round of the beacon that takes part in its draw.
    #[arg(env = "QUEUE_BEACON_DELAY_S", default_value = "10", value_parser = seconds(1.0..=3600.0))]
    pub queue_beacon_delay: Duration,
    /// Time after which a draw goes on without a beacon that cannot be reached, and says so.
    #[arg(env = "QUEUE_BEACON_WAIT_S", default_value = "60", value_parser = seconds(0.0..=3600.0))]
    pub queue_beacon_wait: Duration,
    /// Maximum number of places of one waiting room.
    #[arg(
        env = "QUEUE_PLACES_MAX",
        default_value = "2000000",
        value_parser = range(1..=100_000_000_u64).unit("places")
    )]
    pub queue_places_max: u64,
    /// Maximum number of places that join with one record of the ledger.
    #[arg(
        env = "QUEUE_JOIN_BATCH_MAX",
        default_value = "256",
        value_parser = range(1..=1_024_usize).unit("places")
    )]
    pub queue_join_batch_max: usize,
    /// Joins per minute of one client address (of IPv6 the /64) at each ticket process; above it
    /// 429.
    #[arg(
        env = "QUEUE_JOINS_PER_MINUTE",
        value_parser = parsed::<NonZeroU32>("a number from 1; unset, there is no limit")
    )]
    pub queue_joins_per_minute: Option<NonZeroU32>,
    /// Hashes that a browser makes at most before it joins (half as many on average); unset, a
    /// join needs no proof of work. Without one, a join counts ten times against
    /// QUEUE_JOINS_PER_MINUTE, which must be 10 or more.
    #[arg(
        env = "QUEUE_WORK_MAX_NUMBER",
        value_parser = range(1_000..=1_000_000_u64).unit("hashes; unset, none")
    )]
    pub queue_work_max_number: Option<u64>,
    /// Time for which a challenge of the proof of work is valid.
    #[arg(
        env = "QUEUE_WORK_TTL_S",
        default_value = "600",
        value_parser = range(1..=86_400_u64).unit("seconds")
    )]
    pub queue_work_ttl_s: u64,
    /// Calls per second of a process at first.
    #[arg(
        env = "QUEUE_CALLS_PER_S",
        default_value = "100",
        value_parser = range(1..=1_000_000_u64).unit("calls")
    )]
    pub queue_calls_per_s: u64,
    /// Calls per second of a process at most.
    #[arg(
        env = "QUEUE_CALLS_PER_S_MAX",
        default_value = "2000",
        value_parser = range(1..=1_000_000_u64).unit("calls")
    )]
    pub queue_calls_per_s_max: u64,
    /// Time in which 99 % of the commits should be done, milliseconds. Above it calls slow down.
    #[arg(
        env = "QUEUE_P99_TARGET_MS",
        default_value = "250",
        value_parser = range(1..=60_000_u64).unit("milliseconds")
    )]
    pub queue_p99_target_ms: u64,
}

impl Default for QueueArgs {
    fn default() -> Self {
        config::defaults()
    }
}

/// The settings of the process that runs waiting rooms.
#[derive(Clone)]
pub struct QueueSettings {
    /// The beacon of new draws.
    pub beacon: Option<Arc<dyn beacon::BeaconSource>>,
    /// From the opening of a sale to the beacon's round.
    pub beacon_delay: Duration,
    /// How long a reveal waits for the beacon.
    pub beacon_wait: Duration,
    /// The pace of calls.
    pub pace: PaceSettings,
}

impl std::fmt::Debug for QueueSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueSettings")
            .field("beacon", &self.beacon.is_some())
            .field("beacon_delay", &self.beacon_delay)
            .field("beacon_wait", &self.beacon_wait)
            .finish_non_exhaustive()
    }
}

/// The time for the response of a relay.
const RELAY_TIMEOUT: Duration = Duration::from_secs(5);
/// The slowest pace, so that a sale never stands still.
const CALLS_PER_S_MIN: f64 = 1.0;

impl TryFrom<&QueueArgs> for QueueSettings {
    type Error = ConfigError;

    fn try_from(args: &QueueArgs) -> Result<Self, ConfigError> {
        let max_per_s = args.queue_calls_per_s_max as f64;
        if args.queue_calls_per_s > args.queue_calls_per_s_max {
            let accepted = format!(
                "no more than QUEUE_CALLS_PER_S_MAX, which is {}",
                args.queue_calls_per_s_max
            );
            return Err(ConfigError::invalid(
                "QUEUE_CALLS_PER_S",
                &args.queue_calls_per_s,
                accepted,
            ));
        }
        let joins_per_min = args.queue_joins_per_minute.map_or(0, NonZeroU32::get);
        if let Some(number) = args.queue_work_max_number.filter(|_| joins_per_min < 10) {
            let accepted = "a number only with QUEUE_JOINS_PER_MINUTE of 10 or more".to_owned();
            return Err(ConfigError::invalid("QUEUE_WORK_MAX_NUMBER", &number, accepted));
        }
        Ok(Self {
            beacon: beacon_of(args)?,
            beacon_delay: args.queue_beacon_delay,
            beacon_wait: args.queue_beacon_wait,
            pace: PaceSettings {
                start_per_s: args.queue_calls_per_s as f64,
                min_per_s: CALLS_PER_S_MIN,
                max_per_s,
                // From the start to twice of it within about 20 s.
                add_per_s: (args.queue_calls_per_s as f64 / 20.0).max(1.0),
                p99_target_ms: args.queue_p99_target_ms as f64,
            },
        })
    }
}

fn beacon_of(args: &QueueArgs) -> Result<Option<Arc<dyn beacon::BeaconSource>>, ConfigError> {
    let Some(urls) = &args.queue_beacon_urls else { return Ok(None) };
    let urls: Vec<&str> = urls.split(',').map(str::trim).collect();
    let source = if args.queue_beacon_allow_http {
        HttpBeacon::allowing_http(&urls, RELAY_TIMEOUT)
    } else {
        HttpBeacon::new(&urls, RELAY_TIMEOUT)
    };
    let source = source.map_err(|error| ConfigError::Refused {
        name: "QUEUE_BEACON_URLS".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Some(Arc::new(source)))
}
