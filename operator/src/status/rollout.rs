//! How far a Deployment has come.

use k8s_openapi::api::apps::v1::Deployment;

use crate::{api::WorkloadStatus, dereference::Live, kind::Kind};

/// A Deployment's own account of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    pub wanted: i32,
    pub total: i32,
    pub ready: i32,
    pub updated: i32,
    pub available: i32,
    /// Whether the Deployment controller has seen the newest spec.
    pub observed: bool,
    /// Whether the newest pods did not come up in time.
    pub deadline_exceeded: bool,
    pub image: Option<String>,
    /// Whether the Deployment is being deleted, and its pods with it.
    pub ending: bool,
}

impl Rollout {
    /// Reads it off the live Deployment; `None` when there is none.
    pub fn of(live: &Live, name: &str) -> Option<Self> {
        let deployment: Deployment =
            live.get(Kind::Deployment, name)?.as_ref().clone().try_parse().ok()?;
        let spec = deployment.spec?;
        let status = deployment.status.unwrap_or_default();
        let observed = status.observed_generation >= deployment.metadata.generation;
        // What the controller said about an older spec says nothing about this one.
        let deadline_exceeded = observed
            && status.conditions.iter().flatten().any(|condition| {
                condition.type_ == "Progressing"
                    && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
            });
        Some(Self {
            ending: deployment.metadata.deletion_timestamp.is_some(),
            wanted: spec.replicas.unwrap_or(1),
            total: status.replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
            updated: status.updated_replicas.unwrap_or(0),
            available: status.available_replicas.unwrap_or(0),
            observed,
            deadline_exceeded,
            image: spec.template.spec.and_then(|pod| pod.containers.into_iter().next()?.image),
        })
    }

    /// Whether every pod is of the newest template and available, and no other is left.
    pub fn complete(&self) -> bool {
        !self.ending
            && self.observed
            && self.updated >= self.wanted
            && self.total <= self.updated
            && self.available >= self.wanted
    }

    /// Whether somebody answers, and is going to.
    pub fn serves(&self) -> bool {
        self.ready > 0 && !self.ending
    }

    pub fn status(&self) -> WorkloadStatus {
        WorkloadStatus {
            ready: format!("{}/{}", self.ready, self.wanted),
            replicas: self.wanted,
            ready_replicas: self.ready,
            updated_replicas: self.updated,
            image: self.image.clone(),
        }
    }
}

/// Whether the Deployment of that name has a pod that is available, and stays.
pub fn serves(live: &Live, name: &str) -> bool {
    Rollout::of(live, name).is_some_and(|rollout| rollout.available > 0 && !rollout.ending)
}
