//! Every setting with values that it cannot have, misspelt settings, and `.env`.

use std::{
    os::unix::ffi::OsStrExt,
    path::Path,
    process::{Command, Output},
};

use system_tests::{Process, binary};

/// Values that no number, flag or choice accepts.
const BAD: [&str; 3] = ["banana", "-1", "1e99"];

/// Settings that accept any text.
const ANY_TEXT: [&str; 2] = ["SERVICE_NAME", "ENVIRONMENT"];

/// Values that other settings do not accept. All contain the word that no message may show.
fn bad_values(name: &str, dir: &Path) -> Vec<String> {
    let file = dir.join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let all: Vec<&str> = match name {
        // Any path is a text; whether it can be used shows at the start.
        "DATA_DIR" => {
            return [
                "/dev/null",
                file,
                &format!("{file}/below"),
                "/proc/none",
                &"/x".repeat(4_000),
            ]
            .map(str::to_owned)
            .into();
        }
        "VACANCY_URL" => vec![
            "vacancy:8001",
            "http:/vacancy:8001",
            "http//vacancy:8001",
            "http://vacancy:80O1",
            "http://vacancy:65536",
            "http://vacancy;8001",
            "http://vac ancy",
            "https://vacancy",
            "http://u:secret@vacancy",
            "http://vacancy/secret",
            "http://vacancy?secret",
            "http://vacancy#secret",
            "http://",
        ],
        "OTEL_EXPORTER_OTLP_ENDPOINT" => vec![
            "collector:4318",
            "http:/collector",
            "http://collector:port",
            "http://collector:0",
            "grpc://collector",
            "http://u:secret@collector",
            "http://collector?secret",
            "http://",
        ],
        "STORE_URL" => vec![
            "postgres:/u:secret@h/db",
            "postgress://u:secret@h/db",
            "postgres//u:secret@h/db",
            "u:secret@h/db",
            "postgres://u:secret@h:port/db",
            "postgres://u:secret@h:65536/db",
            "postgres://u:secret@h h/db",
            "postgres://u:secret@secret@h/db",
            "postgres://u:secret@h/db?sslmode=secret",
            "postgres://u:secret@h/db?secret=1",
            "postgres://u:secret@h/db?sslmode=verify-full&sslrootcert=/none",
            "postgres://",
        ],
        "STORE_SCHEMA" => vec![
            "Upper",
            "a-b",
            "a b",
            "1a",
            "_a",
            "a\"b",
            "a;b",
            "ä",
            "pg_stock",
            "information_schema",
            "a234567890123456789012345678901234567890123456789012345678901234",
        ],
        "ADMIN_TOKEN" => vec!["secret", "secret with spaces in it", "secret"],
        _ => BAD.to_vec(),
    };
    all.into_iter().map(str::to_owned).collect()
}

fn settings_of(name: &str) -> Vec<String> {
    let output = Command::new(binary(name)).arg("--help").env_clear().output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let is_setting =
        |word: &str| word.len() > 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let first = |line: &str| line.trim_start().split(' ').next().unwrap_or_default().to_owned();
    help.lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(first)
        .filter(|word| is_setting(word))
        .collect()
}

fn start(name: &str, dir: &Path, env: &[(&str, &str)]) -> Output {
    // A value that is accepted would start a server: on no port that is in use, and not for long.
    Command::new("timeout")
        .args(["20", binary(name).to_str().unwrap()])
        .env_clear()
        .envs([("HOST", "127.0.0.1"), ("VACANCY_PORT", "0"), ("MONOLITH_PORT", "0")])
        .envs([("TICKET_PORT", "0"), ("PATH", "/usr/bin:/bin")])
        .envs([("DATA_DIR", dir.join("data").to_str().unwrap())])
        .envs([("DEPLOYMENT_MODE", "monolith")])
        .envs(env.iter().copied())
        .current_dir(dir)
        .output()
        .unwrap()
}

#[test]
fn every_setting_refuses_bad_values_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["vacancy", "ticket"] {
        let settings = settings_of(name);
        assert!(settings.len() >= 40, "{settings:?}");
        let checked = |one: &&String| !ANY_TEXT.contains(&one.as_str()) && *one != "HOST";
        for setting in settings.iter().filter(checked) {
            for value in bad_values(setting, dir.path()) {
                let output = start(name, dir.path(), &[(setting, &value)]);
                let line = String::from_utf8(output.stderr).unwrap();
                let what = format!("{name} {setting}={value:?}: {line}");
                assert_eq!(output.status.code(), Some(2), "{what}");
                assert!(output.stdout.is_empty(), "{what}");
                assert!(line.starts_with(&format!("{setting}: ")), "{what}");
                assert_eq!(line.trim_end().lines().count(), 1, "{what}");
                assert!(line.len() < 5_000 && !line.contains("secret"), "{what}");
            }
        }
    }
}

#[test]
fn value_that_is_not_unicode_or_huge_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["vacancy", "ticket"] {
        for setting in ["INITIAL_STOCK", "STORE_URL", "DATA_DIR", "HOST"] {
            let output = Command::new(binary(name))
                .env_clear()
                .env(setting, std::ffi::OsStr::from_bytes(b"a\xffb"))
                .current_dir(dir.path())
                .output()
                .unwrap();
            let line = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{line}");
            assert_eq!(line, format!("{setting}: the value is not valid UTF-8\n"));
        }
        let huge = "9".repeat(100_000);
        let output = start(name, dir.path(), &[("INITIAL_STOCK", &huge)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stderr.len() < 500, "{} bytes", output.stderr.len());
        let lines = start(name, dir.path(), &[("INITIAL_STOCK", "1\n2")]).stderr;
        assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 1);
    }
}

/// Starts `name` with this `.env`, and returns its exit code and standard error.
fn with_dotenv(name: &str, text: &[u8], args: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".env"), text).unwrap();
    let output =
        Command::new(binary(name)).args(args).env_clear().current_dir(dir.path()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn errors_of_dotenv_name_line_and_reason_and_no_secret() {
    for name in ["vacancy", "ticket"] {
        for (text, line, reason) in [
            (&b"INITIAL_STOCK=5\nADMIN_TOKEN='hunter2-hunter2"[..], 2, "ADMIN_TOKEN: the quote"),
            (b"\r\n\r\nhunter2-hunter2\r\n", 3, "expected NAME=value"),
            (b"ADMIN_TOKEN=\"hunter2-\\hunter2\"", 1, "unknown escape"),
            (b"ADMIN_TOKEN='hunter2' hunter2", 1, "text after the closing quote"),
            (b"A=1\nADMIN_TOKEN=hunter2-\xff", 2, "not valid UTF-8"),
        ] {
            let (code, error) = with_dotenv(name, text, &[]);
            assert_eq!((code, error.lines().count()), (Some(2), 1), "{error}");
            assert!(error.starts_with(&format!(".env: line {line}: ")), "{error}");
            assert!(error.contains(reason) && !error.contains("hunter2"), "{error}");
        }
    }
}

#[tokio::test]
async fn secrets_with_dollars_and_quotes_are_literal() {
    // Each secret as `.env` has it, and as callers send it.
    for (written, token) in [
        ("aaaaaaaa$bbbbbbbb", "aaaaaaaa$bbbbbbbb"),
        ("aaaaaaaa${HOME}bbbb$$", "aaaaaaaa${HOME}bbbb$$"),
        ("\"aaaaaaaa$HOME\\\"\\\\bbb\"", "aaaaaaaa$HOME\"\\bbb"),
        ("'aaaaaaaa#$bbbbbbbb' # the token", "aaaaaaaa#$bbbbbbbb"),
        ("aaaaaaaa#bbbb\\n\"'x", "aaaaaaaa#bbbb\\n\"'x"),
    ] {
        let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = format!("\u{feff}export ADMIN_TOKEN={written}\r\n");
        std::fs::write(dir.path().join(".env"), text).unwrap();
        let cd = format!("cd {} && unset ADMIN_TOKEN && exec \"$@\"", dir.path().display());
        let by = ["sh", "-c", &cd, "sh"];
        let data = data.path().to_str().unwrap();
        let vacancy = Process::start_by(&by, "127.0.0.1", "vacancy", &[("DATA_DIR", data)]).await;
        let answer = vacancy
            .client()
            .call(
                reqwest::Method::GET,
                "/api/v1/admin/events/default/sales",
                &[("authorization", &format!("Bearer {token}"))],
                None,
            )
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{written}");
    }
}

#[tokio::test]
async fn misspelt_settings_are_warned_about() {
    let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(
        dir.path().join(".env"),
        "ADMIN_TOEKN=hunter2\nINITIAL_STOCK=1\nINITIAL_STOCK=2\n",
    )
    .unwrap();
    let cd = format!("cd {} && exec \"$@\"", dir.path().display());
    let by = ["sh", "-c", &cd, "sh"];
    for (name, mode) in [("vacancy", "microservices"), ("ticket", "monolith")] {
        let env = [
            ("DATA_DIR", data.path().to_str().unwrap()),
            ("DEPLOYMENT_MODE", mode),
            ("MAX_QYT", "5"),
            ("STORE_CONECTIONS", "5"),
            // Settings of the other service, and variables of others.
            ("VACANCY_QUEUE_MAX", "77"),
            ("VACANCY_PORT_8001_TCP", "tcp://10.0.0.1:8001"),
            ("HOSTNAME", "h"),
        ];
        let process = Process::start_by(&by, "127.0.0.1", name, &env).await;
        let mut warnings = process.logged("WARN");
        warnings.extend(process.logged("WARNING"));
        assert_eq!(
            warnings,
            [
                ".env: line 3: INITIAL_STOCK is set again; line 2 does not count",
                "ADMIN_TOEKN is not a setting; did you mean ADMIN_TOKEN?",
                "MAX_QYT is not a setting; did you mean MAX_QTY?",
                "STORE_CONECTIONS is not a setting; did you mean STORE_CONNECTIONS?",
            ]
        );
        assert_eq!(process.terminate().await, Some(0));
    }
}

#[test]
fn settings_of_one_service_are_no_mistakes_of_the_other() {
    let (of_ticket, of_vacancy) = (settings_of("ticket"), settings_of("vacancy"));
    assert!(of_vacancy.iter().all(|setting| of_ticket.contains(setting)));
    for setting in of_ticket.iter().filter(|setting| !of_vacancy.contains(setting)) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), format!("{setting}=1\n")).unwrap();
        let output = Command::new(binary("vacancy"))
            .args(["verify", "--backup", "/none"])
            .env_clear()
            .current_dir(dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains("did you mean"), "{setting}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_may_be_a_keyword() {
    let server = tokio::task::spawn_blocking(test_postgres::Server::common).await.unwrap();
    let url = server.database().await;
    for schema in ["select", "user", "table", "order", "public"] {
        let env = [("STORE_URL", url.as_str()), ("STORE_SCHEMA", schema)];
        let vacancy = Process::start("vacancy", &env).await;
        let client = vacancy.client();
        let since = std::time::Instant::now();
        while client.get("/ready").await.status != 200 {
            assert!(
                since.elapsed().as_secs() < 30,
                "{schema}: {}",
                client.get("/ready").await.json()
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let sold = client.post("/api/v1/reserve", serde_json::json!({"qty": 1})).await;
        assert_eq!((sold.status, client.available().await), (200, 999), "{schema}");
        let verified = Command::new(binary("vacancy")).arg("verify").env_clear().envs(env).output();
        assert!(verified.unwrap().status.success(), "{schema}");
    }
}
