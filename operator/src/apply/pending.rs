//! Reasons to postpone a part of an application.

/// Reason while a new template is checked.
pub const PREFLIGHT: &str = "Preflight";

/// An event that has to happen before the rest of the spec can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// `SwitchingMode`, `WaitingForVolume` or `Preflight`.
    pub reason: &'static str,
    pub message: String,
    /// Whether the system already runs in the mode of the spec.
    pub mode_switched: bool,
}

impl Pending {
    /// The pods of the previous mode hold the volume.
    pub(super) fn volume_release() -> Self {
        let message = "waiting for the pods of the previous mode to release the volume".to_owned();
        Self { reason: "SwitchingMode", message, mode_switched: false }
    }

    /// The pods of the previous mode serve until those of the new mode are ready.
    pub(super) fn new_pods() -> Self {
        let message =
            "waiting for the new pods; the pods of the previous mode are serving".to_owned();
        Self { reason: "SwitchingMode", message, mode_switched: false }
    }

    /// Ticket serves with the stock of the previous mode, and requests move to it.
    pub(super) fn request_move() -> Self {
        let message = "the new pods accept requests; the pod of the previous mode keeps the stock \
                       until its own requests have drained"
            .to_owned();
        Self { reason: "SwitchingMode", message, mode_switched: false }
    }

    /// The pod that checks the new writer has not ended, or has failed.
    pub(super) fn new_writer() -> Self {
        let message = "checking the new image and settings; the pods of the previous mode are \
                       serving"
            .to_owned();
        Self { reason: "SwitchingMode", message, mode_switched: false }
    }

    /// The new mode serves, and requests may still reach the pods of the previous one.
    pub(super) fn request_drain() -> Self {
        let message =
            "the new pods are serving; the previous pods stay until their requests have drained"
                .to_owned();
        Self { reason: "SwitchingMode", message, mode_switched: true }
    }

    /// The pod that checks a new template has not ended.
    pub(super) fn check(message: String) -> Self {
        Self { reason: PREFLIGHT, message, mode_switched: true }
    }

    /// Objects outside the current Deployments hold the volume.
    pub(super) fn volume_holders(holders: &[String]) -> Self {
        let message = format!("waiting for {} to release the volume", holders.join(", "));
        Self { reason: "WaitingForVolume", message, mode_switched: false }
    }
}
