//! Delays between the attempts to restart a failed watch.

use std::time::Duration;

use backon::ExponentialBuilder;
use kube::runtime::watcher::ExponentialBackoff;

const MIN: Duration = Duration::from_millis(200);
/// Lower than the default of 30 s, because drift goes unnoticed while a watch backs off. Jitter
/// adds up to the same again.
const MAX: Duration = Duration::from_secs(3);

/// Delays that double, with jitter. Each watch has its own, so that one failing watch does not slow
/// down the others.
pub(super) fn watch_backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(MIN)
        .with_max_delay(MAX)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .into()
}
