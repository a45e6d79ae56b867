//! Tokens of settings and of files.
#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::symlink, path::Path};

use config::{LiveTokens, Reload, Tokens};

const OLD: &str = "old-token-of-16-or-more";
const NEW: &str = "new-token-of-16-or-more";

fn live(path: &Path) -> LiveTokens {
    LiveTokens::new(None, Some(path.to_owned())).unwrap()
}

fn accepts(tokens: &LiveTokens, candidate: &str) -> bool {
    tokens.current().is_some_and(|tokens| tokens.matches(candidate.as_bytes()))
}

#[test]
fn each_token_of_a_list_matches_and_nothing_else() {
    for (text, count) in [
        (OLD.to_owned(), 1),
        (format!("{OLD},{NEW}"), 2),
        (format!(" {OLD} , {NEW} ,"), 2),
        (vec![OLD; 16].join(","), 16),
    ] {
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.count(), count);
        assert!(tokens.matches(OLD.as_bytes()));
        assert_eq!(tokens.matches(NEW.as_bytes()), text.contains(NEW));
        for wrong in ["", ",", &text.to_uppercase(), &OLD[1..], &format!("{OLD},{NEW},")] {
            assert!(!tokens.matches(wrong.as_bytes()), "{wrong:?}");
        }
    }
    for refused in ["", ",", " , ", "short", &format!("{OLD},short"), "a token with some spaces"] {
        assert!(Tokens::parse(refused).is_none(), "{refused:?}");
    }
    assert!(Tokens::parse(&vec![OLD; 17].join(",")).is_none(), "too many");
    assert!(!format!("{:?}", Tokens::parse(OLD)).contains("old-token"));
}

#[test]
fn file_is_reloaded_when_its_directory_is_swapped() {
    // As the kubelet does: token → ..data/token, ..data → a directory with the time in its name.
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (version, token) in [("..1", OLD), ("..2", NEW)] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("token"), token).unwrap();
    }
    symlink("..1", at("..data")).unwrap();
    symlink("..data/token", at("token")).unwrap();
    let tokens = live(&at("token"));
    assert!(accepts(&tokens, OLD) && !accepts(&tokens, NEW));
    assert!(matches!(tokens.reload(), Reload::Unchanged));

    symlink("..2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    fs::remove_dir_all(at("..1")).unwrap();
    assert!(matches!(tokens.reload(), Reload::Changed { count: 1 }));
    assert!(accepts(&tokens, NEW) && !accepts(&tokens, OLD));
}

#[test]
fn unusable_file_keeps_the_last_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, format!("{OLD}\n")).unwrap();
    let tokens = live(&path);
    for content in [Some(""), Some("\n,\n"), Some("short"), Some("with a space in it"), None] {
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        match tokens.reload() {
            Reload::Kept(error) => {
                let error = error.to_string();
                assert!(!error.contains("short") && error.lines().count() == 1, "{error}");
            }
            other => panic!("{content:?}: {other:?}"),
        }
        assert!(accepts(&tokens, OLD));
        assert!(LiveTokens::new(None, Some(path.clone())).is_err(), "a start refuses it");
    }
    fs::write(&path, format!("{OLD},{NEW}")).unwrap();
    assert!(matches!(tokens.reload(), Reload::Changed { count: 2 }));
    assert!(accepts(&tokens, NEW) && accepts(&tokens, OLD));
    fs::write(&path, [0xff; 20]).unwrap();
    assert!(matches!(tokens.reload(), Reload::Kept(_)));
    assert!(accepts(&tokens, NEW));
}

#[test]
fn tokens_of_the_variable_stay_valid_beside_those_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    fs::write(&path, OLD).unwrap();
    let fixed = "a-token-of-the-environment";
    let tokens = LiveTokens::new(Tokens::parse(fixed), Some(path.clone())).unwrap();
    assert!(accepts(&tokens, OLD) && accepts(&tokens, fixed));
    fs::write(&path, NEW).unwrap();
    assert!(matches!(tokens.reload(), Reload::Changed { count: 1 }));
    assert!(accepts(&tokens, NEW) && accepts(&tokens, fixed) && !accepts(&tokens, OLD));
    let none = LiveTokens::new(None, None).unwrap();
    assert!(none.current().is_none() && matches!(none.reload(), Reload::Unchanged));
}
