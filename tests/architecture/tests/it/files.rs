//! Rules about single files.

use architecture_tests::sources::{SourceFile, all, root, too_long, without_module_doc};

/// Files over 400 lines, each with the reason. Remove an entry when its file is shorter.
const LONG: &[(&str, &str)] = &[];

/// Folders with files that have no module doc yet. Remove an entry when all have one.
const WITHOUT_DOC: &[&str] = &[];

fn files() -> Vec<SourceFile> {
    let files = all(&root()).unwrap();
    assert!(files.len() > 300, "only {} files were found", files.len());
    files
}

#[test]
fn long_files_are_listed_with_a_reason() {
    assert_eq!(too_long(&files(), LONG), [""; 0]);
}

#[test]
fn every_module_begins_with_its_doc() {
    assert_eq!(without_module_doc(&files(), WITHOUT_DOC), [""; 0]);
}
