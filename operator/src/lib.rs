//! A Kubernetes operator that runs the ticket systems `TicketSystem` resources describe.
//!
//! A reconciliation is a pipeline with one module per step: [`dereference`] → [`validate`] →
//! [`build`] → [`apply`] → [`status`]. Only `dereference`, `apply` and `status` talk to the API
//! server. `validate` and `build` are pure functions: they decide the desired state.
//!
//! A module imports only modules above it in this list:
//!
//! | module | content |
//! |---|---|
//! | [`role`], [`signing_keys`], [`new_secrets`], [`kind`], [`labels`], [`ownership`], [`api`], [`settings`], [`quantity`] | vocabulary of all steps |
//! | [`references`], [`live`], [`claim_record`], [`dereference`], [`rollout`] | the live state |
//! | [`validate`], [`build`] | the desired state |
//! | [`apply`] | makes the live state match the desired state |
//! | [`queues`] | pauses, resumes and reads waiting rooms through the API of the system |
//! | [`status`] | computes and writes the status |
//! | [`observe`] | metrics, events, logs and liveness of the operator itself |
//! | [`controller`] | watches, leader election, and the pipeline for each resource |
//! | [`http`], [`commands`] | endpoints and subcommands |

pub mod api;
pub mod apply;
pub mod build;
pub mod claim_record;
pub mod commands;
pub mod controller;
pub mod dereference;
pub mod http;
mod http_client;
pub mod kind;
pub mod labels;
pub mod live;
pub mod new_secrets;
pub mod observe;
pub mod ownership;
pub mod quantity;
pub mod queues;
pub mod references;
pub mod role;
pub mod rollout;
pub mod settings;
pub mod signing_keys;
pub mod status;
pub mod validate;
