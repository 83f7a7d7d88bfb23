//! SIGHUP: what can change while running changes at once or not at all; of the rest it is said that it waits.

use std::sync::Arc;

use super::{Provider, Shown};
use crate::config::{Config, Problem, Problems, Relay, Text, TimeStamp};
use crate::material::Material;

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys that differ from the running ones but wait for the next start.
    pub waiting: Vec<&'static str>,
}

impl Provider {
    /// Reads configuration, certificates, revocation lists and index again. After an error all is as before; an index
    /// older than the one in use is an error.
    pub async fn reload(&self) -> Result<Reloaded, Problems> {
        let _turn = self.updater.turn().await;
        let (old, gate, now) = (self.config(), Arc::clone(&self.gate), self.clock.now());
        let load = move || -> Result<_, Problems> {
            let config = Config::load(&old.file)?;
            let waiting = waiting(&old, &config);
            let kept = kept(&old, config);
            let material = Material::load(&kept, &gate, now)?;
            let shown = Shown::of(&kept, &material);
            Ok((kept, material, shown, waiting))
        };
        let loaded = self.pool.run(load).await.unwrap_or_else(|| Err(Problems(Vec::new())));
        let (config, material, shown, waiting) = loaded.inspect_err(|problems| {
            tracing::error!(%problems, "nothing was reloaded");
        })?;
        let outcome = self.updater.may_take(&material.index, &config).inspect_err(|problems| {
            tracing::error!(%problems, "nothing was reloaded");
        })?;
        self.take_profiles(&config).await?;
        let config = Arc::new(config);
        self.updater.adopt(Arc::clone(&config), &material, outcome);
        self.tls.renew(&material.tls);
        self.submission_tls.renew(&material.submission_tls);
        self.relay.trust(material.relay_trust());
        self.relay.routes.replace(&config.relay.routes);
        self.engine.replace_tokens(material.tokens);
        self.engine.replace_identity(material.identity, self.signing.of(material.signer));
        self.config.store(config);
        self.shown.store(Arc::new(shown));
        tracing::info!("reloaded certificates, revocation lists, index, routes and profiles");
        for key in &waiting {
            tracing::warn!(key, "changed in the file, but valid only from the next start");
        }
        Ok(Reloaded { waiting })
    }

    /// Profiles that mailboxes have must be there; the last that can keep a reload from being.
    async fn take_profiles(&self, config: &Config) -> Result<(), Problems> {
        let (engine, profiles) = (Arc::clone(&self.engine), config.profiles.clone());
        let taken = self.pool.run(move || engine.replace_profiles(profiles)).await;
        taken.ok_or_else(|| Problems(Vec::new()))?.map_err(|error| {
            let english = "a profile is gone that mailboxes still have, or the store does not answer";
            let remedy = Text::new("rimettere il profilo, o cambiare quello delle caselle", "bring it back");
            let what = Text::new(error.to_string(), english);
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
        domains: old.domains.clone(),
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
        antivirus: old.antivirus.clone(),
        ordinary: old.ordinary.clone(),
        antispam: old.antispam.clone(),
        dkim: old.dkim.clone(),
        clock: old.clock.clone(),
        admin_socket: old.admin_socket.clone(),
        metrics: old.metrics.clone(),
        log_level: old.log_level.clone(),
        log_format: old.log_format,
        limits: old.limits,
        reports: old.reports.clone(),
        ..new
    }
}

fn waiting(old: &Config, new: &Config) -> Vec<&'static str> {
    let listen = |c: &Config| c.listen.iter().map(|(role, at)| (*role, at.value)).collect::<Vec<_>>();
    let metrics = |c: &Config| c.metrics.as_ref().map(|at| at.value);
    let stamps = |c: &Config| {
        let paths = |t: &TimeStamp| t.anchors.iter().map(|a| a.value.clone()).collect::<Vec<_>>();
        c.timestamp.as_ref().map(|t| (t.url.value.clone(), paths(t)))
    };
    // Routes are taken at once.
    let relay = |c: &Config| Relay { routes: Vec::new(), ..c.relay.clone() };
    let dns = |c: &Config| (c.dns.servers.clone(), c.dns.dnssec, c.dns.anchors.as_ref().map(|a| a.value.clone()));
    let dkim = |c: &Config| c.dkim.as_ref().map(|d| (d.domain.clone(), d.selector.clone(), d.key.value.clone()));
    let folder = |c: &Config| c.reports.as_ref().map(|folder| folder.value.clone());
    let differs = [
        ("provider.name", old.name.value != new.name.value),
        ("provider.service_address", old.service_address.value != new.service_address.value),
        ("provider.english", old.english != new.english),
        ("provider.host", old.host.value != new.host.value),
        ("provider.domains", old.domains != new.domains),
        ("store.path", old.store.value != new.store.value),
        ("store.memory_mb", old.store_memory != new.store_memory),
        ("store.reserve_mb", old.store_reserve.bytes != new.store_reserve.bytes),
        ("store.reserve_inodes", old.store_reserve.inodes != new.store_reserve.inodes),
        ("store.allow_volatile", old.store_volatile != new.store_volatile),
        ("store.text_index", old.text_index != new.text_index),
        ("archive", old.retention != new.retention),
        ("listen", listen(old) != listen(new)),
        ("relay", relay(old) != relay(new)),
        ("dns", dns(old) != dns(new)),
        ("timestamp", stamps(old) != stamps(new)),
        ("access", old.access != new.access),
        ("antivirus", old.antivirus != new.antivirus),
        ("ordinary", old.ordinary != new.ordinary),
        ("antispam", old.antispam != new.antispam),
        ("dkim", dkim(old) != dkim(new)),
        ("clock", old.clock != new.clock),
        ("admin.socket", old.admin_socket.value != new.admin_socket.value),
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
        let moved = SAMPLE.replace("prova/tls.pem", "prova/nuovo.pem");
        assert!(waiting(&old, &parse(&moved)).is_empty(), "a certificate may move");
        let comment = format!("# one line more\n{SAMPLE}");
        assert!(waiting(&old, &parse(&comment)).is_empty(), "lines do not count");
    }
}
