//! Proof of work for joins, in the format of ALTCHA (<https://altcha.org/docs/v1/server-integration>):
//! it makes thousands of joins cost what thousands of hashes cost. A challenge is for one place, so
//! that a solution cannot be used for another one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use altcha_lib_rs::{ChallengeOptions, Payload, create_challenge, verify_solution};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use draw::Leaf;
use http::StatusCode;
use http_server::Problem;
use rand::Rng;
use signing::SigningKeys;
use vacancy_api::WorkChallenge;

/// The longest solution that is looked at, bytes.
const SOLUTION_BYTES_MAX: usize = 2_048;
/// What the key of signatures is derived from.
const LABEL: &[u8] = b"ticket-system work v1";
const EXPIRES: &str = "expires";

/// How much work a join needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkSettings {
    /// The most hashes that a solution takes; half as many on average.
    pub number_max: u64,
    /// How long a challenge is valid.
    pub ttl: Duration,
}

/// The key of challenges, of the signing key `kid`.
fn key(keys: &SigningKeys, kid: &str) -> Option<String> {
    keys.derive(kid, LABEL).map(|key| BASE64_STANDARD.encode(key))
}

/// A challenge for the place `leaf`.
///
/// # Errors
/// A problem when it cannot be made.
pub fn challenge(
    keys: &SigningKeys,
    settings: WorkSettings,
    leaf: &Leaf,
) -> Result<WorkChallenge, Problem> {
    let failed = || Problem::internal("A challenge cannot be made.");
    let kid = keys.signer_id();
    let hmac_key = key(keys, kid).ok_or_else(failed)?;
    let mut random = [0; 12];
    rand::rng().fill_bytes(&mut random);
    // The library keeps a single parameter in its place: the others are part of the salt.
    let salt = format!(
        "{}.{leaf}.{kid}?{EXPIRES}={}&",
        BASE64_URL_SAFE_NO_PAD.encode(random),
        now_s() + settings.ttl.as_secs()
    );
    let made = create_challenge(ChallengeOptions {
        max_number: Some(settings.number_max),
        hmac_key: &hmac_key,
        salt: Some(salt),
        ..ChallengeOptions::default()
    });
    let made = made.map_err(|_| failed())?;
    Ok(WorkChallenge {
        algorithm: made.algorithm.to_string(),
        challenge: made.challenge,
        maxnumber: made.maxnumber,
        salt: made.salt,
        signature: made.signature,
    })
}

/// Checks the base64 text `solution`, which must solve a challenge for `leaf`.
///
/// # Errors
/// A 422 problem.
pub fn check(keys: &SigningKeys, solution: &str, leaf: &Leaf) -> Result<(), Problem> {
    let payload = payload(solution).ok_or_else(invalid)?;
    let (about, expires) = payload.salt.split_once('?').ok_or_else(invalid)?;
    let expires = expires.strip_prefix(EXPIRES).and_then(|rest| rest.strip_prefix('='));
    let expires_at_s: u64 =
        expires.and_then(|rest| rest.strip_suffix('&')?.parse().ok()).ok_or_else(invalid)?;
    let mut about = about.splitn(3, '.').skip(1);
    let (for_leaf, kid) = (about.next(), about.next().ok_or_else(invalid)?);
    if for_leaf != Some(leaf.to_string().as_str()) || expires_at_s < now_s() {
        return Err(invalid());
    }
    let hmac_key = key(keys, kid).ok_or_else(invalid)?;
    verify_solution(&payload, &hmac_key, true).map_err(|_| invalid())
}

fn payload(solution: &str) -> Option<Payload> {
    if solution.len() > SOLUTION_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&BASE64_STANDARD.decode(solution).ok()?).ok()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn invalid() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "work_invalid",
        "Proof of work not valid",
        "work must solve a challenge for this Idempotency-Key that has not expired. Get a new one.",
    )
}

#[cfg(test)]
mod tests {
    use altcha_lib_rs::solve_challenge;

    use super::*;

    const SETTINGS: WorkSettings = WorkSettings { number_max: 1_000, ttl: Duration::from_secs(60) };

    fn keys(random: u8) -> SigningKeys {
        SigningKeys::from_jwks(&SigningKeys::generate([random; 32])).unwrap()
    }

    fn solved(challenge: &WorkChallenge, more: u64) -> String {
        let (text, salt) = (&challenge.challenge, &challenge.salt);
        let number = solve_challenge(text, salt, None, Some(challenge.maxnumber), 0).unwrap();
        let payload = serde_json::json!({
            "algorithm": challenge.algorithm,
            "challenge": text,
            "number": number + more,
            "salt": salt,
            "signature": challenge.signature,
        });
        BASE64_STANDARD.encode(payload.to_string())
    }

    #[test]
    fn solution_is_for_one_place_and_one_system() {
        let (keys, leaf) = (keys(1), Leaf::of("gala", 1, "key-1"));
        let challenge = challenge(&keys, SETTINGS, &leaf).unwrap();
        let solution = solved(&challenge, 0);
        assert!(check(&keys, &solution, &leaf).is_ok());
        assert!(check(&keys, &solved(&challenge, 1), &leaf).is_err(), "another number");
        assert!(check(&keys, &solution, &Leaf::of("gala", 1, "key-2")).is_err(), "another place");
        assert!(check(&self::keys(2), &solution, &leaf).is_err(), "another system");
        for bad in ["", "x", "e30=", &"A".repeat(SOLUTION_BYTES_MAX + 1)] {
            let problem = check(&keys, bad, &leaf).expect_err(bad);
            assert_eq!((problem.status().as_u16(), problem.code()), (422, "work_invalid"));
        }
    }

    #[test]
    fn expired_challenge_is_refused() {
        let (keys, leaf) = (keys(1), Leaf::of("gala", 1, "key-1"));
        let settings = WorkSettings { ttl: Duration::ZERO, ..SETTINGS };
        let challenge = challenge(&keys, settings, &leaf).unwrap();
        let solution = solved(&challenge, 0);
        std::thread::sleep(Duration::from_millis(2_100));
        assert!(check(&keys, &solution, &leaf).is_err());
    }
}
