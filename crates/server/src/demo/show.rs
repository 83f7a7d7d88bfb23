//! What a person reads: the chain of evidence, and how to connect a mail client.

use comfy_table::{Table, presets};
use sigillo_admin::Lang;

use super::exchange::Outcome;
use super::layout::Layout;
use super::{Running, ports};

/// The chain of evidence as a table.
pub(super) fn chain(outcome: &Outcome, lang: Lang) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header([
        "",
        lang.pick("prova", "evidence"),
        lang.pick("firmata da", "signed by"),
        lang.pick("ora legale", "legal time"),
        lang.pick("letta in", "read in"),
        "identificativo",
        lang.pick("verifica", "verified"),
    ]);
    for (i, piece) in outcome.evidence.iter().enumerate() {
        let verdict = if piece.defects.is_empty() { lang.pick("vera", "true") } else { lang.pick("FALSA", "FALSE") };
        table.add_row([
            &(i + 1).to_string(),
            piece.kind.label_it(),
            &piece.signer,
            &piece.legal,
            &piece.mailbox,
            &piece.identificativo,
            verdict,
        ]);
    }
    for kind in &outcome.missing {
        table.add_row(["", kind.label_it(), "", "", "", "", lang.pick("MANCA", "MISSING")]);
    }
    let title = lang.pick("Messaggio dimostrativo", "Demonstration message");
    format!("{title} {}\n{table}", outcome.message_id)
}

/// How to reach the providers.
pub(super) fn how_to_connect(up: &[Running], layout: &Layout, lang: Lang) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header([
        lang.pick("casella", "mailbox"),
        "password",
        "IMAP (TLS)",
        "POP3 (TLS)",
        "SMTP (TLS)",
        "SMTP (STARTTLS)",
    ]);
    // The additional boxes are many, and all in demo.json.
    for running in up {
        for mailbox in running.boxes.iter().take(6) {
            table.add_row([
                mailbox.address.as_str(),
                mailbox.password.expose(),
                &ports::at(running.ports.imaps).to_string(),
                &ports::at(running.ports.pop3s).to_string(),
                &ports::at(running.ports.submissions).to_string(),
                &ports::at(running.ports.submission).to_string(),
            ]);
        }
    }
    let mut text = format!(
        "\n{}\n{table}\n{} {}\n{} {}\n",
        lang.pick(
            "Per collegare un programma di posta (utente = indirizzo, server = localhost):",
            "To connect a mail client (user = address, server = localhost):"
        ),
        lang.pick("Autorità da importare (TLS e firme):", "Authority to import (TLS and signatures):"),
        layout.ca_file().display(),
        lang.pick("Tutto per i programmi:", "All of it for programs:"),
        layout.demo_json().display(),
    );
    if let Some(running) = up.first()
        && let Some(anna) = running.boxes.get(1)
    {
        text += &format!(
            "curl --cacert {} --user '{}:{}' 'imaps://localhost:{}/INBOX;MAILINDEX=1'",
            layout.ca_file().display(),
            anna.address,
            anna.password.expose(),
            running.ports.imaps
        );
    }
    text
}
