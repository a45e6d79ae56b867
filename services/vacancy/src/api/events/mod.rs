//! The calls that read events.

pub mod get;
pub mod list;

use http::HeaderValue;
use inventory_store::EventView;

/// The version of an event's settings and capacities, to be named in `If-Match`. Sales do not
/// change it.
pub(super) fn etag(settings_seq: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{settings_seq}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn etag_of(view: &EventView) -> HeaderValue {
    etag(view.event.settings_seq)
}
