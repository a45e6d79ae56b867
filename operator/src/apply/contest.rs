//! Recognizes children that another writer keeps changing back, and makes corrections rarer.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::kind::Kind;

/// Pause after the last correction that is made at once. Later pauses double.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// Longest time for which a child has to stay as it is before the conflict counts as over.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// Added to the time after which the corrections of a child are forgotten.
const MEMORY: Duration = Duration::from_secs(60);

/// Stands for all fields of a child that was deleted.
pub const WHOLE_OBJECT: &str = "*";
/// Most fields of one child whose corrections are counted.
const FIELDS_MAX: usize = 64;
/// Default of CONFLICT_CORRECTIONS.
const IMMEDIATE: u32 = 3;
/// Default of CONFLICT_PAUSE_MAX_S.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// A child that another writer keeps changing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConflict {
    pub kind: Kind,
    pub name: String,
    pub fields: Vec<String>,
    /// The other field managers. Empty if the API server records none.
    pub managers: Vec<String>,
    /// Time until the next correction; zero if the child is as desired.
    pub retry_after: Duration,
}

type Key = (String, Kind, String);

/// The corrections of children, by uid of the system, kind and name. They are kept in memory: a
/// restarted operator counts again.
#[derive(Debug)]
pub struct Contests {
    /// Corrections of one field that are made at once.
    immediate: u32,
    pause_max: Duration,
    children: Mutex<HashMap<Key, Contest>>,
}

#[derive(Debug)]
struct Contest {
    /// The hash of the object that was written last.
    hash: String,
    /// How often each field was corrected while the desired object stayed the same.
    corrections: BTreeMap<String, u32>,
    written: Instant,
    /// The fields and managers, once a correction had to wait.
    conflict: Option<(Vec<String>, Vec<String>)>,
}

impl Contest {
    /// The corrections of the most contested of `fields`.
    fn of(&self, fields: &[String]) -> u32 {
        fields.iter().filter_map(|field| self.corrections.get(field)).max().copied().unwrap_or(0)
    }

    fn most(&self) -> u32 {
        self.corrections.values().max().copied().unwrap_or(0)
    }
}

impl Default for Contests {
    fn default() -> Self {
        Self::new(IMMEDIATE, PAUSE_MAX)
    }
}

impl Contests {
    /// Makes `immediate` corrections at once. Then the pauses grow up to `pause_max`.
    pub fn new(immediate: u32, pause_max: Duration) -> Self {
        Self { immediate, pause_max, children: Mutex::default() }
    }

    /// How long the write of the object with this hash has to wait; zero to write now. `fields`
    /// differ from the live object.
    pub(super) fn wait(
        &self,
        key: (&str, Kind, &str),
        hash: &str,
        fields: &[String],
        now: Instant,
    ) -> Duration {
        let children = self.children.lock();
        match children.get(&owned(key)) {
            // A changed desired state is applied at once.
            Some(contest) if contest.hash == hash => {
                let due = contest.written + self.pause(contest.of(fields));
                due.saturating_duration_since(now)
            }
            _ => Duration::ZERO,
        }
    }

    /// Records a write of the object with this hash, because `fields` differed.
    pub(super) fn written(
        &self,
        key: (&str, Kind, &str),
        hash: &str,
        fields: Vec<String>,
        now: Instant,
    ) {
        let mut children = self.children.lock();
        let contest = children.entry(owned(key)).or_insert_with(|| Contest {
            hash: String::new(),
            corrections: BTreeMap::new(),
            written: now,
            conflict: None,
        });
        contest.written = now;
        if contest.hash != hash {
            hash.clone_into(&mut contest.hash);
            return;
        }
        for field in fields {
            if contest.corrections.len() < FIELDS_MAX || contest.corrections.contains_key(&field) {
                let count = contest.corrections.entry(field).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// Whether the other writers of a waiting correction are still unknown.
    pub(super) fn is_new_conflict(&self, key: (&str, Kind, &str)) -> bool {
        self.children.lock().get(&owned(key)).is_none_or(|contest| contest.conflict.is_none())
    }

    /// Records that a correction waits.
    pub(super) fn waits(
        &self,
        key: (&str, Kind, &str),
        fields: Vec<String>,
        managers: Option<Vec<String>>,
    ) {
        if let Some(contest) = self.children.lock().get_mut(&owned(key)) {
            let (known_fields, known_managers) = contest.conflict.get_or_insert_default();
            *known_fields = fields;
            if let Some(managers) = managers {
                *known_managers = managers;
            }
        }
    }

    /// Records that the child is as desired.
    pub(super) fn unchanged(&self, key: (&str, Kind, &str), now: Instant) {
        let mut children = self.children.lock();
        let key = owned(key);
        let Some(contest) = children.get_mut(&key) else { return };
        let quiet = now.saturating_duration_since(contest.written);
        let pause = self.pause(contest.most());
        if quiet >= pause.clamp(PAUSE_MIN.min(self.pause_max), QUIET_MAX) {
            contest.conflict = None;
        }
        if quiet >= pause * 2 + MEMORY {
            children.remove(&key);
        }
    }

    /// Forgets a child that was deleted on purpose.
    pub(super) fn forget(&self, key: (&str, Kind, &str)) {
        self.children.lock().remove(&owned(key));
    }

    /// The conflicts of the system with this uid, ordered by kind and name.
    pub(super) fn of_system(&self, uid: &str, now: Instant) -> Vec<FieldConflict> {
        let children = self.children.lock();
        let mut conflicts: Vec<FieldConflict> = children
            .iter()
            .filter(|((system, ..), _)| system == uid)
            .filter_map(|((_, kind, name), contest)| {
                let (fields, managers) = contest.conflict.clone()?;
                let due = contest.written + self.pause(contest.of(&fields));
                Some(FieldConflict {
                    kind: *kind,
                    name: name.clone(),
                    fields,
                    managers,
                    retry_after: due.saturating_duration_since(now),
                })
            })
            .collect();
        conflicts.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        conflicts
    }

    /// Forgets the systems that `exists` does not know.
    pub fn retain(&self, exists: impl Fn(&str) -> bool) {
        self.children.lock().retain(|(uid, ..), _| exists(uid));
    }

    /// Number of children in conflict.
    pub fn count(&self) -> usize {
        self.children.lock().values().filter(|contest| contest.conflict.is_some()).count()
    }

    fn pause(&self, corrections: u32) -> Duration {
        let Some(doublings) = corrections.checked_sub(self.immediate) else {
            return Duration::ZERO;
        };
        PAUSE_MIN.saturating_mul(2_u32.saturating_pow(doublings)).min(self.pause_max)
    }
}

fn owned((uid, kind, name): (&str, Kind, &str)) -> Key {
    (uid.to_owned(), kind, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILD: (&str, Kind, &str) = ("1", Kind::Deployment, "shop-ticket");

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn fields(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn corrections_become_rarer_and_a_changed_spec_is_applied_at_once() {
        let contests = Contests::new(3, seconds(60));
        let image = || fields(&["image"]);
        let mut now = Instant::now();
        contests.written(CHILD, "a", image(), now);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let wait = contests.wait(CHILD, "a", &image(), now);
            pauses.push(wait.as_secs());
            now += wait;
            contests.written(CHILD, "a", image(), now);
        }
        assert_eq!(pauses, [0, 0, 0, 5, 10, 20, 40, 60]);
        let other = fields(&["replicas"]);
        assert_eq!(contests.wait(CHILD, "a", &other, now), Duration::ZERO, "another field");
        assert_eq!(contests.wait(CHILD, "b", &image(), now), Duration::ZERO);
        contests.written(CHILD, "b", image(), now);
        let wait = contests.wait(CHILD, "b", &image(), now);
        assert_eq!(wait, seconds(60), "the conflict is not over");
        assert_eq!(contests.wait(("2", CHILD.1, CHILD.2), "a", &image(), now), Duration::ZERO);
    }

    #[test]
    fn conflict_is_reported_while_it_lasts() {
        let contests = Contests::new(1, seconds(60));
        let now = Instant::now();
        let replicas = || fields(&["spec.replicas"]);
        contests.written(CHILD, "a", replicas(), now);
        contests.written(CHILD, "a", replicas(), now);
        assert!(contests.of_system("1", now).is_empty(), "one correction is no conflict");
        contests.waits(CHILD, replicas(), Some(vec!["kubectl".to_owned()]));
        contests.waits(CHILD, replicas(), None);
        let found = contests.of_system("1", now);
        assert_eq!(found[0].managers, ["kubectl"]);
        assert_eq!(found[0].retry_after, seconds(5));
        contests.unchanged(CHILD, now + seconds(4));
        assert_eq!(contests.count(), 1, "the other writer may come back");
        contests.unchanged(CHILD, now + seconds(5));
        assert_eq!(contests.count(), 0);
        let wait = contests.wait(CHILD, "a", &replicas(), now);
        assert_eq!(wait, seconds(5), "a slow writer is remembered");
        contests.unchanged(CHILD, now + seconds(70));
        assert_eq!(contests.wait(CHILD, "a", &replicas(), now), Duration::ZERO);
        contests.written(CHILD, "a", replicas(), now);
        contests.retain(|uid| uid != "1");
        contests.forget(CHILD);
        assert!(contests.of_system("1", now).is_empty());
    }
}
