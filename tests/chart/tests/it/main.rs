//! The chart as helm renders it, beside the manifests for kustomize and the running binaries.
#![allow(clippy::unwrap_used)]

mod agree;
mod golden;
mod metrics;
mod monitoring;
mod values;
