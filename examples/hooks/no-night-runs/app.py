"""Forbids schedules that fire in the hours of the night."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import (
    Description,
    Finding,
    PathStep_Attribute,
    Severity,
    Verdict_Findings,
    Verdict_NeedsKnown,
    Verdict_Ok,
)

SCHEDULE = [PathStep_Attribute("schedule")]
ALL_DAY = set(range(24))

# What stands in place of six fields, and the hours in which it runs.
DESCRIPTORS = {
    "@minutely": ALL_DAY,
    "@hourly": ALL_DAY,
    "@daily": {0},
    "@midnight": {0},
    "@weekly": {0},
    "@monthly": {0},
    "@yearly": {0},
    "@annually": {0},
}

SETTINGS_SCHEMA = {
    "type": "object",
    "required": ["from", "to"],
    "additionalProperties": False,
    "properties": {
        "from": {"type": "integer", "minimum": 0, "maximum": 23, "description": "First hour of the night"},
        "to": {"type": "integer", "minimum": 0, "maximum": 23, "description": "First hour after the night"},
    },
}


class Rules(exports.Rules):
    def describe(self):
        return Description(
            name="no-night-runs",
            version="1.0.0",
            summary="Forbids schedules that fire in the hours of the night",
            resource_types=["krony_job"],
            stages=[],
            settings_schema=json.dumps(SETTINGS_SCHEMA),
        )

    def validate_settings(self, settings):
        night = json.loads(settings)
        for name in night:
            if name not in ("from", "to"):
                raise Err(f'the settings "from" and "to" are expected, found {json.dumps(name)}')
        for name in ("from", "to"):
            hour = night.get(name)
            # True is an int to Python.
            if type(hour) is not int or hour not in ALL_DAY:
                raise Err(f'"{name}" is expected to be an hour from 0 to 23, found {json.dumps(hour)}')
        if night["from"] == night["to"]:
            raise Err(f'"from" and "to" are expected to differ, found {night["from"]} in both')

    def validate(self, settings, request):
        schedule = json.loads(request.planned or "{}").get("schedule")
        if schedule is None:
            return Verdict_Ok()
        if isinstance(schedule, dict):  # a marker: not known yet, or not ours to see
            return Verdict_NeedsKnown([SCHEDULE])
        night = json.loads(settings)
        start, end = night["from"], night["to"]
        try:
            hours = hours_of(schedule)
        except ValueError:
            return denied(
                "Schedule cannot be judged",
                f'Six fields or a descriptor such as "@daily" are expected, found "{schedule}".',
            )
        at_night = [hour for hour in hours_between(start, end) if hour in hours]
        if not at_night:
            return Verdict_Ok()
        return denied(
            "Schedule fires at night",
            f"No run is expected from {start:02}:00 to {end:02}:00 in the time zone of the job; "
            f'"{schedule}" fires in the hours {", ".join(map(str, at_night))}. '
            f"Choose hours from {end} to {(start - 1) % 24}.",
        )


def denied(summary, detail):
    return Verdict_Findings([Finding(Severity.ERROR, summary, detail, SCHEDULE, None)])


def hours_between(start, end):
    """The hours from `start` to before `end`, over midnight if need be."""
    return [(start + hour) % 24 for hour in range((end - start) % 24)]


def hours_of(schedule):
    """The hours in which a schedule fires; none for one that keeps no hours, such as `@every`."""
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        schedule = schedule.partition(" ")[2]
    fields = schedule.split()
    if fields[:1] in (["@every"], ["@at"], ["@manually"]):
        return set()
    if len(fields) == 1 and fields[0] in DESCRIPTORS:
        return DESCRIPTORS[fields[0]]
    if len(fields) != 6:
        raise ValueError(schedule)
    elements = filter(None, fields[2].split(","))
    return set().union(*map(hours_of_element, elements))


def hours_of_element(element):
    """The hours of one element of the hour field: `*`, `3`, `1-5`, `*/2`, `4/6`, `1-9/2`."""
    if "~" in element:  # dkron makes an hour from the name of the job: it may be any
        return ALL_DAY
    span, _, step = element.partition("/")
    first, _, last = span.partition("-")
    if first in ("*", "?"):
        first, last = 0, 23
    elif not last:
        last = 23 if step else first  # 4/6 goes on to the end of the day
    return set(range(int(first), int(last) + 1, int(step or 1)))
