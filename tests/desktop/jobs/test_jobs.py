"""Jobs run in a child process; whatever happens there, the parent gets one answer and nothing lives on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import Cancelled, Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.progress import ProgressWriter, span
from desktop.jobs.protocol import Progress
from desktop.jobs.supervisor import Supervisor
from tests.desktop.jobs.worker_under_test import Act, Answer

COMMAND = [sys.executable, "-m", "tests.desktop.jobs.worker_under_test"]


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def supervisor(log: list[str]) -> Supervisor:
    return Supervisor(COMMAND, log.append)


def test_a_job_reports_progress_and_answers(supervisor: Supervisor) -> None:
    seen: list[Progress] = []
    answer = supervisor.run(Act(do="echo", text="grüße"), Answer, progress=seen.append)
    assert answer.text == "grüße"
    assert [(p.stage, p.fraction) for p in seen] == [("echo", 0.5)]


def test_what_libraries_print_does_not_disturb_the_answer(supervisor: Supervisor) -> None:
    assert supervisor.run(Act(do="chatter", text="x"), Answer).text == "x"


@pytest.mark.parametrize(
    ("do", "code", "exit_code"),
    [
        ("refuse", "no-such-thing", Exit.SOURCE),
        ("disk-full", "disk-full", Exit.DISK),
        ("fault", "internal-error", Exit.MEDIA),
        ("segfault", "job-crashed", Exit.MEDIA),
    ],
)
def test_a_failure_has_a_code_and_words(supervisor: Supervisor, do: str, code: str, exit_code: Exit) -> None:
    with pytest.raises(ReelyError) as caught:
        supervisor.run(Act(do=do), Answer)
    assert (caught.value.code, caught.value.exit) == (code, exit_code)
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")


def test_a_crash_leaves_its_last_words_in_the_log(supervisor: Supervisor, log: list[str]) -> None:
    with pytest.raises(ReelyError):
        supervisor.run(Act(do="segfault"), Answer)
    assert "last words" in log[0]


def _pids(progress: Progress) -> list[int]:
    return [int(word) for word in progress.stage.split()[1:]]


def test_cancel_ends_the_child_and_its_children_within_half_a_second(supervisor: Supervisor) -> None:
    token = CancelToken()
    started: list[float] = []
    pids: list[int] = []

    def cancel_from_another_thread(progress: Progress) -> None:
        pids.extend(_pids(progress))
        started.append(time.monotonic())
        thread = threading.Thread(target=token.cancel)
        thread.start()
        thread.join()

    with pytest.raises(Cancelled):
        supervisor.run(Act(do="hang"), Answer, progress=cancel_from_another_thread, token=token)
    assert time.monotonic() - started[0] < 0.5
    assert len(pids) == 2
    for pid in pids:
        assert _gone(pid)


def test_a_crashed_child_takes_its_children_with_it(supervisor: Supervisor) -> None:
    seen: list[Progress] = []
    with pytest.raises(ReelyError) as caught:
        supervisor.run(Act(do="crash-with-grandchild"), Answer, progress=seen.append)
    assert caught.value.code == "job-crashed"
    pids = [pid for progress in seen for pid in _pids(progress)]
    assert len(pids) == 2
    assert all(_gone(pid) for pid in pids)


def test_a_job_that_was_cancelled_before_it_began_never_starts(supervisor: Supervisor) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        supervisor.run(Act(do="echo"), Answer, token=token)


def test_a_child_ends_with_everything_it_started_when_its_parent_is_killed() -> None:
    child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        child.stdin.write(Act(do="hang").model_dump_json().encode() + b"\n")
        child.stdin.flush()
        pids = _pids(Progress.model_validate_json(child.stdout.readline()))
        child.stdin.close()  # what the operating system does when the parent dies
        assert child.wait(timeout=5) == -signal.SIGKILL
    assert all(_gone(pid) for pid in pids)


def _pid_of_the_child(supervisor: Supervisor) -> int:
    return int(supervisor.run(Act(do="pid"), Answer).text)


def test_each_job_has_a_child_of_its_own_unless_children_are_kept(supervisor: Supervisor) -> None:
    first = _pid_of_the_child(supervisor)
    assert _gone(first)
    assert _pid_of_the_child(supervisor) != first


def test_a_child_that_is_kept_does_the_next_job_and_ends_with_the_block(supervisor: Supervisor) -> None:
    with supervisor:
        first = _pid_of_the_child(supervisor)
        assert _pid_of_the_child(supervisor) == first
        assert not _gone(first)
    assert _gone(first)


@pytest.mark.parametrize("do", ["refuse", "fault", "segfault"])
def test_a_child_whose_job_failed_is_not_used_again(supervisor: Supervisor, do: str) -> None:
    with supervisor:
        before = _pid_of_the_child(supervisor)
        with pytest.raises(ReelyError):
            supervisor.run(Act(do=do), Answer)
        assert _gone(before)
        assert _pid_of_the_child(supervisor) != before


def test_a_kept_child_ends_within_half_a_second_of_cancel(supervisor: Supervisor) -> None:
    token = CancelToken()
    pids: list[int] = []
    began: list[float] = []

    def cancel(progress: Progress) -> None:
        pids.extend(_pids(progress))
        began.append(time.monotonic())
        token.cancel()

    with supervisor:
        before = _pid_of_the_child(supervisor)
        with pytest.raises(Cancelled):
            supervisor.run(Act(do="hang"), Answer, progress=cancel, token=token)
        assert time.monotonic() - began[0] < 0.5
        assert before in pids
        assert all(_gone(pid) for pid in pids)
        assert _pid_of_the_child(supervisor) != before


def test_a_kept_child_that_died_meanwhile_is_replaced(supervisor: Supervisor) -> None:
    with supervisor:
        before = _pid_of_the_child(supervisor)
        os.kill(before, signal.SIGKILL)
        assert _gone(before)
        assert _pid_of_the_child(supervisor) != before


def test_jobs_at_the_same_time_have_children_of_their_own(supervisor: Supervisor) -> None:
    with supervisor, ThreadPoolExecutor(2) as pool:
        token = CancelToken()
        hanging: list[int] = []
        up = threading.Event()

        def note(progress: Progress) -> None:
            hanging.extend(_pids(progress))
            up.set()

        first = pool.submit(supervisor.run, Act(do="hang"), Answer, progress=note, token=token)
        assert up.wait(10)
        assert _pid_of_the_child(supervisor) not in hanging
        token.cancel()
        assert isinstance(first.exception(), Cancelled)


def test_what_a_job_left_running_ends_though_its_child_is_kept(supervisor: Supervisor) -> None:
    seen: list[int] = []
    with supervisor:
        supervisor.run(Act(do="leave-a-grandchild"), Answer, progress=lambda each: seen.extend(_pids(each)))
        child, grandchild = seen
        assert _gone(grandchild)
        assert _pid_of_the_child(supervisor) == child


def test_the_log_gets_what_was_said_during_the_failed_job_alone(
    supervisor: Supervisor, log: list[str]
) -> None:
    with supervisor:
        supervisor.run(Act(do="chatter"), Answer)
        with pytest.raises(ReelyError):
            supervisor.run(Act(do="segfault"), Answer)
    assert "last words" in log[0]
    assert "greeting" not in log[0]


def test_a_prepared_child_imports_ahead_what_it_will_need(supervisor: Supervisor) -> None:
    with supervisor:
        supervisor.prepare("first", "second")
        supervisor.run(Act(kind="third", do="pid"), Answer)
        imported = supervisor.run(Act(kind="third", do="what-is-imported"), Answer).text.split()
    assert [kind for kind in imported if kind != "third"] == ["first", "second"]


def test_a_command_that_cannot_start_is_an_error_of_the_disk_not_a_hang(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Supervisor([str(tmp_path / "missing")]).run(Act(do="echo"), Answer)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1)), max_size=40))
def test_progress_never_goes_back_and_ends_with_the_last_stage(steps: list[tuple[str, float]]) -> None:
    emitted: list[Progress] = []
    now = [0.0]
    writer = ProgressWriter(emitted.append, clock=lambda: now[0])
    for stage, fraction in steps:
        now[0] += 0.2
        writer(stage, fraction)
    fractions = [progress.fraction for progress in emitted]
    assert fractions == sorted(fractions)
    assert [progress.stage for progress in emitted] == [stage for stage, _ in steps]


def test_the_time_left_is_that_of_the_average_speed() -> None:
    emitted: list[Progress] = []
    now = [100.0]
    writer = ProgressWriter(emitted.append, clock=lambda: now[0])
    now[0] = 110.0
    writer("encode", 0.25)
    assert emitted[0].eta_seconds == pytest.approx(30.0)


def test_parts_of_the_work_add_up_to_the_whole() -> None:
    seen: list[tuple[str, float]] = []

    def whole(stage: str, fraction: float) -> None:
        seen.append((stage, round(fraction, 9)))

    span(whole, 0.0, 0.4)("fetch", 0.5)
    span(span(whole, 0.4, 1.0), 0.5, 1.0)("encode", 1.0)
    assert seen == [("fetch", 0.2), ("encode", 1.0)]


def _gone(pid: int) -> bool:
    """Whether the process has ended, or ends within half a second (perhaps not yet reaped by its parent)."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 0.5)[0])
    finally:
        os.close(handle)
