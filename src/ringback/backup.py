"""A whole server in one file: its store, the key of its secrets, recordings, the simulated network; and back from it."""

import contextlib
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy.exc import DBAPIError

from ringback import running
from ringback.kit import sqlite
from ringback.operator_error import SERVICE_MISSING, OperatorError
from ringback.settings import Settings
from ringback.storage import dump, migrate
from ringback.storage.opening import engine_of
from ringback.storage.sealing import KEY_FILE

NETWORK = "network.db"
_FILES = (KEY_FILE, "first-key")
_PIECE = 1 << 20
_RECORDINGS = "recordings"
_RECORDING = re.compile(r"recordings/acct_[0-9a-z]{1,64}/call_[0-9a-z]{1,64}\.wav", re.ASCII)


def back_up(settings: Settings, path: Path, *, recordings: bool = True) -> dict[str, int]:
    """Write `path`, for the operator's eyes only; answers the rows of each table. A server may run meanwhile.

    `recordings` of calls, as far as they are on this machine, can be left out: they may be most of it.

    Raises `OperatorError`: nothing to back up, or a file that is there already.
    """
    if not settings.on_postgres and not (settings.data / running.STORE).exists():
        raise OperatorError(f"there is no store in {settings.data}: name its folder with --data")
    engine = engine_of(settings)
    with _answering(settings):
        if migrate.revision_of(engine) is None:
            raise OperatorError("the database holds no store of Ringback: nothing to back up")
    with _written(path) as file:
        # The network first: what it takes or tells in between it will tell the restored server again.
        _add_network(settings.data, file, beside=path)
        with _answering(settings):
            counts = dump.dump(engine, file)
        for name in _FILES:
            if (settings.data / name).exists():
                file.write(settings.data / name, f"data/{name}")
        if recordings:
            _add_recordings(settings.recordings_folder, file)
    return counts


def recordings_in(path: Path) -> int:
    """How many recordings a backup holds."""
    with ZipFile(path) as file:
        return sum(_recording_of(name) is not None for name in file.namelist())


def _recording_of(member: str) -> str | None:
    """Where in a data folder a member of a backup belongs, if it is a recording."""
    name = member.removeprefix("data/")
    return name if name != member and _RECORDING.fullmatch(name) else None


def _add_recordings(folder: Path, file: ZipFile) -> None:
    """Speech hardly gets smaller, so it is packed quickly. What is deleted meanwhile isn't in it."""
    for path in sorted(folder.glob("*/*.wav")):
        name = f"data/{_RECORDINGS}/{path.relative_to(folder).as_posix()}"
        if _recording_of(name) is not None:
            with contextlib.suppress(FileNotFoundError):
                file.write(path, name, compresslevel=1)


@contextlib.contextmanager
def _answering(settings: Settings) -> Iterator[None]:
    """What the database itself refuses, in one line."""
    try:
        yield
    except DBAPIError as error:
        where = "the database" if settings.on_postgres else f"the store {settings.data / running.STORE}"
        reason = " ".join(str(error.orig or error).split())
        raise OperatorError(
            f"{where} can't be used ({reason}): look at its server or disk", exit_code=SERVICE_MISSING
        ) from None


@contextlib.contextmanager
def _written(path: Path) -> Iterator[ZipFile]:
    """A new ZIP file that appears under its name once it is whole."""
    if path.exists():
        raise OperatorError(f"{path} is there already: name another file")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as raw:
            with ZipFile(raw, "w", ZIP_DEFLATED, compresslevel=6) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
        os.link(fresh, path)
    except FileExistsError:
        raise OperatorError(f"{path} is there already: name another file") from None
    except OSError as error:
        raise OperatorError(f"{path} can't be written: {error.strerror}") from None
    finally:
        fresh.unlink(missing_ok=True)


def _add_network(data: Path, file: ZipFile, *, beside: Path) -> None:
    """The simulated network as it is now, by way of a copy beside the backup. It is the far side, and no table of ours."""
    if not (data / NETWORK).exists():
        return
    copy = beside.with_name(f".{beside.name}.{NETWORK}.{os.getpid()}")
    try:
        source, target = sqlite.connect(data / NETWORK, read_only=True), sqlite.module.connect(str(copy))
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)
        file.write(copy, f"data/{NETWORK}")
    except sqlite.module.Error as error:
        raise OperatorError(f"{data / NETWORK} can't be copied ({error}): look at the disk") from None
    finally:
        for path in copy.parent.glob(f"{copy.name}*"):
            path.unlink()


def restore(settings: Settings, path: Path) -> dict[str, int]:
    """Make the server of a backup anew, in an empty data folder or database; answers the rows of each table.

    Raises `OperatorError`: no backup, a store that holds something, a server that runs.
    """
    try:
        file = ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or "it is no backup of Ringback"
        raise OperatorError(f"{path} can't be read: {reason}") from None
    running.make_data_folder(settings.data)
    with file, running.hold(settings.data):
        return _restore(settings, path, file)


def lacks_key(settings: Settings, path: Path) -> bool:
    """Whether a restored backup's secrets need a key that neither it nor the settings have."""
    with ZipFile(path) as file:
        return settings.secret_key is None and f"data/{KEY_FILE}" not in file.namelist()


def _restore(settings: Settings, path: Path, file: ZipFile) -> dict[str, int]:
    inside = {name.removeprefix("data/"): name for name in file.namelist() if name.startswith("data/")}
    recordings = [name for name in inside if _recording_of(f"data/{name}") is not None]
    names = [*(name for name in (NETWORK, *_FILES) if name in inside), *recordings]
    places = {name: _place_of(settings, name) for name in names}
    there = [name for name, place in places.items() if place.exists()][:3]
    if there:
        raise OperatorError(
            f"{settings.data} holds {' and '.join(there)} already: restore into an empty folder (--data)"
        )
    try:
        with _answering(settings):
            counts = dump.load(engine_of(settings), file)
    except dump.NotEmpty:
        raise OperatorError(
            "the store holds an account already: restore into an empty folder (--data) or database (--database)"
        ) from None
    except (dump.BadBackup, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise OperatorError(f"{path} can't be restored: {error}", exit_code=SERVICE_MISSING) from None
    for name, place in places.items():
        _bring_back(file, inside[name], place)
    return counts


def _place_of(settings: Settings, name: str) -> Path:
    if _recording_of(f"data/{name}") is None:
        return settings.data / name
    return settings.recordings_folder / Path(name).relative_to(_RECORDINGS)


def _bring_back(file: ZipFile, member: str, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        file.open(member) as source,
        open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target,
    ):
        while piece := source.read(_PIECE):
            target.write(piece)
