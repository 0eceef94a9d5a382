//! A provider that uses every part of the framework, and the server behind it, which has its own ideas of spelling.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tfplugin::{
    context::{Context, ResourceContext},
    data_source::DataSource,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model,
    model::{Attr, List, Map, Set, Text, TextType},
    path::Path,
    provider::{Configured, Offers, Provider, Settings},
    resource::{NoIdentity, Operation, Resource},
    value::Number,
};
use tokio::sync::Notify;

use crate::pets::{Describe, Feed, Join, Pet, PetList, PetResource, TroubleFunction};

/// What must appear nowhere.
pub(crate) const CANARY: &str = "canary-secret";

/// The provider; its server outlives it.
#[derive(Clone, Default)]
pub(crate) struct Toy {
    pub(crate) server: Arc<Server>,
}

/// The server.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) things: Mutex<BTreeMap<String, Thing>>,
    pub(crate) pets: Mutex<BTreeMap<String, Pet>>,
    /// How many pets were listed.
    pub(crate) listed: AtomicI64,
    /// A handler that hung or had more to say was dropped.
    pub(crate) dropped: Notify,
    pub(crate) troubles: Mutex<BTreeMap<String, Trouble>>,
    /// Write-only values as they arrived.
    pub(crate) secrets: Mutex<Vec<String>>,
    /// An operation is under way and waits.
    pub(crate) waiting: Notify,
    /// Who configured the provider last.
    pub(crate) terraform_version: Mutex<String>,
    ids: AtomicI64,
}

impl Server {
    fn new_id(&self) -> String {
        format!("id-{}", self.ids.fetch_add(1, Ordering::Relaxed))
    }
}

model! {
    /// Toys for tests.
    pub(crate) struct Config {
        /// Where the toys are; `home` unless set.
        endpoint: String = optional(),
        /// Opens the toy box.
        token: String = optional().sensitive(),
        /// What to do when a toy breaks.
        retry: Retry = block(),
    }
}

model! {
    /// How often and how long.
    pub(crate) struct Retry {
        /// How often.
        count: i64 = required(),
    }
}

impl Provider for Toy {
    type Config = Config;
    type Client = Arc<Server>;
    const NAME: &'static str = "toy";
    const ADDRESS: &'static str = "registry.terraform.io/example/toy";

    async fn check(&self, config: &Config) -> Diagnostics {
        let mut findings = Diagnostics::new();
        match config.endpoint.known().map(String::as_str) {
            Some("nowhere") => findings.push(Diagnostic::error("No such place", "").at_attribute("endpoint")),
            Some("panic") => panic!("{CANARY}"),
            Some("hard to tell") => findings.extend(elsewhere("Hard to find").await),
            _ => {}
        }
        findings
    }

    async fn configure(&self, settings: Settings<Config>) -> Result<Configured<Arc<Server>>> {
        *self.server.terraform_version.lock().unwrap() = settings.terraform_version;
        let mut warnings = Diagnostics::new();
        match settings.config.endpoint.known().map(String::as_str) {
            Some("far away") => warnings.push(Diagnostic::warning("This may take long", "")),
            Some("locked") => return Err(Diagnostic::error("Locked", "").at_attribute("token").into()),
            Some("broken") => panic!("{CANARY}"),
            _ => {}
        }
        let deferred = settings.config.endpoint.is_unknown();
        Ok(Configured { client: Arc::clone(&self.server), warnings, deferred })
    }

    fn offers(&self) -> Offers<Arc<Server>> {
        Offers::new()
            .resource(ThingResource)
            .resource(TroubleResource)
            .resource(HeirloomResource)
            .resource(PetResource)
            .data_source(ThingSource)
            .data_source(TroubleSource)
            .list_resource(PetList)
            .action(Feed)
            .function(Join)
            .function(Describe)
            .function(TroubleFunction)
    }
}

/// A colour in any case. The server says it in lower case.
#[derive(Clone)]
pub(crate) enum Colour {}

impl TextType for Colour {
    const NAME: &'static str = "colour";
    const ALLOWED: &'static [&'static str] = &["red", "green", "blue"];

    fn check(text: &str) -> std::result::Result<(), String> {
        if Self::ALLOWED.contains(&text.to_lowercase().as_str()) {
            return Ok(());
        }
        Err(format!("Expected red, green or blue, found {text:?}."))
    }

    fn same(a: &str, b: &str) -> bool {
        a.to_lowercase() == b.to_lowercase()
    }
}

/// A city in any case. The server says it in upper case.
#[derive(Clone)]
pub(crate) enum City {}

impl TextType for City {
    const NAME: &'static str = "city";
    const EXAMPLES: &'static [&'static str] = &["Rome", "Oslo", "lima", "BERN"];

    fn check(text: &str) -> std::result::Result<(), String> {
        if text.is_empty() { Err("Expected the name of a city, found nothing.".to_owned()) } else { Ok(()) }
    }

    fn same(a: &str, b: &str) -> bool {
        a.to_lowercase() == b.to_lowercase()
    }
}

model! {
    /// A thing with everything that a thing can have.
    ///
    /// There is more to say about it:
    ///
    /// - this
    /// - and that
    pub(crate) struct Thing {
        /// What the server calls it.
        id: String = computed(),
        /// What the user calls it. Another name is another thing.
        name: String = required().replaces(),
        /// Its colour, in any case.
        colour: Text<Colour> = optional(),
        /// More colours.
        colours: Set<Text<Colour>> = optional(),
        /// How large it is.
        size: i64 = optional().default(1),
        /// How heavy it is,
        /// in tons.
        weight: Number = optional(),
        /// Whether it is new.
        fresh: bool = optional().default(true),
        /// Anything else. Text may have
        /// more than one paragraph:
        ///
        /// ```text
        /// like this
        /// ```
        note: String = optional().empty_is_null(),
        /// Labels.
        labels: Map<String> = optional().empty_is_null(),
        /// Words by language, in order.
        words: Map<List<String>> = optional(),
        /// Opens it.
        password: String = optional().sensitive(),
        /// Opens it and is never stored.
        password_wo: String = optional().sensitive().write_only(),
        /// Raise it to send `password_wo` again.
        password_wo_version: i64 = optional(),
        /// Where it is used; decided by the server unless set.
        region: String = optional().or_computed(),
        /// How often it was written.
        revision: i64 = computed().volatile(),
        /// What it was called.
        old_name: String = optional().deprecated("Use `name`."),
        /// Where it lives.
        home: Place = optional(),
        /// Where it goes.
        route: List<Place> = optional(),
        /// Where it has been.
        visited: Set<Place> = optional(),
        /// Where its friends live.
        friends: Map<Place> = optional(),
        /// What drives it.
        engine: Engine = block(),
        /// What it can take.
        limits: Limits = block().group(),
        /// What happens to it.
        step: List<Step> = block().at_most(3),
        /// How to get in.
        door: Set<Door> = block(),
        /// What is special about it.
        special: Map<Special> = block(),
    }
}

model! {
    /// A place.
    pub(crate) struct Place {
        /// Its name.
        city: Text<City> = required(),
        /// Its code.
        code: i64 = optional().default(7),
        /// What the server calls it.
        id: String = computed(),
        /// What is said about it.
        remark: String = computed(),
    }
}

model! {
    /// An engine.
    pub(crate) struct Engine {
        /// What it burns. Another fuel needs another thing.
        fuel: String = required().replaces(),
        /// Its colour.
        colour: Text<Colour> = optional(),
        /// Its parts.
        part: List<Part> = block(),
    }
}

model! {
    /// A part.
    pub(crate) struct Part {
        /// Its name.
        name: String = required(),
        /// Its number.
        number: String = computed(),
    }
}

model! {
    /// Limits.
    pub(crate) struct Limits {
        /// How hot it may be.
        heat: i64 = optional().default(40),
        /// How deep it may fall.
        depth: i64 = optional(),
    }
}

model! {
    /// A step.
    pub(crate) struct Step {
        /// What to do.
        action: String = required(),
        /// How often.
        times: i64 = optional().default(1),
        /// What came of it.
        outcome: String = computed(),
    }
}

model! {
    /// A door.
    pub(crate) struct Door {
        /// Its colour.
        colour: Text<Colour> = required(),
        /// How high it is.
        height: i64 = optional().default(2),
        /// What the server calls it.
        id: String = computed(),
    }
}

model! {
    /// Something special.
    pub(crate) struct Special {
        /// What it is.
        what: String = optional(),
        /// How rare it is.
        rarity: i64 = computed(),
    }
}

/// Fills in what only the server knows.
fn fill<T>(attribute: &mut Attr<T>, value: impl FnOnce() -> T) {
    if attribute.is_unknown() {
        *attribute = Attr::Known(value());
    }
}

fn objects<'a, T>(items: impl IntoIterator<Item = &'a mut Attr<T>>) -> impl Iterator<Item = &'a mut T>
where
    T: 'a,
{
    items.into_iter().filter_map(|item| match item {
        Attr::Known(item) => Some(item),
        Attr::Null | Attr::Unknown => None,
    })
}

impl Thing {
    fn places(&mut self) -> Vec<&mut Place> {
        let mut places: Vec<&mut Place> = objects([&mut self.home]).collect();
        places.extend(objects([&mut self.route]).flat_map(|list| objects(&mut list.0)));
        places.extend(objects([&mut self.visited]).flat_map(|set| objects(&mut set.0)));
        places.extend(objects([&mut self.friends]).flat_map(|map| objects(map.0.values_mut())));
        places
    }

    /// Decides what the plan left open.
    fn settle(&mut self, server: &Server, revision: i64) {
        fill(&mut self.id, || server.new_id());
        fill(&mut self.region, || "moon".to_owned());
        self.revision = Attr::Known(revision);
        for place in self.places() {
            fill(&mut place.id, || server.new_id());
            if place.remark.is_unknown() {
                place.remark = Attr::Null;
            }
        }
        for part in objects([&mut self.engine]).flat_map(|engine| objects([&mut engine.part])) {
            objects(&mut part.0).for_each(|part| fill(&mut part.number, || server.new_id()));
        }
        for steps in objects([&mut self.step]) {
            objects(&mut steps.0).for_each(|step| fill(&mut step.outcome, || "done".to_owned()));
        }
        for doors in objects([&mut self.door]) {
            objects(&mut doors.0).for_each(|door| fill(&mut door.id, || server.new_id()));
        }
        for specials in objects([&mut self.special]) {
            objects(specials.0.values_mut()).for_each(|special| fill(&mut special.rarity, || 9));
        }
    }

    /// As the server says it.
    fn spelled(mut self) -> Self {
        let lower = |text: &mut Text<Colour>| *text = Text::new(text.to_lowercase());
        objects([&mut self.colour]).for_each(lower);
        objects([&mut self.colours]).for_each(|set| objects(&mut set.0).for_each(lower));
        objects([&mut self.engine]).for_each(|engine| objects([&mut engine.colour]).for_each(lower));
        for doors in objects([&mut self.door]) {
            objects(&mut doors.0).for_each(|door| objects([&mut door.colour]).for_each(lower));
            doors.0.reverse();
        }
        for place in self.places() {
            objects([&mut place.city]).for_each(|city| *city = Text::new(city.to_uppercase()));
        }
        objects([&mut self.visited]).for_each(|set| set.0.reverse());
        if self.note.is_null() {
            self.note = Attr::Known(String::new());
        }
        if self.labels.is_null() {
            self.labels = Attr::Known(Map(BTreeMap::new()));
        }
        self
    }
}

pub(crate) struct ThingResource;

type ThingContext = ResourceContext<Arc<Server>, Thing>;

impl ThingResource {
    fn write(context: &ThingContext, mut thing: Thing, config: &Thing, revision: i64) -> Thing {
        let server = context.client();
        thing.settle(server, revision);
        server.secrets.lock().unwrap().extend(config.password_wo.known().cloned());
        let name = thing.name.known().unwrap().clone();
        let thing = thing.spelled();
        server.things.lock().unwrap().insert(name, thing.clone());
        thing
    }
}

impl Resource for ThingResource {
    type Client = Arc<Server>;
    type Model = Thing;
    type Identity = NoIdentity;
    const NAME: &'static str = "thing";

    async fn check(&self, config: &Thing) -> Diagnostics {
        let mut findings = Diagnostics::new();
        if config.size.known().is_some_and(|size| *size > 1_000_000) {
            findings.push(Diagnostic::warning("That is large", "It may not fit.").at_attribute("size"));
        }
        if config.name.known().is_some_and(|name| Some(name) == config.old_name.known()) {
            findings.push(Diagnostic::error("Twice the same name", "").at_attribute("old_name"));
        }
        findings
    }

    async fn read(&self, context: &ThingContext, state: Thing) -> Result<Option<Thing>> {
        let things = context.client().things.lock().unwrap();
        Ok(things.get(state.name.known().unwrap()).cloned())
    }

    async fn create(&self, context: &ThingContext, planned: Thing, config: Thing) -> Result<Thing> {
        Ok(Self::write(context, planned, &config, 1))
    }

    async fn update(
        &self,
        context: &ThingContext,
        prior: Thing,
        planned: Thing,
        config: Thing,
    ) -> Result<Thing> {
        let revision = prior.revision.known().unwrap() + 1;
        Ok(Self::write(context, planned, &config, revision))
    }

    async fn delete(&self, context: &ThingContext, state: Thing) -> Result<()> {
        context.client().things.lock().unwrap().remove(state.name.known().unwrap());
        Ok(())
    }

    fn import(&self, id: &str) -> Result<Thing> {
        if id.contains(' ') {
            return Err(Diagnostic::error("Bad id", "Expected a name without blanks.").into());
        }
        Ok(Thing { name: Attr::Known(id.to_owned()), ..Thing::default() })
    }
}

model! {
    /// A resource that does as it is told, which is rarely good.
    pub(crate) struct Trouble {
        /// Its name.
        name: String = required().replaces(),
        /// What goes wrong, and when.
        mode: String = optional(),
        /// What came of it.
        result: String = computed(),
        /// How often it was written.
        revision: i64 = computed().volatile(),
        /// A secret.
        secret_wo: String = optional().write_only(),
        /// Steps.
        step: List<Step> = block(),
    }
}

pub(crate) struct TroubleResource;

type TroubleContext = ResourceContext<Arc<Server>, Trouble>;

fn failure(summary: &str) -> Diagnostics {
    Diagnostic::error(summary, "As it was told.").into()
}

/// A failure that is found on a thread where computing holds nobody up.
async fn elsewhere(summary: &'static str) -> Diagnostics {
    tokio::task::spawn_blocking(move || failure(summary)).await.unwrap()
}

impl TroubleResource {
    async fn write(context: &TroubleContext, mut planned: Trouble, config: Trouble) -> Result<Trouble> {
        let mode = planned.mode.known().cloned().unwrap_or_default();
        match mode.as_str() {
            "fail" => return Err(failure("Failed")),
            "panic" => panic!("{CANARY}"),
            "hang" => std::future::pending().await,
            _ => {}
        }
        // As soon as the server has it.
        context.save(&planned);
        context
            .client()
            .troubles
            .lock()
            .unwrap()
            .insert(planned.name.known().unwrap().clone(), planned.clone());
        match mode.as_str() {
            "fail late" => return Err(failure("Failed late")),
            "undo" => {
                context.forget();
                return Err(failure("Undone"));
            }
            "panic late" => panic!("{CANARY}"),
            "hang late" => std::future::pending().await,
            "wait" => {
                context.client().waiting.notify_one();
                context.cancellation().cancelled().await;
                return Err(failure("Stopped"));
            }
            "warn" => {
                context.warn(Diagnostic::warning("Careful", "It was told to warn.").at_attribute("mode"));
            }
            "warn and fail" => {
                context.warn(Diagnostic::warning("Careful", ""));
                return Err(failure("Failed"));
            }
            "leave unknown" => return Ok(planned),
            "change" => planned.name = Attr::Known("other".to_owned()),
            "leak" => planned.secret_wo = config.secret_wo,
            _ => {}
        }
        planned.result = Attr::Known("done".to_owned());
        planned.revision = Attr::Known(planned.revision.known().unwrap_or(&0) + 1);
        for steps in objects([&mut planned.step]) {
            objects(&mut steps.0).for_each(|step| fill(&mut step.outcome, || "done".to_owned()));
        }
        let name = planned.name.known().unwrap().clone();
        context.client().troubles.lock().unwrap().insert(name, planned.clone());
        Ok(planned)
    }
}

impl Resource for TroubleResource {
    type Client = Arc<Server>;
    type Model = Trouble;
    type Identity = NoIdentity;
    const NAME: &'static str = "trouble";

    async fn check(&self, config: &Trouble) -> Diagnostics {
        match config.mode.known().map(String::as_str) {
            Some("check panic") => panic!("{CANARY}"),
            Some("check elsewhere") => elsewhere("Found elsewhere").await,
            _ => Diagnostics::new(),
        }
    }

    fn timeout(&self, _: Operation, model: &Trouble) -> Duration {
        if model.mode.known().is_some_and(|mode| mode == "timeout panic") {
            panic!("{CANARY}");
        }
        Duration::from_secs(60)
    }

    async fn plan(
        &self,
        context: &TroubleContext,
        _: Option<&Trouble>,
        _: &Trouble,
        planned: &mut Trouble,
    ) -> Result<()> {
        match planned.mode.known().map(String::as_str) {
            Some("plan fail") => return Err(Diagnostic::error("Impossible", "").at_attribute("mode").into()),
            Some("plan elsewhere") => return Err(elsewhere("Impossible elsewhere").await),
            Some("plan panic") => panic!("{CANARY}"),
            Some("plan hang") => std::future::pending().await,
            Some("plan warn") => context.warn(Diagnostic::warning("Soon", "")),
            Some("plan other") => planned.mode = Attr::Known("else".to_owned()),
            Some("plan result") => planned.result = Attr::Known("done".to_owned()),
            Some("plan change") => planned.result = Attr::Unknown,
            Some("plan by chance") => {
                let chance = context.client().ids.fetch_add(1, Ordering::Relaxed);
                planned.result = Attr::Known(chance.to_string());
            }
            _ => {}
        }
        Ok(())
    }

    async fn plan_delete(&self, context: &TroubleContext, prior: &Trouble) -> Result<()> {
        match prior.mode.known().map(String::as_str) {
            Some("keep") => {
                context.warn(Diagnostic::warning("Hands off", ""));
                return Err(Diagnostic::error("Still in use", "").at_attribute("mode").into());
            }
            Some("keep panic") => panic!("{CANARY}"),
            Some("keep hang") => std::future::pending().await,
            Some("keep wait") => {
                context.client().waiting.notify_one();
                std::future::pending::<()>().await;
            }
            Some("miss") => context.warn(Diagnostic::warning("It will be missed", "")),
            _ => {}
        }
        Ok(())
    }

    async fn read(&self, context: &TroubleContext, state: Trouble) -> Result<Option<Trouble>> {
        match state.mode.known().map(String::as_str) {
            Some("read fail") => Err(failure("Unreadable")),
            Some("read panic") => panic!("{CANARY}"),
            Some("read gone") => Ok(None),
            Some("read unknown") => Ok(Some(Trouble { result: Attr::Unknown, ..state })),
            Some("read warn") => {
                context.warn(Diagnostic::warning("Dusty", ""));
                Ok(Some(state))
            }
            _ => Ok(Some(state)),
        }
    }

    async fn create(&self, context: &TroubleContext, planned: Trouble, config: Trouble) -> Result<Trouble> {
        Self::write(context, planned, config).await
    }

    async fn update(
        &self,
        context: &TroubleContext,
        _prior: Trouble,
        planned: Trouble,
        config: Trouble,
    ) -> Result<Trouble> {
        Self::write(context, planned, config).await
    }

    async fn delete(&self, context: &TroubleContext, state: Trouble) -> Result<()> {
        if state.mode.known().is_some_and(|mode| mode == "delete fail") {
            return Err(failure("Undeletable"));
        }
        context.client().troubles.lock().unwrap().remove(state.name.known().unwrap());
        Ok(())
    }
}

model! {
    /// A resource with a past.
    pub(crate) struct Heirloom {
        /// Its name; `title` in version 0.
        name: String = required(),
        /// Its age in years; text in versions 0 and 1.
        age: i64 = optional(),
        /// How often it was read, from private data.
        reads: i64 = computed(),
    }
}

pub(crate) struct HeirloomResource;

type HeirloomContext = ResourceContext<Arc<Server>, Heirloom>;

impl HeirloomResource {
    /// Counts in private data.
    fn count(context: &HeirloomContext, key: &str) -> i64 {
        let mut private = context.private();
        let count = private.get(key).and_then(serde_json::Value::as_i64).unwrap_or(0) + 1;
        private.set(key, count);
        context.set_private(private);
        count
    }
}

impl Resource for HeirloomResource {
    type Client = Arc<Server>;
    type Model = Heirloom;
    type Identity = NoIdentity;
    const NAME: &'static str = "heirloom";
    const VERSION: i64 = 2;
    const PRIVATE_VERSION: u32 = 3;

    async fn plan(
        &self,
        context: &HeirloomContext,
        _: Option<&Heirloom>,
        _: &Heirloom,
        _: &mut Heirloom,
    ) -> Result<()> {
        Self::count(context, "plans");
        Ok(())
    }

    async fn plan_delete(&self, context: &HeirloomContext, _: &Heirloom) -> Result<()> {
        Self::count(context, "farewells");
        Ok(())
    }

    async fn read(&self, context: &HeirloomContext, mut state: Heirloom) -> Result<Option<Heirloom>> {
        state.reads = Attr::Known(Self::count(context, "reads"));
        Ok(Some(state))
    }

    async fn create(
        &self,
        context: &HeirloomContext,
        mut planned: Heirloom,
        _: Heirloom,
    ) -> Result<Heirloom> {
        Self::count(context, "writes");
        planned.reads = Attr::Known(0);
        Ok(planned)
    }

    async fn update(
        &self,
        context: &HeirloomContext,
        _prior: Heirloom,
        planned: Heirloom,
        _config: Heirloom,
    ) -> Result<Heirloom> {
        Self::count(context, "writes");
        Ok(planned)
    }

    async fn delete(&self, _: &HeirloomContext, _: Heirloom) -> Result<()> {
        Ok(())
    }

    fn upgrade(&self, version: i64, mut state: serde_json::Value) -> Result<serde_json::Value> {
        let invalid = || failure("State without what it must have");
        let object = state.as_object_mut().ok_or_else(invalid)?;
        if version == 0 {
            let title = object.remove("title").ok_or_else(invalid)?;
            object.insert("name".to_owned(), title);
        }
        if let Some(age) = object.get_mut("age").filter(|age| age.is_string()) {
            *age = age.as_str().and_then(|age| age.parse::<i64>().ok()).ok_or_else(invalid)?.into();
        }
        Ok(state)
    }

    fn upgrade_private(
        &self,
        version: u32,
        mut private: tfplugin::private::Private,
    ) -> Result<tfplugin::private::Private> {
        if version < 2 {
            return Err(failure("Private data from the stone age"));
        }
        let reads = private.get("read_count").cloned().unwrap_or_default();
        private.remove("read_count");
        private.set("reads", reads);
        Ok(private)
    }
}

model! {
    /// A thing that somebody else manages.
    pub(crate) struct ThingQuery {
        /// Its name.
        name: String = required(),
        /// Its colour.
        colour: Text<Colour> = optional().or_computed(),
        /// Where it has been.
        visited: Set<Place> = computed(),
        /// Its doors.
        door: Set<Door> = block(),
    }
}

pub(crate) struct ThingSource;

impl DataSource for ThingSource {
    type Client = Arc<Server>;
    type Model = ThingQuery;
    const NAME: &'static str = "thing";

    async fn read(&self, context: &Context<Arc<Server>>, config: ThingQuery) -> Result<ThingQuery> {
        let name = config.name.known().unwrap();
        let things = context.client().things.lock().unwrap();
        let thing = things.get(name).ok_or_else(|| {
            Diagnostics::from(Diagnostic::error("No such thing", "").at(Path::attribute("name")))
        })?;
        let colour = thing.colour.clone();
        Ok(ThingQuery { colour, visited: thing.visited.clone(), ..config })
    }
}

model! {
    /// A data source that does as it is told.
    pub(crate) struct TroubleQuery {
        /// What goes wrong.
        mode: String = required(),
        /// What came of it.
        result: String = computed(),
    }
}

pub(crate) struct TroubleSource;

impl DataSource for TroubleSource {
    type Client = Arc<Server>;
    type Model = TroubleQuery;
    const NAME: &'static str = "trouble";

    fn check(&self, config: &TroubleQuery) -> Diagnostics {
        if config.mode.known().is_some_and(|mode| mode == "check fail") {
            failure("Bad mode")
        } else {
            Diagnostics::new()
        }
    }

    async fn read(&self, context: &Context<Arc<Server>>, mut config: TroubleQuery) -> Result<TroubleQuery> {
        match config.mode.known().unwrap().as_str() {
            "panic" => panic!("{CANARY}"),
            "hang" => std::future::pending().await,
            "unknown" => config.result = Attr::Unknown,
            "warn" => context.warn(Diagnostic::warning("Dusty", "")),
            _ => config.result = Attr::Known("done".to_owned()),
        }
        Ok(config)
    }
}
