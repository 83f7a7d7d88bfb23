//! What reads answers of other services.

use sigillo_engine::Spam;
use sigillo_server::relay::sts::{self, Mode, Policy};
use sigillo_server::screening::rspamd as antispam;

/// The antispam's reply: a verdict has points that can be compared, or it is none.
pub fn rspamd(data: &[u8]) {
    match antispam::read(data) {
        Ok(Spam::Judged { score, required, .. }) => assert!(score.is_finite() && required.is_finite()),
        Ok(other) => panic!("a reply that is neither a verdict nor an error: {other:?}"),
        Err(why) => assert!(!why.is_empty()),
    }
}

/// A policy of MTA-STS and the record that announces it: one that asks for something names servers and lets them in, none
/// holds longer than a year, and an id is what may stand there.
pub fn sts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(policy) = Policy::parse(text) {
        assert!(policy.mode == Mode::None || !policy.mx.is_empty());
        assert!(policy.max_age.as_secs() <= 31_557_600);
        for pattern in &policy.mx {
            let star = pattern.starts_with("*.");
            let host = if star { pattern.replacen('*', "mx", 1) } else { pattern.clone() };
            assert!(policy.allows(&host), "{host} is not let in by {pattern}");
        }
        assert!(!policy.allows(""), "nobody is let in");
    }
    let records: Vec<String> = text.lines().map(str::to_owned).collect();
    if let Some(id) = sts::id(&records) {
        assert!((1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(sts::id(&[records.clone(), records].concat()), None, "two announcements are none");
    }
}
