//! Probes and the preStop pause.

use k8s_openapi::{
    api::core::v1::{HTTPGetAction, Lifecycle, LifecycleHandler, Probe, SleepAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::pod::PORT_NAME;
use crate::{kind::Component, validate::Workload};

fn get(path: &str) -> Option<HTTPGetAction> {
    Some(HTTPGetAction {
        path: Some(path.to_owned()),
        port: IntOrString::String(PORT_NAME.to_owned()),
        ..Default::default()
    })
}

fn probe(path: &str, period_s: i32, timeout_s: i32, failures: i32) -> Probe {
    Probe {
        http_get: get(path),
        period_seconds: Some(period_s),
        timeout_seconds: Some(timeout_s),
        failure_threshold: Some(failures),
        ..Default::default()
    }
}

/// Two minutes to recover the store; asked every second so that a quick start is seen at once.
pub fn startup() -> Probe {
    probe("/livez", 1, 2, 120)
}

pub fn liveness() -> Probe {
    probe("/livez", 10, 3, 3)
}

/// Ticket reports vacancy's absence in /ready. A hand-over of vacancy takes some seconds: for
/// thirty of them ticket stays in its Service and answers 503 with Retry-After itself, which
/// clients can act on; a refused connection they cannot.
pub fn readiness(component: Component) -> Probe {
    match component {
        Component::Ticket => probe("/ready", 3, 2, 10),
        Component::Vacancy | Component::Monolith => probe("/ready", 2, 2, 2),
    }
}

/// Seconds to keep serving before SIGTERM, while endpoints are withdrawn everywhere. The one writer
/// of a volume has no successor to hand traffic to until it is gone, so it hardly waits.
pub fn pre_stop_s(workload: &Workload) -> i64 {
    if workload.holds_volume { 1 } else { 5 }
}

pub fn lifecycle(workload: &Workload) -> Lifecycle {
    let sleep = SleepAction { seconds: pre_stop_s(workload) };
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep: Some(sleep), ..Default::default() }),
        ..Default::default()
    }
}
