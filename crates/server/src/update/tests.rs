use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use sigillo_admin::Client;
use sigillo_base::{Address, Domain};
use sigillo_pec::index::{Entry, seal, write_ldif};
use sigillo_smime::authority::{Authority, Issued, Revoked};
use sigillo_smime::{Crl, Identity, PathError, SignError, Signer, Trust};
use sigillo_store::MemoryStore;
use tempfile::TempDir;

use super::*;
use crate::clock::system_time;
use crate::config::SAMPLE;
use crate::fetch::tests::peer::{Certificates, Peer, ok};
use crate::gate::Gate;
use crate::metrics::Condition;
use crate::provider::{Provider, Room, Start, setup};
use crate::trial::{self, DAY};
use crate::{files, http};

const HOUR: Duration = Duration::from_secs(3600);
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
const P7M: &str = "application/pkcs7-mime; smime-type=signed-data";

/// Who signs here; made once, because RSA keys take their time.
struct Keys {
    authority: Authority,
    provider: Issued,
    signer: Issued,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let (from, until) = (system_time().minus(DAY * 90), system_time().plus(DAY * 900));
        let authority = Authority::new("AgID di prova", from, until).unwrap();
        let issue =
            |name: &str, address| authority.issue_pec(name, &Address::parse(address).unwrap(), from, until).unwrap();
        let provider = issue("Esempio PEC S.p.A.", "posta-certificata@pec.esempio.example");
        let signer = issue("Indice", "igpec@indice.example");
        Keys { authority, provider, signer }
    })
}

fn crl(revoked: &[&Issued], hours_ago: u32) -> Vec<u8> {
    let at = system_time().minus(HOUR * hours_ago);
    let line = |i: &&Issued| Revoked { serial_hex: i.certificate().serial_hex(), at };
    let lines: Vec<_> = revoked.iter().map(line).collect();
    keys().authority.crl(&lines, at, system_time().plus(DAY * 30), 1).unwrap()
}

fn ldif(domains: &[&str]) -> String {
    write_ldif(&[Entry {
        name: "Esempio PEC S.p.A.".into(),
        unit: None,
        certificates: vec![keys().provider.certificate()],
        mail_receipt: Address::parse("posta-certificata@pec.esempio.example").unwrap(),
        domains: domains.iter().map(|d| Domain::parse(d).unwrap()).collect(),
        description: None,
        ldif_url: None,
    }])
}

fn signed(ldif: &str, hours_ago: u32) -> Vec<u8> {
    let signer = &keys().signer;
    let identity = Identity { certificate: signer.certificate(), chain: Vec::new() };
    seal(ldif, &identity, &signer.signer().unwrap(), system_time().minus(HOUR * hours_ago)).unwrap()
}

/// An index of so many domains, signed so many hours ago.
fn copy(domains: usize, hours_ago: u32) -> Vec<u8> {
    signed(&ldif(&["a.example", "b.example", "c.example"][..domains]), hours_ago)
}

/// The files of one provider, and the server of the index.
struct Place {
    folder: TempDir,
    web: Certificates,
    peer: Peer,
    clock: Arc<ServiceClock>,
}

impl Place {
    /// With an index of one domain, signed two hours ago.
    async fn new() -> Self {
        let (folder, web) = (tempfile::tempdir().unwrap(), Certificates::new());
        let trial = folder.path().join("prova");
        fs::create_dir(&trial).unwrap();
        let put = |name: &str, bytes: &[u8]| fs::write(trial.join(name), bytes).unwrap();
        put("ca.pem", keys().authority.certificate_pem().as_bytes());
        put("ca.crl", &crl(&[], 24));
        put("firma.pem", keys().provider.certificate_pem.as_bytes());
        put("firma.key", keys().provider.key_pem.as_bytes());
        put("igpec.ldif.p7m", &copy(1, 2));
        trial::tls(&keys().authority, &trial.join("tls.pem"), &trial.join("tls.key"), &[]).unwrap();
        let clock = Arc::new(ServiceClock::open(folder.path(), 1.0).unwrap());
        let peer = Peer::tls(web.server()).await;
        Self { folder, web, peer, clock }
    }

    fn index_file(&self) -> PathBuf {
        self.folder.path().join("prova/igpec.ldif.p7m")
    }

    /// The sample with these lines in `[index]`, and lists from these addresses.
    fn config(&self, index: &str, lists: &[Url]) -> Arc<Config> {
        let quoted: Vec<String> = lists.iter().map(|url| format!("\"{url}\"")).collect();
        let text = SAMPLE
            .replace("crl_urls = []", &format!("crl_urls = [{}]", quoted.join(", ")))
            .replace("[relay]", &format!("{index}\n[relay]"));
        let file = self.folder.path().join("sigillo.toml");
        fs::write(&file, text).unwrap();
        Arc::new(Config::load(&file).unwrap_or_else(|problems| panic!("{problems}")))
    }

    /// Fetched from the server, with a certificate for it.
    fn fetched(&self) -> String {
        format!("url = \"{}\"\n{}", self.peer.url("/i.p7m"), self.shown("client"))
    }

    fn shown(&self, who: &str) -> String {
        let path = |name: &str, kind| self.web.path(name, kind).display().to_string();
        let (roots, certificate, key) = (path("ca", "pem"), path(who, "pem"), path(who, "key"));
        format!("roots = \"{roots}\"\nclient_certificate = \"{certificate}\"\nclient_key = \"{key}\"")
    }

    fn material(&self, config: &Config) -> Result<Material, crate::config::Problems> {
        Material::load(config, &Gate::for_cores(), self.clock.now())
    }

    /// A provider started on these files.
    fn start(&self, config: &Arc<Config>) -> Arc<Updater<MemoryStore>> {
        let material = self.material(config).unwrap_or_else(|problems| panic!("{problems}"));
        let setup = setup(config, &material, Arc::new(()), None, None);
        let engine = Arc::new(Engine::open(MemoryStore::new(), setup).unwrap());
        let clock = Arc::clone(&self.clock);
        Arc::new(Updater::new(engine, clock, Pool::new(2), Arc::clone(config), &material))
    }
}

/// How many domains a provider knows.
fn known(updater: &Updater<MemoryStore>) -> usize {
    domains(&updater.engine.index())
}

/// Why the last attempt failed.
async fn failure(updater: &Updater<MemoryStore>) -> String {
    match updater.update_index().await {
        Updated::Failed { why } => {
            assert_eq!(updater.status().last_error.as_ref(), Some(&why));
            why
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_newer_index_is_fetched_with_our_certificate_and_survives_a_restart() {
    let place = Place::new().await;
    let config = place.config(&place.fetched(), &[]);
    let updater = place.start(&config);
    assert_eq!((known(&updater), updater.status().checked_at), (1, None));
    let newer = copy(2, 1);
    place.peer.answer("/i.p7m", ok(P7M, &newer));
    let outcome = updater.update_index().await;
    assert!(matches!(outcome, Updated::Replaced { entries: 1, domains: 2, signed_at: Some(_) }), "{outcome:?}");
    assert_eq!(known(&updater), 2, "the engine judges by it");
    assert_eq!(fs::read(place.index_file()).unwrap(), newer);
    let status = updater.status();
    assert_eq!((status.domains, status.failures, status.last_error), (2, 0, None));
    assert!(status.checked_at.is_some() && !status.stale && status.age_s.unwrap() < 2 * 3600);
    assert_eq!(status.source, place.peer.url("/i.p7m").to_string());

    assert_eq!(updater.update_index().await, Updated::Unchanged);
    fs::remove_file(place.index_file()).unwrap();
    assert_eq!(updater.update_index().await, Updated::Unchanged);
    assert_eq!(known(&place.start(&config)), 2, "a file that was lost is there again, and a restart has it");
}

#[tokio::test]
async fn what_is_not_signed_valid_and_newer_changes_nothing() {
    let place = Place::new().await;
    let updater = place.start(&place.config(&place.fetched(), &[]));
    let kept = fs::read(place.index_file()).unwrap();
    let newer = copy(2, 1);
    let altered = {
        let mut bytes = newer.clone();
        let at = bytes.windows(9).position(|w| w == b"b.example").unwrap();
        bytes[at] = b'x';
        bytes
    };
    let oversized = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_FILE + 1);
    let half = {
        let whole = ok(P7M, &newer);
        whole[..whole.len() / 2].to_vec()
    };
    let stranger = Authority::new("AgID di prova", system_time().minus(DAY), system_time().plus(DAY)).unwrap();
    let foreign = trial_copy(&stranger, &place);
    for (answer, says) in [
        (ok(P7M, &copy(2, 3)), "prima della copia in uso"),
        (ok(P7M, ldif(&["b.example"]).as_bytes()), "CMS"),
        (ok(P7M, &altered), "non è quello che è stato firmato"),
        (ok(P7M, &newer[..newer.len() / 2]), "CMS"),
        (half, "non è arrivata intera"),
        (oversized.into_bytes(), "più di"),
        (ok(P7M, &foreign), "non attendibile"),
        (ok(P7M, &signed(&ldif(&["b.example"]).replace("mailReceipt", "altro"), 1)), "mailReceipt assente"),
        (ok(P7M, &signed(&write_ldif(&[]), 1)), "non contiene gestori"),
        (UNAVAILABLE.into(), "503"),
        (ok("text/html", b"<html>manutenzione"), "CMS"),
    ] {
        place.peer.answer("/i.p7m", answer);
        let why = failure(&updater).await;
        assert!(why.contains(says) && why.contains("/i.p7m"), "{says}: {why}");
        assert_eq!((known(&updater), fs::read(place.index_file()).unwrap()), (1, kept.clone()), "{says}");
    }
    assert_eq!(updater.status().failures, 11);
    place.peer.answer("/i.p7m", ok(P7M, &newer));
    assert!(matches!(updater.update_index().await, Updated::Replaced { .. }));
    assert_eq!(updater.status().failures, 0);
}

/// Each look for the index is an event of the legal log (DM 2-11-2005 art. 10): what failed with its reason.
#[tokio::test]
async fn every_look_for_the_index_stands_in_the_legal_log() {
    let place = Place::new().await;
    let updater = place.start(&place.config(&place.fetched(), &[]));
    place.peer.answer("/i.p7m", UNAVAILABLE);
    failure(&updater).await;
    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    assert!(matches!(updater.update_index().await, Updated::Replaced { .. }));
    assert_eq!(updater.update_index().await, Updated::Unchanged);
    let (from, until) = (system_time().minus(HOUR), system_time().plus(HOUR));
    let lines = async {
        loop {
            let lines = updater.engine.log_between(from, until, None, 10).unwrap();
            if lines.len() >= 3 {
                return lines.into_iter().map(|l| l.line).collect::<Vec<_>>();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let lines = tokio::time::timeout(Duration::from_secs(20), lines).await.expect("they are written soon");
    let events = |what: &str| lines.iter().filter(|l| l.contains(what)).count();
    assert_eq!((lines.len(), events("PEC_Update aggiornamento-indice OK")), (3, 2), "{lines:?}");
    let failed = lines.iter().find(|l| l.contains("PEC_Update aggiornamento-indice ERR")).expect("the failure");
    assert!(failed.contains("risponde 503"), "{failed}");
}

/// An index by another authority of the same name.
fn trial_copy(authority: &Authority, place: &Place) -> Vec<u8> {
    let file = place.folder.path().join("foreign.p7m");
    trial::index(
        authority,
        &file,
        Index::parse_ldif(ldif(&["b.example"]).as_bytes()).unwrap().entries(),
        system_time(),
    )
    .unwrap();
    fs::read(file).unwrap()
}

#[tokio::test]
async fn the_wrong_certificate_or_nobody_there_changes_nothing() {
    let place = Place::new().await;
    let foreign = Certificates::new();
    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    let url = format!("url = \"{}\"", place.peer.url("/i.p7m"));
    let roots = format!("roots = \"{}\"", place.web.ca().display());
    let theirs = |kind| foreign.path("client", kind).display().to_string();
    let wrong = format!("client_certificate = \"{}\"\nclient_key = \"{}\"", theirs("pem"), theirs("key"));
    for (index, what) in [
        (format!("{url}\n{roots}"), "no certificate"),
        (format!("{url}\n{roots}\n{wrong}"), "a stranger's"),
        (url.clone(), "a server that leads to none of our roots"),
        (format!("url = \"https://127.0.0.1:1/i.p7m\"\n{roots}"), "nobody there"),
    ] {
        let updater = place.start(&place.config(&index, &[]));
        let why = failure(&updater).await;
        assert!(why.contains("https://"), "{what}: {why}");
        assert_eq!((known(&updater), updater.status().failures), (1, 1), "{what}");
    }
    assert!(place.peer.requests.lock().is_empty(), "nobody was let in");
}

#[tokio::test]
async fn a_copy_whose_certificate_leaves_the_index_is_kept() {
    let place = Place::new().await;
    let updater = place.start(&place.config(&place.fetched(), &[]));
    let (before, kept) = (fs::read(place.index_file()).unwrap(), place.folder.path().join("dati/index"));
    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    assert!(matches!(updater.update_index().await, Updated::Replaced { .. }));
    assert!(!kept.exists(), "the same certificates are in it");
    let before_last = fs::read(place.index_file()).unwrap();
    assert_ne!(before, before_last);
    let other = keys().signer.certificate();
    let renewed = Index::parse_ldif(ldif(&["a.example"]).as_bytes()).unwrap();
    let entry = Entry { certificates: vec![other], ..renewed.entries()[0].clone() };
    place.peer.answer("/i.p7m", ok(P7M, &signed(&write_ldif(&[entry]), 0)));
    assert!(matches!(updater.update_index().await, Updated::Replaced { .. }));
    let files: Vec<_> = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(fs::read(&files[0]).unwrap(), before_last);
}

#[tokio::test]
async fn certificate_and_key_for_the_index_must_belong_together() {
    let place = Place::new().await;
    let key = place.web.path("server", "key");
    let wrong = place.fetched().replace("client.key", "server.key");
    assert!(wrong.contains(&key.display().to_string()));
    let problems = place.material(&place.config(&wrong, &[])).err().unwrap();
    assert_eq!(problems.0[0].key.as_deref(), Some("index.client_certificate"), "{problems}");
    assert!(problems.to_string().contains("la chiave non va con"), "{problems}");
}

#[tokio::test]
async fn the_file_alone_is_read_again_by_the_same_rule() {
    let place = Place::new().await;
    let updater = place.start(&place.config("", &[]));
    assert_eq!(updater.status().source, "file");
    assert_eq!(updater.update_index().await, Updated::Unchanged);
    files::write(&place.index_file(), &copy(3, 5)).unwrap();
    assert!(failure(&updater).await.contains("prima della copia in uso"));
    assert_eq!(known(&updater), 1);
    files::write(&place.index_file(), &copy(3, 1)).unwrap();
    assert!(matches!(updater.update_index().await, Updated::Replaced { domains: 3, .. }));
    fs::remove_file(place.index_file()).unwrap();
    assert!(failure(&updater).await.contains("igpec.ldif.p7m"));
    assert_eq!(known(&updater), 3);
}

#[tokio::test]
async fn the_address_written_in_the_copy_is_followed_when_asked() {
    let place = Place::new().await;
    let follow = format!("follow = true\n{}", place.shown("client"));
    let updater = place.start(&place.config(&follow, &[]));
    assert!(failure(&updater).await.contains("indicare index.url"), "this copy does not say");
    let located = |url: &str, domains: &[&str], hours_ago| {
        let base = format!("o: postacert\nLDIFLocationURL: {url}\n");
        signed(&ldif(domains).replace("o: postacert\n", &base), hours_ago)
    };
    let url = place.peer.url("/i.p7m").to_string();
    files::write(&place.index_file(), &located(&url, &["a.example"], 2)).unwrap();
    let updater = place.start(&place.config(&follow, &[]));
    assert_eq!(updater.status().source, url);
    place.peer.answer("/i.p7m", ok(P7M, &located("http://indice.example/i.p7m", &["a.example", "b.example"], 1)));
    assert!(matches!(updater.update_index().await, Updated::Replaced { domains: 2, .. }));
    assert!(failure(&updater).await.contains("non è HTTPS"));
}

#[tokio::test]
async fn an_old_copy_is_alarming_and_is_renewed_at_the_start() {
    let place = Place::new().await;
    fs::write(place.index_file(), copy(1, 80)).unwrap();
    let updater = place.start(&place.config(&place.fetched(), &[]));
    assert!(updater.status().stale);
    let patient = place.config(&place.fetched().replace("roots", "\nroots"), &[]);
    let text = fs::read_to_string(&patient.file).unwrap().replace("stale_h = 72", "stale_h = 90");
    assert!(!place.start(&Arc::new(Config::parse(&patient.file, &text).unwrap())).status().stale);

    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    let down = watch::Sender::new(false);
    let running = tokio::spawn(Arc::clone(&updater).run(down.subscribe()));
    let renewed = async {
        while known(&updater) == 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.expect("the daily look comes at the start");
    assert!(!updater.status().stale);
    down.send_replace(true);
    tokio::time::timeout(Duration::from_secs(5), running).await.expect("it ends with the service").unwrap();
    assert_eq!(place.peer.requests.lock().len(), 1, "and not again before its time");
}

#[tokio::test]
async fn a_list_is_fetched_kept_and_believed_before_the_index() {
    let place = Place::new().await;
    let web = Peer::plain().await;
    let lists = [web.url("/crl"), web.url("/never-there")];
    web.answer("/never-there", UNAVAILABLE);
    web.answer("/crl", ok("application/pkix-crl", &crl(&[&keys().signer], 1)));
    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    let config = place.config(&place.fetched(), &lists);
    let updater = place.start(&config);
    let signer = keys().signer.certificate();
    let judged = |u: &Updater<MemoryStore>| u.engine.trust().verify(&signer, &[], system_time());
    assert_eq!(judged(&updater), Ok(()));
    assert!(failure(&updater).await.contains("revocato"), "the signer was revoked an hour ago");
    assert_eq!(judged(&updater), Err(PathError::Revoked), "the engine judges by the new list");
    let requests = || web.requests.lock().len();
    assert_eq!(requests(), 2);
    failure(&updater).await;
    assert_eq!(requests(), 2, "lists are not fetched before their time");

    let folder = config.store.value.join("crl");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    let loaded = material::trust(&config).unwrap();
    assert_eq!(loaded.verify(&signer, &[], system_time()), Err(PathError::Revoked), "a restart has it");

    for list in fs::read_dir(&folder).unwrap() {
        fs::write(list.unwrap().path(), b"rovinata").unwrap();
    }
    assert_eq!(material::trust(&config).unwrap().crls().len(), 1, "a damaged one is fetched again, not fatal");
}

#[tokio::test]
async fn an_older_or_foreign_list_leaves_the_last_good_one() {
    let place = Place::new().await;
    let web = Peer::plain().await;
    let config = place.config("", &[web.url("/crl")]);
    let (url, pool) = (web.url("/crl"), Pool::new(1));
    let fetch = Fetch::new(material::relay_client(&config).unwrap(), lists::MAX_LIST);
    let foreign = Authority::new("AgID di prova", system_time().minus(DAY), system_time().plus(DAY)).unwrap();
    let foreign = foreign.crl(&[], system_time(), system_time().plus(DAY), 9).unwrap();
    let (good, newest) = (crl(&[], 3), crl(&[], 2));
    for (bytes, expected) in [
        (good.clone(), lists::Outcome::Replaced),
        (good.clone(), lists::Outcome::Unchanged),
        (crl(&[], 5), lists::Outcome::Failed),
        (foreign, lists::Outcome::Failed),
        (good[..good.len() / 2].to_vec(), lists::Outcome::Failed),
        (Vec::new(), lists::Outcome::Failed),
        (newest.clone(), lists::Outcome::Replaced),
    ] {
        web.answer("/crl", ok("application/pkix-crl", &bytes));
        let done = lists::renew_all(vec![url.clone()], &config, &fetch, &pool, system_time()).await;
        assert_eq!(done, [(url.clone(), expected)]);
    }
    let kept = kept_list(&config, &url).unwrap();
    assert_eq!(kept.this_update(), Crl::from_der(&newest).unwrap().this_update(), "the newest");
}

#[tokio::test]
async fn a_start_fetches_what_it_cannot_do_without() {
    let place = Place::new().await;
    let web = Peer::plain().await;
    let config = place.config(&place.fetched(), &[web.url("/crl")]);
    fs::remove_file(place.index_file()).unwrap();
    fs::write(place.folder.path().join("prova/ca.crl"), expired_list()).unwrap();
    assert!(place.material(&config).is_err());
    web.answer("/crl", UNAVAILABLE);
    place.peer.answer("/i.p7m", UNAVAILABLE);
    prepare(&config, system_time()).await;
    assert!(place.material(&config).is_err(), "nobody answers: the start says what is wrong");

    web.answer("/crl", ok("application/pkix-crl", &crl(&[], 1)));
    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    prepare(&config, system_time()).await;
    assert_eq!(domains(&place.material(&config).unwrap().index), 2);
    let asked = place.peer.requests.lock().len();
    prepare(&config, system_time()).await;
    assert_eq!(place.peer.requests.lock().len(), asked, "what is good is not fetched before the start");
}

#[tokio::test]
async fn a_copy_that_cannot_be_read_is_not_replaced_at_the_start() {
    let place = Place::new().await;
    let config = place.config(&place.fetched(), &[]);
    fs::remove_file(place.index_file()).unwrap();
    fs::create_dir(place.index_file()).unwrap();
    place.peer.answer("/i.p7m", ok(P7M, &copy(2, 1)));
    prepare(&config, system_time()).await;
    assert!(place.peer.requests.lock().is_empty(), "it may be newer than what the server has");
}

fn expired_list() -> Vec<u8> {
    let at = system_time().minus(DAY * 2);
    keys().authority.crl(&[], at, system_time().minus(DAY), 1).unwrap()
}

#[tokio::test]
async fn a_copy_that_is_no_longer_believed_still_counts_for_its_age() {
    let place = Place::new().await;
    let config = place.config(&place.fetched(), &[]);
    fs::write(place.index_file(), trial_copy(&keys().authority, &place)).unwrap();
    let newest = place.material(&config).unwrap().index.signed_at();
    // Its signer is revoked; the server has only an older copy, by another signer.
    let opened =
        Index::examine(&fs::read(place.index_file()).unwrap(), &material::trust(&config).unwrap(), system_time());
    let serial_hex = opened.unwrap().signer.serial_hex();
    let (at, until) = (system_time().minus(HOUR), system_time().plus(DAY));
    let revoking = keys().authority.crl(&[Revoked { serial_hex, at }], at, until, 2).unwrap();
    fs::write(place.folder.path().join("prova/ca.crl"), revoking).unwrap();
    place.peer.answer("/i.p7m", ok(P7M, &copy(3, 1)));
    prepare(&config, system_time()).await;
    assert!(newest.is_some() && place.material(&config).is_err(), "an older copy does not come in by the back door");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_and_a_person_at_the_socket_keep_the_same_rule() {
    let place = Place::new().await;
    let config = (*place.config(&place.fetched(), &[])).clone();
    files::folder(&config.store.value).unwrap();
    let admin = http::bind(&config.admin_socket.value).await.unwrap();
    let client = Client::new(&config.admin_socket.value);
    let (material, clock, gate) = (place.material(&config).unwrap(), Arc::clone(&place.clock), Gate::for_cores());
    let room = Room::of(&config);
    let start = Start {
        config,
        material,
        clock,
        listeners: Vec::new(),
        admin: admin.into(),
        metrics: None,
        challenges: Vec::new(),
        gate,
        room,
    };
    let provider = Provider::start(start).await.unwrap();

    files::write(&place.index_file(), &copy(3, 9)).unwrap();
    let problems = provider.reload().await.unwrap_err();
    assert_eq!(problems.0[0].key.as_deref(), Some("index.file"));
    assert!(problems.to_string().contains("prima della copia in uso"), "{problems}");
    let status = client.status().await.unwrap().index;
    assert_eq!((status.domains, status.failures), (1, 1));

    files::write(&place.index_file(), &copy(2, 1)).unwrap();
    provider.reload().await.unwrap();
    let status = client.status().await.unwrap().index;
    assert_eq!((status.domains, status.failures, status.last_error), (2, 0, None));

    place.peer.answer("/i.p7m", UNAVAILABLE);
    let refused = client.update_index().await.unwrap_err().to_string();
    assert!(refused.contains("/i.p7m: risponde 503"), "{refused}");
    place.peer.answer("/i.p7m", ok(P7M, &copy(3, 0)));
    let update = client.update_index().await.unwrap();
    assert!(update.replaced && update.index.domains == 3);
    assert!(!client.update_index().await.unwrap().replaced);
    let directory = client.index().await.unwrap();
    assert_eq!(directory.entries[0].domains, ["a.example", "b.example", "c.example"]);
    assert_eq!(directory.entries[0].certificates[0].sha1, keys().provider.certificate().sha1_hex());
    provider.stop().await;
}

struct Broken;

impl Signer for Broken {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Err(SignError { temporary: false, message: "il dispositivo non c'è".to_owned() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_judge_or_sign_is_not_ready() {
    let place = Place::new().await;
    let config = (*place.config(&place.fetched(), &[])).clone();
    files::folder(&config.store.value).unwrap();
    let admin = http::bind(&config.admin_socket.value).await.unwrap();
    let (material, clock, gate) = (place.material(&config).unwrap(), Arc::clone(&place.clock), Gate::for_cores());
    let (identity, key) = (material.identity.clone(), Arc::clone(&material.signer));
    let room = Room::of(&config);
    let start = Start {
        config,
        material,
        clock,
        listeners: Vec::new(),
        admin: admin.into(),
        metrics: None,
        challenges: Vec::new(),
        gate,
        room,
    };
    let provider = Provider::start(start).await.unwrap();
    let missing = || -> Vec<Condition> {
        provider.conditions().into_iter().filter_map(|(condition, why)| why.map(|_| condition)).collect()
    };
    assert_eq!(missing(), []);

    let (trust, index) = (provider.engine.trust(), provider.engine.index());
    let expired = Crl::from_der(&expired_list()).unwrap();
    let with = |crls| provider.engine.replace_trust(Arc::new(Trust::new(trust.anchors().to_vec(), crls)));
    with(vec![expired.clone()]);
    assert_eq!(missing(), [Condition::Revocation]);
    with(Vec::new());
    assert_eq!(missing(), [Condition::Revocation]);
    with(vec![expired, Crl::from_der(&crl(&[], 1)).unwrap()]);
    assert_eq!(missing(), [], "the list that followed the expired one counts");

    provider.engine.replace_index(Arc::new(Index::new(Vec::new())));
    assert_eq!(missing(), [Condition::Index]);
    provider.engine.replace_index(index);

    provider.engine.replace_identity(identity.clone(), provider.signing.of(Arc::new(Broken)));
    assert_eq!(missing(), [], "nobody has tried yet");
    provider.engine.signer().sign(b"x").unwrap_err();
    assert_eq!(missing(), [Condition::Signer]);
    provider.engine.replace_identity(identity, provider.signing.of(key));
    assert_eq!(missing(), [], "the question itself finds that it signs again");
    provider.stop().await;
}
