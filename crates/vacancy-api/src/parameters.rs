//! Headers that several calls document alike. [`complete`](crate::complete) adds their form.

use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

/// `Idempotency-Key`.
pub struct KeyParam;

/// `Event-Seq` of a read.
pub struct EventSeqParam;

/// `X-Request-Timeout-Ms`.
pub struct TimeoutParam;

impl IntoParams for KeyParam {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header("Idempotency-Key", "Makes a retry safe")]
    }
}

impl IntoParams for EventSeqParam {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `Event-Seq` of an answer that the caller got. The response includes it, and \
                           is never older.";
        vec![header("Event-Seq", description)]
    }
}

impl IntoParams for TimeoutParam {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "Milliseconds that the caller waits. The service drops the request after this time.";
        vec![header("X-Request-Timeout-Ms", description)]
    }
}

fn header(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .build()
}
