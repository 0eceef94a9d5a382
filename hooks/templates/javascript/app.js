// {{name}}: every job must have an owner.

const OWNER = [{ tag: "attribute", val: "owner" }];

export const rules = {
  describe() {
    return {
      name: "{{name}}",
      version: "0.1.0",
      summary: "Every job must have an owner",
      resourceTypes: ["krony_job"],
      stages: [], // asked in all of them
      settingsSchema: null,
    };
  },

  // Settings are JSON text; this rule has none. A text that is thrown refuses them.
  validateSettings(settings) {
    if (settings !== "{}") throw `expected no settings, found ${settings}`;
  },

  validate(settings, request) {
    if (request.planned == null) return { tag: "ok" }; // the job is deleted
    const { owner } = JSON.parse(request.planned);
    // {"$unknown": true}: the owner will be known later, ask again then.
    if (owner?.$unknown) return { tag: "needs-known", val: [OWNER] };
    if (owner) return { tag: "ok" }; // also {"$sensitive": true}: there is an owner, whom the hook may not see
    return {
      tag: "findings",
      val: [
        {
          severity: "error",
          summary: "Job without an owner",
          detail: 'An owner is expected, found none. Write for example: owner = "Team Blue"',
          path: OWNER,
          rule: null,
        },
      ],
    };
  },
};
