use std::fs::{self, Permissions};

use super::*;

/// A line: account, mailbox and password, or why not.
type Found = (usize, Result<(String, String, String), String>);

fn told(text: &str) -> Result<Vec<Found>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conti.csv");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.path().join("una.password"), "dal file\n").unwrap();
    let fine = |e: Entry| (e.account.to_string(), e.mailbox, e.password.expose().to_owned());
    let entries = read(&file, Lang::En).map_err(|e| e.said().en)?;
    Ok(entries.into_iter().map(|(line, entry)| (line, entry.map(fine))).collect())
}

#[test]
fn lines_in_the_forms_of_spreadsheets() {
    let fine = |line, account: &str, mailbox: &str, password: &str| {
        (line, Ok((account.to_owned(), mailbox.to_owned(), password.to_owned())))
    };
    let found = told(
        "\u{feff}Casella;Server;Utente;Password;File_password\r\n\
         a@x.example;posta.vecchio.example;;\"pass;word\";\r\n\
         \r\n\
         b@x.example;imap://[::1]:1143;b old@v.example;;una.password\r\n",
    );
    let expected = [
        fine(2, "a@x.example@posta.vecchio.example:993", "a@x.example", "pass;word"),
        fine(4, "b old@v.example@::1:1143", "b@x.example", "dal file"),
    ];
    assert_eq!(found.unwrap(), expected);
    let english = told("password,user,mailbox,server\np,u,a@x.example,h:2\n").unwrap();
    assert_eq!(english, [fine(2, "u@h:2", "a@x.example", "p")]);
}

#[test]
fn what_is_wrong_with_a_line_stops_no_other_and_shows_no_password() {
    let found = told(
        "mailbox;server;user;password;password_file\n\
         nobody;h;u;segretissima;\n\
         a@x.example;;u;segretissima;\n\
         a@x.example;h:0;u;segretissima;\n\
         a@x.example;u:segretissima@h;u;segretissima;\n\
         a@x.example;pop3://h;u;segretissima;\n\
         a@x.example;h;u;;\n\
         a@x.example;h;u;segretissima;una.password\n\
         a@x.example;h;u;;non.ce\n\
         a@x.example;h;u;segretissima;;;segretissima\n\
         a@x.example;h;u;\"segretissima\n\
         a@x.example;h;u;buona;\n\
         A@x.example;imaps://h;u;segretissima;\n",
    );
    let found = found.unwrap();
    let fine: Vec<usize> = found.iter().filter(|(_, entry)| entry.is_ok()).map(|(line, _)| *line).collect();
    assert_eq!(fine, [12]);
    let why = |line: usize| found[line - 2].1.clone().unwrap_err();
    for (line, said) in
        [(3, "server"), (5, "no user"), (7, "password"), (8, "both"), (9, "non.ce"), (10, "more"), (13, "line 12")]
    {
        assert!(why(line).contains(said), "{line}: {}", why(line));
    }
    for (line, entry) in found {
        assert!(!entry.is_err_and(|why| why.contains("segretissima")), "{line}");
    }
}

#[test]
fn a_file_that_names_no_columns_or_that_others_read_is_refused_whole() {
    for (text, said) in [
        ("", "empty"),
        ("a@x.example;h;u;segretissima\n", "name the columns"),
        ("mailbox;server;mailbox;password\n", "each once"),
        ("mailbox;server;user\n", "are needed"),
        ("mailbox;password\n", "are needed"),
        ("casella;server;password\na@x.example;h;pi\u{0}\n", "control character"),
    ] {
        match told(text) {
            Err(why) => assert!(why.contains(said) && !why.contains("segretissima"), "{text:?}: {why}"),
            Ok(lines) => assert!(lines[0].1.as_ref().is_err_and(|why| why.contains(said)), "{text:?}: {lines:?}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conti.csv");
    fs::write(&file, "mailbox;server;password\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let open = read(&file, Lang::En).unwrap_err().said().en;
    assert!(open.contains("chmod 600"), "{open}");
    fs::write(&file, "mailbox;server;password_file\n").unwrap();
    assert!(read(&file, Lang::En).unwrap().is_empty(), "no password in it");
    fs::write(&file, b"mailbox;server;password_file\na@x.example;h;pi\xf9\n").unwrap();
    let latin = read(&file, Lang::En).unwrap_err().said().en;
    assert!(latin.contains("line 2") && latin.contains("UTF-8"), "{latin}");
}

#[test]
fn each_pair_has_a_state_of_its_own() {
    let account = |text: &str| text.parse::<Account>().unwrap();
    let name = state_name(&account("imaps://u@h"), "a/b@x.example");
    assert!(name.starts_with("a%2Fb@x.example.") && !name.contains('/'), "{name}");
    assert_eq!(name, state_name(&account("imap://u@h:993"), "a/b@x.example"), "the same account");
    assert_ne!(name, state_name(&account("imaps://v@h"), "a/b@x.example"));
    assert!(state_name(&account("imaps://u@h"), &"è".repeat(200)).len() < 200);
}
