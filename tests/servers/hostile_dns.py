"""A small DNS server on loopback that answers what a test says, wrongly if need be."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Answer = Callable[[dns.message.Message], "dns.message.Message | None"]


class DnsServer:
    """Answers on one loopback address by UDP and TCP; `answers` maps a name to what makes its answer."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self._stopping = threading.Event()
        self._tcp = socket.socket()
        self._tcp.bind((address, 0))
        self._tcp.listen(8)
        self.endpoint = self._tcp.getsockname()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(self.endpoint)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.endpoint)
        for thread in self._threads:
            thread.join(5)
        self._tcp.close()
        self._udp.close()

    def _serve_udp(self) -> None:
        while not self._stopping.is_set():
            try:
                query, sender = self._udp.recvfrom(4096)
            except OSError:
                continue
            answer = self._answer(query) if query else None
            if answer is not None:
                wire = answer.to_wire(max_size=65535)
                if len(wire) > 1232:  # what does not fit is asked again by TCP
                    answer.answer.clear()
                    answer.flags |= dns.flags.TC
                    wire = answer.to_wire()
                self._udp.sendto(wire, sender)

    def _serve_tcp(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection:
                (length,) = struct.unpack("!H", connection.recv(2))
                answer = self._answer(connection.recv(length))
                if answer is not None:
                    wire = answer.to_wire(max_size=65535)
                    connection.sendall(struct.pack("!H", len(wire)) + wire)

    def _answer(self, query: bytes) -> dns.message.Message | None:
        message = dns.message.from_wire(query)
        question = message.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append((name, dns.rdatatype.to_text(question.rdtype)))
        make = self.answers.get(name)
        if make is None:
            answer = dns.message.make_response(message)
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        return make(message)


def addresses(*found: str) -> Answer:
    """Answer with these addresses, those of the type that was asked for."""

    def make(query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        answer = dns.message.make_response(query)
        mine = [one for one in found if (":" in one) == (question.rdtype == dns.rdatatype.AAAA)]
        if mine:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, *mine))
        return answer

    return make


def alias(*chain: str) -> Answer:
    """Answer with a chain of aliases that begins at the name asked for."""

    def make(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        targets = [f"{name}." for name in chain]
        names = [query.question[0].name.to_text(), *targets]
        for name, target in zip(names, targets, strict=False):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
        return answer

    return make


def failure(code: str) -> Answer:
    """Answer with an error code such as SERVFAIL."""

    def make(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.from_text(code))
        return answer

    return make


def silence(_: dns.message.Message) -> None:
    """Never answer."""
