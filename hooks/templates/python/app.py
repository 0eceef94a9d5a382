"""{{name}}: every job must have an owner."""

import json

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
        """Settings are JSON text. To refuse them: `raise Err("…")`, from `componentize_py_types`."""

    def validate(self, settings, request):
        if request.planned is None:  # the job is deleted
            return Verdict_Ok()
        owner = json.loads(request.planned).get("owner")
        if isinstance(owner, dict):  # {"$unknown": true} or {"$sensitive": true}: ask again when it is known
            return Verdict_NeedsKnown([OWNER])
        if owner:
            return Verdict_Ok()
        detail = 'An owner is expected, found none. Write for example: owner = "Team Blue"'
        return Verdict_Findings([Finding(Severity.ERROR, "Job without an owner", detail, OWNER, None)])
