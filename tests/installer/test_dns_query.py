"""One question to one name server."""

import socket
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import Cancelled, NetworkError
from installer import dns_query
from installer.dns_query import knows_name, query, response_code


@contextmanager
def name_server(answers):
    """Sends these packets for the first question; each is made from the question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))

        def serve():
            question, client = channel.recvfrom(4096)
            for answer in answers:
                channel.sendto(answer(question), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield channel.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


def coded(code):
    return lambda question: question[:2] + (0x8180 | code).to_bytes(2, "big") + question[4:]


def test_a_question_is_as_the_standard_has_it():
    assert query(0x1234, "a.example.") == (
        bytes.fromhex("1234 0100 0001 0000 0000 0000") + b"\1a\7example\0" + b"\0\1\0\1"
    )


@pytest.mark.parametrize(("code", "known"), [(0, True), (3, False)])
def test_a_server_knows_a_name_or_not(code, known):
    with name_server([coded(code)]) as port:
        assert knows_name("127.0.0.1", "a.example", CancelToken(), port) is known


def test_other_packets_are_no_answer():
    stray = [lambda _q: b"", lambda _q: b"short", lambda q: q, lambda q: b"\0\0" + coded(0)(q)[2:]]
    with name_server([*stray[:3], coded(0)]) as port:
        assert knows_name("127.0.0.1", "a.example", CancelToken(), port)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, "does not understand"),
        (2, "SERVFAIL"),
        (4, "does not answer such"),
        (5, "refuses to answer this machine"),
        (9, "error 9"),
    ],
)
def test_a_server_that_is_no_help_says_why(code, said):
    with name_server([coded(code)]) as port, pytest.raises(NetworkError, match=said):
        knows_name("127.0.0.1", "a.example", CancelToken(), port)


def test_a_port_without_a_server_is_said():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        port = channel.getsockname()[1]
    with pytest.raises(NetworkError, match="cannot be asked: Connection refused"):
        knows_name("127.0.0.1", "a.example", CancelToken(), port)


def test_a_silent_server_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(dns_query, "SECONDS", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        with pytest.raises(NetworkError, match="did not answer within"):
            knows_name("127.0.0.1", "a.example", CancelToken(), channel.getsockname()[1])


def test_the_question_can_be_given_up():
    token = CancelToken()
    token.cancel()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        with pytest.raises(Cancelled):
            knows_name("127.0.0.1", "a.example", token, channel.getsockname()[1])


@pytest.mark.parametrize("name", ["a..b", "x" * 64])
def test_what_is_no_name_is_not_asked_for(name):
    with pytest.raises(NetworkError, match="no name that can be asked for"):
        knows_name("127.0.0.1", name, CancelToken())


@given(st.binary(max_size=64), st.integers(0, 0xFFFF))
def test_no_packet_is_too_strange(data, number):
    code = response_code(data, number)
    assert code is None or (data[:2] == number.to_bytes(2, "big") and 0 <= code < 16)
