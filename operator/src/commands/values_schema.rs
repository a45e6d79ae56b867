//! The JSON Schema of a resource's spec, for the values of the Helm chart.

use serde_json::{Map, Value, json};

use crate::api::crd;

/// Keyword of an object that keeps fields which its schema does not list.
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

/// Why the schema of the values cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the schema of the values is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the schema of the values does not describe ticketSystem.spec")]
    NoSpec,
}

/// `values`, the text of a `values.schema.json`, with the schema of `ticketSystem.spec` replaced by
/// that of the resource. Rules across fields are left to the API server.
///
/// # Errors
/// [`SchemaError`].
pub fn render(values: &str) -> Result<String, SchemaError> {
    let mut values: Value = serde_json::from_str(values)?;
    let place = values
        .pointer_mut("/properties/ticketSystem/properties/spec")
        .ok_or(SchemaError::NoSpec)?;
    *place = spec()?;
    Ok(serde_json::to_string_pretty(&values)? + "\n")
}

fn spec() -> Result<Value, SchemaError> {
    let definition = serde_json::to_value(crd())?;
    let spec = definition
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
        .ok_or(SchemaError::NoSpec)?;
    Ok(converted(spec))
}

/// The schema in the dialect that Helm reads: JSON Schema without Kubernetes' keywords. Objects
/// accept no unknown fields, so that a misspelt one is refused.
fn converted(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else { return schema.clone() };
    let is = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    let mut result = Map::new();
    for (keyword, value) in schema {
        let value = match keyword.as_str() {
            "properties" => each(value),
            "items" | "not" | "additionalProperties" => converted(value),
            "allOf" | "anyOf" | "oneOf" => all(value),
            // Helm knows none of Kubernetes' formats, such as int32.
            "nullable" | "format" | "default" => continue,
            keyword if keyword.starts_with("x-kubernetes-") => continue,
            _ => value.clone(),
        };
        result.insert(keyword.clone(), value);
    }
    if is(INT_OR_STRING) {
        result.insert("type".into(), json!(["integer", "string"]));
    }
    if schema.contains_key("properties") && !is(PRESERVE) {
        result.insert("additionalProperties".into(), false.into());
    }
    if is("nullable") {
        allow_null(&mut result);
    }
    Value::Object(result)
}

fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(kind) => *kind = json!([kind.clone(), "null"]),
        None => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}

fn each(properties: &Value) -> Value {
    let properties = properties.as_object().into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), converted(schema))).collect()
}

fn all(schemas: &Value) -> Value {
    schemas.as_array().into_iter().flatten().map(converted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_of_kubernetes_become_json_schema() {
        let schema = json!({"type": "object", "nullable": true, "properties": {
            "size": {"x-kubernetes-int-or-string": true, "format": "int32"},
            "any": {"type": "object", "properties": {}, PRESERVE: true},
            "map": {"type": "object", "additionalProperties": {"type": "string", "nullable": true}},
            "kind": {"type": "string", "enum": ["a"], "nullable": true}}});
        let expected = json!({"type": ["object", "null"], "additionalProperties": false,
            "properties": {
                "size": {"type": ["integer", "string"]},
                "any": {"type": "object", "properties": {}},
                "map": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
                "kind": {"type": ["string", "null"], "enum": ["a", null]}}});
        assert_eq!(converted(&schema), expected);
    }

    #[test]
    fn schema_without_a_place_for_the_spec_is_refused() {
        assert!(matches!(render("{}"), Err(SchemaError::NoSpec)));
        assert!(matches!(render("{"), Err(SchemaError::Json(_))));
    }
}
