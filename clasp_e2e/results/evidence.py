"""Evidence: the observations of one case, and the conditions to repeat it."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from clasp_e2e.results.compact import compact
from clasp_e2e.results.documents import DocumentError, decode, encode, expect_shallow, from_plain, to_plain
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult, Subject
from clasp_e2e.results.timeline import EvidenceEntry, Timeline

PACKETS = ".pcapng"
"""The suffix of the file with the packets of a case, which otherwise has the name of the evidence."""
_LONGEST_NAME = 180

StderrByClient: TypeAlias = Mapping[str, Sequence[tuple[float, str]]]
"""By client: the last lines that its adapter wrote, each with the seconds since the case began."""


Seen: TypeAlias = Mapping[str, Mapping[str, Any] | str]
"""The evidence of a run by case, as `read_trace` returns it, or a text that says why there is none."""


class EvidenceError(Exception):
    """A file that is not evidence, or cannot be repeated; the text says why and what to do."""


class RunConditions(msgspec.Struct, frozen=True, kw_only=True):
    """The options under which a case ran."""

    seed: int
    case: str
    pairing: str
    drivers: Mapping[str, str]
    """By option (`peer`, `offerer`, `answerer`): the value that was given."""
    router: str | None
    switches: tuple[str, ...]
    """The options without a value that change what runs, such as `coturn`."""
    deadline_scale: float
    tool: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    subjects: Mapping[str, Subject] = msgspec.field(default_factory=dict[str, Subject])


class Pruned(msgspec.Struct, frozen=True):
    """The amount of a timeline that was not kept."""

    left_out: int = 0


class Packet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A datagram on a link between two peers."""

    at: float
    """Seconds since the case began."""
    who: str
    to: str
    link: int
    """The number of the connection attempt, from 1."""
    kind: str
    """What its first bytes reveal, such as `STUN request`."""
    size: int
    """Bytes of its UDP payload."""
    fate: str = ""
    """What the harness did to it; empty if it was forwarded at once."""


class Packets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first and the last datagrams on each link, in the order of time."""

    kept: tuple[Packet, ...] = ()
    left_out: int = 0


class CaseEvidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An evidence file; its JSON Schema is `schemas/evidence.schema.json`."""

    scenario: ScenarioResult
    """The result as observed, before other cases and known failures were considered."""
    run: RunConditions | None = None
    seed: int = 0
    timeline: tuple[EvidenceEntry, ...]
    network: Any = None
    """The counters of the links and servers between the peers."""
    ended: float | None = None
    """Seconds since the case began at which its outcome was clear; what follows is the cleanup."""
    packets: Packets | None = None
    """The datagrams between the peers, of a case that did not pass."""
    pruned: Pruned | None = None
    stderr: Mapping[str, str] | None = None
    """By client: the last lines that its adapter wrote to standard error."""
    stderr_at: Mapping[str, tuple[float, ...]] | None = None
    """By client: the seconds since the case began at which each of these lines arrived."""
    packet_file: str | None = None
    """The name of the file, in the same folder, with the packets of the case (pcapng)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A case as observed, and the conditions under which it ran."""

    result: ScenarioResult
    run: RunConditions


def write_evidence(
    directory: Path,
    result: ScenarioResult,
    timeline: Timeline,
    facts: object,
    *,
    seed: int,
    stderr: StderrByClient | None = None,
    run: Mapping[str, object] | None = None,
    ended: float | None = None,
    packets: Packets | None = None,
    pcapng: bytes | None = None,
) -> Path:
    """Write the result, the timeline and the network's `facts` of one case; return the file.

    `facts` is plain data. `run` holds the conditions to repeat the case: the fields of `RunConditions`
    except `seed`, `case` and `pairing`. `pcapng` is the content of a file of packets, which is written next
    to the evidence. The timeline of a case that passed is pruned to a compact trace; `pruned` counts the
    entries left out, including announcements of other scenarios' sessions. `packets` are kept if it did not
    pass. Earlier evidence of the case is replaced.
    """
    passed = result.outcome in (Outcome.PASSED, Outcome.NOT_OFFERED)
    trace, left_out = compact(timeline) if passed else (timeline.entries, 0)
    conditions = {"seed": seed, "case": result.id, "pairing": result.pairing, **(run or {})}
    record = CaseEvidence(
        scenario=result,
        run=from_plain(RunConditions, conditions) if run else None,
        seed=seed,
        timeline=tuple(entry.for_evidence() for entry in trace),
        network=facts,
        ended=None if passed or ended is None else round(ended, 6),
        packets=None if passed or not (packets and packets.kept) else packets,
        pruned=Pruned(left_out + timeline.foreign_entries) if passed or timeline.foreign_entries else None,
    )
    if stderr and not passed:
        texts = {client: "\n".join(text for _, text in lines) for client, lines in stderr.items()}
        times = {client: tuple(round(at, 6) for at, _ in lines) for client, lines in stderr.items()}
        record = msgspec.structs.replace(record, stderr=texts, stderr_at=times)
    directory.mkdir(parents=True, exist_ok=True)
    path = evidence_path(directory, result.id)
    if pcapng is None:
        path.with_suffix(PACKETS).unlink(missing_ok=True)
    else:
        path.with_suffix(PACKETS).write_bytes(pcapng)
        record = msgspec.structs.replace(record, packet_file=path.with_suffix(PACKETS).name)
    path.write_bytes(encode(record, indent=2) + b"\n")
    return path


def evidence_path(directory: Path, case_id: str) -> Path:
    """Return the evidence file of a case in `directory`."""
    return directory / f"{_file_name(case_id)}.json"


def read_evidence(path: Path) -> Evidence:
    """Read the evidence to repeat a case. Raises `EvidenceError`."""
    record = read_record(path)
    if (run := record.run) is None:
        raise EvidenceError(
            f"{path}: this evidence cannot be repeated: it does not say how the case was run; name a file of"
            " a run's evidence folder, written by this version"
        )
    return Evidence(record.scenario, run)


def read_trace(path: Path, case: str) -> dict[str, Any]:
    """Return the evidence of `case` as plain data in the form of `CaseEvidence`.

    Raises `EvidenceError` if the file is missing, truncated, malformed, or the evidence of another case.
    """
    record = read_record(path)
    if record.scenario.id != case:
        raise EvidenceError(f"{path}: this is the evidence of {record.scenario.id}")
    return to_plain(record)


def read_record(path: Path) -> CaseEvidence:
    """Read the evidence of any case. Raises `EvidenceError`."""
    try:
        record = decode(path.read_bytes(), CaseEvidence)
        expect_shallow(record.network, "network")
        for number, entry in enumerate(record.timeline):
            expect_shallow(entry.decoded, f"timeline[{number}].decoded")
    except FileNotFoundError:
        raise EvidenceError(f"{path}: there is no such file") from None
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read ({error.strerror})") from None
    except DocumentError as error:
        raise EvidenceError(
            f"{path}: this is no evidence: {error}; name a file of a run's evidence folder"
        ) from None
    return record


def _file_name(case_id: str) -> str:
    name = re.sub(r"[^\w.-]+", "_", case_id, flags=re.ASCII).strip("_.")
    if len(name) <= _LONGEST_NAME:
        return name or "case"
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(case_id.encode()).hexdigest()[:8]}"
