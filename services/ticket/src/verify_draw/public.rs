//! What everyone can read of a draw.

use draw_verifier::{PublicReport, PublicVerifier, Stage};
use inventory::EventName;
use serde_json::Value;

use super::{
    beacons::beacons,
    error::VerifyDrawError,
    outcome::Outcome,
    place::{Place, PlaceError},
    service::{Service, ServiceError},
};

/// What is published of a draw, if there is one.
#[derive(Default)]
pub struct Published {
    /// What the verification says.
    pub outcome: Option<Outcome>,
    /// The draw, as it was published.
    pub draw: Option<Value>,
}

/// Checks the public documents of the draw of `event`, and that it has `place`.
///
/// # Errors
/// [`VerifyDrawError`] when they cannot be read.
pub async fn verify_public(
    service: &Service,
    event: &EventName,
    place: Option<&Place>,
) -> Result<Published, VerifyDrawError> {
    let queue = format!("/api/v1/events/{event}/queue");
    let path = format!("{queue}/draw");
    let draw = match service.get(&path, None).await {
        Err(error) if error.is("draw_not_found") && place.is_none() => {
            return Ok(Published::default());
        }
        draw => draw?,
    };
    let document: Value =
        serde_json::from_slice(&draw).map_err(|error| ServiceError::content(&path, &error))?;
    if let Some(place) = place
        && document["queue"] != place.queue
    {
        let current = document["queue"].as_u64().unwrap_or_default();
        return Err(PlaceError::Queue { of: place.queue, current }.into());
    }
    let mut outcome = Outcome::default();
    if document["event"] != event.as_str() {
        outcome.find(event.as_str(), &"seq 0: the draw is published as one of another event");
    }
    let verifier = match PublicVerifier::new(&draw, beacons()) {
        Ok(verifier) => verifier,
        Err(findings) => {
            outcome.find_all(event.as_str(), &findings);
            return Ok(Published { outcome: Some(outcome), draw: None });
        }
    };
    let is_frozen = !document["frozen"].is_null();
    let report = read_all(service, &queue, is_frozen, place, verifier, (event, &mut outcome));
    match report.await? {
        Ok(report) => describe(&report, place, &mut outcome),
        Err(findings) => outcome.find_all(event.as_str(), &findings),
    }
    Ok(Published { outcome: Some(outcome), draw: Some(document) })
}

/// Reads the leaves, and the proof of `place`.
async fn read_all(
    service: &Service,
    queue: &str,
    is_frozen: bool,
    place: Option<&Place>,
    mut verifier: PublicVerifier<'_>,
    (event, outcome): (&EventName, &mut Outcome),
) -> Result<Result<PublicReport, Vec<draw_verifier::Finding>>, VerifyDrawError> {
    if !is_frozen {
        return Ok(verifier.finish());
    }
    let mut after = Some(0);
    while let Some(from) = after {
        let page = service.get(&format!("{queue}/leaves?after={from}"), None).await?;
        // A page that leads back would never end.
        after = verifier.push_page(&page).filter(|next| *next > from);
    }
    if let Some(place) = place {
        let proof = service.get(&format!("{queue}/proof?place={}", place.token), None).await;
        match proof {
            Ok(proof) => {
                let about: Value = serde_json::from_slice(&proof).unwrap_or_default();
                if serde_json::from_value(about["leaf"].clone()).ok() != Some(place.leaf)
                    || about["index"] != place.index
                {
                    outcome.find(event.as_str(), &"seq 0: the proof is one of another place");
                }
                verifier.push_proof(&proof);
            }
            // It joined later, which `describe` compares with the draw.
            Err(error) if error.is("draw_not_found") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(verifier.finish())
}

fn describe(report: &PublicReport, place: Option<&Place>, outcome: &mut Outcome) {
    let PublicReport { event, queue, participants, serving, .. } = report;
    let head = format!("{event}: waiting room {queue}");
    match report.stage {
        Stage::NoDraw | Stage::Open => {
            outcome.undrawn();
            outcome.say(format!("{head}: not drawn yet, people can still join the draw"));
        }
        Stage::Frozen => {
            outcome.undrawn();
            outcome.say(format!("{head}: {participants} places take part; not drawn yet"));
        }
        Stage::Revealed => {
            let verdict = verdict(report.is_unwitnessed());
            if report.is_unwitnessed() {
                outcome.unwitnessed();
            }
            outcome.say(format!(
                "{head}: {participants} places take part, turns up to {serving} are called; \
                 {verdict}"
            ));
        }
    }
    if let Some(place) = place {
        describe_place(report, place, outcome);
    }
}

fn describe_place(report: &PublicReport, place: &Place, outcome: &mut Outcome) {
    let (event, number) = (report.event.as_str(), place.index + 1);
    match report.stage {
        Stage::NoDraw | Stage::Open => {}
        _ if place.index >= report.participants => outcome.say(format!(
            "{event}: your place joined after the draw, as number {number}; its turn is {number}"
        )),
        _ if report.index(&place.leaf) != Some(place.index) || report.place.is_none() => {
            outcome.find(event, &"seq 0: your place is missing from the draw");
        }
        _ => outcome.say(match report.turn(&place.leaf) {
            Some(turn) => {
                format!("{event}: your place joined as number {number}; its turn is {turn}")
            }
            None => format!("{event}: your place takes part, and joined as number {number}"),
        }),
    }
}

/// What a revealed draw without findings is.
pub fn verdict(is_unwitnessed: bool) -> &'static str {
    match is_unwitnessed {
        false => "proved",
        true => {
            "in order, but unwitnessed: no beacon took part, and the holder of the signing key could \
             have known the order beforehand"
        }
    }
}
