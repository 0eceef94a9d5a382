//! From the schema to configurations.
//!
//! Types, presence, examples and allowed values come from the schema; what it does not say of single attributes
//! stands in [`Generator::special`], what it does not say of several together in [`Generator::make_valid`].

use fastrand::Rng;
use provider::job::Job;
use serde_json::{Map, Value, json};
use tfplugin::model::Model;
use tfplugin::schema::{Attribute, Field, Kind, Nesting, Presence};
use tfplugin::value::Type;

/// So many jobs, the first ones, are the parents of others.
pub(super) const PARENTS: usize = 3;

const EXECUTORS: [&str; 8] = ["http", "shell", "grpc", "kafka", "nats", "rabbitmq", "gcppubsub", "executor"];

/// Attributes that are never set, because the dkron of the tests drops them.
pub(super) const NEVER_SET: [&str; 1] = ["starts_at"];

/// Pieces of text that something on the way might take for its own.
const PIECES: [&str; 28] = [
    "a",
    "B",
    "0",
    "Tom's",
    "\"q\"",
    "${x}",
    "%{ if y }",
    "$",
    "ü",
    "日本",
    "🙂",
    "<b>&amp;",
    "\\n",
    "\\u0041",
    "\r\n",
    "\u{2028}",
    "\u{a0}",
    "\n",
    "\t",
    "a=b",
    "{}",
    "[]",
    "null",
    "true",
    "#c",
    ",",
    "; ",
    ": ",
];

pub(super) struct Generator {
    random: Rng,
    seed: u64,
    fields: Vec<Field>,
    parents: Vec<String>,
}

/// The attributes that a user may set.
pub(super) fn settable(fields: &[Field]) -> impl Iterator<Item = &Attribute> {
    fields.iter().filter_map(|field| match field {
        Field::Attribute(attribute) => Some(attribute).filter(|_| attribute.presence.is_configurable()),
        Field::Block(block) => panic!("the generator does not know blocks, such as {}", block.name),
    })
}

/// What an attribute is when it is set to nothing; none where that does not exist.
pub(super) fn empty(attribute: &Attribute) -> Option<Value> {
    match &attribute.kind {
        Kind::Plain(Type::String) => attribute.empty_is_null.then(|| json!("")),
        Kind::Plain(Type::Map(_)) => Some(json!({})),
        Kind::Plain(Type::List(_) | Type::Set(_)) => Some(json!([])),
        Kind::Nested(Nesting::Single, fields) => {
            let all_optional = settable(fields).all(|part| part.presence != Presence::Required);
            all_optional.then(|| json!({}))
        }
        _ => None,
    }
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let fields = Job::schema(0).fields;
        Self { random: Rng::with_seed(seed), seed, fields, parents: Vec::new() }
    }

    /// Valid jobs.
    pub(super) fn jobs(&mut self, count: usize) -> Vec<Value> {
        let names: Vec<String> =
            (0..count).map(|number| format!("property-{}-{number}", self.seed)).collect();
        self.parents = names[..PARENTS].to_vec();
        names.iter().enumerate().map(|(number, name)| self.job(name, number)).collect()
    }

    /// What becomes of the jobs: some get another name, a few stay as they are.
    pub(super) fn changed(&mut self, jobs: &[Value]) -> Vec<Value> {
        let names: Vec<String> = jobs.iter().map(|job| self.changed_name(job)).collect();
        self.parents = names[..PARENTS].to_vec();
        let change = |(number, (job, name)): (usize, (&Value, &String))| {
            let stays = job["name"] == **name && job["parent_job"].is_null() && self.random.u8(0..8) == 0;
            if stays { job.clone() } else { self.job(name, number) }
        };
        jobs.iter().zip(&names).enumerate().map(change).collect()
    }

    fn changed_name(&mut self, job: &Value) -> String {
        let name = job["name"].as_str().unwrap_or_default();
        let ending = if self.random.u8(0..5) == 0 { "_größe" } else { "" };
        format!("{name}{ending}")
    }

    /// The number decides what the job does, mostly, so that it does the same when it is changed.
    fn job(&mut self, name: &str, number: usize) -> Value {
        let fields = self.fields.clone();
        let mut job = self.object(&fields, "");
        job["name"] = json!(name);
        let executor = if self.random.u8(0..8) == 0 { self.random.usize(..) } else { number };
        self.make_valid(&mut job, EXECUTORS[executor % EXECUTORS.len()]);
        job
    }

    fn object(&mut self, fields: &[Field], above: &str) -> Value {
        let mut object = Map::new();
        for attribute in settable(fields) {
            if let Some(value) = self.attribute(attribute, &format!("{above}{}", attribute.name)) {
                object.insert(attribute.name.to_owned(), value);
            }
        }
        Value::Object(object)
    }

    /// What configuration says about an attribute; nothing where it does not mention it.
    fn attribute(&mut self, attribute: &Attribute, path: &str) -> Option<Value> {
        if NEVER_SET.contains(&path) {
            return None;
        }
        if attribute.presence != Presence::Required {
            match self.random.u8(0..10) {
                0 => return Some(Value::Null),
                1 => return None,
                2..=3 if let Some(empty) = empty(attribute) => return Some(empty),
                _ => {}
            }
        }
        Some(self.value(attribute, path))
    }

    fn value(&mut self, attribute: &Attribute, path: &str) -> Value {
        if let Some(value) = self.special(path) {
            return value;
        }
        let texts = [attribute.facts.allowed, attribute.facts.examples].concat();
        match &attribute.kind {
            Kind::Nested(Nesting::Single, fields) => self.object(fields, &format!("{path}.")),
            Kind::Plain(Type::String) if !texts.is_empty() => json!(self.one_of(&texts)),
            Kind::Plain(plain) => self.plain(plain),
            Kind::Nested(nesting, _) => {
                panic!("the generator does not know {nesting:?}, the nesting of {path}")
            }
        }
    }

    fn plain(&mut self, plain: &Type) -> Value {
        match plain {
            Type::Bool => self.random.bool().into(),
            Type::Number => self.one_of(&[0, 1, 2, 50, i32::MAX as u32, u32::MAX]).into(),
            Type::String => self.text().into(),
            Type::Map(element) => {
                let count = self.random.usize(1..4);
                (0..count).map(|_| (self.text(), self.plain(element))).collect()
            }
            other => panic!("the generator does not know the type {other}"),
        }
    }

    /// What the type of an attribute does not say about its values.
    fn special(&mut self, path: &str) -> Option<Value> {
        let value = match path {
            "parent_job" => {
                let parent = self.random.usize(0..PARENTS);
                json!(self.parents[parent])
            }
            "tags" => {
                self.map(&["server", "dc", "ü x"], |g| g.one_of(&["true:1", "", "a b", "x:y:2"]).to_owned())
            }
            "http.headers" | "http.headers_wo" | "grpc.headers" | "grpc.headers_wo" => {
                self.map(&["Accept", "x-a", "X_B", "!~"], Self::header_value)
            }
            "http.expected_codes" => {
                let count = self.random.usize(1..4);
                (0..count).map(|_| self.random.u32(100..600)).collect()
            }
            "shell.env" | "shell.env_wo" => self.map(&["A", "b c", "Ü"], |g| g.text().replace(',', "")),
            "grpc.expected_code" => json!(self.random.u32(0..=16)),
            "rabbitmq.message.delivery_mode" => json!(self.random.u32(0..=2)),
            "executor.name" => json!(self.one_of(&["kafka", "shell", "http", "my plugin"])),
            "executor.config" => self.map(&["command", "url", "$ {} \"p\""], Self::text_or_nothing),
            "executor.sensitive_config" => self.map(&["token", "body", "ü"], Self::text_or_nothing),
            "executor.config_wo" => self.map(&["password", "topic", "ß \"q\""], Self::text_or_nothing),
            "processors.other" => {
                let names = ["email", "log", "files", "syslog", "fluent", "ü ${x}"];
                let entries = Type::Map(Box::new(Type::Map(Box::new(Type::String))));
                let Value::Object(settings) = self.plain(&entries) else { return None };
                settings.into_iter().map(|(_, settings)| (self.one_of(&names).to_owned(), settings)).collect()
            }
            _ => return None,
        };
        Some(value)
    }

    /// A map with some of the keys.
    fn map(&mut self, keys: &[&str], mut value: impl FnMut(&mut Self) -> String) -> Value {
        let count = self.random.usize(1..=keys.len());
        (0..count).map(|_| (self.one_of(keys).to_owned(), Value::from(value(self)))).collect()
    }

    fn header_value(&mut self) -> String {
        self.text_or_nothing().replace(['\n', '\r'], "").trim().to_owned()
    }

    fn text_or_nothing(&mut self) -> String {
        if self.random.u8(0..6) == 0 { String::new() } else { self.text() }
    }

    fn text(&mut self) -> String {
        let count = self.random.usize(1..5);
        (0..count).map(|_| self.one_of(&PIECES)).collect()
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.random.usize(0..items.len())]
    }

    /// Makes the attributes fit together.
    fn make_valid(&mut self, job: &mut Value, executor: &str) {
        self.keep_one_executor(job, executor);
        self.make_executor_valid(&mut job[executor], executor);
        let is_parent = self.parents.iter().any(|parent| job["name"] == **parent);
        if is_parent {
            job["parent_job"] = Value::Null;
        }
        let is_missing = |value: &Value| value.as_str().is_none_or(str::is_empty);
        // A parent and its children are of one tenant.
        if is_parent || !is_missing(&job["parent_job"]) {
            job["tenant"] = Value::Null;
        }
        let schedules = self.field("schedule").facts.examples;
        if is_missing(&job["schedule"]) && is_missing(&job["parent_job"]) {
            job["schedule"] = json!(self.one_of(schedules));
        }
        // It would be gone after its first run.
        if job["ephemeral"] == true && !is_missing(&job["schedule"]) {
            job["schedule"] = json!(schedules.iter().find(|schedule| schedule.starts_with("@at")));
        }
        if let Some(processors) = job["processors"].as_object_mut() {
            let typed: Vec<String> = processors
                .iter()
                .filter(|(_, settings)| settings.is_object())
                .map(|(name, _)| name.clone())
                .collect();
            if let Some(other) = processors.get_mut("other").and_then(Value::as_object_mut) {
                other.retain(|name, _| !typed.contains(name));
            }
        }
    }

    fn keep_one_executor(&mut self, job: &mut Value, kept: &str) {
        for name in EXECUTORS.into_iter().filter(|name| *name != kept) {
            if job[name].is_object() {
                job[name] = Value::Null;
            }
        }
        if !job[kept].is_object() {
            let attribute = self.field(kept).clone();
            job[kept] = self.value(&attribute, kept);
        }
    }

    fn make_executor_valid(&mut self, settings: &mut Value, executor: &str) {
        self.choose_forms_of_secrets(settings, executor);
        let is_missing = |value: &Value| value.as_str().is_none_or(str::is_empty);
        match executor {
            "kafka" => {
                let has_password =
                    ["sasl_password", "sasl_password_wo"].iter().any(|name| !is_missing(&settings[name]));
                if has_password && is_missing(&settings["sasl_username"]) {
                    settings["sasl_username"] = json!(self.text());
                }
                if !has_password && !is_missing(&settings["sasl_username"]) {
                    settings["sasl_username"] = Value::Null;
                }
                if has_password && settings["sasl_mechanism"].is_null() {
                    settings["sasl_mechanism"] = json!("sha256");
                }
            }
            "rabbitmq" => {
                let message = &mut settings["message"];
                if message.is_object()
                    && !is_missing(&message["body"])
                    && !is_missing(&message["base64_body"])
                {
                    let name = self.one_of(&["body", "base64_body"]);
                    message[name] = Value::Null;
                }
            }
            "gcppubsub" => {
                let no_attributes = settings["attributes"].as_object().is_none_or(Map::is_empty);
                if is_missing(&settings["data"]) && no_attributes {
                    settings["data"] = json!(self.text());
                }
            }
            _ => {}
        }
    }

    /// A write-only argument has a version, and stands instead of its plain form; the generic executor's beside it.
    fn choose_forms_of_secrets(&mut self, settings: &mut Value, executor: &str) {
        let Kind::Nested(_, fields) = &self.field(executor).kind else { return };
        let write_only: Vec<_> =
            settable(fields).filter(|part| part.write_only).map(|part| part.name).collect();
        for name in write_only {
            let plain = name.trim_end_matches("_wo");
            if executor != "executor" && !settings[plain].is_null() && !settings[name].is_null() {
                let other = self.one_of(&[plain, name]);
                settings[other] = Value::Null;
            }
            let version = format!("{name}_version");
            if settings[name].is_null() {
                settings[version] = Value::Null;
            } else if settings[&version].is_null() {
                settings[version] = json!(1);
            }
        }
    }

    fn field(&self, name: &str) -> &Attribute {
        settable(&self.fields).find(|attribute| attribute.name == name).unwrap()
    }
}
