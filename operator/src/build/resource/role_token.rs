//! The Secrets with the tokens of the roles.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{
    build::meta,
    role::{RoleToken, TOKEN_KEY},
    validate::System,
};

/// The tokens of one role, unless another program writes the Secret. An existing value is kept, but
/// applied every time: server-side apply removes a field that its only manager stops sending.
pub fn build(system: &System, token: &RoleToken) -> Option<Secret> {
    (!token.is_external).then(|| Secret {
        metadata: meta::owned_or_retained(system, &token.role.secret(&system.name)),
        type_: Some("Opaque".to_owned()),
        data: Some(BTreeMap::from([(TOKEN_KEY.to_owned(), ByteString(token.value.clone()))])),
        ..Default::default()
    })
}
