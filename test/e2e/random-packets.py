"""Sends random frames: python3 - DEVICE ROUTER-MAC COUNT SEED SOURCE DESTINATION...

Several protocols, flags and lengths; some with VLAN tags, with foreign source addresses or from foreign MAC addresses. Each
goes to the router, for one of the destinations. A seed always gives the same frames.
"""
import random
import socket
import struct
import sys

device, router, count, seed, source, *destinations = sys.argv[1:]
rng = random.Random(int(seed))
own = bytes.fromhex(open(f"/sys/class/net/{device}/address").read().strip().replace(":", ""))
to = bytes.fromhex(router.replace(":", ""))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def payload(protocol, pseudo):
    port = rng.choice([22, 25, 53, 67, 68, 80, 123, 443, 547, 7370, rng.randrange(1, 65536)])
    if protocol == socket.IPPROTO_TCP:
        flags = rng.choice([0x02, 0x10, 0x12, 0x04, 0x01, 0x18, 0x00, 0x3F])
        head = struct.pack("!HHIIBBHHH", rng.randrange(1, 65536), port, rng.getrandbits(32), rng.getrandbits(32), 0x50, flags, 1024, 0, 0)
        return head[:16] + struct.pack("!H", checksum(pseudo + struct.pack("!H", len(head)) + head)) + head[18:]
    if protocol == socket.IPPROTO_UDP:
        data = rng.randbytes(rng.randrange(0, 64))
        return struct.pack("!HHHH", rng.randrange(1, 65536), port, 8 + len(data), 0) + data
    if protocol == socket.IPPROTO_ICMP:
        body = struct.pack("!BBHHH", rng.choice([0, 3, 5, 8, 11, 13]), 0, 0, rng.getrandbits(16), 1) + rng.randbytes(24)
        return body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return rng.randbytes(rng.randrange(8, 64))


def frame():
    protocol = rng.choice([socket.IPPROTO_TCP] * 3 + [socket.IPPROTO_UDP] * 3 + [socket.IPPROTO_ICMP] * 2 + [2, 4, 47, 50, 132, rng.randrange(256)])
    sender = source if rng.random() < 0.8 else f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    addresses = socket.inet_aton(sender) + socket.inet_aton(rng.choice(destinations))
    body = payload(protocol, addresses + struct.pack("!BB", 0, protocol))
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), rng.getrandbits(16), rng.choice([0, 0, 0, 0x4000, 0x2000]), rng.choice([2, 64, 255]), protocol, 0)
    packet = head + addresses
    packet = packet[:10] + struct.pack("!H", checksum(packet)) + packet[12:] + body
    mac = own if rng.random() < 0.9 else b"\x02" + rng.randbytes(5)
    tag = struct.pack("!HH", 0x8100, rng.randrange(1, 4095)) if rng.random() < 0.1 else b""
    return to + mac + tag + struct.pack("!H", 0x0800) + packet


with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
    link.bind((device, 0))
    for _ in range(int(count)):
        link.send(frame())
