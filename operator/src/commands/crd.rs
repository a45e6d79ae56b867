use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use tokio::time::{Instant, sleep};

use crate::{api::crd, build::labels::OPERATOR};

/// How long the API server may take to serve a definition it has accepted.
const ESTABLISHED_TIMEOUT: Duration = Duration::from_secs(60);
const ESTABLISHED_PERIOD: Duration = Duration::from_millis(250);

/// Why the definition is not served.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    #[error("{name} cannot be applied: {cause}")]
    Apply { name: String, cause: kube::Error },
    #[error("{name} cannot be read: {cause}")]
    Read { name: String, cause: kube::Error },
    #[error("{name} was applied, and is not served after {} s", ESTABLISHED_TIMEOUT.as_secs())]
    NotEstablished { name: String },
}

/// The CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be written as YAML.
pub fn render() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crd())
}

/// Makes the cluster's definition the one of this operator, creating it where there is none, and
/// waits until it is served. Returns its name. Takes the rights to get, create and patch it by
/// name.
///
/// # Errors
/// [`CrdError`].
pub async fn apply(client: Client) -> Result<String, CrdError> {
    let definition = crd();
    let name = definition.name_any();
    let api: Api<CustomResourceDefinition> = Api::all(client);
    // By force: whoever installed it before has no further say in it.
    let params = PatchParams::apply(OPERATOR).force();
    api.patch(&name, &params, &Patch::Apply(&definition))
        .await
        .map_err(|cause| CrdError::Apply { name: name.clone(), cause })?;
    let deadline = Instant::now() + ESTABLISHED_TIMEOUT;
    loop {
        let found =
            api.get(&name).await.map_err(|cause| CrdError::Read { name: name.clone(), cause })?;
        if established(&found) {
            return Ok(name);
        }
        if Instant::now() >= deadline {
            return Err(CrdError::NotEstablished { name });
        }
        sleep(ESTABLISHED_PERIOD).await;
    }
}

fn established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Established" && condition.status == "True")
}
