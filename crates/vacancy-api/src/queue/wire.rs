//! What ticket and vacancy say to each other about places.

use draw::Leaf;
use inventory::{HoldId, TimeMs, domain::PassUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A pass as it travels inside the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassEntry {
    /// The place that claimed it.
    #[schema(value_type = String)]
    pub leaf: Leaf,
    /// The pass.
    #[schema(value_type = String, format = Uuid)]
    pub pass: HoldId,
    /// The waiting room.
    pub queue: u64,
}

impl From<PassEntry> for PassUse {
    fn from(PassEntry { leaf, pass, queue }: PassEntry) -> Self {
        Self { leaf, pass, queue }
    }
}

impl From<PassUse> for PassEntry {
    fn from(PassUse { leaf, pass, queue }: PassUse) -> Self {
        Self { leaf, pass, queue }
    }
}

/// The answer to places that joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinAnswer {
    /// The number and, outside of a draw, the turn of each place, in the order of the leaves; null
    /// for a leaf that could not join.
    pub joined: Vec<Option<(u64, Option<u64>)>>,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassAnswer {
    /// The pass.
    #[schema(value_type = String, format = Uuid)]
    pub pass: HoldId,
    /// When it expires, milliseconds since 1970.
    pub pass_expires_at_ms: TimeMs,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

/// A page of a waiting room's places as it travels inside the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeavesPage {
    /// The places after `after` records of the ledger, in the order of joining.
    #[schema(value_type = Vec<String>)]
    pub leaves: Vec<Leaf>,
    /// The last record of this page.
    pub after_seq: u64,
}
