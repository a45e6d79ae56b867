//! Calls one after the other, whose answers are compared.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client, SELLER_TOKEN};

/// A call of the story. `{name}` in its path or its headers stands for an id, a place or a pass
/// from an earlier answer.
pub struct Step {
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Value,
    /// The name that it gets.
    name: &'static str,
}

/// The members that can be named.
const NAMED: [&str; 3] = ["id", "place", "pass"];

pub fn step(method: Method, path: &'static str, body: Value) -> Step {
    Step { method, path, headers: Vec::new(), body, name: "" }
}

pub fn post(path: &'static str, body: Value) -> Step {
    step(Method::POST, path, body)
}

pub fn get(path: &'static str) -> Step {
    step(Method::GET, path, Value::Null)
}

impl Step {
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.to_owned()));
        self
    }

    pub fn seller(self) -> Self {
        self.with("authorization", &format!("Bearer {SELLER_TOKEN}"))
    }
}

/// Status, headers and body.
type Comparable = (u16, Vec<(String, String)>, Value);

/// What is the same in both modes: ids and times are not.
fn comparable(answer: &Answer, ids: &BTreeMap<&str, String>) -> Comparable {
    const COMPARED: [&str; 7] =
        ["content-type", "event-seq", "location", "retry-after", "etag", "age", "www-authenticate"];
    let mut text = String::from_utf8(answer.bytes.clone()).unwrap();
    let mut headers: Vec<_> =
        COMPARED.iter().map(|name| ((*name).to_owned(), answer.header(name).to_owned())).collect();
    for (name, id) in ids {
        text = text.replace(id.as_str(), name);
        for (_, value) in &mut headers {
            *value = value.replace(id.as_str(), name);
        }
    }
    let mut body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if let Some(body) = body.as_object_mut() {
        for made in ["id", "reservation_id", "request_id", "expires_at", "pass", "until"] {
            body.entry(made).and_modify(|value| {
                if value.as_str().is_some_and(|text| !ids.contains_key(text)) {
                    *value = json!("made");
                }
            });
        }
        // The draw has random numbers, and a wait may be varied at random.
        for made in ["committed", "retry_after_s"] {
            body.entry(made).and_modify(|value| *value = json!("made"));
        }
    }
    for entry in body["reservations"].as_array_mut().into_iter().flatten() {
        for made in ["id", "created_at", "expires_at"] {
            entry.as_object_mut().unwrap().entry(made).and_modify(|value| *value = json!("made"));
        }
    }
    if headers[3].1.parse::<u32>().is_ok_and(|wait_s| wait_s <= 10) {
        // Varied at random.
        headers[3].1 = "soon".to_owned();
    }
    (answer.status, headers, body)
}

/// The answers to the calls of `story`.
pub async fn tell(client: &Client, story: Vec<Step>) -> Vec<(String, Comparable)> {
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let mut answers = Vec::new();
    for step in story {
        let filled = |text: &str| {
            ids.iter()
                .fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
        };
        let path = filled(step.path);
        let headers: Vec<_> =
            step.headers.iter().map(|(name, value)| (*name, filled(value))).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = (!step.body.is_null()).then(|| step.body.clone());
        let answer = client.call(step.method.clone(), &path, &headers, body).await.unwrap();
        if !step.name.is_empty() {
            let body = answer.json();
            let id = NAMED.iter().find_map(|member| body[*member].as_str()).expect(step.path);
            ids.insert(step.name, id.to_owned());
        }
        let what = format!("{} {} {} {:?}", step.method, step.path, step.body, step.headers);
        answers.push((what, comparable(&answer, &ids)));
    }
    answers
}
