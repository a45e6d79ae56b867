//! Liveness from recent progress. A watch that fails silently looks like an idle cluster. Healthy
//! watches are restarted at a fixed interval, so a missing restart reveals the failure.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

/// Added to every deadline.
const GRACE: Duration = Duration::from_secs(60);

/// Times of the last progress of watches and reconciliations.
#[derive(Debug)]
pub struct Progress {
    watch_timeout: Duration,
    reconcile_deadline: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    leading: Option<Leading>,
}

#[derive(Debug)]
struct Leading {
    since: Instant,
    /// Collections that must be watched, with the last start of a list or watch.
    watches: HashMap<String, Option<Instant>>,
    /// By scope, the number of systems and the end of the last reconciliation. Progress in one
    /// scope must not hide a stuck one.
    scopes: HashMap<String, (usize, Instant)>,
}

impl Progress {
    /// Expects a watch to restart after `watch_timeout`, and a reconciliation at least every
    /// `reconcile_deadline` while there are systems.
    pub fn new(watch_timeout: Duration, reconcile_deadline: Duration) -> Self {
        Self { watch_timeout, reconcile_deadline, state: Mutex::default() }
    }

    /// Records that this operator leads and watches `collections`, given as URL paths.
    pub fn start_leading(&self, collections: impl IntoIterator<Item = String>, now: Instant) {
        let watches = collections.into_iter().map(|path| (path, None)).collect();
        self.state().leading = Some(Leading { since: now, watches, scopes: HashMap::new() });
    }

    /// Records that this operator no longer leads.
    pub fn stop_leading(&self) {
        self.state().leading = None;
    }

    /// Records the start of a list or watch of `collection`.
    pub fn watch_started(&self, collection: &str, now: Instant) {
        if let Some(started) =
            self.state().leading.as_mut().and_then(|leading| leading.watches.get_mut(collection))
        {
            *started = Some(now);
        }
    }

    /// Records the end of a reconciliation in `scope`, successful or not, with its number of
    /// systems.
    pub fn reconciled(&self, scope: &str, systems: usize, now: Instant) {
        if let Some(leading) = self.state().leading.as_mut() {
            leading.scopes.insert(scope.to_owned(), (systems, now));
        }
    }

    /// Whether this operator leads.
    pub fn is_leading(&self) -> bool {
        self.state().leading.is_some()
    }

    /// A message that names what has made no progress for too long. `None` on a standby, which
    /// makes no progress.
    pub fn stuck(&self, now: Instant) -> Option<String> {
        let state = self.state();
        let leading = state.leading.as_ref()?;
        let age =
            |last: Option<Instant>| now.saturating_duration_since(last.unwrap_or(leading.since));
        let silent =
            leading.watches.iter().find(|(_, started)| age(**started) > self.watch_timeout + GRACE);
        if let Some((collection, started)) = silent {
            return Some(format!(
                "no watch of {collection} was started for {} s",
                age(*started).as_secs()
            ));
        }
        let busy = leading.scopes.iter().filter(|(_, (systems, _))| *systems > 0);
        let (scope, idle) = busy
            .map(|(scope, (_, last))| (scope, age(Some(*last))))
            .max_by_key(|(_, idle)| *idle)?;
        (idle > self.reconcile_deadline + GRACE)
            .then(|| format!("nothing was reconciled in {scope} for {} s", idle.as_secs()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn silent_watch_is_detected() {
        let progress = Progress::new(seconds(120), seconds(60));
        let start = Instant::now();
        assert_eq!(progress.stuck(start + seconds(10_000)), None, "a standby makes no progress");
        progress.start_leading(["/a".to_owned(), "/b".to_owned()], start);
        progress.watch_started("/a", start + seconds(150));
        progress.watch_started("/b", start + seconds(10));
        progress.watch_started("/unknown", start + seconds(10));
        assert_eq!(progress.stuck(start + seconds(190)), None);
        assert_eq!(
            progress.stuck(start + seconds(191)).as_deref(),
            Some("no watch of /b was started for 181 s")
        );
        progress.stop_leading();
        assert_eq!(progress.stuck(start + seconds(191)), None);
    }

    #[test]
    fn watch_that_never_started_is_detected() {
        let progress = Progress::new(seconds(120), seconds(60));
        let start = Instant::now();
        progress.start_leading(["/a".to_owned()], start);
        assert_eq!(
            progress.stuck(start + seconds(181)).as_deref(),
            Some("no watch of /a was started for 181 s")
        );
    }

    #[test]
    fn missing_reconciliations_are_detected() {
        let progress = Progress::new(seconds(1_000), seconds(60));
        let start = Instant::now();
        progress.start_leading(["/a".to_owned()], start);
        assert_eq!(progress.stuck(start + seconds(500)), None, "there may be no systems");
        progress.reconciled("a", 3, start + seconds(500));
        assert_eq!(progress.stuck(start + seconds(620)), None);
        assert_eq!(
            progress.stuck(start + seconds(621)).as_deref(),
            Some("nothing was reconciled in a for 121 s")
        );
        progress.reconciled("a", 0, start + seconds(630));
        assert_eq!(progress.stuck(start + seconds(900)), None, "the last one was deleted");
    }

    #[test]
    fn progress_in_one_scope_does_not_hide_a_stuck_one() {
        let progress = Progress::new(seconds(1_000), seconds(60));
        let start = Instant::now();
        progress.start_leading(["/a".to_owned()], start);
        progress.reconciled("a", 1, start);
        progress.reconciled("b", 1, start + seconds(120));
        progress.reconciled("c", 0, start);
        assert_eq!(
            progress.stuck(start + seconds(121)).as_deref(),
            Some("nothing was reconciled in a for 121 s")
        );
    }
}
