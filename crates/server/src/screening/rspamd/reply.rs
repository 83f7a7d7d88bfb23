//! What rspamd says: a JSON object with an action, a score and the rules that gave points.

use std::collections::BTreeMap;

use serde::Deserialize;
use sigillo_engine::{Advice, Spam};

#[derive(Deserialize)]
struct Reply {
    action: String,
    score: f64,
    required_score: f64,
    #[serde(default)]
    symbols: BTreeMap<String, Symbol>,
}

#[derive(Deserialize)]
struct Symbol {
    #[serde(default)]
    score: f64,
}

/// Reads a reply to `/checkv2`. The rules come with the weightiest first.
///
/// # Errors
/// What is wrong, for the operator: it is no verdict then.
pub fn read(body: &[u8]) -> Result<Spam, String> {
    let reply: Reply = serde_json::from_slice(body).map_err(|e| format!("risposta di rspamd non leggibile: {e}"))?;
    let advice = match reply.action.as_str() {
        "no action" => Advice::Take,
        "greylist" | "soft reject" => Advice::Defer,
        // Nothing is thrown away in silence: who sends it is told.
        "reject" | "discard" => Advice::Refuse,
        // `add header`, `rewrite subject`, `quarantine`, and what an operator has added.
        _ => Advice::Mark,
    };
    let mut symbols: Vec<(String, f64)> = reply.symbols.into_iter().map(|(name, s)| (name, s.score)).collect();
    symbols.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    let symbols = symbols.into_iter().map(|(name, _)| name).collect();
    Ok(Spam::Judged { advice, score: reply.score, required: reply.required_score, symbols })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(action: &str) -> Advice {
        let reply = format!(r#"{{"action":{action:?},"score":1,"required_score":15}}"#);
        match read(reply.as_bytes()) {
            Ok(Spam::Judged { advice, .. }) => advice,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_action_has_its_meaning_and_an_unknown_one_refuses_nothing() {
        assert_eq!(advice("no action"), Advice::Take);
        assert_eq!(advice("greylist"), Advice::Defer);
        assert_eq!(advice("soft reject"), Advice::Defer);
        assert_eq!(advice("add header"), Advice::Mark);
        assert_eq!(advice("rewrite subject"), Advice::Mark);
        assert_eq!(advice("quarantine"), Advice::Mark);
        assert_eq!(advice("reject"), Advice::Refuse);
        assert_eq!(advice("discard"), Advice::Refuse);
        assert_eq!(advice("Reject"), Advice::Mark);
        assert_eq!(advice(""), Advice::Mark);
    }

    #[test]
    fn rules_come_by_their_weight() {
        let reply = br#"{"is_skipped":false,"score":19.5,"required_score":15.0,"action":"reject","symbols":{
            "A_LITTLE":{"name":"A_LITTLE","score":0.1,"metric_score":0.1,"options":["x"]},
            "GTUBE":{"name":"GTUBE","score":20.0},"GOOD":{"score":-0.6},"NOTHING":{}},"messages":{},"time_real":0.1}"#;
        let symbols = ["GTUBE", "GOOD", "A_LITTLE", "NOTHING"].map(str::to_owned).to_vec();
        let expected = Spam::Judged { advice: Advice::Refuse, score: 19.5, required: 15.0, symbols };
        assert_eq!(read(reply), Ok(expected));
    }

    #[test]
    fn what_is_no_verdict_is_an_error() {
        for bad in [
            "",
            "reject",
            "{}",
            "[]",
            "null",
            r#"{"error":"bad request"}"#,
            r#"{"action":"no action","score":0}"#,
            r#"{"action":"no action","score":"0","required_score":15}"#,
            r#"{"action":"no action","score":1e999,"required_score":15}"#,
            r#"{"action":7,"score":0,"required_score":15}"#,
            r#"{"action":"no action","score":0,"required_score":15"#,
            r#"{"action":"no action","score":0,"required_score":15} x"#,
            r#"{"action":"no action","score":0,"required_score":15,"symbols":[]}"#,
            r#"{"action":"no action","score":0,"required_score":15,"symbols":{"A":1}}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(read(&b"[".repeat(100_000)).is_err(), "nested without end");
    }
}
