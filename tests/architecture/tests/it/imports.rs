//! Rules between the modules of a crate.

use std::{collections::BTreeSet, path::Path};

use architecture_tests::{
    cycles::{circles, describe},
    dependencies, imports,
    sources::root,
};

/// Circles that are still there: the package and the files. Remove an entry when its circle is
/// gone; the test fails until you do.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "http-server",
        &[
            "crates/http-server/src/docs/mod.rs",
            "crates/http-server/src/docs/redoc.rs",
            "crates/http-server/src/docs/swagger.rs",
        ],
    ),
    (
        "http-server",
        &["crates/http-server/src/health/check.rs", "crates/http-server/src/health/mod.rs"],
    ),
    (
        "http-server",
        &[
            "crates/http-server/src/middleware/call.rs",
            "crates/http-server/src/middleware/future.rs",
            "crates/http-server/src/middleware/mod.rs",
        ],
    ),
    (
        "http-server",
        &[
            "crates/http-server/src/middleware/quota/client.rs",
            "crates/http-server/src/middleware/quota/settings.rs",
        ],
    ),
    (
        "http-server",
        &["crates/http-server/tests/it/docs.rs", "crates/http-server/tests/it/support.rs"],
    ),
    (
        "inventory-audit",
        &[
            "crates/inventory-audit/src/verify/audit.rs",
            "crates/inventory-audit/src/verify/feed.rs",
            "crates/inventory-audit/src/verify/keys.rs",
            "crates/inventory-audit/src/verify/mod.rs",
            "crates/inventory-audit/src/verify/readonly.rs",
            "crates/inventory-audit/src/verify/spill.rs",
            "crates/inventory-audit/src/verify/state.rs",
        ],
    ),
    (
        "inventory-embedded",
        &["crates/inventory-embedded/src/options.rs", "crates/inventory-embedded/src/tables.rs"],
    ),
    (
        "inventory-engine",
        &["crates/inventory-engine/src/request.rs", "crates/inventory-engine/src/stats.rs"],
    ),
    ("ticket", &["services/ticket/src/api/mod.rs", "services/ticket/src/api/purchase.rs"]),
];

/// Files of ticket that may name the crate `vacancy`: the binary, which assembles the monolith.
const TICKET_NAMES_VACANCY: &[&str] =
    &["services/ticket/src/main.rs", "services/ticket/src/monolith.rs"];

/// Each target of the packages called `name`, or of all, parsed, with paths below the repository.
fn crates(name: Option<&str>) -> Vec<(String, imports::Crate)> {
    let root = root();
    let metadata = dependencies::load(&root).unwrap();
    let packages = metadata.workspace_packages().into_iter();
    let chosen = packages.filter(|package| name.is_none_or(|name| package.name == name));
    let targets = chosen.flat_map(|package| {
        package.targets.iter().map(|target| (package.name.to_string(), target.src_path.clone()))
    });
    targets
        .map(|(package, file)| {
            let file = file.strip_prefix(&root).unwrap().to_owned();
            let read = |path: &Path| std::fs::read_to_string(root.join(path)).ok();
            (package, imports::load(file.as_std_path(), &read).unwrap())
        })
        .collect()
}

#[test]
fn modules_import_in_no_circle() {
    let mut found = BTreeSet::new();
    let mut shown = Vec::new();
    for (package, parsed) in crates(None) {
        let edges = parsed.edges();
        for circle in circles(&edges) {
            let files: Vec<_> = circle.iter().cloned().collect();
            let known = KNOWN.iter().any(|(name, known)| *name == package && files == *known);
            if !known {
                shown.push(format!("{package}: {}\n  {files:?}", describe(&edges, &circle)));
            }
            found.insert((package.clone(), files));
        }
    }
    let gone = KNOWN.iter().filter(|(package, files)| {
        !found.iter().any(|(name, circle)| name == package && circle == files)
    });
    shown.extend(gone.map(|known| format!("changed or gone, change KNOWN: {known:?}")));
    assert!(shown.is_empty(), "circles of imports:\n{}", shown.join("\n"));
}

#[test]
fn ticket_names_vacancy_only_where_it_wires_the_monolith() {
    let ticket = crates(Some("ticket")).into_iter();
    let found: BTreeSet<_> =
        ticket.flat_map(|(_, parsed)| parsed.files_that_name("vacancy")).collect();
    let allowed: BTreeSet<_> = TICKET_NAMES_VACANCY.iter().map(|file| (*file).to_owned()).collect();
    assert_eq!(found, allowed, "left: files that name vacancy; right: files that may");
}
