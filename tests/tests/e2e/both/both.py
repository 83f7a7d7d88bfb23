"""Says the same to two IMAP servers, and compares what they answer. Arguments: the script (script.txt says how it is
written), and both servers as JSON: [{"host", "plain", "tls", "password", "users"}, …], theirs first. Ends with 1, and with
what stands in the script too much or too little, where they differ otherwise than it says."""
import base64, datetime, difflib, hashlib, hmac, json, os, re, socket, ssl, sys, threading, zlib

# Seconds: for an answer, and for what comes by itself.
LIMIT, PATIENCE = 60, 8


# What a server says: atoms are str, strings bytes, lists lists.

class Atom(str):
    pass


def parsed(text, at=0, close=b""):
    """The values from here to the bracket that closes, and where they end. Literals stand as their size, CRLF, octets."""
    values = []
    while at < len(text):
        c = text[at:at + 1]
        if c == close:
            return values, at + 1
        if c in (b" ", b"\r", b"\n"):
            at += 1
        elif c == b"(":
            inner, at = parsed(text, at + 1, b")")
            values.append(inner)
        elif c == b'"':
            end = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(text, at)
            values.append(re.sub(rb"\\(.)", rb"\1", end[1]))
            at = end.end()
        elif literal := re.compile(rb"~?\{(\d+)\}\r\n").match(text, at):
            at = literal.end() + int(literal[1])
            values.append(text[literal.end():at])
        else:
            atom = re.compile(rb"[^ ()\[\"\r\n]*(?:\[(?:[^\]\"]|\"[^\"]*\")*\][^ ()\r\n]*)?").match(text, at)
            assert atom.end() > at, text[at:]
            values.append(Atom(atom[0].decode()))
            at = atom.end()
    return values, at


def shown(value):
    if isinstance(value, list):
        return "(" + " ".join(map(shown, value)) + ")"
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
        if len(text) > 300:
            return '"%s… %d %s"' % (text[:40].replace("\r\n", "␍"), len(value), hashlib.sha256(value).hexdigest()[:16])
        return '"%s"' % text.replace("\r\n", "␍").replace("\n", "␊")
    return value


# What may differ from server to server, and what has no order, is brought to one form.

def numbers(text):
    told = []
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        told += range(int(first), int(last or first) + 1) if int(first) <= int(last or first) else range(int(last), int(first) + 1)
    return told


def ranges(told):
    pieces = []
    for n in told:
        if pieces and pieces[-1][1] + 1 == n:
            pieces[-1][1] = n
        else:
            pieces.append([n, n])
    return ",".join("%d" % a if a == b else "%d:%d" % (a, b) for a, b in pieces)


def instant(text):
    when = datetime.datetime.strptime(text.decode().strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(datetime.timezone.utc)
    now = datetime.datetime.now(datetime.timezone.utc)
    return Atom("now" if abs(now - when) < datetime.timedelta(hours=1) else when.strftime("%Y-%m-%dT%H:%M:%SZ"))


def lower(value):
    if isinstance(value, list):
        return [lower(v) for v in value]
    return value.lower() if isinstance(value, bytes) else Atom(value.upper())


def item(name, value):
    """An item of FETCH."""
    name = Atom(re.sub(r'"([^"]*)"', r"\1", name).upper())
    if name == "FLAGS":
        value = sorted(value, key=str.lower)
    elif name in ("INTERNALDATE", "SAVEDATE") and isinstance(value, bytes):
        value = instant(value)
    elif name in ("BODYSTRUCTURE", "BODY"):
        value = lower(value)
    elif name == "MODSEQ":
        value = [Atom("<modseq %s>" % value[0])]
    return name, value


def code(text):
    """A response code, without its brackets."""
    name, _, rest = text.partition(" ")
    name = name.upper()
    if name in ("UIDVALIDITY",):
        rest = "<v>"
    elif name in ("HIGHESTMODSEQ",):
        rest = "<modseq %s>" % rest
    elif name in ("APPENDUID", "COPYUID"):
        _, *sets = rest.split(" ")
        rest = " ".join(["<v>"] + [ranges(numbers(s)) for s in sets])
    elif name == "MODIFIED":
        rest = ranges(sorted(numbers(rest)))
    elif name == "CAPABILITY":
        # What is in it stands at the beginning: which of them both have.
        rest = ""
    elif name in ("PERMANENTFLAGS", "BADCHARSET"):
        rest = "(" + " ".join(sorted(rest.strip("()").split(), key=str.lower)) + ")"
    elif name == "MAILBOXID":
        rest = "<id>"
    return "[%s]" % (name + " " + rest).strip()


def pairs(flat, known=item):
    return sorted((known(flat[i], flat[i + 1]) for i in range(0, len(flat) - 1, 2)), key=lambda pair: pair[0])


def status(name, value):
    name = Atom(name.upper())
    kept = {"UIDVALIDITY": "<v>", "HIGHESTMODSEQ": "<modseq %s>" % value, "MAILBOXID": "<id>"}
    return name, Atom(kept.get(name, value))


def listed(values):
    kind, attributes, delimiter, name, *more = values
    told = [kind, Atom("(" + " ".join(sorted(a.lower() for a in attributes)) + ")"), delimiter, named(name)]
    if more:
        told.append([Atom("%s %s" % (shown(k), shown(v))) for k, v in pairs(more[0], lambda k, v: (named(k), v))])
    return told


def named(value):
    return value if isinstance(value, (bytes, list)) else str(value).encode()


def esearch(values):
    told, rest = [values[0]], values[1:]
    if rest and isinstance(rest[0], list):
        # Whose answer it is; the tags are the same on both sides.
        told.append([Atom("TAG"), rest.pop(0)[1]])
    if rest and rest[0].upper() == "UID":
        told.append(rest.pop(0))
    for name, value in pairs(rest, lambda k, v: (Atom(k.upper()), v)):
        if name == "ALL":
            value = Atom(ranges(sorted(numbers(value)) if "SORT" not in told else numbers(value)))
        told += [name, Atom("<modseq %s>" % value) if name == "MODSEQ" else value]
    return told


def canonical(line, tag):
    """A response in the one form."""
    head, _, rest = line.partition(b" ")
    words = rest.split(b" ", 2)
    kind = words[0].upper().strip()
    if head == b"+":
        return "+"
    if head == tag or kind in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
        said = re.match(rb"\w+ \[((?:[^\]\"]|\"[^\"]*\")*)\]", rest)
        whose = "*" if head == b"*" else "tag"
        return " ".join([whose, kind.decode()] + ([code(said[1].decode())] if said else []))
    values, _ = parsed(rest)
    if len(values) > 1 and str(values[1]).upper() == "FETCH":
        items = [v for pair in pairs(values[2]) for v in pair]
        return "* %s FETCH %s" % (values[0], shown(items))
    kind = str(values[0]).upper()
    if kind in ("LIST", "LSUB"):
        values = listed(values)
    elif kind == "STATUS":
        values = [values[0], named(values[1]), [v for pair in pairs(values[2], status) for v in pair]]
    elif kind in ("FLAGS",):
        values = [values[0], sorted(values[1], key=str.lower)]
    elif kind in ("CAPABILITY", "ENABLED"):
        values = [values[0]] + sorted(values[1:])
    elif kind in ("SEARCH", "SORT"):
        end = ["<modseq %s>" % v[1] for v in values if isinstance(v, list)]
        found = [v for v in values[1:] if not isinstance(v, list)]
        values = [values[0]] + (sorted(found, key=int) if kind == "SEARCH" else found) + [Atom(e) for e in end]
    elif kind == "ESEARCH":
        values = esearch(values)
    elif kind == "VANISHED":
        values = values[:-1] + [Atom(ranges(sorted(numbers(values[-1]))))]
    elif kind in ("METADATA", "QUOTA", "QUOTAROOT", "ACL", "MYRIGHTS", "LISTRIGHTS"):
        values = custody(kind, values)
    return "* " + " ".join(map(shown, values))


def custody(kind, values):
    if kind == "METADATA":
        entries = values[2] if isinstance(values[2], list) else values[2:]
        if isinstance(values[2], list):
            entries = [v for pair in pairs(entries, lambda k, v: (named(k), v)) for v in pair]
        return [values[0], named(values[1]), entries]
    if kind == "QUOTA":
        three = [[values[2][i + j] for j in range(3)] for i in range(0, len(values[2]), 3)]
        return [values[0], named(values[1])] + sorted(three)
    if kind == "ACL":
        held = [[named(values[i]), Atom("".join(sorted(str(values[i + 1]))))] for i in range(2, len(values), 2)]
        return [values[0], named(values[1])] + sorted(held)
    if kind in ("MYRIGHTS", "LISTRIGHTS"):
        keep = 2 if kind == "MYRIGHTS" else 3
        rights = ["".join(sorted(v if isinstance(v, str) else v.decode())) for v in values[keep:]]
        return [values[0]] + [named(v) for v in values[1:keep]] + [Atom(r or '""') for r in sorted(rights)]
    return [values[0]] + [named(v) for v in values[1:]]


def settled(lines):
    """What tells of messages keeps its order; anything else may come in any."""
    ordered = re.compile(r"\* \d+ |\* VANISHED|\* ESEARCH|\* BYE")
    ends = [line for line in lines if line.startswith(("tag", "+"))]
    rest = [line for line in lines if not line.startswith(("tag", "+"))]
    return sorted(line for line in rest if not ordered.match(line)) + [line for line in rest if ordered.match(line)] + ends


# The client.

class Connection:
    def __init__(self, server, user, name):
        self.server, self.user, self.count = server, user, 0
        plain = name.startswith("plain")
        # From another address than its own: what comes from that needs no TLS, says Dovecot.
        at = (server["host"], server["plain" if plain else "tls"])
        self.raw = socket.create_connection(at, timeout=LIMIT, source_address=("127.0.0.2", 0))
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes, self.inflate, self.deflate = b"", None, None
        if not plain:
            self.secure()
        self.greeting = self.line()
        self.idle = None
        if not name.startswith(("plain", "bare")):
            assert self.does(b'LOGIN "%s" "%s"' % (user.encode(), server["password"].encode()), {}, {})[-1].split()[1] == b"OK"

    def secure(self):
        self.raw = ssl._create_unverified_context().wrap_socket(self.raw)

    def compress(self):
        self.inflate, self.deflate = zlib.decompressobj(-15), zlib.compressobj(9, zlib.DEFLATED, -15)
        self.bytes = self.inflate.decompress(self.bytes)

    def send(self, octets):
        if self.deflate:
            octets = self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.raw.sendall(octets)

    def more(self):
        octets = self.raw.recv(1 << 16)
        if not octets:
            raise EOFError
        self.bytes += self.inflate.decompress(octets) if self.inflate else octets

    def line(self):
        """A response with its literals, without the last CRLF; nothing at the end."""
        at = 0
        try:
            while True:
                while (end := self.bytes.find(b"\r\n", at)) < 0:
                    self.more()
                literal = re.search(rb"\{(\d+)\}$", self.bytes[at:end])
                if not literal:
                    break
                at = end + 2 + int(literal[1])
                while len(self.bytes) < at:
                    self.more()
        except EOFError:
            assert not self.bytes, self.bytes
            return b""
        line, self.bytes = self.bytes[:end], self.bytes[end + 2:]
        return line

    def until(self, *ends):
        told = []
        while True:
            line = self.line()
            if not line:
                return told + [b"* closed"]
            told.append(line)
            if line.startswith(ends):
                return told

    def waits(self, begin):
        """What comes by itself, up to a line that begins so."""
        self.raw.settimeout(PATIENCE)
        try:
            return self.until(begin)
        except TimeoutError:
            return [b"* nothing"]
        finally:
            self.raw.settimeout(LIMIT)

    def does(self, command, letters, known):
        """Says a command, its literals too; gives what is answered, up to the tag or to what waits for more."""
        if command == b"DONE":
            self.send(b"DONE\r\n")
            return self.until(self.tag + b" ")
        self.count += 1
        self.tag = b"t%d" % self.count
        pieces = re.split(rb"(~?\{[a-z]\w*\+?\})", command)
        self.send(self.tag + b" ")
        for piece in pieces:
            literal = re.fullmatch(rb"(~?)\{([a-z]\w*)(\+?)\}", piece)
            if not literal:
                self.send(piece)
                continue
            text = letters[literal[2].decode()]
            self.send(b"%s{%d%s}\r\n" % (literal[1], len(text), literal[3]))
            if not literal[3]:
                told = self.until(b"+", self.tag + b" ")
                if not told[-1].startswith(b"+"):
                    return told
            self.send(text)
        self.send(b"\r\n")
        verb = command.split(b" ")[0].upper()
        if verb == b"AUTHENTICATE":
            return self.authenticate(command.split(b" ")[1:])
        told = self.until(self.tag + b" ", *([b"+"] if verb == b"IDLE" else []))
        fine = told[-1].startswith(self.tag + b" OK")
        if verb == b"STARTTLS" and fine:
            self.secure()
        if verb == b"COMPRESS" and fine:
            self.compress()
        return told

    def authenticate(self, words):
        answers = mechanism(words[0].upper(), self.user.encode(), self.server["password"].encode())
        next(answers)
        told = []
        while True:
            told += self.until(b"+", self.tag + b" ")
            if not told[-1].startswith(b"+"):
                return told
            answer = answers.send(base64.b64decode(told[-1][2:]))
            self.send((answer if answer == b"*" else base64.b64encode(answer)) + b"\r\n")


def mechanism(name, user, password):
    """Takes challenges, gives responses (RFC 4616, 7677); what it does not know it breaks off."""
    challenge = yield b""
    if name == b"PLAIN":
        challenge = yield b"\0" + user + b"\0" + password
    elif name == b"LOGIN":
        challenge = yield user
        challenge = yield password
    elif name == b"SCRAM-SHA-256":
        bare = b"n=%s,r=%s" % (user, base64.b64encode(os.urandom(18)))
        challenge = yield b"n,," + bare
        said = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(said[b"s"]), int(said[b"i"]))
        mac = lambda key, text: hmac.new(key, text, "sha256").digest()
        end = b"c=biws,r=" + said[b"r"]
        proven = b",".join([bare, challenge, end])
        key = mac(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), proven)))
        challenge = yield end + b",p=" + base64.b64encode(proof)
        told = base64.b64decode(dict([challenge.split(b"=", 1)])[b"v"])
        assert told == mac(mac(salted, b"Server Key"), proven), "the server does not prove itself"
        yield b""
    while True:
        yield b"*"


# The script.

class Step:
    def __init__(self, where, connection, command):
        self.where, self.connection, self.command = where, connection, command
        self.theirs, self.ours, self.why = [], [], ""


class Rule:
    """What may be everywhere: a line of one side, or (with a text) a piece of one."""
    def __init__(self, where, side, pattern, text):
        self.where, self.side, self.pattern, self.text, self.used = where, side, pattern, text, False


def read(path):
    """Letters, rules for everywhere, and the steps by section."""
    letters, rules, sections, steps = {}, [], {}, None
    lines = open(path, encoding="utf-8").read().split("\n")
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if begin := re.fullmatch(r"<<(\w+)", line):
            end = lines.index(">>", at)
            letters[begin[1]] = "\r\n".join(lines[at:end] + [""]).encode()
            at = end + 1
        elif text := re.fullmatch(r"<(\w+)=(.*)", line):
            letters[text[1]] = text[2].encode()
        elif begin := re.fullmatch(r"\[(.*)\]", line):
            assert begin[1] not in sections, line
            steps = sections[begin[1]] = []
        elif line.startswith("#") or not line.strip():
            continue
        elif rule := re.fullmatch(r"everywhere ([-+]) /(.*?)/(?:(.*)/)? = RFC .*", line):
            rules.append(Rule(at, rule[1], re.compile(rule[2]), rule[3]))
        elif say := re.fullmatch(r"(\w*)([>?]) ?(.*)", line):
            steps.append(Step(at, say[1] or "1", (say[2], say[3])))
        elif line[:2] in ("- ", "+ "):
            (steps[-1].theirs if line[0] == "-" else steps[-1].ours).append(line[2:])
        elif line.startswith("= "):
            assert line.startswith("= RFC "), "%d: no clause: %s" % (at, line)
            steps[-1].why = line
        else:
            raise SystemExit("%d: what is this? %s" % (at, line))
    return letters, rules, sections


def play(server, user, steps, letters):
    """What this server answers to each step."""
    connections, known, told = {}, {}, []
    password = server["password"]
    known["user"], known["password"] = user, password
    known["plain"] = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
    for step in steps:
        here = connections.get(step.connection)
        said = []
        if here is None:
            here = connections[step.connection] = Connection(server, user, step.connection)
            if step.connection.startswith(("plain", "bare")):
                said = [here.greeting]
        way, text = step.command
        text = re.sub(r"\$(\w+)", lambda m: known.get(m[1], m[0]), text)
        if way == "?":
            said += here.waits(text.encode())
        elif keep := re.fullmatch(r"KEEP (\w+) AS (\w+)", text):
            known[keep[2]] = known[keep[1]]
        else:
            said += here.does(text.encode(), letters, known)
        everything = b"\n".join(said).decode("utf-8", "replace")
        for name, pattern in [("uidvalidity", r"UIDVALIDITY (\d+)"), ("highest", r"HIGHESTMODSEQ (\d+)"), ("modseq", r"MODSEQ \(?(\d+)")]:
            for found in re.findall(pattern, everything):
                known[name] = found
        if os.environ.get("SAY"):
            print(step.where, text, *said, sep="\n    ")
        told.append([canonical(line, getattr(here, "tag", b"")).replace(user, "$user") for line in said])
    return ranked(told)


def ranked(told):
    """Mod-sequences by their order among all that were told; 0 and 1 stay, they have a meaning (RFC 7162 §3.1.2.2)."""
    values = sorted({int(v) for lines in told for line in lines for v in re.findall(r"<modseq (\d+)>", line)})
    rank = {v: "m%d" % n for n, v in enumerate(values, 1)}
    return [settled([re.sub(r"<modseq (\d+)>", lambda m: rank[int(m[1])], line) for line in lines]) for lines in told]


def forms(line, side, rules):
    """What a line may stand for, with the rules that say so; nothing (None) is one of it, too."""
    found, open = {line: ()}, [line]
    while open:
        line = open.pop()
        for rule in rules:
            if rule.side == side and rule.pattern.search(line):
                form = None if rule.text is None else rule.pattern.sub(rule.text, line).replace(" )", ")")
                if form not in found:
                    found[form] = found[line] + (rule,)
                    open += [form] if form else []
    return found


def differing(theirs, ours, rules):
    """The lines of each that the other has not, and that no rule explains."""
    lines = [line for line in difflib.ndiff(theirs, ours, None, None) if line[0] in "-+"]
    theirs, ours = ([line[2:] for line in lines if line[0] == side] for side in "-+")
    for line in theirs[:]:
        mine = forms(line, "-", rules)
        for other in ours:
            known = forms(other, "+", rules)
            same = next((form for form in mine if form and form in known), None)
            if same:
                for rule in mine[same] + known[same]:
                    rule.used = True
                theirs.remove(line)
                ours.remove(other)
                break
    for side, lines in (("-", theirs), ("+", ours)):
        for line in lines[:]:
            known = forms(line, side, rules)
            if None in known:
                for rule in known[None]:
                    rule.used = True
                lines.remove(line)
    return [theirs, ours]


def compared(steps, both, rules):
    wrong = []
    for step, theirs, ours in zip(steps, *both):
        told = differing(theirs, ours, rules)
        if told != [step.theirs, step.ours]:
            known = ["    %s %s" % (side, line) for side, lines in (("-", step.theirs), ("+", step.ours)) for line in lines]
            now = ["%s %s" % (side, line) for side, lines in zip("-+", told) for line in lines]
            wrong.append("\n".join(["line %d: %s" % (step.where, step.command[1])] + known + now))
        elif (step.theirs or step.ours) and not step.why:
            wrong.append("line %d: a difference without its clause" % step.where)
    return wrong


def announced(server, user):
    """Every capability that it announces anywhere: before TLS, before the login and behind it."""
    told = set()
    for name in ("plain", "bare", "1"):
        words = Connection(server, user, name).does(b"CAPABILITY", {}, {})[0].decode().upper().split()[2:]
        told |= {"RIGHTS=" + "".join(sorted(w[7:].lower())) if w.startswith("RIGHTS=") else w for w in words}
    return told


def main():
    letters, rules, sections = read(sys.argv[1])
    servers = json.loads(sys.argv[2])
    only = sys.argv[3:]
    common = set.intersection(*(announced(server, server["users"][0]) for server in servers))
    wrong = ["%s: both announce it, and no script is there" % name for name in sorted(common - {name.split(" ")[0] for name in sections})]
    start = sections.pop("start")
    wrong += ["%s: a script of what not both announce" % name for name in sections if name.split(" ")[0] not in common]
    for n, (name, steps) in enumerate(sections.items()):
        if only and name not in only:
            continue
        both = [None, None]
        failed = []
        def one(i):
            try:
                both[i] = play(servers[i], servers[i]["users"][n], start + steps, letters)
            except Exception as error:
                failed.append("[%s]: %s: %r" % (name, ["theirs", "ours"][i], error))
                if os.environ.get("SAY"):
                    raise
        threads = [threading.Thread(target=one, args=(i,)) for i in range(len(servers))]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        wrong += failed or ["[%s] %s" % (name, what) for what in compared(start + steps, both, rules)]
    if not only:
        wrong += ["line %d: differs nowhere any more" % rule.where for rule in rules if not rule.used]
    print("\n\n".join(wrong))
    print("%d capabilities of both, %d sections, %d steps" % (len(common), len(sections), sum(map(len, sections.values()))))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
