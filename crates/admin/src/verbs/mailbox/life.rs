//! `sigillo mailbox activate|deactivate|cancel|undelete|responsible`.

use hyper::Method;

use super::show;
use crate::Lang;
use crate::api::{self, Mailbox, Mailboxes, Responsible};
use crate::verbs::how::count;
use crate::verbs::{Asked, Destroys, Error, How, Where, Writes};

/// A mailbox, and on whose request.
#[derive(Debug, Clone, clap::Args)]
pub struct Args<H: How = Writes> {
    /// Indirizzo della casella
    address: String,
    /// On whose request.
    #[command(flatten)]
    asked: Asked,
    /// Where to ask.
    #[command(flatten)]
    at: Where<H>,
}

/// Who answers for a mailbox.
#[derive(Debug, Clone, clap::Args)]
pub struct ResponsibleArgs {
    /// Il nome di accesso di chi ne risponde, al posto di chi ne rispondeva
    #[arg(long, value_name = "NOME", required_unless_present = "nobody")]
    person: Option<String>,
    /// Nessuno ne risponde più
    #[arg(long, conflicts_with = "person")]
    nobody: bool,
    /// Which.
    #[command(flatten)]
    of: Args,
}

/// Takes a mailbox into use, or out of it.
pub async fn activate(args: &Args, used: bool, lang: Lang) -> Result<String, Error> {
    changed(args, api::activation_path(&args.address), used, lang).await
}

/// Cancels a mailbox.
pub async fn cancel(args: &Args<Destroys>, lang: Lang) -> Result<String, Error> {
    let Args { address, at, .. } = args;
    at.confirmed(async || {
        let held = at.client().usage(address).await?.box_messages;
        Ok(match lang {
            Lang::It => format!(
                "la casella {address}, {}, non riceverebbe più, e dopo il tempo di ripensamento il contenuto si elimina",
                count(held, ("messaggio", "messaggi"))
            ),
            Lang::En => format!(
                "the mailbox {address}, {}, would receive no more, and after the time of grace its contents go",
                count(held, ("message", "messages"))
            ),
        })
    })
    .await?;
    changed(args, api::cancellation_path(address), true, lang).await
}

/// Calls a mailbox back.
pub async fn undelete(args: &Args, lang: Lang) -> Result<String, Error> {
    changed(args, api::cancellation_path(&args.address), false, lang).await
}

/// Says who answers for a mailbox.
pub async fn responsible(args: &ResponsibleArgs, lang: Lang) -> Result<String, Error> {
    let Args { address, asked, at } = &args.of;
    let client = asked.client(at);
    let responsible = Responsible { person: args.person.clone() };
    let mailbox: Mailbox = client.ask(Method::PUT, &api::responsible_path(address), Some(&responsible)).await?;
    at.tell(&mailbox, |mailbox| show(Mailboxes { mailboxes: vec![mailbox.clone()], next: None }, lang))
}

async fn changed(args: &Args<impl How>, path: String, put: bool, lang: Lang) -> Result<String, Error> {
    let client = args.asked.client(&args.at);
    let method = if put { Method::PUT } else { Method::DELETE };
    let mailbox: Mailbox = client.ask(method, &path, None::<&()>).await?;
    args.at.tell(&mailbox, |mailbox| show(Mailboxes { mailboxes: vec![mailbox.clone()], next: None }, lang))
}
