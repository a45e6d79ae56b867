//! Requests say nothing that is dropped: an unknown or repeated member or parameter is refused, by
//! every call.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Answer, Client, Process};

use crate::samples::sample;

/// A call with the admin token and any text as its body.
async fn send(client: &Client, method: &Method, path: &str, body: Option<String>) -> Answer {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request =
        http.request(method.clone(), format!("{}{path}", client.base())).bearer_auth(ADMIN_TOKEN);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

/// The last answer of a batch.
fn last_entry(body: &Value) -> Option<&Value> {
    body.as_array().or_else(|| body["answers"].as_array())?.last()
}

/// Status and problem code. An entry of a batch has its own, in the place of its answer.
fn verdict(answer: &Answer) -> (u16, String) {
    match last_entry(&answer.json()) {
        Some(entry) => (
            entry["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or_default(),
            entry["code"].as_str().unwrap_or_default().to_owned(),
        ),
        None => (answer.status, answer.problem()),
    }
}

fn detail(answer: &Answer) -> String {
    let body = answer.json();
    last_entry(&body).unwrap_or(&body)["detail"].as_str().unwrap_or_default().to_owned()
}

/// What is wrong in one of the objects of a body.
#[derive(Clone, Copy)]
enum Wrong {
    Unknown,
    Repeated,
}

/// `value` as JSON with something `wrong` in the object that is number `at`, counted from the
/// outside, and the name of the member; no name when there is no such object.
fn spoil(value: &Value, at: &mut usize, wrong: Wrong) -> (String, Option<String>) {
    match value {
        Value::Object(members) => {
            let here = *at == 0;
            *at = at.wrapping_sub(1);
            let (mut texts, mut name) = (Vec::new(), None);
            for (member, value) in members {
                let (text, found) = spoil(value, at, wrong);
                name = name.or(found);
                texts.push(format!("{}:{text}", json!(member)));
            }
            if here {
                let (text, member) = match wrong {
                    Wrong::Unknown => ("\"zzz\":[{}]".to_owned(), "zzz".to_owned()),
                    Wrong::Repeated => (texts[0].clone(), members.keys().next().unwrap().clone()),
                };
                texts.push(text);
                name = Some(member);
            }
            (format!("{{{}}}", texts.join(",")), name)
        }
        Value::Array(items) => {
            let (mut texts, mut name) = (Vec::new(), None);
            for item in items {
                let (text, found) = spoil(item, at, wrong);
                name = name.or(found);
                texts.push(text);
            }
            (format!("[{}]", texts.join(",")), name)
        }
        other => (other.to_string(), None),
    }
}

#[tokio::test]
async fn every_body_refuses_unknown_and_repeated_members() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let document = client.get("/openapi.json").await.json();
    let (mut calls, mut objects) = (0, 0);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"];
            let Some(schema) = content.get("schema") else { continue };
            calls += 1;
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path
                .replace("{event}", "default")
                .replace("{webhook}", "shop")
                .replace("{id}", "01900000-0000-7000-8000-000000000000");
            let value = sample(&document, schema);
            for (wrong, word) in [(Wrong::Unknown, "nknown"), (Wrong::Repeated, "uplicate")] {
                for at in 0.. {
                    let (body, name) = spoil(&value, &mut { at }, wrong);
                    let Some(name) = name else { break };
                    // A map has any names.
                    if body.contains(r#""currency":"EUR"}},"zzz""#) {
                        continue;
                    }
                    objects += 1;
                    let answer = send(&client, &method, &path, Some(body.clone())).await;
                    assert_eq!(
                        verdict(&answer),
                        (422, "validation".to_owned()),
                        "{method} {path} {body}"
                    );
                    let detail = detail(&answer);
                    assert!(
                        detail.contains(&format!("{word} member {name:?}")),
                        "{method} {path} {body}: {detail}"
                    );
                }
            }
            let with_query = format!("{path}?qty=1");
            let answer = send(&client, &method, &with_query, Some(value.to_string())).await;
            assert_eq!(verdict(&answer), (422, "validation".to_owned()), "{path}");
            assert!(detail(&answer).contains("\"qty\""), "{}", detail(&answer));
        }
    }
    assert!(calls >= 8 && objects >= 2 * calls, "{calls} {objects}");
    assert_eq!(client.ledger("default").await.len(), 1, "nothing was done");
}

#[tokio::test]
async fn every_query_refuses_unknown_and_repeated_parameters() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let document = client.get("/openapi.json").await.json();
    let mut calls = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
        let names: Vec<_> = parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let path = path
            .replace("{event}", "default")
            .replace("{webhook}", "shop")
            .replace("{id}", "0190c669-9660-7d05-8cb7-3a3f4c1e9b77")
            .replace("{image}", "1.svg");
        for name in &names {
            calls += 1;
            let mut misspelt = (*name).to_owned();
            misspelt.remove(misspelt.len() / 2);
            for (query, message) in [
                (
                    format!("{misspelt}=5"),
                    format!("Unknown parameter {misspelt:?}; did you mean {name:?}?"),
                ),
                (format!("{name}=5&{name}=5"), format!("Duplicate parameter {name:?}.")),
                (
                    format!("{name}=5&%{:02x}{}=6", name.as_bytes()[0], &name[1..]),
                    format!("Duplicate parameter {name:?}."),
                ),
                ("zzz".to_owned(), "Unknown parameter \"zzz\"; known are ".to_owned()),
            ] {
                let answer = send(&client, &Method::GET, &format!("{path}?{query}"), None).await;
                assert_eq!(verdict(&answer), (422, "validation".to_owned()), "{path} {query}");
                assert!(
                    detail(&answer).starts_with(&message),
                    "{path} {query}: {}",
                    detail(&answer)
                );
            }
        }
    }
    assert!(calls >= 4, "{calls}");
}

#[tokio::test]
async fn a_misspelt_member_is_named_with_the_nearest_one() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let client = vacancy.client();
    let item = json!([{"stock": "general", "qty": 1}]);
    let hold = client.post("/api/v1/holds", json!({"event": "default", "items": item})).await;
    let hold = hold.header("location").to_owned();
    for (client, path, body, message) in [
        (
            ticket.client(),
            "/api/v1/purchase".to_owned(),
            r#"{"qty":1,"event":"gala"}"#,
            r#"Unknown member "event"; known are "qty", "customer"."#,
        ),
        (
            ticket.client(),
            "/api/v1/purchase".to_owned(),
            r#"{"qty":1,"custmer":"c"}"#,
            r#"Unknown member "custmer"; did you mean "customer"?"#,
        ),
        (
            client.clone(),
            "/api/v1/reserve".to_owned(),
            r#"{"quantity":1}"#,
            r#"Unknown member "quantity"; did you mean "qty"?"#,
        ),
        (
            client.clone(),
            "/api/v1/holds".to_owned(),
            r#"{"event":"default","items":[{"stock":"general","qty":1}],"ttl":60}"#,
            r#"Unknown member "ttl"; did you mean "ttl_s"?"#,
        ),
        (
            client.clone(),
            "/api/v1/holds".to_owned(),
            r#"{"event":"default","items":[{"stock":"general","qty":1,"price":2}]}"#,
            r#"items[0]: unknown member "price"; known are "stock", "qty"."#,
        ),
        (
            client.clone(),
            format!("{hold}/confirm"),
            r#"{"payment_reference":"p"}"#,
            r#"Unknown member "payment_reference"; did you mean "payment_ref"?"#,
        ),
        (
            client.clone(),
            format!("{hold}/extend"),
            r#"{"ttl_s":1,"ttl_s":2}"#,
            r#"Duplicate member "ttl_s"."#,
        ),
        (
            client.clone(),
            "/api/v1/reserve/batch".to_owned(),
            r#"[{"qty":1,"key":"b","evnt":"x"}]"#,
            r#"Unknown member "evnt"; did you mean "event"?"#,
        ),
    ] {
        let answer = send(&client, &Method::POST, &path, Some(body.to_owned())).await;
        assert_eq!(verdict(&answer), (422, "validation".to_owned()), "{body}");
        assert_eq!(detail(&answer), message, "{body}");
    }
    let twice = r#"{"stocks":{"g":1,"g":2}}"#.to_owned();
    let answer = send(&client, &Method::PUT, "/api/v1/admin/events/gala", Some(twice)).await;
    assert_eq!(
        (answer.status, detail(&answer)),
        (422, "stocks: duplicate member \"g\".".to_owned())
    );
    // A body that is not JSON stays 400, also when another fault comes first.
    for broken in [r#"{"qty":1,"event":"gala""#, r#"{"qty":"x"}}"#, r#"{"event":1,}"#] {
        let answer = send(&client, &Method::POST, "/api/v1/reserve", Some(broken.to_owned())).await;
        assert_eq!(verdict(&answer), (400, "malformed_json".to_owned()), "{broken}");
    }
    assert_eq!(client.ledger("default").await.len(), 2, "only the hold");
}

#[tokio::test]
async fn messages_are_in_plain_words() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let (post, put) = (Method::POST, Method::PUT);
    let event = "/api/v1/admin/events/gala";
    for (method, path, body, message) in [
        (
            &post,
            "/api/v1/purchase",
            r#"{"qty":"3"}"#,
            "qty: must be a whole number, not the string \"3\".",
        ),
        (&post, "/api/v1/purchase", r#"{"qty":1.5}"#, "qty: must be a whole number, not 1.5."),
        (&post, "/api/v1/purchase", r#"{"qty":-1}"#, "qty: the number is too small."),
        (&post, "/api/v1/purchase", r#"{"qty":1e400}"#, "qty: the number is too large."),
        (&post, "/api/v1/purchase", r#"{"qty":1e16}"#, "qty: the number is too large."),
        (
            &post,
            "/api/v1/purchase",
            r#"{"qty":18446744073709551616}"#,
            "qty: the number is too large.",
        ),
        (&post, "/api/v1/purchase", r#"{"qty":null}"#, "qty: must be a whole number, not null."),
        (&post, "/api/v1/purchase", r#"{"qty":{}}"#, "qty: must be a whole number, not an object."),
        (
            &post,
            "/api/v1/purchase",
            r#"{"qty":1,"customer":7}"#,
            "customer: must be a string, not the number 7.",
        ),
        (&post, "/api/v1/purchase", "{}", "Member \"qty\" is missing."),
        (&post, "/api/v1/purchase", "[1]", "The body must be an object, not an array."),
        (&post, "/api/v1/purchase", "null", "The body must be an object, not null."),
        (&post, "/api/v1/purchase", r#"{"qty":1001}"#, "qty must be between 1 and 1000."),
        (&post, "/api/v1/reserve/batch", "{}", "The body must be an array, not an object."),
        (
            &post,
            "/api/v1/holds",
            r#"{"event":"No","items":[]}"#,
            "event: must be 1 to 64 of a-z, 0-9, '-', '_', '.', beginning with a letter or digit.",
        ),
        (
            &put,
            event,
            r#"{"stocks":{"g":true}}"#,
            "stocks.g: must be a whole number or an object, not true.",
        ),
        (
            &put,
            event,
            r#"{"stocks":{"g":1},"opens_at":"2026-01-01"}"#,
            "opens_at: must be an RFC 3339 time with its offset, such as 2026-01-01T09:00:00Z.",
        ),
        (
            &put,
            event,
            r#"{"stocks":{"g":1},"opens_at":"1969-12-31T23:59:59Z"}"#,
            "opens_at: must be between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z.",
        ),
    ] {
        let answer = send(&client, method, path, Some(body.to_owned())).await;
        assert_eq!(verdict(&answer), (422, "validation".to_owned()), "{body}");
        assert_eq!(detail(&answer), message, "{body}");
    }
    for (time, again) in [
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2036-06-01t20:00:00.5+02:00", "2036-06-01T18:00:00.5Z"),
    ] {
        let put = client.put_event("gala", json!({"stocks": {"g": 1}, "closes_at": time})).await;
        assert_eq!(put.json()["closes_at"], again, "{time}");
        assert_eq!(client.get("/api/v1/events/gala").await.json()["closes_at"], again);
    }
}

#[tokio::test]
async fn customers_that_look_the_same_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    client.put_event("default", json!({"stocks": {"general": 10}, "limit_per_customer": 2})).await;
    let buy = async |customer: &str| {
        client.post("/api/v1/purchase", json!({"qty": 2, "customer": customer})).await
    };
    assert_eq!(buy("Zoe\u{308} M\u{fc}ller").await.json()["success"], true);
    for same in ["Zo\u{eb} M\u{fc}ller", " Zoe\u{308} Mu\u{308}ller\u{3000}"] {
        let answer = buy(same).await;
        assert_eq!(verdict(&answer), (409, "limit_exceeded".to_owned()), "{same:?}");
    }
    let items = json!([{"stock": "general", "qty": 1}]);
    let hold = json!({"event": "default", "items": items, "customer": "Zoe\u{308} M\u{fc}ller "});
    assert_eq!(client.post("/api/v1/holds", hold).await.problem(), "limit_exceeded");
    for hidden in
        ["Zo\u{200b}\u{eb}", "\u{202e}Zo\u{eb}", "Zo\u{eb}\u{fe0f}", "Zo\u{eb}\n", "\u{feff}", " "]
    {
        let answer = buy(hidden).await;
        assert_eq!(verdict(&answer), (422, "validation".to_owned()), "{hidden:?}");
        assert!(
            detail(&answer).starts_with("customer: must be 1 to 128 characters"),
            "{}",
            detail(&answer)
        );
    }
    let hold = client
        .post("/api/v1/holds", json!({"event": "default", "items": items, "customer": "b"}))
        .await;
    let confirm = format!("{}/confirm", hold.header("location"));
    let refused = client.post(&confirm, json!({"payment_ref": "p\u{2066}"})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (422, "validation"));
    let confirmed = client.post(&confirm, json!({"payment_ref": " pay-1 "})).await;
    assert_eq!(confirmed.json()["payment_ref"], "pay-1");
    let stored = client.ledger("default").await[2]["data"]["customer"].clone();
    assert_eq!(stored, "Zo\u{eb} M\u{fc}ller", "composed");
}
