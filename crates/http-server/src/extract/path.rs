//! Path parameters.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Path parameters. Rejects with 404: a value that does not parse cannot exist.
#[derive(Debug, Clone)]
pub struct PathParams<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(params)) => Ok(Self(params)),
            Err(rejection) if rejection.status().is_client_error() => {
                Err(Problem::not_found("No resource exists with this name."))
            }
            Err(rejection) => {
                tracing::error!(error = %rejection, "path parameters of a handler do not match its route");
                Err(Problem::internal("The request could not be handled."))
            }
        }
    }
}
