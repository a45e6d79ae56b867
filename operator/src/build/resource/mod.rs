//! The children, one file per kind.

pub mod autoscaler;
pub mod claim;
pub mod config_map;
pub mod deployment;
pub mod disruption_budget;
pub mod ingress;
pub mod network_policy;
pub mod role_token;
pub mod service;
pub mod service_account;
pub mod service_monitor;
pub mod signing_keys;
