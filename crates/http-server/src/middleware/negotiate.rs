//! CORS and compression, for requests that ask for them.

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, response::Response};
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderName, HeaderValue, Method, Request, header};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{And, NotForContentType, Predicate, SizeAbove},
    },
    cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer},
};

use super::{CorsOrigins, REQUEST_ID};
use crate::problem;

/// Smallest response that is compressed, bytes.
const GZIP_MIN_BYTES: u64 = 1_000;

/// Time for which browsers may cache a preflight response.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);

type Compressible = And<
    And<
        And<And<And<SizeAbove, NotForContentType>, NotForContentType>, NotForContentType>,
        NotForContentType,
    >,
    WithoutTag,
>;

/// A strong ETag names the bytes of one response, so these are sent as they are.
#[derive(Debug, Clone, Copy)]
struct WithoutTag;

impl Predicate for WithoutTag {
    fn should_compress<B: http_body::Body>(&self, response: &Response<B>) -> bool {
        !response.headers().contains_key(header::ETAG)
    }
}

pub(super) struct Negotiation {
    cors: CorsLayer,
    gzip: CompressionLayer<Compressible>,
}

impl Negotiation {
    pub fn new(origins: &CorsOrigins) -> Self {
        let origins = match origins {
            CorsOrigins::Any => AllowOrigin::any(),
            CorsOrigins::List(list) => AllowOrigin::list(list.iter().cloned()),
        };
        let methods =
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
        let exposed: [HeaderName; 8] = [
            REQUEST_ID,
            header::LOCATION,
            header::ETAG,
            header::RETRY_AFTER,
            HeaderName::from_static("event-seq"),
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
            HeaderName::from_static("idempotency-key"),
        ];
        let cors = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(AllowMethods::list(methods))
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(exposed)
            .max_age(PREFLIGHT_MAX_AGE);
        // Problems stay plain: they are small, and the request id is added to their body later.
        let compressible = SizeAbove::new(GZIP_MIN_BYTES)
            .and(NotForContentType::const_new(problem::CONTENT_TYPE))
            .and(NotForContentType::IMAGES)
            // An encoder would hold lines of a stream back.
            .and(NotForContentType::SSE)
            .and(NotForContentType::const_new("application/x-ndjson"))
            .and(WithoutTag);
        let gzip =
            CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible);
        Self { cors, gzip }
    }

    /// Responds to `request` with `response`, in a form that its origin may read.
    pub fn respond(
        &self,
        response: Response,
        request: Request<Body>,
    ) -> BoxFuture<'static, Result<Response, Infallible>> {
        let mut response = Some(response);
        self.run(
            service_fn(move |_| std::future::ready(Ok(response.take().unwrap_or_default()))),
            request,
        )
    }

    /// `response`, which replaces that of a handler, in a form that `origin` may read.
    pub fn readable(&self, response: Response, origin: HeaderValue) -> Response {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(header::ORIGIN, origin);
        match self.respond(response, request).now_or_never() {
            Some(Ok(response)) => response,
            None => unreachable!("the service does not wait"),
        }
    }

    /// Passes `request` to `inner` through both.
    pub fn run<S>(
        &self,
        inner: S,
        request: Request<Body>,
    ) -> BoxFuture<'static, Result<Response, Infallible>>
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
    {
        let service = self.gzip.layer(self.cors.layer(inner));
        service
            .oneshot(request)
            .map(|answer| answer.map(|response| response.map(Body::new)))
            .boxed()
    }
}
