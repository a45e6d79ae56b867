//! Decides whether this operator manages a system. It does no I/O, and takes the time as an
//! argument.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::api::OperatorClaim;

/// Pause between two challenges of a holder that answers, per namespace.
const CHALLENGE_PAUSE: Duration = Duration::from_secs(10);
/// Longest lease duration of a claim that is respected.
const LEASE_MAX: Duration = Duration::from_secs(3600);

/// What to do about a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The claim is in place.
    Manage,
    /// Write this claim, then manage the system.
    Claim(OperatorClaim),
    /// Write this challenge, and leave the system alone.
    Challenge(OperatorClaim),
    /// Leave the system alone, and look again after this time.
    StandBack(Duration),
}

/// A system, as decisions see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub uid: &'a str,
    pub namespace: &'a str,
    pub claim: Option<&'a OperatorClaim>,
    /// The installation that the resource asks for.
    pub preferred: Option<&'a str>,
}

/// The observations about the claims of other operators.
#[derive(Debug, Default)]
pub struct Rivals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last claim seen, and since when, by uid of the system.
    seen: HashMap<String, (OperatorClaim, Instant)>,
    /// By name of the holder and namespace.
    holders: HashMap<(String, String), Holder>,
    /// The holder that was announced last, by uid of the system.
    announced: HashMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Holder {
    challenged: Option<Instant>,
    alive: Option<Instant>,
    gone: Option<Instant>,
}

impl Rivals {
    /// Decides about `subject` on behalf of the operator whose claim is `own`.
    pub fn decide(&self, subject: Subject<'_>, own: &OperatorClaim, now: Instant) -> Decision {
        let mut state = self.0.lock();
        let Some(claim) = subject.claim else { return Decision::Claim(own.clone()) };
        if claim.name == own.name {
            state.seen.remove(subject.uid);
            // A challenge is answered, and a new version or scope is recorded.
            return if claim == own { Decision::Manage } else { Decision::Claim(own.clone()) };
        }
        if subject.preferred == Some(own.name.as_str()) {
            return Decision::Claim(own.clone());
        }
        state.observe(subject, claim, own, now)
    }

    /// Whether the holder of a system is another than the one announced last.
    pub fn is_news(&self, uid: &str, holder: &str) -> bool {
        let before = self.0.lock().announced.insert(uid.to_owned(), holder.to_owned());
        before.as_deref() != Some(holder)
    }

    /// Forgets the systems that `exists` does not know.
    pub fn retain(&self, exists: impl Fn(&str) -> bool) {
        let mut state = self.0.lock();
        state.seen.retain(|uid, _| exists(uid));
        state.announced.retain(|uid, _| exists(uid));
    }
}

impl State {
    fn observe(
        &mut self,
        subject: Subject<'_>,
        claim: &OperatorClaim,
        own: &OperatorClaim,
        now: Instant,
    ) -> Decision {
        let lease =
            Duration::from_secs(u64::try_from(claim.lease_duration_seconds).unwrap_or_default())
                .clamp(Duration::from_secs(1), LEASE_MAX);
        let holder =
            self.holders.entry((claim.name.clone(), subject.namespace.to_owned())).or_default();
        let (seen, since) =
            self.seen.entry(subject.uid.to_owned()).or_insert_with(|| (claim.clone(), now));
        if seen != claim {
            (*seen, *since) = (claim.clone(), now);
            if claim.challenged_by.is_none() {
                *holder = Holder { alive: Some(now), ..Holder::default() };
            }
        }
        let age = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        if claim.challenged_by.is_some() {
            let waited = now.saturating_duration_since(*since);
            if waited < lease {
                return Decision::StandBack(lease.saturating_sub(waited));
            }
            *holder = Holder { gone: Some(now), ..Holder::default() };
            return Decision::Claim(own.clone());
        }
        // The holder was found gone through another system of the namespace.
        if age(holder.gone).is_some_and(|age| age < lease * 2) {
            return Decision::Claim(own.clone());
        }
        if age(holder.challenged).is_some_and(|age| age < lease * 2) {
            return Decision::StandBack(lease);
        }
        match age(holder.alive) {
            Some(age) if age < CHALLENGE_PAUSE => {
                Decision::StandBack(CHALLENGE_PAUSE.saturating_sub(age))
            }
            _ => {
                holder.challenged = Some(now);
                let challenged_by = Some(own.name.clone());
                Decision::Challenge(OperatorClaim { challenged_by, ..claim.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str) -> OperatorClaim {
        OperatorClaim {
            name: name.to_owned(),
            version: "1".to_owned(),
            scope: "*".to_owned(),
            lease_duration_seconds: 30,
            challenged_by: None,
        }
    }

    fn subject<'a>(uid: &'a str, claim: Option<&'a OperatorClaim>) -> Subject<'a> {
        Subject { uid, namespace: "shop", claim, preferred: None }
    }

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn own_claim_is_taken_kept_and_renewed_on_a_challenge() {
        let (rivals, own, now) = (Rivals::default(), claim("a"), Instant::now());
        assert_eq!(rivals.decide(subject("1", None), &own, now), Decision::Claim(own.clone()));
        assert_eq!(rivals.decide(subject("1", Some(&own)), &own, now), Decision::Manage);
        let challenged = OperatorClaim { challenged_by: Some("b".to_owned()), ..own.clone() };
        assert_eq!(
            rivals.decide(subject("1", Some(&challenged)), &own, now),
            Decision::Claim(own.clone())
        );
        let upgraded = OperatorClaim { version: "2".to_owned(), ..own.clone() };
        assert_eq!(
            rivals.decide(subject("1", Some(&own)), &upgraded, now),
            Decision::Claim(upgraded.clone()),
            "an upgrade is no hand-over"
        );
    }

    #[test]
    fn unanswered_challenge_hands_the_system_over() {
        let (rivals, own, other, now) = (Rivals::default(), claim("a"), claim("b"), Instant::now());
        let challenged = OperatorClaim { challenged_by: Some("a".to_owned()), ..other.clone() };
        assert_eq!(
            rivals.decide(subject("1", Some(&other)), &own, now),
            Decision::Challenge(challenged.clone())
        );
        let at = |s| rivals.decide(subject("1", Some(&challenged)), &own, now + seconds(s));
        assert_eq!(at(1), Decision::StandBack(seconds(30)));
        assert_eq!(at(30), Decision::StandBack(seconds(1)));
        assert_eq!(at(31), Decision::Claim(own.clone()));
        assert_eq!(
            rivals.decide(subject("2", Some(&other)), &own, now + seconds(32)),
            Decision::Claim(own.clone()),
            "the other systems of the namespace follow without a challenge"
        );
        assert_eq!(
            rivals.decide(
                Subject { namespace: "elsewhere", ..subject("3", Some(&other)) },
                &own,
                now + seconds(32)
            ),
            Decision::Challenge(challenged.clone()),
            "it may still watch another namespace"
        );
    }

    #[test]
    fn answered_challenge_keeps_the_holder_and_one_system_is_asked() {
        let (rivals, own, other, now) = (Rivals::default(), claim("a"), claim("b"), Instant::now());
        let challenged = OperatorClaim { challenged_by: Some("a".to_owned()), ..other.clone() };
        let at = |uid, claim, s| rivals.decide(subject(uid, Some(claim)), &own, now + seconds(s));
        assert_eq!(at("1", &other, 0), Decision::Challenge(challenged.clone()));
        assert_eq!(at("2", &other, 0), Decision::StandBack(seconds(30)), "one is asked");
        assert_eq!(at("1", &challenged, 1), Decision::StandBack(seconds(30)));
        assert_eq!(at("1", &other, 20), Decision::StandBack(seconds(10)), "it answered");
        assert_eq!(at("2", &other, 25), Decision::StandBack(seconds(5)));
        assert_eq!(at("2", &other, 30), Decision::Challenge(challenged.clone()), "asked again");
    }

    #[test]
    fn challenge_of_a_third_operator_counts_and_a_preference_decides() {
        let (rivals, own, other, now) = (Rivals::default(), claim("a"), claim("b"), Instant::now());
        let by_c = OperatorClaim { challenged_by: Some("c".to_owned()), ..other.clone() };
        let at = |s| rivals.decide(subject("1", Some(&by_c)), &own, now + seconds(s));
        assert_eq!(at(0), Decision::StandBack(seconds(30)));
        assert_eq!(at(30), Decision::Claim(own.clone()));
        let preferred = Subject { preferred: Some("a"), ..subject("9", Some(&other)) };
        assert_eq!(rivals.decide(preferred, &own, now), Decision::Claim(own.clone()));
        let unlimited = OperatorClaim { lease_duration_seconds: -1, ..by_c.clone() };
        assert_eq!(
            rivals.decide(subject("5", Some(&unlimited)), &own, now),
            Decision::StandBack(seconds(1)),
            "a tampered lease duration is bounded"
        );
    }

    #[test]
    fn holder_is_announced_once() {
        let rivals = Rivals::default();
        assert!(rivals.is_news("1", "b") && !rivals.is_news("1", "b") && rivals.is_news("1", "c"));
        rivals.retain(|_| false);
        assert!(rivals.is_news("1", "c"));
    }
}
