//! Reading and rendering settings.

use std::{path::Path, time::Duration};

use clap::{Args, Parser};
use config::{
    ConfigError, Secret, Source, accept, parse, read, render_dotenv, render_help, render_markdown,
    warnings,
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Test")]
struct Settings {
    /// Port to listen on.
    #[arg(env = "TEST_PORT", default_value = "8000", value_parser = accept::range(1..=9_000_u16))]
    port: u16,
    /// Token | of the test.
    #[arg(env = "TEST_TOKEN", hide_env_values = true, value_parser = token())]
    token: Option<Secret>,
    /// Pause.
    #[arg(env = "TEST_PAUSE", default_value = "2.0", value_parser = accept::seconds(0.0..=60.0))]
    pause: Duration,
    /// Flag.
    #[arg(
        env = "TEST_FLAG",
        default_value = "false",
        action = clap::ArgAction::Set,
        value_parser = accept::flag()
    )]
    flag: bool,
    /// Name.
    #[arg(env = "TEST_NAME", value_parser = accept::parsed::<String>("text"))]
    name: Option<String>,
    /// How loud to be.
    #[arg(long, env = "TEST_VOLUME", value_enum, ignore_case = true, default_value = "low")]
    volume: Volume,
    #[command(flatten)]
    more: More,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "More")]
struct More {
    /// Names, separated by commas.
    #[arg(long, env = "TEST_NAMES", value_delimiter = ',', default_value = "a,b")]
    names: Vec<String>,
    /// Set for every test run by cargo.
    #[arg(env = "CARGO_PKG_NAME", value_parser = accept::parsed::<String>("text"))]
    package: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Volume {
    Low,
    High,
}

fn token() -> accept::Accept<Secret> {
    accept::Accept::new("at least 16 characters", |text| {
        (text.len() >= 16).then(|| Secret::new(text))
    })
}

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    read(&Source::from_pairs(pairs.iter().copied()))
}

fn refused(name: &str, value: &str) -> String {
    settings(&[(name, value)]).expect_err(name).to_string()
}

#[test]
fn names_are_case_insensitive_and_empty_is_unset() {
    assert_eq!(settings(&[]).expect("defaults").port, 8000);
    assert_eq!(settings(&[("test_Port", " 81 ")]).expect("a port").port, 81);
    assert_eq!(settings(&[("TEST_PORT", "  ")]).expect("the default").port, 8000);
    assert_eq!(settings(&[]).expect("defaults").name, None);
    let names = settings(&[("TEST_NAMES", "-x,--flag=y")]).expect("a list").more.names;
    assert_eq!(names, ["-x", "--flag=y"], "no value is taken for a flag");
}

#[test]
fn an_error_is_one_line_with_the_variable_and_no_secret() {
    for (name, value, expected) in [
        ("TEST_PORT", "eighty", "TEST_PORT: \"eighty\" is not accepted; expected 1 to 9000"),
        ("TEST_PORT", "0", "TEST_PORT: \"0\" is not accepted; expected 1 to 9000"),
        ("TEST_PAUSE", "-1", "TEST_PAUSE: \"-1\" is not accepted; expected 0 to 60 seconds"),
        ("TEST_FLAG", "may\nbe", "TEST_FLAG: \"may\\nbe\" is not accepted; expected true or false"),
        ("TEST_VOLUME", "loud", "TEST_VOLUME: \"loud\" is not accepted; expected low or high"),
        (
            "TEST_TOKEN",
            "hunter2",
            "TEST_TOKEN: the value (hidden) is not accepted; expected at least 16 characters",
        ),
    ] {
        assert_eq!(refused(name, value), expected);
    }
    let secret = settings(&[("TEST_TOKEN", "hunter2-hunter2-hunter2")]).expect("a token");
    assert!(!format!("{secret:?}").contains("hunter2"));
    assert!(secret.token.expect("set").matches(b"hunter2-hunter2-hunter2"));
    let source = Source::from_pairs([("TEST_TOKEN", "hunter2")]);
    assert_eq!(format!("{source:?}"), "{\"TEST_TOKEN\"}");
}

#[test]
fn a_missing_value_is_named() {
    #[derive(Debug, Args)]
    struct Required {
        #[arg(env = "TEST_URL", value_parser = accept::parsed::<String>("a URL"))]
        url: String,
    }
    let error = read::<Required>(&Source::default()).expect_err("it is not set");
    assert_eq!(error.to_string(), "TEST_URL: not set; expected a URL");
    let set = read::<Required>(&Source::from_pairs([("TEST_URL", "x")])).expect("it is set");
    assert_eq!(set.url, "x");
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
        let duration = settings(&[("TEST_PAUSE", text)]).ok().map(|settings| settings.pause);
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
        assert_eq!(settings(&[("TEST_FLAG", text)]).expect("a flag").flag, expected, "{text}");
    }
}

#[test]
fn the_environment_wins_over_dotenv() {
    // CARGO_PKG_NAME is set for every test run by cargo; the test cannot set variables itself.
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(".env");
    std::fs::write(&path, "# comment\ncargo_pkg_name=from-file\ntest_name='from file'\n")
        .expect("written");
    let source = Source::load(&path).expect("a well-formed file");
    let found: Settings = read(&source).expect("nothing wrong");
    assert_eq!(found.name.as_deref(), Some("from file"));
    assert_eq!(found.more.package.as_deref(), Some("config"));

    std::fs::write(&path, "NOT A LINE\n").expect("written");
    assert!(matches!(Source::load(&path), Err(ConfigError::DotEnv { .. })));
    assert!(Source::load(Path::new("/does/not/exist/.env")).is_ok(), "the file is optional");
}

#[test]
fn dotenv_values_are_literal_and_errors_name_the_line() {
    let read_dotenv = |text: &str| {
        Source::default()
            .with_dotenv(text.as_bytes(), "dir/.env".as_ref())
            .map(|source| read::<Settings>(&source).expect("accepted").name.expect("set"))
    };
    for (text, expected) in [
        ("TEST_NAME=aaaa$bbbb", "aaaa$bbbb"),
        ("\u{feff}export TEST_NAME=\"$HOME\" # home\r\n", "$HOME"),
        ("TEST_NAME='a\nb'", "a\nb"),
        ("TEST_NAME=one\ntest_name=two\n", "two"),
    ] {
        assert_eq!(read_dotenv(text).expect(text), expected);
    }
    for (text, expected) in [
        ("\nTEST_TOKEN='hunter2", "dir/.env: line 2: TEST_TOKEN: the quote ' is not closed"),
        ("hunter2", "dir/.env: line 1: expected NAME=value"),
    ] {
        assert_eq!(read_dotenv(text).expect_err(text).to_string(), expected);
    }
}

#[test]
fn almost_known_names_are_warned_about() {
    for (name, nearest) in [
        ("TEST_TOEKN", "TEST_TOKEN"),
        ("TESTTOKEN", "TEST_TOKEN"),
        ("test_tokens", "TEST_TOKEN"),
        ("TEST_PROT", "TEST_PORT"),
        ("TEST_VOLUMNE", "TEST_VOLUME"),
        ("TEST-FLAG", "TEST_FLAG"),
    ] {
        let found = warnings::<Settings>(&Source::from_pairs([(name, "hunter2")]));
        let name = name.to_uppercase();
        assert_eq!(found, [format!("{name} is not a setting; did you mean {nearest}?")]);
    }
    let others = ["PATH", "HOME", "HOSTNAME", "TEST", "PORT", "LANG", "TEST_PORT", "TOKEN"];
    let source = Source::from_pairs(others.map(|name| (name, "1")));
    assert_eq!(warnings::<Settings>(&source), Vec::<String>::new());

    let text = b"TEST_PORT=1\nTEST_TOKEN=hunter2\ntest_token=hunter3\n";
    let source = Source::default().with_dotenv(text, ".env".as_ref()).expect("well-formed");
    assert_eq!(
        warnings::<Settings>(&source),
        [".env: line 3: test_token is set again; line 2 does not count"]
    );
}

#[derive(Debug, Args)]
struct Flags {
    /// Names, separated by commas.
    #[arg(long, env = "TEST_NAMES", value_delimiter = ',', default_value = "a,b")]
    names: Vec<String>,
    /// Number.
    #[arg(long, env = "TEST_NUMBER", default_value = "3", value_parser = accept::range(1..=9_u32))]
    number: u32,
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: Flags,
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(clap::Subcommand)]
enum Sub {
    Run(Flags),
}

#[test]
fn a_flag_wins_over_the_environment() {
    let source = Source::from_pairs([("TEST_NAMES", "c,d"), ("TEST_NUMBER", "4")]);
    let flags = |args: &[&str]| {
        let cli: Cli = parse(&source, args).expect("accepted");
        match cli.command {
            Some(Sub::Run(flags)) => flags,
            None => cli.settings,
        }
    };
    for args in [&["test"][..], &["test", "run"]] {
        assert_eq!((flags(args).names, flags(args).number), (vec!["c".into(), "d".into()], 4));
    }
    let given = flags(&["test", "run", "--names", "e,f"]);
    assert_eq!((given.names, given.number), (vec!["e".into(), "f".into()], 4));
    assert_eq!(flags(&["test", "--number=5"]).number, 5);

    let wrong = Source::from_pairs([("TEST_NUMBER", "0")]);
    let error = parse::<Cli>(&wrong, ["test", "run"]).err().expect("refused").to_string();
    assert_eq!(error, "TEST_NUMBER: \"0\" is not accepted; expected 1 to 9");
}

#[test]
fn every_variable_is_documented_and_the_example_parses() {
    let (help, markdown, dotenv) =
        (render_help::<Settings>(), render_markdown::<Settings>(), render_dotenv::<Settings>());
    for name in ["TEST_PORT", "TEST_TOKEN", "TEST_PAUSE", "TEST_FLAG", "TEST_NAME", "TEST_NAMES"] {
        assert!(
            help.contains(name)
                && markdown.contains(&format!("| `{name}` |"))
                && dotenv.contains(name)
        );
    }
    assert!(markdown.contains("## Test\n") && markdown.contains("## More\n"), "{markdown}");
    assert!(
        markdown.lines().filter(|line| line.starts_with("| `")).all(|line| line
            .replace("\\|", "")
            .matches('|')
            .count()
            == 5)
    );
    assert!(markdown.contains("| `TEST_PORT` | `8000` | 1 to 9000 | Port to listen on |"));
    assert!(help.contains("low or high; default low"), "{help}");

    // Uncommented, the example is the defaults.
    let lines = dotenv
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    let source =
        Source::default().with_dotenv(text.as_bytes(), ".env".as_ref()).expect("well-formed");
    assert_eq!(format!("{:?}", read::<Settings>(&source)), format!("{:?}", settings(&[])));
}
