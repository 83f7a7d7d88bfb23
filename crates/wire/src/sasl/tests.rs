use super::*;

fn done(step: Step) -> (String, String) {
    match step {
        Step::Done(Claim::Password(c)) => (c.user, c.password.expose().into()),
        other => panic!("{other:?}"),
    }
}

fn start(mechanism: &str, initial: Option<&[u8]>) -> Result<(Exchange, Step), SaslError> {
    Exchange::start(&Offer::default(), mechanism, initial)
}

fn b64(text: &str) -> String {
    BASE64.encode(text.as_bytes())
}

fn said(step: &Step) -> String {
    match step {
        Step::Challenge(text) => String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_with_and_without_initial_response() {
    let response = b64("\0anna@x\0pw");
    let (_, step) = start("plain", Some(response.as_bytes())).unwrap();
    assert_eq!(done(step), ("anna@x".into(), "pw".into()));
    let (mut e, step) = start("PLAIN", None).unwrap();
    assert_eq!(step, Step::Challenge(String::new()));
    assert_eq!(done(e.respond(response.as_bytes()).unwrap()).0, "anna@x");
    assert_eq!(e.respond(response.as_bytes()), Err(SaslError::Malformed), "an exchange ends once");
}

#[test]
fn login_asks_twice() {
    let (mut e, step) = start("LOGIN", None).unwrap();
    assert_eq!(step, Step::Challenge("VXNlcm5hbWU6".into()));
    assert_eq!(e.respond(b"YW5uYQ==").unwrap(), Step::Challenge("UGFzc3dvcmQ6".into()));
    assert_eq!(done(e.respond(b"cHc=").unwrap()), ("anna".into(), "pw".into()));
}

#[test]
fn what_is_refused() {
    let refuse = |m, r: &[u8]| start(m, Some(r)).unwrap_err();
    for unknown in ["CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", ""] {
        assert_eq!(refuse(unknown, b"="), SaslError::Mechanism, "{unknown}");
    }
    assert_eq!(refuse("PLAIN", b"!!"), SaslError::Malformed);
    assert_eq!(refuse("PLAIN", b"*"), SaslError::Cancelled);
    assert_eq!(refuse("PLAIN", b64("boss\0anna\0pw").as_bytes()), SaslError::Authorization);
    assert_eq!(refuse("PLAIN", b64("\0anna").as_bytes()), SaslError::Malformed);
    assert_eq!(refuse("PLAIN", b64("\0anna\0").as_bytes()), SaslError::Malformed);
    assert_eq!(refuse("PLAIN", &[b'A'; MAX_RESPONSE + 4]), SaslError::Malformed);
}

const SALT: &[u8] = b"W22ZaJ0SNY7soEsUEjb6gQ==";
const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const CLIENT_FINAL: &str =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

fn pencil() -> ScramKeys {
    ScramKeys::derive(&Secret::new("pencil".into()), &BASE64.decode(SALT).unwrap(), 4096).unwrap()
}

/// The exchange of RFC 7677 §3 up to server-first.
fn vector() -> Exchange {
    let first = b64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let (mut e, step) = start("SCRAM-SHA-256", Some(first.as_bytes())).unwrap();
    assert_eq!(step, Step::Ask(Query::Keys("user".into())));
    let step = e.keys(pencil(), NONCE).unwrap();
    let expected = format!("r=rOprNGfwEbeRWgbNEkqO{NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    assert_eq!(said(&step), expected);
    e
}

#[test]
fn the_exchange_of_rfc_7677() {
    let mut e = vector();
    let step = e.respond(b64(CLIENT_FINAL).as_bytes()).unwrap();
    assert_eq!(said(&step), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_eq!(e.respond(b"").unwrap(), Step::Done(Claim::Proven("user".into(), pencil())));
    assert_eq!(e.respond(b""), Err(SaslError::Malformed));
    // Something instead of the empty response proves nothing.
    let mut e = vector();
    e.respond(b64(CLIENT_FINAL).as_bytes()).unwrap();
    assert_eq!(e.respond(b64("v=").as_bytes()), Err(SaslError::Malformed));
}

#[test]
fn a_proof_that_is_not_for_this_exchange_is_refuted() {
    let refuted = Ok(Step::Done(Claim::Refuted("user".into())));
    for (from, to) in [("dHzb", "dHzc"), ("c=biws", "c=eSws"), ("k0,p=", "k1,p="), ("c=biws", "c=biwsAAAA")] {
        let said = CLIENT_FINAL.replace(from, to);
        assert_eq!(vector().respond(b64(&said).as_bytes()), refuted, "{said}");
    }
    for bad in ["", "c=biws", &CLIENT_FINAL.replace("dHzb", "dHz"), &CLIENT_FINAL.replace("c=biws,", "")] {
        assert_eq!(vector().respond(b64(bad).as_bytes()), Err(SaslError::Malformed), "{bad}");
    }
    // Keys of nobody are proven by no password.
    let mut e = start("SCRAM-SHA-256", Some(b64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").as_bytes())).unwrap().0;
    e.keys(ScramKeys::of_nobody(b"secret", "user"), NONCE).unwrap();
    assert_eq!(e.respond(b64(CLIENT_FINAL).as_bytes()), refuted);
}

#[test]
fn first_messages_that_are_wrong() {
    let refuse = |text: &str| start("SCRAM-SHA-256", Some(b64(text).as_bytes())).unwrap_err();
    for bad in [
        "",
        "n,,",
        "n,,n=user",
        "n,,n=,r=x",
        "n,,r=x,n=user",
        "n,,m=ext,n=user,r=x",
        "n,,n=us=er,r=x",
        "n,,n=us=2cer,r=x",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "z,,n=user,r=x",
        "n,user,n=user,r=x",
        "n,,n=a\u{7}b,r=x",
    ] {
        assert_eq!(refuse(bad), SaslError::Malformed, "{bad}");
    }
    assert_eq!(refuse("n,a=boss,n=user,r=x"), SaslError::Authorization);
    assert_eq!(refuse("p=tls-exporter,,n=user,r=x"), SaslError::Binding);
    let user = |text: &str| match start("SCRAM-SHA-256", Some(b64(text).as_bytes())).unwrap().1 {
        Step::Ask(Query::Keys(user)) => user,
        other => panic!("{other:?}"),
    };
    assert_eq!(user("y,,n=a=2Cb=3Dc,r=x"), "a,b=c");
    assert_eq!(user("n,a=User,n=user,r=x"), "user");
}

#[test]
fn plus_binds_to_the_channel_and_a_hidden_offer_is_noticed() {
    let binding = Binding { exporter: Some(b"exported".to_vec()), end_point: None };
    let offer = Offer { binding, ..Offer::default() };
    assert_eq!(offer.mechanisms(), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]);
    let begin = |m, text: &str| Exchange::start(&offer, m, Some(b64(text).as_bytes()));
    assert_eq!(begin("SCRAM-SHA-256", "y,,n=user,r=x").unwrap_err(), SaslError::Binding);
    assert!(begin("SCRAM-SHA-256", "n,,n=user,r=x").is_ok());
    for bad in ["n,,n=user,r=x", "y,,n=user,r=x", "p=tls-unique,,n=user,r=x", "p=tls-server-end-point,,n=user,r=x"] {
        assert_eq!(begin("SCRAM-SHA-256-PLUS", bad).unwrap_err(), SaslError::Binding, "{bad}");
    }
    for (data, fits) in [("exported", true), ("otherwise", false), ("", false)] {
        let (mut e, _) = begin("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=x").unwrap();
        let first = said(&e.keys(pencil(), "y").unwrap());
        let without = format!("c={},r=xy", b64(&format!("p=tls-exporter,,{data}")));
        let proof = BASE64.encode(&pencil_proof(&format!("n=user,r=x,{first},{without}")));
        let step = e.respond(b64(&format!("{without},p={proof}")).as_bytes()).unwrap();
        assert_eq!(matches!(step, Step::Challenge(_)), fits, "{data}");
    }
}

/// The client's proof with the password `pencil`, made the client's way.
fn pencil_proof(said: &str) -> [u8; 32] {
    use aws_lc_rs::{digest, hmac, pbkdf2};
    let mac = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec();
    let mut salted = [0; 32];
    let salt = BASE64.decode(SALT).unwrap();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, 4096.try_into().unwrap(), &salt, b"pencil", &mut salted);
    let client = mac(&salted, b"Client Key");
    let signature = mac(digest::digest(&digest::SHA256, &client).as_ref(), said.as_bytes());
    std::array::from_fn(|i| client[i] ^ signature[i])
}

fn failed(user: &str, error: Option<SaslError>) -> Step {
    Step::Done(Claim::BadToken { user: user.into(), error })
}

/// RFC 7628 §3.2.3: the client answers, and then the login fails.
#[test]
fn who_was_told_of_his_bad_token_has_failed_whatever_he_says() {
    let offer = Offer { bearer: true, ..Offer::default() };
    for (mechanism, text) in
        [("OAUTHBEARER", "n,a=anna,\u{1}auth=Bearer x\u{1}\u{1}"), ("XOAUTH2", "user=anna\u{1}auth=Bearer x\u{1}\u{1}")]
    {
        let told = || {
            let (mut exchange, _) = Exchange::start(&offer, mechanism, Some(b64(text).as_bytes())).unwrap();
            assert!(matches!(exchange.token(None).unwrap(), Step::Challenge(_)));
            exchange
        };
        let long = [b'A'; MAX_RESPONSE + 4];
        for (line, error) in [
            (&b"AQ=="[..], None),
            (b"", None),
            (b"*", Some(SaslError::Cancelled)),
            (b"!!", Some(SaslError::Malformed)),
            (b"/w==", Some(SaslError::Malformed)),
            (&long, Some(SaslError::Malformed)),
        ] {
            let mut exchange = told();
            assert_eq!(exchange.respond(line), Ok(failed("anna", error)), "{mechanism}: {line:?}");
            assert_eq!(exchange.respond(b"*"), Err(SaslError::Cancelled), "once");
        }
        assert_eq!(told().broken(SaslError::Malformed), Ok(failed("anna", Some(SaslError::Malformed))));
    }
    // Before a token was judged, `*` ends an exchange and nothing has failed.
    let mut exchange = Exchange::start(&offer, "OAUTHBEARER", None).unwrap().0;
    assert_eq!(exchange.respond(b"*"), Err(SaslError::Cancelled));
    assert_eq!(vector().broken(SaslError::Malformed), Err(SaslError::Malformed));
}

/// RFC 7628 §4.1 and §4.3.
#[test]
fn a_bearer_token_is_asked_about_and_a_bad_one_is_told() {
    let offer = Offer { bearer: true, ..Offer::default() };
    assert!(offer.mechanisms().ends_with(&["OAUTHBEARER", "XOAUTH2"]));
    let begin = |text: &str| Exchange::start(&offer, "OAUTHBEARER", Some(b64(text).as_bytes()));
    let text = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}auth=Bearer vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\u{1}\u{1}";
    let (mut good, step) = begin(text).unwrap();
    let token = Secret::new("vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==".into());
    assert_eq!(step, Step::Ask(Query::Token { user: Some("user@example.com".into()), token }));
    let step = good.token(Some("user@example.com".into())).unwrap();
    assert_eq!(step, Step::Done(Claim::Token("user@example.com".into())));
    let (mut bad, _) = begin(text).unwrap();
    assert_eq!(said(&bad.token(None).unwrap()), r#"{"status":"invalid_token"}"#);
    assert_eq!(bad.respond(b"AQ==").unwrap(), failed("user@example.com", None));
    for wrong in [
        "",
        "n,,",
        "n,,\u{1}auth=Bearer x\u{1}",
        "n,,\u{1}auth=Basic x\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \u{1}\u{1}",
        "n,,\u{1}auth=Bearer a b\u{1}\u{1}",
        "n,,\u{1}auth=Bearer a\u{1}auth=Bearer b\u{1}\u{1}",
        "n,,\u{1}host=x\u{1}\u{1}",
        "n,user,\u{1}auth=Bearer a\u{1}\u{1}",
    ] {
        assert_eq!(begin(wrong).unwrap_err(), SaslError::Malformed, "{wrong:?}");
    }
    assert_eq!(begin("p=tls-exporter,,\u{1}auth=Bearer a\u{1}\u{1}").unwrap_err(), SaslError::Binding);
}

/// What was there before RFC 7628, as developers.google.com/gmail/imap/xoauth2-protocol has it.
#[test]
fn the_older_form_of_a_token_means_the_same() {
    let offer = Offer { bearer: true, ..Offer::default() };
    let begin = |text: &str| Exchange::start(&offer, "XOAUTH2", Some(b64(text).as_bytes()));
    let text = "user=anna@x.example\u{1}auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u{1}\u{1}";
    let (mut good, step) = begin(text).unwrap();
    let token = Secret::new("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg".into());
    assert_eq!(step, Step::Ask(Query::Token { user: Some("anna@x.example".into()), token }));
    let step = good.token(Some("anna@x.example".into())).unwrap();
    assert_eq!(step, Step::Done(Claim::Token("anna@x.example".into())));
    let (mut bad, _) = begin(text).unwrap();
    assert_eq!(said(&bad.token(None).unwrap()), r#"{"status":"401","schemes":"bearer","scope":""}"#);
    assert_eq!(bad.respond(b"").unwrap(), failed("anna@x.example", None));
    for wrong in ["", "user=a\u{1}auth=Bearer x\u{1}", "n,a=a,\u{1}auth=Bearer x\u{1}\u{1}", "user=a\u{1}\u{1}\u{1}"] {
        assert_eq!(begin(wrong).unwrap_err(), SaslError::Malformed, "{wrong:?}");
    }
}
