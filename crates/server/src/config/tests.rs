use super::*;
use sigillo_admin::Lang;

fn with(change: impl FnOnce(String) -> String) -> Result<Config, Problems> {
    Config::parse(Path::new("/etc/sigillo/prova.toml"), &change(SAMPLE.to_owned()))
}

fn error(from: &str, to: &str) -> Problem {
    assert!(SAMPLE.contains(from), "the sample has no {from:?}");
    let mut problems = with(|s| s.replacen(from, to, 1)).unwrap_err().0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

/// The sample with some of its commented lines in force: `count` of them, from the one that begins so.
fn uncommented(start: &str, count: usize) -> String {
    let from = SAMPLE.lines().position(|l| l.starts_with(start)).expect(start);
    let line = |(i, l): (usize, &'static str)| if (from..from + count).contains(&i) { &l[2..] } else { l };
    SAMPLE.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn line_of(text: &str) -> usize {
    SAMPLE.lines().position(|l| l.starts_with(text)).unwrap() + 1
}

#[test]
fn the_sample_is_a_configuration() {
    let config = with(|s| s).unwrap();
    assert_eq!(config.name.value, "Esempio PEC S.p.A.");
    assert_eq!(config.domains.last().unwrap().as_str(), "pec.esempio.example");
    assert_eq!(config.listen.len(), 5);
    assert_eq!(config.tls_key.value, Path::new("/etc/sigillo/prova/tls.key"));
    assert_eq!(config.store_memory, 256 << 20);
    assert!(config.workers > 0);
    assert!(!config.english);
    assert_eq!(config.antivirus, None, "the sample works without a clamd");
    assert_eq!(config.clock, Clock { servers: Vec::new(), tolerance_ms: 1000, refuse_when_off: true });
}

#[test]
fn english_is_an_option_and_off_when_nothing_is_said() {
    let english = |line: &str| with(|s| s.replacen("english = false", line, 1)).map(|c| c.english);
    assert!(english("english = true").unwrap());
    assert!(!english("").unwrap());
    let problem = error("english = false", "english = \"si\"");
    assert_eq!((problem.line, problem.key.as_deref()), (Some(line_of("english")), Some("provider.english")));
}

#[test]
fn the_archive_ends_only_where_a_term_is_given() {
    let retention = |line: &str| with(|s| s.replacen("# retention_days = 3650", line, 1)).map(|c| c.archive_retention);
    assert_eq!(retention("").unwrap(), None);
    assert_eq!(retention("retention_days = 1").unwrap(), Some(Duration::from_secs(86_400)));
    let problem = error("# retention_days = 3650", "retention_days = 0");
    assert_eq!(
        (problem.line, problem.key.as_deref()),
        (Some(line_of("# retention_days")), Some("archive.retention_days"))
    );
}

#[test]
fn an_unknown_key_is_named_with_line_and_known_ones() {
    let problem = error("memory_mb", "memory_gb");
    assert_eq!((problem.line, problem.key.as_deref()), (Some(line_of("memory_mb")), Some("store.memory_gb")));
    let said = problem.say(Lang::It);
    assert!(said.starts_with("/etc/sigillo/prova.toml:") && said.contains("chiave sconosciuta"), "{said}");
    assert!(said.contains("rimedio: ") && said.contains("memory_mb"), "{said}");
    assert!(problem.say(Lang::En).contains("unknown key"), "{}", problem.say(Lang::En));
}

#[test]
fn an_unknown_table_is_named() {
    let problem = error("[log]", "[logs]");
    assert_eq!(problem.line, Some(line_of("[log]")));
    assert!(problem.key.unwrap().contains("logs"));
}

#[test]
fn a_missing_key_is_named_with_its_table() {
    let problem = error("service_address = ", "# ");
    assert_eq!(problem.key.as_deref(), Some("provider.service_address"));
    assert!(problem.line.is_some());
}

#[test]
fn a_bad_value_is_named_with_its_line() {
    for (from, to, key) in [
        ("\"posta-certificata@pec.esempio.example\"", "\"posta\"", "provider.service_address"),
        ("\"127.0.0.1:2587\"", "\"localhost:587\"", "listen.submission"),
        ("\"ente-esempio.example\"", "\"ente esempio\"", "provider.domains"),
        ("memory_mb = 256", "memory_mb = \"molta\"", "store.memory_mb"),
        ("format = \"human\"", "format = \"xml\"", "log.format"),
        ("servers = []", "servers = [\"ntp 1\"]", "clock.servers"),
        ("tolerance_ms = 1000", "tolerance_ms = 0", "clock.tolerance_ms"),
        ("tolerance_ms = 1000", "tolerance_ms = 1001", "clock.tolerance_ms"),
        ("when_off = \"refuse\"", "when_off = \"stop\"", "clock.when_off"),
        ("\"Esempio PEC S.p.A.\"", "\" \"", "provider.name"),
    ] {
        let problem = error(from, to);
        let line = SAMPLE.lines().position(|l| !l.starts_with('#') && l.contains(from)).unwrap() + 1;
        assert_eq!((problem.key.as_deref(), problem.line), (Some(key), Some(line)), "{to}");
    }
}

#[test]
fn all_bad_values_are_told_at_once() {
    let problems = with(|s| s.replace("127.0.0.1:", "localhost:")).unwrap_err();
    assert_eq!(problems.0.len(), 5);
    assert_eq!(problems.say(Lang::It).lines().count(), 5);
}

#[test]
fn broken_toml_names_the_line() {
    let problem = error("memory_mb = 256", "memory_mb = = 256");
    assert_eq!(problem.line, Some(line_of("memory_mb")));
}

#[test]
fn a_route_is_read() {
    let route = with(|_| uncommented("# [[relay.route]]", 4)).unwrap().routes.remove(0);
    assert_eq!((route.domains.len(), route.name.as_str()), (2, "mx.pec.beta.example"));
    assert_eq!(route.address.port(), 25);
}

/// The sample with its antivirus, and this in place of that.
fn scanned(from: &str, to: &str) -> Result<Config, Problems> {
    with(|mut s| {
        for line in ["[antivirus]", "clamd =", "concurrency =", "timeout_s =", "when_down ="] {
            assert!(s.contains(&format!("\n# {line}")), "{line}");
            s = s.replacen(&format!("\n# {line}"), &format!("\n{line}"), 1);
        }
        assert!(s.contains(from), "{from}");
        s.replacen(from, to, 1)
    })
}

#[test]
fn an_antivirus_is_read() {
    let antivirus = scanned("", "").unwrap().antivirus.unwrap();
    assert_eq!(antivirus.clamd, Endpoint::Unix("/run/clamav/clamd.ctl".into()));
    assert_eq!((antivirus.concurrency, antivirus.timeout), (10, Duration::from_secs(60)));
    assert!(!antivirus.take_unscanned);
    let other = scanned("\"/run/clamav/clamd.ctl\"", "\"127.0.0.1:3310\"").unwrap().antivirus.unwrap();
    assert_eq!(other.clamd.to_string(), "127.0.0.1:3310");
    let accepting = scanned("when_down = \"refuse\"", "when_down = \"accept\"").unwrap();
    assert!(accepting.antivirus.unwrap().take_unscanned);
    let bad = scanned("\"/run/clamav/clamd.ctl\"", "\"clamd.ctl\"").unwrap_err().0.remove(0);
    assert_eq!((bad.key.as_deref(), bad.line), (Some("antivirus.clamd"), Some(line_of("# clamd ="))));
    assert!(bad.say(Lang::It).contains("127.0.0.1:3310"), "{}", bad.say(Lang::It));
}

#[test]
fn time_servers_are_read_with_their_usual_port() {
    let config = with(|s| s.replace("servers = []", "servers = [\"ntp1.inrim.it\", \"[::1]:1123\"]")).unwrap();
    let servers: Vec<_> = config.clock.servers.iter().map(HostPort::as_str).collect();
    assert_eq!(servers, ["ntp1.inrim.it:123", "[::1]:1123"]);
    let warning = with(|s| s.replace("when_off = \"refuse\"", "when_off = \"warn\"")).unwrap();
    assert!(!warning.clock.refuse_when_off);
}

#[test]
fn a_missing_file_says_what_to_do() {
    let said = Config::load(Path::new("/nonexistent/s.toml")).unwrap_err().say(Lang::It);
    assert!(said.contains("/nonexistent/s.toml") && said.contains("sigillo config init"), "{said}");
}

#[test]
fn the_product_of_size_and_recipients_is_none_or_what_the_law_demands() {
    let product = |line: &str| {
        let line = format!("size_times_recipients_mb = {line}");
        with(|s| s.replacen("size_times_recipients_mb = 0", &line, 1)).map(|c| c.access.size_times_recipients)
    };
    assert_eq!(product("0").unwrap(), None);
    assert_eq!(product("30").unwrap(), Some(30 << 20));
    let problem = error("size_times_recipients_mb = 0", "size_times_recipients_mb = 29");
    assert_eq!(problem.key.as_deref(), Some("access.size_times_recipients_mb"));
    assert_eq!(problem.line, Some(line_of("size_times_recipients_mb")));
}

#[test]
fn the_index_comes_from_its_file_unless_an_address_is_given() {
    let directory = with(|s| s).unwrap().directory;
    assert_eq!((directory.source, directory.client.is_none()), (Source::File, true));
    assert_eq!((directory.interval.as_secs(), directory.stale.as_secs()), (24 * 3600, 72 * 3600));
    assert_eq!(directory.roots.value, Path::new("/etc/sigillo/prova/ca.pem"), "those of the relay");

    let config = with(|_| uncommented("# url = ", 1)).unwrap();
    assert_eq!(config.directory.source, Source::Url("https://igpec.example/igpec.ldif.p7m".parse().unwrap()));
    let config = with(|_| uncommented("# follow = ", 1)).unwrap();
    assert_eq!(config.directory.source, Source::Location);
    let (certificate, key) = with(|_| uncommented("# client_certificate", 2)).unwrap().directory.client.unwrap();
    assert_eq!(certificate.value, Path::new("/etc/sigillo/prova/indice.pem"));
    assert_eq!(key.value, Path::new("/etc/sigillo/prova/indice.key"));
}

#[test]
fn a_secondary_environment_is_read() {
    let unit = with(|_| uncommented("# [[index.unit]]", 5)).unwrap().directory.units.remove(0);
    assert_eq!((unit.name.value.as_str(), unit.domains.len()), ("Ambiente secondario", 1));
    assert_eq!(unit.mail_receipt.as_str(), "servizio@pec2.esempio.example");
    assert_eq!(unit.certificates[0].value, Path::new("/etc/sigillo/prova/firma2.pem"));
}

#[test]
fn errors_of_what_is_fetched_name_key_line_and_remedy() {
    for (from, to, key) in [
        ("crl_urls = []", "crl_urls = [\"ftp://ca.example/crl\"]", "trust.crl_urls"),
        ("crl_urls = []", "crl_urls = [\"http://utente:parola@ca.example/crl\"]", "trust.crl_urls"),
        ("# url = \"https", "url = \"http", "index.url"),
        ("# follow = true", "follow = true\nurl = \"https://igpec.example/i.p7m\"", "index.url"),
        ("# client_key", "client_key", "index.client_key"),
        ("# client_certificate", "client_certificate", "index.client_certificate"),
        ("interval_h = 24", "interval_h = 25", "index.interval_h"),
        ("interval_h = 24", "interval_h = 0", "index.interval_h"),
        ("stale_h = 72", "stale_h = 9000", "index.stale_h"),
    ] {
        let problem = error(from, to);
        assert_eq!(problem.key.as_deref(), Some(key), "{to}");
        let line = problem.line.unwrap();
        let changed = SAMPLE.replacen(from, to, 1);
        let name = key.rsplit('.').next().unwrap();
        assert!(changed.lines().nth(line - 1).unwrap().starts_with(name), "{to}: line {line}");
        assert!(problem.say(Lang::It).contains("rimedio: "), "{to}");
    }
}

#[test]
fn an_identity_provider_is_asked_over_tls_only() {
    let section = SAMPLE.replace("\n# [oauth]", "\n[oauth]").replace("\n# introspection_url", "\nintrospection_url");
    let section = section.replace("\n# client_id", "\nclient_id").replace("\n# client_secret", "\nclient_secret");
    let section = section.replace("\n# audience", "\naudience");
    let config = Config::parse(Path::new("s.toml"), &section).unwrap();
    let oauth = config.oauth.unwrap();
    assert_eq!(
        (oauth.client_id.as_str(), oauth.audience.as_str(), oauth.claim.as_str()),
        ("sigillo", "posta", "email")
    );
    let clear = section.replace("https://idp.example", "http://idp.example");
    let problems = Config::parse(Path::new("s.toml"), &clear).unwrap_err();
    assert_eq!(problems.0[0].key.as_deref(), Some("oauth.introspection_url"));
    assert!(Config::parse(Path::new("s.toml"), SAMPLE).unwrap().oauth.is_none(), "off by default");
}
