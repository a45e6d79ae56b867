//! The API's documentation, served from the binary: nothing is loaded from anywhere else, which the
//! pages' content security policy also enforces.

mod asset;
mod redoc;
mod swagger;

use std::sync::Arc;

use axum::{Router, routing::get};
use http::HeaderMap;
use utoipa::openapi::OpenApi;

use asset::Asset;

/// Where the OpenAPI document is served.
pub const OPENAPI_PATH: &str = "/openapi.json";

/// `/openapi.json`, Swagger UI on `/docs` and Redoc on `/redoc`.
pub fn routes(openapi: &OpenApi) -> Router {
    let document = openapi.clone();
    let document = Asset::lazy("application/json", None, move || serde_json::to_vec(&document).unwrap_or_default());
    Router::new().route(OPENAPI_PATH, serving(document)).merge(redoc::routes(&openapi.info.title)).merge(swagger::routes())
}

fn serving(asset: Arc<Asset>) -> axum::routing::MethodRouter {
    get(move |headers: HeaderMap| async move { asset.answer(&headers) })
}
