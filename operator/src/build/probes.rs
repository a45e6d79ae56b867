//! Probes and the preStop sleep.

use k8s_openapi::{
    api::core::v1::{HTTPGetAction, Lifecycle, LifecycleHandler, Probe, SleepAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    kind::{Component, PORT_NAME},
    validate::Workload,
};

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

/// Allows 2 minutes to recover the store, and checks every second to notice a quick start.
pub fn startup() -> Probe {
    probe("/livez", 1, 2, 120)
}

/// Restarts the container after 3 failures, 10 s apart.
pub fn liveness() -> Probe {
    probe("/livez", 10, 3, 3)
}

/// Ticket's `/ready` fails while vacancy is unavailable, and replacing a vacancy pod takes some
/// seconds. Ticket therefore stays in its Service for 30 s and answers 503 with Retry-After:
/// clients can handle that, but not a refused connection.
pub fn readiness(component: Component) -> Probe {
    match component {
        Component::Ticket => probe("/ready", 3, 2, 10),
        Component::Vacancy | Component::Monolith => probe("/ready", 2, 2, 2),
    }
}

/// Seconds to keep serving before SIGTERM, while endpoints are withdrawn. The single writer of a
/// volume cannot have a successor before it is gone, so it waits only 1 s.
pub fn pre_stop_s(workload: &Workload) -> i64 {
    if workload.holds_volume { 1 } else { 5 }
}

/// The preStop sleep of the container.
pub fn lifecycle(workload: &Workload) -> Lifecycle {
    let sleep = SleepAction { seconds: pre_stop_s(workload) };
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep: Some(sleep), ..Default::default() }),
        ..Default::default()
    }
}
