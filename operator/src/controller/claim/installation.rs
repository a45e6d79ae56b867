//! The identity of an operator in claims.

use crate::{api::OperatorClaim, settings::Settings};

/// A holder answers within this many lease durations, also if its leader has just crashed.
const LEASES_UNTIL_ANSWER: u64 = 2;
/// Shortest time for an answer: the holder may be reconciling the system.
const ANSWER_MIN_S: u64 = 5;
const MILLISECONDS: u64 = 1000;

/// One installation of the operator: all replicas that elect one leader.
#[derive(Clone, Debug)]
pub struct Installation(OperatorClaim);

impl Installation {
    /// The installation that `settings` describe. Without an election, each pod is its own.
    pub fn new(settings: &Settings) -> Self {
        let election = &settings.election;
        let mut name = format!("{}/{}", election.pod_namespace, election.lease_name);
        if !election.leader_election {
            name = format!("{name}/{}", election.pod_name);
        }
        let scopes: Vec<String> = settings.scopes().into_iter().flatten().collect();
        let scope = if scopes.is_empty() { "*".to_owned() } else { scopes.join(",") };
        let seconds = (election.lease_duration_ms * LEASES_UNTIL_ANSWER).div_ceil(MILLISECONDS);
        let seconds = seconds.max(ANSWER_MIN_S);
        Self(OperatorClaim {
            name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scope,
            lease_duration_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
            challenged_by: None,
        })
    }

    /// The name of the installation.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its claim on a system.
    pub fn claim(&self) -> &OperatorClaim {
        &self.0
    }
}
