//! Replicas of vacancy on a real PostgreSQL.

mod buyers;
mod failures;
mod refused;
mod sales;
pub mod support;
