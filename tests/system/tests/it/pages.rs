//! Documentation pages from the binary.

use serde_json::Value;
use system_tests::Process;

#[tokio::test]
async fn each_service_serves_its_documentation() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    for (client, title) in
        [(vacancy.client(), "Vacancy Control Service"), (ticket.client(), "Ticket Sale Service")]
    {
        let document = client.get("/openapi.json").await.json();
        assert_eq!(document["info"]["title"], title);
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        for path in ["/docs", "/docs/", "/redoc"] {
            let page = client.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(page.header("content-type").starts_with("text/html"), "{path}");
            // The policy keeps pages from loading anything from other origins.
            let policy = page.header("content-security-policy");
            assert!(
                policy.contains("default-src 'self'") || policy.contains("default-src 'none'"),
                "{path}: {policy}"
            );
        }
    }
}

#[tokio::test]
async fn every_operation_documents_its_problems() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let document = monolith.client().get("/openapi.json").await.json();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, operation)| operation["responses"].is_object())
        {
            operations += 1;
            assert!(operation["summary"].is_string(), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content: Vec<&String> = response["content"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(kind, _): (&String, &Value)| kind)
                    .collect();
                let problem = status.parse::<u16>().unwrap() >= 400;
                assert_eq!(
                    content == ["application/problem+json"],
                    problem,
                    "{method} {path} {status}"
                );
            }
        }
    }
    assert_eq!(operations, 44);
}

#[tokio::test]
async fn every_write_documents_seq_and_every_body_time() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let document = monolith.client().get("/openapi.json").await.json();
    let (mut writes, mut bodies) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in
            methods.as_object().unwrap().iter().filter(|(method, _)| *method != "get")
        {
            if operation["requestBody"].is_object() {
                bodies += 1;
                assert!(operation["responses"]["408"].is_object(), "{method} {path}");
            }
            // Each answer of a batch has its own seq, in the body; receivers are not in the ledger.
            // A call for all waiting rooms has a seq for each, in the body.
            let is_of_many = path.ends_with("/batch") || path.contains("/admin/queues/");
            if is_of_many || path.contains("/webhooks/") {
                continue;
            }
            writes += 1;
            for (status, response) in operation["responses"].as_object().unwrap() {
                // A role is refused by the service, a pass by the ledger.
                if status == "403" {
                    continue;
                }
                let decided = matches!(
                    status.as_str(),
                    "200" | "201" | "204" | "409" | "410" | "412" | "425"
                );
                assert_eq!(
                    response["headers"]["Event-Seq"].is_object(),
                    decided,
                    "{method} {path} {status}"
                );
            }
        }
    }
    assert_eq!((writes, bodies), (16, 14));
}
