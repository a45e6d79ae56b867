//! A draw that was computed with Python's `hmac` and `hashlib`, from the text of the rule alone.

use draw_verifier::{Beacons, Leaf, PublicVerifier};
use serde_json::json;

const LEAVES: [&str; 7] = [
    "PcIFH1xiGtzJH2eQ187A4889ph-m7krGpa5J-pSCtTU",
    "yWGrUFFDcj7u-XHcB56byQYa2SRSrSPwiqneZGTClYE",
    "-3xbjbvO3ER03R4kuZXumZ_raWXDditxLClLDW7lQwQ",
    "Ztiuwi8RlT-1BMxbnusD84MpoXAENMMOzjfv-IOqzFg",
    "LGQH5MxZh4PWnRLmoYmzc3CqXw8uGs2Om5YLk4EExVU",
    "263HMWlIbgBMPTP7Wg-LAkOdQMclwrcDVCKD-AGql4M",
    "D8-o6xV9pmAQ5bOiDCaOajbVBYN_xbYSggtyxuDJIF0",
];
const ROOT: &str = "6b27a45299015e6ce09f0e7a5d11f4a3f170d1afe01dc3eb181d72dd9b2b9e9a";
const COMMITMENT: &str = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The turns of the places; the randomness of the round is the bytes from 100 to 131.
fn turns(witnessed: bool, upto: &str) -> Vec<u64> {
    let mut draw = json!({
        "event": "concert",
        "queue": 17,
        "rule": "hkdf-hmac-sha256-v1",
        "committed": {
            "seq": 18, "commitment": COMMITMENT, "key_id": "k",
            "draw": "0190a5b4-8e9c-7000-8000-000000000001",
        },
        "frozen": {"seq": 20, "n": 7, "root": ROOT},
        "revealed": {"seq": 21, "seed": SEED},
        "witnessed": witnessed,
        "serving": 3,
        "upto": upto,
    });
    if witnessed {
        draw["committed"]["beacon"] = json!({"chain": "ab", "round": 5});
        draw["revealed"]["beacon"] = json!({"round": 5, "signature": "cd"});
    }
    let check = |chain: &str, round: u64, signature: &[u8]| {
        assert_eq!((chain, round, signature), ("ab", 5, &[0xcd][..]));
        Ok(std::array::from_fn(|index| 100 + index as u8))
    };
    let beacons = Beacons { check: &check, chain_info: &|_| None };
    let mut verifier = PublicVerifier::new(draw.to_string().as_bytes(), beacons).unwrap();
    verifier.push_page(json!({"leaves": LEAVES}).to_string().as_bytes());
    let report = verifier.finish().unwrap();
    for (leaf, key) in LEAVES.iter().zip(["a", "b", "c", "d", "e", "f", "g"]) {
        assert_eq!(Leaf::parse(leaf), Some(Leaf::of("concert", 17, key)));
    }
    LEAVES.iter().map(|leaf| report.turn(&Leaf::parse(leaf).unwrap()).unwrap()).collect()
}

#[test]
fn order_is_that_of_another_implementation() {
    assert_eq!(turns(true, "743ea9aac3a485efac2b245385604799"), [1, 2, 5, 7, 6, 3, 4]);
    assert_eq!(turns(false, "3e2d59cd8026234feeb36b89692017f6"), [2, 5, 4, 6, 7, 1, 3]);
}
