//! COMPRESS.

use super::*;

#[test]
fn compressing() {
    let mut client = two();
    client.script(
        "C: a COMPRESS GZIP
         S: a BAD …
         # What is pipelined behind COMPRESS cannot be told apart from what is compressed, and is not obeyed.
         C> b COMPRESS DEFLATE\\r\\nc NOOP\\r\\n
         S: b OK …
         C: d COMPRESS DEFLATE
         S: d NO [COMPRESSIONACTIVE] …",
    );
    assert_eq!(client.log, ["compressed"]);
    let mut stranger = Client::new(true);
    stranger.script("S: * OK …\nC: a COMPRESS DEFLATE\nS: a BAD …");
}
