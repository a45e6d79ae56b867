//! The command `ticket verify-draw`.

use std::{fs, path::Path};

use reqwest::Method;
use serde_json::json;
use system_tests::{ADMIN_TOKEN, binary};

use super::{Customer, EVENT, FAR, Mode, SOON, System, put_draw, put_line, until_revealed};

/// The exit code, and what it says.
pub async fn verify_draw(args: &[&str]) -> (i32, String) {
    let mut command = tokio::process::Command::new(binary("ticket"));
    let output = command.env_clear().arg("verify-draw").args(args).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Writes a backup of `system` to `to`, or to standard output for `-`.
pub async fn backup(system: &System, to: &str) -> Vec<u8> {
    let mut command = tokio::process::Command::new(binary("vacancy"));
    command.env_clear().env("DATA_DIR", system.data()).args(["backup", to]);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn token_file(dir: &Path, token: &str) -> String {
    let path = dir.join(format!("token-{}", token.len()));
    fs::write(&path, format!("{token}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A system whose draw is over: five places of the draw, a late one, all called, two holds.
pub async fn drawn(mode: Mode, env: &[(&str, &str)]) -> (System, Vec<Customer>) {
    let system = System::start(mode, env).await;
    let client = system.client();
    put_draw(&system.admin(), EVENT, 20, FAR, &json!({})).await;
    let mut crowd = Customer::crowd(&client, EVENT, 5).await;
    put_draw(&system.admin(), EVENT, 20, SOON, &json!({})).await;
    until_revealed(&client, EVENT).await;
    crowd.push(Customer::join(&client, EVENT, "late").await);
    crowd[0].hold(1).await;
    crowd[5].hold(2).await;
    (system, crowd)
}

#[tokio::test(flavor = "multi_thread")]
async fn running_system_is_checked_with_and_without_its_ledger() {
    for mode in Mode::BOTH {
        // The command asks for more records than this service gives at once.
        let (system, crowd) = drawn(mode, &[("MAX_PAGE", "3")]).await;
        let dir = tempfile::tempdir().unwrap();
        let token = token_file(dir.path(), ADMIN_TOKEN);
        let (door, inside) = (system.client().base().to_owned(), system.admin().base().to_owned());
        let (code, text) = verify_draw(&[&format!("{door}/"), "--event", EVENT]).await;
        assert_eq!(code, 3, "{text}");
        assert!(text.contains("5 places take part, turns up to 6 are called"), "{text}");
        for (number, one) in (1..).zip(&crowd) {
            let (code, text) = verify_draw(&[&door, "--event", EVENT, "--place", &one.place]).await;
            assert_eq!(code, 3, "{text}");
            let turn = &one.status().await["n"];
            assert!(text.contains(&format!("its turn is {turn}\n")), "{number}: {text}");
        }
        let args = [inside.as_str(), "--event", EVENT, "--admin-token-file", &token];
        let (code, text) = verify_draw(&args).await;
        assert_eq!(code, 3, "{text}");
        assert!(text.contains("turns up to 6 of 6 are called, 2 passes, 2 holds"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_and_saved_feeds_are_checked() {
    let (system, _) = drawn(Mode::Services, &[]).await;
    put_line(&system.admin(), "line", 5, &json!({})).await;
    let own = Customer::join(&system.client(), "line", "own").await;
    own.hold(1).await;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    backup(&system, &at("folder")).await;
    fs::write(at("single"), backup(&system, "-").await).unwrap();
    let feed = format!("/api/v1/admin/events/{EVENT}/sales?limit=1000");
    let feed = system.admin().admin(Method::GET, &feed, &[], None).await;
    fs::write(at("feed"), &feed.bytes).unwrap();
    // As a tool prints them.
    fs::write(at("pretty"), serde_json::to_string_pretty(&feed.json()).unwrap()).unwrap();
    let lines: Vec<_> = feed.json().as_array().unwrap().iter().map(ToString::to_string).collect();
    fs::write(at("lines"), lines.join("\n")).unwrap();
    fs::copy(format!("{}/ledger.jsonl", at("folder")), at("bodies")).unwrap();
    for name in ["folder", "single", "feed", "pretty", "lines", "bodies"] {
        let (code, text) = verify_draw(&[&at(name)]).await;
        assert_eq!(code, 3, "{name}: {text}");
        assert!(text.starts_with("gala: ledger of waiting room 1: 5 places take part"), "{text}");
        let (code, of_event) = verify_draw(&[&at(name), "--event", EVENT]).await;
        assert_eq!((code, of_event.lines().count()), (3, 1), "{of_event}");
    }
    // Calls in the order of joining need no witness.
    let (code, text) = verify_draw(&[&at("folder"), "--event", "line"]).await;
    assert_eq!(code, 0, "{text}");
    let token = token_file(dir.path(), ADMIN_TOKEN);
    let url = system.admin().base().to_owned();
    let (code, text) = verify_draw(&[&url, "--event", "line", "--admin-token-file", &token]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("no draw; turns up to 1 of 1 are called"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_code_2_says_that_it_cannot_be_told() {
    let system = System::start(Mode::Services, &[]).await;
    let (client, admin) = (system.client(), system.admin());
    put_draw(&admin, EVENT, 20, FAR, &json!({})).await;
    put_line(&admin, "line", 5, &json!({})).await;
    let own = Customer::join(&client, EVENT, "own").await;
    let of_line = Customer::join(&client, "line", "own").await;
    let dir = tempfile::tempdir().unwrap();
    let (right, wrong) =
        (token_file(dir.path(), ADMIN_TOKEN), token_file(dir.path(), "not-the-right-token"));
    let other = dir.path().join("other");
    fs::write(&other, "127.0.0.1 localhost\n").unwrap();
    let copy = dir.path().join("copy");
    backup(&system, copy.to_str().unwrap()).await;
    let (door, inside, copy) = (client.base(), admin.base(), copy.to_str().unwrap());
    for (args, words) in [
        (&[door][..], "--event NAME"),
        (&[door, "--event", EVENT], "not drawn yet"),
        (&[door, "--event", EVENT, "--place", &own.place], "not drawn yet"),
        (&[door, "--event", EVENT, "--place", &of_line.place], "place of event \"line\""),
        (&[door, "--event", EVENT, "--place", "x"], "no place of a waiting room"),
        (&[door, "--event", "line"], "no draw"),
        (&[door, "--event", "default"], "no waiting room"),
        (&[door, "--event", "unheard-of"], "404"),
        (&["http://127.0.0.1:9", "--event", EVENT], "no response"),
        (&["https://127.0.0.1:9", "--event", EVENT], "no response"),
        (&[inside, "--event", EVENT, "--admin-token-file", &wrong], "403"),
        (&[inside, "--event", EVENT, "--admin-token-file", "/nowhere"], "/nowhere"),
        (&[inside, "--event", EVENT, "--admin-token-file", &right], "not drawn yet"),
        (&[door, "--event", EVENT, "--admin-token-file", &right], "404"),
        (&["/nowhere"], "/nowhere"),
        (&[dir.path().to_str().unwrap()], "manifest.json"),
        (&[other.to_str().unwrap()], "not a ledger"),
        (&[copy], "not drawn yet"),
        (&[copy, "--event", "unheard-of"], "no record of event unheard-of"),
        (&[copy, "--event", "default"], "no waiting room"),
        (&[copy, "--place", &own.place], "needs a URL"),
        (&[copy, "--admin-token-file", &right], "needs a URL"),
    ] {
        let (code, text) = verify_draw(args).await;
        assert_eq!(code, 2, "{args:?}: {text}");
        assert!(text.contains(words), "{args:?}: {text}");
        assert!(!text.contains("not-the-right-token") && !text.contains(&own.place), "{text}");
    }
}
