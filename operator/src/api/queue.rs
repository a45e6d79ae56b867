//! Waiting rooms.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The waiting rooms of the events of the system.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSpec {
    /// `true` pauses all waiting rooms: nobody is called. `false` resumes them. Either is applied
    /// once, when the field is set or changed. Default: the operator leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Public randomness that takes part in draws. Default: draws have no witness, and say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<Beacon>,
}

/// Relays of the public randomness beacon drand.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Base URLs of relays that serve drand's chain quicknet, such as `https://api.drand.sh`. The
    /// first one that answers counts.
    #[schemars(length(min = 1, max = 8), inner(length(max = 253)))]
    #[x_kube(validation = Rule::new("self.all(url, \
        url.matches('^https://[^/:?#@, ][^/?#@, ]*(/[^?#@, ]*)?$'))")
        .message("queue.beacon.urls must be https URLs such as https://api.drand.sh, without user, \
            query and fragment"))]
    pub urls: Vec<String>,
}
