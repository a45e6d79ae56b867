//! The stock the default event is created with. It is used once, so it is pinned when it is first
//! applied: a later change has no effect, and must not start a rollout.

/// Annotation of the PersistentVolumeClaim with the initial stock of the event on the volume. It
/// outlives the resource.
pub const INITIAL_STOCK: &str = "ticket-system.io/initial-stock";

/// The stock in the spec, and the stock the event was created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialStock {
    pub requested: i64,
    pub effective: i64,
}
