use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The body of a problem as clients read it, and its schema. Problems may carry further members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(title = "Problem")]
pub struct ProblemDetails {
    /// Stable URN of the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:ticket-system:problem:validation")]
    pub kind: String,
    /// What kind of problem it is, the same every time.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The title again, where older clients look for it.
    pub error: String,
    /// The last part of `type`.
    #[schema(example = "validation")]
    pub code: String,
    /// Seconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// Identifies the request in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Further members.
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}
