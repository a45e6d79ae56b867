//! Chains and the times of their rounds.

use beacon::{Chain, Scheme};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::vectors::{array, quicknet_t};

const GENESIS_MS: u64 = 1_692_803_367_000;

#[test]
fn constants_of_quicknet_belong_to_its_hash() {
    // A chain's hash covers period, genesis, public key, the hash of the first group, and name.
    let chain = Chain::QUICKNET;
    let group: [u8; 32] = array("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e");
    let hash = Sha256::new()
        .chain_update(u32::try_from(chain.period_s).unwrap().to_be_bytes())
        .chain_update(chain.genesis_s.to_be_bytes())
        .chain_update(chain.public_key)
        .chain_update(group)
        .chain_update("quicknet")
        .finalize();
    assert_eq!(chain.hash, *hash);
    assert_eq!(chain.scheme.id(), "bls-unchained-g1-rfc9380");
    assert_eq!(chain.scheme, Scheme::BlsUnchainedG1Rfc9380);
}

#[test]
fn chain_is_found_by_its_hash_alone() {
    let hash = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
    assert_eq!(Chain::QUICKNET.hash_hex(), hash);
    assert_eq!(Chain::by_hash(hash), Some(Chain::QUICKNET));
    for other in ["", &hash[1..], &hash.to_uppercase(), &quicknet_t().hash_hex()] {
        assert_eq!(Chain::by_hash(other), None, "{other}");
    }
    assert_eq!(format!("{:?}", Chain::QUICKNET), format!("Chain {{ hash: {hash:?}, .. }}"));
}

#[test]
fn round_is_the_first_at_or_after_a_time() {
    let chain = Chain::QUICKNET;
    for (time_ms, round) in [
        (0, 1),
        (GENESIS_MS - 1, 1),
        (GENESIS_MS, 1),
        (GENESIS_MS + 1, 2),
        (GENESIS_MS + 2_999, 2),
        (GENESIS_MS + 3_000, 2),
        (GENESIS_MS + 3_001, 3),
        (1_798_124_400_000, 35_107_012),
    ] {
        assert_eq!(chain.round_at(time_ms), round, "{time_ms}");
    }
    assert_eq!(chain.time_of_ms(1), GENESIS_MS);
    assert_eq!(chain.time_of_ms(35_107_012), 1_798_124_400_000);
}

#[test]
fn extreme_chains_and_times_do_not_overflow() {
    let still = Chain { period_s: 0, ..Chain::QUICKNET };
    assert_eq!(still.time_of_ms(7), GENESIS_MS);
    assert!(still.round_at(u64::MAX) > 1);
    let late = Chain { genesis_s: u64::MAX, period_s: u64::MAX, ..Chain::QUICKNET };
    assert_eq!(late.time_of_ms(u64::MAX), u64::MAX);
    assert_eq!(late.round_at(u64::MAX), 1);
    assert_eq!(Chain::QUICKNET.time_of_ms(0), GENESIS_MS);
}

proptest! {
    #[test]
    fn no_earlier_round_is_at_or_after_the_time(since_ms in 0_u64..10_000_000_000_000) {
        let (chain, time_ms) = (Chain::QUICKNET, GENESIS_MS + since_ms);
        let round = chain.round_at(time_ms);
        prop_assert!(chain.time_of_ms(round) >= time_ms);
        prop_assert!(round == 1 || chain.time_of_ms(round - 1) < time_ms);
        prop_assert_eq!(chain.round_at(chain.time_of_ms(round)), round);
    }
}
