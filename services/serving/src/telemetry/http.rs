//! Request metrics whose per-request cost is a few atomic additions.

use std::{sync::OnceLock, time::Duration};

use http::Method;
use prometheus::{Histogram, IntCounter};

use super::Metrics;

/// Route label of requests that matched none.
pub const UNMATCHED_ROUTE: &str = "other";

/// The method as a label; unknown methods share one, so that callers cannot make labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodLabel {
    Get,
    Post,
    Put,
    Delete,
    Patch,
    Head,
    Options,
    Other,
}

impl MethodLabel {
    const COUNT: usize = 8;

    /// The label of `method`.
    #[must_use]
    pub fn of(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::DELETE => Self::Delete,
            Method::PATCH => Self::Patch,
            Method::HEAD => Self::Head,
            Method::OPTIONS => Self::Options,
            _ => Self::Other,
        }
    }

    /// The label's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "other"][self as usize]
    }
}

/// The statuses whose counters are kept at hand; others are looked up.
const STATUSES: [u16; 20] = [200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 425, 429, 499, 503];

/// The metrics of one route and method.
pub struct RouteHandles {
    route: Box<str>,
    duration: Histogram,
    counters: [OnceLock<IntCounter>; STATUSES.len()],
}

impl RouteHandles {
    /// Looks the metrics up.
    #[must_use]
    pub fn new(metrics: &Metrics, method: MethodLabel, route: &str) -> Self {
        Self { route: route.into(), duration: metrics.duration(method.as_str(), route), counters: Default::default() }
    }

    /// The route's label.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Records an answer.
    pub fn observe(&self, metrics: &Metrics, method: MethodLabel, status: u16, elapsed: Duration) {
        self.duration.observe(elapsed.as_secs_f64());
        let look_up = || metrics.requests(method.as_str(), &self.route, status);
        match STATUSES.iter().position(|known| *known == status) {
            Some(index) => self.counters[index].get_or_init(look_up).inc(),
            None => look_up().inc(),
        }
    }
}

/// The handles of one route, per method, filled at the first request.
#[derive(Default)]
pub struct RouteCache([OnceLock<RouteHandles>; MethodLabel::COUNT]);

impl RouteCache {
    /// The handles for `method` on `route`; `None` if the cache was filled for another route.
    pub fn get(&self, metrics: &Metrics, method: MethodLabel, route: &str) -> Option<&RouteHandles> {
        let handles = self.0[method as usize].get_or_init(|| RouteHandles::new(metrics, method, route));
        (handles.route() == route).then_some(handles)
    }

    /// The handles that [`RouteCache::get`] returned before.
    ///
    /// # Panics
    /// When `get` was never called for `method`.
    pub(crate) fn filled(&self, method: MethodLabel) -> &RouteHandles {
        self.0[method as usize].get().expect("filled when the request began")
    }
}
