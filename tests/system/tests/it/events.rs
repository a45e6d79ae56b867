//! Events: listed by name, sold only while open.

use serde_json::json;
use system_tests::Process;

#[tokio::test]
async fn events_are_listed_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("MAX_PAGE", "3")]).await;
    let client = vacancy.client();
    for name in ["b", "a", "c-1", "z"] {
        client.put_event(name, json!({"stocks": {"general": 1}})).await;
    }
    let (mut names, mut path) = (Vec::new(), "/api/v1/events?limit=2".to_owned());
    loop {
        let page = client.get(&path).await.json();
        names.extend(
            page["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["event"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/events?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c-1", "default", "z"]);
    assert_eq!(client.get("/api/v1/events").await.json()["events"].as_array().unwrap().len(), 3);
    for wrong in ["limit=0", "limit=4", "limit=x", "limit=-1", "after=A"] {
        assert_eq!(
            client.get(&format!("/api/v1/events?{wrong}")).await.problem(),
            "validation",
            "{wrong}"
        );
    }
    assert_eq!(client.get("/api/v1/events/nowhere").await.problem(), "event_not_found");
}

#[tokio::test]
async fn sales_stay_within_opening_times() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let client = vacancy.client();
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 1}]});
    let windows = [
        (
            json!({"stocks": {"general": 5}, "opens_at": "2999-01-01T00:00:00Z"}),
            425,
            "not_open_yet",
            "opens_at",
        ),
        (
            json!({"stocks": {"general": 5}, "closes_at": "2020-01-01T00:00:00Z"}),
            410,
            "sale_closed",
            "closes_at",
        ),
    ];
    for (event, status, code, member) in windows {
        assert_eq!(client.put_event("default", event.clone()).await.status, 200);
        let answers = [
            client.post("/api/v1/holds", hold.clone()).await,
            client.post("/api/v1/reserve", json!({"qty": 1})).await,
            ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await,
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.problem().as_str()), (status, code));
            assert_eq!(
                (&answer.json()[member], answer.header("event-seq")),
                (&event[member], answer.json()["seq"].to_string().as_str())
            );
        }
    }
    assert_eq!(client.available().await, 5);
}

#[tokio::test]
async fn limit_on_default_event_requires_a_customer() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    vacancy
        .client()
        .put_event("default", json!({"stocks": {"general": 50}, "limit_per_customer": 3}))
        .await;
    let buy = async |body| ticket.client().post("/api/v1/purchase", body).await;
    assert_eq!(buy(json!({"qty": 1})).await.problem(), "customer_required");
    assert_eq!(buy(json!({"qty": 2, "customer": "a"})).await.json()["success"], true);
    let refused = buy(json!({"qty": 2, "customer": "a"})).await;
    assert_eq!(
        (refused.status, refused.problem().as_str(), &refused.json()["has"]),
        (409, "limit_exceeded", &json!(2))
    );
    assert_eq!(buy(json!({"qty": 3, "customer": "b"})).await.json()["success"], true);
}
