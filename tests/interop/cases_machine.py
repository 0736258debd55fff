"""The cases of files, processes and the machine, one for each method. The folder is seen by both sides."""

import os
from pathlib import Path

from bench import Bench, case, check

# Every byte, so that nothing takes it for text.
DATA = bytes(range(256)) * 3


def place(bench: Bench, name: str) -> Path:
    """A path of this case's own that does not exist."""
    path = bench.folder / name
    check(not path.exists(), f"{path} exists already; give a new folder with --dir")
    return path


@case("fs.read")
async def read(bench: Bench) -> str:
    path = place(bench, "read grüße")
    path.write_bytes(DATA)
    check(await bench.remote.read_file(str(path)) == DATA, "other bytes than were written")
    return f"{len(DATA)} bytes"


@case("fs.write")
async def write(bench: Bench) -> str:
    path = place(bench, "written") / "below" / "file"
    for data in (DATA, b""):
        await bench.remote.write_file(str(path), data)
        check(path.read_bytes() == data, "other bytes than were sent")
    return "made its folders, and was replaced"


@case("fs.list")
async def list_folder(bench: Bench) -> str:
    path = place(bench, "listed")
    (path / "folder").mkdir(parents=True)
    (path / "file").write_bytes(DATA)
    found = {entry.name: entry for entry in await bench.remote.list_dir(str(path))}
    check(set(found) == {"folder", "file"}, f"{found}")
    check(found["folder"].is_dir and not found["file"].is_dir, f"{found}")
    check(found["file"].size == len(DATA) and found["file"].path == str(path / "file"), f"{found['file']}")
    return f"{len(found)} entries"


@case("fs.stat")
async def stat(bench: Bench) -> str:
    path = place(bench, "looked at")
    path.write_bytes(DATA)
    path.chmod(0o640)
    known, found = path.stat(), await bench.remote.stat(str(path))
    check((found.name, found.is_dir, found.size) == (path.name, False, len(DATA)), f"{found}")
    check(found.mtime is not None and abs(found.mtime - known.st_mtime) < 1e-3, f"{found.mtime} of {known.st_mtime}")
    check(found.mode == known.st_mode, f"{found.mode} of {known.st_mode}")
    return f"mode {found.mode:o}"


@case("fs.delete")
async def delete(bench: Bench) -> str:
    path = place(bench, "deleted")
    (path / "folder").mkdir(parents=True)
    (path / "folder" / "file").write_bytes(DATA)
    await bench.remote.delete(str(path))
    check(not path.exists(), "it is still there")
    if bench.python:
        # A convention of the reference; another host may well say that there is nothing to delete.
        await bench.remote.delete(str(path))
    return "with all below it"


@case("fs.move")
async def move(bench: Bench) -> str:
    source, target = place(bench, "source"), place(bench, "target")
    source.write_bytes(DATA)
    await bench.remote.move(str(source), str(target))
    check(not source.exists() and target.read_bytes() == DATA, "it was not moved")
    return "moved"


@case("fs.mkdir")
async def mkdir(bench: Bench) -> str:
    path = place(bench, "made") / "below"
    for _ in range(2):
        await bench.remote.mkdir(str(path))
        check(path.is_dir(), "it was not made")
    return "with its parent, and what exists is no error"


@case("process.list")
async def processes(bench: Bench) -> str:
    found = await bench.remote.processes()
    check(os.getpid() in {process.pid for process in found}, f"this process is not among {len(found)}")
    check(all(process.name for process in found if process.pid == os.getpid()), "no name")
    return f"{len(found)} processes"


@case("process.shell")
async def shell(bench: Bench) -> str:
    command = "pwd; printf '%s' \"$INTEROP\"; printf wrong >&2; exit 3"
    done = await bench.remote.shell(command, timeout=60, cwd=str(bench.folder), env={"INTEROP": "grüße"})
    check(done.returncode == 3 and done.stderr == b"wrong", f"{done}")
    check(done.stdout == f"{bench.folder}\ngrüße".encode(), f"{done}")
    check(done.duration >= 0, f"{done}")
    return f"code {done.returncode}"


@case("process.exec")
async def execute(bench: Bench) -> str:
    done = await bench.remote.exec(["cat", "-"], timeout=60, cwd=str(bench.folder), stdin=DATA)
    check((done.returncode, done.stdout, done.stderr) == (0, DATA, b""), f"{done!r:.200}")
    plain = await bench.remote.exec(["printf", "%s", "no $SHELL; here"])
    check(plain.stdout == b"no $SHELL; here", f"{plain}")
    late = await bench.refusal("process.exec", {"argv": ["sleep", "30"], "timeout": 0.2})
    check(late.code == "timeout", f"{late.code}: {late.message}")
    missing = await bench.refusal("process.exec", {"argv": ["/nonexistent/interop"]})
    check(missing.code == "not_found", f"{missing.code}: {missing.message}")
    return "input, output, a time limit"


@case("power.lock")
async def lock(bench: Bench) -> str:
    check(await bench.remote.lock_screen() is None, "a result instead of null")
    # The virtual desktop has no password.
    await bench.remote.press("Return")
    return "no error"


@case("notifications.list")
async def notifications(bench: Bench) -> str:
    found = await bench.remote.notifications()
    check(all(notification.id for notification in found), f"{found}")
    return f"{len(found)} notifications"
