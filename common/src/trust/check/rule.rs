//! Rules that several steps share.

use super::refusal::Why;
use crate::codec;
use crate::digest::Digest;
use crate::plan::MAX_LEAF_BYTES;
use crate::time::{DAY_MS, UtcMs};
use crate::trust::roster::{Endorsement, Quorum};
use crate::trust::sign::SignError;
use crate::trust::watermark::Mark;

/// How far in the future a document may be dated: the clocks' bound, generously.
const MAX_AHEAD_MS: i64 = DAY_MS;

/// Reads a leaf that was proved to stand in its table.
pub(super) fn parse_leaf<T: serde::Serialize + serde::de::DeserializeOwned>(
    document: &'static str,
    leaf: &[u8],
) -> Result<T, Why> {
    codec::decode_deterministic(leaf, MAX_LEAF_BYTES).map_err(|error| Why::Unreadable {
        document,
        problem: error.to_string(),
    })
}

/// A number must be above the one that was seen, or have the very bytes that were.
pub(super) fn not_below(
    document: &'static str,
    mark: Mark,
    number: u64,
    digest: Digest,
) -> Result<(), Why> {
    if mark.admits(number, digest) {
        Ok(())
    } else if number == mark.number {
        Err(Why::Changed { document })
    } else {
        Err(Why::Older {
            document,
            found: number,
            seen: mark.number,
        })
    }
}

/// Not expired, and not written in the future.
pub(super) fn in_date(
    document: &'static str,
    issued: UtcMs,
    expires: UtcMs,
    now: UtcMs,
) -> Result<(), Why> {
    if now >= expires {
        return Err(Why::Expired {
            document,
            at: expires,
        });
    }
    not_ahead(document, issued, now)
}

/// Not written in the future: a document dated ahead would outlive its longest life.
pub(super) fn not_ahead(document: &'static str, issued: UtcMs, now: UtcMs) -> Result<(), Why> {
    if issued.since_ms(now) > MAX_AHEAD_MS {
        return Err(Why::Malformed {
            document,
            problem: "it is dated more than a day ahead of this machine's clock",
        });
    }
    Ok(())
}

/// Why bytes did not become a verified document.
pub(super) fn unsigned(document: &'static str, error: &SignError) -> Why {
    let problem = error.to_string();
    match error {
        SignError::NoValidSignature => Why::Signature { document, problem },
        SignError::TooLarge { .. } | SignError::Payload(_) => Why::Unreadable { document, problem },
    }
}

/// Whether enough different people signed.
pub(super) fn enough(endorsement: &Endorsement, quorum: Quorum) -> Result<(), Why> {
    if endorsement.meets(quorum) {
        return Ok(());
    }
    Err(Why::TooFewSigned {
        have: endorsement.people().len(),
        need: quorum.people,
        with_file_key: endorsement.with_file_key().len(),
        need_file_key: quorum.with_file_key,
    })
}
