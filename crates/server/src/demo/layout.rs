//! The folder of a demonstration: where everything is, and how what is missing gets made.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sigillo_base::{Secret, Timestamp, said};
use sigillo_pec::index::Entry;
use sigillo_smime::{Certificate, Crl, Trust};

use super::plan::{House, Passwords};
use super::ports::{Ports, at};
use crate::antivirus::Endpoint;
use crate::complaint::Context as _;
use crate::config::Role;
use crate::ids::random_password;
use crate::{files, trial};

/// Longer paths do not fit into the address of a Unix socket (108 octets), with room for the name it is made under.
const SOCKET_PATH: usize = 100;

pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn demo_json(&self) -> PathBuf {
        self.root.join("demo.json")
    }

    pub(super) fn ports_json(&self) -> PathBuf {
        self.root.join("ports.json")
    }

    pub(super) fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }

    pub(super) fn evidence_json(&self) -> PathBuf {
        self.root.join("evidence.json")
    }

    pub(super) fn ca_file(&self) -> PathBuf {
        self.root.join("ca/ca.pem")
    }

    pub(super) fn crl_file(&self) -> PathBuf {
        self.root.join("ca/ca.crl")
    }

    pub(super) fn index_file(&self) -> PathBuf {
        self.root.join("igpec.ldif.p7m")
    }

    pub(super) fn config(&self, house: &House) -> PathBuf {
        self.house(house).join("sigillo.toml")
    }

    /// Where the legal log of a provider is exported.
    pub(super) fn log(&self, house: &House) -> PathBuf {
        self.house(house).join("log")
    }

    fn house(&self, house: &House) -> PathBuf {
        self.root.join(house.short.as_str())
    }

    fn passwords_json(&self) -> PathBuf {
        self.root.join("passwords.json")
    }

    /// Where the administrative socket is: in the folder, or in a short temporary one when the path would be too long.
    fn socket(&self, house: &House) -> Result<PathBuf> {
        let path = self.house(house).join("admin.sock");
        if path.as_os_str().len() <= SOCKET_PATH {
            return Ok(path);
        }
        let folder = tempfile::Builder::new().prefix("sigillo-").tempdir()?.keep();
        Ok(folder.join(format!("{}.sock", house.short.as_str())))
    }

    /// Makes what is missing: authority, certificates, index; revocation list and configurations are always new.
    pub(super) fn prepare(
        &self,
        plan: &[House],
        ports: &[Ports; 2],
        clamd: Option<&Endpoint>,
        now: Timestamp,
    ) -> Result<()> {
        files::folder(&self.root.join("ca"))?;
        let authority = trial::authority(&self.ca_file(), &self.root.join("ca/ca.key"))?;
        trial::crl(&authority, &self.crl_file(), now)?;
        let mut entries = Vec::new();
        for house in plan {
            let folder = self.house(house);
            files::folder(&folder)?;
            let pair = (&*folder.join("signing.pem"), &*folder.join("signing.key"));
            let before = certificates(pair.0)?;
            let address = house.service_address()?;
            let certificate = trial::signing(&authority, pair, (house.name, &address), now)?;
            let names = [house.host, address.domain().as_str()];
            trial::tls(&authority, &folder.join("tls.pem"), &folder.join("tls.key"), &names)?;
            entries.push(Entry {
                name: house.name.to_owned(),
                unit: None,
                certificates: self.known(house, before, certificate)?,
                mail_receipt: address,
                domains: house.managed()?,
                description: Some("Gestore dimostrativo".to_owned()),
                ldif_url: None,
            });
        }
        trial::index(&authority, &self.index_file(), &entries, now)?;
        for (i, house) in plan.iter().enumerate() {
            let mut text = self.toml(house, &ports[i], &plan[1 - i], &ports[1 - i])?;
            if let Some(clamd) = clamd {
                text += &format!("\n[antivirus]\nclamd = {}\n", quote(&clamd.to_string()));
            }
            files::write(&self.config(house), text.as_bytes())?;
        }
        Ok(())
    }

    /// All certificates a provider ever had here: what an older one signed must still be recognised.
    fn known(&self, house: &House, before: Vec<Certificate>, now: Certificate) -> Result<Vec<Certificate>> {
        let file = self.house(house).join("signing-all.pem");
        let mut all = certificates(&file)?;
        for certificate in before.into_iter().chain([now]) {
            if !all.iter().any(|c| c.der() == certificate.der()) {
                all.push(certificate);
            }
        }
        let pem: String = all.iter().map(Certificate::to_pem).collect();
        files::write(&file, pem.as_bytes())?;
        Ok(all)
    }

    fn toml(&self, house: &House, ports: &Ports, other: &House, other_ports: &Ports) -> Result<String> {
        let path = |path: PathBuf| quote(&path.to_string_lossy());
        let folder = self.house(house);
        let domains = |list: Vec<String>| list.iter().map(|d| quote(d)).collect::<Vec<_>>().join(", ");
        let managed = other.managed()?.iter().map(ToString::to_string).collect();
        let listen: String =
            Role::ALL.iter().map(|role| format!("{} = [\"{}\"]\n", role.name(), at(ports.of(*role)))).collect();
        Ok(format!(
            "# Scritto a ogni avvio da `sigillo demo`.\n\
             [provider]\nname = {}\nservice_address = {}\nhost = {}\ndomains = [{}]\n\n\
             [store]\npath = {}\nmemory_mb = 128\nreserve_mb = 8\nreserve_inodes = 100\nallow_volatile = true\n\n[listen]\n{listen}\n\
             [tls]\ncertificate = {}\nkey = {}\n\n[signing]\ncertificate = {}\nkey = {}\n\n\
             [trust]\nanchors = [{}]\ncrls = [{}]\n\n[index]\nfile = {}\n\n\
             [relay]\nroots = {}\n\n[[relay.route]]\ndomains = [{}]\naddress = \"{}\"\nname = {}\n\n\
             [passwords]\nfirst_change = false\n\n[admin]\nsocket = {}\n\n[metrics]\nlisten = \"{}\"\n\n\
             [limits]\nconnections = 4000\nconnections_per_address = 4000\n",
            quote(house.name),
            quote(house.service),
            quote(house.host),
            domains(house.domains.iter().map(|d| (*d).to_owned()).collect()),
            path(folder.join("store")),
            path(folder.join("tls.pem")),
            path(folder.join("tls.key")),
            path(folder.join("signing.pem")),
            path(folder.join("signing.key")),
            path(self.ca_file()),
            path(self.crl_file()),
            path(self.index_file()),
            path(self.ca_file()),
            domains(managed),
            at(other_ports.smtp),
            quote(other.host),
            path(self.socket(house)?),
            ports.metrics(),
        ))
    }

    /// The passwords kept here, with new ones for who has none.
    pub(super) fn passwords(&self, plan: &[House]) -> Result<Passwords> {
        let file = self.passwords_json();
        let mut kept: std::collections::BTreeMap<String, String> = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .told(|| said!("{}: illeggibile", "{}: it cannot be read", file.display()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Default::default(),
            Err(e) => return Err(e).with_context(|| file.display().to_string()),
        };
        for name in plan.iter().flat_map(House::password_names) {
            kept.entry(name).or_insert_with(|| random_password().expose().to_owned());
        }
        files::write_secret(&file, &serde_json::to_vec_pretty(&kept)?)?;
        Ok(kept.into_iter().map(|(name, password)| (name, Secret::new(password))).collect())
    }

    /// What a reader of the evidence trusts: the demonstration's own authority.
    pub(super) fn trust(&self) -> Result<Trust> {
        let crl = Crl::from_der(&fs::read(self.crl_file())?)?;
        Ok(Trust::new(certificates(&self.ca_file())?, vec![crl]))
    }
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn certificates(file: &Path) -> Result<Vec<Certificate>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    Certificate::from_pem(&fs::read(file)?).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::system_time;
    use crate::config::Config;
    use crate::demo::{plan, ports};
    use crate::gate::Gate;
    use crate::material::Material;

    #[test]
    fn what_it_makes_is_a_sound_configuration_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let plan = plan::houses();
        let ports = ports::choose(Some(30_000), &layout.ports_json()).unwrap();
        let now = system_time();
        layout.prepare(&plan, &ports, None, now).unwrap();
        let passwords = layout.passwords(&plan).unwrap();
        let config = Config::load(&layout.config(&plan[0])).unwrap();
        let material = Material::load(&config, &Gate::for_cores(), now).unwrap();
        assert_eq!(material.index.entries().len(), 2);
        assert_eq!(config.antivirus, None);
        assert_eq!(config.relay.routes[0].servers[0].port, 30_010);
        let days = |n: u64| std::time::Duration::from_secs(n * 24 * 3600);
        let signed = fs::read(folder.path().join("alfa/signing.pem")).unwrap();
        // A year of service time later the same certificates serve, two years later new ones beside the old.
        layout.prepare(&plan, &ports, None, now.plus(days(365))).unwrap();
        assert_eq!(fs::read(folder.path().join("alfa/signing.pem")).unwrap(), signed);
        let clamd = Endpoint::parse("/run/clamav/clamd.ctl", Path::new("")).unwrap();
        layout.prepare(&plan, &ports, Some(&clamd), now.plus(days(800))).unwrap();
        let scanned = Config::load(&layout.config(&plan[1])).unwrap().antivirus.unwrap();
        assert_eq!((scanned.clamd, scanned.take_unscanned), (clamd, false));
        assert_ne!(fs::read(folder.path().join("alfa/signing.pem")).unwrap(), signed);
        let material = Material::load(&config, &Gate::for_cores(), now.plus(days(1200))).unwrap();
        assert_eq!(material.index.entries()[0].certificates.len(), 2);
        let again = layout.passwords(&plan).unwrap();
        assert!(passwords.iter().zip(&again).all(|(a, b)| a == b));
    }
}
