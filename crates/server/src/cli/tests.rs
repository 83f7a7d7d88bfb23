//! The command line as a whole: its help, and on which terms each verb works.

use std::collections::{BTreeMap, BTreeSet};

use sigillo_admin::Client;

use super::*;
use crate::complaint;

#[test]
fn the_command_line_is_sound_and_speaks_both_languages() {
    command(Lang::En).debug_assert();
    let english = command(Lang::En).render_long_help().to_string();
    assert!(english.contains("Usage: sigillo") && english.contains("Commands:"), "{english}");
    assert!(!english.contains("Uso") && !english.contains("Mostra"), "{english}");
    command(Lang::It).debug_assert();
    let mut command = command(Lang::It);
    let help = command.render_long_help().to_string();
    assert!(help.contains("Uso: sigillo") && help.contains("Comandi:"), "{help}");
    assert!(!help.contains("Usage") && !help.contains("Print help"), "{help}");
    let demo = command.find_subcommand_mut("demo").unwrap().render_long_help().to_string();
    assert!(demo.contains("--base-port") && demo.contains("Opzioni:") && !demo.contains("Options:"), "{demo}");
}

#[test]
fn what_cannot_be_read_in_an_argument_is_told_in_either_language() {
    for (arguments, italian, english) in [
        ("demo --speed x", "un numero maggiore di 0", "a number above 0"),
        ("demo --clamd x", "un percorso (/run/clamav/clamd.ctl), host:porta o none", "host:port or none"),
        ("message inspect x --at ieri", "serve una data, 2026-03-12", "a date is needed, 2026-03-12"),
        ("log show --from ieri", "vale un giorno come 2026-03-12", "a day like 2026-03-12 is meant"),
        ("queue list --limit 0", "almeno 1", "at least 1"),
        ("mailbox import a@x.example --from x", "e poi il percorso", "and then the path"),
        ("index publish --out x --url x://y", "non comincia con https://", "does not begin with https://"),
    ] {
        let told = |lang| {
            let arguments = std::iter::once("sigillo").chain(arguments.split(' '));
            let error = command(lang).try_get_matches_from(arguments).unwrap_err();
            words::told(error, lang).to_string()
        };
        let (it, en) = (told(Lang::It), told(Lang::En));
        assert!(it.contains(italian) && !it.contains(english), "{it}");
        assert!(it.starts_with("error: invalid value '") && en.starts_with("error: invalid value '"), "{en}");
        assert!(en.contains(english) && !en.contains(italian), "{en}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_told_in_either_language() {
    let error = Client::new("/nonexistent/sigillo.sock").status().await.unwrap_err();
    let error = anyhow::Error::from(verbs::Error::from(error)).context("x.toml");
    let Said { it, en } = complaint::of(&error);
    assert!(it.starts_with("x.toml: non rispondono al socket /nonexistent/sigillo.sock: "), "{it}");
    assert!(en.starts_with("x.toml: nobody answers at the socket /nonexistent/sigillo.sock: "), "{en}");
}

/// Every verb, and on which terms it works.
enum Terms {
    /// It changes nothing that it could be asked to try first: it reads, or writes files that were named to it.
    Reads,
    /// It changes something over the interface: `--dry-run`.
    Writes,
    /// It ends something for good: `--yes` and `--dry-run`.
    Destroys,
    /// Otherwise: with these of the two, and why so.
    Other(&'static [&'static str], &'static str),
}

use Terms::{Destroys, Other, Reads, Writes};

const TRIAL: &str = "dry-run";
const CONFIRMED: &str = "yes";

/// He says who he is by a secret or a code: a trial of it would be a guess that nobody counts.
const PROOF: &str = "whoever proves himself means it";
const OUTSIDE: &str = "it works outside of the store, where nothing can be dropped";
const IMPORT: &str = "many requests: its trial compares, and sends none that changes something";

const TABLE: &[(&str, Terms)] = &[
    ("demo", Reads),
    ("serve", Reads),
    ("cert list", Reads),
    ("cert request", Reads),
    ("cert check", Reads),
    ("config check", Reads),
    ("config dkim", Reads),
    ("config init", Reads),
    ("message inspect", Reads),
    ("doctor", Reads),
    ("status", Reads),
    ("mailbox list", Reads),
    ("mailbox log", Reads),
    ("mailbox accesses", Reads),
    ("mailbox export", Reads),
    ("mailbox trail", Reads),
    ("mailbox usage", Reads),
    ("mailbox history", Reads),
    ("credential list", Reads),
    ("profile list", Reads),
    ("profile show", Reads),
    ("report blocked-boxes", Reads),
    ("queue list", Reads),
    ("queue show", Reads),
    ("queue why", Reads),
    ("dispatch show", Reads),
    ("domain list", Reads),
    ("tenant list", Reads),
    ("unit list", Reads),
    ("person list", Reads),
    ("person tokens", Reads),
    ("role matrix", Reads),
    ("list list", Reads),
    ("address-book list", Reads),
    ("address-book show", Reads),
    ("address-book export", Reads),
    ("notice list", Reads),
    ("notice register", Reads),
    ("operation list", Reads),
    ("operation show", Reads),
    ("plan show", Reads),
    ("plan consistency", Reads),
    ("quarantine list", Reads),
    ("quarantine export", Reads),
    ("index publish", Reads),
    ("index show", Reads),
    ("index check", Reads),
    ("log show", Reads),
    ("log export", Reads),
    ("log count", Reads),
    ("log extract", Reads),
    ("log verify", Reads),
    ("tls-report show", Reads),
    ("tls-report export", Reads),
    ("store check", Reads),
    ("store restore", Reads),
    ("store stats", Reads),
    ("openapi", Reads),
    ("man", Reads),
    ("completions", Reads),
    ("mailbox add", Writes),
    ("mailbox import-hashes", Writes),
    ("mailbox set", Writes),
    ("mailbox unit", Writes),
    ("mailbox contact", Writes),
    ("mailbox reset", Writes),
    ("mailbox block", Writes),
    ("mailbox unblock", Writes),
    ("mailbox activate", Writes),
    ("mailbox deactivate", Writes),
    ("mailbox undelete", Writes),
    ("mailbox responsible", Writes),
    ("mailbox rights", Writes),
    ("mailbox alert", Writes),
    ("mailbox forward", Writes),
    ("mailbox password", Writes),
    ("credential add", Writes),
    ("credential state", Writes),
    ("credential rotate", Writes),
    ("queue hold", Writes),
    ("queue release", Writes),
    ("queue retry", Writes),
    ("queue reroute", Writes),
    ("domain set", Writes),
    ("tenant add", Writes),
    ("tenant set", Writes),
    ("unit add", Writes),
    ("unit rename", Writes),
    ("person add", Writes),
    ("person grant", Writes),
    ("person revoke", Writes),
    ("person add-token", Writes),
    ("list set", Writes),
    ("list undelete", Writes),
    ("list unit", Writes),
    ("address-book set", Writes),
    ("plan set", Writes),
    ("plan approve", Writes),
    ("cert roll", Destroys),
    ("mailbox cancel", Destroys),
    ("credential remove", Destroys),
    ("totp reset", Destroys),
    ("queue drop", Destroys),
    ("domain assign", Destroys),
    ("tenant remove", Destroys),
    ("unit remove", Destroys),
    ("person end", Destroys),
    ("person revoke-token", Destroys),
    ("person totp reset", Destroys),
    ("list remove", Destroys),
    ("address-book remove", Destroys),
    ("address-book clear", Destroys),
    ("init", Other(&[TRIAL], "it writes files, and says which before")),
    ("mailbox apply", Destroys),
    ("list apply", Destroys),
    ("address-book apply", Destroys),
    ("password file", Writes),
    ("mailbox import", Other(&[TRIAL], IMPORT)),
    ("store repair", Other(&[CONFIRMED], "without the word it is a trial")),
    ("store migrate", Other(&[CONFIRMED], "without the word it is a trial")),
    ("password change", Other(&[], PROOF)),
    ("password reset", Other(&[], PROOF)),
    ("password recover", Other(&[], PROOF)),
    ("totp enrol", Other(&[], PROOF)),
    ("totp remove", Other(&[], PROOF)),
    ("person change-token", Other(&[], PROOF)),
    ("person unlock", Other(&[], PROOF)),
    ("person totp enrol", Other(&[], PROOF)),
    ("person totp remove", Other(&[], PROOF)),
    ("cert renew", Other(&[], OUTSIDE)),
    ("index update", Other(&[], OUTSIDE)),
    ("store backup", Other(&[], OUTSIDE)),
    ("store compact", Other(&[], OUTSIDE)),
];

/// Every verb below this one that is not divided further, by its words.
fn leaves<'c>(above: &'c clap::Command, words: &str, all: &mut BTreeMap<String, &'c clap::Command>) {
    for verb in above.get_subcommands() {
        let words = format!("{words} {}", verb.get_name()).trim().to_owned();
        if verb.has_subcommands() {
            leaves(verb, &words, all);
        } else {
            all.insert(words, verb);
        }
    }
}

#[test]
fn what_destroys_wants_a_word_and_what_writes_can_be_tried() {
    let command = command(Lang::It);
    let mut found = BTreeMap::new();
    leaves(&command, "", &mut found);
    let known: BTreeMap<&str, &Terms> = TABLE.iter().map(|(verb, terms)| (*verb, terms)).collect();
    assert_eq!(known.len(), TABLE.len(), "a verb stands twice in the table");
    let strange: Vec<_> = known.keys().filter(|verb| !found.contains_key(**verb)).collect();
    assert!(strange.is_empty(), "in the table, and no verb: {strange:?}");
    for (words, verb) in found {
        let terms = known.get(words.as_str()).unwrap_or_else(|| panic!("{words}: on which terms? Say it in the table"));
        let wanted: &[&str] = match terms {
            Reads => &[],
            Writes => &[TRIAL],
            Destroys => &[TRIAL, CONFIRMED],
            Other(flags, why) => {
                assert!(!why.is_empty(), "{words}: why?");
                flags
            }
        };
        let has: BTreeSet<&str> = verb.get_arguments().filter_map(clap::Arg::get_long).collect();
        for flag in [TRIAL, CONFIRMED] {
            assert_eq!(has.contains(flag), wanted.contains(&flag), "{words}: --{flag}");
        }
        // What the service tries is one thing: who writes it down for himself would have to do so, too.
        let own = verb.get_arguments().any(|arg| arg.get_id() == verbs::TRIAL);
        assert_eq!(own, matches!(terms, Writes | Destroys), "{words}: not by `Writes` or `Destroys`");
    }
}
