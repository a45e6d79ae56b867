//! Liveness from recent progress. A watch that has silently died looks, from the inside, like a
//! quiet cluster; the only thing that tells them apart is that healthy watches are opened anew
//! every so often.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Slack on top of every deadline.
const GRACE: Duration = Duration::from_secs(60);

/// When things last moved.
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
    /// Collections that must be watched, and when a list or watch of each was last begun.
    watches: HashMap<String, Option<Instant>>,
    /// By scope, the systems there are and when one was last reconciled: one scope that moves must
    /// not hide one that does not.
    scopes: HashMap<String, (usize, Instant)>,
}

impl Progress {
    /// A watch lasts `watch_timeout`; while there are systems, one is reconciled at least every
    /// `reconcile_deadline`.
    pub fn new(watch_timeout: Duration, reconcile_deadline: Duration) -> Self {
        Self { watch_timeout, reconcile_deadline, state: Mutex::default() }
    }

    /// This operator leads from now on and watches `collections`, given as URL paths.
    pub fn lead(&self, collections: impl IntoIterator<Item = String>, now: Instant) {
        let watches = collections.into_iter().map(|path| (path, None)).collect();
        self.state().leading = Some(Leading { since: now, watches, scopes: HashMap::new() });
    }

    /// This operator no longer leads.
    pub fn rest(&self) {
        self.state().leading = None;
    }

    /// A list or watch of `collection` was begun.
    pub fn watching(&self, collection: &str, now: Instant) {
        if let Some(begun) =
            self.state().leading.as_mut().and_then(|leading| leading.watches.get_mut(collection))
        {
            *begun = Some(now);
        }
    }

    /// A reconciliation ended in `scope`, well or badly, while there were so many systems.
    pub fn reconciled(&self, scope: &str, systems: usize, now: Instant) {
        if let Some(leading) = self.state().leading.as_mut() {
            leading.scopes.insert(scope.to_owned(), (systems, now));
        }
    }

    /// Whether this operator leads.
    pub fn leads(&self) -> bool {
        self.state().leading.is_some()
    }

    /// What has not moved for too long, if anything. An operator that does not lead has nothing to
    /// show.
    pub fn stuck(&self, now: Instant) -> Option<String> {
        let state = self.state();
        let leading = state.leading.as_ref()?;
        let age =
            |last: Option<Instant>| now.saturating_duration_since(last.unwrap_or(leading.since));
        let silent =
            leading.watches.iter().find(|(_, begun)| age(**begun) > self.watch_timeout + GRACE);
        if let Some((collection, begun)) = silent {
            return Some(format!(
                "no watch of {collection} was begun for {} s",
                age(*begun).as_secs()
            ));
        }
        let busy = leading.scopes.iter().filter(|(_, (systems, _))| *systems > 0);
        let (scope, idle) = busy
            .map(|(scope, (_, last))| (scope, age(Some(*last))))
            .max_by_key(|(_, idle)| *idle)?;
        (idle > self.reconcile_deadline + GRACE)
            .then(|| format!("nothing was reconciled in {scope} for {} s", idle.as_secs()))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn a_silent_watch_is_noticed() {
        let progress = Progress::new(seconds(120), seconds(60));
        let start = Instant::now();
        assert_eq!(progress.stuck(start + seconds(10_000)), None, "a standby has nothing to show");
        progress.lead(["/a".to_owned(), "/b".to_owned()], start);
        progress.watching("/a", start + seconds(150));
        progress.watching("/b", start + seconds(10));
        progress.watching("/unknown", start + seconds(10));
        assert_eq!(progress.stuck(start + seconds(190)), None);
        assert_eq!(
            progress.stuck(start + seconds(191)).as_deref(),
            Some("no watch of /b was begun for 181 s")
        );
        progress.rest();
        assert_eq!(progress.stuck(start + seconds(191)), None);
    }

    #[test]
    fn a_watch_that_never_began_is_noticed() {
        let progress = Progress::new(seconds(120), seconds(60));
        let start = Instant::now();
        progress.lead(["/a".to_owned()], start);
        assert_eq!(
            progress.stuck(start + seconds(181)).as_deref(),
            Some("no watch of /a was begun for 181 s")
        );
    }

    #[test]
    fn systems_that_are_not_looked_at_are_noticed() {
        let progress = Progress::new(seconds(1_000), seconds(60));
        let start = Instant::now();
        progress.lead(["/a".to_owned()], start);
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
    fn a_scope_that_moves_does_not_hide_one_that_does_not() {
        let progress = Progress::new(seconds(1_000), seconds(60));
        let start = Instant::now();
        progress.lead(["/a".to_owned()], start);
        progress.reconciled("a", 1, start);
        progress.reconciled("b", 1, start + seconds(120));
        progress.reconciled("c", 0, start);
        assert_eq!(
            progress.stuck(start + seconds(121)).as_deref(),
            Some("nothing was reconciled in a for 121 s")
        );
    }
}
