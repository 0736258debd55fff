"""Somebody on the network who says whatever they like, by multicast DNS over IPv4.

    hostile.py --interface ADDRESS --victim NAME --victim-key HEX --paired-key HEX [--claim ADDRESS[,ADDRESS…]:PORT]…

With --claim it says only that the machine with the paired key is there, for each as another announcement, and says so
too as soon as anybody asks. It says all of it again and again, with a second between, until its standard input ends,
and prints a line whenever it has said everything once.
"""

import argparse
import random
import select
import socket
import struct
import sys
import time

GROUP = ("224.0.0.251", 5353)
SERVICE = "_opendesk._tcp.local"
PTR, TXT, A, SRV = 12, 16, 1, 33
FLUSH = 0x8000
FLOOD = 5000
# A datagram that the kernel takes.
LARGEST = 65_000
ADDRESS = "192.0.2.66"


def name(*labels: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


SERVICE_NAME = name(*SERVICE.encode().split(b"."))


def instance(label: bytes) -> bytes:
    return bytes([len(label)]) + label + SERVICE_NAME


def record(owner: bytes, kind: int, data: bytes, flush: int = 0, ttl: int = 4500) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1 | flush, ttl, len(data)) + data


def message(*records: bytes) -> bytes:
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


def strings(*texts: bytes) -> bytes:
    return b"".join(bytes([len(text)]) + text for text in texts)


def host(label: bytes, txt: bytes, *, port: int = 4711, address: str = ADDRESS, flush: int = FLUSH) -> bytes:
    """All that makes a host of this name."""
    target = name(label.replace(b".", b"-")[:63], b"local")
    return message(
        record(SERVICE_NAME, PTR, instance(label)),
        record(instance(label), SRV, struct.pack(">HHH", 0, 0, port) + target, flush),
        record(instance(label), TXT, txt, flush),
        *(record(target, A, socket.inet_aton(one), flush) for one in address.split(",")),
    )


def key(number: int) -> bytes:
    return random.Random(number).randbytes(32)


def lies(options: argparse.Namespace) -> list[bytes]:
    victim, victim_key = options.victim.encode(), bytes.fromhex(options.victim_key)
    paired = bytes.fromhex(options.paired_key)
    said = [
        # Of another length than a key has, too large for a message, and as large as one may be.
        *(host(b"short-%d" % length, strings(b"v=1", b"pk=" + bytes(length))) for length in (0, 1, 31, 33, 64, 200)),
        host(b"no-key", strings(b"v=1", b"fp=0000:0000:0000:0000")),
        host(b"huge", strings(b"pk=" + key(1)) + strings(*[b"x" * 255] * ((LARGEST - 300) // 256))),
        host(b"large", strings(b"pk=" + key(2), *[b"x" * 255] * 33)),
        # What a terminal would act on, and what hides.
        host(
            "\x1b[2J\x07\r\nevil\u202e".encode(),
            strings(b"pk=" + key(3), "desc=\x1b]0;evil\x07\u200bmarked".encode()),
        ),
        host(b"not-text", strings(b"pk=" + key(4), b"desc=\xff\xfe\x80", b"v=\xff", b"\xff\xff=1")),
        # A key with the fingerprint of another, and one key behind another.
        host(b"liar", strings(b"fp=1111:2222:3333:4444", b"pk=" + key(5))),
        host(b"twice", strings(b"pk=" + key(6), b"pk=" + victim_key, b"PK=" + victim_key)),
        # The name of a host with another key, and the key of a host under another name and elsewhere.
        host(victim, strings(b"v=1", b"pk=" + key(7), b"desc=the real one")),
        host(b"impostor", strings(b"v=1", b"pk=" + paired, b"desc=desk"), address="192.0.2.2", port=1),
        # Addresses at which nobody is who is not here.
        host(b"inward", strings(b"pk=" + key(8)), address="127.0.0.1", port=22),
        host(b"nowhere", strings(b"pk=" + key(9)), address="0.0.0.0"),
        host(b"everywhere", strings(b"pk=" + key(10)), address="255.255.255.255"),
        host(b"portless", strings(b"pk=" + key(11)), port=0),
        # A service that is no instance of the service.
        message(record(SERVICE_NAME, PTR, name(b"elsewhere", b"local"))),
        # A string that is longer than its record, and a name that goes round in circles.
        host(b"overlong", b"\xff" + b"pk=" + key(12)),
        message(b"\xc0\x0c" + struct.pack(">HHIH", PTR, 1, 4500, 2) + b"\xc0\x0c"),
        message(record(SERVICE_NAME, PTR, b"\x3f" + b"x" * 10)),
    ]
    whole = said[0]
    said += [whole[:length] for length in range(len(whole))]
    chance = random.Random(0)
    said += [chance.randbytes(chance.randrange(1, 1400)) for _ in range(200)]
    said += [struct.pack(">HHHHHH", 0, 0x8400, 0, 0xFFFF, 0xFFFF, 0xFFFF) + chance.randbytes(1000) for _ in range(50)]
    said += [host(b"flood-%d" % number, strings(b"v=1", b"pk=" + key(1000 + number))) for number in range(FLOOD)]
    return said


def claim(options: argparse.Namespace) -> list[bytes]:
    txt = strings(b"v=1", b"pk=" + bytes.fromhex(options.paired_key))
    places = (place.split(":") for place in options.claim)
    return [
        host(b"claimant-%d" % number, txt, address=addresses, port=int(port))
        for number, (addresses, port) in enumerate(places)
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("interface", "victim", "victim-key", "paired-key"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--claim", action="append")
    options = parser.parse_args()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(options.interface))
    sender.bind(("", 5353))
    heard = []
    if options.claim:
        member = socket.inet_aton(GROUP[0]) + socket.inet_aton(options.interface)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        heard = [sender]
    said = claim(options) if options.claim else lies(options)
    while True:
        for number, packet in enumerate(said):
            sender.sendto(packet, GROUP)
            # So fast that a slow reader loses some, and not so fast that nobody hears anybody else.
            if number % 20 == 0:
                time.sleep(0.001)
        print("said", flush=True)
        ready = select.select([sys.stdin, *heard], [], [], 1)[0]
        if sys.stdin in ready:
            return
        if sender in ready:
            sender.recv(65536)


main()
