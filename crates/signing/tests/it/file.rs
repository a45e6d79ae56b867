//! The file of keys: read, created once, for its owner alone.

use std::{fs, os::unix::fs::PermissionsExt, sync::Barrier, thread};

use signing::{FILE_NAME, KeyFileError, SigningKeys};

use crate::support::{D, jwk, keys};

#[test]
fn missing_file_is_created_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let created = SigningKeys::load_or_create(dir.path(), [1; 32]).unwrap();
    let path = dir.path().join(FILE_NAME);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap(), SigningKeys::generate([1; 32]));
    // The next start has other random bytes, and the same keys.
    assert_eq!(SigningKeys::load_or_create(dir.path(), [2; 32]).unwrap(), created);
    assert_eq!(SigningKeys::load(&path).unwrap(), created);
}

#[test]
fn processes_that_race_get_the_same_keys() {
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let start = Barrier::new(8);
        let loaded: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let (dir, start) = (dir.path(), &start);
                    scope.spawn(move || {
                        start.wait();
                        SigningKeys::load_or_create(dir, [round * 8 + n; 32]).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(loaded.iter().all(|keys| *keys == loaded[0]), "{loaded:?}");
        let files: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [FILE_NAME]);
    }
}

#[test]
fn file_that_exists_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    for text in ["", "{", r#"{"keys":[]}"#, D] {
        fs::write(&path, text).unwrap();
        let error = SigningKeys::load_or_create(dir.path(), [1; 32]).unwrap_err();
        assert!(matches!(error, KeyFileError::Invalid { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(D));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn file_with_several_keys_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let pair = [jwk("new", 1), jwk("old", 2)];
    fs::write(&path, format!("{:#}\n", serde_json::json!({ "keys": pair }))).unwrap();
    assert_eq!(SigningKeys::load(&path).unwrap(), keys(&pair));
}

#[test]
fn unusable_files_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let error = SigningKeys::load(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::Unreadable { .. }), "{error:?}");
    fs::write(&path, vec![b' '; 65_537]).unwrap();
    let error = SigningKeys::load(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::TooLong(_)), "{error:?}");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let error = SigningKeys::load(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::Invalid { .. }), "{error:?}");
    let error = SigningKeys::load_or_create(dir.path().join("none"), [1; 32]).unwrap_err();
    assert!(matches!(error, KeyFileError::NotCreated { .. }), "{error:?}");
}
