//! Resolves the host of VACANCY_URL again and again, and tries endpoints that are left out.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    select,
    sync::watch::Sender,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{balancer::Balancer, resolver::Resolver};

/// The shortest time between two resolutions.
const RESOLVE_PAUSE_MIN: Duration = Duration::from_millis(100);

/// Watches until `balancer` is dropped. `known` becomes true when the first endpoints have been
/// resolved and tried.
pub async fn watch(
    balancer: Weak<Balancer>,
    resolver: Arc<dyn Resolver>,
    interval: Duration,
    known: Sender<bool>,
) {
    let mut resolved_at: Option<Instant> = None;
    loop {
        let Some(live) = balancer.upgrade() else { return };
        if resolved_at.is_none_or(|at| Instant::now() >= at + pause(&live, interval)) {
            live.begin_resolution();
            live.resolved(resolver.resolve().await);
            resolved_at = Some(Instant::now());
        }
        let mut checks = start_checks(&live);
        if !*known.borrow() {
            // The first calls must not find out themselves which addresses refuse connections.
            while checks.join_next().await.is_some() {}
            known.send_replace(true);
        }
        checks.detach_all();
        let due = resolved_at.unwrap_or_else(Instant::now) + pause(&live, interval);
        let next = next_check(&live).map_or(due, |check_at| check_at.min(due));
        let wake = live.wake();
        drop(live);
        select! {
            () = sleep_until(next) => {}
            () = wake.notified() => {}
        }
    }
}

/// Returns the time from one resolution to the next.
fn pause(balancer: &Balancer, interval: Duration) -> Duration {
    if balancer.is_resolution_asked() { RESOLVE_PAUSE_MIN.min(interval) } else { interval }
}

/// Tries the endpoints whose time has come. A single one is tried by the calls themselves.
fn start_checks(balancer: &Arc<Balancer>) -> JoinSet<()> {
    let mut checks = JoinSet::new();
    let endpoints = balancer.endpoints();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.claim_check()) {
        if endpoints.len() == 1 {
            endpoint.checked(true);
            continue;
        }
        let (balancer, endpoint) = (balancer.clone(), endpoint.clone());
        checks.spawn(async move { balancer.check(&endpoint).await });
    }
    checks
}

fn next_check(balancer: &Balancer) -> Option<Instant> {
    balancer.endpoints().iter().filter_map(|endpoint| endpoint.check_at()).min()
}
