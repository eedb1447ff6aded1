"""The sum at the end of `make test` must not hide a failure."""

import pytest
from stages import count

CARGO = "test result: ok. 36 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.40s"
CARGO_BAD = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s"


@pytest.mark.parametrize(
    ("log", "exit_code", "expected"),
    [
        ("", 0, (1, 0)),
        ("", 1, (0, 1)),
        (f"{CARGO}\n{CARGO}\n", 0, (72, 0)),
        (f"{CARGO}\n{CARGO_BAD}\n", 101, (39, 2)),
        ("error: could not compile", 101, (0, 1)),
        (f"{CARGO}\nerror: could not compile", 101, (36, 1)),
        ("12 passed, 0 failed\n", 0, (12, 0)),
        ("===== 1 failed, 5 passed in 3.20s =====", 1, (5, 1)),
        ("5 passed, 1 skipped, 2 errors in 3.20s", 1, (5, 2)),
        ("ok   an order is closed\nok   it is closed\n", 0, (2, 0)),
        ("ok   an order is closed\nFAIL CheckFailed()\n", 1, (1, 1)),
        ("ok      one\nnot ok  two\n1 passed, 1 failed\n", 1, (1, 1)),
        ("7 passed in 0.01s", 0, (7, 0)),
        (" Test Files  17 passed (17)\n      Tests  86 passed (86)\n", 0, (86, 0)),
        (" Test Files  1 failed | 16 passed (17)\n      Tests  2 failed | 84 passed (86)\n", 1, (84, 2)),
        ("      Tests  3 failed (3)\n", 1, (0, 3)),
        ("    7 passed in 0.01s\n    3 passed, 0 failed\n10 passed, 0 failed\n", 0, (10, 0)),
    ],
)
def test_every_kind_of_summary_is_counted(log, exit_code, expected):
    assert count(log, exit_code) == expected
