//! A panel's state on its way through the browser: bound to plugin, panel, record and person, with the handlers that were drawn. Whoever changes
//! any of it holds a state that opens nowhere. The key lives as long as the process.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::{At, tree::Handler};
use crate::asking::{AskError, Asker};

const MAC_BYTES: usize = 32;

/// Longer ones were not made here.
const SEALED_BYTES_MAX: usize = 512 << 10;

pub(crate) struct Seal([u8; MAC_BYTES]);

/// What was drawn.
#[derive(Serialize, Deserialize)]
pub(super) struct Shown {
    pub state: String,
    pub handlers: Vec<Handler>,
}

impl Seal {
    /// A key for this process.
    pub fn fresh() -> Seal {
        let mut key = [0; MAC_BYTES];
        // As for ids: a machine without randomness cannot run this program.
        getrandom::fill(&mut key).unwrap_or_else(|e| panic!("the system has no randomness: {e}"));
        Seal(key)
    }

    pub(super) fn close(&self, asker: &Asker, at: &At<'_>, state: &str, handlers: Vec<Handler>) -> String {
        let shown = Shown { state: state.into(), handlers };
        let mut sealed = serde_json::to_vec(&shown).unwrap_or_default();
        let mac = self.mac(asker, at, &sealed);
        sealed.extend_from_slice(mac.as_bytes());
        BASE64URL_NOPAD.encode(&sealed)
    }

    pub(super) fn open(&self, asker: &Asker, at: &At<'_>, sealed: &str) -> Result<Shown, AskError> {
        if sealed.len() > SEALED_BYTES_MAX {
            return Err(stale());
        }
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| stale())?;
        let (content, mac) = bytes.split_last_chunk::<MAC_BYTES>().ok_or_else(stale)?;
        // blake3's comparison takes the same time wherever they differ.
        if self.mac(asker, at, content) != blake3::Hash::from_bytes(*mac) {
            return Err(stale());
        }
        serde_json::from_slice(content).map_err(|_| stale())
    }

    fn mac(&self, asker: &Asker, at: &At<'_>, content: &[u8]) -> blake3::Hash {
        let target = at.target.map_or([0; 16], |id| id.0);
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [at.plugin.as_bytes(), at.panel.as_bytes(), &target, &asker.actor.author().0, content] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    }
}

pub(super) fn stale() -> AskError {
    AskError::Stale("the panel is not as it was drawn any more; load it again and repeat what you did".into())
}

#[cfg(test)]
mod tests {
    use kith_base::RecordId;
    use kith_engine::Actor;

    use super::*;

    #[test]
    fn a_state_opens_only_where_and_for_whom_it_was_sealed() {
        let seal = Seal::fresh();
        let asker = Asker::of(Actor::cli());
        let other = Asker::of(Actor { user: Some(RecordId([7; 16])), ..Actor::cli() });
        let at = At { plugin: "p", panel: "a", target: Some(RecordId([1; 16])) };
        let more = Handler { name: "more".into(), schema: Some(serde_json::json!({ "type": "object" })) };
        let sealed = seal.close(&asker, &at, "{\"n\":1}", vec![more.clone()]);
        let shown = seal.open(&asker, &at, &sealed).unwrap();
        assert_eq!((shown.state.as_str(), shown.handlers), ("{\"n\":1}", vec![more]));
        assert!(seal.open(&other, &at, &sealed).is_err(), "another person");
        assert!(seal.open(&asker, &At { target: Some(RecordId([2; 16])), ..at.clone() }, &sealed).is_err());
        assert!(seal.open(&asker, &At { target: None, ..at.clone() }, &sealed).is_err());
        assert!(seal.open(&asker, &At { panel: "b", ..at.clone() }, &sealed).is_err());
        assert!(Seal::fresh().open(&asker, &at, &sealed).is_err(), "another process");
        for bad in ["", "AAAA", "%%%", &sealed[1..], &sealed[..sealed.len() - 2]] {
            assert!(seal.open(&asker, &at, bad).is_err(), "{bad}");
        }
    }
}
