//! A stub of vacancy, and the metrics of ticket.

use std::{sync::Mutex, time::Duration};

use serde_json::{Value, json};
use system_tests::Process;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server in the place of vacancy. It never answers the subscription to events.
pub struct Stub {
    listener: TcpListener,
    subscriptions: Mutex<Vec<TcpStream>>,
}

impl Stub {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, subscriptions: Mutex::default() }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// The next call, in lower case, and its connection.
    pub async fn call(&self) -> (String, TcpStream) {
        let calls = async {
            loop {
                let (mut stream, _) = self.listener.accept().await.unwrap();
                let text = read_call(&mut stream).await;
                if !text.starts_with("get /api/v1/internal/events") {
                    return (text, stream);
                }
                self.subscriptions.lock().unwrap().push(stream);
            }
        };
        tokio::time::timeout(Duration::from_secs(20), calls).await.expect("no call came")
    }

    /// Sends this response to every call.
    pub async fn answer(&self, answer: &str) {
        loop {
            let (_, mut stream) = self.call().await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

/// A call in lower case, with its body if it has one.
async fn read_call(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the call ends early");
        let is_get = bytes.starts_with(b"GET ") && bytes.ends_with(b"\r\n\r\n");
        if is_get || bytes.ends_with(b"}") || bytes.ends_with(b"]") {
            return String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        }
    }
}

/// The body of a response to a batch of sales.
pub fn answers(answers: &[Value]) -> String {
    json!({"answers": answers, "events": []}).to_string()
}

/// The entries of the batch in a call.
pub fn entries(call: &str) -> Value {
    serde_json::from_str(call.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The value of a header in a head in lower case.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The value of a metric; `name` includes its labels.
pub async fn metric(process: &Process, name: &str) -> f64 {
    process.metric(name).await.unwrap_or_else(|| panic!("/metrics has no {name}"))
}
