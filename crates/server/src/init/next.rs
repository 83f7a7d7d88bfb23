//! What is to be done next: what is missing, in the order in which it is needed.

use std::path::Path;

use sigillo_base::{Said, said};
use sigillo_smime::Certificate;

use crate::config::Config;

/// The steps, those only that are still to be made.
pub(super) fn steps(folder: &Path, config: &Config) -> Vec<Said> {
    let missing = |path: &Path| !path.exists();
    let (dir, file) = (folder.display(), config.file.display());
    let mut steps = Vec::new();
    if config.anchors.iter().any(|at| missing(&at.value)) || config.crls.iter().any(|at| missing(&at.value)) {
        steps.push(said!(
            "Procurarsi da AgID la CA e la sua lista di revoca: `sigillo init {dir} --ca FILE --crl FILE`",
            "Get AgID's authority and its revocation list: `sigillo init {dir} --ca FILE --crl FILE`"
        ));
    }
    if missing(&config.signing_certificate.value) {
        steps.push(said!(
            "Mandare {dir}/requests/firma.csr ad AgID; al ritorno: `sigillo init {dir} --certificate FILE`",
            "Send {dir}/requests/firma.csr to AgID; when it is back: `sigillo init {dir} --certificate FILE`"
        ));
    } else {
        steps.push(said!(
            "Pubblicare {dir}/publish/igpec.ldif.p7m e dirne l'indirizzo ad AgID (RFC 6109, 4.5)",
            "Publish {dir}/publish/igpec.ldif.p7m and tell AgID its address (RFC 6109, 4.5)"
        ));
        steps.extend(revocation(config));
    }
    if missing(&config.tls_certificate.value) {
        steps.push(said!(
            "Chiedere con {dir}/requests/tls.csr il certificato TLS a un'autorità pubblica; al ritorno: `sigillo init {dir} --certificate FILE`",
            "Ask a public authority for the TLS certificate with {dir}/requests/tls.csr; when it is back: `sigillo init {dir} --certificate FILE`"
        ));
    }
    steps.push(said!(
        "Mettere nel DNS i record di {dir}/publish/dns.zone (le righe con «…» vanno completate) e mta-sts.txt su https://mta-sts.DOMINIO/.well-known/",
        "Put the records of {dir}/publish/dns.zone into the DNS (lines with “…” are to be completed), and mta-sts.txt at https://mta-sts.DOMAIN/.well-known/"
    ));
    if missing(&config.index.value) {
        steps.push(said!(
            "Scrivere index.url in {file}, oppure prendere una copia: `sigillo init {dir} --index FILE`",
            "Write index.url into {file}, or take a copy: `sigillo init {dir} --index FILE`"
        ));
    }
    steps.extend(service(folder, config));
    steps
}

/// Where the revocation lists are that the service could fetch by itself.
fn revocation(config: &Config) -> Option<Said> {
    let pem = std::fs::read(&config.signing_certificate.value).ok()?;
    let certificate = Certificate::from_pem(&pem).ok()?.into_iter().next()?;
    let points = certificate.crl_points();
    if points.is_empty() || !config.crl_urls.is_empty() {
        return None;
    }
    let (file, points) = (config.file.display(), points.join("\", \""));
    Some(said!(
        "Scrivere in {file}, sotto [trust], crl_urls = [\"{points}\"]",
        "Write into {file}, below [trust], crl_urls = [\"{points}\"]"
    ))
}

fn service(folder: &Path, config: &Config) -> Vec<Said> {
    let (dir, file, store) = (folder.display(), config.file.display(), config.store.value.display());
    let socket = config.admin_socket.value.display();
    let service = &config.service_address.value;
    vec![
        Said::verbatim(format!("`sigillo config check {file}`")),
        said!(
            "Dare i file a chi esegue il servizio: `chown -R sigillo: {dir} {store}`",
            "Give the files to who runs the service: `chown -R sigillo: {dir} {store}`"
        ),
        said!(
            "`cp -r {dir}/systemd/. /etc/systemd/system/ && systemctl daemon-reload && systemctl enable --now sigillo` (col pacchetto basta sigillo.service.d)",
            "`cp -r {dir}/systemd/. /etc/systemd/system/ && systemctl daemon-reload && systemctl enable --now sigillo` (with the package, sigillo.service.d is enough)"
        ),
        said!(
            "`sigillo person add …` per chi amministra e `sigillo mailbox add …` per i titolari (--socket {socket}); la casella di servizio {service} c'è da sé",
            "`sigillo person add …` for who administrates and `sigillo mailbox add …` for who holds mailboxes (--socket {socket}); the service mailbox {service} makes itself"
        ),
        said!(
            "`sigillo doctor --config {file}`, ora e ogni giorno",
            "`sigillo doctor --config {file}`, now and every day"
        ),
    ]
}
