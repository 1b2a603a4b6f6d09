"""What the decoder's child takes from itself before it opens a file: network, new processes, all other files.

Linux only, and irrevocable: seccomp (through libseccomp, which apt itself needs) and Landlock
(https://docs.kernel.org/userspace-api/landlock.html). Where the kernel offers neither, the box is of tier C.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

# Asked for a socket, a process or another program, the kernel answers "not permitted". Threads stay allowed.
_DENIED = (
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
    "fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tkill",
    "pidfd_open", "pidfd_send_signal", "setrlimit", "unshare", "setns", "mount", "umount2", "move_mount",
    "open_tree", "fsopen", "pivot_root", "chroot", "open_by_handle_at", "io_uring_setup", "bpf", "perf_event_open",
    "userfaultfd", "keyctl", "add_key", "request_key", "symlink", "symlinkat", "link", "linkat", "mknod", "mknodat",
)  # fmt: skip
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # seccomp.h: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(x)
_NOT_EQUAL, _MASKED_EQUAL = 1, 7  # seccomp.h: SCMP_CMP_NE, SCMP_CMP_MASKED_EQ
_CLONE_THREAD = 0x00010000  # linux/sched.h

# linux/landlock.h. Access rights of ABI 1 to 3; numbers of system calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_ABI1, _REFER, _TRUNCATE = (1 << 13) - 1, 1 << 13, 1 << 14
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


class _Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def needed_files() -> list[Path]:
    """What the child must read to run at all: system libraries, the interpreter, its packages, this package."""
    system = [Path(p) for p in ("/usr", "/lib", "/lib64", "/etc/ld.so.cache")]
    python = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    return [*system, *sorted(python), Path(__file__).resolve().parent]


def forbid_calls() -> None:
    """No network, no process, no program, no raised limit from here on. Raises `OSError` where that can't be had."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
    ]  # fmt: skip
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [ctypes.c_void_p]
    rules = library.seccomp_init(_ALLOW)

    def deny(name: str, code: int, *conditions: _Comparison) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # this architecture has no such call
        array = (_Comparison * len(conditions))(*conditions)
        _check(library.seccomp_rule_add_array(rules, _ERRNO | code, number, len(conditions), array))

    for name in _DENIED:
        deny(name, errno.EPERM)
    deny("clone", errno.EPERM, _Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, 0))
    deny("clone3", errno.ENOSYS)  # its flags are out of a filter's sight; libc then asks by `clone`
    deny("prlimit64", errno.EPERM, _Comparison(2, _NOT_EQUAL, 0, 0))  # reading a limit is fine
    _check(library.seccomp_load(rules))
    library.seccomp_release(rules)


def hide_files(readable: Iterable[Path], writable: Path) -> None:
    """Of all files only these, and what lies below them, can be opened from here on. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    abi = _check(libc.syscall(_CREATE_RULESET, None, 0, 1))
    everything = _ABI1 | (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    handled = ctypes.c_uint64(everything)
    ruleset = _check(libc.syscall(_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0))
    for path, rights in [*((p, _READ_FILE | _READ_FOLDER) for p in readable), (writable, everything)]:
        if not path.exists():
            continue
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rights &= everything if path.is_dir() else ~_READ_FOLDER
        rule = _Beneath(rights, place)
        _check(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
        os.close(place)
    _check(libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _check(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _check(result: int) -> int:
    """A negative result is an error: -1 with errno (libc), or -errno (libseccomp)."""
    if result < 0:
        code = ctypes.get_errno() if result == -1 else -result
        raise OSError(code, os.strerror(code))
    return result
