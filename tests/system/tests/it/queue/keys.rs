//! Signing keys that change while people wait.

use std::{fs, path::Path, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use signing::SigningKeys;

use super::{
    Customer, EVENT, Mode, System, assert_problem, documents::verify_ledger, draw, hold, join,
    place, put_draw, put_line, until, until_revealed,
};

/// A JWK Set with these keys.
fn key_set(keys: &[&Value]) -> String {
    json!({"keys": keys}).to_string()
}

fn new_key() -> Value {
    let set = SigningKeys::generate(rand::random());
    serde_json::from_str::<Value>(&set).unwrap()["keys"][0].clone()
}

fn key_of(file: &Path) -> Value {
    let set: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    set["keys"][0].clone()
}

/// A reader never sees a part of the file.
fn replace(file: &Path, content: &str) {
    let next = file.with_extension("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, file).unwrap();
}

/// The key that signed a token.
fn signer(token: &str) -> Value {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
}

/// Waits until the door signs with `key`.
async fn until_signed_with(system: &System, key: &Value) {
    until("the keys are reloaded", async || {
        let joined = join(&system.client(), EVENT, "probe").await.json();
        signer(joined["place"].as_str().unwrap()) == key["kid"]
    })
    .await;
    // vacancy reads the file at another time.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_and_passes_outlive_a_rotation_and_the_old_key_is_revealed() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, file) = (system.client(), system.keys());
        let (old, new) = (key_of(&file), new_key());
        put_draw(&system.admin(), EVENT, 9, 15_000, &json!({})).await;
        put_line(&system.admin(), "line", 9, &json!({})).await;
        let early = Customer::join(&client, EVENT, "early").await;
        let buyer = Customer::join(&client, "line", "buyer").await;
        let pass = buyer.pass().await;
        replace(&file, &key_set(&[&old, &new]));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        replace(&file, &key_set(&[&new, &old]));
        until_signed_with(&system, &new).await;
        let later = Customer::join(&client, EVENT, "later").await;
        assert_eq!(
            (signer(&early.place), signer(&later.place)),
            (old["kid"].clone(), new["kid"].clone())
        );
        assert_eq!(early.status().await["state"], "waiting");
        // The same key gets the same place, signed by the new key.
        let again = Customer::join(&client, EVENT, "early").await;
        let part = |token: &str| token.split('.').nth(1).unwrap().to_owned();
        assert_eq!(part(&again.place), part(&early.place));
        assert_eq!(hold(&client, "line", &[("queue-pass", &pass)], 1).await.status, 201);
        let revealed = until_revealed(&client, EVENT).await;
        assert_eq!(revealed["committed"]["key_id"], old["kid"], "{mode:?}");
        assert_eq!(revealed["frozen"]["n"], 3);
        early.hold(1).await;
        later.hold(1).await;
        assert_eq!(verify_ledger(system.inside(), EVENT).await.holds, 2);
        // Without the old key, its places are worthless, and the same key gets one that is not.
        replace(&file, &key_set(&[&new]));
        until("the old key is gone", async || {
            place(&client, EVENT, &early.place).await.status == 401
        })
        .await;
        assert_problem(&early.claim().await, 401, "place_invalid");
        let again = Customer::join(&client, EVENT, "early").await;
        assert_eq!(again.status().await["state"], "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draw_waits_for_its_key_and_goes_on_when_it_returns() {
    let system = System::start(Mode::Services, &[]).await;
    let (client, file) = (system.client(), system.keys());
    let (old, new) = (key_of(&file), new_key());
    put_draw(&system.admin(), EVENT, 9, 10_000, &json!({})).await;
    Customer::join(&client, EVENT, "own").await;
    replace(&file, &key_set(&[&new]));
    until_signed_with(&system, &new).await;
    let blocked = "queue_draw_blocked{event=\"gala\",reason=\"signing_key\"}";
    until("the draw waits", async || system.inside().metric(blocked).await == Some(1.0)).await;
    let waiting = draw(&client, EVENT).await;
    assert!(waiting["frozen"].is_object() && waiting.get("revealed").is_none(), "{waiting}");
    replace(&file, &key_set(&[&new, &old]));
    until_revealed(&client, EVENT).await;
    until("it goes on", async || system.inside().metric(blocked).await == Some(0.0)).await;
    let own = Customer::join(&client, EVENT, "own").await;
    own.hold(1).await;
    verify_ledger(system.inside(), EVENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_keys_stay_while_the_file_cannot_be_used() {
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &[]).await;
        let file = system.keys();
        let whole = fs::read_to_string(&file).unwrap();
        put_draw(&system.admin(), EVENT, 9, 4_000, &json!({})).await;
        let mut own = Customer::join(&system.client(), EVENT, "own").await;
        replace(&file, "{\"keys\":[");
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        fs::remove_file(&file).unwrap();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(own.status().await["state"], "waiting", "{mode:?}");
        let other = Customer::join(&system.client(), EVENT, "other").await;
        until_revealed(&system.client(), EVENT).await;
        other.hold(1).await;
        fs::write(&file, whole).unwrap();
        system.kill_all().await;
        own.client = system.client();
        own.hold(1).await;
        assert_eq!(verify_ledger(system.inside(), EVENT).await.holds, 2);
    }
}
