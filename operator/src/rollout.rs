//! The progress of a Deployment's rollout, as the Deployment controller reports it.

use k8s_openapi::api::apps::v1::Deployment;
use kube::core::DynamicObject;

use crate::{api::WorkloadStatus, dereference::Live, kind::Kind};

/// Reason of the Deployment controller for a rollout that did not finish in time.
pub const DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";

/// Reason of the Deployment controller once the latest pods have been available.
const ROLLED_OUT: &str = "NewReplicaSetAvailable";

/// Pod counts and progress of one Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    pub desired: i32,
    pub total: i32,
    pub ready: i32,
    pub updated: i32,
    pub available: i32,
    /// Whether the Deployment controller has observed the latest spec.
    pub observed: bool,
    /// Whether the latest pods did not become ready within the progress deadline.
    pub deadline_exceeded: bool,
    /// Whether the latest template has been rolled out completely at some time. `None` if the
    /// Deployment controller does not say.
    pub rolled_out: Option<bool>,
    /// Why pods cannot be created, such as an exhausted quota.
    pub replica_failure: Option<String>,
    pub image: Option<String>,
    /// Whether the Deployment and its pods are being deleted.
    pub terminating: bool,
}

impl Rollout {
    /// Reads the rollout from the live Deployment `name`; `None` if it does not exist.
    pub fn of(live: &Live, name: &str) -> Option<Self> {
        Self::read(live.get(Kind::Deployment, name)?)
    }

    /// Reads the rollout of a Deployment; `None` if it is something else.
    pub fn read(deployment: &DynamicObject) -> Option<Self> {
        let deployment: Deployment = deployment.clone().try_parse().ok()?;
        let spec = deployment.spec?;
        let status = deployment.status.unwrap_or_default();
        let observed = status.observed_generation >= deployment.metadata.generation;
        // Conditions of an older generation do not apply to this spec.
        let condition = |type_: &str| {
            let mut conditions = status.conditions.iter().flatten().filter(|_| observed);
            conditions.find(|condition| condition.type_ == type_)
        };
        let progress = condition("Progressing").and_then(|found| found.reason.as_deref());
        let replica_failure = condition("ReplicaFailure")
            .filter(|found| found.status == "True")
            .map(|found| found.message.clone().unwrap_or_default());
        Some(Self {
            terminating: deployment.metadata.deletion_timestamp.is_some(),
            desired: spec.replicas.unwrap_or(1),
            total: status.replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
            updated: status.updated_replicas.unwrap_or(0),
            available: status.available_replicas.unwrap_or(0),
            observed,
            deadline_exceeded: progress == Some(DEADLINE_EXCEEDED),
            rolled_out: progress.map(|reason| reason == ROLLED_OUT),
            replica_failure,
            image: spec.template.spec.and_then(|pod| pod.containers.into_iter().next()?.image),
        })
    }

    /// Whether every pod has the latest template and is available, and no older pod is left.
    pub fn is_complete(&self) -> bool {
        self.is_up_to_date() && self.available >= self.desired
    }

    /// Whether every pod has the latest template and no older pod is left. Pods may be unavailable.
    pub fn is_up_to_date(&self) -> bool {
        !self.terminating
            && self.observed
            && self.updated >= self.desired
            && self.total <= self.updated
    }

    /// Whether at least one pod is ready and the Deployment is not being deleted.
    pub fn is_serving(&self) -> bool {
        self.ready > 0 && !self.terminating
    }

    /// Whether at least one pod is available and the Deployment is not being deleted.
    pub fn is_available(&self) -> bool {
        self.available > 0 && !self.terminating
    }

    /// The pod counts as `status.ticket` and `status.vacancy` show them.
    pub fn status(&self) -> WorkloadStatus {
        WorkloadStatus {
            ready: format!("{}/{}", self.ready, self.desired),
            replicas: self.desired,
            ready_replicas: self.ready,
            updated_replicas: self.updated,
            image: self.image.clone(),
        }
    }
}
