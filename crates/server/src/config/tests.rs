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
    assert_eq!(config.listen.len(), 7);
    assert_eq!(config.tls_key.value, Path::new("/etc/sigillo/prova/tls.key"));
    assert_eq!(config.store_memory, 256 << 20);
    assert!(config.limits.workers > 0);
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
fn texts_are_indexed_unless_that_is_switched_off() {
    let index = |line: &str| with(|s| s.replacen("text_index = true", line, 1)).map(|c| c.text_index);
    assert_eq!((index("").ok(), index("text_index = false").ok()), (Some(true), Some(false)));
}

#[test]
fn the_archive_ends_only_where_a_term_is_given() {
    let retention = |line: &str| with(|s| s.replacen("# retention_days = 3650", line, 1)).map(|c| c.retention.archive);
    assert_eq!(retention("").unwrap(), None);
    assert_eq!(retention("retention_days = 1").unwrap(), Some(Duration::from_secs(86_400)));
    let problem = error("# retention_days = 3650", "retention_days = 0");
    assert_eq!(
        (problem.line, problem.key.as_deref()),
        (Some(line_of("# retention_days")), Some("archive.retention_days"))
    );
}

#[test]
fn what_is_remembered_of_messages_is_kept_as_long_as_the_law_wants_or_longer() {
    let records = |line: &str| with(|s| s.replacen("records_days = 930", line, 1)).map(|c| c.retention.records);
    let days = |n: u64| Duration::from_secs(n * 86_400);
    assert_eq!([records("").unwrap(), records("records_days = 3650").unwrap()], [days(930), days(3650)]);
    let problem = error("records_days = 930", "records_days = 929");
    let at = (problem.line, problem.key.as_deref());
    assert_eq!(at, (Some(line_of("records_days")), Some("archive.records_days")));
}

#[test]
fn a_balancers_network_is_one_and_limits_have_values_when_nothing_is_said() {
    let problem = error("proxy_networks = []", "proxy_networks = [\"10.0.0.0/8\", \"10.0.0.1/8\"]");
    let at = (problem.line, problem.key.as_deref());
    assert_eq!(at, (Some(line_of("proxy_networks")), Some("listen.proxy_networks")));
    assert!(problem.say(Lang::It).contains("\"10.0.0.1/8\" non è una rete"), "{}", problem.say(Lang::It));
    let all = with(|s| s).unwrap();
    let none = with(|s| s.split("[limits]").next().unwrap().replacen("proxy_networks = []", "", 1)).unwrap();
    assert_eq!((all.limits, all.proxies), (none.limits, none.proxies), "the sample shows what holds without it");
}

#[test]
fn clients_have_anchors_and_revocation_lists_or_neither() {
    let both = uncommented("# client_anchors", 3);
    let file = Path::new("/etc/sigillo/prova.toml");
    let both = both.replace("Le liste di revoca di quelle", "# Le liste di revoca di quelle");
    let config = Config::parse(file, &both).unwrap();
    assert_eq!((config.client_anchors.len(), config.client_crls.len()), (1, 1));
    for (line, missing) in [("client_anchors", "client_crls"), ("client_crls", "client_anchors")] {
        let problem = error(&format!("# {line}"), line);
        assert_eq!(problem.key, Some(format!("tls.{line}")));
        assert!(problem.say(Lang::It).contains(&format!("manca tls.{missing}")), "{}", problem.say(Lang::It));
    }
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
    assert_eq!(problems.0.len(), 7);
    assert_eq!(problems.say(Lang::It).lines().count(), 7);
}

#[test]
fn broken_toml_names_the_line() {
    let problem = error("memory_mb = 256", "memory_mb = = 256");
    assert_eq!(problem.line, Some(line_of("memory_mb")));
}

#[test]
fn a_route_is_read() {
    let mut route = with(|_| uncommented("# [[relay.route]]", 4)).unwrap().relay.routes.remove(0);
    assert_eq!((route.domains.len(), route.tls), (2, RouteTls::Opportunistic));
    let address = Some("192.0.2.25".parse().unwrap());
    assert_eq!(route.servers.remove(0), Server { name: "mx.pec.beta.example".into(), address, port: 25 });
}

#[test]
fn a_smarthost_is_the_last_route_and_a_password_needs_a_server_that_shows_who_it_is() {
    let relay = with(|_| uncommented("# [relay.smarthost]", 6)).unwrap().relay;
    let route = relay.routes.last().unwrap();
    assert_eq!((route.tls, route.servers[0].port, &route.domains[..]), (RouteTls::Implicit, 465, &[Pattern::All][..]));
    let login = route.login.as_ref().unwrap();
    assert_eq!(
        (login.user.as_str(), &*login.password.value),
        ("sigillo", Path::new("/etc/sigillo/prova/uscita.password"))
    );
    for (from, to, key) in [
        ("tls = \"implicit\"", "tls = \"opportunistic\"", "relay.smarthost.user"),
        ("user = \"sigillo\"\n", "", "relay.smarthost.password_file"),
        ("host = \"uscita.esempio.example\"", "host = \"non un nome\"", "relay.smarthost.host"),
    ] {
        let text = uncommented("# [relay.smarthost]", 6);
        assert!(text.contains(from), "{from}");
        let problem = with(|_| text.replacen(from, to, 1)).unwrap_err().0.remove(0);
        assert_eq!(problem.key.as_deref(), Some(key), "{to}");
    }
}

#[test]
fn a_route_has_servers_by_name_or_one_address_with_a_name() {
    let text = SAMPLE.lines().find(|l| l.starts_with("# servers = [\"mx1")).unwrap();
    let from = SAMPLE.find("# [[relay.route]]\n# domains = [\"*.beta").unwrap();
    let route = |more: &str| {
        let table = format!("[[relay.route]]\ndomains = [\"*.beta.example\"]\n{more}\n");
        with(|s| format!("{}{table}{}", &s[..from], &s[from..]))
    };
    let servers = route(&text[2..]).unwrap().relay.routes.remove(0).servers;
    assert_eq!((servers[0].port, servers[1].port, servers[1].address), (25, 2525, None));
    for (more, key) in [
        ("address = \"192.0.2.1:25\"", "relay.route.address"),
        ("name = \"mx.beta.example\"", "relay.route.name"),
        ("servers = [\"mx.beta.example:0\"]", "relay.route.servers"),
        ("servers = [\"192.0.2.1\"]", "relay.route.servers"),
        ("servers = [\"a.example\"]\nname = \"b.example\"\naddress = \"192.0.2.1:25\"", "relay.route.address"),
    ] {
        assert_eq!(route(more).unwrap_err().0[0].key.as_deref(), Some(key), "{more}");
    }
}

/// The sample with its antivirus, and this in place of that.
fn scanned(from: &str, to: &str) -> Result<Config, Problems> {
    with(|s| {
        // Other sections have keys of the same name.
        let (before, section) = s.split_at(s.find("\n# [antivirus]").unwrap());
        let mut s = section.to_owned();
        for line in ["[antivirus]", "clamd =", "concurrency =", "timeout_s =", "when_down ="] {
            assert!(s.contains(&format!("\n# {line}")), "{line}");
            s = s.replacen(&format!("\n# {line}"), &format!("\n{line}"), 1);
        }
        assert!(s.contains(from), "{from}");
        before.to_owned() + &s.replacen(from, to, 1)
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
fn ordinary_mail_is_checked_as_the_sample_shows() {
    let quiet = with(|s| s).unwrap();
    assert!(!quiet.ordinary.sender_checks && quiet.antispam.is_none() && quiet.dns.servers.is_empty());
    assert_eq!(quiet.ordinary.rules, sigillo_engine::OrdinaryRules::default(), "nothing refuses");
    let text = ["# servers = [\"127", "# [ordinary]", "# spf", "# dmarc", "# dnsbl", "# listed", "# [antispam]"]
        .iter()
        .chain(&["# rspamd", "# reject", "# defer", "# max_size_mb"])
        .fold(SAMPLE.to_owned(), |text, key| text.replacen(&format!("\n{key}"), &format!("\n{}", &key[2..]), 1));
    let read = |from: &str, to: &str| with(|_| text.replacen(from, to, 1));
    let config = read("", "").unwrap();
    assert_eq!(config.dns.servers, ["127.0.0.1:53".parse().unwrap()]);
    assert_eq!(config.ordinary.lists.iter().map(Domain::as_str).collect::<Vec<_>>(), ["zen.example"]);
    assert_eq!((config.ordinary.concurrency, config.ordinary.timeout), (8, Duration::from_secs(10)));
    let rules = config.ordinary.rules;
    assert!(config.ordinary.sender_checks && !rules.refuse_spf && !rules.refuse_dmarc && !rules.refuse_listed);
    assert!(rules.refuse_spam && rules.defer_suspects && !rules.defer_unjudged);
    let antispam = config.antispam.unwrap();
    assert_eq!((antispam.rspamd.to_string().as_str(), antispam.max_size), ("http://127.0.0.1:11333/checkv2", 20 << 20));
    assert!(read("\nspf = \"record\"", "\nspf = \"enforce\"").unwrap().ordinary.rules.refuse_spf);
    assert!(read("max_size_mb = 20", "when_down = \"refuse\"").unwrap().ordinary.rules.defer_unjudged);
    for (from, to, key) in [
        ("http://127.0.0.1:11333", "127.0.0.1:11333", "antispam.rspamd"),
        ("http://127.0.0.1:11333", "http://127.0.0.1:11333/checkv2", "antispam.rspamd"),
        ("zen.example", "zen example", "ordinary.dnsbl"),
        ("127.0.0.1:53", "127.0.0.1", "dns.servers"),
    ] {
        let problems = read(from, to).unwrap_err().0;
        assert_eq!((problems.len(), problems[0].key.as_deref()), (1, Some(key)), "{problems:?}");
    }
    assert!(read("\nspf = \"record\"", "\nspf = \"refuse\"").is_err(), "an unknown word");
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
fn a_profile_of_the_providers_own_has_the_figures_of_its_base_where_none_are_given() {
    let config = with(|_| uncommented("# [[profile]]", 8)).unwrap();
    let scuole = config.profiles.find("scuole").unwrap();
    assert_eq!((scuole.limits.box_bytes, scuole.limits.max_message), (10 << 30, 30 << 20));
    assert_eq!((scuole.limits.per_minute, scuole.limits.per_day, scuole.limits.max_recipients), (20, 300, 500));
    let config = with(|_| uncommented("# [[profile]]", 3)).unwrap();
    assert_eq!(config.profiles.find("scuole").unwrap().limits, sigillo_accounts::Profile::Standard.limits());
    assert_eq!(with(|s| s).unwrap().profiles, Profiles::default());
}

#[test]
fn what_is_wrong_with_a_profile_names_its_line() {
    for (from, to, key, line) in [
        ("name = \"scuole\"", "name = \"standard\"", "profile.name", 1),
        ("name = \"scuole\"", "name = \"le scuole\"", "profile.name", 1),
        ("base = \"standard\"", "base = \"enorme\"", "profile.base", 2),
        ("base = \"standard\"", "base = \"service\"", "profile.name", 1),
        ("per_minute = 20", "per_minute = 0", "profile.name", 1),
        ("max_message_mb = 30", "max_message_mb = 51", "profile.name", 1),
        ("max_recipients = 500", "max_recipients = 1001", "profile.name", 1),
        ("per_day = 300", "per_hour = 300", "profile.per_hour", 5),
    ] {
        let text = uncommented("# [[profile]]", 8);
        assert!(text.contains(from), "{from}");
        let problem = with(|_| text.replacen(from, to, 1)).unwrap_err().0.remove(0);
        let at = line_of("# [[profile]]") + line;
        assert_eq!((problem.key.as_deref(), problem.line), (Some(key), Some(at)), "{to}");
    }
}

#[test]
fn reports_are_written_only_where_a_folder_is_given() {
    assert_eq!(with(|s| s).unwrap().reports, None);
    let folder = with(|_| uncommented("# [reports]", 2)).unwrap().reports.unwrap();
    assert_eq!(folder.value, Path::new("/etc/sigillo/rapporti"));
}

#[test]
fn backups_are_looked_after_only_where_a_folder_is_given() {
    assert_eq!(with(|s| s).unwrap().backups, None);
    let sample = uncommented("# [backup]", 3);
    let backups = with(|_| sample.clone()).unwrap().backups.unwrap();
    assert_eq!(
        (backups.folder.value.as_path(), backups.max_age.as_secs()),
        (Path::new("/var/backups/sigillo"), 26 * 3600)
    );
    let problem = with(|_| sample.replace("max_age_h = 26", "max_age_h = 0")).unwrap_err().0.remove(0);
    assert_eq!(problem.key.as_deref(), Some("backup.max_age_h"));
}

#[test]
fn figures_are_shown_nowhere_unless_said_and_to_others_only_when_said_twice() {
    assert!(with(|s| s).unwrap().metrics.is_none());
    let at = |text: String| with(|_| text).map(|config| config.metrics.unwrap().value.to_string());
    let sample = uncommented("# [metrics]", 3);
    assert_eq!(at(sample.clone()).unwrap(), "127.0.0.1:9465");
    for remote in ["0.0.0.0:9465", "[::]:9465", "192.0.2.1:9465", "[::ffff:192.0.2.1]:9465"] {
        let asked = sample.replace("127.0.0.1:9465", remote);
        let problem = at(asked.clone()).unwrap_err().0.remove(0);
        assert_eq!(problem.key.as_deref(), Some("metrics.listen"), "{remote}");
        assert_eq!(at(asked.replace("allow_remote = false", "allow_remote = true")).unwrap(), remote);
    }
    for local in ["127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(at(sample.replace("127.0.0.1:9465", local)).unwrap(), local);
    }
}

#[test]
fn an_identity_provider_is_asked_over_tls_only() {
    let section = SAMPLE.replace("\n# [oauth]", "\n[oauth]").replace("\n# introspection_url", "\nintrospection_url");
    let section = section.replace("\n# client_id", "\nclient_id").replace("\n# client_secret", "\nclient_secret");
    let section = section.replacen("\n# audience", "\naudience", 1);
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

/// The sample with these tables before `[access]`.
fn added(tables: &str) -> Result<Config, Problems> {
    with(|s| s.replacen("\n[access]\n", &format!("\n{tables}\n[access]\n"), 1))
}

/// What is wrong with the sample that has these tables: the key, and the text.
fn wrong(tables: &str) -> (String, String) {
    let mut problems = added(tables).unwrap_err().0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems.remove(0);
    (problem.key.clone().unwrap_or_default(), problem.say(Lang::It))
}

#[test]
fn a_directory_is_reached_in_secret_and_finds_the_one_who_logs_in() {
    let ldap = |more: &str| {
        format!("[[ldap]]\ndomains = [\"comune-esempio.example\"]\nurls = [\"ldaps://a.example\"]\n{more}\n")
    };
    let search = "base = \"dc=x\"\nfilter = \"(mail={address})\"";
    let config = added(&ldap(search)).unwrap();
    assert_eq!((config.ldap[0].timeout, config.ldap[0].remember), (Duration::from_secs(5), Duration::ZERO));
    assert!(matches!(&config.ldap[0].entry, Entry::Search { base, .. } if base == "dc=x"));
    assert!(added(&ldap("dn = \"uid={user},dc=x\"")).is_ok());
    for (tables, key, says) in [
        (ldap(""), "ldap", "base e filter"),
        (ldap(&format!("{search}\ndn = \"uid={{user}}\"")), "ldap", "base e filter"),
        (ldap("base = \"dc=x\"\nfilter = \"(mail=anna)\""), "ldap.filter", "di chi si tratta"),
        (ldap("base = \"dc=x\"\nfilter = \"(mail={address}\""), "ldap.filter", "non è un filtro"),
        (ldap("dn = \"uid=anna\""), "ldap.dn", "di chi si tratta"),
        (ldap(&format!("{search}\nbind_dn = \"cn=x\"")), "ldap.bind_dn", "manca ldap.bind_password_file"),
        (ldap(search).replace("ldaps:", "ldap:"), "ldap.urls", "non è cifrato"),
        (ldap(search).replace("ldaps:", "https:"), "ldap.urls", "non è una directory"),
        (ldap(search).replace("\"ldaps://a.example\"", ""), "ldap.urls", "nessun server"),
        (ldap(search).replace("comune-esempio", "altrove"), "ldap.domains", "non è fra i domini"),
        (ldap(search) + &ldap(search), "ldap.domains", "ha già una directory"),
    ] {
        let (at, said) = wrong(&tables);
        assert!(at == key && said.contains(says), "{tables}: {said}");
    }
    assert!(added(&ldap(&format!("{search}\nstarttls = true")).replace("ldaps:", "ldap:")).is_ok());
}

#[test]
fn a_token_for_mail_does_not_administrate() {
    let oidc = |persons: &str, mailboxes: &str| {
        let issuer = "[oidc]\nissuer = \"https://idp.example/r/\"\n";
        let domains = "domains = [\"comune-esempio.example\"]";
        format!(
            "{issuer}[oidc.persons]\naudience = \"{persons}\"\nclaim = \"sub\"\n[oidc.mailboxes]\naudience = \"{mailboxes}\"\n{domains}\n"
        )
    };
    let good = added(&oidc("a", "b")).unwrap().oidc.unwrap();
    assert_eq!(good.issuer.value, "https://idp.example/r/");
    assert_eq!(good.discovery.to_string(), "https://idp.example/r/.well-known/openid-configuration");
    assert_eq!(good.mailboxes.unwrap().shown.claim, "email");
    let oauth = "[oauth]\nintrospection_url = \"https://i.example/\"\nclient_id = \"c\"\nclient_secret = \"s\"\naudience = \"b\"\n";
    for (tables, key, says) in [
        (oidc("a", "a"), "oidc.issuer", "lo stesso audience"),
        (oidc("a", "b").replace("https:", "http:"), "oidc.issuer", "non è cifrato"),
        (oidc("a", "b").replace("comune-esempio", "altrove"), "oidc.mailboxes.domains", "non è fra i domini"),
        (oauth.to_owned() + &oidc("a", "b"), "oidc.mailboxes.audience", "[oauth]"),
    ] {
        let (at, said) = wrong(&tables);
        assert!(at == key && said.contains(says), "{tables}: {said}");
    }
}

#[test]
fn the_signing_key_is_a_file_or_in_a_device() {
    let key = |text: &str| with(|s| s.replacen("key = \"prova/firma.key\"", &format!("key = \"{text}\""), 1));
    let uri = "pkcs11:token=t;object=o?module-path=/m.so&pin-source=pin";
    let SigningKey::Token(token) = key(uri).unwrap().signing_key.value else { panic!("a device") };
    assert_eq!(token.pin, Path::new("/etc/sigillo/pin"));
    let mut problems = key("pkcs11:token=t;object=o?module-path=/m.so&pin-value=1234").unwrap_err().0;
    let said = problems.remove(0).say(Lang::It);
    assert!(said.contains("`signing.key`") && said.contains("pin-source") && !said.contains("1234"), "{said}");
    assert_eq!(key("k.pem").unwrap().signing_key.value.file(), Some(Path::new("/etc/sigillo/k.pem")));
}
