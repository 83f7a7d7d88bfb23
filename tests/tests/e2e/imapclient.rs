//! A session of IMAPClient, the library that Python programs use, by its own words.

use serde_json::json;
use sigillo_tests::demo::{Demo, python_with};

const ANNA: &str = "anna@comune-alfa.example";

const SESSION: &str = r#"
from imapclient import IMAPClient

def client():
    provider, password = boxes[ask["who"]]
    c = IMAPClient("localhost", port=at(provider, "imaps")[1], ssl_context=tls, timeout=30)
    c.login(ask["who"], password)
    return c

def letter(name, more=""):
    return ("From: anna@x.example\r\nTo: b@x.example\r\nSubject: =?utf-8?q?perch=C3=A9_%s?=\r\nMessage-ID: <%s@x>\r\n%s"
            "Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\nCiao %s.\r\n" % (name, name, more, name)).encode()

out = {}
c = client()
out["folders"] = sorted(name for _, _, name in c.list_folders())
out["sent"] = c.find_special_folder(b"\\Sent")
c.create_folder("Pratiche/Perché")
c.subscribe_folder("Pratiche/Perché")
out["subscribed"] = "Pratiche/Perché" in [name for _, _, name in c.list_sub_folders()]
c.append("INBOX", letter("uno"))
c.append("INBOX", letter("due", "References: <uno@x>\r\n"))
out["append"] = "APPENDUID" in c.append("INBOX", letter("tre"), flags=[b"\\Seen"]).decode()
selected = c.select_folder("INBOX")
out["select"] = [selected[b"EXISTS"], selected[b"UIDNEXT"]]
out["search"] = [c.search("UNSEEN"), c.search(["SUBJECT", "perché due"], "UTF-8"), c.search(["BODY", "tre"])]
out["sort"] = c.sort(["REVERSE SUBJECT"])
out["thread"] = c.thread("REFERENCES")
got = c.fetch([2], ["ENVELOPE", "FLAGS", "BODY[]", "RFC822.SIZE", "BODYSTRUCTURE"])[2]
out["fetch"] = [got[b"BODY[]"] == letter("due", "References: <uno@x>\r\n"), got[b"RFC822.SIZE"] == len(got[b"BODY[]"]),
                got[b"ENVELOPE"].message_id.decode(), got[b"FLAGS"] == (b"\\Seen",), got[b"BODYSTRUCTURE"][0].decode()]
out["quota"] = sorted(q.resource for q in c.get_quota_root("INBOX")[1] if 0 < q.usage < q.limit)

other = client()
other.select_folder("INBOX")
c.idle()
other.add_flags([1], [b"\\Flagged", b"$Lavoro"])
other.append("INBOX", letter("quattro"))
heard, until = [], time.time() + 30
while time.time() < until and (4, b"EXISTS") not in heard:
    heard += c.idle_check(timeout=5)
c.idle_done()
out["idle"] = [(1, b"FETCH", (b"FLAGS", (b"\\Flagged", b"$Lavoro"))) in heard, (4, b"EXISTS") in heard]

c.move([1, 3], "Pratiche/Perché")
status = c.folder_status("INBOX", ["MESSAGES", "UNSEEN"])
out["move"] = [status[b"MESSAGES"], status[b"UNSEEN"]]
c.select_folder("Pratiche/Perché", readonly=True)
flags = c.get_flags(c.search())
out["moved"] = [sorted(flag.decode() for flag in flags[uid]) for uid in sorted(flags)]
c.unselect_folder()
c.select_folder("INBOX")
c.copy([2], "Bozze")
c.delete_messages([2])
c.uid_expunge([2])
out["left"] = c.search()
c.rename_folder("Pratiche/Perché", "Pratiche/Chiuse")
c.delete_folder("Pratiche/Chiuse")
out["end"] = sorted(name for _, _, name in c.list_folders() if name.startswith("Pratiche"))
out["copied"] = c.folder_status("Bozze", ["MESSAGES"])[b"MESSAGES"]
c.logout()
answer(out)
"#;

#[test]
fn imapclient_lists_appends_searches_threads_idles_moves_and_asks_for_its_quota() {
    let python = python_with("imapclient");
    let demo = Demo::start(&["--without", "beta"]);
    let told = demo.python_by(python, SESSION, &json!({"who": ANNA}), 100);
    let wanted = json!({
        "folders": ["Bozze", "Cestino", "INBOX", "Inviata"],
        "sent": "Inviata",
        "subscribed": true,
        "append": true,
        "select": [3, 4],
        "search": [[1, 2], [2], [3]],
        "sort": [1, 3, 2],
        "thread": [[1, 2], [3]],
        "fetch": [true, true, "<due@x>", true, "text"],
        "quota": ["MESSAGE", "STORAGE"],
        "idle": [true, true],
        "move": [2, 1],
        "moved": [["$Lavoro", "\\Flagged"], ["\\Seen"]],
        "left": [4],
        "end": ["Pratiche"],
        "copied": 1,
    });
    assert_eq!(told, wanted, "{told:#}");
}
