"""Whether an address is in use is asked without having one."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from installer.arp_probe import is_owner, probe, somebody_has

OWN = bytes.fromhex("525400123456")
OTHER = bytes.fromhex("525400123457")
ADDRESS = "192.0.2.10"
# Two ends of a cable in a network of their own: one has the address
SCRIPT = """
import json, sys
from engine.cancel import CancelToken
from engine.command import SystemCommands
from installer.arp_probe import somebody_has
run = SystemCommands().run
run(["ip", "link", "add", "name", "left0", "type", "veth", "peer", "name", "right0"])
run(["ip", "address", "add", "192.0.2.10/24", "dev", "right0"])
before = somebody_has("192.0.2.10", "left0", CancelToken())
run(["ip", "link", "set", "left0", "up"])
run(["ip", "link", "set", "right0", "up"])
found = [somebody_has(address, "left0", CancelToken()) for address in ("192.0.2.10", "192.0.2.11")]
print(json.dumps([before, *found]))
"""


def reply(sender: bytes, address: bytes, kind: int = 0x0806) -> bytes:
    head = OWN + sender + kind.to_bytes(2, "big")
    return head + bytes.fromhex("0001080006040002") + sender + address + OWN + bytes(4)


def test_a_probe_is_a_request_from_nobody_to_everybody():
    assert probe(OWN, ADDRESS).hex() == (
        "ffffffffffff5254001234560806000108000604000152540012345600000000000000000000c000020a"
    )


def test_only_another_machine_with_that_address_has_it():
    address, neighbour = bytes([192, 0, 2, 10]), bytes([192, 0, 2, 11])
    assert is_owner(reply(OTHER, address), OWN, ADDRESS)
    assert not is_owner(reply(OWN, address), OWN, ADDRESS)
    assert not is_owner(reply(OTHER, neighbour), OWN, ADDRESS)
    assert not is_owner(reply(OTHER, address, kind=0x0800), OWN, ADDRESS)
    assert not is_owner(probe(OTHER, ADDRESS), OWN, ADDRESS)


@given(st.binary(max_size=64))
def test_no_frame_is_too_strange(frame):
    assert not is_owner(frame, OWN, ADDRESS)


def test_an_interface_that_is_not_there_tells_nothing():
    assert somebody_has(ADDRESS, "nosuch0", CancelToken()) is None


@pytest.mark.root
def test_a_real_cable_with_a_machine_at_its_end():
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == [None, True, False]
