"""The packets of real cases, as tshark shows them."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from clasp_e2e.network.capture import Capture

TSHARK = shutil.which("tshark")
DISSECTOR = str(files("clasp_e2e.network") / "clasp.lua")
pytestmark = [
    pytest.mark.subprocess,
    pytest.mark.skipif(TSHARK is None, reason="tshark is not installed: apt-get install tshark"),
]


def shown(file: Path, *arguments: str) -> list[str]:
    """Return the lines that tshark prints of a file."""
    assert TSHARK is not None
    done = subprocess.run(
        [TSHARK, "-r", str(file), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "Lua" in done.stderr) == (0, False), done.stderr
    return done.stdout.splitlines()


def run(python_m: list[str], folder: Path, *arguments: str) -> list[Path]:
    """Run scenarios; return the files of packets."""
    command = [*python_m, "clasp_e2e", "run", *arguments, "--results", str(folder)]
    subprocess.run(command, capture_output=True, check=False, timeout=120)
    return sorted((folder / "evidence").glob("*.pcapng"))


def test_every_file_is_read_and_shows_all_layers(python_m: list[str], tmp_path: Path) -> None:
    cases = "data_reaches_the_peer or turn_server_carries or bursts or p2p_only"
    files = ("test_connecting.py", "test_ice.py", "test_loss.py", "test_routing_mode.py")
    found = run(python_m, tmp_path, *files, "-k", cases, "--pcap")
    assert len(found) >= 4
    for file in found:
        assert not shown(file, "-Y", "_ws.malformed"), file.name
    (direct,) = (file for file in found if "data_reaches_the_peer" in file.name)
    assert {"stun", "dtls", "websocket"} <= set(
        " ".join(shown(direct, "-T", "fields", "-e", "frame.protocols")).replace(":", " ").split()
    )
    payloads = shown(
        direct, "-Y", "sctp.data_payload_proto_id == 53", "-T", "fields", "-e", "frame.interface_name"
    )
    assert {"alice, SCTP", "bob, SCTP"} <= set(payloads)
    dissected = shown(direct, "-X", f"lua_script:{DISSECTOR}", "-T", "fields", "-e", "frame.protocols")
    assert any("dtls:sctp" in line for line in dissected), "the secrets decrypt DTLS"
    addresses = shown(
        direct, "-X", f"lua_script:{DISSECTOR}", "-Y", "clasp.address", "-T", "fields", "-e", "clasp.address"
    )
    assert any("/clasp/p2p/signal/" in line for line in addresses)
    lost = [shown(file, "-Y", 'frame.comment contains "link: lost"') for file in found if "loss" in file.name]
    assert all(lost)
    assert lost


async def test_datagrams_over_ipv4_and_ipv6_are_shown_with_their_checksums(tmp_path: Path) -> None:
    capture = Capture()
    for one, other in (("10.0.0.16", "10.0.0.32"), ("fd6c:6162::101", "fd6c:6162::102")):
        for size in (0, 1, 8):
            capture.datagram("lab", (one, 1000), (other, 2000), b"\xaa" * size)
        capture.stream("lab", object(), (one, 1000), (other, 3000), b"\xaa" * 5)
    file = tmp_path / "lab.pcapng"
    file.write_bytes(capture.to_pcapng("the lab"))
    options = ("-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-T", "fields")
    names = ("ip.dst", "ipv6.dst", "udp.length", "udp.checksum.status", "tcp.len", "tcp.checksum.status")
    fields = [part for name in names for part in ("-e", name)]
    none, good = "3", "1"
    assert shown(file, *options, *fields) == [
        *(f"10.0.0.32\t\t{8 + size}\t{none}\t\t" for size in (0, 1, 8)),
        f"10.0.0.32\t\t\t\t5\t{good}",
        *(f"\tfd6c:6162::102\t{8 + size}\t{good}\t\t" for size in (0, 1, 8)),
        f"\tfd6c:6162::102\t\t\t5\t{good}",
    ]
    assert not shown(file, "-Y", "_ws.malformed")


def test_failure_has_its_packets_by_default(python_m: list[str], tmp_path: Path) -> None:
    peer = "clasp_e2e.scripted.routing:RelaysInP2POnly"
    found = run(python_m, tmp_path, "test_routing_mode.py", "--peer", peer, "-k", "p2p_only")
    assert found
    assert all("refuses_to_relay" in file.name for file in found)
    comments = shown(found[0], "-X", f"lua_script:{DISSECTOR}", "-Y", 'clasp.address contains "relay"')
    assert comments, "the relayed payload of the failure is in the file"
