//! CREATE, DELETE, RENAME, LIST, LSUB, SUBSCRIBE.

use super::*;

#[test]
fn folders() {
    two().script(
        "C: a CREATE \"Perch&AOk-/2026/\"
         S: a OK …
         C: b CREATE inbox
         S: b NO [ALREADYEXISTS] …
         C: b2 CREATE Perch&AOk-/2026
         S: b2 NO [ALREADYEXISTS] La cartella esiste gia'
         C: b3 CREATE a//b
         S: b3 NO [CANNOT] …
         C: c LIST \"\" *
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * LIST (\\HasNoChildren) \"/\" Perch&AOk-/2026
         S: c OK …
         C: d LIST \"\" %
         S: * LIST (\\HasNoChildren) \"/\" INBOX
         S: * LIST (\\Noselect \\HasChildren) \"/\" Perch&AOk-
         S: d OK …
         C: e LIST \"\" \"\"
         S: * LIST (\\Noselect) \"/\" \"\"
         S: e OK …
         C: f UNSUBSCRIBE inBOX
         S: f OK …
         C: g LSUB \"\" *
         S: * LSUB (\\HasNoChildren) \"/\" Perch&AOk-/2026
         S: g OK …
         C: h RENAME Perch&AOk-/2026 \"Due parole\"
         S: h OK …
         C: i LIST Due %
         S: * LIST (\\HasNoChildren) \"/\" \"Due parole\"
         S: i OK …
         C: j DELETE INBOX
         S: j NO [CANNOT] …
         C: k DELETE \"Due parole\"
         S: k OK …
         C: l SELECT \"Due parole\"
         S: l NO [NONEXISTENT] …
         C: m SELECT &bad
         S: m NO [CANNOT] …",
    );
}
