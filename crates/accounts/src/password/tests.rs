use proptest::prelude::*;

use super::*;

/// What every vector below was made of, unless it says otherwise.
const PASSWORD: &str = "Segreta-123 però";

/// Scheme as it is told, who wrote the hash, the hash.
const VECTORS: [(&str, &str, &str); 42] = [
    ("MD5-CRYPT", "Python crypt (libxcrypt 4.4)", "$1$saltsalt$KFf863RIxCy7b/5KZk37W0"),
    ("MD5-CRYPT", "passlib 1.7.4", "$1$2c1cTpBU$DgG65I5LppWuue6f.D2pI1"),
    ("MD5-CRYPT", "doveadm 2.3 pw -s MD5-CRYPT", "{MD5-CRYPT}$1$brv3enNH$tZWh12CsHm1deD01jrzWC0"),
    ("MD5-CRYPT", "doveadm pw -s MD5", "{MD5}$1$qlYWu1uR$GJmckoQJ8DqprnAYLC4D4/"),
    ("apr1", "htpasswd -nbm", "$apr1$EgSb1eOc$r.FSO07eN0pqkxpRyK6.40"),
    ("SHA256-CRYPT", "Python crypt", "$5$saltstringsaltst$nzyuo0lBmhR0L1083n61ARE2Mgws2MvkbMYbUSTR/I6"),
    ("SHA256-CRYPT", "Python crypt", "$5$rounds=5000$saltstring$GHRQK2klilcw.cRAolEDm/k/BdvuhpUlqIGT8bkwQn/"),
    ("SHA256-CRYPT", "passlib", "$5$rounds=1000$wB6RIdKMv9843w6K$.JMw1EMRe9soiTuF4hQlizDdl/Zoa5gu3CrY1xavrs2"),
    (
        "SHA512-CRYPT",
        "Python crypt",
        "$6$abcdefghijklmnop$ijtAri91/p4PFm7.9mamW5cQ3UN1o0HgqdU2Zf1rWaxRYkveHqpPjf2QVJDjihalvMZzZ.ovc4cqZykBMFOSo.",
    ),
    (
        "SHA512-CRYPT",
        "Python crypt",
        "$6$rounds=1234$short$9Ar1kuB3gDZze0IfIm2njSILpq8iYaiRanfCKCNptQA2TRMzLgPjE9qlIHlAOCI3Crod4qrh4l6Ydb8tMzmFw.",
    ),
    (
        "SHA512-CRYPT",
        "passlib ldap_sha512_crypt",
        "{CRYPT}$6$rounds=1000$K/S0PeaQ0SFVyTa8$5K20MLCp94lY0.gJXiJgaXD3f0q32XHHTk3nVnz/M32FumyfAb2uqXjJikYlTSQr.hYR3WQ90aT3RYOB4.exy/",
    ),
    (
        "SHA512-CRYPT",
        "doveadm pw -s SHA512-CRYPT",
        "{SHA512-CRYPT}$6$8Wulb5u1fMT6zHsb$NsG9zH4sPlvlsdjYKVfISy9k21QNHHOXUQq8gWQeARv4kQaMoYs6Tb.KBpY.XPKiZr.1mHe/k0WrKCO8hYlxB.",
    ),
    ("bcrypt", "Python crypt", "$2b$06$abcdefghijklmnopqrstuuq6sUvzHwxnUrd5UuX2nntuf6AWVcZb2"),
    ("bcrypt", "Python crypt", "$2a$05$abcdefghijklmnopqrstuuRPWOgbds0BM4ICBZyyyteJlKEyMyAHK"),
    ("bcrypt", "htpasswd -nbB", "$2y$05$/2oOy3URhxQ.LTXt9pPEpOetBngimd2TCm.H7/xl4YCqUCGHrm1qW"),
    ("bcrypt", "passlib", "$2b$05$oKHTQ1MZNiu3PEHwrKK37uSruJavd5dCIYPilQf8q9JfNk/ehvKXS"),
    ("bcrypt", "passlib", "$2a$05$2N7snLEku64pq3ktYbvBB.Fm.RhcoCKaqcGd61Q1HrxfEb2SzUi36"),
    ("bcrypt", "doveadm pw -s BLF-CRYPT", "{BLF-CRYPT}$2y$05$niPL617Fwj6SRxxgM.qI/eExxUWyP/628XMp2faNr7hjX8.ULCGJ."),
    ("yescrypt", "Python crypt", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$uKu9d8ueEqzBE2uxDojBT9ST1Y4rSv2MHMW10PB5wB6"),
    ("yescrypt", "Python crypt", "$y$j75$saltsaltsalt$NBvqLnFdqYGqCR26x/d5Je.l31/YIgxPnNTLvlEU4E."),
    ("PBKDF2-SHA1", "passlib", "$pbkdf2$1500$e6/1vpcyJgRgDKG0FqI0Bg$59lCs7cBih2a5PwuZ.coESVikj4"),
    (
        "PBKDF2-SHA256",
        "passlib",
        "$pbkdf2-sha256$1500$E6IUQuh9b22tNQZASAnBGA$bPhtJzG4wJcUhb.OuJOrwYEwOnyElVChjdjQgflSYaI",
    ),
    (
        "PBKDF2-SHA512",
        "passlib",
        "$pbkdf2-sha512$1500$cm6N0TrnXMvZ./8f45wTgg$hl/1VjgMIYnvMOb/kDz44dOUh6kIY0jI83G68gbIxozFMq71mkqHwWRr9JDWro.NwNpQZ5VEXprkgawjHROuNA",
    ),
    ("PBKDF2-SHA1", "passlib ldap_pbkdf2_sha1", "{PBKDF2}1500$iZGy9p5T6h2j9J6Tsra2tg$u72bX2VrKZElI3C59.9u6PviYQ4"),
    (
        "PBKDF2-SHA256",
        "passlib ldap_pbkdf2_sha256",
        "{PBKDF2-SHA256}1500$WMuZ05rzvtc6B0AoBUAIoQ$itZfZJvo0377z8KdX3tRZ4gzta.Cpa7K8RVuBqMf3yc",
    ),
    (
        "PBKDF2-SHA512",
        "passlib ldap_pbkdf2_sha512",
        "{PBKDF2-SHA512}1500$qXUOoXQu5dzbWyul1NpbCw$cpCmn9ug2ylcdxlBuFvrAOqBLDMEcKb0teUhI//418tYFhI5HVkvBEuUbNfO5658YG1RyAXuUqLP6EAKT4gewg",
    ),
    (
        "PBKDF2-SHA1",
        "doveadm pw -s PBKDF2",
        "{PBKDF2}$1$F9vgcNkirsPHcEfG$5000$d9a4b4acec67ed2b454387d877702ed37d9b8959",
    ),
    ("SHA", "doveadm pw -s SHA", "{SHA}ObuSZMrWdfBbfTivDP7FxwJOLwM="),
    ("SHA", "doveadm pw -s SHA1", "{SHA1}ObuSZMrWdfBbfTivDP7FxwJOLwM="),
    ("SSHA", "doveadm pw -s SSHA", "{SSHA}6SNWr+od157aUSvWiA4ZuFunnIs3WiVj"),
    ("SSHA", "passlib ldap_salted_sha1", "{SSHA}2xwV2K5XqDvqsjVHCTURDQrdG9Q8p/T+"),
    ("SHA256", "doveadm pw -s SHA256", "{SHA256}eZJ2SQ66Fptm1QMgtI2cJ12r/fM7yc1zsTEjCyJfMJc="),
    ("SSHA256", "doveadm pw -s SSHA256", "{SSHA256}mJkWHZAKsn4S87t+896bJUYfdfAITekv2MUAzS8suOEbHGBr"),
    ("SSHA256", "passlib", "{SSHA256}mj+WmQhQaGByYByvWHDdfK66I165n9lnvgEoe3xpQV75n9MaQ+h9bw=="),
    (
        "SHA512",
        "doveadm pw -s SHA512",
        "{SHA512}2OQ2kUuELEAGZ3qjRYtodCsdHYrxYn+iCpEswI4VQaYcetRO3QvBxN0DA+HDqEt2JMPuKv4qCLYY645Ja4X3uQ==",
    ),
    (
        "SSHA512",
        "doveadm pw -s SSHA512",
        "{SSHA512}BqaBfbL99BbiSm8c3MJF1b24H7D/LWABFLdQkP8yM8ngS9lFP0F7z6ccBYrh42ZFXT8hwexzjLKVW3hmCywXPDO2NhU=",
    ),
    ("MD5", "doveadm pw -s LDAP-MD5", "{LDAP-MD5}SrbG7xjvkWCxzrtXuTcrXw=="),
    ("MD5", "doveadm pw -s PLAIN-MD5", "{PLAIN-MD5}4ab6c6ef18ef9160b1cebb57b9372b5f"),
    ("SMD5", "doveadm pw -s SMD5", "{SMD5}JJY4iWipx/Jf+WyKbPcq5GgRQgA="),
    (
        "argon2i",
        "doveadm pw -s ARGON2I",
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$tlX5d+7dGjishlXqG7MR9Q$aJcJjeBC5srRrHXntBsJrTHgYVFr9KFWjD9c9BRaYk4",
    ),
    (
        "argon2id",
        "doveadm pw -s ARGON2ID",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$6jA1CC1yXN3kl6CSB2NiQA$u5Y+DHW5C4Bug4+md1dR4eH139XnryeTh06BEsWZm9k",
    ),
    (
        "argon2id",
        "passlib (argon2-cffi)",
        "$argon2id$v=19$m=1024,t=2,p=2$qlVKqXVOKYWQEqIUwhgDYA$Ogjwa2GKAvnpjLSJ39UO33XeafY1MSx6GEv4R/2zGbs",
    ),
];

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn error(text: &str) -> PasswordError {
    PasswordHash::parse(text).expect_err(text)
}

#[test]
fn only_the_password_itself_is_taken() {
    let hash = PasswordHash::create(&secret("giusta"), [7; 16]).unwrap();
    assert!(hash.verify(&secret("giusta")));
    assert!(!hash.verify(&secret("Giusta")));
    assert!(!hash.verify(&secret("")));
    assert_ne!(hash, PasswordHash::create(&secret("giusta"), [8; 16]).unwrap());
    assert_eq!(PasswordHash::parse(&hash.0).unwrap(), hash);
    assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    assert!(hash.is_own() && hash.memory() == PasswordHash::MEMORY);
    assert_eq!(PasswordHash::create(&secret(""), [0; 16]), Err(PasswordError::Length));
    assert_eq!(PasswordHash::create(&secret(&"x".repeat(1025)), [0; 16]), Err(PasswordError::Length));
}

/// Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1` (RFC 9106).
#[test]
fn a_hash_of_the_reference_implementation() {
    let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hash = PasswordHash::parse(phc).unwrap();
    assert!(hash.verify(&secret("password")));
    assert!(!hash.verify(&secret("passwore")));
    assert!(!hash.is_own(), "at other costs than ours");
}

#[test]
fn what_other_systems_hashed_is_known_again_and_nothing_else() {
    for (scheme, by, text) in VECTORS {
        let hash = PasswordHash::parse(text).unwrap_or_else(|e| panic!("{by}: {text}: {e}"));
        assert_eq!(hash.scheme(), scheme, "{by}");
        assert!(!hash.is_own(), "{by}");
        assert!(hash.verify(&secret(PASSWORD)), "{by}: {text}");
        for wrong in ["Segreta-123 pero", "segreta-123 però", "Segreta-123 però ", "Segreta-123 però\0", "", "x"] {
            assert!(!hash.verify(&secret(wrong)), "{by}: {wrong:?}");
        }
    }
}

#[test]
fn forms_that_are_seldom() {
    for (text, password) in [
        // openssl passwd -1, -apr1, -5, -6 with -salt abcd
        ("$1$abcd$dL7IbItdgVktVCtDbqWu/0", "Segreta-123"),
        ("$apr1$abcd$rPk.FuR7UPYDGTL8fqoH41", "Segreta-123"),
        ("$5$abcd$3l4XymD1BdDW1CyS1GXzrQOYsxn8fRPb6bqRvRrSsx1", "Segreta-123"),
        (
            "$6$abcd$4lMuq3CmLPB9yOm6DO9namzxr.w7Bl.eikT/kngy9J2nYqZbz/nC318zSEdHu1YsKQzA5LDSpEiEnwdCK2qMY1",
            "Segreta-123",
        ),
        // bcrypt looks at 72 bytes: passlib, of a hundred.
        ("$2b$04$Q7DycgPIx0A5fFayzK8Sve9hojQ/x5NRSQJe9vj5EL5OHzPjOO7jK", &"x".repeat(100)),
        // A scheme in lower case; the digest in hexadecimal, and said so; base64 without padding.
        ("{ssha}6SNWr+od157aUSvWiA4ZuFunnIs3WiVj", PASSWORD),
        ("{SHA.HEX}39BB9264CAD675F05B7D38AF0CFEC5C7024E2F03", PASSWORD),
        ("{SHA}39bb9264cad675f05b7d38af0cfec5c7024e2f03", PASSWORD),
        ("{SHA.b64}ObuSZMrWdfBbfTivDP7FxwJOLwM=", PASSWORD),
        ("{SHA}ObuSZMrWdfBbfTivDP7FxwJOLwM", PASSWORD),
        ("{MD5}SrbG7xjvkWCxzrtXuTcrXw==", PASSWORD),
    ] {
        let hash = PasswordHash::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(hash.verify(&secret(password)), "{text}");
        assert!(!hash.verify(&secret("altra")), "{text}");
    }
}

#[test]
fn what_is_no_hash_or_of_no_known_scheme_is_refused_by_name() {
    for text in
        ["{PLAIN}segreta", "{cleartext}segreta", "{CLEAR}con spazi e però", "{PLAIN-TRUNC}x", "{PLAIN.B64}cGlwcG8="]
    {
        let error = error(text);
        assert!(matches!(error, PasswordError::Clear(_)), "{text}: {error}");
        assert!(error.to_string().contains("in chiaro") && !error.to_string().contains("segreta"), "{error}");
    }
    for (text, named) in [
        ("{CRAM-MD5}26db442783da42658a80968e00056da3cea6a63a3b790ab6a249869f7f74f346", "CRAM-MD5"),
        ("{SCRAM-SHA-256}4096,CqXRQH9ZrtLrb7ohHMhQ7g==,D6zH", "SCRAM-SHA-256"),
        ("{DES-CRYPT}WJ/nCzOoPeZv6", "DES-CRYPT"),
        ("{CRYPT}abnq5idvcFooo", "DES-CRYPT"),
        ("abnq5idvcFooo", "DES-CRYPT"),
        ("{CRYPT}$2x$05$abcdefghijklmnopqrstuuRPWOgbds0BM4ICBZyyyteJlKEyMyAHK", "2x"),
        ("$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D", "7"),
        ("$argon2d$v=19$m=1024,t=2,p=2$qlVKqXVOKYWQEqIUwhgDYA$Ogjwa2GKAvnpjLSJ39UO33XeafY1MSx6GEv4R/2zGbs", "argon2d"),
        ("{SHA.UTF7}ObuSZMrWdfBbfTivDP7FxwJOLwM=", "SHA.UTF7"),
        ("{NTLM}0123", "NTLM"),
    ] {
        assert_eq!(error(text), PasswordError::Unknown(named.into()), "{text}");
    }
    for text in ["", "segreta", "5f4dcc3b5aa765d61d8327deb882cf99", "!", "*", "$", "{", "{}", "x".repeat(513).as_str()]
    {
        assert!(matches!(error(text), PasswordError::NoScheme | PasswordError::Unknown(_)), "{text}");
    }
}

/// A truncated hash proves less than it seems: bcrypt's, crypt's and digests' are taken whole or not at all.
#[test]
fn a_hash_is_taken_whole_or_not_at_all() {
    for (_, by, text) in VECTORS {
        for end in 0..text.len() {
            // Base64 may lose its padding, a salt its last bytes: then it is another hash, and of another password.
            if let Ok(shorter) = PasswordHash::parse(&text[..end]) {
                let same = text[end..].bytes().all(|b| b == b'=');
                // Argon2 of another length is wholly another, and slow.
                let dear = shorter.memory() > 0;
                assert!(dear || shorter.verify(&secret(PASSWORD)) == same, "{by}: {}", &text[..end]);
            }
        }
        for more in ["$", "$x", "=", ":", " ", "à"] {
            assert!(PasswordHash::parse(&format!("{text}{more}")).is_err(), "{by} with {more:?}");
        }
    }
}

#[test]
fn costs_are_bounded() {
    let (bcrypt, argon) = (
        "abcdefghijklmnopqrstuuRPWOgbds0BM4ICBZyyyteJlKEyMyAHK",
        "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    );
    let sha = "saltstring$GHRQK2klilcw.cRAolEDm/k/BdvuhpUlqIGT8bkwQn/";
    let pbkdf2 = "E6IUQuh9b22tNQZASAnBGA$bPhtJzG4wJcUhb.OuJOrwYEwOnyElVChjdjQgflSYaI";
    for fine in [
        format!("$2b$13${bcrypt}"),
        format!("$5$rounds=1000000${sha}"),
        format!("$pbkdf2-sha256$1500000${pbkdf2}"),
        format!("$argon2id$v=19$m=65536,t=6,p=8${argon}"),
        "$y$jAT$saltsaltsalt$NBvqLnFdqYGqCR26x/d5Je.l31/YIgxPnNTLvlEU4E.".to_owned(),
    ] {
        PasswordHash::parse(&fine).unwrap_or_else(|e| panic!("{fine}: {e}"));
    }
    for dear in [
        format!("$2b$14${bcrypt}"),
        format!("$2b$31${bcrypt}"),
        format!("$2b$03${bcrypt}"),
        format!("$5$rounds=1000001${sha}"),
        format!("$5$rounds=4294967295${sha}"),
        format!("$5$rounds=10${sha}"),
        format!("$pbkdf2-sha256$1500001${pbkdf2}"),
        format!("$argon2id$v=19$m=65537,t=1,p=1${argon}"),
        format!("$argon2id$v=19$m=65536,t=7,p=1${argon}"),
        format!("$argon2id$v=19$m=8,t=4294967295,p=1${argon}"),
        format!("$argon2id$v=19$m=65536,t=1,p=9${argon}"),
        "$y$jDT$saltsaltsalt$NBvqLnFdqYGqCR26x/d5Je.l31/YIgxPnNTLvlEU4E.".to_owned(),
    ] {
        assert!(matches!(error(&dear), PasswordError::Cost(..)), "{dear}");
    }
    for broken in [
        format!("$2b$4294967296${bcrypt}"),
        format!("$2b$+5${bcrypt}"),
        format!("$5$rounds=99999999999${sha}"),
        format!("$pbkdf2-sha256$0${pbkdf2}"),
        format!("$argon2id$v=19$m=0,t=0,p=0${argon}"),
        // A digest that is longer than the function's is as many times as dear.
        format!("$pbkdf2$1500$E6IUQuh9b22tNQZASAnBGA${}", "A".repeat(86)),
        "$y$j9T1234$saltsaltsalt$NBvqLnFdqYGqCR26x/d5Je.l31/YIgxPnNTLvlEU4E.".to_owned(),
        "$y$.9T$saltsaltsalt$NBvqLnFdqYGqCR26x/d5Je.l31/YIgxPnNTLvlEU4E.".to_owned(),
        format!("{{SSHA}}{}", "A".repeat(400)),
    ] {
        assert!(matches!(error(&broken), PasswordError::Format(_)), "{broken}");
    }
}

/// No part of a hash or of what was taken for one is ever shown.
#[test]
fn no_error_shows_what_was_given() {
    for text in ["segretissima", "{SSHA}segretissima", "$2b$99$segretissima", "$6$segretissima", "{PLAIN}segretissima"]
    {
        assert!(!error(text).to_string().contains("segretissima"), "{text}");
    }
    let unknown = error(&format!("{{{}}}x", "A".repeat(100))).to_string();
    assert!(!unknown.contains(&"A".repeat(33)), "{unknown}");
}

proptest! {
    #[test]
    fn whatever_is_given_is_read_or_refused(text in "(\\{[A-Z0-9.-]{0,14}\\})?(\\$?(1|2b|5|6|y|apr1|pbkdf2-sha256|argon2id)?\\$)?[ -~à]{0,120}") {
        if let Ok(hash) = PasswordHash::parse(&text) {
            prop_assert!(hash.memory() <= 64 << 20 && hash.scheme() != "?");
        }
    }

    /// One character that differs makes another hash, or none.
    #[test]
    fn no_character_is_idle(vector in 0..VECTORS.len(), at in any::<prop::sample::Index>(), to in "[./0-9A-Za-z]") {
        let (scheme, by, text) = VECTORS[vector];
        // What is slow, and bits that base64 and crypt leave over.
        prop_assume!(!["yescrypt", "argon2i", "argon2id"].contains(&scheme));
        let begin = text.rfind('$').map_or(text.find('}').unwrap_or(0) + 1, |at| at + 1);
        let at = begin + at.index(text.len() - begin);
        let other = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        prop_assume!(!other.eq_ignore_ascii_case(text));
        if let Ok(hash) = PasswordHash::parse(&other) {
            let last_bits = scheme == "bcrypt" && (at + 1 == text.len() || at + 32 == text.len());
            prop_assert!(last_bits || !hash.verify(&secret(PASSWORD)), "{by}: {other}");
        }
    }
}
