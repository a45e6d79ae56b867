//! The command `check`: every setting as a start reads it, and nothing opened.

use std::{path::Path, process::Command};

use system_tests::binary;

/// The exit code, and what was printed on both streams.
fn check(name: &str, dir: &Path, env: &[(&str, &str)]) -> (i32, String, String) {
    let output = Command::new(binary(name))
        .arg("check")
        .env_clear()
        .envs(env.iter().copied())
        .current_dir(dir)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn good_settings_are_ok_and_nothing_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "a-token-in-a-file-of-tests").unwrap();
    let token = token.to_str().unwrap();
    // Nothing listens at these addresses, and port 1 needs rights that a check does not need.
    let database = "postgres://user:sesame@127.0.0.1:1/db?sslmode=disable";
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (name, env, words) in [
        ("vacancy", vec![("DATA_DIR", "new")], "stock in new, admin calls disabled"),
        ("vacancy", vec![("STORE_URL", database)], "stock in PostgreSQL"),
        ("vacancy", vec![("ADMIN_TOKEN_FILE", token)], "admin tokens: 1"),
        ("vacancy", vec![("VACANCY_PORT", &port), ("HOST", "127.0.0.1")], &port),
        ("ticket", vec![("VACANCY_URL", "http://nowhere.invalid:1")], "http://nowhere.invalid:1"),
        ("ticket", vec![("DEPLOYMENT_MODE", "monolith")], "monolith"),
    ] {
        let (code, out, error) = check(name, dir.path(), &env);
        assert_eq!((code, error.as_str()), (0, ""), "{env:?}");
        assert!(out.starts_with("ok: ") && out.lines().count() == 1, "{out}");
        assert!(out.contains(words) && !out.contains("sesame"), "{out}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the token is there: {left:?}");
}

#[test]
fn each_kind_of_wrong_setting_is_the_line_of_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        std::fs::write(dir.path().join(name), content).unwrap();
        name.to_owned()
    };
    let (empty, short) = (file("empty", "\n"), file("short", "sesame"));
    let both = ["vacancy", "ticket"].as_slice();
    let ticket = &both[1..];
    for (names, variable, env) in [
        (both, "MAX_QTY", vec![("MAX_QTY", "0")]),
        (both, "LOG_LEVEL", vec![("LOG_LEVEL", "LOUD")]),
        (both, "INITIAL_STOCK", vec![("INITIAL_STOCK", "11"), ("MAX_CAPACITY", "10")]),
        (both, "HOLD_TTL_S", vec![("HOLD_TTL_S", "4000")]),
        (both, "STORE_URL", vec![("STORE_URL", "mysql://u:sesame@db/x")]),
        (
            both,
            "STORE_URL",
            vec![("STORE_URL", "postgres://u:sesame@db/x?sslmode=verify-full&sslrootcert=/none")],
        ),
        (both, "ADMIN_TOKEN", vec![("ADMIN_TOKEN", "sesame")]),
        (both, "ADMIN_TOKEN", vec![("ADMIN_TOKEN", "a-token-that-is-long-enough,sesame")]),
        (both, "ADMIN_TOKEN_FILE", vec![("ADMIN_TOKEN_FILE", "/none/token")]),
        (both, "ADMIN_TOKEN_FILE", vec![("ADMIN_TOKEN_FILE", &empty)]),
        (both, "ADMIN_TOKEN_FILE", vec![("ADMIN_TOKEN_FILE", &short)]),
        (both, "OTEL_EXPORTER_OTLP_ENDPOINT", vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")]),
        (ticket, "VACANCY_URL", vec![("VACANCY_URL", "http://vacancy:8001/#api")]),
        (ticket, "VACANCY_TIMEOUT", vec![("VACANCY_TIMEOUT", "10")]),
        (ticket, "VACANCY_RESOLVE_INTERVAL_MS", vec![("VACANCY_RESOLVE_INTERVAL_MS", "99")]),
        (ticket, "HTTP_KEEPALIVE_CONNECTIONS", vec![("HTTP_KEEPALIVE_CONNECTIONS", "101")]),
        (ticket, "DEPLOYMENT_MODE", vec![("DEPLOYMENT_MODE", "both")]),
    ] {
        for name in names {
            let (code, out, error) = check(name, dir.path(), &env);
            assert_eq!((code, out.as_str()), (2, ""), "{name} {env:?}");
            let line = error.trim_end();
            assert!(line.starts_with(&format!("{variable}: ")), "{name} {env:?}: {error}");
            assert!(line.lines().count() == 1 && !line.contains("sesame"), "{error}");
            let started = Command::new(binary(name))
                .env_clear()
                .envs(env.iter().copied())
                .current_dir(dir.path())
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(started.stderr).unwrap(), error, "as a start says it");
        }
    }
    file(".env", "INITIAL_STOCK=many\n");
    let (code, _, error) = check("vacancy", dir.path(), &[]);
    assert!(code == 2 && error.starts_with("INITIAL_STOCK: "), "{error}");
}
