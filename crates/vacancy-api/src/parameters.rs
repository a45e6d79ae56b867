//! Parameters that several calls document alike. [`complete`](crate::complete) adds their form.

use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

/// The event in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EventParam {
    /// The event
    #[param(min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub event: String,
}

/// The hold in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct HoldParam {
    /// The hold
    #[param(format = Uuid)]
    pub id: String,
}

/// The receiver in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WebhookParam {
    /// The receiver
    #[param(min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub webhook: String,
}

/// `If-Match` and `If-None-Match` of a call that goes by the ETag of a representation.
pub struct ConditionParams;

/// `Idempotency-Key`.
pub struct KeyParam;

/// `Event-Seq` of a read.
pub struct EventSeqParam;

/// `Queue-Pass` of a hold or purchase.
pub struct PassParam;

/// `X-Request-Timeout-Ms`.
pub struct TimeoutParam;

impl IntoParams for ConditionParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            header("If-Match", "Only if one of these ETags is current"),
            header("If-None-Match", "Only if none of these ETags is current"),
        ]
    }
}

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

impl IntoParams for PassParam {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header("Queue-Pass", "The pass of a place; required by events with a waiting room")]
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
