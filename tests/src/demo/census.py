# Every message of every mailbox: kind and reference.
out = {}
for address in ask:
    client = reader(address)
    client.select("INBOX", readonly=True)
    kind, data = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (X-RICEVUTA X-TRASPORTO X-RIFERIMENTO-MESSAGE-ID)])")
    out[address] = []
    for item in data:
        if isinstance(item, tuple):
            header = email.message_from_bytes(item[1])
            kind = header["X-Ricevuta"] or header["X-Trasporto"] or "?"
            out[address].append([kind, header["X-Riferimento-Message-ID"] or "?"])
    client.logout()
answer(out)
