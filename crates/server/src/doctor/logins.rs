//! Who else says who somebody is: the directories that keep passwords, the issuer of tokens.

use sigillo_base::said;

use super::{Case, Finding};
use crate::complaint;
use crate::material;

pub(super) async fn directories(case: &Case) -> Vec<Finding> {
    if case.config.ldap.is_empty() {
        return vec![Finding::fine("", said!("le password sono tutte qui", "all passwords are kept here"))];
    }
    // What cannot be read has been told.
    let Ok(all) = material::directories(&case.config) else { return vec![unread()] };
    let mut found = Vec::new();
    for directory in &all {
        for url in &directory.config().urls {
            found.push(match directory.probe(&url.value).await {
                Ok(()) => Finding::fine(&url.value, said!("risponde, e vi si cerca", "answers, and can be searched")),
                Err(error) => Finding::error(
                    &url.value,
                    complaint::of(&error),
                    said!(
                        "`ldapsearch -H URL -D bind_dn -W -b base`; certificati: ldap.roots",
                        "`ldapsearch -H URL -D bind_dn -W -b base`; certificates: ldap.roots"
                    ),
                ),
            });
        }
    }
    found
}

pub(super) async fn issuer(case: &Case) -> Vec<Finding> {
    let Some(oidc) = &case.config.oidc else {
        return vec![Finding::fine("", said!("nessuno firma gettoni", "nobody signs tokens"))];
    };
    let about = &oidc.issuer.value;
    let issuer = material::relay_client(&case.config).ok().and_then(|tls| material::issuer(&case.config, &tls));
    let Some(issuer) = issuer else { return vec![unread()] };
    vec![match issuer.probe().await {
        Ok(keys) => Finding::fine(about, said!("{keys} chiavi", "{keys} keys")),
        Err(error) => Finding::error(
            about,
            complaint::of(&error),
            said!(
                "`curl {}`; i certificati devono portare a relay.roots",
                "`curl {}`; certificates must lead to relay.roots",
                oidc.discovery
            ),
        ),
    }]
}

fn unread() -> Finding {
    Finding::skipped("", said!("la configurazione non si legge", "the configuration cannot be read"))
}
