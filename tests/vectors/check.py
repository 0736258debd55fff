"""Checks session and succession vectors of wire version 2, independently of the code that made them.

Written from docs/PROTOCOL.md alone (R… are its rules), Noise revision 34 and RFC 9496. From the secrets in a vector it
computes every handshake message, the hash and the keys as both sides do, opens and seals every record and follows the
frames. Usage: check.py [FILE…], by default those beside it (session-auth, session-pair, succession); needs the package
`cryptography`. Exit code 0: all holds, one line for each file; 1: a line on standard error says what differs; 2: a file
is unreadable or incomplete, or nothing can be checked here. Nothing is constant-time: for published secrets only.
"""

import hashlib
import hmac
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import ristretto
from ristretto import ORDER, decode, encode, multiply, one_way_map

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    sys.stderr.write("check.py needs the Python package cryptography; install it with pip\n")
    sys.exit(2)

CONTROLLER, HOST = SIDES = ("controller", "host")


class Mismatch(Exception):
    """The vector is not what the specification says."""


class Unusable(Exception):
    """Nothing can be checked."""


def require(holds: bool, what: str, expected: object, got: object) -> None:
    if not holds:
        raise Mismatch(f"{what}: expected {expected}, got {got}")


def same(what: str, expected: bytes, got: bytes) -> None:
    """Compares bytes. Of long ones it shows 32, from the first difference on."""
    at = 0
    if max(len(expected), len(got)) > 32:
        at = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), min(len(expected), len(got)))
        what = f"{what} (from byte {at} of {len(expected)})"
    shown = [data[at : at + 32].hex() or "no more bytes" for data in (expected, got)]
    require(expected == got, what, *shown)


# Handshakes, sections 2 to 4


def nonce(counter: int) -> bytes:
    """R5.2, and the same in Noise's ChaChaPoly."""
    return bytes(4) + counter.to_bytes(8, "little")


def public(secret: X25519PrivateKey) -> bytes:
    return secret.public_key().public_bytes_raw()


def lv(*parts: bytes) -> bytes:
    """R4.3. A length is one byte here: no part has 128."""
    return b"".join(bytes([len(part)]) + part for part in parts)


def cpace(code: bytes, sid: bytes, ya: int, yb: int) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """R4.3: Ya, Yb, Ta, Tb and psk, once both sides have found the same K."""
    dsi = b"CPaceRistretto255"
    zpad = bytes(max(0, 128 - 1 - len(lv(code)) - len(lv(dsi))))
    generator = one_way_map(hashlib.sha512(lv(dsi, code, zpad, b"opendesk v2 pairing", sid)).digest())
    share_a, share_b = encode(multiply(ya, generator)), encode(multiply(yb, generator))
    k = encode(multiply(ya, decode(share_b)))
    same("the host's K of CPace", k, encode(multiply(yb, decode(share_a))))
    require(k != bytes(32), "K of CPace", "another element", "the neutral one")  # R4.4
    side_a, side_b = lv(share_a, b"controller"), lv(share_b, b"host")
    isk = hashlib.sha512(lv(b"CPaceRistretto255_ISK", sid, k) + side_a + side_b).digest()
    mac = hashlib.sha512(b"CPaceMac" + sid + isk).digest()
    psk = HKDF(SHA512(), 32, None, b"opendesk v2 pairing psk").derive(isk)
    return share_a, share_b, hmac.digest(mac, side_a, "sha512"), hmac.digest(mac, side_b, "sha512"), psk


PATTERNS = {
    "IK": (("e", "es", "s", "ss"), ("e", "ee", "se")),
    "XXpsk0": (("psk", "e"), ("e", "ee", "s", "es"), ("s", "se")),
}


class Noise:
    """A handshake with empty payloads. The two sides' states differ in nothing but how they come to a Diffie-Hellman
    result, so there is one state, and both ways to each result. With these patterns it has a key whenever it seals.
    """

    def __init__(self, pattern: str, prologue: bytes, secrets: dict[str, X25519PrivateKey], psk: bytes = b"") -> None:
        """`secrets` has "s" and "e" of either side, as "controller s"."""
        name = f"Noise_{pattern}_25519_ChaChaPoly_SHA256".encode()
        self.hash = self.chain = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.steps, self.secrets, self.psk = iter(PATTERNS[pattern]), secrets, psk
        self.mix_hash(prologue)
        if pattern == "IK":
            self.mix_hash(public(secrets["host s"]))

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def derive(self, material: bytes, count: int) -> list[bytes]:
        """Noise's HKDF."""
        key, outputs = hmac.digest(self.chain, material, "sha256"), [b""]
        for number in range(1, count + 1):
            outputs.append(hmac.digest(key, outputs[-1] + bytes([number]), "sha256"))
        return outputs[1:]

    def mix_key(self, material: bytes) -> None:
        self.chain, self.key = self.derive(material, 2)
        self.counter = 0

    def seal(self, plaintext: bytes) -> bytes:
        sealed = ChaCha20Poly1305(self.key).encrypt(nonce(self.counter), plaintext, self.hash)
        self.counter += 1
        self.mix_hash(sealed)
        return sealed

    def message(self, sender: str) -> bytes:
        """The next message."""
        message = b""
        for token in next(self.steps):
            if token == "psk":
                self.chain, extra, self.key = self.derive(self.psk, 3)
                self.counter = 0
                self.mix_hash(extra)
            elif token == "e":
                ephemeral = public(self.secrets[f"{sender} e"])
                self.mix_hash(ephemeral)
                if self.psk:
                    self.mix_key(ephemeral)
                message += ephemeral
            elif token == "s":
                message += self.seal(public(self.secrets[f"{sender} s"]))
            else:
                # The first letter is the initiator's key. The library refuses a result of zeros (R3.4).
                one, other = self.secrets[f"controller {token[0]}"], self.secrets[f"host {token[1]}"]
                result = one.exchange(other.public_key())
                same(f"the host's {token} of Noise", result, other.exchange(one.public_key()))
                self.mix_key(result)
        return message + self.seal(b"")


# Records and frames, sections 5 to 7 and 9


def rekey(key: bytes) -> bytes:
    """R5.3."""
    return ChaCha20Poly1305(key).encrypt(nonce(2**64 - 1), bytes(32), None)[:32]


class Direction:
    """The records from one side."""

    def __init__(self, key: bytes, counter: int = 0) -> None:
        self.key, self.counter = key, counter

    def opened(self, message: bytes) -> bytes | None:
        try:
            return ChaCha20Poly1305(self.key).decrypt(nonce(self.counter), message, None)
        except InvalidTag:
            return None

    def record(self, message: bytes, plaintext: bytes) -> None:
        """Opens the next record, and seals its plaintext."""
        if self.counter and self.counter % 65_536 == 0:
            self.key = rekey(self.key)
        opened = self.opened(message)
        if opened is None:
            raise Mismatch("the record: expected one that opens in its place, got one that does not")
        same("the plaintext", opened, plaintext)
        same("the record", ChaCha20Poly1305(self.key).encrypt(nonce(self.counter), plaintext, None), message)
        altered = bytearray(message)
        altered[len(message) // 2] ^= 1
        require(self.opened(bytes(altered)) is None, "the record with a byte altered", "not to open", "a plaintext")
        self.counter += 1


# R6.3: the name of a kind, who sends it, and its fields. A number stands for an array of so many bytes.
KINDS = {
    0: ("Hello", SIDES, "u8 u8 u16 32 64 option u64"),
    1: ("Request", (CONTROLLER,), "u32 16 string u32"),
    2: ("Response", (HOST,), "u32 u16 u32"),
    3: ("Chunk", SIDES, "u32"),
    4: ("Cancel", (CONTROLLER,), "u32"),
    5: ("Push", (HOST,), "u16"),
    6: ("Ping", SIDES, "u32"),
    7: ("Pong", SIDES, "u32"),
    8: ("Close", SIDES, "u16"),
    9: ("Window", (CONTROLLER,), "u32 u32"),
    10: ("Item", (HOST,), "u32 u32"),
}


def fields(header: bytes, layout: str) -> list[Any]:
    """The fields of a header, by R6.2. What follows them is ignored (R14.1)."""
    rest = io.BytesIO(header)
    values: list[Any] = []

    def take(count: int) -> bytes:
        data = rest.read(count)
        require(len(data) == count, f"a field of {layout}", f"{count} bytes", len(data))
        return data

    def varint(bits: int) -> int:
        number, shift, byte = 0, 0, 0x80
        while byte & 0x80:
            byte = take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
        require(number < 2**bits, f"a varint of {layout}", f"a u{bits}", number)
        return number

    for kind in layout.split():
        if kind == "u8":
            values.append(take(1)[0])
        elif kind in ("u16", "u32", "u64"):
            values.append(varint(int(kind[1:])))
        elif kind == "string":
            values.append(take(varint(32)))
        elif kind == "option":
            given = take(1)
            require(given in (b"\0", b"\1"), "the option", "00 or 01", given.hex())
            values.append(varint(16) if given == b"\1" else None)
        else:
            values.append(take(int(kind)))
    return values


class Session:
    """The frames of one link, in the order in which they were sent."""

    def __init__(self, handshake_hash: bytes, signers: dict[str, bytes]) -> None:
        self.hash, self.signers = handshake_hash, signers
        self.greeted: set[str] = set()
        self.closed: set[str] = set()
        self.missing: dict[tuple[str, int], int] = {}  # The bytes that a body still lacks, by sender and id.
        self.failed: set[int] = set()
        self.credit: dict[int, int] = {}  # Of each request.
        self.item: dict[int, int] = {}  # The bytes that the item on its way still lacks.

    def frame(self, side: str, plaintext: bytes) -> None:
        length = plaintext[0] if plaintext else 0
        require(1 <= length < len(plaintext), "the header's length", f"1 to {len(plaintext) - 1}", length)
        header, body = plaintext[1 : 1 + length], plaintext[1 + length :]
        require(len(body) <= 65_536, "the body", "at most 65536 bytes", len(body))  # R6.1
        kind = header[0]
        require((kind == 0) != (side in self.greeted), "the kind", "Hello first, and only then (R7.1)", kind)
        require(side not in self.closed, "the kind", "nothing after a Close (R10.4)", kind)
        if kind not in KINDS:
            return
        name, senders, layout = KINDS[kind]
        require(side in senders, f"the sender of a {name}", senders[0], side)
        values = fields(header[1:], layout)
        if name == "Hello":
            self.hello(side, values)
        elif name == "Close":
            self.closed.add(side)
        elif name == "Window" and self.running(values[0]):  # Any other is ignored (R9.20).
            self.credit[values[0]] = self.credit.get(values[0], 0) + values[1]
            require(self.credit[values[0]] <= 2**26, "the credit", "at most 64 MiB (R9.20)", self.credit[values[0]])
        elif name == "Item" or (name == "Chunk" and side == HOST and self.item.get(values[0])):
            self.stream(name, values[0], values[-1], body)
        elif name in ("Request", "Response", "Chunk"):
            self.part(name, side, values[0], values[-1], body)
            if name == "Response":
                # Only a stream that was stopped leaves an item in the middle, which is void then (R9.11, R9.22).
                left = self.item.pop(values[0], 0)
                require(left == 0 or values[1] != 0, f"the item of {values[0]}", "all of it", f"{left} bytes less")
                if values[1] != 0:
                    self.failed.add(values[0])

    def running(self, number: int) -> bool:
        """Whether there is a request whose response has not begun."""
        return (CONTROLLER, number) in self.missing and (HOST, number) not in self.missing

    def stream(self, name: str, number: int, total: int, body: bytes) -> None:
        """A part of an item (R9.18, R9.19, R9.21)."""
        if name == "Item":
            require(self.running(number), "the item's id", "that of a request without a response", number)
            require(not self.item.get(number), f"an item of {number}", "one at a time", "a second one")
            require(self.credit.get(number, 0) > 0, f"the credit of {number}", "some", self.credit.get(number, 0))
            self.credit[number] -= total + 64
            self.item[number] = total
        else:
            require(body != b"", f"a chunk of {number}", "some bytes", "none")
        require(len(body) <= self.item[number], f"a part of {number}", f"at most {self.item[number]} bytes", len(body))
        self.item[number] -= len(body)

    def hello(self, side: str, values: list[Any]) -> None:
        """R7.1 to R7.9, for a session that the host gives. The minor version may be any (R7.5)."""
        role, kind, _, signer, signature, error, memory = values
        require(side == CONTROLLER or CONTROLLER in self.greeted, "the first Hello", "the controller's", "the host's")
        self.greeted.add(side)
        expected = SIDES.index(side), 0, None
        require((role, kind, error) == expected, "role, session kind and error", expected, (role, kind, error))
        require((memory == 0) == (side == CONTROLLER), "the memory", "a number from the host only (R7.9)", memory)
        same("the signing key", self.signers[side], signer)
        signed = b"opendesk v2 hello " + side[:1].upper().encode() + self.hash  # R7.2
        try:
            Ed25519PublicKey.from_public_bytes(signer).verify(signature, signed)
        except InvalidSignature:
            raise Mismatch(f"the signature: expected one of {signed.hex()}, got {signature.hex()}") from None

    def part(self, name: str, side: str, number: int, total: int, body: bytes) -> None:
        """A part of a body (R9.1, R9.3, R9.5, R9.7)."""
        if name == "Request":
            last = max((earlier for _, earlier in self.missing), default=0)
            require(number > last, "the request's id", f"more than {last}", number)
        elif name == "Response":
            require(self.running(number), "the response's id", "that of a request without a response", number)
        if name == "Chunk":
            total = self.missing.get((side, number), 0)
            require(total > 0 and body != b"", f"a chunk of {number}", f"some of {total} bytes", len(body))
        require(len(body) <= total, f"a part of {number}", f"at most {total} bytes", len(body))
        self.missing[side, number] = total - len(body)

    def end(self) -> None:
        require(self.greeted == set(SIDES), "the sides with a Hello", SIDES, sorted(self.greeted))
        for (side, number), left in self.missing.items():
            require((HOST, number) in self.missing, f"the response to {number}", "one (R9.5)", "none")
            # The controller stops when a response says no before it has sent everything (R9.6).
            stopped = side == CONTROLLER and number in self.failed
            require(left == 0 or stopped, f"the {side}'s body of {number}", "all of it", f"{left} bytes less")


# Files


def value(data: Any, *names: str) -> Any:
    for name in names:
        if not isinstance(data, dict) or name not in data:
            raise Unusable(f"{'.'.join(names)} is missing")
        data = data[name]
    return data


def octets(data: Any, *names: str, size: int | None = None) -> bytes:
    text = value(data, *names)
    if not isinstance(text, str) or not re.fullmatch("([0-9a-f]{2})*", text) or size not in (None, len(text) // 2):
        raise Unusable(f"{'.'.join(names)} is not {size or 'some'} bytes in lower-case hex")
    return bytes.fromhex(text)


def sent(data: Any, name: str) -> list[tuple[str, Any]]:
    """The items of a list, each with its sender."""
    items = value(data, name)
    if not isinstance(items, list) or not all(value(item, "from") in SIDES for item in items):
        raise Unusable(f"{name} is not a list of what the controller and the host sent")
    return [(item["from"], item) for item in items]


def check(data: Any) -> str:
    """Checks a vector, and says how much it had."""
    secrets: dict[str, X25519PrivateKey] = {}
    signers: dict[str, bytes] = {}
    for side in SIDES:
        secrets[f"{side} s"] = X25519PrivateKey.from_private_bytes(octets(data, side, "static_secret", size=32))
        secrets[f"{side} e"] = X25519PrivateKey.from_private_bytes(octets(data, f"{side}_ephemeral", size=32))
        signing = Ed25519PrivateKey.from_private_bytes(octets(data, side, "signing_seed", size=32))
        signers[side] = signing.public_key().public_bytes_raw()
        same(f"{side}.static_public", public(secrets[f"{side} s"]), octets(data, side, "static_public", size=32))
        same(f"{side}.signing_public", signers[side], octets(data, side, "signing_public", size=32))

    if data.keys() & {"code", "sid", "ya_random", "yb_random"}:
        code, sid = value(data, "code"), octets(data, "sid", size=16)
        if not isinstance(code, str) or not 1 <= len(code.encode()) <= 64:
            raise Unusable("code is not a string of 1 to 64 bytes (R4.1)")
        ya, yb = (int.from_bytes(octets(data, f"{y}_random", size=64), "little") % ORDER for y in ("ya", "yb"))
        share_a, share_b, tag_a, tag_b, psk = cpace(code.encode(), sid, ya, yb)
        noise = Noise("XXpsk0", b"OD2P" + sid + share_a + share_b, secrets, psk)
        starts = [b"OD2P" + sid + share_a, b"OD2p" + share_b, b"OD2C" + tag_a, b"OD2c" + tag_b, b"OD2F"]
    else:
        noise = Noise("IK", b"OD2A", secrets)
        starts = [b"OD2A", b"OD2a"]
    handshake, records = sent(data, "handshake"), sent(data, "records")
    require(len(handshake) == len(starts), "the handshake", f"{len(starts)} messages", len(handshake))
    for number, (start, (side, item)) in enumerate(zip(starts, handshake)):
        what, sender = f"handshake message {number + 1}", SIDES[number % 2]
        require(side == sender, f"{what}, sender", sender, side)
        message = start if start[3:4] in b"Pp" else start + noise.message(sender)
        same(what, message, octets(item, "message"))
    same("hash", noise.hash, octets(data, "hash", size=32))
    keys = noise.derive(b"", 2)
    same("initiator_key", keys[0], octets(data, "initiator_key", size=32))
    same("responder_key", keys[1], octets(data, "responder_key", size=32))

    directions = {side: Direction(key) for side, key in zip(SIDES, keys)}
    session = Session(noise.hash, signers)
    for number, (side, item) in enumerate(records):
        plaintext = octets(item, "plaintext")
        try:
            directions[side].record(octets(item, "message"), plaintext)
            session.frame(side, plaintext)
        except Mismatch as mismatch:
            raise Mismatch(f"record {number + 1}, {mismatch}") from None
    session.end()

    # The first record under a replaced key (R5.3): its direction replaces the key before it opens the record.
    counter = value(data, "rekey", "counter")
    if counter != 65_536:
        raise Unusable("rekey.counter is not 65536, the first record under a replaced key")
    try:
        replaced = Direction(octets(data, "rekey", "key", size=32), counter)
        replaced.record(octets(data, "rekey", "record"), octets(data, "rekey", "plaintext"))
    except Mismatch as mismatch:
        raise Mismatch(f"rekey, {mismatch}") from None
    return f"{len(handshake)} handshake messages, {len(records)} records"


def check_successions(data: Any) -> str:
    """Section 7.1: a chain of the same machine's keys, oldest first."""
    machines, chain = value(data, "machines"), value(data, "successions")
    if not isinstance(machines, list) or not isinstance(chain, list) or len(machines) < 2:
        raise Unusable("machines or successions is not a list with a succession")
    require(len(chain) == len(machines) - 1, "successions", f"{len(machines) - 1}", len(chain))
    pairs, signers = [], []
    for machine in machines:
        static = X25519PrivateKey.from_private_bytes(octets(machine, "static_secret", size=32))
        signing = Ed25519PrivateKey.from_private_bytes(octets(machine, "signing_seed", size=32))
        same("static_public", public(static), octets(machine, "static_public", size=32))
        same("signing_public", signing.public_key().public_bytes_raw(), octets(machine, "signing_public", size=32))
        pairs.append(public(static) + signing.public_key().public_bytes_raw())
        signers.append(signing)
    for number, succession in enumerate(chain):
        keys = pairs[number] + pairs[number + 1]
        message = b"opendesk v2 succession " + keys
        require(len(message) == 151, "the signed message", "151 bytes", len(message))
        expected = keys + signers[number].sign(message) + signers[number + 1].sign(message)
        same(f"succession {number + 1}", expected, octets({"it": succession}, "it", size=256))
    # R7.14: the last key is shown to a controller.
    shown = value(data, "possession")
    controller = X25519PrivateKey.from_private_bytes(octets(shown, "controller_static_secret", size=32))
    agreed = controller.exchange(X25519PublicKey.from_public_bytes(pairs[-1][:32]))
    message = b"opendesk v2 possession " + octets(shown, "hash", size=32)
    same("possession", hmac.new(agreed, message, hashlib.sha256).digest(), octets(shown, "shown", size=32))
    return f"{len(chain)} successions and a key shown"


def main() -> int:
    names = ("session-auth.json", "session-pair.json", "succession.json")
    beside = [str(Path(__file__).with_name(name)) for name in names]
    for path in map(Path, sys.argv[1:] or beside):
        try:
            if not ristretto.is_right():
                raise Unusable("its own ristretto255 is not that of RFC 9496; nothing was checked")
            data = json.loads(path.read_bytes())
            is_chain = isinstance(data, dict) and "successions" in data
            had = check_successions(data) if is_chain else check(data)
            print(f"{path.name}: {had}, all as docs/PROTOCOL.md says")
        except Mismatch as mismatch:
            print(f"{path.name}: {mismatch}", file=sys.stderr)
            return 1
        except (Unusable, OSError, ValueError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
