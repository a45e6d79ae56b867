//! The Helm chart as helm renders it, and the metrics in its dashboards and rules.
#![allow(clippy::unwrap_used)]

pub mod watched;

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use serde_json::Value;

/// The oldest supported version of Kubernetes; helm renders for it.
const KUBE_VERSION: &str = "1.33.0";

/// A path in the repository.
pub fn root(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The chart's folder.
pub fn chart() -> PathBuf {
    root("charts/ticket-system")
}

/// Runs helm.
///
/// # Panics
/// When helm is missing and cannot be built.
pub fn helm(args: &[&str]) -> Output {
    static HELM: OnceLock<PathBuf> = OnceLock::new();
    let helm = HELM.get_or_init(|| {
        let found = Command::new(root("scripts/tool")).arg("helm").output().unwrap();
        assert!(
            found.status.success(),
            "no helm to test with: {}",
            String::from_utf8_lossy(&found.stderr)
        );
        PathBuf::from(String::from_utf8(found.stdout).unwrap().trim())
    });
    // No cluster: the result must not depend on a configured one.
    Command::new(helm).args(args).env_remove("KUBECONFIG").output().unwrap()
}

/// The output of `helm template RELEASE --namespace NAMESPACE` with further arguments.
///
/// # Errors
/// The standard error of helm.
pub fn template(release: &str, namespace: &str, more: &[&str]) -> Result<String, String> {
    let chart = chart();
    let args = [
        "template",
        release,
        chart.to_str().unwrap(),
        "--namespace",
        namespace,
        "--kube-version",
        KUBE_VERSION,
    ];
    let output = helm(&[&args, more].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The documents of a YAML stream, without empty ones.
///
/// # Panics
/// When it is not YAML.
pub fn documents(yaml: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    all.into_iter().filter(|document| !document.is_null()).collect()
}

/// The documents of a file in the repository.
///
/// # Panics
/// When it cannot be read.
pub fn file(path: &str) -> Vec<Value> {
    documents(
        &std::fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}")),
    )
}

/// The only document of a kind whose name has a suffix.
///
/// # Panics
/// When there is none, or more than one.
pub fn the<'a>(documents: &'a [Value], kind: &str, name_end: &str) -> &'a Value {
    let mut found = documents.iter().filter(|document| {
        document["kind"] == kind
            && document["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(name_end))
    });
    let first = found.next().unwrap_or_else(|| panic!("no {kind} that ends with '{name_end}'"));
    assert!(found.next().is_none(), "more than one {kind} that ends with '{name_end}'");
    first
}

/// The names of the values files, without extensions.
///
/// # Panics
/// When there are none.
pub fn values() -> Vec<String> {
    let entries = std::fs::read_dir(root("tests/chart/values")).unwrap();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.unwrap().path().file_stem().map(|stem| stem.to_str().unwrap().to_owned())
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}
