use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{build::meta, dereference::TOKEN_KEY, kind, validate::System};

/// The token of the admin API. Its value is the one found in the cluster; it is sent along every
/// time, because a field that is no longer sent is taken away.
pub fn build(system: &System) -> Secret {
    Secret {
        metadata: meta::retained_if_wanted(system, &kind::admin_token(&system.name)),
        type_: Some("Opaque".to_owned()),
        data: Some(BTreeMap::from([(
            TOKEN_KEY.to_owned(),
            ByteString(system.admin_token.clone()),
        )])),
        ..Default::default()
    }
}
