//! Replicas of vacancy on a real PostgreSQL.

mod buyers;
mod failures;
mod sales;
mod support;
