"""Settings of what learned models may do in screening."""

from __future__ import annotations

from pydantic import model_validator

from screening.settings.section import Section, setting


class LearnedSettings(Section):
    """What models taught on people's decisions may do once a person promoted them; they never reject."""

    doubt_from: float = setting(
        "chance of rejection from which what would be approved goes to a person", unit="share", ge=0.05, le=1
    )
    spare_below: float = setting(
        "chance of rejection below which a review for points alone is spared; 0: none is", unit="share", ge=0, le=0.5
    )
    ask_share: float = setting(
        "share of a run's applications that are marked as teaching the judge most", unit="share", ge=0, le=0.2
    )
    site_from: float = setting(
        "score from which a site counts as like those of rejected applicants", unit="share", ge=0.5, le=1
    )
    telling_max: int = setting("findings that an opinion names at most", unit="findings", ge=1, le=10)

    @model_validator(mode="after")
    def _mercy_below_doubt(self) -> LearnedSettings:
        if self.spare_below >= self.doubt_from:
            raise ValueError("`spare_below` must be less than `doubt_from`")
        return self
