//! The attributes of `krony_job`, each declared once.

use tfplugin::{
    model,
    model::{Map, Text},
};

use super::{
    executor::{Executor, Gcppubsub, Grpc, Http, Kafka, Nats, Rabbitmq, Shell},
    processor::Processors,
};
use crate::text::{Concurrency, Duration, Instant, JobName, ParentName, ScheduleText, TenantName, TimeZone};

model! {
    /// A job that dkron runs: on a schedule, or after another job.
    ///
    /// Exactly one of `http`, `shell`, `grpc`, `kafka`, `nats`, `rabbitmq`, `gcppubsub` and `executor` says what the job
    /// does; at least one of `schedule` and `parent_job` says when. Terraform itself passes over an argument that it
    /// does not know within these, such as `http = { …, methd = "POST" }`: the plan shows what arrived.
    ///
    /// Headers, environment variables, passwords and generic settings also have a write-only form, `…_wo`, for Terraform
    /// 1.11 and later: Terraform does not store it. A new `…_wo_version` writes it again, and where somebody changed the
    /// secret in dkron, the next plan finds the version missing. An import stores secrets as it finds them, until they
    /// are applied in their write-only form. dkron itself shows all of them to whoever reaches its API.
    pub struct Job {
        /// The same as `full_name`.
        id: String = computed(),
        /// The name of the job in dkron: `name`, or `<tenant>--<name>`.
        full_name: String = computed(),
        /// Name of the job, unique in its tenant or, without one, in the cluster: lower-case letters, digits, `-` and
        /// `_`. A new name is a new job.
        name: Text<JobName> = required().replaces(),
        /// Tenant that the job belongs to; by default the one of the provider block, or none. dkron then knows the job as
        /// `<tenant>--<name>`. Another tenant is another job.
        tenant: Text<TenantName> = optional().replaces().or_computed(),
        /// Name of the job for people.
        display_name: String = optional().empty_is_null(),
        /// When the job runs, in dkron's dialect: six fields (second, minute, hour, day of month, month, day of
        /// week), `@every <duration>`, `@at <time>`, or one of `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`,
        /// `@minutely` and `@manually`. A field `~` stands for a value that depends on the job's name.
        schedule: Text<ScheduleText> = optional().empty_is_null(),
        /// Name of the job after whose successful runs this one runs; a job of the same tenant. Refer to it as
        /// `krony_job.….name`, so that Terraform creates the parent first and destroys it last.
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
        /// `{ server = "true:1" }` for one server; without a number all nodes with that value run it. Without tags the
        /// job runs on **every** node; say `{}` if that is meant.
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
        /// Calls a method of a gRPC service.
        grpc: Grpc = optional(),
        /// Produces a message to Kafka.
        kafka: Kafka = optional(),
        /// Publishes a message to NATS.
        nats: Nats = optional(),
        /// Publishes a message to RabbitMQ.
        rabbitmq: Rabbitmq = optional(),
        /// Publishes a message to Google Cloud Pub/Sub.
        gcppubsub: Gcppubsub = optional(),
        /// Any executor plugin, in dkron's own terms: for plugins without a form of their own here, and for settings
        /// that such a form cannot say.
        executor: Executor = optional(),
        /// How long an operation on the job may take, retries included.
        timeouts: Timeouts = optional(),
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
