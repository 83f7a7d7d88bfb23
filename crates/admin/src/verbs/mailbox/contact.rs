//! `sigillo mailbox contact|reset`: where the holder of a mailbox is reached outside of it, and what goes there.

use crate::Lang;
use crate::api::Contact;
use crate::verbs::{Error, Where, Writes};

/// Whose, and what is to be changed.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Indirizzo della casella
    address: String,
    /// Numero di cellulare, a cui arriva il segreto per recuperare la password; vuoto: nessuno
    #[arg(long, value_name = "NUMERO")]
    phone: Option<String>,
    /// Indirizzo di posta ordinaria, per lo stesso; vuoto: nessuno
    #[arg(long, value_name = "INDIRIZZO")]
    mail: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    at: Where<Writes>,
}

/// Shows where he is reached, and changes that before if asked to.
pub async fn run(args: &Args, lang: Lang) -> Result<String, Error> {
    let client = args.at.client();
    let had = client.contact(&args.address).await?;
    let given = |new: &Option<String>, had: Option<String>| match new {
        Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        None => had,
    };
    let wanted = Contact { phone: given(&args.phone, had.phone.clone()), mail: given(&args.mail, had.mail.clone()) };
    let now = if wanted == had { had } else { client.set_contact(&args.address, &wanted).await? };
    args.at.tell(&now, |contact| {
        let none = || lang.pick("nessuno", "none").to_owned();
        let Contact { phone, mail } = contact.clone();
        let (number, address) = (lang.pick("cellulare", "mobile"), lang.pick("posta ordinaria", "ordinary mail"));
        format!("{number}: {}\n{address}: {}", phone.unwrap_or_else(none), mail.unwrap_or_else(none))
    })
}

/// Has a one-time secret sent there, with which he sets his password.
pub async fn reset(address: &str, at: &Where<Writes>, lang: Lang) -> Result<String, Error> {
    let sent = at.client().reset(address).await?;
    let (gone, good) =
        (lang.pick("mandato un codice a", "a code was sent to"), lang.pick("valido fino a", "good until"));
    at.tell(&sent, |sent| format!("{gone} {}, {good} {}", sent.to, sent.until))
}
