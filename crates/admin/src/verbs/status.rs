//! `sigillo status`: how the provider is.

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{AntivirusStatus, ClockStatus, PausedServer, SmsStatus, Status, StoreStatus};

/// Arguments of `sigillo status`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Asks and gives the text to print.
pub async fn run(args: &Args, lang: Lang) -> Result<String, Error> {
    let status = args.at.client().status().await?;
    if args.at.json { json(&status) } else { Ok(show(&status, lang)) }
}

fn show(status: &Status, lang: Lang) -> String {
    let mut rows = table(&header(lang, &[("voce", "item"), ("valore", "value")]));
    let mut row = |it: &str, en: &str, value: String| {
        rows.add_row([lang.pick(it, en).to_owned(), value]);
    };
    row("gestore", "provider", status.provider.clone());
    row("indirizzo di servizio", "service address", status.service_address.clone());
    row("stato", "state", status.state.clone());
    row("versione", "version", status.version.clone());
    row("processo", "process", format!("{} ({} s)", status.pid, status.uptime_s));
    row("ora del servizio", "service time", format!("{} (x{})", status.service_time, status.speed));
    row("connessioni", "connections", status.connections.to_string());
    for listener in &status.listeners {
        row("ascolta", "listens", format!("{} {}", listener.role, listener.address));
    }
    row("indice dei gestori", "provider index", super::index::brief(&status.index, lang));
    for certificate in &status.certificates {
        let text = super::cert::brief(certificate, lang);
        row("certificato", "certificate", text);
    }
    if let Some(acme) = &status.acme {
        row("prossimo rinnovo ACME", "next ACME renewal", super::cert::acme(acme, lang));
    }
    if status.damaged_rows > 0 {
        row("righe danneggiate", "damaged rows", status.damaged_rows.to_string());
    }
    row("antivirus", "antivirus", antivirus(status.antivirus.as_ref(), lang));
    if !status.ordinary_today.is_empty() {
        let counts: Vec<String> = status.ordinary_today.iter().map(|(fate, n)| format!("{fate} {n}")).collect();
        row("posta ordinaria oggi", "ordinary mail today", counts.join(", "));
    }
    if let Some(sms) = &status.sms {
        row("SMS", "SMS", self::sms(sms, lang));
    }
    if let Some(clock) = &status.clock {
        row("orologio", "clock", self::clock(clock, lang));
    }
    if let Some(store) = &status.store {
        row("archivio", "store", self::store(store, lang));
    }
    for server in &status.paused {
        row("server altrui in pausa", "server of others paused", paused(server, lang));
    }
    rows.to_string()
}

fn paused(server: &PausedServer, lang: Lang) -> String {
    let PausedServer { host, address, since, failures, until, why, .. } = server;
    let tls = if server.needs_tls { lang.pick(", TLS obbligatorio", ", TLS required") } else { "" };
    match lang {
        Lang::It => format!("{host} [{address}]{tls}: {why} (dal {since}, tentativi {failures}, il prossimo {until})"),
        Lang::En => format!("{host} [{address}]{tls}: {why} (since {since}, attempts {failures}, next {until})"),
    }
}

fn antivirus(antivirus: Option<&AntivirusStatus>, lang: Lang) -> String {
    match antivirus {
        None => lang.pick("NESSUNO: i messaggi non sono controllati", "NONE: messages are not scanned").to_owned(),
        Some(AntivirusStatus { at, engine: Some(engine), .. }) => format!("{engine} ({at})"),
        Some(AntivirusStatus { at, error, .. }) => {
            let error = error.as_deref().unwrap_or(at);
            format!("{}: {error}", lang.pick("NON RISPONDE", "DOES NOT ANSWER"))
        }
    }
}

fn sms(sms: &SmsStatus, lang: Lang) -> String {
    match (&sms.error, &sms.since, lang) {
        (Some(error), Some(since), Lang::It) => format!("NON PARTONO dal {since}: {error}"),
        (Some(error), Some(since), Lang::En) => format!("NOT SENT since {since}: {error}"),
        _ => sms.at.clone(),
    }
}

fn clock(clock: &ClockStatus, lang: Lang) -> String {
    let state = match clock.state.as_str() {
        "synchronised" => lang.pick("sincronizzato", "synchronised"),
        "off" => lang.pick("FUORI TOLLERANZA", "OFF"),
        _ => lang.pick("non si sa", "unknown"),
    };
    match (clock.offset_ms, &clock.why) {
        (Some(offset), _) => format!("{state} (UTC {offset:+} ms)"),
        (None, Some(why)) => format!("{state}: {why}"),
        (None, None) => state.to_owned(),
    }
}

fn store(store: &StoreStatus, lang: Lang) -> String {
    let state = match store.state.as_str() {
        "well" => lang.pick("bene", "well"),
        "full" => lang.pick("DISCO PIENO", "DISK FULL"),
        "inodes" => lang.pick("INODE FINITI", "OUT OF INODES"),
        "failing" => lang.pick("NON SCRIVE", "DOES NOT WRITE"),
        "background" => lang.pick("ERRORI DEL DISCO", "DISK ERRORS"),
        "stalled" => lang.pick("SCRITTURE FERME", "WRITES STOPPED"),
        other => other,
    };
    let mb = |bytes: u64| bytes >> 20;
    let free = lang.pick("MB liberi", "MB free");
    let reserve = lang.pick("riserva", "reserve");
    let text =
        format!("{state} ({}: {} {free}, {reserve} {})", store.path, mb(store.free_bytes), mb(store.reserve_bytes));
    match &store.why {
        Some(why) => format!("{text}: {why}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_scans_nothing_or_cannot_says_so() {
        assert!(antivirus(None, Lang::It).contains("NESSUNO") && antivirus(None, Lang::En).contains("NONE"));
        let status = |engine: Option<&str>, error: Option<&str>| AntivirusStatus {
            at: "/run/clamav/clamd.ctl".into(),
            engine: engine.map(Into::into),
            error: error.map(Into::into),
        };
        let up = antivirus(Some(&status(Some("ClamAV 1.4.6/27500"), None)), Lang::It);
        assert_eq!(up, "ClamAV 1.4.6/27500 (/run/clamav/clamd.ctl)");
        let down = antivirus(Some(&status(None, Some("antivirus: clamd x: rifiutata"))), Lang::It);
        assert_eq!(down, "NON RISPONDE: antivirus: clamd x: rifiutata");
    }

    #[test]
    fn the_clock_is_told_with_its_offset_or_why_there_is_none() {
        let show = |state: &str, offset_ms, why: Option<&str>| {
            clock(&ClockStatus { state: state.into(), offset_ms, why: why.map(Into::into) }, Lang::It)
        };
        assert_eq!(show("synchronised", Some(-12), None), "sincronizzato (UTC -12 ms)");
        assert_eq!(show("off", Some(1500), None), "FUORI TOLLERANZA (UTC +1500 ms)");
        assert_eq!(show("unknown", None, Some("nessun server")), "non si sa: nessun server");
    }

    #[test]
    fn a_store_in_trouble_is_seen_at_a_glance() {
        let mut status = StoreStatus {
            path: "/var/lib/sigillo/db".into(),
            state: "well".into(),
            why: None,
            free_bytes: 3 << 30,
            reserve_bytes: 512 << 20,
            free_inodes: None,
            reserve_inodes: 1000,
        };
        assert_eq!(store(&status, Lang::It), "bene (/var/lib/sigillo/db: 3072 MB liberi, riserva 512)");
        (status.state, status.free_bytes) = ("full".into(), 100 << 20);
        status.why = Some("104857600 bytes are free".into());
        let full = "DISK FULL (/var/lib/sigillo/db: 100 MB free, reserve 512): 104857600 bytes are free";
        assert_eq!(store(&status, Lang::En), full);
    }
}
