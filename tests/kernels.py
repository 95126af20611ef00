"""The unit tests as other processors would compute them: nothing that they hold may hang on a last digit.

python tests/kernels.py [PYTEST ARGUMENT ...]        under 3 minutes on two idle cores; `make test-kernels`

Each setting chooses other kernels of OpenBLAS (numpy, scipy), of numpy itself, of PyTorch and of MKL (its matrix
products), or another number of threads. Workers, jobs and analysts run in an environment of our own making, which
these settings do not reach, so the tests that start any are left out.
"""

import os
import subprocess
import sys

# What numpy was built with; the names differ between its versions and between architectures.
from numpy._core._multiarray_umath import __cpu_dispatch__ as DISPATCHED  # pyright: ignore

# Those that train in their own process are meant here above all, though `make check` leaves them out.
UNIT = "not slow and not wire and not process and not training and not editor"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
KERNELS = {
    "a processor without AVX": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED),
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
    },
    "AVX without FMA": {"OPENBLAS_CORETYPE": "Sandybridge", "ATEN_CPU_CAPABILITY": "default"},
    "AVX2 without AVX-512": {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in DISPATCHED if "V3" not in name),
        "ATEN_CPU_CAPABILITY": "avx2",
    },
    "two threads": dict.fromkeys(THREADS, "2"),
}
REPORT = """
import numpy, torch
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
used = " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name]) or "its baseline"
capability = torch.backends.cpu.get_cpu_capability()
print(f"numpy: {used}; torch: {capability}, {torch.get_num_threads()} thread(s)")
"""


def main() -> int:
    failed = []
    for name, setting in KERNELS.items():
        environment = {**os.environ, **dict.fromkeys(THREADS, "1"), **setting}
        print(f"== {name}\n{took_effect(environment)}", flush=True)
        tests = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", UNIT, *sys.argv[1:]]
        if subprocess.run(tests, env=environment).returncode:
            failed.append(name)
    if failed:
        print(f"\nThese tests do not hold under: {', '.join(failed)}.", file=sys.stderr)
    return len(failed)


def took_effect(environment: dict[str, str]) -> str:
    """What the libraries say that they use: a setting that a machine cannot follow is passed over in silence."""
    told = {**environment, "OPENBLAS_VERBOSE": "2"}
    asked = subprocess.run(
        [sys.executable, "-c", REPORT], env=told, capture_output=True, text=True, check=True
    )
    return f"OpenBLAS: {asked.stderr.strip().removeprefix('Core: ')}; {asked.stdout.strip()}"


if __name__ == "__main__":
    sys.exit(main())
