//! The part of the configuration about ordinary mail: what is checked, the antispam.

use std::time::Duration;

use serde::Deserialize;
use sigillo_base::limits::MB;
use sigillo_base::{Complaint, Domain, said};
use sigillo_engine::OrdinaryRules;

use super::located::Reader;
use super::raw;
use crate::fetch::Url;

/// What follows from a finding.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It is recorded.
    Record,
    /// It refuses the message.
    Enforce,
}

/// What is asked about ordinary mail, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordinary {
    /// Whether SPF, DKIM, DMARC, ARC and the lists are asked.
    pub sender_checks: bool,
    /// Lists of bad addresses.
    pub lists: Vec<Domain>,
    /// Messages that are asked about at once.
    pub concurrency: usize,
    /// How long the questions about a message may take.
    pub timeout: Duration,
    /// What refuses a message.
    pub rules: OrdinaryRules,
}

/// Who tells spam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Antispam {
    /// Where rspamd is asked: its `/checkv2`.
    pub rspamd: Url,
    /// Larger messages are not given to it, in bytes.
    pub max_size: usize,
}

/// Longest time for the questions about a message: an SMTP client waits ten minutes for the answer to its message (RFC
/// 5321 §4.5.3.2.6), and a worker thread with it.
const MAX_TIMEOUT_S: u64 = 60;

impl Reader<'_> {
    pub(super) fn ordinary(&mut self, raw: Option<raw::Ordinary>, antispam: Option<&raw::Antispam>) -> Ordinary {
        let sender_checks = raw.is_some();
        let raw = raw.unwrap_or_default();
        let enforced = |weight: Weight| weight == Weight::Enforce;
        Ordinary {
            sender_checks,
            lists: raw.dnsbl.into_iter().filter_map(|zone| self.domain("ordinary.dnsbl", zone)).collect(),
            concurrency: raw.concurrency.max(1),
            timeout: Duration::from_secs(raw.timeout_s.clamp(1, MAX_TIMEOUT_S)),
            rules: OrdinaryRules {
                refuse_spf: enforced(raw.spf),
                refuse_dmarc: enforced(raw.dmarc),
                refuse_listed: enforced(raw.listed),
                refuse_spam: antispam.is_some_and(|a| enforced(a.reject)),
                defer_suspects: antispam.is_some_and(|a| enforced(a.defer)),
                defer_unjudged: antispam.is_some_and(|a| a.when_down == raw::WhenDown::Refuse),
            },
        }
    }

    pub(super) fn antispam(&mut self, raw: raw::Antispam) -> Option<Antispam> {
        let remedy = said!(
            "scrivere l'indirizzo del worker normal: \"http://127.0.0.1:11333\"",
            "write the address of the normal worker: \"http://127.0.0.1:11333\""
        );
        let rspamd = self.check("antispam.rspamd", raw.rspamd, remedy, |text| {
            let base: Url = text.parse().map_err(|bad: Complaint| bad.0)?;
            if !base.is_bare() {
                return Err(said!(
                    "{text:?} ha un percorso, che qui non va",
                    "{text:?} has a path, which does not belong here"
                ));
            }
            let asked = format!("{}/checkv2", text.trim_end_matches('/'));
            asked.parse().map_err(|bad: Complaint| bad.0)
        })?;
        Some(Antispam { rspamd: rspamd.value, max_size: raw.max_size_mb.saturating_mul(MB as usize) })
    }
}
