//! COPY and MOVE.

use super::*;

#[test]
fn copying_and_moving() {
    let mut client = selected();
    client.script(
        "C: a COPY 1:2 Archivio
         S: a NO [TRYCREATE] …
         C: b CREATE Archivio
         S: b OK …
         C: c COPY 1:2 Archivio
         S: c OK [COPYUID 7 1:2 1:2] …
         C: d UID COPY 99 Archivio
         S: d OK …
         C: e UID MOVE 1 Archivio
         S: * OK [COPYUID 7 1 3] …
         S: * 1 EXPUNGE
         S: e OK …
         C: f UID SEARCH ALL
         S: * SEARCH 2
         S: f OK …",
    );
    assert_eq!(client.toy.folders["Archivio"].messages.len(), 3);
}

fn crowded(messages: u32) -> Client {
    let mut toy = Toy::new();
    toy.create("Archivio", None).unwrap();
    for _ in 0..messages {
        toy.deliver("INBOX", PLAIN);
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client
}

#[test]
fn many_messages_go_by_pages() {
    let mut client = crowded(2_500);
    client.script(
        "C: a COPY 1:* Archivio
         S: a OK [COPYUID 7 1:2500 1:2500] COPY completed",
    );
    assert_eq!(client.toy.commits, 3);
    let told = client.ask("b MOVE 501:2500 Archivio");
    assert!(told.starts_with("* OK [COPYUID 7 501:2500 2501:4500] Moved\r\n* 2500 EXPUNGE\r\n"), "{}", &told[..80]);
    assert!(told.ends_with("* 501 EXPUNGE\r\nb OK MOVE completed\r\n"));
    client.ask("c STORE 1:* +FLAGS.SILENT (\\Deleted)");
    let told = client.ask("d EXPUNGE");
    assert_eq!(told.matches(" EXPUNGE\r\n").count(), 500);
}

#[test]
fn a_copy_that_breaks_off_leaves_nothing_and_a_move_loses_nothing() {
    let mut client = crowded(2_500);
    client.toy.pages = Some(2);
    client.script(
        "C: a COPY 1:* Archivio
         S: a NO [OVERQUOTA] …",
    );
    assert_eq!(client.toy.folders["Archivio"].messages.len(), 0);
    client.toy.pages = Some(1);
    client.script(
        "C: b MOVE 1:* Archivio
         S: * OK [COPYUID 7 1:1000 2001:3000] …
         S: b NO [OVERQUOTA] …",
    );
    assert_eq!(client.toy.folders["Archivio"].messages.len(), 1_000);
    assert_eq!(client.toy.folders["INBOX"].messages.len(), 1_500);
    assert_eq!(client.ask("c NOOP").matches(" EXPUNGE\r\n").count(), 1_000);
}

/// Whose target, when its first page is in, loses its name to another folder.
fn overtaken() -> Client {
    let mut client = crowded(2_500);
    client.toy.create("Altra", None).unwrap();
    for _ in 0..1_500 {
        client.toy.deliver("Altra", SECOND);
    }
    after_a_page(&mut client, |toy| {
        toy.rename("Archivio", "Vecchia").unwrap();
        toy.rename("Altra", "Archivio").unwrap();
    });
    client
}

fn after_a_page(client: &mut Client, others: fn(&mut Toy)) {
    client.toy.overtaken = Some(Box::new(move |toy| toy.overtaken = Some(Box::new(others))));
}

fn held(client: &Client, name: &str) -> usize {
    client.toy.folders[name].messages.len()
}

#[test]
fn a_target_is_the_same_folder_to_the_end_whatever_its_name_is_by_then() {
    let mut client = overtaken();
    client.script(
        "C: a COPY 1:* Archivio
         S: a OK [COPYUID 7 1:2500 1:2500] COPY completed",
    );
    assert_eq!((held(&client, "Vecchia"), held(&client, "Archivio")), (2_500, 1_500));
    let mut client = overtaken();
    let told = client.ask("b MOVE 1:* Archivio");
    assert!(told.starts_with("* OK [COPYUID 7 1:2500 1:2500] Moved\r\n"), "{}", &told[..80]);
    assert_eq!((held(&client, "Vecchia"), held(&client, "Archivio")), (2_500, 1_500));
    let mut client = overtaken();
    client.toy.pages = Some(1);
    client.script(
        "C: c COPY 1:* Archivio
         S: c NO [OVERQUOTA] …",
    );
    assert_eq!((held(&client, "Vecchia"), held(&client, "Archivio")), (0, 1_500), "no other mail goes");
}

#[test]
fn a_target_that_goes_between_two_pages_ends_the_copy() {
    let mut client = crowded(2_500);
    after_a_page(&mut client, |toy| toy.delete("Archivio").unwrap());
    let told = client.ask("a COPY 1:* Archivio");
    assert!(told.starts_with("a NO [NONEXISTENT] ") && !told.contains("rimasta"), "{told}");
    // Where UIDs began anew nobody knows whose they are.
    client.toy.create("Archivio", None).unwrap();
    after_a_page(&mut client, |toy| toy.at("Archivio").uid_validity += 1);
    let told = client.ask("b COPY 1:* Archivio");
    assert!(told.starts_with("b NO [NONEXISTENT] ") && told.contains("rimasta"), "{told}");
    assert_eq!(held(&client, "Archivio"), 1_000);
}
