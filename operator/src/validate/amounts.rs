//! Checks quantities and percentages. The schema refuses bad ones, but an older schema may not.

use k8s_openapi::{
    api::core::v1::ResourceRequirements,
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};
use serde_json::{Value, json};

use super::{error::ValidationError, storage::Storage};
use crate::{api::TicketSystemSpec, dereference::Live, kind, kind::Kind, quantity};

const EXPECTED_QUANTITY: &str = "a quantity such as 10Gi, 500M or 0.5";
const EXPECTED_SIZE: &str = "a size above 0 such as 10Gi or 500M";
const EXPECTED_PODS: &str = "a number of pods, or a percentage from 0% to 100%";

/// Rejects the first invalid amount of the spec.
pub(super) fn check(spec: &TicketSystemSpec, storage: &Storage) -> Result<(), ValidationError> {
    if let Storage::Embedded(embedded) = storage {
        let is_positive = !embedded.size.0.starts_with('-')
            && quantity::is_larger(&json!(embedded.size.0), &json!(0)) != Some(false);
        if !quantity::is_valid(&embedded.size.0) || !is_positive {
            return Err(invalid("storage.embedded.size", &embedded.size.0, EXPECTED_SIZE));
        }
    }
    check_resources("ticket", spec.ticket.workload.resources.as_ref())?;
    check_resources("vacancy", spec.vacancy.workload.resources.as_ref())?;
    match &spec.pod_disruption_budget.max_unavailable {
        IntOrString::Int(0..) => Ok(()),
        IntOrString::String(text) if is_percentage(text) => Ok(()),
        IntOrString::Int(number) => Err(invalid_pods(&number.to_string())),
        IntOrString::String(text) => Err(invalid_pods(text)),
    }
}

fn check_resources(
    block: &str,
    resources: Option<&ResourceRequirements>,
) -> Result<(), ValidationError> {
    let Some(resources) = resources else { return Ok(()) };
    for (list, amounts) in [("requests", &resources.requests), ("limits", &resources.limits)] {
        for (name, Quantity(amount)) in amounts.iter().flatten() {
            if !quantity::is_valid(amount) || amount.starts_with('-') {
                let field = format!("{block}.resources.{list}.{name}");
                return Err(invalid(&field, amount, EXPECTED_QUANTITY));
            }
        }
    }
    Ok(())
}

fn is_percentage(text: &str) -> bool {
    text.strip_suffix('%').is_some_and(|number| {
        number.chars().all(|c| c.is_ascii_digit())
            && number.parse::<u8>().is_ok_and(|number| number <= 100)
    })
}

fn invalid_pods(value: &str) -> ValidationError {
    invalid("podDisruptionBudget.maxUnavailable", value, EXPECTED_PODS)
}

fn invalid(field: &str, value: &str, expected: &'static str) -> ValidationError {
    ValidationError::InvalidAmount { field: field.to_owned(), value: value.to_owned(), expected }
}

/// The size to request: that of the spec, or that of the live claim if it is larger. A claim cannot
/// shrink, and others may have made it grow.
pub(super) fn size(spec: &Quantity, live: &Live, system: &str) -> Quantity {
    let requested = live
        .get(Kind::PersistentVolumeClaim, &kind::claim(system))
        .and_then(|claim| claim.data.pointer("/spec/resources/requests/storage"));
    match requested {
        Some(Value::String(larger))
            if quantity::is_larger(&json!(larger), &json!(spec.0)) == Some(true) =>
        {
            Quantity(larger.clone())
        }
        _ => spec.clone(),
    }
}
