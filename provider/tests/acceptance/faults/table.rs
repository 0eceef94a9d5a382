//! The table: what goes wrong, where, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};
use xtask::proxy::{Fault, Reply, Rule};

/// The time for one request, how long failures are borne, and the longest single wait.
pub(super) const REQUEST_TIMEOUT: &str = "3s";
pub(super) const RETRY_BUDGET: &str = "10s";
pub(super) const MAX_WAIT: &str = "1s";

/// Longer than a request may take.
const TOO_LATE: Duration = Duration::from_secs(7);
/// The pause behind each byte of a body of some hundred bytes.
const SLOW: Duration = Duration::from_millis(50);
/// Longer than anybody waits, in seconds.
const A_DAY: &str = "86400";

/// What Terraform does with all jobs of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    Import,
    Data,
    Create,
    Update,
    Delete,
}

pub(super) const OPERATIONS: [Operation; 6] = [
    Operation::Read,
    Operation::Import,
    Operation::Data,
    Operation::Create,
    Operation::Update,
    Operation::Delete,
];

/// Which of an operation's requests meets the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) operation: Operation,
    /// The look at what a write did, instead of the write itself.
    pub(super) look: bool,
}

const fn at(operation: Operation) -> Column {
    Column { operation, look: false }
}

const fn look_after(operation: Operation) -> Column {
    Column { operation, look: true }
}

pub(super) const COLUMNS: [Column; 9] = [
    at(Operation::Read),
    at(Operation::Import),
    at(Operation::Data),
    at(Operation::Create),
    look_after(Operation::Create),
    at(Operation::Update),
    look_after(Operation::Update),
    at(Operation::Delete),
    look_after(Operation::Delete),
];

impl Column {
    pub(super) fn title(self) -> &'static str {
        match (self.operation, self.look) {
            (Operation::Read, _) => "read",
            (Operation::Import, _) => "import",
            (Operation::Data, _) => "data source",
            (Operation::Create, false) => "create",
            (Operation::Create, true) => "create, look",
            (Operation::Update, false) => "update",
            (Operation::Update, true) => "update, look",
            (Operation::Delete, false) => "delete",
            (Operation::Delete, true) => "delete, look",
        }
    }

    /// The rule that catches the request of this job.
    fn rule(self, job: &str, fault: Fault) -> Rule {
        let write = if self.operation == Operation::Delete { "DELETE" } else { "POST" };
        match self.operation {
            Operation::Read | Operation::Import | Operation::Data => Rule::new("GET", "*", fault).about(job),
            _ if self.look => Rule::new("GET", "*", fault).about(job).behind(write),
            _ => Rule::new(write, "*", fault).about(job),
        }
    }
}

/// How a cell ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// Without an error, and with an empty plan.
    Succeeds,
    /// With one error that says this. State holds what dkron has, unless the error admits that nobody can look.
    Fails(&'static str),
    /// There is no such case.
    Missing,
}

impl End {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Succeeds => "succeeds",
            Self::Fails(_) => "fails",
            Self::Missing => "-",
        }
    }
}

/// How often the fault comes back.
#[derive(Clone, Copy, Debug)]
enum Often {
    Once,
    Always,
}

/// Makes a fault from the job as it was before the operation, if it was there.
type Make = fn(Option<Value>) -> Option<Fault>;

/// A fault, and how each column ends with it.
pub(super) struct Row {
    pub(super) fault: &'static str,
    often: Often,
    make: Make,
    pub(super) ends: [End; 9],
}

impl Row {
    /// What the proxy is to do; nothing where the server itself is at fault.
    pub(super) fn rule(&self, column: Column, job: &str, before: Option<Value>) -> Option<Rule> {
        let rule = column.rule(job, (self.make)(before)?);
        Some(match self.often {
            Once => rule.times(1),
            Always => rule,
        })
    }

    /// Whether the job runs while it is written: what a run undoes is looked for only then.
    pub(super) fn runs(&self) -> bool {
        self.fault.starts_with("undone")
    }

    /// Whether the job has the attribute that this dkron drops.
    pub(super) fn starts_later(&self) -> bool {
        self.fault == "starts_at is dropped"
    }
}

use self::Often::{Always, Once};

const fn row(fault: &'static str, often: Often, make: Make, ends: [End; 9]) -> Row {
    Row { fault, often, make, ends }
}

const OK: End = End::Succeeds;
const NA: End = End::Missing;
const LATE: End = End::Fails("there was no answer in time");
const CUT: End = End::Fails("the connection broke before the answer was complete");
const SICK: End = End::Fails("the server could not do it; check the cluster's health");
const BUSY: End = End::Fails("the server asks for fewer requests");
const ALIEN: End = End::Fails("this is not an answer of dkron");
const PAGE: End = End::Fails("answered 200 with an HTML page, which looks like a proxy or login page");
const MOVED: End = End::Fails("redirects to http://login.invalid, and redirects are not followed");
const WHO: End = End::Fails("the credentials are missing or wrong");
const MAY: End = End::Fails("the credentials do not permit this");
const LAGS: End = End::Fails("only the answer of the leader, node \"krony\", counts for this");
const TEXT: End = End::Fails("the answer is not what dkron's API promises");
const LOST: End = End::Fails("does not show it afterwards");
const STAYS: End = End::Fails("still shows it afterwards");
const OTHER: End = End::Fails("shows something else afterwards in: owner");
const START: End = End::Fails("does not know the field `starts_at`");

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    //                                                                        read   import data   create look   update look   delete look
    row("late, once",                         Once,   late,                  [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("late, always",                       Always, late,                  [LATE,  LATE,  LATE,  LATE,  LATE,  LATE,  LATE,  LATE,  LATE]),
    row("done, and answered late, always",    Always, answered_late,         [LATE,  LATE,  LATE,  OK,    LATE,  OK,    LATE,  OK,    LATE]),
    row("reset before it was read, once",     Once,   reset,                 [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("reset before it was read, always",   Always, reset,                 [CUT,   CUT,   CUT,   CUT,   CUT,   CUT,   CUT,   CUT,   CUT]),
    row("done, and reset, once",              Once,   reset_after,           [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("done, and reset, always",            Always, reset_after,           [CUT,   CUT,   CUT,   OK,    CUT,   OK,    CUT,   OK,    CUT]),
    row("closed, once",                       Once,   close,                 [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("500, once",                          Once,   broken,                [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("500, always",                        Always, broken,                [SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK]),
    row("done, and 500, once",                Once,   broken_after,          [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("done, and 500, always",              Always, broken_after,          [SICK,  SICK,  SICK,  OK,    SICK,  OK,    SICK,  OK,    SICK]),
    row("500 that repeats what it was sent",  Always, echo,                  [SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK]),
    row("404 without X-Whom, once",           Once,   foreign_404,           [ALIEN, ALIEN, ALIEN, ALIEN, ALIEN, ALIEN, ALIEN, ALIEN, ALIEN]),
    row("404 of a node that lags, once",      Once,   lagging_404,           [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("404 of a node that lags, always",    Always, lagging_404,           [LAGS,  LAGS,  LAGS,  SICK,  LAGS,  SICK,  LAGS,  SICK,  LAGS]),
    row("200 without a body, once",           Once,   empty,                 [TEXT,  TEXT,  TEXT,  OK,    TEXT,  OK,    TEXT,  OK,    TEXT]),
    row("200 without a body, always",         Always, empty,                 [TEXT,  TEXT,  TEXT,  LOST,  TEXT,  OTHER, TEXT,  STAYS, TEXT]),
    row("200 with a login page",              Always, login_page,            [PAGE,  PAGE,  PAGE,  PAGE,  PAGE,  PAGE,  PAGE,  PAGE,  PAGE]),
    row("302 to a login page",                Always, redirect,              [MOVED, MOVED, MOVED, MOVED, MOVED, MOVED, MOVED, MOVED, MOVED]),
    row("401",                                Always, unauthorized,          [WHO,   WHO,   WHO,   WHO,   WHO,   WHO,   WHO,   WHO,   WHO]),
    row("403",                                Always, forbidden,             [MAY,   MAY,   MAY,   MAY,   MAY,   MAY,   MAY,   MAY,   MAY]),
    row("429, once",                          Once,   throttled,             [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("429 until the day after, once",      Once,   throttled_long,        [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("429, always",                        Always, throttled,             [BUSY,  BUSY,  BUSY,  BUSY,  BUSY,  BUSY,  BUSY,  BUSY,  BUSY]),
    row("503 with Retry-After, once",         Once,   unavailable,           [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("503 until the day after, always",    Always, unavailable_long,      [SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK,  SICK]),
    row("half of the body, once",             Once,   truncated,             [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("half of the body, always",           Always, truncated,             [CUT,   CUT,   CUT,   OK,    CUT,   OK,    CUT,   OK,    OK]),
    row("JSON that is none, once",            Once,   garbage,               [TEXT,  TEXT,  TEXT,  OK,    TEXT,  OK,    TEXT,  OK,    TEXT]),
    row("JSON of something else, once",       Once,   something_else,        [TEXT,  TEXT,  TEXT,  OK,    TEXT,  OK,    TEXT,  OK,    TEXT]),
    row("a body byte by byte, once",          Once,   dripping,              [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("a body byte by byte, always",        Always, dripping,              [LATE,  LATE,  LATE,  OK,    LATE,  OK,    LATE,  OK,    OK]),
    row("a body that never ends, once",       Once,   endless,               [OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK,    OK]),
    row("a body that never ends, always",     Always, endless,               [LATE,  LATE,  LATE,  OK,    LATE,  OK,    LATE,  OK,    LATE]),
    row("undone by a run, once",              Once,   undo,                  [NA,    NA,    NA,    NA,    NA,    OK,    OK,    OK,    NA]),
    row("undone by a run, always",            Always, undo,                  [NA,    NA,    NA,    NA,    NA,    OTHER, OTHER, STAYS, NA]),
    row("starts_at is dropped",               Always, none,                  [NA,    NA,    NA,    START, NA,    START, NA,    NA,    NA]),
];

fn late(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Delay(TOO_LATE))
}

fn answered_late(_: Option<Value>) -> Option<Fault> {
    Some(Fault::DelayAnswer(TOO_LATE))
}

fn reset(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Reset)
}

fn reset_after(_: Option<Value>) -> Option<Fault> {
    Some(Fault::ResetAfter)
}

fn close(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Close)
}

fn broken(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(500, "raft is already shutdown").header("x-whom", "krony")))
}

fn broken_after(_: Option<Value>) -> Option<Fault> {
    let reply = Reply::new(500, "leadership lost while committing log");
    Some(Fault::AnswerAfter(reply.header("x-whom", "krony")))
}

fn echo(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Echo(Reply::new(500, "")))
}

fn foreign_404(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(404, "404 page not found")))
}

fn lagging_404(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::not_found("krony-lagging")))
}

fn empty(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(200, "").header("x-whom", "krony")))
}

fn login_page(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::login_page()))
}

fn redirect(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::redirect("http://login.invalid/?back=secret")))
}

fn unauthorized(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(401, "who are you?")))
}

fn forbidden(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(403, "not you")))
}

fn throttled(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(429, "slow down").header("retry-after", "1")))
}

fn throttled_long(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(429, "slow down").header("retry-after", A_DAY)))
}

fn unavailable(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::html(503, "<html>Back soon</html>").header("retry-after", "1")))
}

fn unavailable_long(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::html(503, "<html>Back soon</html>").header("retry-after", A_DAY)))
}

fn truncated(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Truncate)
}

fn garbage(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::new(200, "{\"name\": \"").header("x-whom", "krony")))
}

fn something_else(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Answer(Reply::json(200, &json!({"status": "ok"})).header("x-whom", "krony")))
}

fn dripping(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Drip(SLOW))
}

fn endless(_: Option<Value>) -> Option<Fault> {
    Some(Fault::Endless)
}

fn undo(before: Option<Value>) -> Option<Fault> {
    before.map(Fault::Undo)
}

/// The server itself is at fault.
fn none(_: Option<Value>) -> Option<Fault> {
    None
}
