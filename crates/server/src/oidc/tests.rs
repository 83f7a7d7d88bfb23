//! Tokens good and forged, made here by openssl.

use data_encoding::BASE64URL_NOPAD;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sha::sha256;
use openssl::sign::{RsaPssSaltlen, Signer};
use serde_json::json;
use tokio_rustls::rustls::ServerConfig;

use super::*;
use crate::config::{Located, OidcMailboxes};
use crate::fetch::tests::peer::{Certificates, Peer, ok};
use crate::tls;

const NOW: i64 = 1_800_000_000;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

fn rsa() -> Rsa<Private> {
    Rsa::generate(2048).unwrap()
}

fn rsa_jwk(kid: &str, key: &Rsa<Private>) -> Value {
    json!({"kty": "RSA", "use": "sig", "kid": kid, "n": b64(key.n().to_vec()), "e": b64(key.e().to_vec())})
}

fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

fn rs256(key: &Rsa<Private>) -> impl FnOnce(&[u8]) -> Vec<u8> {
    let key = PKey::from_rsa(key.clone()).unwrap();
    move |bytes| Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(bytes).unwrap()
}

fn ps256(key: &Rsa<Private>) -> impl FnOnce(&[u8]) -> Vec<u8> {
    let key = PKey::from_rsa(key.clone()).unwrap();
    move |bytes| {
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        signer.sign_oneshot_to_vec(bytes).unwrap()
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": ["account", "posta"], "exp": NOW + 300, "iat": NOW, "email": "anna@x.example"})
}

const ISSUER: &str = "https://idp.example/r";

fn shown(claim: &str) -> Shown {
    Shown { audience: "posta".into(), claim: claim.into() }
}

/// An issuer of this name whose keys are known, and that answers nobody.
fn knowing(keys: &[Value]) -> Issuer {
    let issuer = issuer(ISSUER, "https://127.0.0.1:1/.well-known/openid-configuration", &Certificates::new());
    let keys = Keys::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    issuer.known.store(Some(Arc::new(Known { keys, since: Instant::now() })));
    issuer
}

fn issuer(name: &str, discovery: &str, trusted: &Certificates) -> Issuer {
    let fetch = Fetch::new(tls::client_config(tls::certificates(&trusted.ca()).unwrap()).unwrap(), MAX_ANSWER);
    let config = Oidc {
        issuer: Located { value: name.into(), key: String::new(), line: 0 },
        discovery: discovery.parse().unwrap(),
        persons: Some(Shown { audience: "amministrazione".into(), claim: "preferred_username".into() }),
        mailboxes: Some(OidcMailboxes {
            shown: shown("email"),
            domains: vec![sigillo_base::Domain::parse("x.example").unwrap()],
        }),
    };
    Issuer::new(config, fetch)
}

async fn named(issuer: &Issuer, token: String) -> Option<String> {
    let now = Timestamp::from_millis(NOW * 1000);
    issuer.named(&Secret::new(token), &shown("email"), now).await.unwrap_or_else(|e| Some(e.to_string()))
}

#[tokio::test]
async fn what_the_issuer_signed_names_somebody() {
    let (key, group) = (rsa(), EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap());
    let ec = EcKey::generate(&group).unwrap();
    let (mut x, mut y) = (openssl::bn::BigNum::new().unwrap(), openssl::bn::BigNum::new().unwrap());
    ec.public_key().affine_coordinates(&group, &mut x, &mut y, &mut BigNumContext::new().unwrap()).unwrap();
    let (x, y) = (b64(x.to_vec_padded(32).unwrap()), b64(y.to_vec_padded(32).unwrap()));
    let point = json!({"kty": "EC", "crv": "P-256", "kid": "e", "alg": "ES256", "x": x, "y": y});
    // What else an issuer publishes is passed over.
    let others =
        [json!({"kty": "oct", "kid": "r", "k": "AAAA"}), json!({"kty": "OKP", "crv": "Ed25519", "kid": "r"}), json!(7)];
    let issuer = knowing(&[&others[..], &[rsa_jwk("r", &key), point]].concat());
    let anna = Some("anna@x.example".to_owned());
    let head = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid, "typ": "at+jwt"});
    assert_eq!(named(&issuer, token(&head("RS256", "r"), &claims(), rs256(&key))).await, anna);
    assert_eq!(named(&issuer, token(&head("PS256", "r"), &claims(), ps256(&key))).await, anna);
    let es256 = |bytes: &[u8]| {
        let signature = EcdsaSig::sign(&sha256(bytes), &ec).unwrap();
        [signature.r().to_vec_padded(32).unwrap(), signature.s().to_vec_padded(32).unwrap()].concat()
    };
    assert_eq!(named(&issuer, token(&head("ES256", "e"), &claims(), es256)).await, anna);
    // A minute between the clocks is borne.
    let mut late = claims();
    (late["exp"], late["nbf"], late["aud"]) = (json!(NOW - 59), json!(NOW + 59), json!("posta"));
    assert_eq!(named(&issuer, token(&head("RS256", "r"), &late, rs256(&key))).await, anna);
    // The only key need not be named.
    let alone = knowing(&[rsa_jwk("r", &key)]);
    assert_eq!(named(&alone, token(&json!({"alg": "RS256"}), &claims(), rs256(&key))).await, anna);
}

/// An object with more, or other, members.
fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

#[tokio::test]
async fn what_the_issuer_did_not_sign_for_us_and_for_now_names_nobody() {
    let (key, foreign) = (rsa(), rsa());
    let encryption = with(rsa_jwk("c", &key), json!({"use": "enc"}));
    let pss = with(rsa_jwk("p", &key), json!({"alg": "PS256"}));
    let issuer = knowing(&[rsa_jwk("r", &key), encryption, pss]);
    let head = json!({"alg": "RS256", "kid": "r"});
    let good = token(&head, &claims(), rs256(&key));
    let public = PKey::from_rsa(key.clone()).unwrap().public_key_to_pem().unwrap();
    // The public key as the secret of both (RFC 8725 §2.1).
    let hs256 = |bytes: &[u8]| {
        let secret = PKey::hmac(&public).unwrap();
        Signer::new(MessageDigest::sha256(), &secret).unwrap().sign_oneshot_to_vec(bytes).unwrap()
    };
    let header = |more| token(&with(head.clone(), more), &claims(), rs256(&key));
    let claim = |more| token(&head, &with(claims(), more), rs256(&key));
    let without = |name: &str| {
        let mut all = claims();
        all.as_object_mut().unwrap().remove(name);
        token(&head, &all, rs256(&key))
    };
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let changed = format!(
        "{}.{signature}",
        signed.replace(&b64(claims().to_string()), &b64(claims().to_string().replace("anna", "bruno")))
    );
    let embedded = json!({"jwk": rsa_jwk("r", &foreign), "jku": "https://127.0.0.1:1/k", "alg": "RS256", "kid": "r"});
    for (bad, what) in [
        (token(&json!({"alg": "none", "kid": "r"}), &claims(), |_| Vec::new()), "no signature"),
        (token(&json!({"alg": "None", "kid": "r"}), &claims(), |_| Vec::new()), "no signature, spelled otherwise"),
        (token(&json!({"alg": "HS256", "kid": "r"}), &claims(), hs256), "the public key as a secret"),
        (token(&head, &claims(), rs256(&foreign)), "another's key under this name"),
        (token(&head, &claims(), |_| Vec::new()), "an empty signature"),
        (token(&json!({"alg": "PS256", "kid": "r"}), &claims(), rs256(&key)), "one padding for another"),
        (token(&json!({"alg": "ES256", "kid": "r"}), &claims(), rs256(&key)), "one kind of key for another"),
        (token(&embedded, &claims(), rs256(&foreign)), "its own key inside"),
        (token(&json!({"alg": "RS256", "kid": "c"}), &claims(), rs256(&key)), "a key that encrypts"),
        (token(&json!({"alg": "RS256", "kid": "p"}), &claims(), rs256(&key)), "a key that is for something else"),
        (token(&json!({"alg": "RS256"}), &claims(), rs256(&key)), "no name where there are several"),
        (header(json!({"typ": "logout+jwt"})), "another kind"),
        (header(json!({"crit": ["exp"]})), "an extension"),
        (header(json!({"kid": "k".repeat(257)})), "a long name"),
        (claim(json!({"iss": "https://idp.example/r/"})), "another issuer"),
        (claim(json!({"aud": "calendario"})), "another service"),
        (claim(json!({"aud": []})), "no service"),
        (claim(json!({"exp": NOW - 61})), "expired"),
        (claim(json!({"exp": "domani"})), "no time"),
        (claim(json!({"nbf": NOW + 61})), "not yet"),
        (claim(json!({"iat": NOW + 61})), "of the future"),
        (claim(json!({"email_verified": false})), "not verified"),
        (claim(json!({"email": ["anna@x.example"]})), "several names"),
        (claim(json!({"email": ""})), "an empty name"),
        (claim(json!({"x": "x".repeat(20_000)})), "too long"),
        (without("iss"), "no issuer"),
        (without("aud"), "no audience"),
        (without("exp"), "no end"),
        (without("email"), "nobody"),
        (changed, "another's claims"),
        (signed.to_owned(), "two parts"),
        (format!("{good}."), "four parts"),
        (format!("{good}="), "padded"),
        ("..".into(), "nothing"),
    ] {
        assert_eq!(named(&issuer, bad).await, None, "{what}");
    }
    assert_eq!(named(&issuer, good).await.as_deref(), Some("anna@x.example"));
}

/// A web server with its description, and keys that can be changed.
async fn publishing(certificates: &Certificates) -> (Peer, Issuer) {
    let (certificate, key) = (certificates.path("server", "pem"), certificates.path("server", "key"));
    let shown = tls::ServerTls::open(&certificate, &key).unwrap();
    let config: Arc<ServerConfig> = Arc::clone(&shown.current().config);
    let peer = Peer::tls(config).await;
    let (name, discovery) = (peer.url("").to_string(), peer.url("/.well-known/openid-configuration"));
    let name = name.trim_end_matches('/').to_owned();
    let description = json!({"issuer": name, "jwks_uri": peer.url("/keys").to_string()});
    peer.answer("/.well-known/openid-configuration", ok("application/json", description.to_string().as_bytes()));
    let issuer = issuer(&name, &discovery.to_string(), certificates);
    (peer, issuer)
}

fn publish(peer: &Peer, keys: &[Value]) {
    peer.answer("/keys", ok("application/jwk-set+json", json!({ "keys": keys }).to_string().as_bytes()));
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_wanted_and_whoever_invents_names_asks_nobody() {
    let certificates = Certificates::new();
    let (peer, mut issuer) = publishing(&certificates).await;
    let (old, new) = (rsa(), rsa());
    publish(&peer, &[rsa_jwk("old", &old)]);
    let of = |kid: &str, key: &Rsa<Private>, issuer: &Issuer| {
        let mut claims = claims();
        claims["iss"] = json!(issuer.config.issuer.value);
        token(&json!({"alg": "RS256", "kid": kid}), &claims, rs256(key))
    };
    let anna = Some("anna@x.example".to_owned());
    let asked = || peer.requests.lock().len();
    assert_eq!(named(&issuer, of("old", &old, &issuer)).await, anna);
    assert_eq!(named(&issuer, of("old", &old, &issuer)).await, anna);
    assert_eq!(asked(), 2, "its description and its keys, once");
    for kid in ["new", "../../../../dev/null", "http://evil.example/k", "' OR 1=1", "old\0"] {
        assert_eq!(named(&issuer, of(kid, &new, &issuer)).await, None, "{kid}");
    }
    assert_eq!(asked(), 2, "it was asked a moment ago");
    // When that moment is over, a key that is new is found, and one that is gone is not believed any more.
    issuer.pace.between = Duration::ZERO;
    publish(&peer, &[rsa_jwk("new", &new)]);
    assert_eq!(named(&issuer, of("new", &new, &issuer)).await, anna);
    assert_eq!(named(&issuer, of("old", &old, &issuer)).await, None);
    // Keys that are known do while nobody answers, and not for ever.
    peer.answer("/keys", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    issuer.pace.fresh = Duration::ZERO;
    assert_eq!(named(&issuer, of("new", &new, &issuer)).await, anna);
    issuer.pace.lasting = Duration::ZERO;
    assert!(named(&issuer, of("new", &new, &issuer)).await.unwrap().contains("500"));
}

#[tokio::test]
async fn a_description_of_somebody_else_or_keys_in_clear_are_no_keys() {
    let certificates = Certificates::new();
    let (peer, issuer) = publishing(&certificates).await;
    publish(&peer, &[rsa_jwk("r", &rsa())]);
    assert_eq!(issuer.probe().await.unwrap(), 1);
    let described = |issuer: &str, keys: &str| {
        let text = json!({"issuer": issuer, "jwks_uri": keys}).to_string();
        peer.answer("/.well-known/openid-configuration", ok("application/json", text.as_bytes()));
    };
    let (name, keys) = (issuer.config.issuer.value.clone(), peer.url("/keys").to_string());
    described("https://evil.example", &keys);
    assert!(format!("{:#}", issuer.probe().await.unwrap_err()).contains("è di un altro: https://evil.example"));
    described(&name, &keys.replace("https://", "http://"));
    assert!(format!("{:#}", issuer.probe().await.unwrap_err()).contains("non sono pubblicate con https"));
    described(&name, &keys);
    for none in [&b""[..], b"{}", br#"{"keys":[]}"#, br#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
        peer.answer("/keys", ok("application/json", none));
        assert!(issuer.probe().await.is_err());
    }
    let stranger = self::issuer(&name, &issuer.config.discovery.to_string(), &Certificates::new());
    assert!(format!("{:#}", stranger.probe().await.unwrap_err()).contains("TLS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_opened_in_its_domains_alone_and_by_no_persons_token() {
    let key = rsa();
    let issuer = Arc::new(knowing(&[rsa_jwk("r", &key)]));
    let mut claims = claims();
    let now = system_time().as_millis() / 1000;
    (claims["exp"], claims["iat"], claims["preferred_username"]) = (json!(now + 300), json!(now), json!("m.rossi"));
    let opened = |claims: &Value| {
        let (issuer, token) = (Arc::clone(&issuer), Secret::new(token(&json!({"alg": "RS256"}), claims, rs256(&key))));
        tokio::task::spawn_blocking(move || issuer.owner(&token).unwrap())
    };
    assert_eq!(opened(&claims).await.unwrap().as_deref(), Some("anna@x.example"));
    let signed = token(&json!({"alg": "RS256"}), &claims, rs256(&key));
    assert_eq!(issuer.person(&Secret::new(signed)).await, Ok(None), "meant for mail");
    claims["email"] = json!("anna@y.example");
    assert_eq!(opened(&claims).await.unwrap(), None, "not of this issuer's domains");
    (claims["email"], claims["aud"]) = (json!("anna@x.example"), json!("amministrazione"));
    assert_eq!(opened(&claims).await.unwrap(), None, "meant for the administration");
    let signed = token(&json!({"alg": "RS256"}), &claims, rs256(&key));
    assert_eq!(issuer.person(&Secret::new(signed)).await.unwrap().as_deref(), Some("m.rossi"));
}
