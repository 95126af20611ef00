"""The filter's program, carried out as the kernel would on both processors, and held against the headers' numbers."""

import errno
import re
import struct
from pathlib import Path

import pytest

from evolution.trials.syscall_filter import REFUSALS, filter_program
from evolution.trials.syscalls import ARM64, X86_64, Processor, this_processor

BOTH = pytest.mark.parametrize("processor", [X86_64, ARM64], ids=["x86-64", "arm64"])
HEADERS = {
    X86_64: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    ARM64: Path("/usr/include/asm-generic/unistd.h"),
}


def answer(processor: Processor, call: int, *arguments: int, audit: int = 0) -> int:
    """0 where the call may pass, else its error number."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    asked = struct.pack("=IIQ6Q", call, audit or processor.audit, 0, *(a % 2**64 for a in padded))
    steps = list(struct.iter_unpack("=HBBI", filter_program(processor)))
    place = loaded = 0
    while True:
        code, then, otherwise, value = steps[place]
        place += 1
        match code:
            case 0x20:
                loaded = struct.unpack_from("=I", asked, value)[0]
            case 0x15:
                place += then if loaded == value else otherwise
            case 0x35:
                place += then if loaded >= value else otherwise
            case 0x45:
                place += then if loaded & value else otherwise
            case 0x06:
                return 0 if value == 0x7FFF0000 else value & 0xFFFF
            case _:
                raise AssertionError(f"an unknown instruction {code:#x}")


@BOTH
def test_what_is_refused_whatever_its_arguments(processor):
    for refusal in REFUSALS:
        if not refusal.conditions and refusal.call in processor.numbers:
            assert answer(processor, processor.numbers[refusal.call], 1, 2, 3) == refusal.error, refusal.call


@BOTH
def test_every_other_call_passes(processor):
    known = {processor.numbers[refusal.call] for refusal in REFUSALS if refusal.call in processor.numbers}
    assert [number for number in range(600) if number not in known and answer(processor, number)] == []


@BOTH
@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("clone", (0x003D0F00,), 0),  # a thread
        ("clone", (17,), 0),  # a process
        ("clone", (0x10000000 | 17,), errno.EPERM),
        ("clone", (0x40000000,), errno.EPERM),
        ("unshare", (0x200,), 0),
        ("unshare", (0x80,), errno.EPERM),
        ("ioctl", (0, 0x5412), errno.EPERM),
        ("ioctl", (0, 0xFFFFFFFF00005412), errno.EPERM),  # the kernel reads the low 32 bits
        ("ioctl", (0, 0xC020462A), 0),  # one of the NVIDIA driver's
        ("personality", (0xFFFFFFFF,), 0),
        ("personality", (0x0040000,), errno.EPERM),
        ("socket", (1, 1, 0), 0),
        ("socket", (16, 3, 0), 0),
        ("socket", (16, 3, 9), errno.EPROTONOSUPPORT),
        ("socket", (2, 1, 6), 0),
        ("socket", (40, 1, 0), errno.EAFNOSUPPORT),
        ("socketpair", (1, 1, 0), 0),
        ("socketpair", (30, 1, 0), errno.EAFNOSUPPORT),
        ("fchmod", (3, 0o755), 0),
        ("fchmod", (3, 0o4755), errno.EPERM),
        ("fchmodat", (3, 0, 0o2755), errno.EPERM),
        ("openat", (3, 0, 0o101, 0o644), 0),
        ("openat", (3, 0, 0o101, 0o4755), errno.EPERM),
        ("openat", (3, 0, 0o0, 0o4755), 0),  # creates nothing, so the mode is not read
        ("openat", (3, 0, 0o20200002, 0o6755), errno.EPERM),
    ],
)
def test_a_call_is_judged_by_its_arguments(processor, call, arguments, expected):
    assert answer(processor, processor.numbers[call], *arguments) == expected


def test_calls_of_another_processors_kind_are_not_implemented():
    assert answer(X86_64, 1, audit=0x40000003) == errno.ENOSYS  # 32 bits
    assert answer(X86_64, 0x40000000 | 101) == errno.ENOSYS  # x32
    assert answer(ARM64, 1, audit=0x40000028) == errno.ENOSYS


@BOTH
def test_the_program_is_within_the_kernels_limit(processor):
    assert len(filter_program(processor)) // 8 <= 4096


@BOTH
def test_numbers_are_those_of_the_kernels_headers(processor):
    header = HEADERS[processor]
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    told = {name: int(known[name]) for name in processor.numbers if name in known}
    assert len(told) > 40
    assert told == {name: processor.numbers[name] for name in told}


def test_every_refused_call_has_a_number_on_x86():
    assert {refusal.call for refusal in REFUSALS} == set(X86_64.numbers)
    assert this_processor() in (X86_64, ARM64, None)
