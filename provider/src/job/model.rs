//! The attributes of `krony_job`, each declared once.

use tfplugin::{
    model,
    model::{Map, Set, Text},
    value::Value,
};

use crate::text::{
    Concurrency, Duration, HttpUrl, Instant, JobName, Method, ParentName, ScheduleText, Seconds, TimeZone,
};

model! {
    /// A job that dkron runs: on a schedule, or after another job.
    ///
    /// Exactly one of `http`, `shell` and `executor` says what the job does; at least one of `schedule` and
    /// `parent_job` says when.
    pub struct Job {
        /// The same as `full_name`.
        id: String = computed(),
        /// The name of the job in dkron.
        full_name: String = computed(),
        /// Name of the job, unique in the cluster: lower-case letters, digits, `-` and `_`. A new name is a new job.
        name: Text<JobName> = required().replaces(),
        /// Name of the job for people.
        display_name: String = optional().empty_is_null(),
        /// When the job runs, in dkron's dialect: six fields (second, minute, hour, day of month, month, day of
        /// week), `@every <duration>`, `@at <time>`, or one of `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`,
        /// `@minutely` and `@manually`. A field `~` stands for a value that depends on the job's name.
        schedule: Text<ScheduleText> = optional().empty_is_null(),
        /// Name of the job after whose successful runs this one runs.
        parent_job: Text<ParentName> = optional().empty_is_null(),
        /// Time zone in which `schedule` is read, such as `Europe/Berlin`; that of the dkron node by default. It does
        /// not apply to schedules that begin with `@`.
        timezone: Text<TimeZone> = optional().empty_is_null(),
        /// Who is responsible for the job.
        owner: String = optional().empty_is_null(),
        /// Where to reach the owner.
        owner_email: String = optional().empty_is_null(),
        /// Whether the job is kept from running.
        disabled: bool = optional().default(false),
        /// Which nodes run the job: tag names with the value and the number of nodes, such as
        /// `{ server = "true:1" }` for one server. Without tags the job runs on **every** node; say `{}` if that is
        /// meant.
        tags: Map<String> = optional().empty_is_null(),
        /// Labels for finding jobs. Keys that begin with `krony.` are reserved.
        metadata: Map<String> = optional().empty_is_null(),
        /// How often a failed run is repeated, at once.
        retries: u32 = optional().default(0),
        /// What happens when a run is due while the last one goes on.
        concurrency: Text<Concurrency> = optional().default("allow"),
        /// What happens to the output of a run.
        processors: Processors = optional().empty_is_null(),
        /// Whether dkron deletes the job after its first successful run. State keeps it then: it has done its work.
        ephemeral: bool = optional().default(false),
        /// When the job stops running, such as `2031-06-30T12:00:00Z`.
        expires_at: Text<Instant> = optional(),
        /// When the job starts running. Needs dkron 4.0.9 or later.
        starts_at: Text<Instant> = optional(),
        /// Calls an address.
        http: Http = optional(),
        /// Runs a command on the node.
        shell: Shell = optional(),
        /// Any executor plugin, in dkron's own terms: for plugins without a form of their own here, and for settings
        /// that such a form cannot say.
        executor: Executor = optional(),
        /// How long an operation on the job may take, retries included.
        timeouts: Timeouts = optional(),
    }
}

model! {
    /// A call over HTTP.
    pub struct Http {
        /// The address.
        url: Text<HttpUrl> = required(),
        /// The method.
        method: Text<Method> = optional().default("GET"),
        /// Headers by name. dkron up to 4.0.9 cuts a value at its first colon.
        headers: Map<String> = optional().sensitive().empty_is_null(),
        /// The body.
        body: String = optional().empty_is_null(),
        /// How long to wait for the answer, in whole seconds; 30 seconds by default.
        timeout: Text<Seconds> = optional(),
        /// The status codes that are a success. `[]` makes every answer one, also a 500.
        expected_codes: Set<u32> = optional().default(success_codes()),
        /// A regular expression that the body of the answer must match.
        expected_body: String = optional().empty_is_null(),
        /// Whether dkron writes the whole request into the output of each run, **secrets included**.
        debug: bool = optional().default(false),
        /// Whether the certificate of the server is not checked.
        tls_skip_verify: bool = optional(),
        /// File on the node with the certificates of authorities to trust.
        tls_ca_file: String = optional().empty_is_null(),
        /// File on the node with the client's certificate.
        tls_cert_file: String = optional().empty_is_null(),
        /// File on the node with the client's key.
        tls_key_file: String = optional().empty_is_null(),
    }
}

/// What a person would call a success. dkron's own default takes any answer.
fn success_codes() -> Value {
    Value::Set([200, 201, 202, 204].map(Value::from).into())
}

model! {
    /// A command on the node.
    pub struct Shell {
        /// The command with its arguments.
        command: String = required(),
        /// Whether a shell interprets the command, so that it may hold pipes, variables and the like.
        use_shell: bool = optional(),
        /// Environment variables by name. Values cannot hold a comma.
        env: Map<String> = optional().sensitive().empty_is_null(),
        /// Directory in which the command runs; that of the agent by default.
        cwd: String = optional().empty_is_null(),
        /// How long the command may run.
        timeout: Text<Duration> = optional(),
        /// What the command reads from its standard input.
        payload: String = optional().sensitive().empty_is_null(),
        /// User, or `user:group`, that runs the command. Crashes the shell plugin of dkron up to 4.0.8.
        su: String = optional().empty_is_null(),
        /// How much memory the command may use, such as `512MB`. dkron before 4.0.9 ignores it.
        mem_limit: String = optional().empty_is_null(),
    }
}

model! {
    /// An executor plugin in dkron's own terms.
    pub struct Executor {
        /// Name of the plugin, such as `http`, `kafka` or `nats`.
        name: String = required(),
        /// Settings of the plugin. All values are text.
        config: Map<String> = optional().empty_is_null(),
        /// Further settings of the plugin that plans do not show. A key stands in one of the two.
        sensitive_config: Map<String> = optional().sensitive().empty_is_null(),
    }
}

model! {
    /// What happens to the output of a run. Where there are several, dkron runs them in no particular order.
    pub struct Processors {
        /// Writes the output to a file on the server.
        files: Files = optional(),
        /// Writes the output to the log of the server.
        log: Forward = optional(),
        /// Writes the output to syslog of the server.
        syslog: Forward = optional(),
        /// Sends the output to Fluent Bit, at the address that the server's environment names.
        fluent: Forward = optional(),
        /// Any other processor by name, with its settings in dkron's own terms.
        other: Map<Map<String>> = optional().empty_is_null(),
    }
}

model! {
    /// A processor that passes the output on or keeps it.
    pub struct Forward {
        /// Whether dkron keeps the output as well; not by default.
        forward: bool = optional(),
    }
}

model! {
    /// A processor that writes files.
    pub struct Files {
        /// Whether dkron keeps the output as well; not by default.
        forward: bool = optional(),
        /// Directory of the files; `/var/log/dkron` by default.
        log_dir: String = optional().empty_is_null(),
    }
}

model! {
    /// Timeouts, each a duration such as `5m`.
    pub struct Timeouts {
        /// Creating the job; 10 minutes by default.
        create: Text<Duration> = optional(),
        /// Reading the job; 5 minutes by default.
        read: Text<Duration> = optional(),
        /// Changing the job; 10 minutes by default.
        update: Text<Duration> = optional(),
        /// Deleting the job; 10 minutes by default.
        delete: Text<Duration> = optional(),
    }
}
