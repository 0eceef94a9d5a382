// Lets jobs call only the hosts that the operator allows.

const SETTINGS_SCHEMA = {
  type: "object",
  required: ["hosts"],
  additionalProperties: false,
  properties: {
    hosts: {
      type: "array",
      minItems: 1,
      items: { type: "string" },
      description: "Host names; *.example.com stands for all names below example.com",
    },
  },
};

const HOST = /^(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/i;

// Stricter than any client: what two clients could read in two ways is no match, and so not allowed.
const URL_WITH_HOST =
  /^https?:\/\/(?:[^\s/?#@\\]*@)?([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?:[/?#]|$)/i;

const EXECUTOR = [{ tag: "attribute", val: "executor" }];
const NAME = [...EXECUTOR, { tag: "attribute", val: "name" }];
const CONFIG = [...EXECUTOR, { tag: "attribute", val: "config" }];
const URL = [...CONFIG, { tag: "key", val: "url" }];

export const rules = {
  describe() {
    return {
      name: "allowed-hosts",
      version: "1.0.0",
      summary: "Lets jobs of the http executor call only hosts that are allowed",
      resourceTypes: ["krony_job"],
      stages: [],
      settingsSchema: JSON.stringify(SETTINGS_SCHEMA),
    };
  },

  // What is thrown is the error of the interface.
  validateSettings(settings) {
    const { hosts, ...others } = JSON.parse(settings);
    for (const name of Object.keys(others)) {
      throw `the setting "hosts" is expected, found ${JSON.stringify(name)}`;
    }
    if (!Array.isArray(hosts) || hosts.length === 0) {
      throw `"hosts" is expected to be a list of host names, found ${JSON.stringify(hosts ?? null)}`;
    }
    for (const host of hosts) {
      if (typeof host !== "string" || !HOST.test(host)) {
        throw `a host is expected as "api.example.com" or "*.example.com", found ${JSON.stringify(host)}`;
      }
    }
  },

  validate(settings, request) {
    const executor = JSON.parse(request.planned ?? "{}").executor;
    if (isMarker(executor)) return needsKnown(EXECUTOR);
    if (isMarker(executor?.name)) return needsKnown(NAME);
    if (executor?.name !== "http") return { tag: "ok" };
    if (isMarker(executor.config)) return needsKnown(CONFIG);
    const url = executor.config?.url;
    if (isMarker(url)) return needsKnown(URL);
    if (url == null) return { tag: "ok" };
    return judge(url, JSON.parse(settings).hosts);
  },
};

function judge(url, allowed) {
  const host = URL_WITH_HOST.exec(url)?.[1].toLowerCase();
  // The URL is not shown: there may be a password in it.
  if (host === undefined) {
    return denied("URL without a readable host", "An http or https URL with a plain host name is expected.");
  }
  if (allowed.some((pattern) => matches(host, pattern.toLowerCase()))) return { tag: "ok" };
  return denied("Host is not allowed", `One of ${allowed.join(", ")} is expected, found ${host}.`);
}

function matches(host, pattern) {
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function isMarker(value) {
  return value?.$unknown === true || value?.$sensitive === true;
}

function needsKnown(path) {
  return { tag: "needs-known", val: [path] };
}

function denied(summary, detail) {
  return { tag: "findings", val: [{ severity: "error", summary, detail, path: URL, rule: null }] };
}
