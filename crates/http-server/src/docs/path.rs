//! The path of the document.

/// Path of the OpenAPI document; also in build.rs.
pub const OPENAPI_PATH: &str = "/openapi.json";
