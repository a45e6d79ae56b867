//! A Kubernetes operator for ticket systems.
//!
//! A reconciliation is a pipeline, `dereference → validate → build → apply → status`, a module
//! each. Only the first and the last two talk to the API server; what a system should look like is
//! decided by pure functions in between.

pub mod api;
pub mod apply;
pub mod build;
pub mod commands;
pub mod controller;
pub mod dereference;
pub mod http;
pub mod kind;
pub mod observe;
pub mod ownership;
pub mod settings;
pub mod status;
pub mod validate;
