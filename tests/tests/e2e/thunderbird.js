// What Thunderbird is told to do, by its own means: it finds the INBOX, reads a message and marks it, and copies it.
// Arguments: what is asked, and who is told the answer.
const [ask, done] = arguments;

const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

/** Asks again and again, at most twenty seconds, until there is an answer. */
async function until(what, question) {
  for (let n = 0; n < 200; n++) {
    const answer = question();
    if (answer) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("not within twenty seconds: " + what);
}

/** A message's text, as the server gives it. */
function read(folder, header) {
  const uri = folder.getUriForMsg(header);
  const stream = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
  return new Promise((resolve, reject) => {
    let text = "";
    const listener = {
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
      onStartRequest() {},
      onStopRequest(_, status) {
        Components.isSuccessCode(status) ? resolve(text) : reject(new Error("not read: " + status.toString(16)));
      },
      onDataAvailable(_, input, from, octets) {
        stream.init(input);
        text += stream.read(octets);
      },
    };
    MailServices.messageServiceFromURI(uri).streamMessage(uri, listener, null, null, false, "", false);
  });
}

const shown = (folder) => [...folder.messages].map((m) => [m.mime2DecodedSubject, m.isRead, m.isFlagged]);

async function session() {
  const server = MailServices.accounts.getAccount("account1").incomingServer;
  server.password = ask.password;
  server.performExpand(null);
  const root = server.rootFolder;
  const inbox = await until("the INBOX", () => root.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox));
  await until("its messages", () => {
    inbox.updateFolder(null);
    return [...inbox.messages].length === ask.messages;
  });
  const sent = await until("another folder", () => root.getChildNamed(ask.other));
  const told = { folders: root.descendants.map((f) => f.name).sort(), messages: shown(inbox) };
  const header = [...inbox.messages].find((m) => m.mime2DecodedSubject === ask.subject);
  told.text = await read(inbox, header);
  inbox.markMessagesRead([header], true);
  inbox.markMessagesFlagged([header], true);
  MailServices.copy.copyMessages(inbox, [header], sent, false, null, null, false);
  told.copied = await until("the copy", () => {
    sent.updateFolder(null);
    return [...sent.messages].length ? shown(sent) : null;
  });
  return told;
}

session().then(done, (error) => done({ error: String(error), stack: error.stack }));
