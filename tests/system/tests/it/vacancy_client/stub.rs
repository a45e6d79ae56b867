//! A stub of vacancy, and the metrics of ticket.

use system_tests::Process;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server in the place of vacancy.
pub struct Stub(TcpListener);

impl Stub {
    pub async fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// The head of the next call, in lower case, and its connection.
    pub async fn call(&self) -> (String, TcpStream) {
        let accepted = tokio::time::timeout(std::time::Duration::from_secs(20), self.0.accept());
        let (mut stream, _) = accepted.await.expect("no call came").unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"}") && !bytes.ends_with(b"]") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the call ends early");
        }
        let text = String::from_utf8(bytes).unwrap();
        (text.split("\r\n\r\n").next().unwrap().to_ascii_lowercase(), stream)
    }

    /// Sends this response to every call.
    pub async fn answer(&self, answer: &str) {
        loop {
            let (_, mut stream) = self.call().await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

/// The value of a header in a head in lower case.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The value of a metric; `name` includes its labels.
pub async fn metric(process: &Process, name: &str) -> f64 {
    let text = String::from_utf8(process.client().get("/metrics").await.bytes).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}
