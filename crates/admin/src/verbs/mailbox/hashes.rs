//! `sigillo mailbox import-hashes`: the passwords of many mailboxes, as another system hashed them (PWD-06).

use std::path::PathBuf;

use serde::Serialize;
use sigillo_base::{Address, Secret, Tell};

use crate::api::{GivenHash, NewHash, NewMailbox};
use crate::csv::Table;
use crate::verbs::{Error, How, Where, Writes, header, json, load, table};
use crate::{Client, Lang};

/// Status of a mailbox that is not there.
const MISSING: u16 = 404;

/// What `sigillo mailbox import-hashes` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// File CSV con «indirizzo;hash» su ogni riga; «-» è l'ingresso standard
    file: PathBuf,
    /// Crea le caselle che non ci sono, con questo profilo
    #[arg(long, value_name = "PROFILO")]
    add: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    at: Where<Writes>,
}

/// What became of a file.
#[derive(Debug, Default, Serialize)]
struct Report {
    dry_run: bool,
    /// Mailboxes whose owner has the hash now.
    given: u64,
    /// Mailboxes that were made with it.
    added: u64,
    /// Those whose owner had it already.
    same: u64,
    /// Those whose owner has a password of his own here, which stays.
    kept: u64,
    /// Lines that came to nothing.
    wrong: Vec<Wrong>,
}

/// A line that came to nothing.
#[derive(Debug, Serialize)]
struct Wrong {
    line: usize,
    /// Whom it is about, where that can be told.
    address: String,
    why: String,
}

/// Gives each mailbox the hash that the file has for it, and the text to print.
pub async fn run(args: &Args, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    let table = Table::read(&load(&args.file)?).map_err(|e| Error::Refused(e.said().about(args.file.display())))?;
    let client = args.at.client();
    let mut report = Report { dry_run: args.at.how.is_dry(), ..Report::default() };
    let total = table.rows.len() as u64;
    for (at, row) in table.rows.into_iter().enumerate() {
        let read = match row.fields {
            // The first line may name the columns.
            Ok(fields) if at == 0 && !fields[0].contains('@') => continue,
            Ok(fields) => entry(fields, table.separator, lang),
            Err(why) => Err((String::new(), why.said().pick(lang).to_owned())),
        };
        let done = match read {
            Ok((address, hash)) => match give(&client, args, &address, hash).await? {
                Ok(outcome) => report.count(&outcome).map_err(|why| (address, why)),
                Err(why) => Err((address, why)),
            },
            Err(wrong) => Err(wrong),
        };
        if let Err((address, why)) = done {
            report.wrong.push(Wrong { line: row.line, address, why });
        }
        heard(at as u64 + 1, total);
    }
    let text = if args.at.json { json(&report)? } else { told(&report, lang) };
    if report.wrong.is_empty() { Ok(text) } else { Err(Error::Shown(text)) }
}

/// The address and the hash of a line; the hash has the rest of it, for commas stand in those of argon2.
fn entry(fields: Vec<String>, separator: char, lang: Lang) -> Result<(String, Secret), (String, String)> {
    let mut fields = fields.into_iter();
    let address = fields.next().unwrap_or_default();
    if let Err(error) = Address::parse(&address) {
        // It may be anything, a hash too: it is not repeated.
        return Err((
            String::new(),
            format!("{}: {}", lang.pick("il primo campo", "the first field"), error.said().pick(lang)),
        ));
    }
    let mut rest: Vec<String> = fields.collect();
    while rest.last().is_some_and(String::is_empty) {
        rest.pop();
    }
    if rest.is_empty() {
        let text = lang.pick("manca l'hash: ogni riga è «indirizzo;hash»", "no hash: each line is “address;hash”");
        return Err((address, text.to_owned()));
    }
    Ok((address, Secret::new(rest.join(&separator.to_string()))))
}

/// What the service makes of a line, or why it does not; an error where it answers no more.
async fn give(client: &Client, args: &Args, address: &str, hash: Secret) -> Result<Result<String, String>, Error> {
    let new = NewHash { hash };
    let refused = match client.give_hash(address, &new).await {
        Ok(GivenHash { outcome, .. }) => return Ok(Ok(outcome)),
        Err(crate::Error::Refused(problem)) if problem.status < 500 => problem,
        Err(error) => return Err(error.into()),
    };
    let Some(profile) = args.add.as_ref().filter(|_| refused.status == MISSING) else { return Ok(Err(refused.detail)) };
    let new = NewMailbox {
        address: address.to_owned(),
        profile: profile.clone(),
        password: None,
        password_hash: Some(new.hash),
        unit: None,
    };
    match client.add_mailbox(&new).await {
        Ok(_) => Ok(Ok("added".to_owned())),
        Err(crate::Error::Refused(problem)) if problem.status < 500 => Ok(Err(problem.detail)),
        Err(error) => Err(error.into()),
    }
}

impl Report {
    fn count(&mut self, outcome: &str) -> Result<(), String> {
        match outcome {
            "given" => self.given += 1,
            "added" => self.added += 1,
            "same" => self.same += 1,
            "kept" => self.kept += 1,
            other => return Err(format!("«{other}»?")),
        }
        Ok(())
    }
}

fn told(report: &Report, lang: Lang) -> String {
    let columns = [
        ("dato l'hash", "hash given"),
        ("create", "added"),
        ("già così", "as before"),
        ("con password propria", "with a password of their own"),
        ("righe errate", "wrong lines"),
    ];
    let mut rows = table(&header(lang, &columns));
    let figures = [report.given, report.added, report.same, report.kept, report.wrong.len() as u64];
    rows.add_row(figures.map(|n| n.to_string()));
    let mut text = rows.to_string();
    for Wrong { line, address, why } in &report.wrong {
        let of = if address.is_empty() { String::new() } else { format!(" ({address})") };
        text += &format!("\n{} {line}{of}: {why}", lang.pick("riga", "line"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_address_and_the_rest_of_it() {
        let read = |line: &str| {
            let mut table = Table::read(line.as_bytes()).unwrap();
            let fields = table.rows.remove(0).fields.unwrap();
            entry(fields, table.separator, Lang::En).map(|(address, hash)| (address, hash.expose().to_owned()))
        };
        let fine = |hash: &str| Ok(("a@x.example".to_owned(), hash.to_owned()));
        assert_eq!(read("a@x.example;$6$s$h"), fine("$6$s$h"));
        assert_eq!(read("a@x.example;{SSHA}abc=;;"), fine("{SSHA}abc="));
        assert_eq!(read("a@x.example,$argon2id$v=19$m=1,t=2,p=3$a$b"), fine("$argon2id$v=19$m=1,t=2,p=3$a$b"));
        assert_eq!(read("a@x.example,\"$argon2id$v=19$m=1,t=2,p=3$a$b\""), fine("$argon2id$v=19$m=1,t=2,p=3$a$b"));
        let (address, why) = read("a@x.example").unwrap_err();
        assert!(address == "a@x.example" && why.contains("no hash"), "{why}");
        // Columns the wrong way round: nothing of the hash is shown.
        let (address, why) = read("{SSHA}segretissima;a@x.example").unwrap_err();
        assert!(address.is_empty() && !why.contains("segretissima"), "{why}");
    }
}
