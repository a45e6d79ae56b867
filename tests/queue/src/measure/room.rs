//! The waiting room that is measured.

use serde_json::json;

use crate::{
    error::Error,
    http::{Call, Http},
};

pub const EVENT: &str = "gala";

/// An event whose waiting room is open, and whose sale is far away.
pub async fn put_event(admin: &Http) -> Result<(), Error> {
    let queue = json!({"opens_at": "2020-01-01T00:00:00Z", "draw": true});
    let event =
        json!({"stocks": {"general": 1000}, "opens_at": "2099-01-01T00:00:00Z", "queue": queue});
    let call = Call::put(format!("/api/v1/admin/events/{EVENT}")).body(event).admin();
    admin.expect(201, &call).await.map(drop)
}
