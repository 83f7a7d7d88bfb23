//! A second factor from the shell, with codes of a program that is not ours (oathtool).

use std::fs;

use serde_json::Value;
use sigillo_tests::demo::{Guard, binary, run, wait_for};

use crate::passwords::{change, doors};
use crate::rates::{ANNA, ask};
use crate::serve::Sample;

const PASSWORD: &str = "una frase lunga";

fn served() -> (Sample, Guard) {
    let sample = Sample::new();
    fs::write(sample.path("seal.key"), "5".repeat(64) + "\n").expect("written");
    sample.write(&sample.text().replace("# seal_key = \"seal.key\"", "seal_key = \"seal.key\""));
    let guard = sample.serve();
    sample.add(ANNA, PASSWORD);
    (sample, guard)
}

/// A code of now that was not said before.
pub fn fresh(seed: &str, said: &mut Vec<String>) -> String {
    let code = wait_for("the next code", std::time::Duration::from_secs(60), || {
        let code = run("oathtool", &["--totp", "--base32", seed], b"", 30).fine("oathtool").out.trim().to_owned();
        (!said.contains(&code)).then_some(code)
    });
    said.push(code.clone());
    code
}

#[test]
fn a_second_factor_is_added_used_and_removed() {
    let (sample, _guard) = served();
    let enrol = |lines: &str| ask(&sample, &["totp", "enrol", ANNA, "--password-file", "-"], lines);
    let begun: Value = enrol(&format!("{PASSWORD}\n"));
    let (seed, uri) = (begun["seed"].as_str().expect("a seed"), begun["uri"].as_str().expect("a link"));
    assert!(uri.starts_with("otpauth://totp/Esempio%20PEC") && uri.contains(&format!("secret={seed}")), "{uri}");
    for said in doors(&sample, ANNA, PASSWORD) {
        assert!(said.contains(" OK "), "not before its first code: {said}");
    }
    let mut said = Vec::new();
    let confirmed = enrol(&format!("{PASSWORD}\n{}\n", fresh(seed, &mut said)));
    let spares: Vec<&str> =
        confirmed["spare_codes"].as_array().expect("codes").iter().filter_map(Value::as_str).collect();
    assert_eq!(spares.len(), 8);

    for said in doors(&sample, ANNA, PASSWORD) {
        assert!(said.contains("password per applicazioni") && !said.contains(" OK "), "{said}");
    }
    let telephone = ask(&sample, &["credential", "add", ANNA, "telefono"], "");
    let given = telephone["password"].as_str().expect("a password");
    for said in doors(&sample, &format!("{ANNA}/telefono"), given) {
        assert!(said.contains(" OK "), "mail programs have passwords of their own: {said}");
    }

    let new = "un'altra frase lunga";
    let without = change(&sample, ANNA, &format!("{PASSWORD}\n{new}\n"));
    assert!(without.code == Some(1) && without.all().contains("manca una riga: codice"), "{}", without.all());
    let replayed = change(&sample, ANNA, &format!("{PASSWORD}\n{new}\n{}\n", said[0]));
    assert!(replayed.code == Some(1) && replayed.all().contains("già stato usato"), "{}", replayed.all());
    change(&sample, ANNA, &format!("{PASSWORD}\n{new}\n{}\n", fresh(seed, &mut said))).fine("with a code");
    let remove = |lines: &str| {
        run(
            binary(),
            &["totp", "remove", ANNA, "--password-file", "-", "--socket", &sample.socket()],
            lines.as_bytes(),
            30,
        )
    };
    remove(&format!("{new}\n{}\n", spares[3])).fine("with a spare code");
    for said in doors(&sample, ANNA, new) {
        assert!(said.contains(" OK "), "{said}");
    }

    // Who has lost everything: an operator ends it, and says that he means it.
    let begun = ask(&sample, &["totp", "enrol", ANNA, "--password-file", "-"], &format!("{new}\n"));
    let seed = begun["seed"].as_str().expect("a seed");
    let code = fresh(seed, &mut Vec::new());
    ask(&sample, &["totp", "enrol", ANNA, "--password-file", "-"], &format!("{new}\n{code}\n"));
    let reset = |more: &[&str]| {
        run(binary(), &[&["totp", "reset", ANNA, "--socket", &sample.socket()][..], more].concat(), b"", 30)
    };
    assert_eq!(reset(&[]).code, Some(1));
    reset(&["--yes"]).fine("totp reset");
    let log = run(binary(), &["log", "show", "--socket", &sample.socket()], b"", 30).all();
    for line in ["secondo-fattore:", "codice-di-riserva", "secondo-fattore-tolto"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    let all = sample.said() + &log;
    assert!(![seed, spares[3], given].iter().any(|secret| all.contains(secret)), "no secret in a log");
    // A code is six digits, which times and numbers hold too: it would stand by itself.
    let mut words = all.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    assert!(!words.any(|word| word == said[1]), "no code in a log");
}
