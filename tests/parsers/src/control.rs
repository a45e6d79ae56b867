//! A line of the control socket.

use vacancy::control::{ControlRequest, ControlResponse};

/// A line of the control socket, in either direction, is parsed or refused. A directory is
/// absolute, and a parsed line survives a round trip.
///
/// # Panics
/// When that does not hold.
pub fn control(data: &[u8]) {
    match ControlRequest::parse(data) {
        Ok(ask) => {
            if let ControlRequest::Backup { dir } | ControlRequest::Restore { dir } = &ask {
                assert!(dir.is_absolute());
            }
            assert_eq!(ControlRequest::parse(&serde_json::to_vec(&ask).unwrap()), Ok(ask));
        }
        Err(reason) => assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}"),
    }
    if let Ok(told) = serde_json::from_slice::<ControlResponse>(data) {
        assert_eq!(
            serde_json::from_slice::<ControlResponse>(&serde_json::to_vec(&told).unwrap()).unwrap(),
            told
        );
    }
}
