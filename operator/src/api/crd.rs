//! The CustomResourceDefinition.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use sha2::{Digest, Sha256};

use super::{GROUP, ticket_system::TicketSystem};

/// Annotation of the definition: the SHA-256 of its spec. The chart compares it, and updates the
/// definition only when it differs.
const SPEC_SHA256: &str = "spec-sha256";

/// The syntax of quantities, as the API server checks it in built-in kinds.
const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// The CustomResourceDefinition that `operator crd` prints.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = TicketSystem::crd();
    for version in &mut crd.spec.versions {
        let spec = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
            .and_then(|schema| property(schema, "spec"));
        if let Some(spec) = spec {
            // The derive marks every int-or-string as nullable. These two have a default instead,
            // so that an explicit null means the default.
            not_nullable(spec, &["storage", "embedded", "size"]);
            not_nullable(spec, &["podDisruptionBudget", "maxUnavailable"]);
            check_quantities(spec);
        }
    }
    // Serializing it cannot fail: all keys are strings.
    let digest = Sha256::digest(serde_json::to_vec(&crd.spec).unwrap_or_default());
    let annotations = crd.metadata.annotations.get_or_insert_default();
    annotations.insert(format!("{GROUP}/{SPEC_SHA256}"), const_hex::encode(digest));
    crd
}

/// Adds the syntax of quantities to every field that is one. The only other int-or-string of the
/// spec is a number of pods, which has its own rule.
fn check_quantities(schema: &mut JSONSchemaProps) {
    if schema.x_kubernetes_int_or_string == Some(true)
        && schema.x_kubernetes_validations.as_ref().is_none_or(Vec::is_empty)
    {
        schema.pattern = Some(QUANTITY.to_owned());
        return;
    }
    let properties = schema.properties.iter_mut().flat_map(|properties| properties.values_mut());
    properties.for_each(check_quantities);
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        check_quantities(values);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => check_quantities(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => {
            items.iter_mut().for_each(check_quantities);
        }
        None => {}
    }
}

fn property<'a>(schema: &'a mut JSONSchemaProps, name: &str) -> Option<&'a mut JSONSchemaProps> {
    schema.properties.as_mut()?.get_mut(name)
}

fn not_nullable(schema: &mut JSONSchemaProps, path: &[&str]) {
    match path {
        [] => schema.nullable = None,
        [first, rest @ ..] => {
            if let Some(schema) = property(schema, first) {
                not_nullable(schema, rest);
            }
        }
    }
}
