//! Reads the result of a check from its pod.

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod},
    jiff::Timestamp,
};

use super::words::{self, one_line};

/// What command lines without the subcommand print.
const UNKNOWN_SUBCOMMAND: [&str; 3] =
    ["unrecognized subcommand", "unexpected argument 'check'", "unknown command"];
/// Exit code of a command line that is not understood.
const EXIT_USAGE: i32 = 2;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has not ended yet.
    Running,
    Passed,
    /// The image has no check.
    NoCheck,
    Failed(String),
}

/// The result of the check in `pod`, which may take `timeout`.
pub fn verdict(pod: &Pod, timeout: Duration, now: Timestamp) -> Verdict {
    let Some(status) = &pod.status else { return Verdict::Running };
    let phase = status.phase.as_deref().unwrap_or_default();
    if phase == "Succeeded" {
        return Verdict::Passed;
    }
    let containers = || status.container_statuses.iter().flatten();
    if let Some(ended) = containers().find_map(of_container) {
        return ended;
    }
    if phase == "Failed" {
        let reason = status.reason.as_deref().unwrap_or("Failed");
        let message = status.message.as_deref().unwrap_or("the pod ended without a result");
        return Verdict::Failed(one_line(&format!("{reason}: {message}")));
    }
    let created = pod.metadata.creation_timestamp.as_ref().map_or(now, |created| created.0);
    let limit = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
    if now.as_second().saturating_sub(created.as_second()) <= limit {
        return Verdict::Running;
    }
    let cause = words::unscheduled(status)
        .unwrap_or_else(|| format!("it did not end within {} s", timeout.as_secs()));
    Verdict::Failed(one_line(&cause))
}

fn of_container(container: &ContainerStatus) -> Option<Verdict> {
    let state = container.state.as_ref()?;
    if let Some(ended) = &state.terminated {
        let message = ended.message.as_deref().unwrap_or_default().trim();
        return Some(match ended.exit_code {
            0 => Verdict::Passed,
            EXIT_USAGE if UNKNOWN_SUBCOMMAND.iter().any(|known| message.contains(known)) => {
                Verdict::NoCheck
            }
            code => {
                let reason = ended.reason.as_deref().unwrap_or("Error");
                let detail =
                    if message.is_empty() { reason.to_owned() } else { message.to_owned() };
                Verdict::Failed(one_line(&format!("exit code {code}: {detail}")))
            }
        });
    }
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let message = waiting.message.as_deref().unwrap_or("no message");
    match reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "ImageInspectError" => {
            Some(Verdict::Failed(one_line(&format!("cannot pull image {}", container.image))))
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some(Verdict::Failed(one_line(&format!("{reason}: {message}"))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CREATED: &str = "2026-01-01T00:00:00Z";

    fn of(status: &Value, after_s: i64) -> Verdict {
        let pod =
            json!({"metadata": {"name": "p", "creationTimestamp": CREATED}, "status": status});
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        let created: Timestamp = CREATED.parse().expect("a time");
        let now = Timestamp::from_second(created.as_second() + after_s).expect("a time");
        verdict(&pod, Duration::from_secs(60), now)
    }

    fn container(state: &Value) -> Value {
        json!({"phase": "Pending", "containerStatuses": [{"name": "vacancy", "image": "v:2", "imageID": "", "ready": false, "restartCount": 0, "state": state}]})
    }

    fn ended(code: i32, message: &str) -> Value {
        container(&json!({"terminated": {"exitCode": code, "reason": "Error", "message": message}}))
    }

    fn failed(text: &str) -> Verdict {
        Verdict::Failed(text.to_owned())
    }

    #[test]
    fn exit_codes_decide() {
        assert_eq!(of(&json!({"phase": "Succeeded"}), 1), Verdict::Passed);
        assert_eq!(of(&ended(0, ""), 1), Verdict::Passed);
        assert_eq!(
            of(&ended(2, "MAX_QTY: \"0\" is not accepted\n"), 1),
            failed("exit code 2: MAX_QTY: \"0\" is not accepted")
        );
        assert_eq!(of(&ended(137, ""), 1), failed("exit code 137: Error"));
    }

    #[test]
    fn image_without_the_subcommand_differs_from_a_refusal() {
        for message in [
            "error: unrecognized subcommand 'check'\n\nUsage: vacancy [COMMAND]",
            "error: unexpected argument 'check' found",
        ] {
            assert_eq!(of(&ended(2, message), 1), Verdict::NoCheck, "{message}");
            assert_ne!(of(&ended(1, message), 1), Verdict::NoCheck, "another exit code");
        }
    }

    #[test]
    fn pod_that_cannot_start_fails_at_once() {
        for (reason, text) in [
            ("ErrImagePull", "cannot pull image v:2"),
            ("ImagePullBackOff", "cannot pull image v:2"),
            ("CreateContainerConfigError", "CreateContainerConfigError: no Secret"),
        ] {
            let waiting = json!({"waiting": {"reason": reason, "message": "no Secret"}});
            assert_eq!(of(&container(&waiting), 1), failed(text));
        }
        for reason in ["ContainerCreating", "PodInitializing"] {
            let waiting = json!({"waiting": {"reason": reason}});
            assert_eq!(of(&container(&waiting), 1), Verdict::Running);
        }
    }

    #[test]
    fn time_is_limited_also_without_a_node() {
        let full = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "no nodes"}]});
        assert_eq!(of(&full, 59), Verdict::Running);
        assert_eq!(of(&full, 61), failed("it cannot be scheduled: no nodes"));
        assert_eq!(of(&json!({"phase": "Pending"}), 61), failed("it did not end within 60 s"));
        let late = json!({"phase": "Failed", "reason": "DeadlineExceeded", "message": "too late"});
        assert_eq!(of(&late, 1), failed("DeadlineExceeded: too late"));
    }
}
