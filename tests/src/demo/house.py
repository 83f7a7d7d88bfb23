# How every script of the end-to-end tests begins: the demonstration it talks to, and its mailboxes.
# Arguments: demo.json. Standard input: what is asked, as JSON. Standard output: the answer, as JSON.
import base64, email, email.policy, imaplib, json, re, smtplib, socket, ssl, sys, threading, time

demo = json.load(open(sys.argv[1]))
ask = json.load(sys.stdin)
tls = ssl.create_default_context(cafile=demo["ca_file"])
boxes = {}
for provider in demo["providers"]:
    for one in [provider["service_mailbox"]] + provider["mailboxes"]:
        boxes[one["address"]] = (provider, one["password"])


def answer(value):
    json.dump(value, sys.stdout)


def at(provider, role):
    host, port = provider[role].rsplit(":", 1)
    return host, int(port)


def reader(address):
    provider, password = boxes[address]
    client = imaplib.IMAP4_SSL(*at(provider, "imaps"), ssl_context=tls, timeout=30)
    client.login(address, password)
    return client


def sender(address, role="submissions"):
    provider, password = boxes[address]
    host, port = at(provider, role)
    if role == "submissions":
        client = smtplib.SMTP_SSL(host, port, local_hostname="client.example", context=tls, timeout=60)
    else:
        client = smtplib.SMTP(host, port, local_hostname="client.example", timeout=60)
        client.starttls(context=tls)
    client.login(address, password)
    return client


def transaction(client, mail_from, to, message, announce=False):
    """One SMTP transaction, up to the first refusal: what was answered, and to what."""
    def said(step, reply):
        return {"step": step, "code": reply[0], "text": reply[1].decode("utf-8", "replace")}
    try:
        options = ["size=%d" % len(message)] if announce else []
        reply = client.mail(mail_from, options)
        if reply[0] >= 400:
            return said("mail", reply)
        for one in to:
            reply = client.rcpt(one)
            if reply[0] >= 400:
                client.rset()
                return said("rcpt", reply)
        return said("data", client.data(message))
    except smtplib.SMTPDataError as e:
        return {"step": "data", "code": e.smtp_code, "text": str(e.smtp_error)}
    except (smtplib.SMTPServerDisconnected, OSError) as e:
        return {"step": "lost", "code": 0, "text": repr(e)}


def submit_all(mails):
    clients, answers = {}, []
    for mail in mails:
        key = (mail["user"], mail["role"])
        if key not in clients:
            clients[key] = sender(*key)
        message = base64.b64decode(mail["message"])
        got = transaction(clients[key], mail["mail_from"] or mail["user"], mail["to"], message)
        answers.append(got)
        if got["step"] == "lost":
            del clients[key]
    for client in clients.values():
        client.quit()
    return answers


def text_of(message):
    for part in message.walk():
        if part.get_content_type() == "text/plain" and not part.is_attachment():
            return part.get_content()
    return ""


def piece(uid, raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found = {"uid": uid, "raw": base64.b64encode(raw).decode(), "daticert": None, "text": text_of(message)}
    found["kind"] = str(message["X-Ricevuta"] or message["X-Trasporto"] or "")
    found["reference"] = str(message["X-Riferimento-Message-ID"] or "")
    for name in ["Subject", "Message-ID", "From"]:
        found[name.lower().replace("-", "_")] = str(message[name] or "")
    for part in message.walk():
        if part.get_filename() == "daticert.xml" and found["daticert"] is None:
            found["daticert"] = part.get_payload(decode=True).decode("utf-8")
    return found


def look(client, uid, reference):
    """A message, unless it refers to another one."""
    if reference:
        kind, data = client.uid("FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS (X-RIFERIMENTO-MESSAGE-ID)])")
        if reference not in data[0][1].decode():
            return None
    kind, data = client.uid("FETCH", str(uid), "(BODY.PEEK[])")
    return piece(uid, data[0][1])


def inbox(ask):
    """All of an INBOX, or what refers to one message; waits until kinds are there."""
    client = reader(ask["address"])
    client.select("INBOX", readonly=True)
    until, have = time.time() + ask["seconds"], {}
    while True:
        kind, data = client.uid("FETCH", "1:*", "(UID)") if client.noop() else None
        uids = [int(re.search(rb"UID (\d+)", line).group(1)) for line in data if line]
        for uid in uids:
            if uid not in have:
                have[uid] = look(client, uid, ask["reference"])
        found = [p for p in have.values() if p is not None]
        if set(ask["kinds"]) <= {p["kind"] for p in found} or time.time() >= until:
            client.logout()
            return found
        time.sleep(0.1)
