use std::time::Duration;

use k8s_controller::LeaderElection;

use super::Operator;

/// The election this operator takes part in; `None` when it is switched off. The protocol is
/// client-go's: a lease counts as lapsed when it has not changed for its duration on the clock of
/// whoever waits, and every write is checked for conflicts.
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
