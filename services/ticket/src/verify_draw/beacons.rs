//! What is known about beacons: the chain that draws use.

use beacon::Chain;
use draw_verifier::{Beacons, ChainInfo};

/// The beacons whose signatures can be checked.
pub fn beacons() -> Beacons<'static> {
    Beacons { check: &check, chain_info: &chain_info }
}

fn check(chain: &str, round: u64, signature: &[u8]) -> Result<[u8; 32], String> {
    let chain = Chain::by_hash(chain).ok_or_else(|| format!("chain {chain} is not known"))?;
    beacon::verify(&chain, round, signature).map_err(|error| error.to_string())
}

fn chain_info(chain: &str) -> Option<ChainInfo> {
    let Chain { genesis_s, period_s, .. } = Chain::by_hash(chain)?;
    Some(ChainInfo { genesis_s, period_s })
}
