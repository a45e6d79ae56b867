//! Open files: the limit of the process, and its division between connections and everything else.
//!
//! Callers open connections, and the store ends the process when it cannot open a file. So the
//! connections leave a reserve for the store, the logs and the connections to other services.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::server::ServerSettings;

/// Open files of the process itself: standard streams, listener, signals, runtime, settings,
/// metrics of the process, and one connection that is being refused.
const OF_PROCESS: usize = 14;

/// The blocking threads of the runtime open a file each. A small limit has fewer of them.
const BLOCKING_THREADS: usize = 64;
const FILES_PER_BLOCKING_THREAD: usize = 16;

/// With fewer connections, probes would leave none for requests.
const CONNECTIONS_MIN: usize = 8;

/// The limit of open files leaves no connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit of open files (ulimit -n) is {limit}, and this service needs at least {needed}: raise it"
)]
pub struct TooFewDescriptors {
    limit: usize,
    needed: usize,
}

/// Raises the soft limit of open files to the hard limit. The soft limit is usually 1024, for
/// programs that use `select`. Failure leaves the soft limit.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum {
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// The limit of open files.
#[must_use]
pub fn limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// The number of blocking threads that fits the limit.
pub(crate) fn blocking_threads() -> usize {
    (limit() / FILES_PER_BLOCKING_THREAD).clamp(2, BLOCKING_THREADS)
}

/// Lowers the number of connections in `settings` to what the limit of open files permits, beside
/// `reserve` for the store and other services.
///
/// # Errors
/// [`TooFewDescriptors`].
pub fn fit(settings: &ServerSettings, reserve: usize) -> Result<ServerSettings, TooFewDescriptors> {
    fit_within(limit(), settings, reserve + OF_PROCESS + blocking_threads())
}

fn fit_within(
    limit: usize,
    settings: &ServerSettings,
    reserve: usize,
) -> Result<ServerSettings, TooFewDescriptors> {
    let left = limit.saturating_sub(reserve);
    if left < CONNECTIONS_MIN {
        return Err(TooFewDescriptors { limit, needed: reserve + CONNECTIONS_MIN });
    }
    let overflow = settings.overflow_connections.min(left / 4);
    let connections = settings.max_connections.min(left - overflow);
    if connections < settings.max_connections {
        tracing::warn!(
            open_files_limit = limit,
            max_connections = settings.max_connections,
            connections,
            "the limit of open files (ulimit -n) permits fewer connections than MAX_CONNECTIONS"
        );
    }
    tracing::info!(
        open_files_limit = limit,
        connections,
        overflow_connections = overflow,
        reserve,
        "open files divided"
    );
    Ok(ServerSettings {
        max_connections: connections,
        overflow_connections: overflow,
        ..settings.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_reserve_stay_below_the_limit() {
        for limit in [40, 48, 64, 100, 256, 1_024, 4_096, 10_063, 10_064, 10_164, 1 << 30] {
            for reserve in [0, 10, 32, 100, 1_000] {
                match fit_within(limit, &ServerSettings::default(), reserve) {
                    Ok(fitted) => {
                        let (regular, overflow) =
                            (fitted.max_connections, fitted.overflow_connections);
                        assert!(regular + overflow + reserve <= limit, "{limit} {reserve}");
                        assert!(regular >= 6 && overflow >= 2, "{limit} {reserve}");
                        assert!(regular <= 10_000 && overflow <= 64);
                    }
                    Err(error) => {
                        assert!(limit < reserve + CONNECTIONS_MIN, "{limit} {reserve}");
                        assert!(error.needed > limit, "{error}");
                    }
                }
            }
        }
    }

    #[test]
    fn large_limit_changes_nothing() {
        let fitted = fit_within(1 << 20, &ServerSettings::default(), 400).expect("enough");
        assert_eq!((fitted.max_connections, fitted.overflow_connections), (10_000, 64));
    }
}
