//! Delays between the attempts to restart a failed watch.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, Event};

const MIN: Duration = Duration::from_millis(200);
/// Lower than the default of 30 s, because drift goes unnoticed while a watch backs off. Jitter
/// adds up to the same again.
const MAX: Duration = Duration::from_secs(3);
/// Without the right to watch, an attempt helps only after someone grants it.
const DENIED_MAX: Duration = Duration::from_secs(15);

/// The delays of one watch. Each watch has its own, so that one failing watch does not slow down
/// the others.
struct Delays {
    transient: ExponentialBackoff,
    denied: ExponentialBackoff,
}

impl Delays {
    fn new() -> Self {
        let up_to = |max| {
            ExponentialBuilder::default()
                .with_min_delay(MIN)
                .with_max_delay(max)
                .with_factor(2.0)
                .with_jitter()
                .without_max_times()
                .build()
        };
        Self { transient: up_to(MAX), denied: up_to(DENIED_MAX) }
    }

    /// The pause after `event`, if it is an error.
    fn after<K>(&mut self, event: &Result<Event<K>, watcher::Error>) -> Option<Duration> {
        let error = match event {
            Err(error) => error,
            Ok(Event::Init) => return None,
            Ok(_) => {
                *self = Self::new();
                return None;
            }
        };
        let (delays, max) = if is_denied(error) {
            (&mut self.denied, DENIED_MAX)
        } else {
            (&mut self.transient, MAX)
        };
        Some(delays.next().unwrap_or(max))
    }
}

/// Whether the API server denies the watch.
pub(super) fn is_denied(error: &watcher::Error) -> bool {
    let denies = |code: u16| matches!(code, 401 | 403);
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => denies(status.code),
        _ => false,
    }
}

/// Pauses `events` after each error, for a time that grows until the watch delivers something.
/// The start of a list is no success: a watch whose list fails begins with it every time.
/// `observe` gets each event and error at once.
pub(super) fn with_backoff<K: Send>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send,
    mut observe: impl FnMut(&Result<Event<K>, watcher::Error>) + Send,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send {
    let mut delays = Delays::new();
    events.then(move |event| {
        observe(&event);
        let delay = delays.after(&event);
        async move {
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            event
        }
    })
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn denied() -> Result<Event<()>, watcher::Error> {
        let status = Status { code: 403, ..Default::default() };
        Err(watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status))))
    }

    fn broken() -> Result<Event<()>, watcher::Error> {
        Err(watcher::Error::NoResourceVersion)
    }

    /// The pauses of a watch whose list fails this many times.
    fn pauses(
        delays: &mut Delays,
        count: usize,
        failure: fn() -> Result<Event<()>, watcher::Error>,
    ) -> Duration {
        let mut all = Duration::ZERO;
        for _ in 0..count {
            assert_eq!(delays.after::<()>(&Ok(Event::Init)), None);
            all += delays.after(&failure()).expect("a pause");
        }
        all
    }

    #[test]
    fn start_of_a_list_does_not_reset_the_delay() {
        // 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 6.4 + 12.8 s, and jitter.
        assert!(pauses(&mut Delays::new(), 7, denied) >= Duration::from_secs(25));
        let transient = pauses(&mut Delays::new(), 7, broken);
        assert!(
            transient >= Duration::from_secs(9) && transient < Duration::from_secs(25),
            "{transient:?}"
        );
        let mut delays = Delays::new();
        pauses(&mut delays, 6, denied);
        assert_eq!(delays.after::<()>(&Ok(Event::InitDone)), None);
        let first = delays.after(&denied()).expect("a pause");
        assert!(first < Duration::from_secs(1), "a success resets it: {first:?}");
    }
}
