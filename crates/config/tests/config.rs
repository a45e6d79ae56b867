use std::{path::Path, time::Duration};

use config::{
    ConfigError, Group, Secret, Source, Var, render_dotenv, render_help, render_markdown,
};

const PORT: Var = Var::new("TEST_PORT", "8000", "port", "Port to listen on");
const TOKEN: Var = Var::secret("TEST_TOKEN", "number (in this test)", "Token | of the test");
const PAUSE: Var = Var::new("TEST_PAUSE", "2.0", "seconds", "Pause");
const FLAG: Var = Var::new("TEST_FLAG", "false", "true or false", "Flag");
const NAME: Var = Var::optional("TEST_NAME", "text", "Name");
const GROUP: Group = Group { title: "Test", vars: &[&PORT, &TOKEN, &PAUSE, &FLAG, &NAME] };

fn source(pairs: &[(&str, &str)]) -> Source {
    Source::from_pairs(pairs.iter().copied())
}

#[test]
fn names_are_case_insensitive_and_empty_is_unset() {
    assert_eq!(source(&[]).get::<u16>(&PORT).expect("the default"), 8000);
    assert_eq!(source(&[("test_Port", "81")]).get::<u16>(&PORT).expect("a port"), 81);
    assert_eq!(source(&[("TEST_PORT", "  ")]).get::<u16>(&PORT).expect("the default"), 8000);
    assert_eq!(source(&[]).get_opt::<String>(&NAME).expect("nothing wrong"), None);
    assert!(matches!(source(&[]).get::<String>(&NAME), Err(ConfigError::Missing { .. })));
}

#[test]
fn errors_are_one_line_that_names_the_variable_and_hides_secrets() {
    let wrong = source(&[
        ("TEST_PORT", "eighty"),
        ("TEST_TOKEN", "hunter2"),
        ("TEST_PAUSE", "-1"),
        ("TEST_FLAG", "maybe"),
    ]);
    let messages = [
        wrong.get::<u16>(&PORT).expect_err("not a number").to_string(),
        wrong.get_in_range::<u16>(&PORT, 1..=9).expect_err("not a number").to_string(),
        wrong.get_opt::<u16>(&TOKEN).expect_err("not a number").to_string(),
        wrong.get_duration_s(&PAUSE).expect_err("negative").to_string(),
        wrong.get_bool(&FLAG).expect_err("not a flag").to_string(),
    ];
    assert_eq!(messages[0], "TEST_PORT: \"eighty\" is not accepted; expected port");
    assert_eq!(messages[1], "TEST_PORT: \"eighty\" is not accepted; expected port from 1 to 9");
    assert!(
        messages[2].starts_with("TEST_TOKEN: ") && !messages[2].contains("hunter2"),
        "{}",
        messages[2]
    );
    assert!(messages.iter().all(|message| message.lines().count() == 1));
    assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(hidden)");
}

#[test]
fn durations_and_flags() {
    for (text, expected) in [
        ("2.0", Some(2_000)),
        ("0.25", Some(250)),
        ("3", Some(3_000)),
        ("nan", None),
        ("1e99", None),
        ("inf", None),
    ] {
        let duration = source(&[("TEST_PAUSE", text)]).get_duration_s(&PAUSE).ok();
        assert_eq!(duration, expected.map(Duration::from_millis), "{text}");
    }
    for (text, expected) in [
        ("YES", true),
        ("on", true),
        ("1", true),
        ("True", true),
        ("no", false),
        ("OFF", false),
        ("0", false),
    ] {
        assert_eq!(
            source(&[("TEST_FLAG", text)]).get_bool(&FLAG).expect("a flag"),
            expected,
            "{text}"
        );
    }
}

#[test]
fn the_environment_wins_over_dotenv() {
    // Set for every test run by cargo; the test cannot set variables itself.
    const IN_ENVIRONMENT: Var = Var::optional("CARGO_PKG_NAME", "text", "");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(".env");
    std::fs::write(&path, "# comment\ncargo_pkg_name=from-file\ntest_name='from file'\n")
        .expect("written");
    let source = Source::load(&path).expect("a well-formed file");
    assert_eq!(source.get::<String>(&NAME).expect("set"), "from file");
    assert_eq!(source.get::<String>(&IN_ENVIRONMENT).expect("set"), "config");

    std::fs::write(&path, "NOT A LINE\n").expect("written");
    assert!(matches!(Source::load(&path), Err(ConfigError::DotEnv { .. })));
    assert!(Source::load(Path::new("/does/not/exist/.env")).is_ok(), "the file is optional");
}

#[test]
fn every_variable_is_documented_and_the_example_parses() {
    let groups = [GROUP];
    let (help, markdown, dotenv) =
        (render_help(&groups), render_markdown(&groups), render_dotenv(&groups));
    for var in groups.iter().flat_map(|group| group.vars) {
        assert!(
            help.contains(var.name)
                && markdown.contains(&format!("| `{}` |", var.name))
                && dotenv.contains(var.name)
        );
    }
    assert!(
        markdown.lines().filter(|line| line.starts_with("| `")).all(|line| line
            .replace("\\|", "")
            .matches('|')
            .count()
            == 5)
    );

    // Uncommented, the example is the defaults.
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(".env");
    let lines = dotenv
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line));
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).expect("written");
    let source = Source::load(&path).expect("a well-formed file");
    assert_eq!(source.get::<u16>(&PORT).expect("the default"), 8000);
}
