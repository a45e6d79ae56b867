//! The Secret with the admin token.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{
    build::meta,
    kind::{self, ADMIN_TOKEN_KEY},
    validate::System,
};

/// The token of the admin API. An existing value is kept, but applied every time: server-side apply
/// removes a field that its only manager stops sending.
pub fn build(system: &System) -> Secret {
    Secret {
        metadata: meta::owned_or_retained(system, &kind::admin_token(&system.name)),
        type_: Some("Opaque".to_owned()),
        data: Some(BTreeMap::from([(
            ADMIN_TOKEN_KEY.to_owned(),
            ByteString(system.admin_token.clone()),
        )])),
        ..Default::default()
    }
}
