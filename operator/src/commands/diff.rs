//! `operator diff`: prints the changes that applying a resource would make, from a server-side dry
//! run.

use std::{fmt::Write, path::Path, sync::Arc};

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::Value;
use similar::TextDiff;

use crate::{
    api::TicketSystem,
    apply::{body_with_hash, is_prunable, record},
    build::{self, BuildError, Child},
    dereference::{Dereferenced, FromServer, dereference},
    kind::Kind,
    labels,
    new_secrets::NewSecrets,
    observe::error_message,
    ownership::{FIELD_MANAGER, is_owned, name_conflict},
    settings::Defaults,
    validate::{ValidationError, validate},
};

/// Largest file that is read.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Placeholder for a token or keys that would be generated.
const NEW_SECRET: &str = "generated";

/// Why a diff cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    #[error("cannot read {path}: {cause}")]
    Read { path: String, cause: std::io::Error },
    #[error("{path} is larger than {FILE_MAX_BYTES} bytes")]
    TooLarge { path: String },
    #[error("{path} has no valid TicketSystem: {message}")]
    Parse { path: String, message: String },
    #[error("{kind} {name}: {}", error_message(cause))]
    Api { kind: String, name: String, cause: kube::Error },
    #[error("TicketSystem {name}: {cause}")]
    Invalid { name: String, cause: ValidationError },
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot write YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Reads the TicketSystems in a file and skips documents of other kinds. `namespace` is used for
/// resources without one.
///
/// # Errors
/// If the file cannot be read or has no valid TicketSystem.
pub fn read(path: &Path, namespace: &str) -> Result<Vec<TicketSystem>, DiffError> {
    let display = || path.display().to_string();
    let read = |cause| DiffError::Read { path: display(), cause };
    if std::fs::metadata(path).map_err(read)?.len() > FILE_MAX_BYTES {
        return Err(DiffError::TooLarge { path: display() });
    }
    let text = std::fs::read_to_string(path).map_err(read)?;
    parse(&text, namespace).map_err(|message| DiffError::Parse { path: display(), message })
}

/// Parses the TicketSystems in the text of a file.
///
/// # Errors
/// A message, if a TicketSystem is invalid or there is none.
pub fn parse(text: &str, namespace: &str) -> Result<Vec<TicketSystem>, String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    let (version, kind) = (TicketSystem::api_version(&()), TicketSystem::kind(&()));
    let mut systems = Vec::new();
    for document in documents
        .into_iter()
        .filter(|document| document["kind"] == *kind && document["apiVersion"] == *version)
    {
        let mut system: TicketSystem =
            serde_json::from_value(document).map_err(|error| error.to_string())?;
        system.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
        systems.push(system);
    }
    if systems.is_empty() {
        Err(format!("no document has apiVersion {version} and kind {kind}"))
    } else {
        Ok(systems)
    }
}

/// The changes that applying `system` would make, as a unified diff. It is empty without changes.
///
/// # Errors
/// If the API server or the operator would reject the resource or a child.
pub async fn diff(
    client: &Client,
    system: &TicketSystem,
    defaults: &Defaults,
) -> Result<String, DiffError> {
    let namespace = system.namespace().unwrap_or_default();
    let name = system.name_any();
    let api_error = |kind: &str, name: &str| {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        move |cause| DiffError::Api { kind, name, cause }
    };
    let failed = || api_error("TicketSystem", &name);
    let systems: Api<TicketSystem> = Api::namespaced(client.clone(), &namespace);
    let before = systems.get_opt(&name).await.map_err(failed())?;
    let dry_run =
        PatchParams { dry_run: true, force: true, ..PatchParams::apply("ticket-system-diff") };
    // The API server sets defaults and validates.
    let mut after = systems.patch(&name, &dry_run, &Patch::Apply(system)).await.map_err(failed())?;
    after.status = before.and_then(|before| before.status);
    let found = dereference(&after, client, &FromServer(client.clone())).await.map_err(failed())?;
    let new = NewSecrets::new(|_| NEW_SECRET.to_owned(), NEW_SECRET.to_owned());
    let valid = validate(&after, &found, defaults, &new)
        .map_err(|cause| DiffError::Invalid { name: name.clone(), cause })?;
    let mut children = build::build(&valid).into_children()?;
    for child in &mut children {
        record::annotate(child, &valid, &found.live);
    }
    let mut text = String::new();
    for child in &children {
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &namespace, &child.kind.api_resource());
        if found.live.get(child.kind, &child.name).is_none()
            && let Some(other) = api.get_opt(&child.name).await.map_err(failed())?
        {
            let why = name_conflict(child.kind, &other.metadata, &name);
            let _ = writeln!(text, "# {}/{}: {why}", child.kind, child.name);
            continue;
        }
        let dry_run =
            PatchParams { dry_run: true, force: true, ..PatchParams::apply(FIELD_MANAGER) };
        let outcome = api.patch(&child.name, &dry_run, &Patch::Apply(&body_with_hash(child))).await;
        let outcome = outcome.map_err(api_error(child.kind.as_str(), &child.name))?;
        let live = found.live.get(child.kind, &child.name);
        let before = live.or_else(|| former_settings(child, &found));
        let before_name = before.map_or_else(String::new, |object| object.name_any());
        let before =
            before.map(|object| printable(child.kind, object)).transpose()?.unwrap_or_default();
        let after = printable(child.kind, &keep_replicas(child, outcome, &found))?;
        push(&mut text, child.kind, (&before_name, &before), (&child.name, &after));
    }
    for (kind, name) in pruned(&after, &children, &found) {
        let before = found
            .live
            .get(kind, &name)
            .map(|object| printable(kind, object))
            .transpose()?
            .unwrap_or_default();
        push(&mut text, kind, (&name, &before), (&name, ""));
    }
    Ok(text)
}

/// The settings that `child` takes the place of: changed settings have another name.
fn former_settings<'a>(child: &Child, found: &'a Dereferenced) -> Option<&'a Arc<DynamicObject>> {
    let component = child.body["metadata"]["labels"][labels::COMPONENT].as_str()?;
    let former = found.live.iter().filter(|(kind, _, object)| {
        (*kind, child.kind) == (Kind::ConfigMap, Kind::ConfigMap)
            && object.labels().get(labels::COMPONENT).is_some_and(|found| found == component)
    });
    former.map(|(_, _, object)| object).max_by_key(|object| object.creation_timestamp())
}

/// Keeps the live number of pods of an autoscaled Deployment. The operator hands the field over in
/// a separate write, which the dry run of this one does not include.
fn keep_replicas(child: &Child, mut outcome: DynamicObject, found: &Dereferenced) -> DynamicObject {
    let autoscaled =
        child.kind == Kind::Deployment && child.body.pointer("/spec/replicas").is_none();
    let live = found
        .live
        .get(child.kind, &child.name)
        .and_then(|live| live.data.pointer("/spec/replicas"));
    if let (true, Some(live), Some(replicas)) =
        (autoscaled, live, outcome.data.pointer_mut("/spec/replicas"))
    {
        *replicas = live.clone();
    }
    outcome
}

fn pruned(system: &TicketSystem, children: &[Child], found: &Dereferenced) -> Vec<(Kind, String)> {
    let uid = system.uid().unwrap_or_default();
    let is_undesired = |kind: Kind, name: &str| {
        !children.iter().any(|child| child.kind == kind && child.name == name)
    };
    found
        .live
        .iter()
        .filter(|(kind, child, object)| {
            is_prunable(*kind) && is_owned(&object.metadata, &uid) && is_undesired(*kind, child)
        })
        .map(|(kind, name, _)| (kind, name.to_owned()))
        .collect()
}

/// An object as YAML, without fields of the API server and without secret values.
fn printable(kind: Kind, object: &DynamicObject) -> Result<String, serde_saphyr::ser::Error> {
    let mut object = object.clone();
    let metadata = &mut object.metadata;
    metadata.managed_fields = None;
    metadata.resource_version = None;
    metadata.generation = None;
    metadata.uid = None;
    metadata.creation_timestamp = None;
    if let Some(fields) = object.data.as_object_mut() {
        fields.remove("status");
    }
    if kind == Kind::Secret
        && let Some(data) = object.data.get_mut("data").and_then(Value::as_object_mut)
    {
        data.values_mut().for_each(|value| *value = Value::String("***".to_owned()));
    }
    serde_saphyr::to_string(&object)
}

/// Appends the difference of an object, whose name may change.
fn push(text: &mut String, kind: Kind, before: (&str, &str), after: (&str, &str)) {
    if before.1 == after.1 {
        return;
    }
    let side = |(name, object): (&str, &str)| match object {
        "" => "/dev/null".to_owned(),
        _ => format!("{kind}/{name}"),
    };
    let diff = TextDiff::from_lines(before.1, after.1);
    let mut unified = diff.unified_diff();
    let unified = unified.header(&side(before), &side(after));
    // A write to a String cannot fail.
    let _ = write!(text, "{unified}");
}
