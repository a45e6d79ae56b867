//! Step two of a reconciliation: resolve every default and decide the desired system, or reject the
//! spec with a reason. It does no I/O: the same input always gives the same result.

mod amounts;
mod beacon;
mod claim;
mod error;
mod recorded;
mod replicas;
mod stock;
mod storage;

pub use claim::{ClaimProblem, ClaimState};
pub use error::ValidationError;
use k8s_openapi::{
    api::core::v1::ResourceRequirements, apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{Resource, ResourceExt};
pub use replicas::{Replicas, Scaling, default_resources};
use sha2::{Digest, Sha256};
pub use stock::{INITIAL_STOCK, InitialStock};
pub use storage::Storage;

use crate::{
    api::{
        ALLOW_STORAGE_CHANGE, CaSecretRef, Mode, SecretKeyRef, TicketSystem, TicketSystemSpec,
        WorkloadSpec,
    },
    dereference::{Dereferenced, SecretValue},
    kind::{Component, Kind},
    new_secrets::NewSecrets,
    ownership::is_adopted,
    role::{Role, RoleToken, TOKEN_KEY},
    settings::Defaults,
    signing_keys::{self, KEYS_KEY, KeySet},
};

/// A valid system in which every default is resolved.
#[derive(Clone, Debug)]
pub struct System {
    pub name: String,
    pub namespace: String,
    pub owner: OwnerReference,
    pub storage: Storage,
    pub stock: InitialStock,
    pub workloads: Vec<Workload>,
    /// The tokens of all roles.
    pub tokens: Vec<RoleToken>,
    /// The keys that sign places, passes and tickets.
    pub signing_keys: KeySet,
    /// The claim for the volume of embedded storage.
    pub claim: ClaimState,
    /// Hash of the Secrets the pods read. A changed value starts a rollout.
    pub secrets_digest: String,
    /// Seconds that the check of a new template may take.
    pub preflight_timeout_s: u32,
    /// Seconds that the pod on a volume may take to become ready after it was replaced.
    pub swap_timeout_s: i32,
    /// Whether the system has a ServiceMonitor.
    pub service_monitor: bool,
    pub spec: TicketSystemSpec,
}

/// One component with its resolved settings.
#[derive(Clone, Debug)]
pub struct Workload {
    pub component: Component,
    pub name: String,
    pub image: String,
    pub replicas: Replicas,
    /// Whether it is the single writer of the volume of embedded storage.
    pub holds_volume: bool,
    /// Whether it connects to the database.
    pub uses_database: bool,
    pub resources: ResourceRequirements,
    pub spec: WorkloadSpec,
}

impl Workload {
    /// Whether ticket spreads its calls over the pods itself: there may be several of vacancy.
    pub fn is_balanced_by_ticket(&self) -> bool {
        self.component == Component::Vacancy && !self.holds_volume
    }
}

impl System {
    /// Whether the PersistentVolumeClaim, the tokens and the signing keys outlive the resource.
    pub fn retains(&self) -> bool {
        matches!(&self.storage, Storage::Embedded(embedded) if embedded.retain)
    }

    /// The CA that `workload` verifies the database with, if it connects to one.
    pub fn database_ca(&self, workload: &Workload) -> Option<&CaSecretRef> {
        match &self.storage {
            Storage::Postgres(postgres) if workload.uses_database => {
                postgres.ca_secret_ref.as_ref()
            }
            _ => None,
        }
    }

    /// The workload that serves the API of `component`: itself, or the monolith.
    pub fn serving(&self, component: Component) -> Option<&Workload> {
        self.workloads.iter().find(|workload| {
            workload.component == component || workload.component == Component::Monolith
        })
    }

    /// URL of the system: its Ingress, or the Service of ticket.
    pub fn url(&self) -> Option<String> {
        let ingress = &self.spec.ingress;
        if ingress.enabled {
            let scheme = if ingress.tls.is_some() { "https" } else { "http" };
            return Some(format!("{scheme}://{}", ingress.host));
        }
        let workload = self.serving(Component::Ticket)?;
        Some(format!(
            "http://{}.{}.svc:{}",
            workload.name,
            self.namespace,
            workload.component.port()
        ))
    }
}

/// Computes the desired system. Secrets that do not exist yet get their values from `new`.
///
/// # Errors
/// A [`ValidationError`] says how to fix the spec.
pub fn validate(
    system: &TicketSystem,
    found: &Dereferenced,
    defaults: &Defaults,
    new: &NewSecrets,
) -> Result<System, ValidationError> {
    let spec = &system.spec;
    let mut storage = Storage::of(spec);
    check_storage_change(system, found, &storage)?;
    amounts::check(spec, &storage)?;
    beacon::check(spec)?;
    if let Storage::Embedded(embedded) = &mut storage {
        embedded.size = amounts::size(&embedded.size, &found.live, &system.name_any());
    }
    let mut secrets = Sha256::new();
    if let Storage::Postgres(postgres) = &storage {
        secrets.update(store_url(&postgres.secret_ref, found.store_url.as_ref())?);
        if let Some(ca) = &postgres.ca_secret_ref {
            secrets.update([1]);
            secrets.update(secret_value(&ca.name, &ca.key, found.database_ca.as_ref())?);
        }
    }
    let name = system.name_any();
    let tokens = Role::ALL
        .into_iter()
        .map(|role| role_token(&name, role, found, new))
        .collect::<Result<_, _>>()?;
    let signing_keys = signing_keys(&name, found, new)?;
    let owner = system.controller_owner_ref(&()).ok_or(ValidationError::NotStored)?;
    let claim = claim::claim_state(system, found, &storage);
    let mut workloads = workloads(spec, &name, &storage, defaults)?;
    if claim.problem.as_ref().is_some_and(ClaimProblem::forbids_writer) {
        for writer in workloads.iter_mut().filter(|workload| workload.holds_volume) {
            writer.replicas = Replicas::Fixed(0);
        }
    }
    Ok(System {
        namespace: system.namespace().ok_or(ValidationError::NotStored)?,
        owner,
        stock: InitialStock {
            requested: spec.stock.initial,
            effective: recorded::initial_stock(system, found).unwrap_or(spec.stock.initial),
        },
        workloads,
        preflight_timeout_s: defaults.preflight_timeout_s,
        swap_timeout_s: defaults.swap_timeout_s,
        tokens,
        signing_keys,
        claim,
        secrets_digest: const_hex::encode(secrets.finalize()),
        service_monitor: spec.monitoring.service_monitor && found.service_monitors,
        storage,
        name,
        spec: spec.clone(),
    })
}

/// The token of one role. One that the services would not start with is rejected, so that running
/// pods are kept.
fn role_token(
    name: &str,
    role: Role,
    found: &Dereferenced,
    new: &NewSecrets,
) -> Result<RoleToken, ValidationError> {
    let secret = role.secret(name);
    let value = match found.tokens(role, name) {
        Some(value) if are_tokens(&value) => value,
        Some(_) => {
            let role = role.as_str();
            return Err(ValidationError::TokenInvalid { name: secret, key: TOKEN_KEY, role });
        }
        None => new.token(role).as_bytes().to_vec(),
    };
    Ok(RoleToken { role, value, is_external: is_external(name, &secret, found) })
}

/// The signing keys, of which those that the services would refuse are rejected as well.
fn signing_keys(
    name: &str,
    found: &Dereferenced,
    new: &NewSecrets,
) -> Result<KeySet, ValidationError> {
    let secret = signing_keys::secret(name);
    let value = match found.signing_keys(name) {
        Some(value) => match signing_keys::check(&value) {
            Ok(()) => value,
            Err(reason) => {
                return Err(ValidationError::KeysInvalid { name: secret, key: KEYS_KEY, reason });
            }
        },
        None => new.signing_keys().as_bytes().to_vec(),
    };
    Ok(KeySet { value, is_external: is_external(name, &secret, found) })
}

/// Whether another program writes this Secret of the system `name`.
fn is_external(name: &str, secret: &str, found: &Dereferenced) -> bool {
    let metadata = found.metadata(Kind::Secret, secret);
    metadata.is_some_and(|metadata| is_adopted(metadata, name))
}

/// Whether the services accept `value` as tokens. Several are separated by commas.
fn are_tokens(value: &[u8]) -> bool {
    const LENGTH_MIN: usize = 16;
    const COUNT_MAX: usize = 16;
    let is_token = |token: &str| token.len() >= LENGTH_MIN && !token.contains(char::is_whitespace);
    std::str::from_utf8(value).is_ok_and(|tokens| {
        tokens.split(',').count() <= COUNT_MAX && tokens.split(',').all(is_token)
    })
}

fn check_storage_change(
    system: &TicketSystem,
    found: &Dereferenced,
    desired: &Storage,
) -> Result<(), ValidationError> {
    let current = recorded::storage(system, found);
    let allowed =
        system.annotations().get(ALLOW_STORAGE_CHANGE).is_some_and(|value| value == "true");
    match current {
        Some(from) if from != desired.as_str() && !allowed => {
            Err(ValidationError::StorageChange { from, to: desired.as_str() })
        }
        _ => Ok(()),
    }
}

fn store_url<'a>(
    reference: &SecretKeyRef,
    found: Option<&'a SecretValue>,
) -> Result<&'a [u8], ValidationError> {
    let SecretKeyRef { name, key } = reference;
    let url = secret_value(name, key, found)?;
    if url.starts_with(b"postgres://") || url.starts_with(b"postgresql://") {
        return Ok(url);
    }
    Err(ValidationError::SecretNotAUrl { name: name.clone(), key: key.clone() })
}

fn secret_value<'a>(
    name: &str,
    key: &str,
    found: Option<&'a SecretValue>,
) -> Result<&'a [u8], ValidationError> {
    match found {
        None | Some(SecretValue::NoSecret) => {
            Err(ValidationError::SecretMissing { name: name.to_owned() })
        }
        Some(SecretValue::NoKey) => {
            Err(ValidationError::SecretKeyMissing { name: name.to_owned(), key: key.to_owned() })
        }
        Some(SecretValue::Found(value)) => Ok(value),
    }
}

fn workloads(
    spec: &TicketSystemSpec,
    name: &str,
    storage: &Storage,
    defaults: &Defaults,
) -> Result<Vec<Workload>, ValidationError> {
    let embedded = matches!(storage, Storage::Embedded(_));
    let ticket_image = spec.images.ticket.as_ref().unwrap_or(&defaults.ticket_image);
    let vacancy_image = spec.images.vacancy.as_ref().unwrap_or(&defaults.vacancy_image);
    let workload =
        |component: Component, image: &String, spec: &WorkloadSpec, keeps_stock: bool| {
            let holds_volume = keeps_stock && embedded;
            let resources = spec.resources.clone().unwrap_or_else(|| default_resources(component));
            Ok(Workload {
                component,
                name: component.object_name(name),
                image: image.clone(),
                replicas: replicas::resolve(component, spec, &resources, holds_volume)?,
                holds_volume,
                uses_database: keeps_stock && !embedded,
                resources,
                spec: spec.clone(),
            })
        };
    match spec.mode {
        Mode::Monolith => {
            Ok(vec![workload(Component::Monolith, ticket_image, &spec.ticket.workload, true)?])
        }
        Mode::Microservices => Ok(vec![
            workload(Component::Vacancy, vacancy_image, &spec.vacancy.workload, true)?,
            workload(Component::Ticket, ticket_image, &spec.ticket.workload, false)?,
        ]),
    }
}
