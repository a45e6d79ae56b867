//! The patches of `tests/mutants`, which `make mutants` builds and runs, apply to the sources.

use architecture_tests::{mutants::stale, sources::root};

#[test]
fn planted_bugs_apply_to_the_sources() {
    assert_eq!(stale(&root(), &root().join("tests/mutants")).unwrap(), [""; 0]);
}
