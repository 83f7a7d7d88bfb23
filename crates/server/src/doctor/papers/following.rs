//! What follows the certificates in use: the next one that signs, the next one of the doors.

use sigillo_admin::api::Certificate;
use sigillo_base::said;

use super::super::{Case, Finding};

/// The signing certificate that follows, as the service sees it: whether it can take over, and whether it should.
pub(super) fn look(case: &Case) -> Vec<Finding> {
    let Ok(status) = &case.status else { return Vec::new() };
    let of = |purpose: &str| status.certificates.iter().find(|one| one.purpose == purpose);
    let mut found = Vec::new();
    let Some(signing) = of("signing") else { return found };
    if signing.at == "signing.next_certificate" {
        found.push(Finding::warning(
            &signing.subject,
            said!(
                "firma signing.next_certificate, da quando è stato ordinato (`sigillo cert roll`)",
                "signing.next_certificate signs, since that was ordered (`sigillo cert roll`)"
            ),
            said!(
                "scriverlo in signing.certificate, la sua chiave in signing.key, togliere signing.next_*, `systemctl reload sigillo`",
                "write it into signing.certificate, its key into signing.key, remove signing.next_*, `systemctl reload sigillo`"
            ),
        ));
    }
    found.extend(of("next").map(|next| next_one(case, next, ending(signing))));
    found
}

/// Whether somebody has to see to its end.
fn ending(one: &Certificate) -> bool {
    matches!(one.state.as_str(), "soon" | "urgent" | "expired")
}

fn next_one(case: &Case, next: &Certificate, ending: bool) -> Finding {
    let about = &next.subject;
    let roll = said!("`sigillo cert roll --yes`", "`sigillo cert roll --yes`");
    match (next.listed == Some(true), next.state.as_str()) {
        (_, "expired") => Finding::error(
            about,
            said!("signing.next_certificate è scaduto", "signing.next_certificate has expired"),
            said!("chiederne un altro: `sigillo cert request`", "get another: `sigillo cert request`"),
        ),
        (false, _) => {
            let text = said!(
                "signing.next_certificate non è ancora nell'indice in uso",
                "signing.next_certificate is not yet in the index in use"
            );
            let publish = said!(
                "`sigillo index publish`, dirlo ad AgID; quando l'indice lo ha, `sigillo index update` e `sigillo cert roll`",
                "`sigillo index publish`, tell AgID; when the index holds it, `sigillo index update` and `sigillo cert roll`"
            );
            // Without it nobody would believe us after the end of the one in use.
            if ending { Finding::error(about, text, publish) } else { Finding::warning(about, text, publish) }
        }
        (true, "future") => {
            Finding::fine(about, said!("è nell'indice e non vale ancora", "is in the index and not valid yet"))
        }
        (true, _) if case.config.next_key.is_none() => Finding::warning(
            about,
            said!("è nell'indice, ma manca signing.next_key", "is in the index, but signing.next_key is missing"),
            said!("scriverla, poi `systemctl reload sigillo`", "write it, then `systemctl reload sigillo`"),
        ),
        (true, _) if ending => Finding::warning(
            about,
            said!(
                "è nell'indice, e quello in uso finisce: si può passare",
                "is in the index, and the one in use ends: the change can be made"
            ),
            roll,
        ),
        (true, _) => Finding::fine(
            about,
            said!(
                "è nell'indice: si può passare con `sigillo cert roll`",
                "is in the index: `sigillo cert roll` can be made"
            ),
        ),
    }
}

/// How the certificate of the doors renews itself.
pub(super) fn acme(case: &Case) -> Option<Finding> {
    let acme = case.status.as_ref().ok()?.acme.as_ref()?;
    let Some(error) = &acme.last_error else {
        let text = said!("ACME: il prossimo rinnovo il {}", "ACME: renewed next on {}", acme.next);
        return Some(Finding::fine(&acme.directory, text));
    };
    Some(Finding::warning(
        &acme.directory,
        said!(
            "il rinnovo ACME è fallito {} volte: {error}",
            "the ACME renewal has failed {} times: {error}",
            acme.failures
        ),
        said!(
            "la porta 80 di ogni nome del certificato deve arrivare a tls.acme.listen; poi `sigillo cert renew`",
            "port 80 of every name of the certificate has to lead to tls.acme.listen; then `sigillo cert renew`"
        ),
    ))
}
