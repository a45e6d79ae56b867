//! Signed tickets: of sales of every kind, in both modes.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use signing::SigningKeys;
use system_tests::{Answer, Client, Process};
use tickets::{Ticket, TicketError};

/// A monolith, or ticket in front of vacancy, with the keys in a file.
struct Shop {
    /// Where the tickets are asked for.
    door: Process,
    vacancy: Option<Process>,
    dir: tempfile::TempDir,
}

impl Shop {
    async fn start(is_monolith: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.json");
        std::fs::write(&file, SigningKeys::generate([7; 32])).unwrap();
        let (data, keys) = (dir.path().join("data"), file.to_str().unwrap());
        std::fs::create_dir(&data).unwrap();
        let env = [("SIGNING_KEYS_FILE", keys)];
        let (door, vacancy) = if is_monolith {
            (Process::monolith(&data, &env).await, None)
        } else {
            let vacancy = Process::vacancy(&data, &env).await;
            (Process::ticket(vacancy.base(), &env).await, Some(vacancy))
        };
        let shop = Self { door, vacancy, dir };
        let event = json!({"stocks": {"general": 50, "vip": 50}});
        assert_eq!(shop.inside().put_event("gala", event).await.status, 201);
        shop
    }

    fn client(&self) -> Client {
        self.door.client()
    }

    /// Where administrators call.
    fn inside(&self) -> Client {
        self.vacancy.as_ref().unwrap_or(&self.door).client()
    }

    fn keys(&self) -> SigningKeys {
        SigningKeys::load(self.file()).unwrap()
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("keys.json")
    }

    async fn hold(&self, items: &Value) -> String {
        let body = json!({"event": "gala", "items": items});
        let made = self.client().post("/api/v1/holds", body).await;
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn bought(&self, items: &Value) -> String {
        let id = self.hold(items).await;
        let path = format!("/api/v1/holds/{id}/confirm");
        assert_eq!(self.client().post(&path, json!({})).await.status, 200);
        id
    }

    async fn tickets(&self, id: &str, query: &str) -> Vec<Value> {
        let answer = self.client().get(&format!("/api/v1/reservations/{id}/tickets{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.json().as_array().unwrap().clone()
    }

    async fn image(&self, id: &str, image: &str) -> Answer {
        self.client().get(&format!("/api/v1/reservations/{id}/tickets/{image}")).await
    }

    async fn refund(&self, id: &str, items: &Value) {
        let path = format!("/api/v1/admin/reservations/{id}/refunds");
        let refunded =
            self.inside().admin(Method::POST, &path, &[], Some(json!({"items": items}))).await;
        assert_eq!(refunded.status, 201, "{}", refunded.json());
    }
}

fn numbers(tickets: &[Value]) -> Vec<(&str, u64)> {
    let of = |ticket: &Value| ticket["n"].as_u64().unwrap();
    tickets.iter().map(|ticket| (ticket["stock"].as_str().unwrap(), of(ticket))).collect()
}

fn general(qty: u64) -> Value {
    json!([{"stock": "general", "qty": qty}])
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_a_sale_are_signed_and_listed_in_both_modes() {
    for is_monolith in [true, false] {
        let shop = Shop::start(is_monolith).await;
        let both = json!([{"stock": "vip", "qty": 1}, {"stock": "general", "qty": 3}]);
        let id = shop.bought(&both).await;
        let tickets = shop.tickets(&id, "").await;
        let all = [("general", 1), ("general", 2), ("general", 3), ("vip", 1)];
        assert_eq!(numbers(&tickets), all);
        for (ticket, (stock, n)) in tickets.iter().zip(all) {
            let text = ticket["ticket"].as_str().unwrap();
            let expected = Ticket::new("gala", id.parse().unwrap(), stock, n);
            assert_eq!(Ticket::verify(&shop.keys(), text), Ok(expected));
            let svg = shop.client().get(ticket["qr"].as_str().unwrap()).await;
            assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
            assert_eq!(svg.bytes, tickets::svg(text).unwrap().into_bytes());
            assert_eq!(svg.header("x-content-type-options"), "nosniff");
        }
        // They are the same again, and on each page.
        assert_eq!(shop.tickets(&id, "").await, tickets);
        assert_eq!(shop.tickets(&id, "?limit=2").await, tickets[..2]);
        assert_eq!(shop.tickets(&id, "?after=3&limit=2").await, tickets[3..]);
        assert_eq!(shop.tickets(&id, "?after=4").await, [] as [Value; 0]);
        let png = shop.image(&id, "2.png?stock=general").await;
        assert_eq!((png.status, png.header("content-type")), (200, "image/png"));
        let second = tickets[1]["ticket"].as_str().unwrap();
        assert_eq!(png.bytes, tickets::png(second).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sale_without_a_hold_has_tickets() {
    let shop = Shop::start(false).await;
    let bought = shop.client().post("/api/v1/purchase", json!({"qty": 2})).await.json();
    let id = bought["reservation_id"].as_str().unwrap();
    let tickets = shop.tickets(id, "").await;
    assert_eq!(numbers(&tickets), [("general", 1), ("general", 2)]);
    let text = tickets[1]["ticket"].as_str().unwrap();
    let expected = Ticket::new("default", id.parse().unwrap(), "general", 2);
    assert_eq!(Ticket::verify(&shop.keys(), text), Ok(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn refund_revokes_the_highest_numbers() {
    for is_monolith in [true, false] {
        let shop = Shop::start(is_monolith).await;
        let id = shop.bought(&general(4)).await;
        let before = shop.tickets(&id, "").await;
        shop.refund(&id, &general(1)).await;
        assert_eq!(shop.tickets(&id, "").await, before[..3]);
        let gone = shop.image(&id, "4.svg").await;
        assert_eq!((gone.status, &gone.json()["code"]), (410, &json!("ticket_refunded")));
        assert_eq!(shop.image(&id, "3.svg").await.status, 200);
        shop.refund(&id, &general(3)).await;
        assert_eq!(shop.tickets(&id, "").await, [] as [Value; 0]);
        assert_eq!(shop.image(&id, "1.png").await.status, 410);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_sale_has_tickets() {
    let shop = Shop::start(false).await;
    let held = shop.hold(&general(2)).await;
    for path in ["", "/1.svg", "/1.png"] {
        let answer = shop.client().get(&format!("/api/v1/reservations/{held}/tickets{path}")).await;
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("not_confirmed")));
        let nobody = "/api/v1/reservations/0190c669-9660-7d05-8cb7-3a3f4c1e9b77/tickets";
        let answer = shop.client().get(&format!("{nobody}{path}")).await;
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("hold_not_found")));
    }
    let both = json!([{"stock": "vip", "qty": 1}, {"stock": "general", "qty": 3}]);
    let id = shop.bought(&both).await;
    for image in ["0.svg", "01.svg", "4.svg", "2.svg?stock=vip", "1.svg?stock=other", "1.gif", "1"]
    {
        let image = if image.contains("stock") {
            image.to_owned()
        } else {
            format!("{image}?stock=general")
        };
        assert_eq!(shop.image(&id, &image).await.status, 404, "{image}");
    }
    assert_eq!(shop.image(&id, "1.svg").await.status, 422);
    assert_eq!(shop.image(&id, "1.svg?stock=A").await.status, 422);
    let path = format!("/api/v1/reservations/{id}/tickets");
    for query in ["?limit=0", "?limit=100000", "?after=-1", "?after=x"] {
        assert_eq!(shop.client().get(&format!("{path}{query}")).await.status, 422, "{query}");
    }
}

/// Puts a new key before the others, for the tickets of sales from `from_s` on.
fn rotate(file: &Path, from_s: u64) {
    let mut set: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let new: Value = serde_json::from_str(&SigningKeys::generate([8; 32])).unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.insert(0, new["keys"][0].clone());
    keys[0]["signs_tickets_from"] = from_s.into();
    let next = file.with_extension("next");
    std::fs::write(&next, set.to_string()).unwrap();
    std::fs::rename(next, file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_changes_no_ticket_that_was_sold() {
    let shop = Shop::start(false).await;
    let id = shop.bought(&general(1)).await;
    let before = shop.tickets(&id, "").await;
    let old = shop.keys();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    rotate(&shop.file(), now.as_secs() + 2);
    let shown = async || shop.client().get("/.well-known/ticket-keys.json").await;
    system_tests::until("the keys are read", std::time::Duration::from_secs(20), async || {
        shown().await.json()["keys"].as_array().unwrap().len() == 2
    })
    .await;
    assert_eq!(shop.tickets(&id, "").await, before);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let later = shop.bought(&general(1)).await;
    let text = shop.tickets(&later, "").await[0]["ticket"].as_str().unwrap().to_owned();
    assert_eq!(Ticket::verify(&old, &text), Err(TicketError::Signature), "the new key signs");
    for text in [&text, before[0]["ticket"].as_str().unwrap()] {
        assert!(Ticket::verify(&shop.keys(), text).is_ok());
    }
    let keys = shown().await;
    assert_eq!(keys.header("content-type"), "application/jwk-set+json");
    assert_eq!(keys.header("cache-control"), "public, max-age=60");
    assert!(!String::from_utf8(keys.bytes).unwrap().contains("\"d\""), "no private key");
}

/// With a key that the service made itself.
#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_the_same_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::monolith(dir.path(), &[]).await;
    let bought = process.client().post("/api/v1/purchase", json!({"qty": 2})).await.json();
    let path =
        format!("/api/v1/reservations/{}/tickets", bought["reservation_id"].as_str().unwrap());
    let before = process.client().get(&path).await;
    assert_eq!(before.json().as_array().map(Vec::len), Some(2));
    process.kill().await;
    let process = Process::monolith(dir.path(), &[]).await;
    assert_eq!(process.client().get(&path).await.bytes, before.bytes);
    let tag = before.header("etag").to_owned();
    let headers = [("if-none-match", tag.as_str())];
    let unchanged = process.client().call(Method::GET, &path, &headers, None).await;
    assert_eq!(unchanged.unwrap().status, 304);
}
