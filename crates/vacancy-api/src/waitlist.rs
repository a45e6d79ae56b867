//! Waiting lists.

use inventory::CustomerId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{hold::ItemRequest, text};

/// A request to wait for tickets that return.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinWaitlistBody {
    /// The items; they are offered together.
    #[schema(min_items = 1)]
    pub items: Vec<ItemRequest>,
    /// The customer; required when the event has a limit per customer. Spaces at the ends are
    /// removed, and the text is brought to Unicode's composed form (NFC).
    #[serde(default, deserialize_with = "text::customer")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub customer: Option<CustomerId>,
}
