//! The Secret with the signing keys.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{
    build::meta,
    signing_keys::{self, KEYS_KEY},
    validate::System,
};

/// The signing keys, unless another program writes the Secret. As with tokens, an existing value is
/// kept, and applied every time.
pub fn build(system: &System) -> Option<Secret> {
    let keys = &system.signing_keys;
    (!keys.is_external).then(|| Secret {
        metadata: meta::owned_or_retained(system, &signing_keys::secret(&system.name)),
        type_: Some("Opaque".to_owned()),
        data: Some(BTreeMap::from([(KEYS_KEY.to_owned(), ByteString(keys.value.clone()))])),
        ..Default::default()
    })
}
