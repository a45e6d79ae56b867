//! The corpus contains valid inputs: changes of invalid ones reach little code.

use std::path::{Path, PathBuf};

use inventory_embedded::rows::reread;
use operator::commands::diff;
use vacancy::control::ControlRequest;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

#[test]
fn corpus_has_rows_of_each_kind() {
    for (file, kind) in [
        ("customer", "row of customers"),
        ("event", "row of events"),
        ("hold", "row of holds"),
        ("key", "row of keys"),
        ("ledger_key", "key of ledger"),
        ("order_key", "key of key_order"),
    ] {
        let row = std::fs::read(folder("rows").join(file)).unwrap();
        assert!(reread(&row).contains(&(kind, row)), "{file} is no {kind}");
    }
}

#[test]
fn corpus_parses_as_ticket_systems_and_control_requests() {
    for entry in std::fs::read_dir(folder("ticket_system")).unwrap().flatten() {
        let systems = diff::parse(&std::fs::read_to_string(entry.path()).unwrap(), "shop");
        assert_eq!(systems.map(|systems| systems.len()), Ok(1), "{}", entry.path().display());
    }
    for (file, good) in
        [("backup", true), ("restore", true), ("relative", false), ("line_break", false)]
    {
        assert_eq!(
            ControlRequest::parse(&std::fs::read(folder("control").join(file)).unwrap()).is_ok(),
            good,
            "{file}"
        );
    }
}
