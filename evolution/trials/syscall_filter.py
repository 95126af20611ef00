"""The filter of system calls in the sandbox: takes away what no training needs, as a program for the kernel's seccomp.

Of what Flatpak, Docker and systemd take away, this is what concerns a process without capabilities: calls that reach
into other processes or the kernel, new namespaces, keys, and sockets that a network namespace does not hold back
(vsock). A call that a library tries first and does without where it is missing "is not implemented" (ENOSYS).
"""

import errno
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from evolution.trials.syscalls import X86_64, Processor


class Test(Enum):
    """What must hold of the low 32 bits of an argument."""

    IS = "is"
    IS_NOT = "is not"
    HAS_ANY = "has any bit of"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """argument: its place, from 0."""

    argument: int
    test: Test
    value: int


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A call that fails with `error` where every condition holds."""

    call: str
    error: int = errno.EPERM
    conditions: Sequence[Condition] = ()


_PROCESSES = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp "
    "move_pages migrate_pages perf_event_open"
)
_KEYS = "add_key request_key keyctl"
_KERNEL = (
    "bpf userfaultfd lookup_dcookie syslog kexec_load kexec_file_load init_module finit_module delete_module "
    "create_module query_module get_kernel_syms iopl ioperm modify_ldt reboot swapon swapoff acct quotactl "
    "quotactl_fd nfsservctl vhangup sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex "
    "uselib ustat sysfs _sysctl"
)
_FILES = "mount umount2 pivot_root chroot setns name_to_handle_at open_by_handle_at fanotify_init"
# Memory that no limit sees: kept by the kernel while no process has it mapped, or hidden from it.
_UNSEEN_MEMORY = "shmget msgget memfd_secret"
# A namespace's flags are behind a pointer in clone3, and a file's mode in openat2, where no filter can read them.
_AS_IF_MISSING = (
    "clone3 openat2 io_uring_setup io_uring_enter io_uring_register open_tree open_tree_attr move_mount fsopen "
    "fsconfig fsmount fspick mount_setattr statmount listmount"
)
_NEW_NAMESPACE = 0x7E020000  # CLONE_NEW*: mount, cgroup, uts, ipc, user, pid, net
_NEW_TIME = 0x80  # CLONE_NEWTIME, which clone itself does not know
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into the terminal of whoever started this
_SOCKETS = (1, 2, 10, 16)  # unix, inet, inet6, netlink
_NETLINK = 16
_AS_ANOTHER = (
    stat.S_ISUID | stat.S_ISGID
)  # a file that runs as its owner could be started outside of the sandbox
_CREATES = 0o20000100  # O_CREAT, __O_TMPFILE


def _has(argument: int, bits: int) -> Condition:
    return Condition(argument=argument, test=Test.HAS_ANY, value=bits)


def _is(argument: int, value: int) -> Condition:
    return Condition(argument=argument, test=Test.IS, value=value)


def _is_none_of(argument: int, values: Sequence[int]) -> list[Condition]:
    return [Condition(argument=argument, test=Test.IS_NOT, value=value) for value in values]


REFUSALS: Sequence[Refusal] = (
    *(Refusal(call=call) for call in " ".join((_PROCESSES, _KEYS, _KERNEL, _FILES, _UNSEEN_MEMORY)).split()),
    *(Refusal(call=call, error=errno.ENOSYS) for call in _AS_IF_MISSING.split()),
    Refusal(call="clone", conditions=(_has(0, _NEW_NAMESPACE),)),
    Refusal(call="unshare", conditions=(_has(0, _NEW_NAMESPACE | _NEW_TIME),)),
    Refusal(call="personality", conditions=_is_none_of(0, (0, 0xFFFFFFFF))),
    *(Refusal(call="ioctl", conditions=(_is(1, request),)) for request in _TERMINAL_INPUT),
    Refusal(call="socket", error=errno.EAFNOSUPPORT, conditions=_is_none_of(0, _SOCKETS)),
    Refusal(call="socket", error=errno.EPROTONOSUPPORT, conditions=(_is(0, _NETLINK), *_is_none_of(2, (0,)))),
    Refusal(call="socketpair", error=errno.EAFNOSUPPORT, conditions=_is_none_of(0, (1,))),
    Refusal(call="chmod", conditions=(_has(1, _AS_ANOTHER),)),
    Refusal(call="fchmod", conditions=(_has(1, _AS_ANOTHER),)),
    Refusal(call="fchmodat", conditions=(_has(2, _AS_ANOTHER),)),
    Refusal(call="fchmodat2", conditions=(_has(2, _AS_ANOTHER),)),
    Refusal(call="mknod", conditions=(_has(1, _AS_ANOTHER),)),
    Refusal(call="mknodat", conditions=(_has(2, _AS_ANOTHER),)),
    Refusal(call="creat", conditions=(_has(1, _AS_ANOTHER),)),
    Refusal(call="open", conditions=(_has(1, _CREATES), _has(2, _AS_ANOTHER))),
    Refusal(call="openat", conditions=(_has(2, _CREATES), _has(3, _AS_ANOTHER))),
)

# Classic BPF, as in linux/bpf_common.h: what an instruction does.
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER_AT, _PROCESSOR_AT, _ARGUMENTS_AT = 0, 4, 16  # in the kernel's struct seccomp_data
_X32 = 0x40000000  # x86-64's second set of numbers, which would go past all tests
_ALL_NUMBERS = 0xFFFFFFFF


@cache
def filter_program(processor: Processor) -> bytes:
    """The filter as bubblewrap's --seccomp takes it: an array of struct sock_filter.

    A call of another processor's kind, such as one of 32 bits, is not implemented.
    """
    steps = [
        _step(_LOAD, _PROCESSOR_AT),
        _step(_JUMP_EQUAL, processor.audit, then=1),
        _step(_RETURN, _FAIL | errno.ENOSYS),
        _step(_LOAD, _NUMBER_AT),
        _step(_JUMP_AT_LEAST, _X32 if processor is X86_64 else _ALL_NUMBERS, otherwise=1),
        _step(_RETURN, _FAIL | errno.ENOSYS),
    ]
    for refusal in REFUSALS:
        if refusal.call in processor.numbers:
            steps += _refusing(processor.numbers[refusal.call], refusal)
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _refusing(number: int, refusal: Refusal) -> list[bytes]:
    """Steps that come to their end with the call's number loaded, unless they refuse the call."""
    tests: list[bytes] = []
    left = 2 * len(refusal.conditions) + 1  # steps from here to the one that loads the number again
    for condition in refusal.conditions:
        left -= 2
        tests.append(_step(_LOAD, _ARGUMENTS_AT + 8 * condition.argument))
        tests.append(_jump_out(condition, left))
    tests.append(_step(_RETURN, _FAIL | refusal.error))
    if refusal.conditions:
        tests.append(_step(_LOAD, _NUMBER_AT))
    return [_step(_JUMP_EQUAL, number, otherwise=len(tests)), *tests]


def _jump_out(condition: Condition, distance: int) -> bytes:
    """A jump over `distance` steps where the condition does not hold."""
    if condition.test is Test.IS_NOT:
        return _step(_JUMP_EQUAL, condition.value, then=distance)
    code = _JUMP_EQUAL if condition.test is Test.IS else _JUMP_BITS
    return _step(code, condition.value, otherwise=distance)


def _step(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
