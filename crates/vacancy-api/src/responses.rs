//! Failures that several calls document alike.

use std::collections::BTreeMap;

use http_server::problem;
use utoipa::{
    IntoResponses,
    openapi::{
        ContentBuilder, Header, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder,
        schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
    },
};

type Responses = BTreeMap<String, RefOr<Response>>;

/// Sets of responses with their statuses and descriptions.
macro_rules! sets {
    ($($(#[$doc:meta])* $name:ident: $kind:ident [$($response:expr),* $(,)?];)*) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> Responses {
                    $kind([$($response),*])
                }
            }
        )*
    };
}

sets! {
    /// Failures that a body can cause before it is read.
    BodyErrors: problems [
        ("408", "The body did not arrive in time"),
        ("413", "The body is too large"),
        ("415", "The body is not application/json"),
    ];

    /// Failures of a call with a body and an Idempotency-Key.
    KeyErrors: problems [
        ("400", "The body is not JSON, or the key is malformed"),
        ("422", "A field is invalid, or the key was used for another request"),
    ];

    /// Failures of a call without the admin token.
    AdminErrors: problems [
        ("401", "The token is missing"),
        ("403", "The token is wrong, or admin calls are disabled"),
    ];

    /// Failures of a call without the seller's token, if it needs one.
    SellerErrors: problems [
        ("401", "The call needs the seller's token, and has none"),
        ("403", "The call needs the seller's token or the pass of a waiting room, and has another one"),
    ];

    /// Failures of a call without the pass of the event's waiting room.
    PassErrors: refusals [
        ("403", "The event has a waiting room, and the pass is missing, was used or has expired"),
    ];

    /// The service cannot decide now.
    Unavailable: problems [("503", "Try again later")];

    /// The hold in the path does not exist.
    HoldNotFound: problems [("404", "The hold does not exist")];

    /// The event in the path does not exist.
    EventNotFound: problems [("404", "The event does not exist")];

    /// The event in the path does not exist, or has no waiting room.
    QueueNotFound: problems [("404", "The event does not exist, or has no waiting room")];

    /// The place is of no use.
    PlaceErrors: problems [("401", "The place is missing, or is none of this waiting room")];

    /// The sale has closed.
    SaleClosed: refusals [("410", "The sale has closed")];

    /// A parameter of the query is invalid.
    InvalidParameter: problems [("422", "A parameter is invalid")];

    /// The receiver in the path does not exist.
    WebhookNotFound: problems [("404", "The webhook does not exist")];

    /// The name in the path cannot be that of a receiver.
    InvalidName: problems [("404", "The name is not valid")];

    /// The record that a read must include does not exist.
    BeyondLedger: problems [("422", "Event-Seq is after the end of the event's ledger")];
}

/// The sale has not opened.
pub struct NotOpenYet;

impl IntoResponses for NotOpenYet {
    fn responses() -> Responses {
        too_early()
    }
}

/// Refusals of a sale at once.
pub struct SaleRefusals;

impl IntoResponses for SaleRefusals {
    fn responses() -> Responses {
        let mut all = refusals([
            ("409", "The limit per customer is reached"),
            ("410", "The sale has closed"),
        ]);
        all.extend(too_early());
        all.extend(problems([("404", "Event `default` or its stock `general` does not exist")]));
        all
    }
}

/// Responses with a problem as their body.
fn problems<const N: usize>(all: [(&str, &str); N]) -> Responses {
    all.map(|(status, description)| (status.to_owned(), problem(description).build().into())).into()
}

/// Refusals of the engine: problems with the header `Event-Seq`.
fn refusals<const N: usize>(all: [(&str, &str); N]) -> Responses {
    let with_seq = |description| problem(description).header("Event-Seq", seq_header());
    all.map(|(status, description)| (status.to_owned(), with_seq(description).build().into()))
        .into()
}

fn seq_header() -> Header {
    let seq = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0_u32))
        .build();
    HeaderBuilder::new()
        .schema(Some(seq))
        .description(Some("The seq at which it was refused"))
        .build()
}

/// The one refusal that ends at a known time.
fn too_early() -> Responses {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1_u32)).build();
    let wait = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("Seconds until the sale opens, at most one day"))
        .build();
    let with_wait = problem("The sale has not opened").header("Event-Seq", seq_header());
    [("425".to_owned(), with_wait.header("Retry-After", wait).build().into())].into()
}

fn problem(description: &str) -> ResponseBuilder {
    let schema = Ref::from_schema_name("ProblemDetails");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(problem::CONTENT_TYPE, content)
}
