//! The operator against a real kube-apiserver and etcd. Where those cannot be had the tests fail;
//! they never pass by being skipped. No other controller runs: a stand-in for the kubelet and the
//! garbage collector plays their part.

mod adopt;
mod apiserver_restart;
mod chart;
mod config;
mod create;
mod diff;
mod drift;
mod election;
mod hidden;
mod least_rights;
mod mode;
mod noop;
mod readiness;
mod refusal;
mod render;
mod restart;
mod rights;
mod scale;
mod scaling;
mod scopes;
mod support;
mod volume;
