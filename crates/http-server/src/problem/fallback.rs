use super::Problem;

/// The answer where no route matches.
pub async fn not_found() -> Problem {
    Problem::not_found("There is nothing at this path.")
}

/// The answer where the route does not know the method; axum adds `Allow`.
pub async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed("This path does not support the method; see the Allow header.")
}
