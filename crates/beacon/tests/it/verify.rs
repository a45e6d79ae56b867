//! Verification: recorded rounds pass, and all else is refused.

use beacon::{BeaconError, Chain, verify};
use blst::min_sig::Signature;
use proptest::prelude::*;

use crate::vectors::{FASTNET_KEY, FASTNET_SIGNATURE, QUICKNET, QUICKNET_T, array, quicknet_t};

#[test]
fn recorded_rounds_have_their_randomness() {
    for recorded in QUICKNET {
        let randomness = verify(&Chain::QUICKNET, recorded.round, &recorded.signature()).unwrap();
        assert_eq!(const_hex::encode(randomness), recorded.randomness, "{}", recorded.round);
    }
    let randomness = verify(&quicknet_t(), QUICKNET_T.round, &QUICKNET_T.signature()).unwrap();
    assert_eq!(const_hex::encode(randomness), QUICKNET_T.randomness);
}

#[test]
fn signature_of_another_round_is_refused() {
    let signature = QUICKNET[2].signature();
    for round in [0, 1, 122, 124, 123 << 8, 123 << 56, u64::MAX] {
        let refused = verify(&Chain::QUICKNET, round, &signature);
        assert_eq!(refused, Err(BeaconError::WrongSignature { round }));
    }
}

#[test]
fn signature_of_another_chain_is_refused() {
    let refused = Err(BeaconError::WrongSignature { round: 1 });
    assert_eq!(verify(&Chain::QUICKNET, 1, &QUICKNET_T.signature()), refused);
    assert_eq!(verify(&quicknet_t(), 1, &QUICKNET[0].signature()), refused);
    // The right key, another scheme.
    let fastnet = Chain { public_key: array(FASTNET_KEY), ..Chain::QUICKNET };
    assert_eq!(verify(&fastnet, 1, &array::<48>(FASTNET_SIGNATURE)), refused);
}

#[test]
fn every_flipped_bit_is_refused() {
    let recorded = QUICKNET[3];
    for at in 0..48 {
        for bit in 0..8 {
            let mut signature = recorded.signature();
            signature[at] ^= 1 << bit;
            let error = verify(&Chain::QUICKNET, recorded.round, &signature).unwrap_err();
            let round = recorded.round;
            let expected = [BeaconError::MalformedSignature, BeaconError::WrongSignature { round }];
            assert!(expected.contains(&error), "byte {at}, bit {bit}: {error:?}");
        }
    }
}

#[test]
fn other_encodings_of_the_signature_are_refused() {
    let recorded = QUICKNET[0];
    let compressed = recorded.signature();
    // The same point: a signature that verifies, with another hash.
    let uncompressed = Signature::from_bytes(&compressed).unwrap().serialize();
    let mut longer = compressed.clone();
    longer.push(0);
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    let malformed: [&[u8]; 6] =
        [&uncompressed, &longer, &compressed[1..], &[], &infinity, &[0xff; 48]];
    for signature in malformed {
        let refused = verify(&Chain::QUICKNET, recorded.round, signature);
        assert_eq!(refused, Err(BeaconError::MalformedSignature), "{}", signature.len());
    }
}

#[test]
fn chain_without_a_usable_key_verifies_nothing() {
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    for public_key in [[0; 96], [0xff; 96], infinity] {
        let chain = Chain { public_key, ..Chain::QUICKNET };
        let refused = verify(&chain, 1, &QUICKNET[0].signature());
        assert_eq!(refused, Err(BeaconError::PublicKey));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(
        round: u64,
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        point: [u8; 32],
    ) {
        prop_assert!(verify(&Chain::QUICKNET, round, &bytes).is_err());
        // Half of those that look like a point are one of the curve.
        let mut signature = [0; 48];
        signature[16..].copy_from_slice(&point);
        signature[0] = 0x80;
        prop_assert!(verify(&Chain::QUICKNET, round, &signature).is_err());
    }
}
