//! The CustomResourceDefinition.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use kube::CustomResourceExt;
use sha2::{Digest, Sha256};

use super::{GROUP, ticket_system::TicketSystem};

/// Annotation of the definition: the SHA-256 of its spec. The chart compares it, and updates the
/// definition only when it differs.
const SPEC_SHA256: &str = "spec-sha256";

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
        }
    }
    // Serializing it cannot fail: all keys are strings.
    let digest = Sha256::digest(serde_json::to_vec(&crd.spec).unwrap_or_default());
    let annotations = crd.metadata.annotations.get_or_insert_default();
    annotations.insert(format!("{GROUP}/{SPEC_SHA256}"), const_hex::encode(digest));
    crd
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
