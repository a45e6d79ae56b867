//! The deployment mode.

use serde::{Deserialize, Serialize};

/// Whether one process serves everything, or ticket and vacancy run as separate Deployments.
#[derive(
    Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Microservices,
    Monolith,
}

impl Mode {
    /// The value of the services' `DEPLOYMENT_MODE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microservices => "microservices",
            Self::Monolith => "monolith",
        }
    }
}
