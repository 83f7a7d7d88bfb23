//! The table itself: what it shows is well formed, exact, and documented in both directions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sigillo_engine::meter::{Fact, HandOver, LoginResult, Meter, Standing, Task, Way};
use sigillo_engine::{Antivirus, Unavailable, Verdict};
use sigillo_pec::Kind;

use super::family::{Labels, Scale};
use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/metrics.md");

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(name, _)| name == series));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn every_fact_moves_its_own_figure_and_no_other() {
    let metrics = Metrics::default();
    let before = metrics.text();
    metrics.note(Fact::Issued(Kind::Acceptance));
    metrics.note(Fact::HandOver(Way::Certified, HandOver::Deferred, 3));
    metrics.note(Fact::Login(LoginResult::Wrong));
    metrics.note(Fact::Confirmed(Duration::from_secs(2)));
    let after = metrics.text();
    assert_eq!(value(&after, "sigillo_messages_issued_total{kind=\"accettazione\"}"), 1.0);
    let handed = "sigillo_handover_recipients_total{destination=\"certified\",outcome=\"deferred\"}";
    assert_eq!(value(&after, handed), 3.0);
    assert_eq!(value(&after, "sigillo_logins_total{result=\"wrong\"}"), 1.0);
    assert_eq!(value(&after, "sigillo_confirmation_seconds_bucket{le=\"1\"}"), 0.0);
    assert_eq!(value(&after, "sigillo_confirmation_seconds_bucket{le=\"5\"}"), 1.0);
    assert_eq!(value(&after, "sigillo_confirmation_seconds_sum"), 2.0);
    let moved = before.lines().zip(after.lines()).filter(|(a, b)| a != b).count();
    // The histogram moves its buckets from 5 seconds on, its sum and its count.
    let buckets = Journeys::BOUNDS.iter().filter(|bound| **bound >= 2.0).count() + 1;
    assert_eq!(moved, 3 + buckets + 2);
}

#[test]
fn a_bound_belongs_to_its_bucket_and_beyond_the_last_is_infinity() {
    let metrics = Metrics::default();
    metrics.work.took(Task::Login, Duration::from_millis(1));
    metrics.work.took(Task::Login, Duration::from_secs(3600));
    let text = metrics.text();
    let bucket = |le: &str| value(&text, &format!("sigillo_session_work_seconds_bucket{{task=\"login\",le=\"{le}\"}}"));
    assert_eq!((bucket("0.001"), bucket("30"), bucket("+Inf")), (1.0, 1.0, 2.0));
    assert_eq!(value(&text, "sigillo_session_work_seconds_count{task=\"login\"}"), 2.0);
}

struct Scanner(Result<Verdict, Unavailable>);

impl Antivirus for Scanner {
    fn scan(&self, _: &[u8]) -> Result<Verdict, Unavailable> {
        self.0.clone()
    }
}

#[test]
fn a_scan_counts_by_its_verdict_and_the_verdict_stays_what_it_is() {
    let metrics = Arc::new(Metrics::default());
    let infected = Verdict::Infected { malware: "Prova".into(), engine: "prova 1".into() };
    for verdict in [Ok(Verdict::Clean), Ok(infected.clone()), Ok(infected), Err(Unavailable("muto".into()))] {
        let scanner = Measured::new(Arc::clone(&metrics), Arc::new(Scanner(verdict.clone())));
        assert_eq!(scanner.scan(b"x"), verdict);
    }
    let scans = |word: &str| value(&metrics.text(), &format!("sigillo_antivirus_scans_total{{verdict=\"{word}\"}}"));
    assert_eq!(["clean", "infected", "none"].map(scans), [1.0, 2.0, 1.0]);
    assert_eq!(value(&metrics.text(), "sigillo_antivirus_scan_seconds_count"), 4.0);
}

#[test]
fn what_is_open_counts_as_long_as_it_lives_even_through_a_panic() {
    let metrics = Metrics::default();
    let open = || value(&metrics.text(), "sigillo_sessions_open{role=\"imap\"}");
    let inside = metrics.sessions_open.enter(Role::Imap);
    assert_eq!(open(), 1.0);
    drop(inside);
    let broken = std::panic::catch_unwind(|| {
        let metrics = &metrics;
        let _inside = metrics.sessions_open.enter(Role::Imap);
        panic!("the session breaks off");
    });
    assert!(broken.is_err());
    assert_eq!(open(), 0.0);
}

#[test]
fn what_is_not_known_is_not_shown() {
    let metrics = Metrics::default();
    let shown = || metrics.text().lines().any(|line| line.starts_with("sigillo_clock_offset_seconds "));
    assert!(!shown());
    metrics.clock_offset.set((), -0.25);
    assert_eq!(value(&metrics.text(), "sigillo_clock_offset_seconds"), -0.25);
    metrics.clock_offset.set((), None);
    assert!(!shown());
}

#[test]
fn every_label_has_a_cell_of_its_own() {
    fn cells<L: Labels>() -> Vec<usize> {
        L::all().into_iter().map(Labels::index).collect()
    }
    let in_order = |cells: Vec<usize>| assert_eq!(cells, (0..cells.len()).collect::<Vec<_>>());
    in_order(cells::<Kind>());
    in_order(cells::<(Way, HandOver)>());
    in_order(cells::<(Part, Standing)>());
    assert_eq!(cells::<(Part, Standing)>().len(), 9);
    assert_eq!(cells::<()>(), [0]);
}

#[test]
fn names_follow_the_conventions_and_are_given_once() {
    let catalogue = Metrics::default().catalogue();
    let names: BTreeSet<_> = catalogue.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names.len(), catalogue.len());
    for (name, kind, help) in catalogue {
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert!(name.starts_with("sigillo_") || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
    }
}

/// The rows of the tables in the document that begin with a name.
fn documented() -> Vec<(String, String, String)> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let cell = |row: &str, n: usize| row.split('|').nth(n).unwrap_or_default().trim().to_owned();
    let rows = rows.filter(|(name, _)| !name.starts_with('/'));
    rows.map(|(name, rest)| (name.to_owned(), cell(rest, 1), cell(rest, 3))).collect()
}

#[test]
fn the_document_says_what_is_shown_and_nothing_else() {
    let catalogue = Metrics::default().catalogue();
    let shown: Vec<_> = catalogue.iter().map(|(n, k, h)| ((*n).to_owned(), (*k).to_owned(), (*h).to_owned())).collect();
    for row in &shown {
        assert!(
            documented().contains(row),
            "docs/metrics.md lacks, or says otherwise:\n| `{}` | {} | … | {} |",
            row.0,
            row.1,
            row.2
        );
    }
    for row in documented() {
        assert!(shown.contains(&row), "docs/metrics.md has what is not shown: {row:?}");
    }
}

/// Every label with each of its words, `role="smtp"`.
fn labels() -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let text = Metrics::default().text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let inside = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(inside, _)| inside);
        labels.extend(inside.split(',').filter(|pair| !pair.is_empty() && !pair.starts_with("le=")).map(str::to_owned));
    }
    // Readings show no series before they are set: their words are taken from the lists.
    fn words<W: Word>() -> impl Iterator<Item = String> {
        W::ALL.iter().map(|word| format!("{}=\"{}\"", W::LABEL, word.word()))
    }
    labels.extend(words::<Condition>().chain(words::<StoreState>()).chain(words::<ClockState>()));
    labels.extend(words::<Standing>().chain(words::<Part>()).chain(words::<Purpose>()).chain(words::<Obstacle>()));
    labels
}

#[test]
fn the_document_names_every_label_and_word() {
    for pair in labels() {
        let (label, word) = pair.split_once('=').unwrap();
        let (row, word) = (format!("| {label} |"), format!("`{}`", word.trim_matches('"')));
        let named = DOCUMENT.lines().any(|line| line.starts_with(&row) && line.contains(&word));
        assert!(named, "docs/metrics.md: no row of labels has {pair}");
    }
}

/// Everything in an expression that names a family, or matches a label of one, must be there.
fn prove(expression: &str) -> usize {
    let catalogue = Metrics::default().catalogue();
    let known = |name: &str| {
        let exact = catalogue.iter().any(|(family, kind, _)| *family == name && *kind != "histogram");
        let part = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        exact
            || part
                .is_some_and(|part| catalogue.iter().any(|(family, kind, _)| *family == part && *kind == "histogram"))
    };
    let ours = |word: &&str| word.starts_with("sigillo_") || word.starts_with("process_");
    let names = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(ours);
    let named = names.inspect(|name| assert!(known(name), "{name} is not shown: {expression}")).count();
    let labels = labels();
    for (label, rest) in expression.match_indices("=\"").chain(expression.match_indices("=~\"")).map(|(at, mark)| {
        let label = expression[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
        (label, &expression[at + mark.len()..])
    }) {
        let words = rest.split_once('"').unwrap().0;
        if ["job", "instance"].contains(&label) {
            continue;
        }
        for word in words.split('|') {
            assert!(labels.contains(&format!("{label}=\"{word}\"")), "no {label} is {word}: {expression}");
        }
    }
    named
}

#[test]
fn the_rules_name_only_what_is_shown() {
    let rules = include_str!("../../../../docs/alerts.yml");
    let expressions: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert_eq!(expressions.len(), rules.matches("- alert: ").count(), "an expression stands on its line");
    expressions
        .iter()
        .for_each(|expression| assert!(prove(expression) > 0 || expression.contains("up{"), "{expression}"));
}

#[test]
fn the_dashboard_names_only_what_is_shown() {
    fn expressions<'v>(value: &'v serde_json::Value, found: &mut Vec<&'v str>) {
        match value {
            serde_json::Value::Object(fields) => {
                found.extend(fields.get("expr").and_then(serde_json::Value::as_str));
                fields.values().for_each(|value| expressions(value, found));
            }
            serde_json::Value::Array(all) => all.iter().for_each(|value| expressions(value, found)),
            _ => {}
        }
    }
    let dashboard = serde_json::from_str(include_str!("../../../../docs/grafana/sigillo.json")).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    found.into_iter().for_each(|expression| assert!(prove(expression) > 0, "{expression}"));
}

#[test]
#[should_panic(expected = "sigillo_box_limits_total is not shown")]
fn a_name_that_is_not_shown_is_found() {
    prove("sum(increase(sigillo_box_limits_total{limit=\"day\"}[1d])) > 0");
}

#[test]
#[should_panic(expected = "no limit is week")]
fn a_word_that_is_not_shown_is_found() {
    prove("sum(increase(sigillo_box_limits_hit_total{limit=~\"day|week\"}[1d])) > 0");
}
