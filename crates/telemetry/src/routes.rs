//! Handles to request metrics. One request costs a few additions to memory that belongs to its
//! thread.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::Method;

use crate::{Metrics, requests::RouteCounts};

/// Route label of requests that match no route.
pub const UNMATCHED_ROUTE: &str = "other";

/// The method as a label. Unknown methods share one label, so that callers cannot create labels.
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

/// The metrics of one route and method.
pub struct RouteHandles(Arc<RouteCounts>);

impl RouteHandles {
    /// Looks the metrics up.
    #[must_use]
    pub fn new(metrics: &Metrics, method: MethodLabel, route: &str) -> Self {
        Self(metrics.requests().of(method.as_str(), route))
    }

    /// The route's label.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.0.route
    }

    /// Records a response.
    pub fn observe(&self, status: u16, elapsed: Duration) {
        self.0.observe(status, elapsed);
    }
}

/// The handles of one route, by method. The first request of a method fills its entry.
#[derive(Default)]
pub struct RouteCache([OnceLock<RouteHandles>; MethodLabel::COUNT]);

impl RouteCache {
    /// The handles of `method` on `route`; `None` if the cache belongs to another route.
    pub fn get(
        &self,
        metrics: &Metrics,
        method: MethodLabel,
        route: &str,
    ) -> Option<&RouteHandles> {
        let handles =
            self.0[method as usize].get_or_init(|| RouteHandles::new(metrics, method, route));
        (handles.route() == route).then_some(handles)
    }

    /// The handles that [`RouteCache::get`] returned before.
    ///
    /// # Panics
    /// When `get` was never called for `method`.
    pub fn filled(&self, method: MethodLabel) -> &RouteHandles {
        self.0[method as usize].get().expect("filled when the request began")
    }
}
