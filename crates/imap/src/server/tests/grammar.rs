//! What the grammar has and what it has not, where a session once took the one for the other.

use super::*;

#[test]
fn what_the_grammar_has_not_is_bad() {
    selected().script(
        "C: a STORE 1 ++FLAGS (\\Seen)
         S: a BAD …
         C: b STORE 1 +-FLAGS (\\Seen)
         S: b BAD …
         C: c FETCH 1 FLAGS
         S: * 1 FETCH (FLAGS ())
         S: c OK …
         C: d LIST  *
         S: d BAD …
         C: e LSUB \"\" \n         S: e BAD …
         C: f SEARCH ON 31-Feb-2026
         S: f BAD …
         C: g SEARCH RETURN (MIN ) ALL
         S: g BAD …
         C: h LIST (SUBSCRIBED ) \"\" *
         S: h BAD …
         C> i REPLACE 0 INBOX {8+}\\r\\nX: y\\r\\n\\r\\n\\r\\n
         S: i BAD …
         C> j REPLACE 1:2 INBOX {8+}\\r\\nX: y\\r\\n\\r\\n\\r\\n
         S: j BAD …
         C: k ENABLE QRESYNC
         S: * ENABLED QRESYNC
         S: * OK [HIGHESTMODSEQ …
         S: k OK …
         C: l SELECT INBOX (QRESYNC (7 1 1:*))
         S: l BAD …
         C: m SELECT INBOX (QRESYNC (0 1))
         S: m BAD …
         C: n FETCH 1:* UID
         S: * 1 FETCH (UID 1)
         S: * 2 FETCH (UID 2)
         S: n OK …",
    );
}

/// RFC 3501 §9: `flag` does not include `\Recent`.
#[test]
fn recent_is_no_flag_that_a_client_names() {
    selected().script(
        "C: a STORE 1 +FLAGS (\\Recent)
         S: a BAD …
         C: b STORE 1 FLAGS \\Seen \\recent
         S: b BAD …
         C: c APPEND INBOX (\\Seen \\Recent) {8}
         S: c BAD …
         C: d FETCH 1:* FLAGS
         S: * 1 FETCH (FLAGS ())
         S: * 2 FETCH (FLAGS ())
         S: d OK …
         C: e SEARCH RECENT
         S: * SEARCH
         S: e OK …",
    );
}

#[test]
fn what_the_grammar_has_is_taken() {
    selected().script(
        "C> a REPLACE * INBOX {8+}\\r\\nX: y\\r\\n\\r\\n\\r\\n
         S: * OK [APPENDUID 7 3] …
         S: * 2 EXPUNGE
         S: * 2 EXISTS
         S: * 0 RECENT
         S: a OK …
         C: b ENABLE X!/Y$ CONDSTORE
         S: * ENABLED CONDSTORE
         S: * OK [HIGHESTMODSEQ …
         S: b OK …
         C> c SETMETADATA INBOX (/shared/x ~{3+}\\r\\na\\0b /shared/y ~{1+}\\r\\nc)\\r\\n
         S: c OK …
         C: d GETMETADATA INBOX (/shared/x /shared/y)
         S: * METADATA INBOX (\"/shared/x\" ~{3}
         S: a…
         S: d OK …",
    );
}
