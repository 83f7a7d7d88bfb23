use super::*;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[test]
fn who_logs_in_means_nothing_but_himself() {
    let filter =
        |who: &str| filled("(&(objectClass=person)(mail={address}))", &address(who), |t| ldap_escape(t).into());
    assert_eq!(filter("Anna@X.example"), "(&(objectClass=person)(mail=anna@x.example))");
    assert_eq!(filter("*@x.example"), r"(&(objectClass=person)(mail=\2a@x.example))");
    assert_eq!(
        filter(r#""*)(uid=*"@x.example"#),
        r#"(&(objectClass=person)(mail="\2a\29\28uid=\2a"@x.example))"#,
        "no clause of his own"
    );
    assert_eq!(filter(r#""a\\b"@x.example"#), r#"(&(objectClass=person)(mail="a\5c\5cb"@x.example))"#);
    let dn = |who: &str| filled("uid={user},ou=p,dc=x", &address(who), |t| dn_escape(t).into());
    assert_eq!(dn("anna@x.example"), "uid=anna,ou=p,dc=x");
    assert_eq!(dn(r#""a,ou=q+cn=b"@x.example"#), r"uid=\22a\2cou\3dq\2bcn\3db\22,ou=p,dc=x");
    // Braces are letters of a local part: what was filled in is not filled again.
    assert_eq!(filled("({user}|{address})", &address("{address}@x.example"), |t| t), "({address}|{address}@x.example)");
}

#[test]
fn a_code_that_says_nothing_of_the_user_is_no_refusal() {
    let said = |rc| LdapResult { rc, matched: String::new(), text: String::new(), refs: Vec::new(), ctrls: Vec::new() };
    assert!(judged(&said(0)).unwrap());
    for refused in [19, 32, 34, 48, 49, 50, 53] {
        assert!(!judged(&said(refused)).unwrap(), "{refused}");
    }
    // operationsError, timeLimitExceeded, referral, confidentialityRequired, busy, unavailable, other.
    for nothing in [1, 3, 10, 13, 51, 52, 80] {
        assert!(judged(&said(nothing)).is_err(), "{nothing}");
    }
}
