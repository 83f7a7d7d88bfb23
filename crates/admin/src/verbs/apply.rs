//! `sigillo mailbox apply`, `list apply` and `address-book apply`: how mailboxes, lists and entries of an address book are to be,
//! by file (WEB-08). The first line names the columns, in whatever order, in Italian or English; an empty field leaves things as they are.

use std::path::PathBuf;

use serde::Serialize;
use sigillo_base::{Said, Secret, Tell, said};

use super::address_book::sheet::meant;
use super::{Asked, Destroys, Error, Where, header, json, load, table};
use crate::Lang;
use crate::api::{
    Applied, Apply, BookLine, LISTS_APPLY, ListLine, MAILBOXES_APPLY, MailboxLine, WrongLine, book_apply_path,
};
use crate::csv::Table;

/// What these verbs take.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// File CSV: sulla prima riga i nomi delle colonne; «-» è l'ingresso standard
    file: PathBuf,
    /// On whose request.
    #[command(flatten)]
    asked: Asked,
    /// Where to ask.
    #[command(flatten)]
    at: Where<Destroys>,
}

/// A column by its two names.
type Column = (&'static str, &'static str);

const MAILBOX: [Column; 10] = [
    ("casella", "mailbox"),
    ("profilo", "profile"),
    ("stato", "state"),
    ("struttura", "unit"),
    ("responsabile", "responsible"),
    ("posta_ordinaria", "ordinary_mail"),
    ("password", "password"),
    ("password_hash", "password_hash"),
    ("ticket", "ticket"),
    ("richiesta", "requested_at"),
];

const LIST: [Column; 6] = [
    ("lista", "list"),
    ("membri", "members"),
    ("stato", "state"),
    ("struttura", "unit"),
    ("ticket", "ticket"),
    ("richiesta", "requested_at"),
];

const ENTRY: [Column; 9] = [
    ("indirizzo", "address"),
    ("nome", "name"),
    ("organizzazione", "organisation"),
    ("ufficio", "office"),
    ("telefono", "phone"),
    ("nota", "note"),
    ("stato", "state"),
    ("ticket", "ticket"),
    ("richiesta", "requested_at"),
];

/// Words of a file, and those of the interface.
const WORDS: [(&str, &str); 6] = [
    ("attiva", "active"),
    ("disattivata", "inactive"),
    ("disattiva", "inactive"),
    ("cancellata", "cancelled"),
    ("rifiuta", "refuse"),
    ("accetta", "accept"),
];

/// Applies a file of mailboxes; gives the text to print.
pub async fn mailboxes(args: &Args, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    let read = read(args, &MAILBOX, |line, field| MailboxLine {
        line,
        address: field("mailbox").unwrap_or_default(),
        profile: field("profile"),
        state: field("state").map(word),
        unit: field("unit"),
        responsible: field("responsible"),
        ordinary_mail: field("ordinary_mail").map(word),
        password: field("password").map(Secret::new),
        password_hash: field("password_hash").map(Secret::new),
        ticket: field("ticket"),
        requested_at: field("requested_at"),
    })?;
    apply(args, MAILBOXES_APPLY, read, |line| line.state.as_deref(), lang, heard).await
}

/// Applies a file of lists; gives the text to print.
pub async fn lists(args: &Args, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    let members = |text: String| {
        let all = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
        all.filter(|member| !member.is_empty()).map(str::to_owned).collect()
    };
    let read = read(args, &LIST, |line, field| ListLine {
        line,
        address: field("list").unwrap_or_default(),
        members: field("members").map(members),
        state: field("state").map(word),
        unit: field("unit"),
        ticket: field("ticket"),
        requested_at: field("requested_at"),
    })?;
    apply(args, LISTS_APPLY, read, |line| line.state.as_deref(), lang, heard).await
}

/// Applies a file of entries of an address book; gives the text to print.
pub async fn entries(tenant: u64, args: &Args, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    let read = read(args, &ENTRY, |line, field| BookLine {
        line,
        address: field("address").map(meant).unwrap_or_default(),
        name: field("name").map(meant),
        organisation: field("organisation").map(meant),
        office: field("office").map(meant),
        phone: field("phone").map(meant),
        note: field("note").map(meant),
        state: field("state").map(word),
        ticket: field("ticket"),
        requested_at: field("requested_at"),
    })?;
    apply(args, &book_apply_path(tenant), read, |line| line.state.as_deref(), lang, heard).await
}

fn word(text: String) -> String {
    let text = text.to_lowercase();
    WORDS.iter().find(|(italian, _)| *italian == text).map_or(text.clone(), |(_, word)| (*word).to_owned())
}

/// The lines of a file, and those that are none.
type Lines<L> = (Vec<L>, Vec<WrongLine>);

/// Reads a file; `line` makes a line of its number and its fields by their English names, empty ones absent.
fn read<L>(
    args: &Args,
    columns: &[Column],
    line: impl Fn(usize, &mut dyn FnMut(&str) -> Option<String>) -> L,
) -> Result<Lines<L>, Error> {
    let lang = args.at.lang;
    let refused = |why: Said| Error::Refused(why.about(args.file.display()));
    let table = Table::read(&load(&args.file)?).map_err(|e| refused(e.said()))?;
    let mut rows = table.rows.into_iter();
    let names = rows.next().ok_or_else(|| refused(said!("il file è vuoto", "the file is empty")))?;
    let wrong_head = |Said { it, en }: Said| refused(said!("riga {}: {it}", "line {}: {en}", names.line));
    let names = names.fields.map_err(|e| wrong_head(e.said()))?;
    let names = named(&names, columns).map_err(refused)?;
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        let none = |why: Said| {
            let why = why.pick(lang).to_owned();
            WrongLine { line: row.line, why, ..WrongLine::default() }
        };
        match row.fields {
            Ok(fields) if fields.iter().skip(names.len()).any(|field| !field.is_empty()) => {
                wrong.push(none(said!("più campi delle {} colonne", "more fields than the {} columns", names.len())));
            }
            Ok(mut fields) => {
                let mut field = |name: &str| {
                    let at = names.iter().position(|known| *known == name)?;
                    fields.get_mut(at).map(std::mem::take).filter(|field| !field.is_empty())
                };
                lines.push(line(row.line, &mut field));
            }
            Err(why) => wrong.push(none(why.said())),
        }
    }
    Ok((lines, wrong))
}

/// The columns of a file by their English names: the first of the known ones is needed, none comes twice.
fn named(names: &[String], columns: &[Column]) -> Result<Vec<&'static str>, Said> {
    let mut found = Vec::new();
    for name in names {
        let name = name.trim().to_lowercase();
        let known = columns.iter().find(|(italian, english)| *italian == name || *english == name);
        let all = |lang: Lang| columns.iter().map(|(it, en)| lang.pick(it, en)).collect::<Vec<_>>().join(", ");
        let unknown = || {
            let (it, en) = (all(Lang::It), all(Lang::En));
            said!("la colonna «{name}» non è fra {it}", "the column “{name}” is not among {en}")
        };
        let (_, english) = known.ok_or_else(unknown)?;
        if found.contains(english) {
            return Err(said!("la colonna «{name}» c'è due volte", "the column “{name}” is there twice"));
        }
        found.push(*english);
    }
    match columns.first() {
        Some((italian, english)) if !found.contains(english) => {
            Err(said!("manca la colonna «{italian}»", "the column “{english}” is missing"))
        }
        _ => Ok(found),
    }
}

async fn apply<L: Serialize>(
    args: &Args,
    path: &str,
    (lines, wrong): Lines<L>,
    state: impl Fn(&L) -> Option<&str>,
    lang: Lang,
    heard: &mut dyn FnMut(u64, u64),
) -> Result<String, Error> {
    let cancelled = lines.iter().filter(|line| state(line) == Some("cancelled")).count();
    if cancelled > 0 {
        let what = async || {
            Ok(match lang {
                Lang::It => format!("il file ne cancellerebbe {cancelled}; si prova con --dry-run"),
                Lang::En => format!("the file would cancel {cancelled}; try by --dry-run"),
            })
        };
        args.at.confirmed(what).await?;
    }
    let order = Apply { lines };
    let client = args.at.client().asking(args.asked.headers("file"));
    let mut applied: Applied = client.work(path, &order, heard).await?;
    applied.wrong.extend(wrong);
    applied.wrong.sort_by_key(|wrong| wrong.line);
    let text = if args.at.json { json(&applied)? } else { told(&applied, lang) };
    if applied.wrong.is_empty() { Ok(text) } else { Err(Error::Shown(text)) }
}

fn told(applied: &Applied, lang: Lang) -> String {
    let columns =
        [("create", "created"), ("cambiate", "changed"), ("già così", "unchanged"), ("righe errate", "wrong lines")];
    let mut rows = table(&header(lang, &columns));
    let figures = [applied.created, applied.changed, applied.unchanged, applied.wrong.len() as u64];
    rows.add_row(figures.map(|n| n.to_string()));
    let mut text = rows.to_string();
    if applied.dry_run {
        text += lang.pick("\nprova: niente è cambiato", "\ntrial: nothing was changed");
    }
    for WrongLine { line, object, field, why } in &applied.wrong {
        let of = if object.is_empty() { String::new() } else { format!(" ({object})") };
        let field = if field.is_empty() { String::new() } else { format!(" {field}:") };
        text += &format!("\n{} {line}{of}:{field} {why}", lang.pick("riga", "line"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<&'static str>, Said> {
        named(&text.split(';').map(str::to_owned).collect::<Vec<_>>(), &MAILBOX)
    }

    #[test]
    fn columns_have_two_names_each_and_stand_in_any_order() {
        assert_eq!(names("Stato;casella; profile ").unwrap(), ["state", "mailbox", "profile"]);
        assert!(names("stato;profilo").unwrap_err().it.contains("manca la colonna «casella»"));
        assert!(names("casella;mailbox").unwrap_err().it.contains("due volte"));
        assert!(names("casella;profilI").unwrap_err().it.contains("«profili» non è fra casella, profilo"));
    }

    #[test]
    fn words_of_a_file_are_those_of_the_interface() {
        assert_eq!(word("Disattivata".into()), "inactive");
        assert_eq!(word("active".into()), "active");
        assert_eq!(word("boh".into()), "boh");
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number_field_and_reason() {
        let wrong = |line, field: &str| WrongLine {
            line,
            object: "a@x.example".into(),
            field: field.into(),
            why: "perché".into(),
        };
        let applied = Applied { wrong: vec![wrong(3, "unit"), wrong(4, "")], ..Applied::default() };
        let text = told(&applied, Lang::It);
        assert!(text.contains("\nriga 3 (a@x.example): unit: perché\nriga 4 (a@x.example): perché"), "{text}");
    }
}
