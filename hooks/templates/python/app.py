"""{{name}}: every job must have an owner."""

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

OWNER = [PathStep_Attribute("owner")]


class Rules(exports.Rules):
    def describe(self):
        return Description(
            name="{{name}}",
            version="0.1.0",
            summary="Every job must have an owner",
            resource_types=["krony_job"],
            stages=[],  # asked in all of them
            settings_schema=None,
        )

    def validate_settings(self, settings):
        if json.loads(settings):  # this rule has none
            raise Err(f"expected no settings, found {settings}")

    def validate(self, settings, request):
        if request.planned is None:  # the job is deleted
            return Verdict_Ok()
        owner = json.loads(request.planned).get("owner")
        if isinstance(owner, dict) and "$unknown" in owner:  # will be known later: ask again then
            return Verdict_NeedsKnown([OWNER])
        if owner:  # also {"$sensitive": true}: there is an owner, whom the hook may not see
            return Verdict_Ok()
        detail = 'An owner is expected, found none. Write for example: owner = "Team Blue"'
        return Verdict_Findings([Finding(Severity.ERROR, "Job without an owner", detail, OWNER, None)])
