//! What one message must satisfy.

use sigillo_base::Address;

use super::{Checker, Finding, Message, OPEN, Party, TAIL};
use crate::RecipientClass;

/// Findings about one message. What is missing waits while the message is open.
struct Verdict<'m> {
    id: &'m str,
    open: bool,
    waits: bool,
    findings: Vec<Finding>,
}

impl Verdict<'_> {
    fn wrong(&mut self, recipient: Option<&Address>, text: &'static str) {
        self.findings.push(Finding { id: self.id.to_owned(), text, recipient: recipient.cloned() });
    }

    fn missing(&mut self, recipient: Option<&Address>, text: &'static str) {
        if self.open {
            self.waits = true;
        } else {
            self.wrong(recipient, text);
        }
    }
}

impl Checker {
    pub(super) fn judge(&mut self, id: &str, m: &Message) {
        let headless = m.acceptances == 0 && m.envelopes.is_empty();
        if headless && self.from.is_some_and(|from| m.first.since(from) <= TAIL) {
            self.report.cut += 1;
            return;
        }
        let sent = id.rsplit_once('@').is_some_and(|(_, d)| self.service.iter().any(|s| s.as_str() == d));
        let open = self.now.unwrap_or(self.latest).since(m.first) < OPEN;
        let mut v = Verdict { id, open, waits: false, findings: Vec::new() };
        if m.other_sender || m.other_recipients {
            if m.other_sender {
                v.wrong(None, "Mittente incoerente");
            }
            if m.other_recipients {
                v.wrong(None, "Destinatari incoerenti");
            }
        } else {
            // Acceptance and envelopes are there from the first moment on: they are never waited for.
            match m.envelopes() {
                0 => v.wrong(None, "Busta di trasporto mancante"),
                1 => {}
                _ => v.wrong(None, "Busta di trasporto duplicata"),
            }
            match (sent, m.acceptances) {
                (true, 0) => v.wrong(None, "Accettazione mancante"),
                (true, 1) | (false, 0) => {}
                (true, _) => v.wrong(None, "Accettazione duplicata"),
                (false, _) => v.wrong(None, "Accettazione incoerente"),
            }
            for party in &m.parties {
                if sent { sent_to(&mut v, m, party) } else { self.received_for(&mut v, party) }
            }
        }
        self.report.messages += 1;
        self.report.open += u64::from(v.waits);
        self.report.findings.extend(v.findings);
    }

    /// Rule C.
    fn received_for(&self, v: &mut Verdict<'_>, p: &Party) {
        let ours = match self.domains.is_empty() {
            true => p.taken + p.delivered + p.failed + p.virus > 0,
            false => self.domains.contains(p.address.domain()) || self.service.contains(p.address.domain()),
        };
        if p.class != Some(RecipientClass::Certified) || !ours {
            return incoherent(v, p, false);
        }
        taken_once(v, p, p.virus > 0);
        let kinds = [p.delivered, p.failed, p.virus];
        let who = Some(&p.address);
        match kinds.iter().sum() {
            0u32 => v.missing(
                who,
                "Avvenuta consegna o errore consegna o rilevazione virus mancante per almeno un destinatario",
            ),
            1 => {}
            _ if kinds.iter().filter(|n| **n > 0).count() > 1 => v.wrong(
                who,
                "Avvenuta consegna o errore consegna o rilevazione virus in conflitto per almeno un destinatario",
            ),
            _ => v.wrong(
                who,
                "Avvenuta consegna o errore consegna o rilevazione virus duplicata per almeno un destinatario",
            ),
        }
    }
}

/// Rules B3 to B6.
fn sent_to(v: &mut Verdict<'_>, m: &Message, p: &Party) {
    let who = Some(&p.address);
    match (p.virus, p.failed_virus) {
        (detected, told) if detected == told => {}
        (0, _) => v.missing(who, "Rilevazione virus mancante per un destinatario"),
        (_, 0) => v.missing(who, "Mancata consegna virus mancante per un destinatario"),
        (detected, told) if detected > told => v.wrong(who, "Rilevazione virus duplicata per un destinatario"),
        _ => v.wrong(who, "Mancata consegna virus duplicata per un destinatario"),
    }
    let by_us = p.failed > 0 && m.ours.is_some() && p.failed_by == m.ours;
    if p.class != Some(RecipientClass::Certified) {
        return incoherent(v, p, by_us && p.class.is_some());
    }
    taken_once(v, p, p.presumed || by_us || p.virus + p.failed_virus > 0);
    match (p.delivered, p.failed) {
        (0, 0) if p.presumed => {}
        (0, 0) => v.missing(who, "Avvenuta consegna o errore consegna mancante per almeno un destinatario"),
        (1, 0) | (0, 1) => {}
        (0, _) | (_, 0) => v.wrong(who, "Avvenuta consegna o errore consegna duplicata per almeno un destinatario"),
        _ => v.wrong(who, "Avvenuta consegna o errore consegna in conflitto per almeno un destinatario"),
    }
}

/// Rule 3. `exempt`: nobody needs to have taken charge.
fn taken_once(v: &mut Verdict<'_>, p: &Party, exempt: bool) {
    match p.taken {
        0 if exempt => {}
        0 => v.missing(Some(&p.address), "Presa in carico mancante per almeno un destinatario"),
        1 => {}
        _ => v.wrong(Some(&p.address), "Presa in carico duplicata per almeno un destinatario"),
    }
}

/// Rules 4A, 4B and 5, for who is no certified recipient (of ours). `failure`: a notice of our own about an external
/// recipient.
fn incoherent(v: &mut Verdict<'_>, p: &Party, failure: bool) {
    let who = Some(&p.address);
    if p.taken > 0 {
        v.wrong(who, "Presa in carico incoerente per almeno un destinatario");
    }
    if p.virus > 0 {
        v.wrong(who, "Rilevazione virus incoerente per almeno un destinatario");
    }
    if p.delivered > 0 || (p.failed > 0 && !failure) {
        v.wrong(who, "Avvenuta consegna o errore consegna incoerente per almeno un destinatario");
    }
}
