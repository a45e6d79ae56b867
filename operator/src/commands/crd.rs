//! `operator crd`: prints the CustomResourceDefinition or applies it to the cluster.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use tokio::time::timeout;

use crate::{api::crd, ownership::FIELD_MANAGER};

/// How long the API server may take to serve an accepted definition.
const ESTABLISHED_TIMEOUT: Duration = Duration::from_secs(60);
const ESTABLISHED_INTERVAL: Duration = Duration::from_millis(250);

/// Why the definition is not served.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    #[error("cannot apply {name}: {cause}")]
    Apply { name: String, cause: kube::Error },
    #[error("cannot read {name}: {cause}")]
    Read { name: String, cause: kube::Error },
    #[error("{name} was applied, but is not served after {} s", ESTABLISHED_TIMEOUT.as_secs())]
    NotEstablished { name: String },
}

/// The CustomResourceDefinition as YAML.
///
/// # Errors
/// If it cannot be serialized.
pub fn render() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crd())
}

/// Creates or updates the definition in the cluster, and waits until it is served. Returns its
/// name. It needs the permissions to get, create and patch the definition by name.
///
/// # Errors
/// [`CrdError`].
pub async fn apply(client: Client) -> Result<String, CrdError> {
    let definition = crd();
    let name = definition.name_any();
    let api: Api<CustomResourceDefinition> = Api::all(client);
    // Force takes over the fields of a previous installer.
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&name, &params, &Patch::Apply(&definition))
        .await
        .map_err(|cause| CrdError::Apply { name: name.clone(), cause })?;
    let established = || check_established(&api, &name);
    let waited = established
        .retry(ConstantBuilder::default().with_delay(ESTABLISHED_INTERVAL).without_max_times())
        .when(|error| matches!(error, CrdError::NotEstablished { .. }));
    match timeout(ESTABLISHED_TIMEOUT, waited).await {
        Ok(result) => result.map(|()| name),
        Err(_) => Err(CrdError::NotEstablished { name }),
    }
}

async fn check_established(
    api: &Api<CustomResourceDefinition>,
    name: &str,
) -> Result<(), CrdError> {
    let definition =
        api.get(name).await.map_err(|cause| CrdError::Read { name: name.to_owned(), cause })?;
    let conditions = definition.status.and_then(|status| status.conditions).unwrap_or_default();
    let is_established = conditions
        .iter()
        .any(|condition| condition.type_ == "Established" && condition.status == "True");
    if is_established { Ok(()) } else { Err(CrdError::NotEstablished { name: name.to_owned() }) }
}
