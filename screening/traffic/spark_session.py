"""A Spark for the length of one scan: where it runs, where its own log goes, and what its failures mean.

Spark is an extra (`winnow[spark]`), so it is imported only where a scan asks for it.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import polars as pl
import pyarrow as pa

from screening.errors import SettingsError, UnavailableError
from screening.settings.spark import SparkSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MESSAGE_CHARACTERS = 300
_SILENCE_SECONDS = 5.0
"""Wait for a connection after which a Spark counts as absent."""
_PORTS = {"spark": 7077, "sc": 15002}
"""Default ports of a standalone master and of a Spark Connect server, as Spark documents them."""
_PYTHON = "spark.pyspark.python"
_DEFAULTS = {
    "spark.app.name": "winnow",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # what comes back is bounded by what a scan keeps in memory anyway; docs/operations.md says how much that is
    "spark.driver.maxResultSize": "0",
    # Spark gives each core a task; Polars inside a task must not take all cores again
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
}
_ON_THIS_MACHINE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
_ALWAYS = {"spark.sql.session.timeZone": "UTC"}


@contextmanager
def spark_session(settings: SparkSettings, log: Path) -> Iterator[SparkSession]:
    """Start Spark, or connect to one, and stop the session at the end. What Spark itself says goes to the file `log`.

    Raises SettingsError when PySpark or what it needs is not installed, UnavailableError when Spark does not answer or
    a job of it fails.
    """
    if (lacking := what_lacks(settings)) is not None:
        raise SettingsError(lacking[0], remedy=lacking[1], where="engine")
    if (silent := who_is_silent(settings)) is not None:
        raise UnavailableError(silent[0], remedy=silent[1])
    with warnings.catch_warnings():
        # PySpark warns about newer pandas, which takes no part in what is done here
        warnings.filterwarnings("ignore", module=r"pyspark")
        warnings.filterwarnings("ignore", message=r".*[Pp]andas.*", category=FutureWarning)
        with _answering(settings, log):
            session = _remote(settings) if settings.connect else _own(settings, log)
            try:
                yield session
            finally:
                session.stop()


def what_lacks(settings: SparkSettings) -> tuple[str, str] | None:
    """Return what is not installed that these settings need, and the remedy; None when all is there."""
    if find_spec("pyspark") is None:
        return "The engine is spark, and PySpark is missing.", "Install it: pip install 'winnow[spark]'."
    if settings.connect:
        if find_spec("grpc") is None:
            return "Spark Connect needs grpcio, and it is missing.", "Install it: pip install 'winnow[spark]'."
        return None
    home = os.environ.get("JAVA_HOME", "")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").is_file()):
        remedy = "Install a Java runtime, such as Debian's default-jre-headless, or set JAVA_HOME."
        return "The engine is spark, and there is no java on the PATH.", remedy
    return None


def who_is_silent(settings: SparkSettings) -> tuple[str, str] | None:
    """Return which Spark takes no connection, and the remedy; None when it does or is started with the scan.

    Asked first, for Spark's own clients go on trying for minutes.
    """
    place = place_of(settings)
    address = urlsplit(place)
    if address.scheme not in _PORTS or "," in place:
        return None
    try:
        port = address.port or _PORTS[address.scheme]
        socket.create_connection((address.hostname or "", port), timeout=_SILENCE_SECONDS).close()
    except (OSError, ValueError) as error:
        return (
            f"No Spark answers at {place}: {error}.",
            "Start it, or set spark.master or spark.connect to where it is.",
        )
    return None


def runs_here(settings: SparkSettings) -> bool:
    """Tell whether executors run on this machine."""
    return not settings.connect and settings.master.startswith("local")


def place_of(settings: SparkSettings) -> str:
    """Return where Spark is, without the parameters of a Connect address, which may hold a token."""
    return settings.connect.partition(";")[0] or settings.master


def shipped(session: SparkSession, frame: pl.DataFrame) -> DataFrame:
    """Hand a frame to Spark. Numbers without a sign become 64-bit integers, which Spark has."""
    unsigned = [name for name, kind in frame.schema.items() if kind.is_unsigned_integer()]
    table = frame.with_columns(pl.col(unsigned).cast(pl.Int64)).to_arrow(compat_level=pl.CompatLevel.oldest())
    return session.createDataFrame(table)


def collected(frame: DataFrame) -> pl.DataFrame:
    """Bring a result into this process."""
    return pl.DataFrame(pl.from_arrow(frame.toArrow()))


def batches_of(frame: pl.DataFrame) -> Iterator[pa.RecordBatch]:
    """Give rows back to Spark, on an executor, in the types of `columns_of`."""
    types = {"string": pa.string(), "bigint": pa.int64(), "double": pa.float64()}
    schema = pa.schema([(name, types[_sql(kind)]) for name, kind in frame.schema.items()])
    yield from frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).to_batches()


def columns_of(schema: Mapping[str, pl.DataType]) -> str:
    """Name columns and their types in Spark's SQL: text, whole numbers of 64 bits, floats of 64 bits."""
    return ", ".join(f"`{name}` {_sql(kind)}" for name, kind in schema.items())


def _sql(kind: pl.DataType) -> str:
    if kind.is_integer():
        return "bigint"
    return "double" if kind.is_float() else "string"


def _own(settings: SparkSettings, log: Path) -> SparkSession:
    """Start a driver in this process."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    conf = SparkConf()
    defaults = {**_DEFAULTS, **(_ON_THIS_MACHINE if runs_here(settings) else {}), **_object_storage()}
    for name, value in {"spark.master": settings.master, **defaults, **settings.options, **_ALWAYS}.items():
        conf.set(name, value)
    gateway = None
    if SparkContext._gateway is None:  # noqa: SLF001 - the only sign that this process has a Java already
        # its Java writes to the streams it is given, and ours are for people and for --json
        with log.open("ab") as stream:
            gateway = launch_gateway(conf, {"stdout": stream, "stderr": stream})  # type: ignore[no-untyped-call]
    context = SparkContext(conf=conf, gateway=gateway)
    context.pythonExec = settings.options.get(_PYTHON) or os.environ.get("PYSPARK_PYTHON") or sys.executable
    return SparkSession(context)


def _remote(settings: SparkSettings) -> SparkSession:
    from pyspark.sql.connect.session import SparkSession as RemoteSession  # noqa: PLC0415

    builder = RemoteSession.builder.remote(settings.connect)
    for name, value in {**settings.options, **_ALWAYS}.items():
        builder = builder.config(name, value)
    session: Any = builder.create()
    return session  # type: ignore[no-any-return] # both kinds of session have one interface


def _object_storage() -> Mapping[str, str]:
    """Tell Spark of the endpoint that the environment names; credentials it takes from there itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint:
        return {}
    return {"spark.hadoop.fs.s3a.endpoint": endpoint, "spark.hadoop.fs.s3a.path.style.access": "true"}


@contextmanager
def _answering(settings: SparkSettings, log: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_sparks(error):
            raise
        text = str(error)
        first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
        raise UnavailableError(
            f"Spark failed: {first[:_MESSAGE_CHARACTERS]}.",
            remedy=_remedy(text, f"Spark's own log says more: {log}." if not settings.connect else "See its log."),
            where=place_of(settings),
        ) from error


def is_sparks(error: Exception) -> bool:
    """Tell whether an error came out of Spark or the way to it."""
    from pyspark.errors import PySparkException  # noqa: PLC0415

    return isinstance(error, PySparkException) or type(error).__module__.startswith(("py4j.", "grpc"))


def _remedy(text: str, otherwise: str) -> str:
    if "No module named" in text:
        return "Install this winnow in the Python of the executors (spark.pyspark.python), extra `spark` included."
    if "S3AFileSystem" in text:
        return "Give Spark its S3 client: spark.options: {spark.jars.packages: 'org.apache.hadoop:hadoop-aws:VERSION'}."
    return otherwise
