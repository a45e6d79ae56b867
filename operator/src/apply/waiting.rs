/// What an application could not do yet, because something that is on its way has to happen first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// `SwitchingMode` or `WaitingForVolume`.
    pub reason: &'static str,
    pub message: String,
    /// Whether the mode the spec asks for is in force already.
    pub switched: bool,
}

impl Waiting {
    /// The mode that is being left still holds the volume.
    pub(super) fn for_previous_mode() -> Self {
        let message =
            "waiting for the pods of the previous mode to let go of the volume".to_owned();
        Self { reason: "SwitchingMode", message, switched: false }
    }

    /// The mode that is being left serves until the new one does.
    pub(super) fn for_new_pods() -> Self {
        let message =
            "the pods of the previous mode serve until those of the new one do".to_owned();
        Self { reason: "SwitchingMode", message, switched: false }
    }

    /// The new mode serves; the old one has requests on their way to it.
    pub(super) fn for_ingress() -> Self {
        let message =
            "the new pods serve; the previous ones stay until no request is on its way to them"
                .to_owned();
        Self { reason: "SwitchingMode", message, switched: true }
    }

    /// Something outside the current Deployments holds the volume.
    pub(super) fn for_holders(holders: &[String]) -> Self {
        let message = format!("waiting for {} to let go of the volume", holders.join(", "));
        Self { reason: "WaitingForVolume", message, switched: false }
    }
}
