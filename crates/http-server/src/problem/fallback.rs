//! Responses where no route matches.

use super::Problem;

/// The response where no route matches.
pub async fn not_found() -> Problem {
    Problem::not_found("No resource exists at this path.")
}

/// The response where the route does not support the method; axum adds `Allow`.
pub async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed("This path does not support the method; see the Allow header.")
}
