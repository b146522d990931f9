"""Settings of `winnow doctor`."""

from __future__ import annotations

from screening.settings.section import Section, setting

_TIB = 1024**4


class DoctorSettings(Section):
    """What `winnow doctor` expects of the machine."""

    free_bytes_warning: int = setting(
        "free space below which the doctor warns, on the disks of workspace and lake", unit="bytes", ge=0, le=_TIB
    )
    free_bytes_min: int = setting("free space below which the doctor calls it failed", unit="bytes", ge=0, le=_TIB)
    strict: bool = setting("end with 3, not 0, when there are warnings, such as old lists", unit="switch")
