//! CORS and compression, for the requests that ask for them.

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

use super::REQUEST_ID;
use crate::{middleware::CorsOrigins, problem};

/// Answers up to this size are not worth compressing, bytes.
const GZIP_MIN_BYTES: u64 = 1_000;

/// How long browsers may remember a preflight answer.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);

type Compressible = And<And<SizeAbove, NotForContentType>, NotForContentType>;

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
        // Problems stay plain: they are small, and the edge still adds the request id.
        let compressible = SizeAbove::new(GZIP_MIN_BYTES)
            .and(NotForContentType::const_new(problem::CONTENT_TYPE))
            .and(NotForContentType::IMAGES);
        let gzip =
            CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressible);
        Self { cors, gzip }
    }

    /// Answers `request` with `response`, in a form that its origin may read.
    pub fn answer(
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

    /// `response`, made in the place of a handler's, in a form that `origin` may read.
    pub fn readable(&self, response: Response, origin: HeaderValue) -> Response {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(header::ORIGIN, origin);
        match self.answer(response, request).now_or_never() {
            Some(Ok(response)) => response,
            None => unreachable!("nothing in it waits"),
        }
    }

    /// Hands `request` to `inner` through both.
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
