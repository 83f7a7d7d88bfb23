//! Several persons at one mailbox: what each may do in its folders (BOX-08, RFC 4314), how much fits (RFC 9208).

use std::sync::Arc;

use sigillo_accounts::{Credential, CredentialName, Kind, PasswordHash, Rights};
use sigillo_base::{MailboxId, Secret};
use sigillo_engine::{Engine, FolderRights, Peer, RightsChange, front};
use sigillo_imap::Deed;
use sigillo_store::{MemoryStore, tag};
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::street::Street;
use sigillo_tests::wire::{Wire, engine_with_password};

use super::check::assert_clean;
use super::rows;

pub const ANNA: &str = "anna@comune-alfa.example";
const PASSWORD: &str = "una frase lunga";

/// Anna's mailbox, herself at one client, Dora at another.
pub struct Office {
    pub street: Street,
    pub engine: Arc<Engine<MemoryStore>>,
    pub mailbox: MailboxId,
    pub anna: Wire,
    pub dora: Wire,
}

impl Office {
    pub fn new(seed: u64) -> Self {
        let street = Street::new(seed);
        let engine = engine_with_password(&street.houses[0], &address(ANNA), PASSWORD);
        let mailbox = street.houses[0].login(&address(ANNA)).mailbox;
        let hash = PasswordHash::create(&Secret::new(PASSWORD.into()), [8; 16]).expect("a hash");
        let dora = Credential::new(Kind::Personal, Rights::ALL, hash.into(), NOW.as_millis());
        engine.add_credential(mailbox, &dora_name(), &dora).expect("a credential");
        let enter = |user: &str| {
            let mut wire =
                Wire::new(front::imap(Arc::clone(&engine), Peer::LOCAL, true, Default::default()), street.now);
            wire.hear();
            assert!(wire.say(format!("a LOGIN {user} \"{PASSWORD}\"\r\n")).contains("a OK"));
            wire
        };
        let (anna, dora) = (enter(ANNA), enter(&format!("{ANNA}/dora")));
        Self { street, engine, mailbox, anna, dora }
    }

    /// Dora's rights, in a folder or everywhere else.
    pub fn dora_may(&self, folder: Option<&str>, letters: &str) {
        let rights = FolderRights::parse(letters).expect("letters");
        self.engine.grant(self.mailbox, folder, &dora_name(), RightsChange::Set(rights)).expect("granted");
    }

    pub fn store(&self) -> &MemoryStore {
        &self.street.houses[0].store
    }
}

pub fn dora_name() -> CredentialName {
    CredentialName::parse("dora").expect("a name")
}

pub fn ok(wire: &mut Wire, command: &str) -> String {
    let answer = wire.say(format!("t {command}\r\n"));
    assert!(answer.contains("t OK"), "{command}: {answer}");
    answer
}

pub fn no(wire: &mut Wire, command: &str, code: &str) -> String {
    let answer = wire.say(format!("t {command}\r\n"));
    assert!(answer.contains(&format!("t NO [{code}]")), "{command}: {answer}");
    answer
}

const APPEND: &str = "{18+}\r\nSubject: x\r\n\r\nciao";

/// Each command, and what it does to a folder (`{}`): its rights are those of all its deeds.
const COMMANDS: [(&[Deed], &[&str]); 20] = [
    (&[Deed::Show], &["SUBSCRIBE {}"]),
    (&[Deed::Read], &["EXAMINE {}"]),
    (&[Deed::Read], &["SELECT {}"]),
    (&[Deed::Read], &["STATUS {} (MESSAGES)"]),
    (&[Deed::Read], &["GETQUOTAROOT {}"]),
    (&[Deed::Note], &["GETMETADATA {} /shared/comment"]),
    (&[Deed::Note], &["SETMETADATA {} (/private/comment \"x\")"]),
    (&[Deed::Read], &["SELECT {}", "COPY 1 Altra"]),
    (&[Deed::Fill], &["APPEND {} {18+}\r\nSubject: x\r\n\r\nciao"]),
    (&[Deed::Fill], &["SELECT Altra", "COPY 1 {}"]),
    (&[Deed::Read, Deed::Empty], &["SELECT {}", "MOVE 1 Altra"]),
    (&[Deed::Read, Deed::Expunge], &["SELECT {}", "EXPUNGE"]),
    (&[Deed::Branch], &["CREATE {}/Sotto"]),
    (&[Deed::Remove], &["DELETE {}"]),
    (&[Deed::Remove], &["RENAME {} {}x"]),
    (&[Deed::Administer], &["GETACL {}"]),
    (&[Deed::Administer], &["SETACL {} dora +p"]),
    (&[Deed::Administer], &["DELETEACL {} dora"]),
    (&[Deed::Administer], &["LISTRIGHTS {} dora"]),
    (&[Deed::Annotate], &["SETMETADATA {} (/shared/comment \"x\")"]),
];

#[test]
fn each_command_wants_its_rights_and_no_other() {
    let mut office = Office::new(31);
    ok(&mut office.anna, "CREATE Altra");
    ok(&mut office.anna, &format!("APPEND Altra {APPEND}"));
    let mut cells = 0;
    for (deeds, commands) in COMMANDS {
        let needs = deeds.iter().fold(FolderRights::NONE, |all, deed| all.and(deed.needs()));
        for missing in FolderRights::ALL.each() {
            cells += 1;
            let folder = format!("P{cells}");
            ok(&mut office.anna, &format!("CREATE {folder}"));
            ok(&mut office.anna, &format!("APPEND {folder} (\\Deleted) {APPEND}"));
            office.dora_may(Some(&folder), &FolderRights::ALL.without(missing).to_string());
            let mut last = String::new();
            for command in commands {
                let words = command.replace("{}", &folder);
                last = office.dora.say(format!("t {words}\r\n"));
                if !last.contains("t OK") {
                    break;
                }
            }
            let cell = format!("{commands:?} without {missing}: {last}");
            let code = if missing == FolderRights::LOOKUP { "NONEXISTENT" } else { "NOPERM" };
            if needs.has(missing) {
                assert!(last.contains(&format!("t NO [{code}]")), "{cell}");
            } else {
                assert!(last.contains("t OK"), "{cell}");
            }
        }
    }
    assert_eq!(cells, COMMANDS.len() * 11);
    office.anna.say("t UNSELECT\r\n");
    assert_clean(office.store(), "all that");
}

#[test]
fn flags_that_are_out_of_reach_stay_and_nothing_within_is_refused() {
    let mut office = Office::new(32);
    ok(&mut office.anna, &format!("APPEND INBOX (\\Flagged) {APPEND}"));
    for (letters, permanent, stored, flags) in [
        ("lrs", "\\Seen", "FLAGS (\\Seen \\Answered)", "\\Flagged \\Seen"),
        ("lrt", "\\Deleted", "+FLAGS (\\Deleted \\Draft)", "\\Flagged \\Deleted"),
        ("lrw", "\\Answered \\Flagged \\Draft \\*", "FLAGS (\\Seen \\Answered fatto)", "\\Answered fatto"),
    ] {
        office.dora_may(Some("INBOX"), letters);
        let selected = ok(&mut office.dora, "SELECT INBOX");
        assert!(selected.contains(&format!("PERMANENTFLAGS ({permanent})")), "{letters}: {selected}");
        assert!(selected.contains("[READ-WRITE]"), "{letters}: {selected}");
        let answer = ok(&mut office.dora, &format!("STORE 1 {stored}"));
        assert!(answer.contains(&format!("FLAGS ({flags})")), "{letters}: {answer}");
        ok(&mut office.anna, "SELECT INBOX");
        ok(&mut office.anna, "STORE 1 FLAGS (\\Flagged)");
    }
    office.dora_may(Some("INBOX"), "lrs");
    ok(&mut office.dora, "SELECT INBOX");
    no(&mut office.dora, "STORE 1 +FLAGS (\\Deleted)", "NOPERM");
    // What comes in carries only the flags that its bearer may set there.
    office.dora_may(Some("INBOX"), "lris");
    ok(&mut office.dora, &format!("APPEND INBOX (\\Seen \\Draft x) {APPEND}"));
    let fetched = ok(&mut office.dora, "FETCH 2 FLAGS");
    assert!(fetched.contains("FLAGS (\\Seen)"), "{fetched}");
}

/// RFC 4314 §4, RFC 5464 §3.3, RFC 9208 §4.1.2: where one right of several is enough, and where no folder is needed.
#[test]
fn one_right_of_several_is_enough() {
    let mut office = Office::new(34);
    for (letters, asks, notes) in [
        ("s", false, false),
        ("wtep", false, false),
        ("k", true, false),
        ("r", true, false),
        ("l", true, false),
        ("la", true, false),
        ("lx", true, false),
        ("li", true, true),
        ("lp", true, true),
        ("ls", true, true),
        ("lr", true, true),
    ] {
        office.dora_may(Some("Bozze"), letters);
        let rights = office.dora.say("t MYRIGHTS Bozze\r\n");
        assert_eq!(rights.contains("t OK"), asks, "{letters}: {rights}");
        for command in ["GETMETADATA Bozze /shared/x", "SETMETADATA Bozze (/private/x \"1\")"] {
            let answer = office.dora.say(format!("t {command}\r\n"));
            assert_eq!(answer.contains("t OK"), notes, "{letters} {command}: {answer}");
        }
    }
    // A quota is there for what is not, or is not shown; the numbers of what is shown are for who reads it.
    for (letters, ok) in [("", true), ("l", false), ("lr", true)] {
        office.dora_may(Some("Bozze"), letters);
        let answer = office.dora.say("t GETQUOTAROOT Bozze\r\n");
        assert_eq!(answer.contains("* QUOTAROOT Bozze \"\"\r\n"), ok, "{letters}: {answer}");
    }
    assert!(super::rights::ok(&mut office.dora, "GETQUOTAROOT Nessuna").contains("* QUOTAROOT Nessuna \"\"\r\n"));
}

#[test]
fn who_only_reads_leaves_no_trace() {
    let mut office = Office::new(33);
    ok(&mut office.anna, &format!("APPEND INBOX {APPEND}"));
    office.dora_may(None, "lr");
    let selected = ok(&mut office.dora, "SELECT INBOX");
    assert!(selected.contains("[READ-ONLY]") && selected.contains("PERMANENTFLAGS ()"), "{selected}");
    assert!(ok(&mut office.dora, "FETCH 1 BODY[TEXT]").contains("ciao"));
    no(&mut office.dora, "STORE 1 +FLAGS (\\Seen)", "READ-ONLY");
    no(&mut office.dora, "CREATE Nuova", "NOPERM");
    office.dora_may(Some("Bozze"), "l");
    let list = ok(&mut office.dora, "LIST \"\" (INBOX Bozze) RETURN (STATUS (MESSAGES) MYRIGHTS)");
    assert!(list.contains("STATUS INBOX (MESSAGES 1)") && list.contains("MYRIGHTS INBOX lr\r\n"), "{list}");
    assert!(list.contains("MYRIGHTS Bozze l\r\n") && !list.contains("STATUS Bozze"), "{list}");
    assert!(ok(&mut office.anna, "STATUS INBOX (UNSEEN)").contains("UNSEEN 1"));
    // With the one right more, what one has read the others see as read: the box is one.
    office.dora_may(None, "lrs");
    ok(&mut office.dora, "SELECT INBOX");
    ok(&mut office.dora, "FETCH 1 BODY[TEXT]");
    assert!(ok(&mut office.anna, "STATUS INBOX (UNSEEN)").contains("UNSEEN 0"));
    // Without any, there is nothing.
    office.dora_may(None, "");
    assert!(!ok(&mut office.dora, "LIST \"\" *").contains("INBOX"));
    no(&mut office.dora, "SELECT INBOX", "NONEXISTENT");
    no(&mut office.dora, "MYRIGHTS INBOX", "NONEXISTENT");
}

#[test]
fn who_closes_without_the_right_to_expunge_expunges_nothing() {
    let mut office = Office::new(34);
    ok(&mut office.anna, &format!("APPEND INBOX (\\Deleted) {APPEND}"));
    office.dora_may(None, "lrst");
    ok(&mut office.dora, "SELECT INBOX");
    ok(&mut office.dora, "CLOSE");
    assert!(ok(&mut office.anna, "STATUS INBOX (MESSAGES)").contains("MESSAGES 1"));
    ok(&mut office.anna, "SELECT INBOX");
    ok(&mut office.anna, "CLOSE");
    assert!(ok(&mut office.anna, "STATUS INBOX (MESSAGES)").contains("MESSAGES 0"));
}

#[test]
fn rights_are_given_by_who_administers_and_the_owner_keeps_his() {
    let mut office = Office::new(35);
    let who = format!("{ANNA}/dora");
    assert!(ok(&mut office.anna, "MYRIGHTS INBOX").contains("MYRIGHTS INBOX lrswipkxteacd"));
    assert!(ok(&mut office.dora, "MYRIGHTS INBOX").contains("MYRIGHTS INBOX lrswipkxtecd"), "all but giving them");
    no(&mut office.dora, "GETACL INBOX", "NOPERM");
    let acl = ok(&mut office.anna, "GETACL INBOX");
    assert!(acl.contains(&format!("* ACL INBOX {ANNA} lrswipkxteacd {who} lrswipkxtecd")), "{acl}");
    ok(&mut office.anna, &format!("SETACL INBOX {who} lra"));
    assert!(ok(&mut office.anna, "GETACL INBOX").contains(&format!("{who} lra")));
    // She administers now: she may give herself more, and take nothing from Anna.
    ok(&mut office.dora, "SETACL INBOX dora +s");
    assert!(ok(&mut office.dora, "MYRIGHTS INBOX").contains("lrsa"));
    no(&mut office.dora, &format!("SETACL INBOX {ANNA} r"), "NOPERM");
    no(&mut office.dora, &format!("DELETEACL INBOX {ANNA}"), "NOPERM");
    assert!(ok(&mut office.dora, &format!("LISTRIGHTS INBOX {ANNA}")).contains(&format!("{ANNA} lrswipkxteacd\r\n")));
    assert!(ok(&mut office.dora, "LISTRIGHTS INBOX dora").contains("dora \"\" l r s w i p k x t e a c d"));
    for nobody in ["chi", "anyone", "bruno@ente-beta.example", "bruno@ente-beta.example/dora"] {
        no(&mut office.anna, &format!("SETACL INBOX {nobody} lr"), "NONEXISTENT");
    }
    ok(&mut office.anna, "DELETEACL INBOX dora");
    assert!(!ok(&mut office.anna, "GETACL INBOX").contains("dora"), "no right at all, not those of elsewhere");
    no(&mut office.dora, "STATUS INBOX (MESSAGES)", "NONEXISTENT");
    ok(&mut office.dora, "STATUS Bozze (MESSAGES)");
    // Who is revoked has none to be given.
    office.engine.revoke_credential(office.mailbox, &dora_name(), NOW).expect("revoked");
    no(&mut office.anna, "SETACL INBOX dora lr", "NONEXISTENT");
    assert_clean(office.store(), "giving and taking");
}

#[test]
fn rights_follow_their_folder_and_begin_with_those_above() {
    let mut office = Office::new(36);
    for command in ["CREATE Pratiche", "SETACL Pratiche dora lrk", "CREATE Pratiche/2026/Marzo", "CREATE Altra"] {
        ok(&mut office.anna, command);
    }
    assert!(ok(&mut office.dora, "MYRIGHTS Pratiche/2026/Marzo").contains("lrkc"));
    assert!(ok(&mut office.dora, "MYRIGHTS Altra").contains("lrswipkxtecd"), "at the top nothing is said");
    ok(&mut office.anna, "RENAME Pratiche/2026 Anno");
    assert!(ok(&mut office.dora, "MYRIGHTS Anno/Marzo").contains("lrkc"));
    no(&mut office.dora, "DELETE Anno/Marzo", "NOPERM");
    assert_eq!(rows::of(office.store(), tag::GRANT).len(), 3);
    for command in ["DELETE Anno/Marzo", "DELETE Anno"] {
        ok(&mut office.anna, command);
    }
    assert_eq!(rows::of(office.store(), tag::GRANT).len(), 1, "they went with their folders");
    let grants = office.engine.grants(office.mailbox).expect("read");
    let told: Vec<_> = grants.iter().map(|g| (g.folder.as_deref(), g.rights.to_string())).collect();
    assert_eq!(told, [(None, "lrswipkxte".to_owned()), (Some("Pratiche"), "lrk".to_owned())]);
    assert!(
        office
            .engine
            .grant(office.mailbox, None, &CredentialName::owner(), RightsChange::Set(FolderRights::NONE))
            .is_err()
    );
    assert_clean(office.store(), "folders came and went");
}

#[test]
fn the_quota_is_that_of_the_profile_and_the_use_is_exact() {
    let mut office = Office::new(37);
    let quota =
        |used: u64, messages: u64| format!("* QUOTA \"\" (STORAGE {used} {} MESSAGE {messages} 4294967295)", 3 << 20);
    assert!(ok(&mut office.anna, "GETQUOTAROOT INBOX").contains(&quota(0, 0)));
    ok(&mut office.anna, &format!("APPEND INBOX {APPEND}"));
    ok(&mut office.anna, &format!("APPEND Bozze {{1025+}}\r\n{}", "x".repeat(1025)));
    assert!(ok(&mut office.anna, "GETQUOTA \"\"").contains(&quota(2, 2)), "1043 octets");
    ok(&mut office.anna, "SELECT Bozze");
    ok(&mut office.anna, "STORE 1 +FLAGS.SILENT (\\Deleted)");
    let status = ok(&mut office.anna, "STATUS Bozze (DELETED DELETED-STORAGE)");
    assert!(status.contains("DELETED 1 DELETED-STORAGE 1025"), "{status}");
    ok(&mut office.anna, "EXPUNGE");
    assert!(ok(&mut office.anna, "GETQUOTA \"\"").contains(&quota(1, 1)));
    no(&mut office.anna, "SETQUOTA \"\" (STORAGE 1)", "NOPERM");
    rows::fill(office.store(), office.mailbox, 3 << 30);
    no(&mut office.anna, &format!("APPEND INBOX {APPEND}"), "OVERQUOTA");
    ok(&mut office.anna, "SELECT INBOX");
    no(&mut office.anna, "COPY 1 Bozze", "OVERQUOTA");
    assert!(ok(&mut office.anna, "GETQUOTA \"\"").contains(&format!("STORAGE {0} {0}", 3 << 20)));
}
