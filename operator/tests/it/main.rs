//! Tests of the operator against a real kube-apiserver and etcd. The tests fail if those are not
//! available; they are never skipped. No other controller runs: a stub acts as the Deployment
//! controller, the kubelet and the garbage collector.

mod apiserver_restart;
mod autoscaling;
mod chart;
mod claims;
mod config;
mod create;
mod diff;
mod door;
mod drift;
mod election;
mod endpoints;
mod failures;
mod field_conflict;
mod held_back;
mod identity;
mod least_rights;
mod lost_volume;
mod many_systems;
mod mode_switch;
mod namespace_deletion;
mod namespaced_rights;
mod noop;
mod open_door;
mod owner_references;
mod ownership;
mod preflight;
mod queue_client;
mod queues;
mod readiness;
mod render;
mod render_door;
mod render_keys;
mod render_security;
mod render_tokens;
mod restart;
mod role_tokens;
mod rollback;
mod scopes;
mod secrets;
mod signing_keys;
mod support;
mod validation;
mod volume;
