//! Records of a ledger, as far as queues need them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    reveal::{Commitment, CommittedBeacon, Reveal, RevealedBeacon},
    text::{Hex, Leaf},
};

/// The members of a record that are checked.
#[derive(Deserialize)]
pub(crate) struct Body<'a> {
    pub at_ms: u64,
    #[serde(borrow)]
    pub event: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    place: Option<&'a RawValue>,
    pub prev: Hex<32>,
    #[serde(borrow)]
    queue: Option<&'a RawValue>,
    pub seq: u64,
    #[serde(borrow)]
    settings: Option<&'a RawValue>,
}

/// The settings of an event.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Settings {
    pub opens_at_ms: Option<u64>,
    pub queue: Option<QueueSettings>,
}

/// The settings of a queue.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct QueueSettings {
    pub draw: bool,
    pub opens_at_ms: u64,
    pub pass_ttl_ms: u64,
}

/// `queue_joined`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joined {
    pub from: u64,
    pub leaves: Vec<Leaf>,
}

/// `draw_committed`. The draw and the key are those of the seed, which only their owner derives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    beacon: Option<CommittedBeacon>,
    commitment: Hex<32>,
    #[serde(rename = "draw")]
    _draw: String,
    #[serde(rename = "key_id")]
    _key_id: String,
    rule: String,
}

/// `draw_frozen`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frozen {
    pub n: u64,
    pub root: Hex<32>,
}

/// `draw_revealed`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revealed {
    beacon: Option<RevealedBeacon>,
    seed: Hex<32>,
}

/// `queue_called`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Called {
    pub serving: u64,
    pub upto: Option<Hex<16>>,
}

/// `pass_claimed`. The place, not the id, is what a pass is spent by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claimed {
    pub expires_at_ms: u64,
    pub leaf: Leaf,
    #[serde(rename = "pass")]
    _pass: String,
}

/// `queue_paused`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paused {
    paused: bool,
}

/// The change of a record.
pub(crate) enum Change {
    EventPut(Settings),
    EventDeleted,
    Joined(Joined),
    Committed(Commitment),
    Frozen(Frozen),
    Revealed(Reveal),
    Called(Called),
    Claimed(Claimed),
    Paused(bool),
    /// `held` or `sold`, and the place.
    Taken(Option<Leaf>),
    /// A change that does not concern queues.
    Other,
}

impl Body<'_> {
    /// The change.
    pub fn change(&self) -> Result<Change, String> {
        Ok(match &*self.kind {
            "event_put" => Change::EventPut(required(self.settings, "settings")?),
            "event_deleted" => Change::EventDeleted,
            "held" | "sold" => Change::Taken(self.place.map(parse).transpose()?),
            "queue_joined" => Change::Joined(self.queue()?),
            "draw_committed" => {
                let Committed { beacon, commitment, rule, .. } = self.queue()?;
                Change::Committed(Commitment { rule, commitment, beacon })
            }
            "draw_frozen" => Change::Frozen(self.queue()?),
            "draw_revealed" => {
                let Revealed { beacon, seed } = self.queue()?;
                Change::Revealed(Reveal { seed, beacon })
            }
            "queue_called" => Change::Called(self.queue()?),
            "pass_claimed" => Change::Claimed(self.queue()?),
            "queue_paused" => Change::Paused(self.queue::<Paused>()?.paused),
            kind if self.queue.is_some() => {
                return Err(format!("unknown kind of record '{kind}' of a queue"));
            }
            _ => Change::Other,
        })
    }

    fn queue<'a, T: Deserialize<'a>>(&'a self) -> Result<T, String> {
        required(self.queue, "queue")
    }
}

fn required<'a, T: Deserialize<'a>>(member: Option<&'a RawValue>, name: &str) -> Result<T, String> {
    parse(member.ok_or_else(|| format!("it needs '{name}'"))?)
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|error| error.to_string())
}
