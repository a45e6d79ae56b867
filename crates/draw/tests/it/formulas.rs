//! Leaves, seeds, keys and values, byte by byte. The expected texts come from Python's `hashlib`
//! and `hmac`.

use draw::{DrawKey, Leaf, Seed};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const SECRET: &[u8] = b"secret of the signing key";
const DRAW: &str = "018f3a5e-7b1c-7c3d-9a4e-5f6071829304";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// HMAC by its definition in RFC 2104, for keys of up to a block.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = sha256(&[&block.map(|byte| byte ^ 0x36), text]);
    sha256(&[&block.map(|byte| byte ^ 0x5c), &inner])
}

/// HKDF by its definition in RFC 5869: extract without salt, one block of expand.
fn key(seed: &[u8], beacon: &[u8]) -> [u8; 32] {
    let extracted = hmac(&[0; 32], &[seed, beacon].concat());
    hmac(&extracted, b"ticket-system draw v1\x01")
}

#[test]
fn known_answers() {
    let leaf = Leaf::of("concert-1", 42, "order-1");
    assert_eq!(leaf.to_string(), "I_8zWqfUOkSy_rP0j4qMtf19Rp7ljv-ESOzxa8mSRrY");
    let seed = Seed::from_bytes(hmac(SECRET, &Seed::message(DRAW)));
    assert_eq!(
        (seed.to_string().as_str(), seed.commitment().to_string().as_str()),
        (
            "ffae72d9f70d99c1da69884f2f9fae312d0cb4c9f4944363498231ff7c9163d3",
            "85ef08a158945c8f80cfa82ec90ad8a48091d6fd60148f8110030096f4d746a0",
        )
    );
    let beacon: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let cases = [
        (
            None,
            "3bd8f248b14913deffaf6fdba844b451560875d868ad88774944d54b77f46802",
            "d893bf86187828d2ae94065e434a302d9a8393bb400dc680efc672591c07dcc3",
        ),
        (
            Some(&beacon),
            "dcd90a8d787fb5c2991d8dbe1b6ed8ff5ccb63037f5722fff565bd5e7dd0e4c7",
            "c45aa2d2543bbcbb465a9c61b83825e6dd4dffa439249f5cc5cf80b13328077e",
        ),
    ];
    for (beacon, key, value) in cases {
        let drawn = DrawKey::new(&seed, beacon);
        assert_eq!((drawn.to_string().as_str(), hex(&drawn.value(&leaf)).as_str()), (key, value));
        assert_eq!(drawn.threshold_of(&leaf).to_string(), value[..32]);
    }
}

#[test]
fn parts_of_a_leaf_do_not_run_together() {
    let leaves = [("a", 1, "1b"), ("a1", 1, "b"), ("a", 11, "b"), ("a", 1, "b")];
    let leaves = leaves.map(|(event, queue, key)| Leaf::of(event, queue, key));
    for (number, leaf) in leaves.iter().enumerate() {
        assert!(!leaves[..number].contains(leaf));
    }
}

proptest! {
    #[test]
    fn formulas_hold_for_all_arguments(
        event in "[a-z0-9-]{1,40}", queue: u64, text in "[ -~]{1,255}",
        seed: [u8; 32], beacon: Option<[u8; 32]>,
    ) {
        let leaf = Leaf::of(&event, queue, &text);
        let joined = format!("ticket-system place v1\0{event}\0{queue}\0{text}");
        prop_assert_eq!(leaf.as_bytes(), &sha256(&[joined.as_bytes()]));
        let drawn = DrawKey::new(&Seed::from_bytes(seed), beacon.as_ref());
        let expected = key(&seed, beacon.as_ref().map_or(&[], |beacon| beacon));
        prop_assert_eq!(drawn.as_bytes(), &expected);
        prop_assert_eq!(drawn.value(&leaf), hmac(&expected, leaf.as_bytes()));
    }
}
