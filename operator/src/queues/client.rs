//! What the operator asks of a running system.

use std::fmt;

use async_trait::async_trait;

use crate::{
    api::QueueStatus,
    role::Role,
    validate::{System, Workload},
};

/// Where a system serves the calls of administrators, and the token for them.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The Service of vacancy, or of the monolith, such as `http://shop-vacancy.fair.svc:8001`.
    pub url: String,
    /// The token of administrators.
    pub token: String,
}

/// Shows no token.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The endpoint of `system` at `workload`.
    ///
    /// # Errors
    /// [`CallError::TokenUnknown`].
    pub fn of(system: &System, workload: &Workload) -> Result<Self, CallError> {
        let (name, namespace) = (&workload.name, &system.namespace);
        let url = format!("http://{name}.{namespace}.svc:{}", workload.component.port());
        let token = token(system, workload).ok_or(CallError::TokenUnknown)?;
        Ok(Self { url, token })
    }
}

/// The first token of administrators that the pods accept. One in the environment takes the place
/// of the Secret.
fn token(system: &System, workload: &Workload) -> Option<String> {
    let setting = Role::Admin.setting();
    let variable = workload.spec.env.iter().find(|variable| variable.name == setting);
    let tokens = match variable {
        Some(variable) => variable.value.clone()?,
        None => {
            let secret = system.tokens.iter().find(|token| token.role == Role::Admin)?;
            String::from_utf8(secret.value.clone()).ok()?
        }
    };
    tokens.split(',').next().map(str::to_owned)
}

/// Why a call failed. The message shows no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("ADMIN_TOKEN is set by valueFrom, which the operator does not read")]
    TokenUnknown,
    #[error("{url} does not respond")]
    Unreachable { url: String },
    #[error("{url} returned status {status}")]
    Refused { url: String, status: u16 },
    #[error("{url} returned a body that is not understood")]
    Unexpected { url: String },
}

impl CallError {
    /// The reason of conditions and events. It is part of the API and does not change.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TokenUnknown => "TokenUnknown",
            Self::Unreachable { .. } => "Unreachable",
            Self::Refused { .. } | Self::Unexpected { .. } => "CallRefused",
        }
    }
}

/// The calls to a running system.
#[async_trait]
pub trait SystemClient: Send + Sync {
    /// Pauses all waiting rooms of the system, or resumes them.
    ///
    /// # Errors
    /// [`CallError`]; the call may have had its effect nevertheless.
    async fn set_queues_paused(&self, endpoint: &Endpoint, paused: bool) -> Result<(), CallError>;

    /// The waiting rooms of all events, by the name of the event.
    ///
    /// # Errors
    /// [`CallError`].
    async fn queues(&self, endpoint: &Endpoint) -> Result<Vec<QueueStatus>, CallError>;
}
