//! `sigillo mailbox alert|forward`: what of a mailbox's mail is told and copied outside of certified mail.

use std::path::PathBuf;

use sigillo_base::said;

use super::super::password::said;
use super::super::{Error, Where, Writes};
use crate::Lang;
use crate::api::{Alert, AlertOrder, Forward};
use crate::terminal::Answers;

/// Arguments of `sigillo mailbox alert`.
#[derive(Debug, Clone, clap::Args)]
pub struct AlertArgs {
    /// Indirizzo della casella
    address: String,
    /// Avvisa con un SMS a questo numero: +39…, o un cellulare italiano senza prefisso
    #[arg(long, value_name = "NUMERO", conflicts_with_all = ["mail", "off"])]
    sms: Option<String>,
    /// Avvisa con un messaggio a questo indirizzo di posta ordinaria
    #[arg(long, value_name = "INDIRIZZO", conflicts_with = "off")]
    mail: Option<String>,
    /// Non avvisa più
    #[arg(long)]
    off: bool,
    /// Avvisa anche delle ricevute e degli avvisi che arrivano
    #[arg(long, conflicts_with = "off")]
    receipts: bool,
    /// Non dice né mittente né oggetto: solo che è arrivato qualcosa
    #[arg(long, conflicts_with = "off")]
    discreet: bool,
    /// Where to ask.
    #[command(flatten)]
    at: Where<Writes>,
}

/// Arguments of `sigillo mailbox forward`.
#[derive(Debug, Clone, clap::Args)]
pub struct ForwardArgs {
    /// Indirizzo della casella
    address: String,
    /// L'indirizzo di posta ordinaria: riceve un codice, e le copie solo dopo la conferma
    #[arg(long, value_name = "INDIRIZZO", conflicts_with_all = ["confirm", "off"])]
    to: Option<String>,
    /// Conferma con il codice arrivato a quell'indirizzo, che viene chiesto
    #[arg(long, conflicts_with = "off")]
    confirm: bool,
    /// File con il codice sulla prima riga; «-» è l'ingresso standard
    #[arg(long, value_name = "FILE", requires = "confirm")]
    code_file: Option<PathBuf>,
    /// Non manda più copie
    #[arg(long)]
    off: bool,
    /// Where to ask.
    #[command(flatten)]
    at: Where<Writes>,
}

/// Asks and gives the text to print.
pub async fn alert(args: &AlertArgs, lang: Lang) -> Result<String, Error> {
    let AlertArgs { address, sms, mail, off, receipts, discreet, at } = args;
    let sms = sms.as_ref().map(|number| format!("sms:{number}"));
    let to = sms.or_else(|| mail.as_ref().map(|address| format!("mailto:{address}")));
    let client = at.client();
    let alert = match (&to, off) {
        (None, false) if *receipts || *discreet => {
            return Err(Error::Refused(said!("serve anche --sms o --mail", "--sms or --mail is needed too")));
        }
        (None, false) => client.alert(address).await?,
        _ => client.set_alert(address, &AlertOrder { to, receipts: *receipts, discreet: *discreet }).await?,
    };
    at.tell(&alert, |alert| show_alert(alert, lang))
}

/// Asks and gives the text to print.
pub async fn forward(args: &ForwardArgs, lang: Lang) -> Result<String, Error> {
    let ForwardArgs { address, to, confirm, code_file, off, at } = args;
    let client = at.client();
    let forward = match (to, confirm, off) {
        (Some(_), ..) | (None, false, true) => client.set_forward(address, to.clone()).await?,
        (None, true, _) => {
            let mut answers = Answers::of(code_file.as_deref()).map_err(Error::Password)?;
            let code = said(&mut answers, ("Codice ricevuto", "Code received"), lang)?;
            client.confirm_forward(address, code.expose().to_owned()).await?
        }
        (None, false, false) => client.forward(address).await?,
    };
    at.tell(&forward, |forward| show_forward(forward, lang))
}

fn show_alert(alert: &Alert, lang: Lang) -> String {
    let Some(to) = &alert.to else {
        return format!("{}: {}", alert.address, lang.pick("nessun avviso", "no alerts"));
    };
    let receipts = if alert.receipts { lang.pick(", anche delle ricevute", ", of receipts too") } else { "" };
    let discreet = if alert.discreet { lang.pick(", senza contenuto", ", without content") } else { "" };
    format!("{}: {} {to}{receipts}{discreet}", alert.address, lang.pick("avvisi a", "alerts to"))
}

fn show_forward(forward: &Forward, lang: Lang) -> String {
    let Some(to) = &forward.to else {
        return format!("{}: {}", forward.address, lang.pick("nessuna copia", "no copies"));
    };
    let waits = lang.pick(
        " (in attesa del codice che vi è stato mandato: --confirm)",
        " (waits for the code that was sent there: --confirm)",
    );
    let waits = if forward.confirmed { "" } else { waits };
    format!("{}: {} {to}{waits}", forward.address, lang.pick("copie a", "copies to"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Parser, Subcommand};

    #[derive(Debug, Parser)]
    struct Cli {
        /// As of the whole command line.
        #[arg(long, global = true, default_value = "it")]
        lang: Lang,
        #[command(subcommand)]
        verb: Verb,
    }

    #[derive(Debug, Subcommand)]
    enum Verb {
        Forward(ForwardArgs),
    }

    #[test]
    fn a_code_is_a_line_and_no_argument() {
        let parse = |more: &[&str]| Cli::try_parse_from([&["x", "forward", "a@b.example"][..], more].concat());
        let args = |more: &[&str]| match parse(more).unwrap().verb {
            Verb::Forward(args) => args,
        };
        assert!(parse(&["--confirm", "12345678"]).is_err() && parse(&["--confirm=12345678"]).is_err());
        assert!(parse(&["--code-file", "codice"]).is_err(), "a code confirms");
        assert!(parse(&["--confirm", "--off"]).is_err());
        let read = args(&["--confirm", "--code-file", "codice"]);
        assert!(read.confirm && read.code_file.is_some());
        assert!(args(&["--confirm"]).code_file.is_none(), "who sits there is asked");
    }
}
