//! Security settings of the pods.

use serde::{Deserialize, Serialize};

/// Security settings of the pods. They always run as an unprivileged user, with a read-only root
/// file system and without capabilities.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecuritySpec {
    /// If true, the pods name no user and group ids, so that the platform assigns them. OpenShift
    /// refuses pods with ids outside the range of their namespace. Elsewhere leave it false: the
    /// ids are then 65532, those of the images.
    #[serde(default)]
    pub platform_ids: bool,
}
