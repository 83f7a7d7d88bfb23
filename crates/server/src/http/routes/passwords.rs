//! The file of passwords (PWD-03, PWD-04), and where holders of mailboxes are reached.
//!
//! What the file holds is read here, so that a page can bring it as it is; it lies in memory alone, and in no log. Its lines stand
//! each for itself: what is wrong with one is told by its number, and the others are done.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::bail;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use sigillo_accounts::{Act, Contact, PasswordHash};
use sigillo_admin::api;
use sigillo_admin::csv::Table;
use sigillo_base::{Address, Complaint, Lang, MailboxId, Phone, Said, Secret, Tell, said};
use sigillo_engine::{Asking, GOOD_FOR, Login};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::steps::{Steps, steps};
use super::{At, Fail, Reply, address, alive, mailbox, requests, weighing, work};
use crate::http::actor::Actor;
use crate::http::extract::{Sent, Sheet, Tried};
use crate::http::named::Named;
use crate::http::table::{On, Row, delete, get, post, put};
use crate::ids::random;
use crate::provider::{House, Provider};

/// Octets of a file.
const MOST: u64 = 1 << 20;

pub(super) fn rows() -> Vec<Row> {
    let contact_of = "/v1/mailboxes/{address}/contact";
    vec![
        post(api::PASSWORD_FILE, (Act::PasswordFile, On::Handler), "gives many users passwords", file).up_to(MOST),
        get(contact_of, (Act::MailboxRead, On::Address), "where a holder is reached", contact),
        put(contact_of, (Act::MailboxChange, On::Address), "says where a holder is reached", set_contact).silent(),
        post("/v1/mailboxes/{address}/reset", RESET, "has a one-time secret sent to a holder", reset),
        delete("/v1/mailboxes/{address}/totp", RESET, "removes a second factor that is lost", remove_totp),
    ]
}

const RESET: (Act, On) = (Act::PasswordReset, On::Address);

async fn contact(State(provider): At, Path(address): Path<String>) -> Reply<api::Contact> {
    let read = move |engine: &House| Ok(shown(&engine.contact(MailboxId(mailbox(engine, &address)?.id))?));
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn set_contact(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
    Sent(sent): Sent<api::Contact>,
) -> Reply<api::Contact> {
    let api::Contact { phone, mail } = sent;
    let phone = phone.map(|text| phone_number(&text)).transpose()?;
    let contact = Contact { phone, mail: mail.map(|text| address(&text)).transpose()? };
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &of)?.id);
        engine.set_contact((id, &address(&of)?), &contact, &actor.name(), now)?;
        Ok(shown(&engine.contact(id)?))
    };
    Ok(Json(work(&provider, set).await?))
}

fn shown(contact: &Contact) -> api::Contact {
    let Contact { phone, mail } = contact;
    api::Contact { phone: phone.as_ref().map(ToString::to_string), mail: mail.as_ref().map(ToString::to_string) }
}

fn phone_number(text: &str) -> Result<Phone, Fail> {
    Phone::parse(text).map_err(Fail::bad)
}

/// For who has lost his authenticator and his spare codes.
async fn remove_totp(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(of): Path<String>,
) -> Reply<api::OwnChanged> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let remove = move |engine: &House| {
        let id = MailboxId(mailbox(engine, &of)?.id);
        engine.remove_factor(&Login::ours(id, address(&of)?), &actor.name(), now)?;
        Ok(api::OwnChanged { user: of })
    };
    Ok(Json(work(&provider, remove).await?))
}

/// Has a one-time secret sent to who holds a mailbox (PWD-05): whoever asks for it sees neither it nor a password.
async fn reset(State(provider): At, asking: requests::Asking, Path(of): Path<String>) -> Reply<api::ResetSent> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let ask = move |engine: &House| {
        let found = address(&mailbox(engine, &of)?.address)?;
        let to = engine.ask_reset(&found, Asking::Administration(&request), request.now())?;
        Ok(api::ResetSent { to: to.masked(), until: request.now().plus(GOOD_FOR).to_string() })
    };
    Ok(Json(weighing(&provider, PasswordHash::MEMORY as u64, ask).await?))
}

/// A line of the file.
struct Entry {
    line: usize,
    user: Address,
    password: Secret,
    phone: Option<Phone>,
}

async fn file(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    asking: requests::Asking,
    Tried(dry_run): Tried,
    Sheet(body): Sheet,
) -> Result<Steps<api::PasswordsGiven>, Fail> {
    let lang = asking.lang();
    let (entries, wrong) = read(&body, lang)?;
    drop(body);
    let provider = alive(&provider)?;
    asking.request(provider.clock.now())?;
    let told = api::PasswordsGiven { dry_run, given: 0, wrong };
    Ok(steps(provider.down(), lang, move |progress| {
        Handle::current().block_on(give(&provider, (actor, asking), entries, told, progress))
    }))
}

/// The lines of a file that can be done, and what is wrong with the others.
fn read(bytes: &[u8], lang: Lang) -> Result<(Vec<Entry>, Vec<api::WrongLine>), Fail> {
    let table = Table::read(bytes).map_err(Fail::bad)?;
    let mut rows = table.rows.into_iter();
    let header = rows.next().and_then(|row| row.fields.ok()).unwrap_or_default();
    if !header.iter().zip(api::PASSWORD_COLUMNS).all(|(is, wanted)| is == wanted)
        || header.len() < api::PASSWORD_COLUMNS.len()
    {
        return Err(Fail::bad(said!(
            "la prima riga deve essere «{}»; altre colonne, a destra, non si guardano",
            "the first line must be “{}”; other columns, to the right, are not looked at",
            api::PASSWORD_COLUMNS.join(";")
        )));
    }
    let (mut entries, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    for row in rows {
        let found =
            row.fields.map_err(|e| (String::new(), e.said())).and_then(|fields| entry(row.line, fields, header.len()));
        let found = found.and_then(|entry| match seen.insert(entry.user.key(), entry.line) {
            None => Ok(entry),
            Some(first) => {
                Err((entry.user.to_string(), said!("compare già alla riga {first}", "it is in line {first} already")))
            }
        });
        match found {
            Ok(entry) => entries.push(entry),
            Err((user, why)) => wrong.push(wrong_line(row.line, user, &why, lang)),
        }
    }
    Ok((entries, wrong))
}

fn wrong_line(line: usize, object: String, why: &Said, lang: Lang) -> api::WrongLine {
    api::WrongLine { line, object, why: why.pick(lang).to_owned(), ..Default::default() }
}

/// The entry of a line; nothing of a password is ever repeated, wherever it stands.
fn entry(line: usize, fields: Vec<String>, columns: usize) -> Result<Entry, (String, Said)> {
    let more = fields.len() > columns;
    let mut fields = fields.into_iter();
    let mut next = || fields.next().unwrap_or_default();
    let user = Address::parse(&next()).map_err(|e| (String::new(), e.said().about("Utente")))?;
    let wrong = |why: Said| (user.to_string(), why);
    let password = Secret::new(next());
    if more {
        return Err(wrong(said!(
            "ha più campi della prima riga: un campo che contiene il separatore va fra virgolette",
            "it has more fields than the first line: a field with the separator in it goes into quotation marks"
        )));
    }
    if password.expose().is_empty() {
        return Err(wrong(said!("Nuova Password: manca", "Nuova Password: missing")));
    }
    let phone = match next().trim() {
        "" => None,
        text => Some(Phone::parse(text).map_err(|e| wrong(e.said().about("Numero di cellulare")))?),
    };
    Ok(Entry { line, user, password, phone })
}

/// Does what the lines say, as many at once as there are processors: nearly all of it is slow hashes.
async fn give(
    provider: &Arc<Provider>,
    (actor, asking): (Actor, requests::Asking),
    entries: Vec<Entry>,
    mut told: api::PasswordsGiven,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> anyhow::Result<api::PasswordsGiven> {
    let (at_once, total) = (available_parallelism().map_or(1, usize::from), entries.len() as u64);
    let (mut entries, mut at_work, mut done) = (entries.into_iter(), JoinSet::new(), 0);
    let (mut lines, lang) = (HashMap::new(), asking.lang());
    loop {
        while at_work.len() < at_once
            && let Some(entry) = entries.next()
        {
            let (provider, dry_run) = (Arc::clone(provider), told.dry_run);
            let (actor, asking) = (actor.clone(), asking.clone());
            let (line, user) = (entry.line, entry.user.to_string());
            let named = (line, user.clone());
            let task = at_work.spawn(async move {
                let now = provider.clock.now();
                let give = move |engine: &House| give_one(engine, (&actor, &asking), &entry, dry_run, now);
                let given = weighing(&provider, PasswordHash::MEMORY as u64, give).await;
                given.map_err(|fail| wrong_line(line, user, &fail.detail, lang))
            });
            lines.insert(task.id(), named);
        }
        match at_work.join_next().await {
            None => break,
            Some(Ok(Ok(()))) => told.given += 1,
            Some(Ok(Err(wrong))) => told.wrong.push(wrong),
            Some(Err(error)) => {
                let (line, object) = lines.remove(&error.id()).unwrap_or_default();
                let why = said!(
                    "lavoro interrotto: non si sa se è stata data",
                    "work broken off: whether it was given is not known"
                );
                told.wrong.push(wrong_line(line, object, &why, lang));
            }
        }
        done += 1;
        if progress(done, total).is_break() {
            bail!(Complaint(said!(
                "interrotto dopo {done} righe: ridare il file, ciò che è fatto resta com'è",
                "broken off after {done} lines: give the file again, what is done stays as it is"
            )));
        }
    }
    told.wrong.sort_by_key(|wrong| wrong.line);
    tracing::info!(
        by = actor.name(),
        given = told.given,
        wrong = told.wrong.len(),
        dry_run = told.dry_run,
        "a file of passwords"
    );
    Ok(told)
}

fn give_one(
    engine: &House,
    (actor, asking): (&Actor, &requests::Asking),
    entry: &Entry,
    dry_run: bool,
    now: sigillo_base::Timestamp,
) -> Result<(), Fail> {
    let Entry { user, password, phone, .. } = entry;
    // Somebody else's mailbox is not there for him (SEC-05).
    let missing = || Named::Mailbox(user.as_str()).missing();
    if !actor.may(Act::PasswordFile, &engine.target(user)?) {
        return Err(missing());
    }
    let id = MailboxId(engine.find_mailbox(user)?.ok_or_else(missing)?.id);
    let verifier = engine.chosen(user, password, random())?;
    Ok(engine.give_password((id, user), &verifier, phone.as_ref(), dry_run, &asking.request(now)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Utente;Nuova Password;Numero di cellulare";

    fn lines(text: &str) -> (Vec<usize>, Vec<(usize, String)>) {
        let (entries, wrong) = read(text.as_bytes(), Lang::It).map_err(|f| f.detail).unwrap();
        let wrong = wrong.into_iter().map(|w| (w.line, w.why)).collect();
        (entries.iter().map(|e| e.line).collect(), wrong)
    }

    #[test]
    fn the_first_line_is_the_template() {
        for bad in
            ["", "a@x.example;segretissima;333", "Utente;Password;Numero di cellulare\n", "Utente;Nuova Password\n"]
        {
            let why = read(bad.as_bytes(), Lang::It).err().map(|f| f.detail.it).unwrap();
            assert!(why.contains(HEAD) && !why.contains("segretissima"), "{why}");
        }
        assert_eq!(
            lines(&format!("{HEAD};Ufficio\na@x.example;segretissima;3331234567;Anagrafe\n")),
            (vec![2], vec![])
        );
        assert_eq!(
            lines(&format!("\u{feff}{}\r\na@x.example,segretissima,\r\n", HEAD.replace(';', ","))),
            (vec![2], vec![])
        );
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number_and_says_nothing_of_its_password() {
        let text = format!(
            "{HEAD}\na@x.example;\"se;gretissima\";+39 333 1234567\nb@x.example;se;gretissima;333\nsegretissima;c@x.example;\n\
             d@x.example;;\ne@x.example;segretissima;06123\nA@x.example;segretissima;\nf@x.example;\"segretissima;\n"
        );
        let (fine, wrong) = lines(&text);
        assert_eq!(fine, [2]);
        assert_eq!(wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
        assert!(wrong.iter().all(|(_, why)| !why.contains("gretissima")), "{wrong:?}");
        assert!(wrong[0].1.contains("virgolette") && wrong[4].1.contains("riga 2"), "{wrong:?}");
    }
}
