"""A DHCP client for one exchange on one device: DISCOVER, OFFER, REQUEST, ACK, and RELEASE if asked; prints its address.

Replies are read below UDP: both ends of the wire are this machine's, and its UDP drops what comes from itself.
"""
import os
import socket
import struct
import sys

DISCOVER, OFFER, REQUEST, ACK, RELEASE = 1, 2, 3, 5, 7
HOST_NAME, REQUESTED, MESSAGE_TYPE, SERVER = 12, 50, 53, 54
BROADCAST = 0x8000

device, mac, host, *wishes = sys.argv[1:]
xid = os.urandom(4)

sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
sender.bind(("", 68))
receiver = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
receiver.bind((device, 0x0800))
receiver.settimeout(20)


def send(kind, address=bytes(4), options=()):
    head = struct.pack("!BBBB4sHH4s12x6s10x192x4s", 1, 1, 6, 0, xid, 0, BROADCAST, address,
                       bytes.fromhex(mac), b"\x63\x82\x53\x63")
    body = b"".join(bytes([code, len(value)]) + value for code, value in
                    [(MESSAGE_TYPE, bytes([kind])), (HOST_NAME, host.encode()), *options])
    sender.sendto((head + body + b"\xff").ljust(300, b"\0"), ("255.255.255.255", 67))


def receive(kind):
    while True:
        packet = receiver.recv(2000)
        message = packet[(packet[0] & 15) * 4 + 8:]
        if len(message) < 241 or message[0] != 2 or message[4:8] != xid:
            continue
        options, at = {}, 240
        while message[at] != 255:
            length = message[at + 1]
            options[message[at]] = message[at + 2:at + 2 + length]
            at += 2 + length
        if options[MESSAGE_TYPE][0] == kind:
            return message[16:20], options[SERVER]


send(DISCOVER)
address, server = receive(OFFER)
send(REQUEST, options=[(REQUESTED, address), (SERVER, server)])
address, server = receive(ACK)
if "release" in wishes:
    send(RELEASE, address, [(SERVER, server)])
print(socket.inet_ntoa(address))
