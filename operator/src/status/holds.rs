//! Conditions about changes that are held back, and about the volume.

use super::{conditions::ConditionState, input::StatusInput};
use crate::{
    apply::{ChildFailure, FailureReason, Hold, HoldReason},
    kind::Kind,
    validate::ClaimProblem,
};

/// Present while a part of the spec is not applied.
pub const HELD_BACK: &str = "HeldBack";
/// Present while a new template is held back because its check failed.
pub const PREFLIGHT_FAILED: &str = "PreflightFailed";
/// Present while the spec asks for a template whose pods did not become ready.
pub const ROLLED_BACK: &str = "RolledBack";

/// The problem of the volume, unless the spec is rejected.
pub(super) fn claim_problem<'a>(input: &StatusInput<'a>) -> Option<&'a ClaimProblem> {
    input.validated.ok()?.claim.problem.as_ref()
}

/// The problem of the volume, if nothing is done about the system until a user acts.
pub(super) fn stalling_claim<'a>(input: &StatusInput<'a>) -> Option<&'a ClaimProblem> {
    claim_problem(input).filter(|problem| problem.stalls())
}

/// The state of [`HELD_BACK`]: everything that differs from the spec, with the words of the API
/// server.
pub(super) fn held_back(input: &StatusInput<'_>) -> Option<ConditionState> {
    let refused = input.failures.iter().filter(|failure| is_refused(failure));
    let reason = refused.clone().map(|failure| failure.reason.as_str());
    let reason = reason.chain(input.holds.iter().map(|hold| hold.reason.as_str())).next()?;
    let messages: Vec<String> =
        refused.map(ToString::to_string).chain(input.holds.iter().map(Hold::to_string)).collect();
    Some(ConditionState::yes(reason, messages.join("; ")))
}

/// The state of the condition for holds of one reason.
pub(super) fn held_for(input: &StatusInput<'_>, reason: HoldReason) -> Option<ConditionState> {
    let held = input.holds.iter().filter(|hold| hold.reason == reason);
    let messages: Vec<String> = held.map(Hold::to_string).collect();
    (!messages.is_empty()).then(|| ConditionState::yes(reason.as_str(), messages.join("; ")))
}

/// The state of Progressing while nothing may end the pod that has the volume.
pub(super) fn frozen(input: &StatusInput<'_>) -> Option<ConditionState> {
    let held = held_for(input, HoldReason::VolumeInDanger)?;
    Some(ConditionState::no(HELD_BACK, held.message))
}

/// Whether the Deployment `name` is held back.
pub(super) fn is_held(input: &StatusInput<'_>, name: &str) -> bool {
    input.holds.iter().any(|hold| hold.kind == Kind::Deployment && hold.name == name)
}

/// A hold that stays until a user acts.
pub(super) fn stalling(input: &StatusInput<'_>) -> Option<ConditionState> {
    held_for(input, HoldReason::PreflightFailed).or_else(|| held_for(input, HoldReason::RolledBack))
}

/// The state of Progressing while something is held back and nothing else changes.
pub(super) fn not_progressing(input: &StatusInput<'_>) -> Option<ConditionState> {
    if let Some(state) = stalling(input) {
        return Some(ConditionState::no(state.reason, state.message));
    }
    let state = held_back(input)?;
    Some(ConditionState::no(HELD_BACK, state.message))
}

fn is_refused(failure: &ChildFailure) -> bool {
    failure.reason != FailureReason::PruneFailed
}
