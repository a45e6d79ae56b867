//! What people do, and what they remember of it.

mod calls;
mod notes;
mod visit;

pub use calls::leaf_of;
pub use notes::{Joined, Notes};
use parking_lot::Mutex;
use tokio::sync::watch;
pub use visit::visit;

use crate::{
    http::Http,
    stream::{Timeline, View},
};

/// People who look at one stream.
pub const GROUP: usize = 500;

/// What all people share.
pub struct Market {
    pub http: Http,
    pub event: String,
    /// The id of the waiting room.
    pub queue: u64,
    pub opens_at: tokio::time::Instant,
    pub views: Vec<watch::Receiver<View>>,
    pub timeline: Timeline,
    pub notes: Mutex<Notes>,
}
