//! What reads answers of other services.

use sigillo_engine::Spam;
use sigillo_server::screening::rspamd as antispam;

/// The antispam's reply: a verdict has points that can be compared, or it is none.
pub fn rspamd(data: &[u8]) {
    match antispam::read(data) {
        Ok(Spam::Judged { score, required, .. }) => assert!(score.is_finite() && required.is_finite()),
        Ok(other) => panic!("a reply that is neither a verdict nor an error: {other:?}"),
        Err(why) => assert!(!why.is_empty()),
    }
}
