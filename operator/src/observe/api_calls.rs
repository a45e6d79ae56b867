//! Counts the requests to the API server, and records when watches start.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use tower::{Layer, Service};

use super::{metrics::Metrics, progress::Progress};

/// A layer that counts the requests of a client.
#[derive(Clone)]
pub struct ApiCalls {
    pub metrics: Arc<Metrics>,
    pub progress: Arc<Progress>,
}

impl<S> Layer<S> for ApiCalls {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, calls: self.clone() }
    }
}

/// The service of [`ApiCalls`].
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    calls: ApiCalls,
}

impl<S, B, R> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let call = Call::of(
            request.method(),
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
        );
        if matches!(call.verb, "list" | "watch") {
            self.calls.progress.watch_started(request.uri().path(), Instant::now());
        }
        let metrics = Arc::clone(&self.calls.metrics);
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await;
            let code = response.as_ref().map_or("none", |response| class(response.status()));
            metrics.api_request(call.verb, &call.resource, code);
            response
        })
    }
}

/// Verb and resource of a request, as Kubernetes authorizes it.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    verb: &'static str,
    /// Plural, with the subresource if there is one. `other` for paths outside the API groups, to
    /// limit the number of label values.
    resource: String,
}

impl Call {
    fn of(method: &Method, path: &str, query: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let skipped = match segments.next() {
            Some("api") => 1,
            Some("apis") => 2,
            _ => return Self { verb: verb(method, true, query), resource: "other".to_owned() },
        };
        let mut rest: Vec<&str> = segments.skip(skipped).collect();
        if rest.first() == Some(&"namespaces") && rest.len() > 2 {
            rest.drain(..2);
        }
        let named = rest.len() > 1;
        let resource = match rest.as_slice() {
            [] => "discovery".to_owned(),
            [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
            [resource, ..] => (*resource).to_owned(),
        };
        Self { verb: verb(method, named, query), resource }
    }
}

fn verb(method: &Method, named: bool, query: &str) -> &'static str {
    match *method {
        Method::GET if query.split('&').any(|pair| pair == "watch=true") => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

fn class(status: http::StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "2xx",
        404 => "404",
        409 => "409",
        429 => "429",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_map_to_verbs_and_resources() {
        let cases = [
            (Method::GET, "/api/v1/namespaces/shop/secrets/a", "", "get", "secrets"),
            (
                Method::GET,
                "/api/v1/configmaps",
                "labelSelector=a&watch=true",
                "watch",
                "configmaps",
            ),
            (Method::GET, "/apis/apps/v1/deployments", "limit=500", "list", "deployments"),
            (Method::GET, "/apis/apps/v1/namespaces/shop/deployments", "", "list", "deployments"),
            (
                Method::PATCH,
                "/apis/ticket-system.io/v1alpha1/namespaces/shop/ticketsystems/a/status",
                "",
                "patch",
                "ticketsystems/status",
            ),
            (
                Method::PUT,
                "/apis/coordination.k8s.io/v1/namespaces/shop/leases/a",
                "",
                "update",
                "leases",
            ),
            (Method::GET, "/apis/monitoring.coreos.com/v1", "", "list", "discovery"),
            (Method::GET, "/version", "", "get", "other"),
        ];
        for (method, path, query, verb, resource) in cases {
            assert_eq!(
                Call::of(&method, path, query),
                Call { verb, resource: resource.to_owned() },
                "{method} {path}"
            );
        }
    }
}
