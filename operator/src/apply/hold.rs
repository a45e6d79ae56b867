//! Children that are not brought to the desired state, and why.

use super::failure::ChildFailure;
use crate::{build::Child, kind::Kind, live::Live, references};

/// A child that keeps its live state although the spec asks for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub kind: Kind,
    pub name: String,
    pub reason: HoldReason,
    pub message: String,
}

/// The reason of a [`Hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldReason {
    /// An object that it needs was refused.
    Dependency,
    /// The volume of the running pod could not be used by another one.
    VolumeInDanger,
    /// The new image, settings or secrets failed the check.
    PreflightFailed,
    /// The pods of the new template did not become ready.
    RolledBack,
}

impl HoldReason {
    /// The reason as conditions and events spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dependency | Self::VolumeInDanger => "HeldBack",
            Self::PreflightFailed => "PreflightFailed",
            Self::RolledBack => "RolledBack",
        }
    }
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.name, self.message)
    }
}

/// Whether a live Deployment refers to an object.
pub(super) fn is_referred_to(kind: Kind, name: &str, live: &Live) -> bool {
    let object = (kind, name.to_owned());
    live.iter().any(|(kind, _, deployment)| {
        kind == Kind::Deployment
            && references::of_template(&deployment.data["spec"]["template"]).contains(&object)
    })
}

/// The hold on `child` if an object that its pods read or write could not be applied: they would
/// use an object of another owner, or not start.
pub(super) fn by_dependency(
    child: &Child,
    failures: &[ChildFailure],
    holds: &[Hold],
) -> Option<Hold> {
    let hold = |message: String| Hold {
        kind: child.kind,
        name: child.name.clone(),
        reason: HoldReason::Dependency,
        message,
    };
    match child.kind {
        Kind::Deployment => {
            let needed = references::of_template(&child.body["spec"]["template"]);
            let is_needed = |failure: &&ChildFailure| {
                failure.is_blocking && needed.contains(&(failure.kind, failure.name.clone()))
            };
            let failure = failures.iter().find(is_needed)?;
            Some(hold(format!("waits for {} {}", failure.kind, failure.name)))
        }
        Kind::HorizontalPodAutoscaler => {
            let of_child = |held: &&Hold| held.kind == Kind::Deployment && held.name == child.name;
            let held = holds.iter().find(of_child)?;
            (held.reason == HoldReason::Dependency).then(|| hold(held.message.clone()))
        }
        _ => None,
    }
}
