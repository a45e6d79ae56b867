//! The rendered chart, compared with the manifests for kustomize and the running binaries.
#![allow(clippy::unwrap_used)]

mod agree;
mod golden;
mod metrics;
mod monitoring;
mod values;
