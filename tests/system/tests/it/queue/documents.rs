//! What everyone can read of a draw, checked by the independent verifier.

use beacon::Chain;
use draw_verifier::{
    Beacons, ChainInfo, LedgerVerifier, PublicReport, PublicVerifier, QueueReport, Stage,
};
use serde_json::json;
use system_tests::{Client, Process};

use super::{
    Customer, EVENT, FAR, Mode, SOON, System, assert_problem, draw, in_ms, put_draw, put_line,
    until, until_revealed,
};

/// The beacons of the product.
pub fn beacons() -> Beacons<'static> {
    Beacons {
        check: &|chain, round, signature| {
            let chain = Chain::by_hash(chain).ok_or("unknown chain")?;
            beacon::verify(&chain, round, signature).map_err(|error| error.to_string())
        },
        chain_info: &|chain| {
            let Chain { genesis_s, period_s, .. } = Chain::by_hash(chain)?;
            Some(ChainInfo { genesis_s, period_s })
        },
    }
}

/// Checks the public documents of the draw of `event`, read in pages of `limit` places.
pub async fn verify_public(client: &Client, event: &str, limit: u64) -> PublicReport {
    let path = format!("/api/v1/events/{event}/queue");
    let draw = client.get(&format!("{path}/draw")).await;
    let mut verifier = PublicVerifier::new(&draw.bytes, beacons()).unwrap();
    let mut after = Some(0);
    while let Some(from) = after {
        let page = client.get(&format!("{path}/leaves?after={from}&limit={limit}")).await;
        assert_eq!(page.status, 200, "{}", page.json());
        after = verifier.push_page(&page.bytes);
    }
    verifier.finish().unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// Checks the ledger of `event`, whose last waiting room is returned.
pub async fn verify_ledger(inside: &Process, event: &str) -> QueueReport {
    let mut verifier = LedgerVerifier::new(event, beacons());
    let mut after = 0;
    loop {
        let path = format!("/api/v1/admin/events/{event}/sales?after={after}&limit=1000");
        let page = inside.client().admin(reqwest::Method::GET, &path, &[], None).await;
        let read = draw_verifier::read_bodies(&page.bytes[..], |body| verifier.push(body)).unwrap();
        after += read;
        if read == 0 {
            break;
        }
    }
    let report = verifier.finish().unwrap_or_else(|findings| panic!("{findings:?}"));
    report.queues.last().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_prove_the_draw_and_every_place() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_draw(&admin, EVENT, 20, FAR, &json!({})).await;
        let early = Customer::crowd(&client, EVENT, 7).await;
        put_draw(&admin, EVENT, 20, SOON, &json!({})).await;
        until_revealed(&client, EVENT).await;
        let late = Customer::join(&client, EVENT, "late").await;
        until("all are called", async || draw(&client, EVENT).await["serving"] == 8).await;
        let report = verify_public(&client, EVENT, 2).await;
        assert_eq!((report.stage, report.participants), (Stage::Revealed, 7), "{mode:?}");
        assert_eq!((report.places(), report.serving), (Some(7), 8));
        assert!(report.is_unwitnessed() && report.has_order());
        let mut turns = Vec::new();
        for one in &early {
            let proof = one.proof().await;
            assert_eq!(proof.status, 200, "{}", proof.json());
            let document = client.get(&one.path("draw")).await.bytes;
            let mut verifier = PublicVerifier::new(&document, beacons()).unwrap();
            verifier.push_proof(&proof.bytes);
            let proved = verifier.finish().unwrap().place.unwrap();
            let turn = report.turn(&proved.leaf).unwrap();
            assert_eq!(proof.json()["rank"], turn);
            assert_eq!(one.status().await["n"], turn);
            turns.push(turn);
        }
        turns.sort_unstable();
        assert_eq!(turns, [1, 2, 3, 4, 5, 6, 7]);
        assert_problem(&late.proof().await, 404, "draw_not_found");
        for one in early.iter().chain([&late]) {
            one.hold(1).await;
        }
        let ledger = verify_ledger(system.inside(), EVENT).await;
        assert_eq!((ledger.places, ledger.participants), (8, 7));
        assert_eq!((ledger.passes, ledger.holds, ledger.serving), (8, 8, 8));
        assert_eq!(ledger.root, report.root);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commitment_is_published_first_and_places_after_the_freeze() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_draw(&admin, EVENT, 20, FAR, &json!({})).await;
        let own = Customer::join(&client, EVENT, "own").await;
        let before = draw(&client, EVENT).await;
        assert!(before.get("frozen").is_none() && before.get("revealed").is_none(), "{before}");
        assert_eq!((&before["serving"], &before["witnessed"]), (&json!(0), &json!(false)));
        assert!(before["committed"].get("seed").is_none(), "{before}");
        assert_problem(&own.proof().await, 404, "draw_not_found");
        assert_problem(&client.get(&own.path("leaves")).await, 404, "draw_not_found");
        // Who has joined keeps the place when the sale is moved, and the room stays what it is.
        let queue = json!({"opens_at": in_ms(-60_000), "draw": true});
        let put = json!({"stocks": {"general": 20}, "opens_at": in_ms(FAR), "queue": queue});
        assert_problem(&admin.put_event(EVENT, put).await, 409, "queue_in_use");
        assert_eq!(draw(&client, EVENT).await, before);
        put_draw(&admin, EVENT, 20, SOON, &json!({})).await;
        let after = until_revealed(&client, EVENT).await;
        assert_eq!(after["queue"], before["queue"]);
        // Another seed is committed to.
        assert_ne!(after["committed"]["commitment"], before["committed"]["commitment"]);
        assert_eq!(after["frozen"]["n"], 1);
        assert_eq!(verify_public(&client, EVENT, 100).await.places(), Some(1));
        assert_eq!(after["queue"], verify_ledger(system.inside(), EVENT).await.id);
        for (query, places) in [("", 1), ("?after=1", 0), ("?after=9", 0), ("?limit=10000", 1)] {
            let page = client.get(&own.path(&format!("leaves{query}"))).await.json();
            assert_eq!(page["leaves"].as_array().unwrap().len(), places, "{query}");
            assert!(page.get("next").is_none(), "{query}");
        }
        for query in ["?limit=0", "?limit=10001", "?after=-1", "?after=x"] {
            let refused = client.get(&own.path(&format!("leaves{query}"))).await;
            assert_problem(&refused, 422, "validation");
        }
        let proof = client.get(&own.path("proof?place=a.b.c")).await;
        assert_problem(&proof, 401, "place_invalid");
        assert_problem(&client.get(&own.path("proof")).await, 422, "validation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draw_without_anybody_and_queue_without_a_draw() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_line(&admin, "line", 5, &json!({})).await;
        let own = Customer::join(&client, "line", "own").await;
        for call in ["draw", "leaves"] {
            let refused = client.get(&own.path(call)).await;
            assert_problem(&refused, 404, "draw_not_found");
        }
        assert_problem(&own.proof().await, 404, "draw_not_found");
        for call in ["draw", "leaves", "proof?place=x"] {
            let refused = client.get(&format!("/api/v1/events/default/queue/{call}")).await;
            assert_problem(&refused, 404, "queue_not_found");
            let refused = client.get(&format!("/api/v1/events/unheard-of/queue/{call}")).await;
            assert_problem(&refused, 404, "event_not_found");
        }
        // While nobody is in it, each change makes a new one.
        put_draw(&admin, EVENT, 5, FAR, &json!({})).await;
        let before = draw(&admin, EVENT).await["queue"].clone();
        put_draw(&admin, EVENT, 5, SOON, &json!({})).await;
        let empty = until_revealed(&client, EVENT).await;
        assert_ne!(empty["queue"], before);
        let root = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty["frozen"]["root"], root, "{mode:?}");
        let late = Customer::join(&client, EVENT, "late").await;
        late.hold(1).await;
        assert_eq!(draw(&client, EVENT).await.get("upto"), None);
        assert_eq!(verify_public(&client, EVENT, 10).await.serving, 1);
        let ledger = verify_ledger(system.inside(), EVENT).await;
        assert_eq!((json!(ledger.id), ledger.holds), (empty["queue"].clone(), 1));
    }
}
