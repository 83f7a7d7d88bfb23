//! `sigillo profile list|show`: what each profile of mailboxes allows (BOX-01 … BOX-06).

use sigillo_base::said;

use super::{Error, Where, header, table};
use crate::Lang;
use crate::api::{Profile, Profiles};

/// What can be asked about profiles.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca i profili delle caselle, quelli delle regole e quelli del gestore, con i loro limiti
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Mostra un profilo
    Show {
        /// Il suo nome
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = at.client().profiles().await?;
            at.tell(&found, |found| show(&found.profiles, lang))
        }
        Verb::Show { name, at } => {
            let Profiles { profiles } = at.client().profiles().await?;
            let known = profiles.iter().map(|profile| &*profile.name).collect::<Vec<_>>().join(", ");
            let found = profiles.into_iter().find(|profile| profile.name == *name);
            let found = found.ok_or_else(|| {
                Error::Refused(said!(
                    "«{name}» non è un profilo: ci sono {known}",
                    "\"{name}\" is no profile: there are {known}"
                ))
            })?;
            at.tell(&found, |found| one(found, lang))
        }
    }
}

fn show(profiles: &[Profile], lang: Lang) -> String {
    let columns = [
        ("profilo", "profile"),
        ("da", "made from"),
        ("casella", "box"),
        ("messaggi al minuto", "messages a minute"),
        ("al giorno", "a day"),
        ("messaggio", "message"),
        ("destinatari", "recipients"),
    ];
    let mut rows = table(&header(lang, &columns));
    for p in profiles {
        let base = if p.base == p.name { "" } else { &p.base };
        let figures = [&size(p.box_bytes), &p.per_minute.to_string(), &p.per_day.to_string(), &size(p.max_message)];
        let recipients = p.max_recipients.to_string();
        rows.add_row([&*p.name, base].into_iter().chain(figures.map(|text| &**text)).chain([&*recipients]));
    }
    rows.to_string()
}

fn one(p: &Profile, lang: Lang) -> String {
    let fields = [
        ("profilo", "profile", p.name.clone()),
        ("nasce da", "made from", p.base.clone()),
        ("casella, al più", "box, at most", size(p.box_bytes)),
        ("messaggi al minuto", "messages a minute", p.per_minute.to_string()),
        ("messaggi al giorno", "messages a day", p.per_day.to_string()),
        ("messaggio, al più", "message, at most", size(p.max_message)),
        ("destinatari di un messaggio", "recipients of a message", p.max_recipients.to_string()),
    ];
    let mut rows = table(&[]);
    rows.add_rows(fields.map(|(italian, english, value)| [lang.pick(italian, english).to_owned(), value]));
    rows.to_string()
}

/// In the unit that leaves nothing over: limits are powers of two.
fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 2] = [(30, "GB"), (20, "MB")];
    let whole = UNITS.into_iter().find(|(bits, _)| bytes.trailing_zeros() >= *bits);
    whole.map_or_else(|| format!("{bytes} B"), |(bits, unit)| format!("{} {unit}", bytes >> bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_whole() {
        assert_eq!([3 << 30, 50 << 20, 1536].map(size), ["3 GB", "50 MB", "1536 B"]);
    }
}
