//! One certificate from an authority: account, order, challenges, chain (RFC 8555 §7).

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Bytes;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error, HttpClient,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use openssl::x509::X509Req;
use serde::{Deserialize, Serialize};
use sigillo_base::{Complaint, said};
use sigillo_smime::authority::request as csr;

use super::challenge::Answers;
use crate::complaint::Context as _;
use crate::config::Acme;
use crate::fetch::{Fetch, Url};
use crate::files;

/// How long an authority may take to ask its questions, and then to issue.
const POLL: RetryPolicy = RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_secs(90));
/// What an authority says of an account that it does not have (any more).
const FORGOTTEN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Our account there, with its key: for its owner alone.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

/// A key and its certificate with intermediates, PEM.
pub(super) struct Issued {
    pub key: String,
    pub chain: String,
}

/// Gets a certificate for all names, with a new key.
pub(super) async fn issue(config: &Acme, fetch: &Fetch, answers: &Answers) -> Result<Issued> {
    let file = account_file(config);
    match issue_to(account(config, &file, fetch).await?, config, answers).await {
        Err(error) if forgotten(&error) => {
            files::remove(&file)?;
            issue_to(account(config, &file, fetch).await?, config, answers).await
        }
        outcome => outcome,
    }
}

fn forgotten(error: &anyhow::Error) -> bool {
    let problem = error.downcast_ref::<Error>();
    matches!(problem, Some(Error::Api(problem)) if problem.r#type.as_deref() == Some(FORGOTTEN))
}

/// The account that we have with this authority, or a new one.
async fn account(config: &Acme, file: &Path, fetch: &Fetch) -> Result<Account> {
    let named = || {
        said!(
            "{}: non è un conto ACME; toglierlo per farne uno nuovo",
            "{}: it is no ACME account; remove it to have a new one made",
            file.display()
        )
    };
    let builder = Account::builder_with_http(Box::new(House(fetch.clone())));
    let directory = config.directory.value.to_string();
    let kept: Option<Kept> = match fs::read(file) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).told(named)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    };
    if let Some(kept) = kept.filter(|kept| kept.directory == directory) {
        return Ok(builder.from_credentials(kept.credentials).await?);
    }
    let contact: Vec<&str> = config.contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&new, directory.clone(), None).await?;
    files::write_secret(file, &serde_json::to_vec(&Kept { directory, credentials })?)?;
    Ok(account)
}

async fn issue_to(account: Account, config: &Acme, answers: &Answers) -> Result<Issued> {
    let names: Vec<String> = config.names.iter().map(ToString::to_string).collect();
    let identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut given = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let http = authorization.challenge(ChallengeType::Http01);
        let mut challenge = http.told(|| {
            said!("l'autorità non offre http-01 per questo nome", "the authority offers no http-01 for this name")
        })?;
        given.push(answers.give(&challenge.token, challenge.key_authorization().as_str()));
        challenge.set_ready().await?;
    }
    let ready = order.poll_ready(&POLL).await;
    if !matches!(ready, Ok(OrderStatus::Ready)) {
        let outcome = ready.map_or_else(|error| error.to_string(), |status| format!("{status:?}"));
        let why = why(&mut order).await;
        bail!(Complaint(said!(
            "l'ordine non è pronto ({outcome}): {why}",
            "the order is not ready ({outcome}): {why}"
        )));
    }
    let key = csr::server_key()?;
    let request = X509Req::from_pem(csr::tls(&key, &names)?.as_bytes())?.to_der()?;
    order.finalize_csr(&request).await?;
    let chain = order.poll_certificate(&POLL).await?;
    Ok(Issued { key, chain })
}

/// What the authority says of the challenges that it did not find answered.
async fn why(order: &mut Order) -> String {
    let mut told = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let refreshed = authorization.refresh().await.map(|_| ());
        told.extend(refreshed.err().map(|error| error.to_string()));
        told.extend(authorization.challenges.iter().filter_map(|c| Some(c.error.as_ref()?.to_string())));
    }
    told.join("; ")
}

/// Our own client: its roots, its limits.
struct House(Fetch);

impl HttpClient for House {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let fetch = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_or_else(|never| match never {}, |body| body.to_bytes());
            let url: Url = parts.uri.to_string().parse().map_err(|bad: Complaint| Error::Other(bad.into()))?;
            let answer = fetch.exchange(parts.method, &url, parts.headers, body).await;
            Ok(BytesResponse::from(answer.map_err(|error| Error::Other(format!("{error:#}").into()))?))
        })
    }
}

/// Where the account is, for who looks after keys.
pub fn account_file(config: &Acme) -> PathBuf {
    config.folder.join("account.json")
}
