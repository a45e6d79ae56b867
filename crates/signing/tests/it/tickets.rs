//! Which key signs the tickets of a sale.

use serde_json::Value;
use signing::SigningKeys;

use crate::support::{jwk, keys};

fn from(kid: &str, random: u8, from_s: u64) -> Value {
    let mut jwk = jwk(kid, random);
    jwk["signs_tickets_from"] = from_s.into();
    jwk
}

fn id(keys: &SigningKeys, sold_at_s: u64) -> [u8; 8] {
    keys.ticket_key(sold_at_s).id()
}

#[test]
fn key_follows_from_the_time_of_the_sale_in_any_order_of_the_file() {
    let [old, new] = [jwk("old", 1), from("new", 2, 1_000)];
    let alone = |jwk: &Value| id(&keys(std::slice::from_ref(jwk)), 0);
    for both in [[old.clone(), new.clone()], [new.clone(), old.clone()]] {
        let both = keys(&both);
        assert_eq!((id(&both, 0), id(&both, 999)), (alone(&old), alone(&old)));
        assert_eq!((id(&both, 1_000), id(&both, u64::MAX)), (alone(&new), alone(&new)));
    }
    // A sale before all of them.
    let later = keys(&[from("b", 4, 9_000), from("a", 3, 5_000)]);
    assert_eq!(id(&later, 10), alone(&from("a", 3, 5_000)));
    // Of equals the last one, which is the older one after a rotation.
    let equal = keys(&[jwk("b", 4), jwk("a", 3)]);
    assert_eq!(id(&equal, 10), alone(&jwk("a", 3)));
}

#[test]
fn all_keys_verify_and_each_its_own_tickets() {
    let both = keys(&[from("new", 2, 1_000), jwk("old", 1)]);
    for sold_at_s in [0, 2_000] {
        let key = both.ticket_key(sold_at_s);
        let signature = key.sign(b"ticket");
        assert!(both.verify_ticket(&key.id(), b"ticket", &signature));
        assert!(!both.verify_ticket(&key.id(), b"another", &signature));
        assert!(!both.verify_ticket(&id(&both, 2_000 - sold_at_s), b"ticket", &signature));
        assert!(!both.verify_ticket(&[0; 8], b"ticket", &signature));
        let mut wrong = signature;
        wrong[40] ^= 1;
        assert!(!both.verify_ticket(&key.id(), b"ticket", &wrong));
    }
}

#[test]
fn another_start_makes_other_keys() {
    assert_ne!(keys(&[from("a", 1, 5)]), keys(&[from("a", 1, 6)]));
    assert_eq!(keys(&[from("a", 1, 0)]), keys(&[jwk("a", 1)]));
}
