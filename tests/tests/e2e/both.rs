//! What Dovecot and Sigillo both announce, both do alike: the same commands are said to both, and their answers compared, line
//! by line. `both/script.txt` has the commands, and every difference that may be, with the clause that allows ours.

use std::path::Path;

use serde_json::json;
use sigillo_tests::demo::run;

use crate::rates::served;
use crate::transfer_remote::Theirs;

/// What Dovecot can do and does not do of itself, and the folders that our mailboxes begin with.
const SETTINGS: &str = "ssl = required
mail_plugins = quota zlib acl
mail_attribute_dict = file:%h/attributes
protocol imap {
 mail_plugins = quota zlib acl imap_quota imap_zlib imap_acl
 imap_metadata = yes
}
plugin {
 quota = count:
 quota_rule = *:storage=3G
 quota_vsizes = yes
 acl = vfile
}
namespace inbox {
 inbox = yes
 separator = /
 mailbox INBOX {
  auto = subscribe
 }
 mailbox Bozze {
  special_use = \\Drafts
  auto = subscribe
 }
 mailbox Cestino {
  special_use = \\Trash
  auto = subscribe
 }
 mailbox Inviata {
  special_use = \\Sent
  auto = subscribe
 }
}
";

#[test]
fn dovecot_and_sigillo_answer_alike() {
    let (sample, _guard) = served();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/both");
    let [script, client] = ["script.txt", "both.py"].map(|name| folder.join(name).display().to_string());
    let sections = std::fs::read_to_string(&script).expect("the script").lines().filter(|l| l.starts_with('[')).count();
    let users: Vec<String> = (1..=sections).map(|n| format!("c{n}@comune-esempio.example")).collect();
    let theirs = Theirs::start("sdbox", &users, SETTINGS);
    users.iter().for_each(|user| sample.add(user, "segreta"));
    let server = |plain: u16, tls: u16| json!({"host": "127.0.0.1", "plain": plain, "tls": tls, "password": "segreta", "users": users});
    let (here, there) = (sample.ports.base, theirs.ports.base);
    let both = json!([server(there, there + 1), server(here + 3, here + 4)]).to_string();
    let ran = run("python3", &[&client, &script, &both], b"", 110);
    assert_eq!(ran.code, Some(0), "{}", ran.all());
}
