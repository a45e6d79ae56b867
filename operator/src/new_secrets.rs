//! New random values, for Secrets that do not exist yet.

use crate::role::Role;

/// A token for each role, and signing keys.
#[derive(Clone, Debug)]
pub struct NewSecrets {
    tokens: [String; Role::ALL.len()],
    signing_keys: String,
}

impl NewSecrets {
    /// One token for each role, and the JWK Set `signing_keys`.
    pub fn new(token: impl FnMut(Role) -> String, signing_keys: String) -> Self {
        Self { tokens: Role::ALL.map(token), signing_keys }
    }

    /// The new token of `role`.
    pub fn token(&self, role: Role) -> &str {
        &self.tokens[role as usize]
    }

    /// The new signing keys.
    pub fn signing_keys(&self) -> &str {
        &self.signing_keys
    }
}
