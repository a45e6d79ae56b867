//! Recorded rounds.

use beacon::{Chain, Scheme};

/// A recorded round.
#[derive(Clone, Copy)]
pub struct Recorded {
    pub round: u64,
    pub signature: &'static str,
    pub randomness: &'static str,
}

impl Recorded {
    pub fn signature(self) -> Vec<u8> {
        const_hex::decode(self.signature).unwrap()
    }
}

/// Rounds of quicknet, as relays published them.
pub const QUICKNET: [Recorded; 4] = [
    Recorded {
        round: 1,
        signature: "b55e7cb2d5c613ee0b2e28d6750aabbb78c39dcc96bd9d38c2c2e12198df95571de8e8e402a0cc48871c7089a2b3af4b",
        randomness: "1466a6cd24e327188770752f6134001c64d6efcc590ccc26b721611ad96f165a",
    },
    Recorded {
        round: 42,
        signature: "95a9f9f5b231b7714de1553105d8ffdf3dcda24cfdb1e689319bccf79a9c8ce430a91b811fbfaf763900bc998b5d686a",
        randomness: "8ada64bae5c6c0f5540a6a13af56e663240edfbd2c76ac6a8f27671eb7259ce3",
    },
    Recorded {
        round: 123,
        signature: "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92",
        randomness: "fb8f7bc29bf24db51871ec8c79f3a1e4bd0557bc0dfcee9ed1d924e69d1c60dc",
    },
    Recorded {
        round: 1_000,
        signature: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
        randomness: "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    },
];

/// Round 1 of the test network quicknet-t.
pub const QUICKNET_T: Recorded = Recorded {
    round: 1,
    signature: "81d347e1c4be0e4277112de281d3a52aa1190bbd2f0ad7954e22799d168e61b60b4a0c46fc5a2777963cb739a0243e21",
    randomness: "5c1dd096cd32cd272fcd2ad6e4d46d33713d16618ede11bae63da90edc3fbb1b",
};

/// Round 1 of fastnet, whose scheme hashes to the curve in another domain.
pub const FASTNET_SIGNATURE: &str = "9544ddce2fdbe8688d6f5b4f98eed5d63eee3902e7e162050ac0f45905a55657714880adabe3c3096b92767d886567d0";
/// The public key of fastnet.
pub const FASTNET_KEY: &str = "a0b862a7527fee3a731bcb59280ab6abd62d5c0b6ea03dc4ddf6612fdfc9d01f01c31542541771903475eb1ec6615f8d0df0b8b6dce385811d6dcf8cbefb8759e5e616a3dfd054c928940766d9a5b9db91e3b697e5d70a975181e007f87fca5e";

/// The chain quicknet-t.
pub fn quicknet_t() -> Chain {
    Chain {
        hash: array("cc9c398442737cbd141526600919edd69f1d6f9b4adb67e4d912fbc64341a9a5"),
        public_key: array(
            "b15b65b46fb29104f6a4b5d1e11a8da6344463973d423661bb0804846a0ecd1ef93c25057f1c0baab2ac53e56c662b66072f6d84ee791a3382bfb055afab1e6a375538d8ffc451104ac971d2dc9b168e2d3246b0be2015969cbaac298f6502da",
        ),
        genesis_s: 1_689_232_296,
        period_s: 3,
        scheme: Scheme::BlsUnchainedG1Rfc9380,
    }
}

/// Bytes of hex.
pub fn array<const N: usize>(hex: &str) -> [u8; N] {
    const_hex::decode(hex).unwrap().try_into().unwrap()
}
