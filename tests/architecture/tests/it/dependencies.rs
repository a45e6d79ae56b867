//! Rules between crates, over cargo's graph of normal dependencies.

use architecture_tests::{
    dependencies::{Forbidden, Graph, Reach, load},
    sources::root,
};

const HTTP: &[&str] = &["hyper", "axum", "reqwest", "http-server"];

/// Packages in `tests/` that others use.
const TESTS: &[&str] =
    &["chart-tests", "checker", "inventory-tests", "simulation", "system-tests", "test-postgres"];

/// Packages that may not depend on others.
const FORBIDDEN: &[Forbidden] = &[
    // The rules and the ledger do no I/O and read neither a clock nor random numbers.
    Forbidden {
        from: "inventory",
        to: &["tokio", "fjall", "tokio-postgres", "rand", "hyper", "axum", "reqwest"],
        reach: Reach::Transitive,
    },
    // Draws and admission are pure as well.
    Forbidden {
        from: "draw",
        to: &["tokio", "rand", "fjall", "tokio-postgres", "hyper", "inventory*"],
        reach: Reach::Transitive,
    },
    Forbidden {
        from: "admission",
        to: &["tokio", "rand", "draw", "inventory*"],
        reach: Reach::Transitive,
    },
    // Who checks a draw shares no code with those who make it.
    Forbidden {
        from: "draw-verifier",
        to: &["draw", "admission", "inventory*", "queue-controller", "public-api"],
        reach: Reach::Transitive,
    },
    // What runs waiting rooms knows no HTTP server.
    Forbidden {
        from: "queue-controller",
        to: &["axum", "http-server", "public-api", "vacancy*", "ticket"],
        reach: Reach::Transitive,
    },
    // The inventory does not know HTTP.
    Forbidden { from: "inventory*", to: HTTP, reach: Reach::Transitive },
    Forbidden { from: "inventory*", to: &["http"], reach: Reach::Transitive },
    // The engine runs on any store.
    Forbidden {
        from: "inventory-engine",
        to: &["inventory-embedded", "inventory-postgres", "fjall", "tokio-postgres"],
        reach: Reach::Transitive,
    },
    Forbidden {
        from: "inventory-store",
        to: &["inventory-*", "fjall", "tokio-postgres"],
        reach: Reach::Transitive,
    },
    // The stores do not know each other or the engine.
    Forbidden {
        from: "inventory-embedded",
        to: &["inventory-postgres", "inventory-engine", "inventory-audit", "tokio-postgres"],
        reach: Reach::Transitive,
    },
    Forbidden {
        from: "inventory-postgres",
        to: &["inventory-embedded", "inventory-engine", "inventory-audit", "fjall"],
        reach: Reach::Transitive,
    },
    Forbidden { from: "inventory-audit", to: &["inventory-engine"], reach: Reach::Transitive },
    // Settings are for services and the operator alike.
    Forbidden {
        from: "config",
        to: &["hyper", "axum", "reqwest", "tokio", "http-server", "telemetry", "inventory*"],
        reach: Reach::Transitive,
    },
    // The OTLP exporter brings an HTTP client of its own: the rule is about the manifest.
    Forbidden { from: "telemetry", to: HTTP, reach: Reach::Direct },
    Forbidden {
        from: "telemetry",
        to: &["axum", "http-server", "inventory*"],
        reach: Reach::Transitive,
    },
    Forbidden {
        from: "http-server",
        to: &["inventory*", "vacancy*", "ticket", "operator"],
        reach: Reach::Transitive,
    },
    // The operator knows the services by their images alone.
    Forbidden {
        from: "operator",
        to: &["inventory*", "vacancy*", "ticket"],
        reach: Reach::Transitive,
    },
    Forbidden { from: "vacancy", to: &["ticket", "operator"], reach: Reach::Transitive },
    Forbidden { from: "ticket", to: &["operator"], reach: Reach::Transitive },
    // The binaries of the product contain no tests.
    Forbidden { from: "ticket", to: TESTS, reach: Reach::Transitive },
    Forbidden { from: "operator", to: TESTS, reach: Reach::Transitive },
];

/// Packages that only some of the workspace may name in their manifests.
const ONLY: &[(&str, &[&str])] = &[
    ("tokio-postgres", &["inventory-postgres"]),
    ("tokio-postgres-rustls", &["inventory-postgres"]),
    ("fjall", &["inventory-embedded", "inventory-audit"]),
    ("kube", &["operator"]),
    ("k8s-openapi", &["operator"]),
];

/// Packages whose types are in public interfaces: one version each, as in deny.toml.
const ONE_VERSION: &[&str] = &["axum", "k8s-openapi", "kube", "schemars", "tower-http"];
/// A package, the start of its version, and the only package that may depend on it.
const OTHER_VERSIONS: &[(&str, &str, &str)] = &[("tower-http", "0.6.", "reqwest")];

fn graph() -> Graph {
    Graph::of(&load(&root()).unwrap())
}

#[test]
fn crates_depend_only_on_what_their_rules_allow() {
    assert_eq!(graph().broken(FORBIDDEN), [""; 0]);
}

#[test]
fn drivers_and_clients_stay_in_their_crates() {
    let graph = graph();
    let found: Vec<_> =
        ONLY.iter().flat_map(|(needed, users)| graph.used_elsewhere(needed, users)).collect();
    assert_eq!(found, [""; 0]);
    for (_, users) in ONLY {
        for user in *users {
            assert_eq!(graph.members(user).count(), 1, "no package is called {user}");
        }
    }
}

#[test]
fn product_depends_on_no_test_code() {
    assert_eq!(graph().test_util_in_product(), [""; 0]);
}

#[test]
fn public_types_have_one_version() {
    assert_eq!(graph().several_versions(ONE_VERSION, OTHER_VERSIONS), [""; 0]);
}
