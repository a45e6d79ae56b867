//! Leader election on a Lease.

use std::time::Duration;

use k8s_controller::LeaderElection;

use super::operator::Operator;

/// The election this operator takes part in; `None` if it is disabled. The protocol is that of
/// client-go: a candidate considers a lease expired when it has not changed for its duration on the
/// candidate's own clock, and every write detects conflicts.
pub(super) fn election(operator: &Operator) -> Option<LeaderElection> {
    let settings = &operator.settings.election;
    settings.leader_election.then(|| {
        LeaderElection::new(
            operator.client.clone(),
            &settings.pod_namespace,
            &settings.lease_name,
            &settings.pod_name,
        )
        .with_lease_duration(Duration::from_millis(settings.lease_duration_ms))
        .with_renew_deadline(Duration::from_millis(settings.renew_deadline_ms))
        .with_retry_period(Duration::from_millis(settings.retry_period_ms))
    })
}
