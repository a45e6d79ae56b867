//! The input of the computation of a status.

use super::diagnosis::Diagnosis;
use crate::{
    api::TicketSystem,
    apply::{ChildFailure, FieldConflict, Hold, Pending},
    dereference::Live,
    kind::Component,
    queues::QueueReport,
    validate::{System, ValidationError},
};

/// The input of `compute_status`.
#[derive(Debug)]
pub struct StatusInput<'a> {
    pub system: &'a TicketSystem,
    /// The valid system, or the reason to reject the spec.
    pub validated: Result<&'a System, &'a ValidationError>,
    pub live: &'a Live,
    pub failures: &'a [ChildFailure],
    /// Children that another writer keeps changing.
    pub conflicts: &'a [FieldConflict],
    /// What would change if the system were not paused.
    pub drift: &'a [String],
    /// Children that keep their live state, and why.
    pub holds: &'a [Hold],
    /// The event that the remaining changes wait for.
    pub pending: Option<&'a Pending>,
    /// What was done and read about waiting rooms.
    pub queues: Option<&'a QueueReport>,
    pub diagnoses: &'a [(Component, Diagnosis)],
    /// Components whose pods count as ready and do not serve.
    pub not_serving: &'a [(Component, Diagnosis)],
}
