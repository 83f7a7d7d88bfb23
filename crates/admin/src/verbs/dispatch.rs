//! `sigillo dispatch show`: where a certified message stands, on one page.

use super::{Error, Where, header, json, table};
use crate::Lang;
use crate::api::{Dispatch, DispatchRecipient};

/// What can be asked of a message.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra un messaggio certificato: destinatario per destinatario lo stato, e le sue prove
    Show {
        /// L'identificativo del messaggio, come sta nelle ricevute e nel registro
        id: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    let Verb::Show { id, at } = verb;
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let found = at.client().dispatch(id).await?;
    if at.json { json(&found) } else { Ok(show(&found, lang)) }
}

fn show(found: &Dispatch, lang: Lang) -> String {
    let mut text = format!("{}\n", found.identificativo);
    let mut line = |it: &str, en: &str, value: &str| text += &format!("  {}: {value}\n", lang.pick(it, en));
    line("da", "from", &found.sender);
    line("oggetto", "subject", found.subject.as_deref().unwrap_or_default());
    if let Some(msgid) = &found.msgid {
        line("Message-ID del mittente", "sender's Message-ID", msgid);
    }
    if let Some(accepted) = &found.accepted {
        line("accettato", "accepted", accepted);
    }
    let columns = [("destinatario", "recipient"), ("tipo", "type"), ("stato", "state")];
    let mut rows = table(&header(lang, &columns));
    for recipient in &found.recipients {
        rows.add_row([recipient.address.clone(), recipient.class.clone(), explain(recipient, lang)]);
    }
    text += &format!("\n{rows}\n\n{}\n", lang.pick("Prove nel registro:", "Evidence in the log:"));
    let columns = [
        ("quando", "when"),
        ("evento", "event"),
        ("per", "about"),
        ("gestore", "provider"),
        ("messaggio", "message"),
        ("errore", "error"),
    ];
    let mut rows = table(&header(lang, &columns));
    for e in &found.evidence {
        let error = e.error.clone().unwrap_or_default();
        rows.add_row([&e.at, &e.label, &e.about.join("\n"), &e.issuer, &e.message_id, &error]);
    }
    text + &rows.to_string()
}

/// A recipient's state in a sentence.
fn explain(recipient: &DispatchRecipient, lang: Lang) -> String {
    let certified = recipient.class == "certificato";
    let sentence = match recipient.state.as_str() {
        "refused" => lang.pick("non accettato: il messaggio non è partito", "not accepted: the message never left"),
        "handed-over" if certified => lang.pick(
            "consegnato al gestore del destinatario, che non l'ha ancora preso in carico",
            "handed over to the recipient's provider, which has not taken charge yet",
        ),
        "handed-over" => lang.pick(
            "consegnato al server del destinatario: la posta ordinaria non dà ricevute",
            "handed over to the recipient's server: ordinary mail gives no receipts",
        ),
        "open" => lang.pick("in lavorazione", "in work"),
        "taken-in-charge" => {
            lang.pick("preso in carico dal gestore del destinatario", "taken in charge by the recipient's provider")
        }
        "presumed-failed" => lang.pick(
            "non consegnato entro 24 ore: la spedizione si considera non andata a buon fine",
            "not delivered within 24 hours: presumed failed",
        ),
        "failed" => lang.pick("non consegnato", "not delivered"),
        "infected" => lang.pick("non consegnato: contenuto pericoloso", "not delivered: malware"),
        "delivered" => lang.pick("consegnato nella casella", "delivered into the mailbox"),
        "elsewhere" => lang.pick("di un altro gestore", "of another provider"),
        "queued" => lang.pick("in coda", "queued"),
        other => other,
    };
    let Some(queued) = &recipient.queued else { return sentence.to_owned() };
    let (attempts, next) = (queued.attempts, &queued.next);
    let waits = match lang {
        Lang::It => format!("{sentence}: {attempts} tentativi falliti, il prossimo alle {next}"),
        Lang::En => format!("{sentence}: {attempts} failed attempts, the next at {next}"),
    };
    match &queued.last_error {
        Some(error) => format!("{waits} ({error})"),
        None => waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Queued;

    #[test]
    fn a_recipient_is_explained_in_both_languages() {
        let queued = Queued { attempts: 2, next: "alle 10".into(), last_error: Some("connessione rifiutata".into()) };
        let recipient = DispatchRecipient {
            address: "a@b.example".into(),
            class: "certificato".into(),
            state: "queued".into(),
            queued: Some(queued),
        };
        let said = explain(&recipient, Lang::It);
        assert!(said.contains("in coda: 2 tentativi falliti") && said.contains("connessione rifiutata"), "{said}");
        assert!(explain(&recipient, Lang::En).starts_with("queued: 2 failed attempts"));
        let external =
            DispatchRecipient { class: "esterno".into(), state: "handed-over".into(), queued: None, ..recipient };
        assert!(explain(&external, Lang::It).contains("posta ordinaria"));
    }
}
