//! The OpenAPI document: its head, the parts that all calls share, and the configured limits.

use http_server::problem;
use inventory::{CustomerId, Limits, StockName};
use serde_json::{Map, Value, json};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::text;

/// The meaning of a key.
const KEY_RULE: &str = "Makes a retry safe: a repeated request with the same key has no second effect and gets the same response, for \
                        IDEMPOTENCY_TTL_S. A key belongs to its call and its caller: the `customer` of a sale or a new hold (calls without a \
                        customer share one scope), the hold, or the administrator. Within its scope a key with another request is 422 \
                        `idempotency_key_reused`. Refusals are not stored.";

/// The configured limits that the document shows.
#[derive(Debug, Clone)]
pub struct DocumentLimits {
    /// Limits of the engine.
    pub engine: Limits,
    /// Most entries of one page.
    pub page_max: usize,
    /// Most reservations of one batch.
    pub reserve_batch_max: usize,
}

/// The head of a document: title, version, and the security scheme of admin calls.
#[must_use]
pub fn document(title: &str, description: &str) -> OpenApi {
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .contact(Some(ContactBuilder::new().name(Some("ticket-system")).build()))
        .build();
    let bearer = |setting: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        SecurityScheme::Http(scheme.description(Some(setting)).build())
    };
    let components = ComponentsBuilder::new()
        .security_scheme("admin", bearer("ADMIN_TOKEN"))
        .security_scheme("seller", bearer("SELLER_TOKEN"))
        .build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// `openapi` with the responses that every call may have, the form of headers, and the configured
/// limits.
///
/// # Panics
/// Never: a document is JSON, and stays one.
#[must_use]
pub fn complete(openapi: &OpenApi, limits: &DocumentLimits) -> OpenApi {
    let Ok(mut document) = serde_json::to_value(openapi) else {
        unreachable!("a document is JSON")
    };
    unsign(&mut document);
    for batch in ["reserve", "internal"] {
        let at = format!(
            "/paths/~1api~1v1~1{batch}~1batch/post/requestBody/content/application~1json/schema"
        );
        if let Some(Value::Object(batch)) = document.pointer_mut(&at) {
            batch.extend([
                ("minItems".to_owned(), json!(1)),
                ("maxItems".to_owned(), json!(limits.reserve_batch_max)),
            ]);
        }
    }
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let mut operations: Vec<_> =
        paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut).collect();
    let known: Vec<_> = operations
        .iter()
        .filter_map(|operation| operation["operationId"].as_str().map(str::to_owned))
        .collect();
    for operation in &mut operations {
        add_answers(operation);
        add_links(operation, &known);
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            describe(parameter, limits);
        }
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        bound(schemas, limits);
    }
    match serde_json::from_value(document) {
        Ok(complete) => complete,
        Err(error) => unreachable!("it is still a document: {error}"),
    }
}

/// Adds the responses of the server's limits, which no handler sends.
fn add_answers(operation: &mut Value) {
    let text =
        |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let seconds = json!({"description": "Seconds to wait before trying again", "schema": {"type": "integer", "minimum": 0}});
    let quota = json!({
        "RateLimit": text("What is left of the client's quota (draft-ietf-httpapi-ratelimit-headers)"),
        "RateLimit-Policy": text("The quota of every client"),
        "Retry-After": seconds,
    });
    let in_head = |parameter: &Value| parameter["in"] == "header";
    if operation["parameters"].as_array().is_some_and(|parameters| parameters.iter().any(in_head)) {
        add_answer(operation, "400", "A header is malformed", &json!({}));
    }
    let answers = [
        ("413", "The body is too large", json!({})),
        ("429", "The client is over its quota; nothing was done", quota),
        ("431", "The request's head is too large", json!({})),
        ("503", "Try again later", json!({"Retry-After": seconds})),
    ];
    for (status, description, headers) in answers {
        add_answer(operation, status, description, &headers);
    }
}

fn add_answer(operation: &mut Value, status: &str, description: &str, headers: &Value) {
    let answer = &mut operation["responses"][status];
    if answer.is_null() {
        *answer = json!({"description": description,
            "content": {problem::CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}});
    }
    for (name, header) in headers.as_object().into_iter().flatten() {
        answer["headers"][name] = header.clone();
    }
}

/// Adds links from the ids in a response to the calls that take them.
fn add_links(operation: &mut Value, known: &[String]) {
    let hold = |operation: &'static str| (operation, "id", "$response.body#/id");
    let sale = [("refund_reservation", "id", "$response.body#/reservation_id")];
    let event = |operation: &'static str| (operation, "event", "$response.body#/event");
    let links: &[(&str, &[_])] = match operation["operationId"].as_str() {
        Some("create_hold") => &[(
            "201",
            &[
                hold("get_hold"),
                hold("extend_hold"),
                hold("start_payment"),
                hold("confirm_hold"),
                hold("release_hold"),
            ],
        )],
        Some("confirm_hold") => &[("200", &[hold("get_hold"), hold("refund_reservation")])],
        Some("reserve" | "purchase") => &[("200", &sale)],
        Some("put_event") => &[
            ("200", &[event("get_event"), event("list_sales")]),
            ("201", &[event("get_event"), event("list_sales")]),
        ],
        _ => &[],
    };
    for (status, targets) in links {
        // ticket's document has none of vacancy's calls.
        for (target, parameter, value) in
            targets.iter().filter(|target| known.iter().any(|known| known == target.0))
        {
            operation["responses"][status]["links"][target] =
                json!({"operationId": target, "parameters": {*parameter: value}});
        }
    }
}

/// Removes the format `int64`: numbers are unsigned and may have 64 bits.
fn unsign(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("format") == Some(&json!("int64")) {
                members.remove("format");
            }
            members.values_mut().for_each(unsign);
        }
        Value::Array(items) => items.iter_mut().for_each(unsign),
        _ => {}
    }
}

/// Sets the form of parameters that several calls have. A parameter is present or absent, never
/// null.
fn describe(parameter: &mut Value, limits: &DocumentLimits) {
    if parameter["name"] == "Idempotency-Key" {
        parameter["description"] = json!(KEY_RULE);
    }
    let schema = match parameter["name"].as_str() {
        Some("Idempotency-Key") => {
            json!({"type": "string", "pattern": r#"^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-~]([ -~]{0,253}[!-~])?)$"#})
        }
        Some("X-Request-Timeout-Ms" | "Event-Seq") => {
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})
        }
        // Without a waiting room a pass is not looked at.
        Some("Queue-Pass") => json!({"type": "string"}),
        Some("If-Match" | "If-None-Match") => {
            json!({"type": "string", "pattern": r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#})
        }
        Some("after") if parameter["schema"].get("pattern").is_none() => {
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})
        }
        Some("customer" | "payment_ref") => {
            json!({"type": "string", "minLength": 1, "maxLength": CustomerId::LEN_MAX, "pattern": text::PATTERN})
        }
        Some("limit") => json!({"type": "integer", "minimum": 1, "maximum": limits.page_max}),
        _ => {
            let mut schema = parameter["schema"].take();
            if let Some(kinds) = schema["type"].as_array() {
                schema["type"] =
                    kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
            }
            schema
        }
    };
    parameter["schema"] = schema;
}

/// Sets the bounds of requests. Responses have none: they may be older than the limits.
fn bound(schemas: &mut Value, limits: &DocumentLimits) {
    let limits = &limits.engine;
    let ttl_max_s = limits.hold_ttl_max_ms / 1_000;
    let name = json!({"type": "string", "maxLength": StockName::LEN_MAX, "pattern": "^[a-z0-9][a-z0-9_.-]*$"});
    let bounds = [
        ("/ReserveBody/properties/qty", "maximum", json!(limits.qty_max)),
        ("/BatchItem/properties/qty", "maximum", json!(limits.qty_max)),
        ("/BatchItem/properties/timeout_ms", "maximum", json!(u64::MAX)),
        ("/ItemRequest/properties/qty", "maximum", json!(limits.qty_max)),
        ("/CreateHoldBody/properties/items", "maxItems", json!(limits.items_max)),
        ("/RefundBody/properties/items", "maxItems", json!(limits.items_max)),
        ("/CreateHoldBody/properties/ttl_s", "maximum", json!(ttl_max_s)),
        ("/ExtendBody/properties/ttl_s", "maximum", json!(ttl_max_s)),
        ("/PutEventBody/properties/hold_ttl_s", "maximum", json!(ttl_max_s)),
        ("/PutEventBody/properties/offer_ttl_s", "maximum", json!(ttl_max_s)),
        ("/QueueSettings/properties/active_max", "maximum", json!(limits.capacity_max)),
        ("/QueueSettings/properties/claim_ttl_s", "maximum", json!(ttl_max_s)),
        ("/QueueSettings/properties/pass_ttl_s", "maximum", json!(ttl_max_s)),
        ("/JoinWaitlistBody/properties/items", "maxItems", json!(limits.items_max)),
        ("/JoinWaitlistBody/properties/customer", "pattern", json!(text::PATTERN)),
        ("/PutEventBody/properties/limit_per_customer", "maximum", json!(limits.capacity_max)),
        ("/ReserveBody/properties/customer", "pattern", json!(text::PATTERN)),
        ("/BatchItem/properties/customer", "pattern", json!(text::PATTERN)),
        ("/BatchEntry/properties/qty", "maximum", json!(limits.qty_max)),
        ("/BatchEntry/properties/timeout_ms", "maximum", json!(u64::MAX)),
        ("/BatchEntry/properties/items", "maxItems", json!(limits.items_max)),
        ("/BatchEntry/properties/ttl_s", "maximum", json!(ttl_max_s)),
        ("/BatchEntry/properties/customer", "pattern", json!(text::PATTERN)),
        ("/BatchEntry/properties/payment_ref", "pattern", json!(text::PATTERN)),
        ("/CreateHoldBody/properties/customer", "pattern", json!(text::PATTERN)),
        ("/ConfirmBody/properties/payment_ref", "pattern", json!(text::PATTERN)),
        ("/PaymentBody/properties/ref", "pattern", json!(text::PATTERN)),
        ("/PutEventBody/properties/stocks", "minProperties", json!(1)),
        ("/PutEventBody/properties/stocks", "propertyNames", name),
        ("/PutEventBody/properties/stocks", "maxProperties", json!(limits.stocks_max)),
        ("/StockSettings/oneOf/1", "maximum", json!(limits.capacity_max)),
        ("/PricedStock/properties/capacity", "maximum", json!(limits.capacity_max)),
        ("/ReplayBody/properties/after", "maximum", json!(u64::MAX)),
    ];
    for (at, keyword, bound) in bounds {
        if let Some(Value::Object(schema)) = schemas.pointer_mut(at) {
            schema.insert(keyword.to_owned(), bound);
        }
    }
}
