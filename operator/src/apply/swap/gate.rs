//! What the checks of a template decide.

use serde_json::Value;

use super::super::{
    hold::{Hold, HoldReason},
    pending::Pending,
};
use crate::{
    build::{Child, resource::deployment::TEMPLATE_HASH},
    kind::Kind,
};

/// What may be done about a Deployment.
pub(in super::super) enum Gate {
    /// Apply it.
    Open,
    /// Apply this one instead: the previous template.
    Replace(Box<Child>, Hold),
    /// Leave it, and look again.
    Wait(Pending),
    /// Leave it until the spec changes.
    Held(Hold),
}

/// The hash of the template of a desired Deployment.
pub(super) fn template_hash(body: &Value) -> String {
    let annotations = &body["metadata"]["annotations"];
    annotations[TEMPLATE_HASH].as_str().unwrap_or_default().to_owned()
}

/// The hold on the Deployment `name`.
pub(super) fn hold(name: &str, reason: HoldReason, message: String) -> Hold {
    Hold { kind: Kind::Deployment, name: name.to_owned(), reason, message }
}
