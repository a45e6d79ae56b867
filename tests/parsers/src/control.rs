//! A line of the control socket.

use vacancy::control::{Ask, Told};

/// A line of the control socket, in either direction, is parsed or refused. A directory is
/// absolute, and a parsed line survives a round trip.
///
/// # Panics
/// When that does not hold.
pub fn control(data: &[u8]) {
    match Ask::parse(data) {
        Ok(ask) => {
            let (Ask::Backup { dir } | Ask::Restore { dir }) = &ask;
            assert!(dir.is_absolute());
            assert_eq!(Ask::parse(&serde_json::to_vec(&ask).unwrap()), Ok(ask));
        }
        Err(reason) => assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}"),
    }
    if let Ok(told) = serde_json::from_slice::<Told>(data) {
        assert_eq!(
            serde_json::from_slice::<Told>(&serde_json::to_vec(&told).unwrap()).unwrap(),
            told
        );
    }
}
