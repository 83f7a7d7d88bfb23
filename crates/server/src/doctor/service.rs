//! The running service, asked over its socket and at its ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use sigillo_admin::api;
use sigillo_base::{Tell, Timestamp, said};
use sigillo_store::schema;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Case, Finding, plain};

/// How long a port may take to open.
const PORT: Duration = Duration::from_secs(5);
/// How long after its end a segment of the log may be without a time-stamp.
const STAMP: Duration = Duration::from_secs(24 * 3600);
/// Pages of segments that are read: a hundred days each.
const PAGES: usize = 100;

pub(super) fn running(case: &Case) -> Vec<Finding> {
    let status = match &case.status {
        Ok(status) => status,
        Err(error) => {
            return vec![Finding::error(
                "",
                said!("il servizio non risponde: {error}", "the service does not answer: {error}"),
                said!(
                    "`systemctl status sigillo` e `journalctl -u sigillo`; chiedere come root o come l'utente del servizio",
                    "`systemctl status sigillo` and `journalctl -u sigillo`; ask as root or as the service's user"
                ),
            )];
        }
    };
    let mut found = vec![state(status)];
    let own = env!("CARGO_PKG_VERSION");
    if status.version != own {
        found.push(Finding::warning(
            "",
            said!(
                "è in servizio la versione {}, e il programma è {own}",
                "version {} is in service, and the program is {own}",
                status.version
            ),
            plain("`systemctl restart sigillo`"),
        ));
    }
    found.push(supervision(status));
    found.extend(status.sms.as_ref().map(sms));
    found
}

fn state(status: &api::Status) -> Finding {
    let text = said!("{} {} ({} s)", "{} {} ({} s)", status.provider, status.state, status.uptime_s);
    match status.state.as_str() {
        "running" => Finding::fine("", text),
        "draining" => Finding::warning("", text, said!("attendere: si sta fermando", "wait: it is stopping")),
        _ => Finding::error(
            "",
            text,
            said!(
                "non si accetta posta: vedere qui sotto orologio, disco, antivirus e archivio",
                "no mail is accepted: see clock, disk, antivirus and store below"
            ),
        ),
    }
}

/// Who starts it again when it hangs.
fn supervision(status: &api::Status) -> Finding {
    match (&status.supervised, status.watchdog_s) {
        (false, _) => Finding::fine(
            "",
            said!(
                "non l'ha avviato systemd (un container, o a mano)",
                "not started by systemd (a container, or by hand)"
            ),
        ),
        (true, Some(seconds)) => Finding::fine(
            "",
            said!("sotto systemd, con watchdog di {seconds} s", "under systemd, with a watchdog of {seconds} s"),
        ),
        (true, None) => Finding::warning(
            "",
            said!(
                "sotto systemd senza watchdog: se si blocca, nessuno lo riavvia",
                "under systemd without a watchdog: if it hangs, nobody starts it again"
            ),
            said!("WatchdogSec=2min nell'unità", "WatchdogSec=2min in the unit"),
        ),
    }
}

/// Whether short messages go out, by the last one.
fn sms(sms: &api::SmsStatus) -> Finding {
    let about = format!("SMS {}", sms.at);
    match (&sms.error, &sms.since) {
        (Some(error), Some(since)) => Finding::warning(
            about,
            said!("gli SMS non partono dal {since}: {error}", "short messages do not go out since {since}: {error}"),
            said!(
                "guardare [sms] e il credito presso chi li manda; `sigillo notice list` dice chi aspetta",
                "see [sms] and the credit with who sends them; `sigillo notice list` says who waits"
            ),
        ),
        _ => Finding::fine(about, said!("gli SMS partono", "short messages go out")),
    }
}

/// Each address that somebody should be able to connect to.
pub(super) async fn ports(case: &Case) -> Vec<Finding> {
    let addresses: Vec<(String, SocketAddr)> = match &case.status {
        // Sockets of systemd are not in the configuration.
        Ok(status) => {
            let parsed = status.listeners.iter().map(|l| Some((l.role.clone(), l.address.parse().ok()?)));
            parsed.flatten().collect()
        }
        Err(_) => case.config.listen.iter().map(|(role, at)| (role.name().to_owned(), at.value)).collect(),
    };
    let mut asked = tokio::task::JoinSet::new();
    for (place, (role, at)) in addresses.into_iter().enumerate() {
        asked.spawn(async move { (place, role, at, open(at).await) });
    }
    let mut all = asked.join_all().await;
    all.sort_by_key(|(place, ..)| *place);
    let count = all.len();
    let mut found: Vec<Finding> = all
        .into_iter()
        .filter_map(|(_, role, at, opened)| {
            let error = opened.err()?;
            Some(Finding::error(
                format!("{role} {at}"),
                said!("non risponde: {error}", "does not answer: {error}"),
                said!(
                    "guardare se il servizio è avviato e se un firewall chiude la porta (`ss -ltnp`)",
                    "see whether the service runs and whether a firewall shuts the port (`ss -ltnp`)"
                ),
            ))
        })
        .collect();
    if found.is_empty() {
        found.push(Finding::fine("", said!("{count} porte rispondono", "{count} ports answer")));
    }
    found
}

async fn open(at: SocketAddr) -> std::io::Result<()> {
    let ip = match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    timeout(PORT, TcpStream::connect((ip, at.port()))).await?.map(|_| ())
}

pub(super) async fn store(case: &Case) -> Vec<Finding> {
    let Ok(status) = &case.status else { return vec![stopped()] };
    let mut found = Vec::new();
    if let Some(store) = status.store.as_ref().filter(|store| store.state != "well") {
        let why = store.why.as_deref().unwrap_or(&store.state);
        let remedy = said!(
            "fare spazio o cambiare disco; poi `sigillo store check`",
            "make room or change the disk; then `sigillo store check`"
        );
        found.push(Finding::error(&store.path, plain(format!("{}: {why}", store.state)), remedy));
    }
    if status.damaged_rows > 0 {
        let count = status.damaged_rows;
        found.push(Finding::error(
            "",
            said!("{count} righe danneggiate dall'avvio", "{count} damaged rows since the start"),
            said!(
                "`sigillo store check` dice quali, `sigillo store repair` le rimette",
                "`sigillo store check` names them, `sigillo store repair` puts them right"
            ),
        ));
    }
    match case.client.get::<api::StoreStats>(api::STORE_STATS).await {
        Ok(stats) => found.extend(stats_finding(&stats)),
        Err(error) => found.push(Finding::skipped("", error.said())),
    }
    found
}

fn stats_finding(stats: &api::StoreStats) -> Vec<Finding> {
    let health = &stats.health;
    if health.background_errors > 0 || health.write_stopped {
        let errors = health.background_errors;
        return vec![Finding::error(
            &stats.path,
            said!(
                "{errors} scritture in sottofondo fallite; scritture ferme: {}",
                "{errors} background writes failed; writes stopped: {}",
                health.write_stopped
            ),
            said!(
                "guardare il disco (`dmesg`), poi `sigillo store check --deep`",
                "look at the disk (`dmesg`), then `sigillo store check --deep`"
            ),
        )];
    }
    // A service that runs has brought its store to the formats of its release.
    let (messages, mb, version) = (stats.messages, stats.disk_bytes >> 20, schema::VERSION);
    vec![Finding::fine(
        &stats.path,
        said!(
            "sano: {messages} messaggi, {mb} MB, formato {version}",
            "sound: {messages} messages, {mb} MB, format {version}"
        ),
    )]
}

fn stopped() -> Finding {
    Finding::skipped("", said!("non si guarda: il servizio non risponde", "not looked at: the service does not answer"))
}

/// Whether the closed segments of the legal log are whole and stamped.
pub(super) async fn log(case: &Case) -> Vec<Finding> {
    if case.config.timestamp.is_none() {
        return vec![Finding::warning(
            "",
            said!(
                "nessuna marca temporale sul registro legale (DM 2-11-2005, art. 10)",
                "no time-stamp on the legal log (DM 2-11-2005, art. 10)"
            ),
            said!("scrivere [timestamp] con url e anchors", "write [timestamp] with url and anchors"),
        )];
    }
    if case.status.is_err() {
        return vec![stopped()];
    }
    let (mut closed, mut late, mut after) = (0_usize, Vec::new(), 0);
    for _ in 0..PAGES {
        let page: api::LogSegments = match case.client.get(&format!("{}?after={after}", api::LOG_SEGMENTS)).await {
            Ok(page) => page,
            Err(error) => return vec![Finding::skipped("", error.said())],
        };
        let Some(last) = page.segments.last() else { break };
        after = last.number;
        for segment in &page.segments {
            closed += usize::from(segment.closed.is_some());
            late.extend(is_late(segment, case.now).then(|| segment.file.clone()));
        }
    }
    match late.first() {
        None => {
            let text =
                said!("{closed} segmenti chiusi, con la loro marca", "{closed} closed segments, with their stamp");
            vec![Finding::fine("", text)]
        }
        Some(first) => vec![Finding::error(
            first,
            said!(
                "{} segmenti chiusi da più di un giorno senza marca temporale",
                "{} segments closed for more than a day without a time-stamp",
                late.len()
            ),
            said!("guardare timestamp.url e `sigillo log verify`", "look at timestamp.url and at `sigillo log verify`"),
        )],
    }
}

/// Closed long enough to have its stamp, and without.
fn is_late(segment: &api::LogSegment, now: Timestamp) -> bool {
    let closed = segment.closed.as_deref().and_then(Timestamp::from_iso);
    segment.stamped.is_none() && closed.is_some_and(|closed| now.since(closed) > STAMP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_segment_that_has_been_closed_for_long_is_late() {
        let now = Timestamp::from_iso("2026-03-12T10:00:00Z").unwrap();
        let segment = |closed: Option<&str>, stamped: Option<&str>| api::LogSegment {
            number: 1,
            file: "1.log".into(),
            day: "2026-03-10".into(),
            opened: "2026-03-10T00:00:00.000+01:00".into(),
            closed: closed.map(Into::into),
            lines: 1,
            before: String::new(),
            head: String::new(),
            sha256: None,
            stamped: stamped.map(Into::into),
        };
        let (old, new) = ("2026-03-11T00:00:00.000+01:00", "2026-03-12T00:00:00.000+01:00");
        assert!(is_late(&segment(Some(old), None), now));
        assert!(!is_late(&segment(Some(old), Some(new)), now));
        assert!(!is_late(&segment(Some(new), None), now));
        assert!(!is_late(&segment(None, None), now));
    }
}
