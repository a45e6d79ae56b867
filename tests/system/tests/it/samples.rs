//! Values that fit the schemas of an OpenAPI document.

use serde_json::{Value, json};

/// A place of a waiting room.
const LEAF: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// A value of `schema` with all members.
pub fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(document, document.pointer(name.trim_start_matches('#')).unwrap());
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(of) = schema[choice].as_array() {
            let some = of.iter().find(|one| one["type"] != "null").unwrap();
            return sample(document, some);
        }
    }
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
    };
    if let Some(members) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "documented as strict: {schema}");
        let members = members.iter().map(|(name, of)| {
            let value = match name.as_str() {
                "leaf" => json!(LEAF),
                "leaves" => json!([LEAF]),
                _ => sample(document, of),
            };
            (name.clone(), value)
        });
        return Value::Object(members.collect());
    }
    if is("object") {
        return json!({"general": sample(document, &schema["additionalProperties"])});
    }
    if is("array") {
        return json!([sample(document, &schema["items"])]);
    }
    schema
        .get("example")
        .or_else(|| schema["enum"].get(0))
        .cloned()
        .or_else(|| is("boolean").then_some(json!(true)))
        .or_else(|| (schema["format"] == "uuid").then(|| json!(NO_ID)))
        .unwrap_or_else(|| if is("integer") { json!(1) } else { json!("a") })
}
