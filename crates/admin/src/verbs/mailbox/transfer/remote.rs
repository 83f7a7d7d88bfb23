//! An account of another IMAP server as the source (MIG-01): nothing changes there, and each pass fetches what is new.

mod account;
mod ledger;
mod link;
mod names;
mod pull;
mod survey;

use std::path::PathBuf;

use sigillo_base::{Said, Secret, Tell, said};
use sigillo_imap::client::{Command, Outcome, Reply, Status};

use self::ledger::Ledger;
use self::link::{Door, Link, Trouble, trusting};
use self::names::Origin;
use self::survey::Survey;
use super::report::{Report, Told};
use super::{ImportArgs, Progress, finish, read_password};
use crate::api::Folders;
use crate::verbs::Error;
use crate::{Client, Lang};

pub use self::account::Account;

/// A pass over an account.
struct Pass<'p> {
    door: Door,
    link: Link,
    ledger: Ledger,
    client: Client,
    address: String,
    report: Report,
    progress: Progress<'p>,
    lang: Lang,
}

/// A pass that is to be made.
pub struct Order {
    /// From where.
    pub account: Account,
    /// Into which mailbox.
    pub address: String,
    password: Secret,
    state: PathBuf,
    folder: Option<String>,
    dry_run: bool,
    ca: PathBuf,
    plaintext: bool,
    client: Client,
}

impl Order {
    /// What is said once for all passes, and what is of this one.
    pub fn of(args: &ImportArgs, (account, address): (Account, String), password: Secret, state: PathBuf) -> Self {
        Self {
            account,
            address,
            password,
            state,
            folder: args.folder.clone(),
            dry_run: args.dry_run,
            ca: args.ca.clone(),
            plaintext: args.plaintext,
            client: args.at.client(),
        }
    }
}

/// Brings in what one account has and the mailbox lacks, and gives the text to print.
pub async fn import(
    args: &ImportArgs,
    (account, address): (&Account, &str),
    lang: Lang,
    heard: &mut dyn FnMut(u64, u64),
) -> Result<String, Error> {
    let Some(state) = args.state.clone() else {
        return Err(Error::Refused(said!(
            "serve --state FILE, dove ricordare ciò che è già arrivato: con lo stesso file si riprende e si ripassa",
            "--state FILE is needed, to remember what has come: by the same file a pass goes on, and another one follows"
        )));
    };
    let password = read_password(&args.password_file)?;
    let order = Order::of(args, (account.clone(), address.to_owned()), password, state);
    finish(pass(&order, lang, heard).await?, args.at.json, lang)
}

/// Brings in what the account has and the mailbox lacks.
pub async fn pass(order: &Order, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<Report, Error> {
    let Order { account, address, client, folder, dry_run, .. } = order;
    let (door, ledger) = prepared(order)?;
    let there = client.folders(address).await?;
    let link = Link::open(&door).await.map_err(|trouble| failed(account, &Said::default(), &trouble))?;
    let report =
        Report { address: address.clone(), dry_run: *dry_run, source: Some(account.to_string()), ..Report::default() };
    let progress = Progress { done: 0, total: 0, heard };
    let (client, address) = (client.clone(), address.clone());
    let mut pass = Pass { door, link, ledger, client, address, report, progress, lang };
    let mut surveys = Vec::new();
    for origin in pass.origins(&there, folder.as_deref()).await? {
        surveys.extend(pass.survey(origin, &there.folders).await?);
    }
    if !dry_run {
        pass.room(&surveys).await?;
        pass.progress.total = surveys.iter().map(|survey| survey.wanting.len() as u64).sum();
        for survey in surveys {
            pass.bring(survey).await?;
        }
    }
    pass.link.close().await;
    Ok(pass.report)
}

/// What is needed before anybody is asked.
fn prepared(order: &Order) -> Result<(Door, Ledger), Error> {
    let Order { account, address, password, state, ca, plaintext, .. } = order;
    if *plaintext && !(account.is_loopback() && account.security == account::Security::StartTls) {
        return Err(Error::Refused(said!(
            "--plaintext vale solo con imap:// e verso questa macchina (localhost, 127.0.0.1, ::1)",
            "--plaintext is only for imap:// and towards this machine (localhost, 127.0.0.1, ::1)"
        )));
    }
    let tls = trusting(ca)?;
    let ledger = Ledger::open(state, &account.to_string(), address)?;
    Ok((Door { account: account.clone(), password: password.clone(), tls, plaintext: *plaintext }, ledger))
}

/// Why the pass ends here; `place` says where in the account it was.
fn failed(account: &Account, place: &Said, trouble: &Trouble) -> Error {
    let why = trouble.said();
    let again = match trouble.is_passing() {
        true => said!("; lo stesso comando riprende da qui", "; the same command goes on from here"),
        false => Said::default(),
    };
    Error::Refused(Said {
        it: format!("{account}{}: {}{}", place.it, why.it, again.it),
        en: format!("{account}{}: {}{}", place.en, why.en, again.en),
    })
}

impl Pass<'_> {
    /// The folders of the account, `chosen` alone if it is named as there or as here.
    async fn origins(&mut self, there: &Folders, chosen: Option<&str>) -> Result<Vec<Origin>, Error> {
        let account = &self.door.account;
        let found = self.link.folders().await;
        let (listed, subscribed) = found.map_err(|trouble| failed(account, &Said::default(), &trouble))?;
        let mut origins = names::mapped(&listed, &subscribed, &there.uses).map_err(|(one, other)| {
            Error::Refused(said!(
                "{account}: «{one}», «{other}»: avrebbero qui lo stesso nome",
                "{account}: “{one}”, “{other}”: would have the same name here"
            ))
        })?;
        origins.retain(|o| chosen.is_none_or(|name| o.name == name || o.there == name));
        if origins.is_empty() {
            let why = said!("non c'è nessuna cartella da leggere", "there is no folder to be read");
            return Err(Error::Refused(why.about(account)));
        }
        Ok(origins)
    }

    /// Opens a folder, read-only: its UIDVALIDITY, or the refusal.
    async fn examine(&mut self, origin: &Origin) -> Result<Result<u32, Outcome>, Trouble> {
        let mut uid_validity = 0;
        let heard = |reply| {
            if let Reply::UidValidity(number) = reply {
                uid_validity = number;
            }
        };
        let outcome = self.link.run(&Command::Examine(&origin.wire), heard).await?;
        Ok(if outcome.status == Status::Ok { Ok(uid_validity) } else { Err(outcome) })
    }

    fn failed(&self, folder: &str, trouble: &Trouble) -> Error {
        failed(&self.door.account, &said!(", cartella «{folder}»", ", folder “{folder}”"), trouble)
    }

    /// The figures of a folder.
    fn told(&mut self, survey: &Survey) -> &mut Told {
        &mut self.report.folders[survey.at]
    }

    /// Leaves something out, and says so.
    fn wrong(&mut self, at: usize, place: String, why: String) {
        let folder = self.report.folders[at].folder.clone();
        self.report.folders[at].wrong += 1;
        self.report.wrong(&folder, place, why);
    }

    /// Refuses a pass for which the mailbox has no room, before it begins. What came already without being noted is known
    /// by size and date.
    async fn room(&self, surveys: &[Survey]) -> Result<(), Error> {
        super::room(&self.client, &self.address, surveys.iter().map(|survey| survey.missing_bytes).sum()).await
    }
}
