//! `sigillo person`: who administrates, his roles and tokens.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sigillo_base::Secret;

use super::how::count;
use super::password::code;
use super::{Destroys, Error, How, Where, Writes, header, json, table, totp, yes};
use crate::api::{
    Administrator, MadeToken, NewAdministrator, NewToken, RoleGrant, Token, TokenChange, Unlocking, person_path,
};
use crate::terminal::Answers;
use crate::{Client, Lang};

/// What can be done with persons.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca chi amministra, con i suoi ruoli
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Nomina una persona, che ancora non può niente
    Add {
        /// Nome di accesso, di questa persona soltanto e per sempre
        login: String,
        /// Nome e cognome
        name: String,
        /// Un suo indirizzo ordinario
        #[arg(long, value_name = "INDIRIZZO")]
        mail: Option<String>,
        /// Il numero della sua amministrazione; senza, è del gestore
        #[arg(long, value_name = "NUMERO")]
        tenant: Option<u64>,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Toglie una persona: i suoi token non valgono più, ciò che ha fatto resta suo
    End {
        /// Nome di accesso
        login: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
    /// Dà un ruolo (sigillo role matrix dice che cosa permette)
    Grant {
        /// Nome di accesso
        login: String,
        /// Il ruolo
        role: String,
        /// Dove vale: supplier, tenant/NUMERO, unit/NUMERO/NUMERO, mailbox/INDIRIZZO
        scope: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Toglie un ruolo
    Revoke {
        /// Nome di accesso
        login: String,
        /// Il ruolo
        role: String,
        /// Dove valeva
        scope: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Elenca i token di una persona
    Tokens {
        /// Nome di accesso
        login: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dà un token: il segreto va nel file indicato, e non si vede più
    AddToken {
        /// Nome di accesso
        login: String,
        /// Come si chiama: dove sta
        name: String,
        /// Dove si scrive il segreto (file nuovo, modo 0600)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Per quanti giorni vale
        #[arg(long, value_name = "GIORNI")]
        days: Option<u32>,
        /// Vale soltanto per essere cambiato da chi lo riceve (person change-token)
        #[arg(long)]
        first: bool,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Cambia il token che si mostra: il segreto del nuovo va nel file indicato, il vecchio non vale più
    ChangeToken {
        /// Dove si scrive il segreto (file nuovo, modo 0600)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Per quanti giorni vale
        #[arg(long, value_name = "GIORNI")]
        days: Option<u32>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Revoca un token
    RevokeToken {
        /// Nome di accesso
        login: String,
        /// Come si chiama
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
    /// Sblocca il token che si mostra, con un codice del secondo fattore o uno di riserva
    Unlock {
        /// Per quante ore, al più 24; senza, 12
        #[arg(long, value_name = "ORE")]
        hours: Option<u32>,
        /// Finché il token vale: per un programma, che non può dire codici
        #[arg(long, conflicts_with = "hours")]
        always: bool,
        /// File con il codice sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Il secondo fattore di chi amministra
    #[command(subcommand)]
    Totp(Totp),
}

/// What can be done with the second factor of who administrates.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Totp {
    /// Chi mostra il proprio token vi aggiunge un secondo fattore: mostra il seme per l'applicazione del telefono, e ne chiede un codice
    Enrol {
        /// File con il codice, per confermare un seme già mostrato; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Chi mostra il proprio token ne toglie il secondo fattore, con un suo codice o uno di riserva
    Remove {
        /// File con il codice sulla prima riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Toglie il secondo fattore a chi amministra e ha perso telefono e codici di riserva
    Reset {
        /// Nome di accesso
        login: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = at.client().persons().await?;
            at.tell(&found, |found| show(&found.persons, lang))
        }
        Verb::Add { login, name, mail, tenant, at } => {
            let new =
                NewAdministrator { login: login.clone(), name: name.clone(), mail: mail.clone(), tenant: *tenant };
            one(at.client().add_person(&new).await?, at, lang)
        }
        Verb::End { login, at } => {
            at.confirmed(async || ended(&at.client(), login, lang).await).await?;
            one(at.client().end_person(login).await?, at, lang)
        }
        Verb::Grant { login, role, scope, at } => {
            one(at.client().set_role(login, &grant(role, scope), true).await?, at, lang)
        }
        Verb::Revoke { login, role, scope, at } => {
            one(at.client().set_role(login, &grant(role, scope), false).await?, at, lang)
        }
        Verb::Tokens { login, at } => tokens(at.client().tokens(login).await?.tokens, at, lang),
        Verb::AddToken { login, name, out, days, first, at } => {
            let new = NewToken { name: name.clone(), days: *days, first: *first };
            kept(async { at.client().add_token(login, &new).await }, out, at, lang).await
        }
        Verb::ChangeToken { out, days, at } => {
            let change = TokenChange { days: *days };
            kept(async { at.client().change_my_token(&change).await }, out, at, lang).await
        }
        Verb::RevokeToken { login, name, at } => {
            at.confirmed(async || {
                let known = at.client().tokens(login).await?.tokens;
                let until = known.iter().find(|token| token.name == *name).map_or("", |token| &token.expires);
                Ok(match lang {
                    Lang::It => format!("il token «{name}» di {login}, valido fino a {until}, finirebbe per sempre"),
                    Lang::En => format!("the token \"{name}\" of {login}, good until {until}, would end for ever"),
                })
            })
            .await?;
            tokens(at.client().revoke_token(login, name).await?.tokens, at, lang)
        }
        Verb::Unlock { hours, always, code_file, at } => {
            let code = said(code_file.as_deref(), lang)?;
            let unlocked = at.client().unlock(&Unlocking { code, hours: *hours, always: *always }).await?;
            at.tell(&unlocked, |unlocked| {
                let (token, until) = (&unlocked.token, &unlocked.until);
                match lang {
                    Lang::It => format!("token «{token}» sbloccato fino a {until}"),
                    Lang::En => format!("token \"{token}\" unlocked until {until}"),
                }
            })
        }
        Verb::Totp(verb) => run_totp(verb, lang).await,
    }
}

async fn run_totp(verb: &Totp, lang: Lang) -> Result<String, Error> {
    match verb {
        Totp::Enrol { code_file, at } => totp::enrol_person(code_file.as_deref(), at, lang).await,
        Totp::Remove { code_file, at } => {
            let code = said(code_file.as_deref(), lang)?;
            one(at.client().remove_my_totp(code).await?, at, lang)
        }
        Totp::Reset { login, at } => {
            at.confirmed(async || {
                Ok(match lang {
                    Lang::It => format!("{login} perderebbe il secondo fattore: da quel momento bastano i suoi token"),
                    Lang::En => format!("{login} would lose the second factor: from then on the tokens suffice"),
                })
            })
            .await?;
            one(at.client().reset_totp(login).await?, at, lang)
        }
    }
}

/// A code of this file, or of whoever sits there.
fn said(file: Option<&Path>, lang: Lang) -> Result<Secret, Error> {
    code(&mut Answers::of(file).map_err(Error::Password)?, lang)
}

fn grant(role: &str, scope: &str) -> RoleGrant {
    RoleGrant { role: role.to_owned(), scope: scope.to_owned() }
}

/// What would end with a person.
async fn ended(client: &Client, login: &str, lang: Lang) -> Result<String, Error> {
    let person: Administrator = client.get(&person_path(login)).await?;
    let (name, roles) = (&person.name, person.roles.len() as u64);
    let known = client.tokens(login).await?.tokens;
    let tokens = known.iter().filter(|token| token.revoked.is_none()).count() as u64;
    Ok(match lang {
        Lang::It => format!(
            "{login} ({name}) non amministrerebbe più, per sempre: {}, {}",
            count(roles, ("ruolo", "ruoli")),
            count(tokens, ("token", "token"))
        ),
        Lang::En => format!(
            "{login} ({name}) would administrate no more, for ever: {}, {}",
            count(roles, ("role", "roles")),
            count(tokens, ("token", "tokens"))
        ),
    })
}

/// Makes a token and writes its secret down. The file is made first, so that no token is made whose secret cannot be.
async fn kept(
    make: impl Future<Output = Result<MadeToken, crate::Error>>,
    out: &Path,
    at: &Where<impl How>,
    lang: Lang,
) -> Result<String, Error> {
    let wrong = |source| Error::File { path: out.to_owned(), source };
    if at.how.is_dry() {
        return at.tell(&make.await?, |made| format!("«{}» → {}", made.name, made.expires));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(wrong)?;
    let made = match make.await {
        Ok(made) => made,
        Err(error) => {
            std::fs::remove_file(out).map_err(wrong)?;
            return Err(error.into());
        }
    };
    file.write_all(format!("{}\n", made.secret).as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
    if at.json {
        return json(&serde_json::json!({ "name": made.name, "expires": made.expires, "file": out }));
    }
    let (name, expires, file) = (&made.name, &made.expires, out.display());
    Ok(match lang {
        Lang::It => format!("token «{name}», valido fino a {expires}: il segreto è in {file}"),
        Lang::En => format!("token \"{name}\", good until {expires}: its secret is in {file}"),
    })
}

fn one(person: Administrator, at: &Where<impl How>, lang: Lang) -> Result<String, Error> {
    at.tell(&person, |person| show(std::slice::from_ref(person), lang))
}

fn show(persons: &[Administrator], lang: Lang) -> String {
    let columns = [
        ("accesso", "login"),
        ("persona", "person"),
        ("amministrazione", "administration"),
        ("ruoli", "roles"),
        ("secondo fattore", "second factor"),
        ("fino a", "until"),
    ];
    let mut rows = table(&header(lang, &columns));
    for p in persons {
        let tenant = p.tenant.map(|id| id.to_string());
        let roles: Vec<String> = p.roles.iter().map(|g| format!("{} {}", g.role, g.scope)).collect();
        rows.add_row([
            p.login.clone(),
            p.name.clone(),
            tenant.unwrap_or_default(),
            roles.join("\n"),
            yes(lang, p.second_factor).to_owned(),
            p.ended.clone().unwrap_or_default(),
        ]);
    }
    rows.to_string()
}

fn tokens(tokens: Vec<Token>, at: &Where<impl How>, lang: Lang) -> Result<String, Error> {
    if at.json {
        return json(&crate::api::Tokens { tokens, next: None });
    }
    let columns = [
        ("token", "token"),
        ("dal", "from"),
        ("fino a", "until"),
        ("revocato", "revoked"),
        ("sbloccato fino a", "unlocked until"),
    ];
    let mut rows = table(&header(lang, &columns));
    for t in tokens {
        rows.add_row([t.name, t.created, t.expires, t.revoked.unwrap_or_default(), t.unlocked.unwrap_or_default()]);
    }
    Ok(rows.to_string())
}
