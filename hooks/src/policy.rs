//! Hooks at work: which are asked, and what their answers mean.

mod places;
mod remark;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use globset::GlobMatcher;
use serde_json::Value;

use self::places::{Place, look};
pub use self::remark::Remark;
use crate::error::CallError;
use crate::host::Hook;
use crate::limits::Limits;
use crate::request::{Request, Stage};
use crate::verdict::{Description, Path, Verdict};

/// What an error that a hook finds means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Enforcement {
    /// It is a warning.
    Advisory,
    /// It stops the operation.
    #[default]
    Mandatory,
    /// It stops the operation, unless the operator names the hook as overridden.
    MandatoryOverridable,
}

/// What it means that a hook gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnError {
    /// An error: what could not be judged does not pass.
    Fail,
    /// A warning.
    Warn,
}

/// What a hook is asked about. Each list is empty where nothing is left out.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Such as `krony_job`.
    pub resource_types: Vec<String>,
    /// A pattern for the name of the object in dkron.
    pub name: Option<GlobMatcher>,
    /// Whose objects.
    pub tenants: Vec<String>,
    /// When.
    pub stages: Vec<Stage>,
}

/// A hook with what its operator wants of it.
pub struct Policy {
    /// What the operator calls it.
    pub name: String,
    /// The hook.
    pub hook: Hook,
    /// What the hook says about itself.
    pub description: Description,
    /// Its settings, which it has accepted.
    pub settings: Value,
    /// What it is asked about.
    pub scope: Scope,
    /// What an error that it finds means.
    pub enforcement: Enforcement,
    /// What it means when it gives no answer.
    pub on_error: OnError,
    /// Whether it sees sensitive values.
    pub reveals: bool,
    /// Whether the operator lets pass what it finds, if that is possible.
    pub overridden: bool,
    /// What each call may use.
    pub limits: Limits,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("name", &self.name).field("hook", &self.hook).finish_non_exhaustive()
    }
}

/// The operator's environment variable that lets pass what overridable hooks find, for messages.
pub const OVERRIDE_VARIABLE: &str = "KRONY_HOOKS_OVERRIDE";

impl Policy {
    fn applies_to(&self, request: &Request) -> bool {
        let has = |list: &[String], item: &str| list.is_empty() || list.iter().any(|listed| listed == item);
        let stages = [&self.scope.stages, &self.description.stages];
        let types = [&self.scope.resource_types, &self.description.resource_types];
        types.iter().all(|types| has(types, &request.resource_type))
            && stages.iter().all(|stages| stages.is_empty() || stages.contains(&request.stage))
            && (self.scope.tenants.is_empty()
                || request.tenant.as_deref().is_some_and(|tenant| has(&self.scope.tenants, tenant)))
            // While the name is not known, the hook is not asked: it will be, before anything is written.
            && self.scope.name.as_ref().is_none_or(|glob| name(request).is_some_and(|name| glob.is_match(name)))
    }

    /// Whether what the hook finds stops the operation.
    fn stops(&self) -> bool {
        match self.enforcement {
            Enforcement::Advisory => false,
            Enforcement::Mandatory => true,
            Enforcement::MandatoryOverridable => !self.overridden,
        }
    }
}

fn name(request: &Request) -> Option<&str> {
    request.planned.as_ref().or(request.prior.as_ref())?.get("name")?.as_str()
}

type Answer = Result<Verdict, CallError>;

/// All hooks that are asked, in the order of their names.
#[derive(Default)]
pub struct Policies {
    policies: Vec<Arc<Policy>>,
    /// Answers that were given before: Terraform asks the same several times.
    answers: Mutex<HashMap<[u8; 32], Arc<Answer>>>,
}

/// How many answers are remembered at most.
const MAX_ANSWERS: usize = 1 << 14;

impl Policies {
    /// These hooks.
    pub fn new(mut policies: Vec<Arc<Policy>>) -> Self {
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        Self { policies, answers: Mutex::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Whether one of them sees sensitive values.
    pub fn reveals(&self) -> bool {
        self.policies.iter().any(|policy| policy.reveals)
    }

    /// Asks all that apply, and says what comes out. `revealed` is the same request with sensitive values in it, where
    /// a hook [sees](Self::reveals) them.
    ///
    /// It computes for a while: keep it off the threads that serve others.
    pub fn review(&self, request: &Request, revealed: Option<&Request>) -> Vec<Remark> {
        let mut remarks = Vec::new();
        for policy in self.policies.iter().filter(|policy| policy.applies_to(request)) {
            let request = revealed.filter(|_| policy.reveals).unwrap_or(request);
            let answer = self.ask(policy, request);
            remarks.extend(judge(policy, request, &answer));
        }
        remarks
    }

    fn ask(&self, policy: &Policy, request: &Request) -> Arc<Answer> {
        let key = key(policy, request);
        let answers = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers().get(&key) {
            return answer.clone();
        }
        let answer = policy.hook.validate(&policy.limits, &policy.settings, request).result;
        let answer = Arc::new(answer);
        // Why there was none may be the machine's business.
        if answer.is_ok() {
            let mut answers = answers();
            if answers.len() >= MAX_ANSWERS {
                answers.clear();
            }
            answers.insert(key, answer.clone());
        }
        answer
    }
}

/// What an answer depends on.
fn key(policy: &Policy, request: &Request) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let (digest, settings) = (policy.hook.digest().to_string(), policy.settings.to_string());
    // A request that is no JSON does not exist: its parts are.
    let request = serde_json::to_string(request).unwrap_or_default();
    let limits = format!("{:?}", policy.limits);
    for part in [&digest, &settings, &limits, &request] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// What there is to say about an answer.
fn judge(policy: &Policy, request: &Request, answer: &Answer) -> Vec<Remark> {
    match answer {
        Ok(Verdict::Ok) => Vec::new(),
        Ok(Verdict::Findings(found)) => {
            found.iter().map(|finding| Remark::finding(policy, finding)).collect()
        }
        Ok(Verdict::NeedsKnown(paths)) => {
            waits_in_vain(request, paths).map(|reason| Remark::failure(policy, &reason)).into_iter().collect()
        }
        Err(error) => vec![Remark::failure(policy, &error.to_string())],
    }
}

/// Why a hook that waits for the values at `paths` cannot be given them; none where it only has to wait.
pub fn waits_in_vain(request: &Request, paths: &[Path]) -> Option<String> {
    let object = request.planned.as_ref().or(request.prior.as_ref());
    let places: Vec<(&Path, Place)> =
        paths.iter().map(|path| (path, object.map_or(Place::Known, |object| look(object, path)))).collect();
    let shown = |wanted: Place| {
        let paths = places.iter().filter(|(_, place)| *place == wanted).take(5);
        paths.map(|(path, _)| format!("`{path}`")).collect::<Vec<_>>().join(", ")
    };
    let hidden = shown(Place::Hidden);
    if !hidden.is_empty() {
        return Some(format!(
            "It cannot decide without {hidden}, which hooks do not see: the value is sensitive. If it may see it, set \
             `reveal_sensitive = true` for the hook; write-only values are never shown, so use another form of the argument"
        ));
    }
    if places.iter().any(|(_, place)| *place == Place::Unknown) {
        return None;
    }
    let asked = shown(Place::Known);
    let asked = if asked.is_empty() { "nothing".to_owned() } else { asked };
    Some(format!("It waits for {asked}, where everything is known: this is a fault of the hook"))
}
