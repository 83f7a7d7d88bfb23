//! What a configuration names in files: keys, certificates, revocation lists, the provider index. Loaded and checked
//! at the start, by `config check`, and again at every SIGHUP.

mod publication;
mod signing;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use hickory_resolver::proto::dnssec::TrustAnchors;
use sigillo_accounts::Seal;
use sigillo_base::{Said, Timestamp, said};
use sigillo_engine::{Passwords, Tokens};
use sigillo_pec::index::Index;
use sigillo_smime::{Certificate, Crl, Identity, KeySigner, Signer, Trust};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::complaint;
use crate::config::{Config, Ldap, Located, Problem, Problems, SigningKey};
use crate::dkim;
use crate::dns;
use crate::fetch::Fetch;
use crate::gate::Gate;
use crate::housekeeping::Stamper;
use crate::identity::{self, Introspection, MAX_ANSWER};
use crate::ldap::{Directories, Directory};
use crate::oidc::{self, Issuer};
use crate::pkcs11::{self, TokenSigner};
use crate::provider::House;
use crate::relay;
use crate::signer::GatedSigner;
use crate::sms::{self, Gateway};
use crate::tls::{self, ServerTls};
use crate::tsa::{MAX_REPLY, Tsa};
use crate::update;
pub use publication::Publication;
pub use signing::{Rolled, Successor, successor};

/// All of it, ready to use.
pub struct Material {
    /// The signing certificate with its chain.
    pub identity: Identity,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// Anchors and revocation lists.
    pub trust: Arc<Trust>,
    /// The directory of providers.
    pub index: Arc<Index>,
    /// What listeners show.
    pub tls: ServerTls,
    /// The same at submission, where clients may be asked who they are.
    pub submission_tls: ServerTls,
    /// What the relay trusts.
    pub relay: Arc<ClientConfig>,
    /// The same as a judge of certificates.
    pub relay_judge: Arc<WebPkiServerVerifier>,
    /// What is trusted and shown where the index is fetched.
    pub directory: Arc<ClientConfig>,
    /// Who stamps the legal log; `None`: nobody.
    pub stamper: Option<Stamper>,
    /// Where DNSSEC begins; `None`: at the root.
    pub dns_anchors: Option<Arc<TrustAnchors>>,
    /// Who knows tokens.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// Who sends short messages.
    pub sms: Option<Arc<Gateway>>,
    /// Who signs tokens that are checked here.
    pub issuer: Option<Arc<Issuer>>,
    /// Who keeps passwords.
    pub passwords: Option<Arc<dyn Passwords>>,
    /// Who signs ordinary mail of ours.
    pub dkim: Option<Arc<dkim::Signer>>,
    /// What seeds of second factors are closed with.
    pub seal: Arc<Seal>,
}

impl Material {
    /// Loads everything, or tells everything that is wrong.
    pub fn load(config: &Config, gate: &Arc<Gate>, now: Timestamp) -> Result<Self, Problems> {
        let mut l = Loader { config, problems: Vec::new() };
        let pair = l.pair();
        let identity = pair.and_then(|pair| l.identity(pair.certificate, now));
        let signer = pair.and_then(|pair| l.signer(pair.key, identity.as_ref(), gate));
        let trust = l.trust().map(Arc::new);
        let index = trust.as_ref().and_then(|trust| l.index(trust, now));
        let tls = l.tls();
        let (relay, directory) = (l.relay(), l.directory());
        let stamper = relay.as_ref().and_then(|tls| l.stamper(tls));
        let relay_judge = l.roots(&config.relay_roots).and_then(|roots| tls::verifier(roots).ok());
        let dns_anchors = l.dns_anchors();
        l.passwords();
        let issuer = relay.as_ref().and_then(|tls| issuer(config, tls)).map(Arc::new);
        let tokens = relay.as_ref().and_then(|tls| l.tokens(tls, issuer.as_ref()));
        let sms = relay.as_ref().and_then(|tls| l.sms(tls));
        let directories = l.directories();
        let dkim = l.dkim();
        let seal = Arc::new(l.seal());
        match (identity, signer, trust, index, tls, relay.zip(relay_judge).zip(directory)) {
            (
                Some(identity),
                Some(signer),
                Some(trust),
                Some(index),
                Some((tls, submission_tls)),
                Some(((relay, relay_judge), directory)),
            ) if l.problems.is_empty() => {
                let index = Arc::new(index);
                Ok(Self {
                    identity,
                    signer,
                    trust,
                    index,
                    tls,
                    submission_tls,
                    relay,
                    relay_judge,
                    directory,
                    stamper,
                    dns_anchors,
                    tokens,
                    sms,
                    issuer,
                    passwords: (!directories.is_empty())
                        .then(|| Arc::new(Directories::new(directories)) as Arc<dyn Passwords>),
                    dkim,
                    seal,
                })
            }
            _ => Err(Problems(l.problems)),
        }
    }

    /// Gives the engine what it knows users by.
    pub fn adopted_by(&self, engine: &House) {
        engine.replace_tokens(self.tokens.clone());
        engine.replace_passwords(self.passwords.clone());
        engine.replace_seal(Arc::clone(&self.seal));
    }

    /// What the relay trusts of certificates.
    pub fn relay_trust(&self) -> relay::Trust {
        relay::Trust { verified: Arc::clone(&self.relay), judge: Arc::clone(&self.relay_judge) }
    }
}

/// Anchors and revocation lists as the files have them now, those that were fetched among them.
pub fn trust(config: &Config) -> Result<Trust, Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    match l.trust() {
        Some(trust) if l.problems.is_empty() => Ok(trust),
        _ => Err(Problems(l.problems)),
    }
}

/// Why a certificate is not one under which this provider can sign: another address, another time, another name.
/// `path` is where the configuration names it.
pub fn misfits(config: &Config, path: &Located<PathBuf>, certificate: &Certificate, now: Timestamp) -> Vec<Problem> {
    let mut found = Vec::new();
    let service = config.service_address.value.as_str();
    if !certificate.emails().iter().any(|e| e.eq_ignore_ascii_case(service)) {
        let what = said!(
            "il certificato non è per {service}: {:?}",
            "the certificate is not for {service}: {:?}",
            certificate.emails()
        );
        let remedy = said!(
            "il subjectAltName deve avere l'indirizzo di servizio come rfc822Name",
            "the subjectAltName must hold the service address as rfc822Name"
        );
        found.push(path.problem(&config.file, what, remedy));
    }
    if certificate.not_after() < now || certificate.not_before() > now {
        let span = format!("{} … {}", certificate.not_before(), certificate.not_after());
        let what = said!("il certificato non vale adesso ({span})", "not valid now ({span})");
        let remedy = said!("rinnovare il certificato", "renew the certificate");
        found.push(path.problem(&config.file, what, remedy));
    }
    let name = Some(config.name.value.as_str());
    if certificate.organization().as_deref() != name && certificate.common_name().as_deref() != name {
        let what =
            said!("il certificato ha un altro nome: {}", "the certificate has another name: {}", certificate.subject());
        let remedy = said!(
            "provider.name deve stare in O o in CN, lettera per lettera",
            "provider.name must be in O or CN, letter by letter"
        );
        found.push(config.name.problem(&config.file, what, remedy));
    }
    found
}

/// Who may issue revocation lists: the anchors, and the intermediates that we know.
pub fn issuers(config: &Config) -> Result<Vec<Certificate>, Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    let found = config.anchors.iter().chain(&config.signing_chain).filter_map(|path| l.certificates(path)).flatten();
    let found = found.collect();
    if l.problems.is_empty() { Ok(found) } else { Err(Problems(l.problems)) }
}

/// Says so when nobody can know us by this index.
pub fn warn_when_unlisted(index: &Index, config: &Config) {
    if !index.entries().iter().any(|e| e.name == config.name.value) {
        tracing::warn!(provider = config.name.value, "the provider index does not hold this provider");
    }
}

/// What is trusted and shown where the index is fetched.
pub fn directory_client(config: &Config) -> Result<Arc<ClientConfig>, Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    l.directory().ok_or(Problems(l.problems))
}

/// Where the configuration names the certificate that signs: in its place, or in that of the next one when that was ordered.
pub fn signing_at(config: &Config) -> &Located<PathBuf> {
    Loader { config, problems: Vec::new() }.pair().map_or(&config.signing_certificate, |pair| pair.certificate)
}

/// What doors show, and those of submission, as the files have it now.
pub fn server_tls(config: &Config) -> Result<(ServerTls, ServerTls), Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    l.tls().ok_or(Problems(l.problems))
}

/// What is trusted of an ACME authority's own server; `None`: there is none.
pub fn acme_client(config: &Config) -> Result<Option<Arc<ClientConfig>>, Problems> {
    let Some(acme) = &config.acme else { return Ok(None) };
    let mut l = Loader { config, problems: Vec::new() };
    let roots = l.roots(&acme.roots);
    let client = roots.and_then(|roots| l.client(&acme.roots, tls::client_config(roots)));
    client.map(Some).ok_or(Problems(l.problems))
}

/// What is trusted of other servers.
pub fn relay_client(config: &Config) -> Result<Arc<ClientConfig>, Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    l.relay().ok_or(Problems(l.problems))
}

/// The issuer of tokens, asked with what `tls` trusts.
pub fn issuer(config: &Config, tls: &Arc<ClientConfig>) -> Option<Issuer> {
    let fetch = Fetch::new(Arc::clone(tls), oidc::MAX_ANSWER).patience(Duration::from_secs(10));
    Some(Issuer::new(config.oidc.clone()?, fetch))
}

/// The directories that keep passwords.
pub fn directories(config: &Config) -> Result<Vec<Directory>, Problems> {
    let mut l = Loader { config, problems: Vec::new() };
    let all = l.directories();
    if l.problems.is_empty() { Ok(all) } else { Err(Problems(l.problems)) }
}

struct Loader<'c> {
    config: &'c Config,
    problems: Vec<Problem>,
}

impl Loader<'_> {
    fn tell<T>(&mut self, at: &Located<T>, what: Said, remedy: Said) {
        self.problems.push(at.problem(&self.config.file, what, remedy));
    }

    fn read(&mut self, path: &Located<PathBuf>) -> Option<Vec<u8>> {
        match fs::read(&path.value) {
            Ok(bytes) => Some(bytes),
            Err(e) => {
                let file = path.value.display();
                let what = said!("il file {file} non si legge: {e}", "cannot read {file}: {e}");
                let remedy = said!(
                    "mettere il file al suo posto o correggere il percorso; per una prova: `sigillo config init CARTELLA`",
                    "put the file in place or correct the path; for a trial: `sigillo config init FOLDER`"
                );
                self.tell(path, what, remedy);
                None
            }
        }
    }

    /// Reads a file and makes something of it; an error is told with `remedy`.
    fn make<T, E: std::fmt::Display>(
        &mut self,
        path: &Located<PathBuf>,
        remedy: Said,
        make: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Option<T> {
        let bytes = self.read(path)?;
        match make(&bytes) {
            Ok(made) => Some(made),
            Err(error) => {
                let text = format!("{}: {error}", path.value.display());
                self.tell(path, Said::verbatim(text), remedy);
                None
            }
        }
    }

    fn certificates(&mut self, path: &Located<PathBuf>) -> Option<Vec<Certificate>> {
        let remedy = said!("serve un file PEM con almeno un certificato", "a PEM file with a certificate is needed");
        let found = self.make(path, remedy.clone(), Certificate::from_pem)?;
        if found.is_empty() {
            let what = said!("{}: non contiene certificati", "{}: holds no certificate", path.value.display());
            self.tell(path, what, remedy);
            return None;
        }
        Some(found)
    }

    /// The key, behind a gate of its own kind: in this process as many signatures at once as cores.
    fn signer(
        &mut self,
        at: &Located<SigningKey>,
        identity: Option<&Identity>,
        gate: &Arc<Gate>,
    ) -> Option<Arc<dyn Signer>> {
        match &at.value {
            SigningKey::File(path) => {
                let key = self.key(&at.at(path.clone()), identity)?;
                Some(Arc::new(GatedSigner::new(key, Arc::clone(gate))))
            }
            SigningKey::Token(uri) => {
                let key = self.token(&at.at(uri.pin.clone()), uri, identity?)?;
                Some(Arc::new(GatedSigner::new(key, Gate::new(pkcs11::SESSIONS))))
            }
        }
    }

    fn key(&mut self, at: &Located<PathBuf>, identity: Option<&Identity>) -> Option<KeySigner> {
        let remedy = said!(
            "serve una chiave RSA da 2048 bit in su, PKCS#8 PEM senza password",
            "an RSA key of 2048 bits or more is needed, PKCS#8 PEM without password"
        );
        let pem = self.read(at)?;
        let key = self.make(at, remedy, KeySigner::from_pem)?;
        if let Some(identity) = identity
            && !identity.certificate.is_of(&pem)
        {
            let what = said!("la chiave non è quella del certificato", "the key is not the certificate's");
            let remedy = said!("controllare la coppia certificate / key", "check the pair certificate / key");
            self.tell(at, what, remedy);
        }
        Some(key)
    }

    /// A device that is away is no fault of the configuration: mailboxes are served without it, and what is to be signed waits.
    fn token(&mut self, at: &Located<PathBuf>, uri: &pkcs11::Uri, identity: &Identity) -> Option<TokenSigner> {
        let remedy = said!("serve un file con il PIN", "a file with the PIN is needed");
        let pin = self.make(at, remedy, identity::secret)?;
        let tried = TokenSigner::new(uri.clone(), &pin, &identity.certificate).and_then(|key| match key.probe() {
            Err(error) if !error.temporary => Err(error.message),
            Err(error) => {
                tracing::error!(%error, "the signing device is away: nothing is taken until it is back");
                Ok(key)
            }
            Ok(()) => Ok(key),
        });
        tried
            .map_err(|why| {
                let remedy = said!("guardare signing.key e il dispositivo", "look at signing.key and the device");
                self.tell(at, Said::verbatim(why), remedy);
            })
            .ok()
    }

    fn trust(&mut self) -> Option<Trust> {
        let config = self.config;
        let mut anchors = Vec::new();
        for path in &config.anchors {
            anchors.extend(self.certificates(path)?);
        }
        let mut crls = Vec::new();
        for path in &config.crls {
            let remedy = said!("serve una CRL in DER o PEM", "a CRL in DER or PEM is needed");
            crls.extend(self.make(path, remedy, Crl::read)?);
        }
        crls.extend(config.crl_urls.iter().filter_map(|url| update::kept_list(config, &url.value)));
        Some(Trust::new(anchors, crls))
    }

    fn stamper(&mut self, tls: &Arc<ClientConfig>) -> Option<Stamper> {
        let timestamp = self.config.timestamp.as_ref()?;
        let mut anchors = Vec::new();
        for path in &timestamp.anchors {
            anchors.extend(self.certificates(path)?);
        }
        let fetch = Fetch::new(Arc::clone(tls), MAX_REPLY);
        Some(Tsa { url: timestamp.url.value.clone(), fetch }.stamper(Trust::new(anchors, Vec::new())))
    }

    fn tokens(&mut self, tls: &Arc<ClientConfig>, issuer: Option<&Arc<Issuer>>) -> Option<Arc<dyn Tokens>> {
        if let Some(issuer) = issuer.filter(|issuer| issuer.config().mailboxes.is_some()) {
            return Some(Arc::clone(issuer) as _);
        }
        let oauth = self.config.oauth.clone()?;
        let remedy = said!("serve un file con il segreto", "a file with the secret is needed");
        let secret = self.make(&oauth.secret, remedy, identity::secret)?;
        let fetch = Fetch::new(Arc::clone(tls), MAX_ANSWER).patience(Duration::from_secs(10));
        Some(Arc::new(Introspection { oauth, secret, fetch }))
    }

    fn sms(&mut self, tls: &Arc<ClientConfig>) -> Option<Arc<Gateway>> {
        let config = self.config.sms.clone()?;
        let remedy = said!("serve un file con il valore del campo", "a file with the value of the field is needed");
        let secret = match &config.secret {
            Some((_, file)) => Some(self.make(file, remedy, identity::secret)?),
            None => None,
        };
        Some(Arc::new(Gateway::new(config, secret, Fetch::new(Arc::clone(tls), sms::MAX_ANSWER))))
    }

    fn seal(&mut self) -> Seal {
        let Some(file) = &self.config.passwords.seal_key else { return Seal::default() };
        let remedy = said!(
            "servono 64 cifre esadecimali: «openssl rand -hex 32», modo 0600",
            "64 hexadecimal digits are needed: “openssl rand -hex 32”, mode 0600"
        );
        let key = self.make(file, remedy, |text| {
            let digits = text.trim_ascii().to_ascii_lowercase();
            let key = HEXLOWER.decode(&digits).ok().and_then(|bytes| <[u8; Seal::KEY]>::try_from(bytes).ok());
            key.ok_or("non è una chiave di 32 byte")
        });
        key.map(|key| Seal::new(&key)).unwrap_or_default()
    }

    fn directories(&mut self) -> Vec<Directory> {
        let config = self.config;
        config.ldap.iter().filter_map(|ldap| self.ldap(ldap)).collect()
    }

    fn ldap(&mut self, ldap: &Ldap) -> Option<Directory> {
        let remedy = said!("serve un file con la password", "a file with the password is needed");
        let secret = match &ldap.bind {
            Some((_, file)) => Some(self.make(file, remedy, identity::secret)?),
            None => None,
        };
        let roots = self.roots(&ldap.roots)?;
        Some(Directory::new(ldap.clone(), secret, self.client(&ldap.roots, tls::client_config(roots))?))
    }

    fn dkim(&mut self) -> Option<Arc<dkim::Signer>> {
        let config = self.config.dkim.as_ref()?;
        let remedy =
            said!("serve una chiave RSA in PEM, di almeno 2048 bit", "an RSA key in PEM of 2048 bits is needed");
        self.make(&config.key, remedy, |pem| dkim::Signer::new(config, pem)).map(Arc::new)
    }

    fn index(&mut self, trust: &Trust, now: Timestamp) -> Option<Index> {
        let config = self.config;
        let remedy = said!(
            "scaricare di nuovo l'indice firmato (.p7m); radici e CRL devono essere quelle del suo firmatario",
            "fetch the signed index (.p7m) again; anchors and CRLs must be those of its signer"
        );
        let index = self.make(&config.index, remedy, |bytes| {
            let index = Index::open(bytes, trust, now)?;
            index.replaces(None, now).map(|_| index)
        })?;
        warn_when_unlisted(&index, config);
        Some(index)
    }

    /// For all listeners, and for those of submission.
    fn tls(&mut self) -> Option<(ServerTls, ServerTls)> {
        let config = self.config;
        let (certificate, key) = (&config.tls_certificate, &config.tls_key);
        let remedy = said!(
            "servono catena PEM e chiave PEM; per una prova: `sigillo config init CARTELLA`",
            "a PEM chain and a PEM key are needed; for a trial: `sigillo config init FOLDER`"
        );
        let tls = self.server(certificate, remedy.clone(), ServerTls::open(&certificate.value, &key.value))?;
        let paths = |list: &[Located<PathBuf>]| list.iter().map(|p| p.value.clone()).collect::<Vec<_>>();
        let submission = match config.client_anchors.first() {
            None => self.server(certificate, remedy, ServerTls::open(&certificate.value, &key.value))?,
            Some(first) => {
                let remedy = said!(
                    "servono radici PEM e liste di revoca DER o PEM",
                    "PEM anchors and revocation lists in DER or PEM are needed"
                );
                let (anchors, crls) = (paths(&config.client_anchors), paths(&config.client_crls));
                self.server(first, remedy, ServerTls::asking(&certificate.value, &key.value, &anchors, &crls))?
            }
        };
        Some((tls, submission))
    }

    fn server(&mut self, at: &Located<PathBuf>, remedy: Said, made: anyhow::Result<ServerTls>) -> Option<ServerTls> {
        made.inspect_err(|error| self.tell(at, complaint::of(error), remedy)).ok()
    }

    fn relay(&mut self) -> Option<Arc<ClientConfig>> {
        let roots = self.roots(&self.config.relay_roots)?;
        self.client(&self.config.relay_roots, tls::client_config(roots))
    }

    fn dns_anchors(&mut self) -> Option<Arc<TrustAnchors>> {
        let remedy = said!(
            "servono record DNSKEY, uno per riga: `dig DNSKEY zona`",
            "DNSKEY records are needed, one a line: `dig DNSKEY zone`"
        );
        self.make(self.config.dns.anchors.as_ref()?, remedy, dns::anchors)
    }

    /// The passwords of routes are read when they are used; here it is seen that they can be.
    fn passwords(&mut self) {
        let config = self.config;
        for login in config.relay.routes.iter().filter_map(|route| route.login.as_ref()) {
            self.read(&login.password);
        }
    }

    fn directory(&mut self) -> Option<Arc<ClientConfig>> {
        let directory = &self.config.directory;
        let roots = self.roots(&directory.roots)?;
        match &directory.client {
            None => self.client(&directory.roots, tls::client_config(roots)),
            Some((certificate, key)) => {
                self.client(certificate, tls::known_client_config(roots, &certificate.value, &key.value))
            }
        }
    }

    fn roots(&mut self, path: &Located<PathBuf>) -> Option<Vec<CertificateDer<'static>>> {
        tls::certificates(&path.value)
            .map_err(|error| {
                let remedy = said!(
                    "indicare le radici del sistema: /etc/ssl/certs/ca-certificates.crt (pacchetto ca-certificates)",
                    "name the system's roots: /etc/ssl/certs/ca-certificates.crt (package ca-certificates)"
                );
                self.tell(path, complaint::of(&error), remedy);
            })
            .ok()
    }

    fn client(&mut self, at: &Located<PathBuf>, made: anyhow::Result<Arc<ClientConfig>>) -> Option<Arc<ClientConfig>> {
        made.map_err(|error| {
            let remedy = said!("servono file PEM che vadano insieme", "PEM files that belong together are needed");
            self.tell(at, complaint::of(&error), remedy);
        })
        .ok()
    }
}
