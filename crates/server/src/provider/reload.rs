//! SIGHUP: what can change while running changes at once or not at all; of the rest it is said that it waits.

use std::sync::Arc;

use sigillo_base::{Said, said};

use super::{Provider, Shown};
use crate::certificates::Around;
use crate::config::{Acme, Config, Problem, Problems, Relay, Sms, TimeStamp};
use crate::material::Material;

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys that differ from the running ones but wait for the next start.
    pub waiting: Vec<&'static str>,
}

impl Provider {
    /// Reads configuration, certificates, revocation lists and index again. After an error all is as before; an index
    /// older than the one in use is an error. Either way it is a line of the legal log (AUD-01).
    pub async fn reload(&self) -> Result<Reloaded, Problems> {
        let done = self.read_again().await;
        let outcome = done.as_ref().map(drop).map_err(|problems| problems.say(sigillo_admin::Lang::It));
        self.tell_configuration(Some(outcome)).await;
        done
    }

    /// Writes down which configuration is in use: what came of reading it `again`, or at a start that it is another than before.
    pub(super) async fn tell_configuration(&self, again: Option<Result<(), String>>) {
        let (engine, sha256, now) = (Arc::clone(&self.engine), self.config().sha256.clone(), self.clock.now());
        if let Some(Err(error)) = self.pool.run(move || engine.configured(&sha256, again.as_ref(), now)).await {
            tracing::error!(%error, "which configuration is in use is not written down");
        }
    }

    async fn read_again(&self) -> Result<Reloaded, Problems> {
        let _turn = self.updater.turn().await;
        let (old, gate, now) = (self.config(), Arc::clone(&self.gate), self.clock.now());
        let load = move || -> Result<_, Problems> {
            let config = Config::load(&old.file)?;
            let waiting = waiting(&old, &config);
            let kept = kept(&old, config);
            let material = Material::load(&kept, &gate, now)?;
            let shown = Shown::of(&kept, &material.identity);
            Ok((kept, material, shown, waiting))
        };
        let loaded = self.pool.run(load).await.unwrap_or_else(|| Err(Problems(Vec::new())));
        let (config, material, shown, waiting) = loaded.inspect_err(|problems| {
            tracing::error!(%problems, "nothing was reloaded");
        })?;
        let outcome = self.updater.may_take(&material.index, &config).inspect_err(|problems| {
            tracing::error!(%problems, "nothing was reloaded");
        })?;
        self.may_sign(&config, &material).inspect_err(|problems| {
            tracing::error!(%problems, "nothing was reloaded");
        })?;
        self.take_profiles(&config).await?;
        let config = Arc::new(config);
        self.updater.adopt(Arc::clone(&config), &material, outcome);
        self.tls.renew(&material.tls);
        self.submission_tls.renew(&material.submission_tls);
        self.relay.trust(material.relay_trust());
        self.relay.routes.replace(&config.relay.routes);
        material.adopted_by(&self.engine);
        self.engine.replace_domains(config.domains.clone());
        self.issuer.store(material.issuer.clone());
        self.engine.replace_identity(material.identity, self.signing.of(material.signer));
        self.config.store(config);
        self.shown.store(Arc::new(shown));
        self.tell_certificates().await;
        tracing::info!("reloaded domains, certificates, revocation lists, index, routes and profiles");
        for key in &waiting {
            tracing::warn!(key, "changed in the file, but valid only from the next start");
        }
        Ok(Reloaded { waiting })
    }

    /// What a certificate signs that the index does not hold nobody would believe: while the one in use is believed, it stays.
    fn may_sign(&self, config: &Config, material: &Material) -> Result<(), Problems> {
        let (old, new, now) = (self.engine.identity().certificate, &material.identity.certificate, self.clock.now());
        let around = Around { name: &config.name.value, index: &material.index, trust: &material.trust, now };
        if old == *new || around.lists(new) || !around.lists(&old) || old.not_after() <= now {
            return Ok(());
        }
        let hash = new.sha1_hex();
        let what = said!(
            "l'indice in uso non ha il certificato {hash}, e ha quello con cui si firma adesso",
            "the index in use does not hold the certificate {hash}, and holds the one that signs now"
        );
        let remedy = said!(
            "scriverlo in signing.next_certificate, `sigillo index publish`, e quando l'indice lo ha `sigillo cert roll`",
            "write it into signing.next_certificate, `sigillo index publish`, and when the index has it `sigillo cert roll`"
        );
        Err(config.signing_certificate.problem(&config.file, what, remedy).into())
    }

    /// Tells the administrations what is new about our certificates.
    pub(super) async fn tell_certificates(&self) {
        let (engine, own, now) = (Arc::clone(&self.engine), self.shown().own.clone(), self.clock.now());
        if let Some(Err(error)) = self.pool.run(move || engine.watch_certificates(&own, now)).await {
            tracing::error!(%error, "what is new about our certificates is told later");
        }
    }

    /// Profiles that mailboxes have must be there; the last that can keep a reload from being.
    async fn take_profiles(&self, config: &Config) -> Result<(), Problems> {
        let (engine, profiles) = (Arc::clone(&self.engine), config.profiles.clone());
        let taken = self.pool.run(move || engine.replace_profiles(profiles)).await;
        taken.ok_or_else(|| Problems(Vec::new()))?.map_err(|error| {
            let english = "a profile is gone that mailboxes still have, or the store does not answer";
            let remedy = said!("rimettere il profilo, o cambiare quello delle caselle", "bring it back");
            let what = Said::new(error.to_string(), english);
            let problem = Problem { file: config.file.clone(), line: None, key: Some("profile".into()), what, remedy };
            tracing::error!(problem = problem.say(sigillo_admin::Lang::It), "nothing was reloaded");
            Problems(vec![problem])
        })
    }
}

/// The new configuration with the old values of what waits: material is checked against the identity that runs, and
/// the status tells what runs.
fn kept(old: &Config, new: Config) -> Config {
    Config {
        name: old.name.clone(),
        service_address: old.service_address.clone(),
        english: old.english,
        host: old.host.clone(),
        store: old.store.clone(),
        store_memory: old.store_memory,
        store_reserve: old.store_reserve,
        text_index: old.text_index,
        retention: old.retention,
        listen: old.listen.clone(),
        proxies: old.proxies.clone(),
        relay: Relay { routes: new.relay.routes.clone(), ..old.relay.clone() },
        dns: old.dns.clone(),
        timestamp: old.timestamp.clone(),
        access: old.access.clone(),
        passwords: old.passwords.clone(),
        antivirus: old.antivirus.clone(),
        ordinary: old.ordinary.clone(),
        antispam: old.antispam.clone(),
        dkim: old.dkim.clone(),
        sms: old.sms.clone(),
        clock: old.clock.clone(),
        admin_socket: old.admin_socket.clone(),
        admin_door: old.admin_door.clone(),
        metrics: old.metrics.clone(),
        log_level: old.log_level.clone(),
        log_format: old.log_format,
        limits: old.limits,
        reports: old.reports.clone(),
        acme: old.acme.clone(),
        // Where an authority brings the certificate, its place is the store.
        tls_certificate: if old.acme == new.acme { new.tls_certificate.clone() } else { old.tls_certificate.clone() },
        tls_key: if old.acme == new.acme { new.tls_key.clone() } else { old.tls_key.clone() },
        ..new
    }
}

fn waiting(old: &Config, new: &Config) -> Vec<&'static str> {
    let listen = |c: &Config| c.listen.iter().map(|(role, at)| (*role, at.value)).collect::<Vec<_>>();
    // Lines do not count.
    let acme = |c: &Config| {
        let at = |acme: &Acme| acme.listen.iter().map(|at| at.value).collect::<Vec<_>>();
        let of = |acme: &Acme| (acme.directory.value.clone(), acme.contact.clone(), acme.names.clone(), at(acme));
        c.acme.as_ref().map(|acme| (of(acme), acme.roots.value.clone()))
    };
    let admin = |c: &Config| c.admin_door.as_ref().map(|door| (door.listen.value, door.per_minute));
    let metrics = |c: &Config| c.metrics.as_ref().map(|at| at.value);
    let stamps = |c: &Config| {
        let paths = |t: &TimeStamp| t.anchors.iter().map(|a| a.value.clone()).collect::<Vec<_>>();
        c.timestamp.as_ref().map(|t| (t.url.value.clone(), paths(t)))
    };
    // Routes are taken at once.
    let relay = |c: &Config| Relay { routes: Vec::new(), ..c.relay.clone() };
    let dns = |c: &Config| (c.dns.servers.clone(), c.dns.dnssec, c.dns.anchors.as_ref().map(|a| a.value.clone()));
    let dkim = |c: &Config| c.dkim.as_ref().map(|d| (d.domain.clone(), d.selector.clone(), d.key.value.clone()));
    let sms = |c: &Config| c.sms.as_ref().map(Sms::plain);
    let folder = |c: &Config| c.reports.as_ref().map(|folder| folder.value.clone());
    let differs = [
        ("provider.name", old.name.value != new.name.value),
        ("provider.service_address", old.service_address.value != new.service_address.value),
        ("provider.english", old.english != new.english),
        ("provider.host", old.host.value != new.host.value),
        ("store.path", old.store.value != new.store.value),
        ("store.memory_mb", old.store_memory != new.store_memory),
        ("store.reserve_mb", old.store_reserve.bytes != new.store_reserve.bytes),
        ("store.reserve_inodes", old.store_reserve.inodes != new.store_reserve.inodes),
        ("store.allow_volatile", old.store_volatile != new.store_volatile),
        ("store.text_index", old.text_index != new.text_index),
        ("archive", old.retention != new.retention),
        ("listen", listen(old) != listen(new)),
        ("tls.acme", acme(old) != acme(new)),
        ("relay", relay(old) != relay(new)),
        ("dns", dns(old) != dns(new)),
        ("timestamp", stamps(old) != stamps(new)),
        ("access", old.access != new.access),
        ("passwords", old.passwords != new.passwords),
        ("antivirus", old.antivirus != new.antivirus),
        ("ordinary", old.ordinary != new.ordinary),
        ("antispam", old.antispam != new.antispam),
        ("dkim", dkim(old) != dkim(new)),
        ("sms", sms(old) != sms(new)),
        ("clock", old.clock != new.clock),
        ("admin.socket", old.admin_socket.value != new.admin_socket.value),
        ("admin.listen", admin(old) != admin(new)),
        ("metrics", metrics(old) != metrics(new)),
        ("log.level", old.log_level != new.log_level),
        ("log.format", old.log_format != new.log_format),
        ("listen.proxy_networks", old.proxies != new.proxies),
        ("limits", old.limits != new.limits),
        ("reports.folder", folder(old) != folder(new)),
    ];
    differs.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SAMPLE;
    use std::path::Path;

    #[test]
    fn what_cannot_change_while_running_is_named() {
        let parse = |text: &str| Config::parse(Path::new("s.toml"), text).unwrap();
        let old = parse(SAMPLE);
        assert!(waiting(&old, &old).is_empty());
        let new = SAMPLE.replace("127.0.0.1:2525", "127.0.0.1:3525").replace("memory_mb = 256", "memory_mb = 512");
        assert_eq!(waiting(&old, &parse(&new)), ["store.memory_mb", "listen"]);
        let english = SAMPLE.replace("english = false", "english = true");
        assert_eq!(waiting(&old, &parse(&english)), ["provider.english"]);
        assert!(!kept(&old, parse(&english)).english);
        let watched = SAMPLE.replace("servers = []", "servers = [\"ntp1.inrim.it\"]");
        let scanned = watched.replace("\n# [antivirus]", "\n[antivirus]").replace("\n# clamd", "\nclamd");
        assert_eq!(waiting(&old, &parse(&scanned)), ["antivirus", "clock"]);
        let more = SAMPLE.replace("\"ente-esempio.example\"]", "\"ente-esempio.example\", \"nuovo.example\"]");
        assert!(waiting(&old, &parse(&more)).is_empty() && kept(&old, parse(&more)).domains.len() == 4);
        let moved = SAMPLE.replace("prova/tls.pem", "prova/nuovo.pem");
        assert!(waiting(&old, &parse(&moved)).is_empty(), "a certificate may move");
        let comment = format!("# one line more\n{SAMPLE}");
        assert!(waiting(&old, &parse(&comment)).is_empty(), "lines do not count");
    }
}
