//! What must be true at the end, whatever happened.

use std::collections::BTreeMap;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_mime::Header;
use sigillo_pec::log::{Checker, Entry};
use sigillo_pec::{CertifiedTime, Errore, Kind, deadline};

use super::World;
use crate::evidence::{self, Evidence};
use crate::{log, whole};

/// A run that kept every rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Of all that happened, in order.
    pub hash: [u8; 32],
    /// Messages accepted.
    pub accepted: usize,
    /// Recipients by outcome.
    pub delivered: usize,
    /// A notice of non-delivery.
    pub failed: usize,
    /// Only the second overdue notice.
    pub presumed_failed: usize,
    /// First overdue notices.
    pub first_notices: usize,
    /// Recipients whose provider found malware that the sender's had let through.
    pub infected: usize,
    /// Ordinary mail delivered in anomaly envelopes.
    pub anomalies: usize,
    /// Notifications of failure about external recipients.
    pub bounces: usize,
}

/// Evidence about one recipient of one message, as the sender holds it.
#[derive(Debug, Default)]
struct Story {
    delivered: Vec<Timestamp>,
    failed: Vec<Timestamp>,
    first: Vec<Timestamp>,
    second: Vec<Timestamp>,
    taken: Vec<Timestamp>,
    /// The legal time at which the other provider says it took charge, so that it sorts.
    in_charge_since: Vec<String>,
    /// Notices of non-delivery for malware, which are among the failed too, and what they answer.
    infected: Vec<Timestamp>,
    detected: Vec<Timestamp>,
    /// Copies of the envelope in the recipient's mailbox.
    visible: Vec<Timestamp>,
}

#[derive(Debug)]
struct Message {
    accepted: Vec<Timestamp>,
    certified: Vec<Address>,
    stories: BTreeMap<Address, Story>,
}

type Messages = BTreeMap<String, Message>;

/// Everything that lies in the mailboxes.
#[derive(Debug, Default)]
struct Found {
    messages: Messages,
    /// Ordinary mail: recipient and subject.
    anomalies: Vec<(Address, String)>,
    /// Notifications about external recipients: who was told, about which message, about whom.
    bounces: Vec<(Address, String, Address)>,
}

/// How late a notice may be beyond outages: one retry of a failing commit.
const GRACE: Duration = Duration::from_secs(30 * 60);

pub(super) fn check(world: &World, outage: Duration) -> Result<Report, String> {
    let Found { mut messages, mut anomalies, bounces } = gather(world)?;
    let mut report = Report { anomalies: anomalies.len(), bounces: bounces.len(), ..Report::default() };
    check_bounces(world, &bounces)?;
    let mut promised = world.ordinary.clone();
    anomalies.sort_by_key(|(rcpt, subject)| (rcpt.key(), subject.clone()));
    promised.sort_by_key(|(rcpt, subject)| (rcpt.key(), subject.clone()));
    // What a crash cut off between commit and answer may be there without its "250".
    anomalies.dedup();
    if anomalies.len() != report.anomalies || promised.iter().any(|p| !anomalies.contains(p)) {
        return Err(format!("ordinary mail lost or doubled: promised {promised:?}, found {anomalies:?}"));
    }
    for super::Accepted { sender, id, .. } in &world.accepted {
        let message = messages.get(id).ok_or(format!("{id} of {sender} was accepted and has no acceptance"))?;
        if message.accepted.len() != 1 {
            return Err(format!("{id}: {} acceptances", message.accepted.len()));
        }
    }
    for (id, message) in &mut messages {
        let [at] = message.accepted[..] else { return Err(format!("{id}: evidence without one acceptance")) };
        report.accepted += 1;
        for rcpt in message.certified.clone() {
            let story = message.stories.remove(&rcpt).unwrap_or_default();
            check_story(&story, at, outage, &mut report).map_err(|e| format!("{id} to {rcpt}: {e}\n{story:?}"))?;
        }
    }
    check_logs(world, &messages)?;
    check_stores(world)?;
    Ok(report)
}

/// Who is told that an external recipient failed sent him that message, and hears it once, of a recipient whose server
/// did not take it. Every other failure of an external recipient is told.
fn check_bounces(world: &World, bounces: &[(Address, String, Address)]) -> Result<(), String> {
    for (told, id, rcpt) in bounces {
        let of = |a: &&super::Accepted| a.id == *id && a.sender == *told && a.to.contains(rcpt);
        let external = world.nodes.iter().all(|n| !n.house.serves(rcpt.domain()));
        if !external || !world.accepted.iter().any(|a| of(&a)) {
            return Err(format!("{told} is told that {id} failed for {rcpt}, and never sent that"));
        }
        if bounces.iter().filter(|b| (&b.1, &b.2) == (id, rcpt)).count() > 1 {
            return Err(format!("{told} is told twice that {id} failed for {rcpt}"));
        }
        if world.taken_outside.contains(&(id.clone(), rcpt.clone())) {
            return Err(format!("{told} is told that {id} failed for {rcpt}, whose server took it"));
        }
    }
    for super::Accepted { id, to, .. } in &world.accepted {
        for rcpt in to.iter().filter(|r| world.nodes.iter().all(|n| !n.house.serves(r.domain()))) {
            let taken = world.taken_outside.contains(&(id.clone(), rcpt.clone()));
            if !taken && !bounces.iter().any(|b| (&b.1, &b.2) == (id, rcpt)) {
                return Err(format!("nobody is told what became of {id} for {rcpt}"));
            }
        }
    }
    Ok(())
}

/// A notification: which message it returns, and whose failure it reports.
fn bounce(bytes: &[u8]) -> Option<(String, Address)> {
    let text = String::from_utf8_lossy(bytes);
    let field = |name: &str| {
        let (_, rest) = text.rsplit_once(&format!("\r\n{name}: "))?;
        Some(rest.split("\r\n").next()?.to_owned())
    };
    let id = field("Message-ID")?.trim_matches(['<', '>']).to_owned();
    Some((id, Address::parse(field("Final-Recipient")?.strip_prefix("rfc822; ")?).ok()?))
}

/// The rows of every store belong together.
fn check_stores(world: &World) -> Result<(), String> {
    for (n, node) in world.nodes.iter().enumerate() {
        let wrong = whole::errors(&node.house.store)?;
        if !wrong.is_empty() {
            return Err(format!("the store of provider {n}: {}", wrong.join("\n")));
        }
    }
    Ok(())
}

fn check_story(s: &Story, at: Timestamp, outage: Duration, report: &mut Report) -> Result<(), String> {
    let fail = |what: &str| Err(what.to_owned());
    if s.visible.len() > 1 {
        return fail("stored twice");
    }
    if s.delivered.len() > 1 || s.failed.len() > 1 || s.first.len() > 1 || s.second.len() > 1 {
        return fail("a notice was issued twice");
    }
    match (s.delivered.len(), s.failed.len(), s.second.len()) {
        (1, 0, _) => report.delivered += 1,
        (0, 1, 0) => report.failed += 1,
        (0, _, 1) => report.presumed_failed += 1,
        other => return Err(format!("not exactly one outcome (delivered, failed, presumed): {other:?}")),
    }
    if s.infected.len() != s.detected.len().min(1) {
        return fail("malware that was detected and the notice about it do not go together");
    }
    report.infected += s.infected.len();
    if s.delivered.len() != s.visible.len() {
        return fail("delivery receipt and visible message do not go together");
    }
    let slack = outage + GRACE;
    for first in &s.first {
        report.first_notices += 1;
        if *first < at.plus(deadline::FIRST) || *first > at.plus(deadline::FIRST + slack) {
            return Err(format!("first notice at {first}, accepted at {at}"));
        }
        if s.taken.iter().chain(&s.delivered).any(|t| t < first) {
            return fail("first notice although the other provider had answered");
        }
    }
    for second in &s.second {
        if *second < at.plus(deadline::SECOND_NOT_BEFORE) || *second > at.plus(deadline::SECOND + slack) {
            return Err(format!("second notice at {second}, accepted at {at}"));
        }
        if s.delivered.iter().any(|t| t < second) {
            return fail("second notice after a delivery receipt");
        }
        // What was still in the sender's queue then was withdrawn: only what the other provider had already taken
        // may arrive later.
        let said = sortable(&CertifiedTime::of(*second));
        if !s.delivered.is_empty() && s.in_charge_since.iter().all(|t| *t > said) {
            return fail("handed over after the second notice had said that it was not delivered");
        }
    }
    Ok(())
}

/// `2026-03-12 10:15:01`. No run of the world crosses the autumn night, in which this would not sort.
fn sortable(time: &CertifiedTime) -> String {
    let mut day: Vec<&str> = time.day.split('/').collect();
    day.reverse();
    format!("{} {}", day.join("-"), time.time)
}

/// Reads every mailbox of every provider; each message must verify.
fn gather(world: &World) -> Result<Found, String> {
    let mut found = Found::default();
    for node in &world.nodes {
        let service = node.house.fixture.provider.service_address.clone();
        for user in node.users.iter().chain([&service]) {
            for (at, bytes) in node.house.inbox(user)? {
                let e = evidence::read(&bytes, &world.trust, world.now).map_err(|e| format!("{user}: {e}"))?;
                if world.forged.contains(&e.message_id) {
                    continue;
                }
                if e.kind == "errore" {
                    let subject = Header::parse(&bytes).ok().and_then(|h| h.text("Subject")).unwrap_or_default();
                    let subject = subject.strip_prefix("ANOMALIA MESSAGGIO: ").ok_or("a subject without its prefix")?;
                    if subject == "Messaggio non recapitato" {
                        let (id, rcpt) = bounce(&bytes).ok_or("a notification that does not read")?;
                        found.bounces.push((user.clone(), id, rcpt));
                        continue;
                    }
                    found.anomalies.push((user.clone(), subject.to_owned()));
                    continue;
                }
                let service = *user == service;
                file(&mut found.messages, user, service, at, &e).map_err(|what| format!("{user}: {what}"))?;
            }
        }
    }
    Ok(found)
}

fn file(messages: &mut Messages, user: &Address, is_service: bool, at: Timestamp, e: &Evidence) -> Result<(), String> {
    let c = e.certification.as_ref().ok_or("nothing certified, and no anomaly envelope")?;
    let signer = e.signer.emails().first().cloned().unwrap_or_default();
    if ["presa-in-carico", "rilevazione-virus"].contains(&e.kind.as_str()) != is_service {
        return Err(format!("{} of {signer} in the wrong mailbox", e.kind));
    }
    if e.kind == "non-accettazione" {
        return Ok(());
    }
    let message = messages.entry(c.facts.id.as_str().to_owned()).or_insert_with(|| Message {
        accepted: Vec::new(),
        certified: c.facts.certified().cloned().collect(),
        stories: BTreeMap::new(),
    });
    let about = |story: fn(&mut Story) -> &mut Vec<Timestamp>, message: &mut Message, rcpt: &Address| {
        story(message.stories.entry(rcpt.clone()).or_default()).push(at);
    };
    let rcpt = c.delivered.clone();
    match (e.kind.as_str(), rcpt) {
        ("accettazione", _) => message.accepted.push(at),
        ("posta-certificata", _) => about(|s| &mut s.visible, message, user),
        ("presa-in-carico", _) => {
            for r in &c.taken {
                about(|s| &mut s.taken, message, r);
                message.stories.entry(r.clone()).or_default().in_charge_since.push(sortable(&c.time));
            }
        }
        ("avvenuta-consegna", Some(r)) => about(|s| &mut s.delivered, message, &r),
        ("errore-consegna", Some(r)) => {
            if c.error == Errore::Virus {
                about(|s| &mut s.infected, message, &r);
            }
            about(|s| &mut s.failed, message, &r);
        }
        ("rilevazione-virus", Some(r)) => about(|s| &mut s.detected, message, &r),
        ("preavviso-errore-consegna", Some(r)) => {
            let second = c.extended_error.as_deref().is_some_and(|t| t.starts_with("5.4.1"));
            about(if second { |s| &mut s.second } else { |s| &mut s.first }, message, &r);
        }
        (other, _) => return Err(format!("unexpected {other}")),
    }
    Ok(())
}

/// The legal logs tell the same: an acceptance for every message at its sender's provider. Each log is whole, every line
/// of it once in its chain, and agrees with itself.
fn check_logs(world: &World, messages: &Messages) -> Result<(), String> {
    let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
    for node in &world.nodes {
        let engine = node.house.engine.as_ref().ok_or("down")?;
        let name = &node.house.fixture.provider.name;
        let proof = log::prove(engine, world.now).map_err(|e| format!("{name}: {e}"))?;
        if proof.found > 0 {
            return Err(format!("{name}: the log is not whole: {:#?}", proof.findings));
        }
        let mut checker = Checker::new(None, Some(world.now));
        for entry in log::entries(engine, world.now)? {
            match &entry {
                // Who forges speaks of recipients he does not serve: the row says that it proves nothing.
                Entry::Event(record) if world.forged.contains(&record.message_id) && !record.proves_nothing() => {
                    return Err(format!("{name}: a forged receipt counts as evidence: {record:?}"));
                }
                Entry::Event(record) if record.kind == Kind::Acceptance => {
                    *accepted.entry(record.id.clone()).or_default() += 1;
                }
                _ => {}
            }
            checker.entry(&entry);
        }
        let report = checker.finish();
        if !report.findings.is_empty() || report.open + report.cut > 0 {
            return Err(format!("{name}: the log does not agree with itself: {report:#?}"));
        }
    }
    for id in messages.keys() {
        if accepted.get(id) != Some(&1) {
            return Err(format!("{id}: the log has no single acceptance: {accepted:?}"));
        }
    }
    Ok(())
}
