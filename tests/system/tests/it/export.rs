//! `export` for spreadsheets, and to outputs that fail.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Process, binary};

fn export(data_dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary("vacancy"));
    command
        .env_clear()
        .env("ADMIN_TOKEN", ADMIN_TOKEN)
        .env("DATA_DIR", data_dir)
        .current_dir(data_dir)
        .arg("export")
        .args(args);
    command
}

fn csv(data_dir: &Path, args: &[&str]) -> String {
    let output = export(data_dir, &[&["--format", "csv"], args].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A stopped store with one sale for each text, as customer, payment reference and key.
async fn sold_to(dir: &Path, texts: &[&str]) {
    let vacancy = Process::vacancy(dir, &[]).await;
    let client = vacancy.client();
    for text in texts {
        let items = json!([{"stock": "general", "qty": 1}]);
        let body = json!({"event": "default", "items": items, "customer": text});
        let hold = client.post("/api/v1/holds", body).await;
        assert_eq!(hold.status, 201, "{text}: {}", hold.json());
        let path = format!("/api/v1/holds/{}/confirm", hold.json()["id"].as_str().unwrap());
        let key = text.chars().filter(|c| c.is_ascii() && *c != '"').collect::<String>() + "#";
        let confirmed = client.keyed(&path, &key, json!({"payment_ref": text})).await.unwrap();
        assert_eq!(confirmed.status, 200, "{text}: {}", confirmed.json());
    }
    assert_eq!(vacancy.terminate().await, Some(0));
}

#[tokio::test]
async fn formulas_are_neutralised_unless_raw() {
    let formulas = [
        "=HYPERLINK(\"http://evil.example\";\"free\")",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1)",
        "\"=1+1\"",
        "x;=1+1",
        "'=1",
    ];
    let harmless = ["Zoë", "a=b", "O'Brien", "me@example.com", "12-34"];
    let dir = tempfile::tempdir().unwrap();
    sold_to(dir.path(), &[&formulas[..], &harmless].concat()).await;

    let table = csv(dir.path(), &[]);
    let rows: Vec<Vec<String>> = parse(&table);
    for (row, text) in rows[1..].iter().zip(formulas) {
        for cell in &row[8..] {
            for part in cell.split([';', ',', '|']) {
                let visible = part.trim_start_matches(['"', ' ']);
                assert!(!visible.starts_with(['=', '+', '-', '@']), "{text:?} became {cell:?}");
            }
        }
        assert_eq!(row[7], "1", "numbers stay numbers");
    }
    for (row, text) in rows[1 + formulas.len()..].iter().zip(harmless) {
        assert_eq!((row[8].as_str(), row[9].as_str()), (text, text));
    }
    assert_eq!(rows[1][8], format!("'{}", formulas[0]), "only marks are added");

    let raw = parse(&csv(dir.path(), &["--raw"]));
    for (row, text) in raw[1..].iter().zip(formulas.iter().chain(&harmless)) {
        assert_eq!((row[8].as_str(), row[9].as_str()), (*text, *text));
    }

    let marked = csv(dir.path(), &["--bom"]);
    assert_eq!(marked.strip_prefix('\u{feff}'), Some(table.as_str()));
    assert!(!table.starts_with('\u{feff}'));

    let lines = export(dir.path(), &["--format", "jsonl"]).output().unwrap().stdout;
    let first: Value =
        serde_json::from_slice(lines.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["customer"], formulas[0], "JSON has every text as it is");
}

/// The cells of a table as RFC 4180 writes them.
fn parse(table: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = table.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            char => cell.push(char),
        }
    }
    rows
}

#[tokio::test]
async fn output_that_fails_is_told_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    sold_to(dir.path(), &["a", "b"]).await;
    for format in ["csv", "jsonl"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = export(dir.path(), &["--format", format])
            .stdout(Stdio::from(full))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
        assert!(line.contains("standard output") && line.contains("No space left"), "{line}");
    }
    let file = dir.path().join("missing/sales.csv");
    let file = file.to_str().unwrap();
    let output = export(dir.path(), &["--format", "csv", "--output", file]).output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(line.contains(file) && line.trim_end().lines().count() == 1, "{line}");
    // A message that nobody can read is no reason to fail.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = export(dir.path(), &["--format", "csv"]).stderr(Stdio::from(full)).output();
    assert_eq!(output.unwrap().status.code(), Some(0));
}

#[tokio::test]
async fn closed_pipe_ends_the_export_quietly() {
    let dir = tempfile::tempdir().unwrap();
    sold_to(dir.path(), &["a", "b"]).await;
    for format in ["csv", "jsonl"] {
        let mut child = export(dir.path(), &["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.as_str()), (Some(141), ""));
    }
}
