//! Bodies with the members of the services' bodies.

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
pub struct Available {
    pub qty: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ReserveBody {
    pub qty: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ReserveAnswer {
    pub success: bool,
    pub remaining: u64,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    pub seq: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Item {
    pub stock: String,
    pub qty: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct HoldBody {
    pub event: String,
    pub items: Vec<Item>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct HoldAnswer {
    pub id: String,
    pub state: String,
    pub items: Vec<Item>,
    pub expires_at: String,
    pub seq: u64,
}
