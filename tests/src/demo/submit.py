# Many clients submit at once, against a program that is killed meanwhile. What was sent is never sent again: whoever hears no
# answer knows as little as a user would. Answer: for each Message-ID who sent it to whom, and the code (0: none was heard).
import random
results, lock, todo = {}, threading.Lock(), list(range(ask["count"]))


def ready(client, who, to):
    """A connection in the middle of a transaction."""
    if client is None:
        client = sender(who)
    for code, said in [client.mail(who), client.rcpt(to), client.docmd("data")]:
        if code not in (250, 354):
            raise OSError("%d %r" % (code, said))
    return client


def work(seed):
    chance, client, who = random.Random("%d %d" % (ask["seed"], seed)), None, ask["from"][seed % len(ask["from"])]
    while True:
        with lock:
            if not todo or time.time() > ask["until"]:
                return
            n = todo.pop(0)
        to, mid = ask["to"][n % len(ask["to"])], "<kill-%d@client.example>" % n
        text = "From: %s\r\nTo: %s\r\nSubject: kill %d\r\nMessage-ID: %s\r\n\r\n%s\r\n" % (
            who, to, n, mid, "riga\r\n" * chance.randrange(1, ask["lines"]))
        while True:
            try:
                client = ready(client, who, to)
                break
            except (OSError, smtplib.SMTPException):
                client = None
                time.sleep(0.1)
                if time.time() > ask["until"]:
                    return
        try:
            client.send(text.encode() + b".\r\n")
            code = client.getreply()[0]
        except (OSError, smtplib.SMTPException):
            client, code = None, 0
        with lock:
            results[mid] = {"from": who, "to": to, "code": code}
        time.sleep(chance.uniform(0, ask["pause"]))


threads = [threading.Thread(target=work, args=(i,)) for i in range(ask["threads"])]
for t in threads:
    t.start()
for t in threads:
    t.join()
answer(results)
