use super::*;

const TEXT: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n";

#[test]
fn a_policy_is_read_as_it_is_written() {
    let policy = Policy::parse(TEXT).unwrap();
    assert_eq!((policy.mode, policy.max_age.as_secs()), (Mode::Enforce, 604_800));
    assert_eq!(policy.mx, ["mail.example.com", "*.example.net"]);
    assert_eq!(policy.lines[0], "version: STSv1");
    let none = Policy::parse("version: STSv1\nmode: none\nmax_age: 0\nnew_key: x\n").unwrap();
    assert_eq!(none.mode, Mode::None);
}

#[test]
fn what_is_no_policy() {
    for (from, to) in [
        ("version: STSv1", "version: STSv2"),
        ("version: STSv1\r\n", ""),
        ("enforce", "strict"),
        ("mode: enforce\r\n", ""),
        ("604800", "-1"),
        ("604800", "31557601"),
        ("604800", "99999999999999999999999"),
        ("mx: mail.example.com\r\nmx: *.example.net\r\n", ""),
        ("mx: mail.example.com", "mx: *"),
        ("mx: mail.example.com", "mx: a.*.example.com"),
        ("mx: mail.example.com", "<html>"),
    ] {
        assert!(TEXT.contains(from));
        assert_eq!(Policy::parse(&TEXT.replace(from, to)), None, "{to}");
    }
}

#[test]
fn a_star_is_one_label() {
    let policy = Policy::parse(TEXT).unwrap();
    for (host, allowed) in [
        ("mail.example.com", true),
        ("mx.mail.example.com", false),
        ("mx.example.net", true),
        ("a.mx.example.net", false),
        ("example.net", false),
        (".example.net", false),
        ("xexample.net", false),
    ] {
        assert_eq!(policy.allows(host), allowed, "{host}");
    }
}

#[test]
fn one_record_announces_one_id() {
    let one = |records: &[&str]| id(&records.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>());
    assert_eq!(one(&["x", "v=STSv1; id=20160831085700Z;"]).as_deref(), Some("20160831085700Z"));
    assert_eq!(one(&["v=STSv1; more=x; id=1"]).as_deref(), Some("1"));
    for bad in
        [&["v=STSv1; id=1", "v=STSv1; id=2"][..], &["v=STSv2; id=1"], &["v=STSv1; id="], &["v=STSv1; id=a-b"], &[]]
    {
        assert_eq!(one(bad), None, "{bad:?}");
    }
    assert_eq!(one(&[&format!("v=STSv1; id={}", "a".repeat(33))]), None);
}
