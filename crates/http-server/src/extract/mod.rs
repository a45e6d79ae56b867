//! Extractors of handlers. They reject with problems.

mod admin;
mod body;
mod caller_deadline;
mod explain;
mod idempotency_key;
mod integral_number;
mod json;
mod members;
mod number_or_object;
mod path;
mod preconditions;
mod query;
mod strict_struct;

pub use admin::{Caller, RoleTokens, require_admin};
pub use body::read_body;
pub use caller_deadline::CallerDeadline;
pub use idempotency_key::IdempotencyKey;
pub use json::{JsonBody, JsonEntries, OptionalJson};
pub use number_or_object::number_or_object;
pub use path::PathParams;
pub use preconditions::{Preconditions, Unmet};
pub use query::QueryParams;
