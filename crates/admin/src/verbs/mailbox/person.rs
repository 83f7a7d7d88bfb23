//! `sigillo mailbox rights|block|unblock`.

use super::show as show_mailboxes;
use crate::Lang;
use crate::api::{FolderRights, Mailbox, Mailboxes, NewBlock, NewRights};
use crate::verbs::{Asked, Error, Where, Writes, header, json, table};

/// Whose rights, and which.
#[derive(Debug, Clone, clap::Args)]
pub struct RightsArgs {
    /// Indirizzo della casella
    pub address: String,
    /// Nome della credenziale a cui si danno
    #[arg(long, value_name = "NOME", requires = "set")]
    pub person: Option<String>,
    /// Solo in questa cartella; senza, dove nessuna cartella ne ha di propri
    #[arg(long, value_name = "CARTELLA", requires = "set")]
    pub folder: Option<String>,
    /// Lettere fra lrswipkxtea (RFC 4314): solo queste; dopo «+» anche queste, dopo «-» non più queste; vuoto: nessuna
    #[arg(long, value_name = "LETTERE", requires = "person", allow_hyphen_values = true)]
    pub set: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where<Writes>,
}

/// Why and until when a mailbox is blocked.
#[derive(Debug, Clone, clap::Args)]
pub struct BlockArgs {
    /// Indirizzo della casella
    pub address: String,
    /// Perché, per chi amministra
    #[arg(long, value_name = "TESTO")]
    pub reason: String,
    /// Fino a quando: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; senza, finché non si sblocca
    #[arg(long, value_name = "QUANDO")]
    pub until: Option<String>,
    /// On whose request.
    #[command(flatten)]
    pub asked: Asked,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where<Writes>,
}

/// Shows everybody's rights, and changes somebody's before that if asked to.
pub async fn rights(args: &RightsArgs, lang: Lang) -> Result<String, Error> {
    let client = args.at.client();
    let found = match (&args.person, &args.set) {
        (Some(person), Some(rights)) => {
            let new = NewRights { person: person.clone(), folder: args.folder.clone(), rights: rights.clone() };
            client.set_rights(&args.address, &new).await?
        }
        _ => client.rights(&args.address).await?,
    };
    if args.at.json { json(&found) } else { Ok(show(found, lang)) }
}

/// Blocks a mailbox.
pub async fn block(args: &BlockArgs, lang: Lang) -> Result<String, Error> {
    let new = NewBlock { reason: args.reason.clone(), until: args.until.clone() };
    changed(args.asked.client(&args.at).block(&args.address, &new).await?, &args.at, lang)
}

/// Lets a mailbox work again.
pub async fn unblock(address: &str, asked: &Asked, at: &Where<Writes>, lang: Lang) -> Result<String, Error> {
    changed(asked.client(at).unblock(address).await?, at, lang)
}

fn changed(mailbox: Mailbox, at: &Where<Writes>, lang: Lang) -> Result<String, Error> {
    if at.json { json(&mailbox) } else { Ok(show_mailboxes(Mailboxes { mailboxes: vec![mailbox], next: None }, lang)) }
}

fn show(found: FolderRights, lang: Lang) -> String {
    let mut rows =
        table(&header(lang, &[("credenziale", "credential"), ("cartella", "folder"), ("diritti", "rights")]));
    for r in found.rights {
        let everywhere = lang.pick("(le altre)", "(the others)").to_owned();
        rows.add_row([r.person, r.folder.unwrap_or(everywhere), r.rights]);
    }
    rows.to_string()
}
