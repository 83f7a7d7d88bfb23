//! QUOTA, ACL and METADATA: what is ruled and told about folders.

use std::collections::BTreeMap;

use super::toy::{Client, Toy};
use super::two;
use crate::{Code, Custody, FolderRights, Quota, Refusal, RightsChange};

/// What the toy rules: `anna` owns everything.
#[derive(Default)]
pub struct Kept {
    pub quota: Quota,
    pub acl: BTreeMap<(String, String), FolderRights>,
    pub notes: BTreeMap<(String, String), Vec<u8>>,
    /// What the user may do in whatever folder is open.
    pub mine: Option<FolderRights>,
    /// Moves with every change of theirs, and how often they were read.
    pub noted: u64,
    pub read: usize,
}

impl Toy {
    fn there(&self, name: &str) -> Result<(), Refusal> {
        if self.folders.contains_key(name) { Ok(()) } else { Err(Refusal::no_folder()) }
    }
}

impl Custody for Toy {
    fn quota(&mut self) -> Result<Quota, Refusal> {
        Ok(self.kept.quota)
    }
    fn quota_root(&mut self, _name: &str) -> Result<(), Refusal> {
        Ok(())
    }
    fn my_rights(&mut self, name: &str) -> Result<FolderRights, Refusal> {
        self.there(name).map(|()| FolderRights::ALL)
    }
    fn acl(&mut self, name: &str) -> Result<Vec<(String, FolderRights)>, Refusal> {
        self.there(name)?;
        let others =
            self.kept.acl.iter().filter(|((folder, _), rights)| folder == name && **rights != FolderRights::NONE);
        let others = others.map(|((_, who), rights)| (who.clone(), *rights));
        Ok([("anna".to_owned(), FolderRights::ALL)].into_iter().chain(others).collect())
    }
    fn set_acl(&mut self, name: &str, who: &str, change: RightsChange) -> Result<(), Refusal> {
        self.there(name)?;
        if who == "anna" {
            return Err(Refusal::new(Code::NoPerm, "Il titolare ha sempre tutti i diritti"));
        }
        let rights = self.kept.acl.entry((name.to_owned(), who.to_owned())).or_default();
        *rights = change.of(*rights);
        Ok(())
    }
    fn kept_rights(&mut self, name: &str, who: &str) -> Result<FolderRights, Refusal> {
        self.there(name)?;
        Ok(if who == "anna" { FolderRights::ALL } else { FolderRights::NONE })
    }
    fn annotations(&mut self, name: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
        self.kept.read += 1;
        let of = self.kept.notes.iter().filter(|((folder, _), _)| folder == name);
        Ok(of.map(|((_, entry), value)| (entry.clone(), value.clone())).collect())
    }
    fn annotated(&mut self) -> Option<u64> {
        Some(self.kept.noted)
    }
    fn annotate(&mut self, name: &str, entries: &[(String, Option<Vec<u8>>)]) -> Result<(), Refusal> {
        self.kept.noted += 1;
        for (entry, value) in entries {
            let key = (name.to_owned(), entry.clone());
            match value {
                Some(value) => drop(self.kept.notes.insert(key, value.clone())),
                None => drop(self.kept.notes.remove(&key)),
            }
        }
        Ok(())
    }
}

#[test]
fn quotas_are_told_in_units_of_1024_octets() {
    let mut client = two();
    client.toy.kept.quota = Quota { bytes: 1025, bytes_limit: 3 << 30, messages: 2, messages_limit: 4_294_967_295 };
    client.script(
        "C: a GETQUOTAROOT INBOX
         S: * QUOTAROOT INBOX \"\"
         S: * QUOTA \"\" (STORAGE 2 3145728 MESSAGE 2 4294967295)
         S: a OK …
         C: b GETQUOTA \"\"
         S: * QUOTA \"\" (STORAGE 2 3145728 MESSAGE 2 4294967295)
         S: b OK …
         C: b2 STATUS INBOX (DELETED DELETED-STORAGE)
         S: * STATUS INBOX (DELETED 0 DELETED-STORAGE 0)
         S: b2 OK …
         C: c GETQUOTA altra
         S: c NO [NONEXISTENT] …
         C: d GETQUOTAROOT Nessuna
         S: * QUOTAROOT Nessuna \"\"
         S: * QUOTA \"\" (STORAGE 2 3145728 MESSAGE 2 4294967295)
         S: d OK …
         C: e SETQUOTA \"\" (STORAGE 512)
         S: e NO [NOPERM] La quota e' quella del profilo della casella
         C: f SETQUOTA \"\" ()
         S: f NO [NOPERM] …
         C: g SETQUOTA \"\" STORAGE
         S: g BAD …
         C: h GETQUOTA
         S: h BAD …",
    );
}

#[test]
fn rights_are_given_taken_and_told() {
    two().script(
        "C: a MYRIGHTS INBOX
         S: * MYRIGHTS INBOX lrswipkxteacd
         S: a OK …
         C: b GETACL INBOX
         S: * ACL INBOX anna lrswipkxteacd
         S: b OK …
         C: c SETACL INBOX bruno lrd
         S: c OK …
         C: d SETACL INBOX \"con spazio\" +k
         S: d OK …
         C: e SETACL INBOX bruno -t
         S: e OK …
         C: f GETACL INBOX
         S: * ACL INBOX anna lrswipkxteacd bruno lred \"con spazio\" kc
         S: f OK …
         C: g DELETEACL INBOX bruno
         S: g OK …
         C: h SETACL INBOX \"con spazio\" \"\"
         S: h OK …
         C: i GETACL INBOX
         S: * ACL INBOX anna lrswipkxteacd
         S: i OK …
         C: j LISTRIGHTS INBOX bruno
         S: * LISTRIGHTS INBOX bruno \"\" l r s w i p k x t e a c d
         S: j OK …
         C: k LISTRIGHTS INBOX anna
         S: * LISTRIGHTS INBOX anna lrswipkxteacd
         S: k OK …
         C: l SETACL INBOX anna r
         S: l NO [NOPERM] …
         C: m SETACL INBOX -bruno r
         S: m NO [CANNOT] …
         C: n SETACL INBOX bruno rq
         S: n BAD …
         C: o SETACL INBOX bruno
         S: o BAD …
         C: p GETACL Nessuna
         S: p NO [NONEXISTENT] …
         C: q MYRIGHTS Nessuna
         S: q NO [NONEXISTENT] …
         C: r LIST \"\" * RETURN (MYRIGHTS)
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * MYRIGHTS INBOX lrswipkxteacd
         S: r OK …",
    );
}

/// RFC 4314 §5.1.1: rights hold from the next command, and who is told of flags is told of that.
#[test]
fn rights_that_change_while_a_folder_is_open_are_told() {
    let mut client = two();
    client.toy.kept.mine = FolderRights::parse("lrswite");
    assert!(client.ask("a SELECT INBOX").contains("a OK [READ-WRITE]"));
    assert_eq!(client.ask("b NOOP"), "b OK Done\r\n");
    client.toy.kept.mine = FolderRights::parse("lrs");
    client.script(
        "C: c FETCH 1 UID
         S: * OK [PERMANENTFLAGS (\\Seen)] …
         S: * 1 FETCH (UID 1)
         S: c OK …
         C: d NOOP
         S: d OK …",
    );
    client.toy.kept.mine = FolderRights::parse("lr");
    client.script(
        "C: e STORE 1 +FLAGS (\\Seen)
         S: * OK [PERMANENTFLAGS ()] …
         S: * OK [READ-ONLY] …
         S: e NO [READ-ONLY] …",
    );
    client.toy.kept.mine = FolderRights::parse("lrsw");
    client.script(
        "C: f STORE 1 +FLAGS (\\Seen)
         S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Seen \\Draft \\*)] …
         S: * OK [READ-WRITE] …
         S: * 1 FETCH (FLAGS (\\Seen))
         S: f OK …",
    );
    client.ask("g EXAMINE INBOX");
    client.toy.kept.mine = FolderRights::parse("lr");
    client.script("C: h NOOP\nS: * OK [PERMANENTFLAGS ()] …\nS: h OK …");
}

#[test]
fn annotations_are_set_found_and_removed() {
    two().script(
        "C> a SETMETADATA INBOX (/shared/comment \"Per tutti\" /Private/Comment {6+}\\r\\nmia\\r\\n!)\\r\\n
         S: a OK …
         C: b GETMETADATA INBOX /SHARED/comment
         S: * METADATA INBOX (\"/shared/comment\" \"Per tutti\")
         S: b OK …
         C: c GETMETADATA INBOX (/private/comment /shared/altro)
         S: * METADATA INBOX (\"/private/comment\" {6}
         S: mia
         S: ! \"/shared/altro\" NIL)
         S: c OK …
         C: d SETMETADATA \"\" (/private/filtri/uno \"1\" /private/filtri/uno/due \"22\" /private/filtri \"0\")
         S: d OK …
         C: e GETMETADATA (DEPTH 1) \"\" /private/filtri
         S: * METADATA \"\" (\"/private/filtri\" \"0\" \"/private/filtri/uno\" \"1\")
         S: e OK …
         C: f GETMETADATA (MAXSIZE 1 DEPTH infinity) \"\" (/private)
         S: * METADATA \"\" (\"/private/filtri\" \"0\" \"/private/filtri/uno\" \"1\")
         S: f OK [METADATA LONGENTRIES 2] …
         C: g GETMETADATA \"\" (DEPTH 0) /private/filtri/uno
         S: * METADATA \"\" (\"/private/filtri/uno\" \"1\")
         S: g OK …
         C: h SETMETADATA INBOX (/shared/comment NIL)
         S: h OK …
         C: i GETMETADATA INBOX /shared/comment
         S: * METADATA INBOX (\"/shared/comment\" NIL)
         S: i OK …
         C: j GETMETADATA (DEPTH infinity) INBOX /shared
         S: j OK …
         C: k SETMETADATA \"\" (/private/filtri NIL /shared/Admin \"mailto:x@y\")
         S: k NO [CANNOT] …
         C: l GETMETADATA \"\" (/private/filtri /shared/admin)
         S: * METADATA \"\" (\"/private/filtri\" \"0\" \"/shared/admin\" NIL)
         S: l OK …
         C: m SETMETADATA INBOX (/shared/admin \"of a folder it is an entry like any\")
         S: m OK …",
    );
}

#[test]
fn entries_that_are_none_are_refused() {
    let mut client = two();
    for name in
        ["/comment", "/shared//x", "/shared/", "/shared/a*", "/private/%", "/sharedx", "/shared", "\"/shared/\u{7}\""]
    {
        assert!(client.ask(&format!("a SETMETADATA INBOX ({name} \"x\")")).starts_with("a BAD"), "{name}");
    }
    for line in
        ["(MAXSIZE x) INBOX /shared/a", "(DEPTH 2) INBOX /shared/a", "INBOX", "INBOX ()", "(WIDTH 1) INBOX /shared/a"]
    {
        assert!(client.ask(&format!("a GETMETADATA {line}")).starts_with("a BAD"), "{line}");
    }
    let long = "x".repeat(8193);
    let answer = client.ask(&format!("a SETMETADATA INBOX (/shared/comment {{8193+}}\r\n{long})"));
    assert!(answer.starts_with("a NO [METADATA MAXSIZE 8192]"), "{answer}");
    assert_eq!(crate::MAX_ANNOTATION, 8192, "as the answer says");
    let many = vec!["/shared/a \"\""; 101].join(" ");
    assert!(client.ask(&format!("a SETMETADATA INBOX ({many})")).starts_with("a NO [METADATA TOOMANY]"));
    assert!(client.toy.kept.notes.is_empty());
}

#[test]
fn who_may_not_say_that_he_read_reads_all_the_same() {
    let mut client = two();
    client.toy.unflagged = true;
    client.ask("a SELECT INBOX");
    client.script(
        "C: b FETCH 1 BODY[TEXT]
         S: * 1 FETCH (BODY[TEXT] {6}
         S: ciao
         S: )
         S: b OK …
         C: c STORE 1 +FLAGS (\\Seen)
         S: c NO [NOPERM] …",
    );
}

#[test]
fn nothing_of_it_before_the_login() {
    let mut client = Client::new(true);
    client.script("S: * OK …");
    for command in ["GETQUOTA \"\"", "GETACL INBOX", "GETMETADATA INBOX /shared/a", "MYRIGHTS INBOX"] {
        assert!(client.ask(&format!("a {command}")).starts_with("a BAD"), "{command}");
    }
}
