//! Pets: a resource with an identity, and what newer versions of the protocol offer around it.

use std::sync::{Arc, atomic::Ordering};

use serde_json::Value as Json;
use tfplugin::{
    action::{Action, ActionContext},
    context::{Context, ResourceContext},
    diagnostic::{Diagnostic, Diagnostics, Result},
    function::Function,
    list::{ListResource, Listed, Results},
    model,
    model::{Attr, List, Text, TextType},
    path::Path,
    resource::{MoveSource, Resource},
};

use crate::toy::{CANARY, Colour, Server};

model! {
    /// A pet.
    pub(crate) struct Pet {
        /// Its name.
        name: String = required().replaces(),
        /// Whose it is.
        owner: String = required().replaces(),
        /// What it is.
        kind: String = optional().default("cat"),
        /// What it says; decided by the server unless set.
        sound: String = optional().or_computed(),
        /// What else it is called.
        nickname: String = optional().empty_is_null(),
        /// What it was called.
        old_name: String = optional().deprecated("Use `name`."),
        /// Opens its cage.
        password_wo: String = optional().write_only(),
        /// How it is told from others of that name.
        chip: i64 = computed(),
        /// What goes wrong.
        mode: String = optional(),
        /// What it wears.
        collar: Collar = optional(),
        /// What it eats.
        food: List<Food> = block(),
    }
}

model! {
    /// A collar.
    pub(crate) struct Collar {
        /// Its colour.
        colour: Text<Colour> = optional().default("red"),
        /// Its number.
        number: i64 = computed(),
    }
}

model! {
    /// Food.
    pub(crate) struct Food {
        /// What it is.
        name: String = required(),
        /// How much of it.
        amount: i64 = optional().default(1),
    }
}

model! {
    /// Which pet it is.
    pub(crate) struct PetIdentity {
        /// Whose it is.
        owner: String = required(),
        /// Its name.
        name: String = required(),
        /// Its chip.
        chip: i64 = optional(),
    }
}

impl Pet {
    fn named(owner: &str, name: &str) -> Self {
        let known = |text: &str| Attr::Known(text.to_owned());
        Self { owner: known(owner), name: known(name), ..Self::default() }
    }

    fn key(&self) -> String {
        format!("{}/{}", self.owner.known().unwrap(), self.name.known().unwrap())
    }

    fn mode(&self) -> &str {
        self.mode.known().map_or("", String::as_str)
    }
}

pub(crate) struct PetResource;

type PetContext = ResourceContext<Arc<Server>, Pet>;

impl PetResource {
    fn write(context: &PetContext, mut pet: Pet) -> Pet {
        if pet.chip.is_unknown() {
            pet.chip = Attr::Known(7);
        }
        if pet.sound.is_unknown() {
            pet.sound = Attr::Known("meow".to_owned());
        }
        if let Attr::Known(collar) = &mut pet.collar {
            collar.number = Attr::Known(1);
        }
        context.client().pets.lock().unwrap().insert(pet.key(), pet.clone());
        pet
    }
}

impl Resource for PetResource {
    type Client = Arc<Server>;
    type Model = Pet;
    type Identity = PetIdentity;
    const NAME: &'static str = "pet";
    const IDENTITY_VERSION: i64 = 1;
    const MOVES_FROM: &'static [&'static str] = &["`zoo_animal` of example/zoo", "`farm_animal` of any farm"];

    async fn read(&self, context: &PetContext, state: Pet) -> Result<Option<Pet>> {
        let found = context.client().pets.lock().unwrap().get(&state.key()).cloned();
        Ok(found.map(|found| match state.mode() {
            "read other" => Pet { owner: Attr::Known("thief".to_owned()), ..found },
            _ => found,
        }))
    }

    async fn create(&self, context: &PetContext, planned: Pet, _: Pet) -> Result<Pet> {
        if planned.mode() == "fail" {
            context.save(&planned);
            return Err(Diagnostic::error("Failed", "").into());
        }
        Ok(Self::write(context, planned))
    }

    async fn update(&self, context: &PetContext, _: Pet, mut planned: Pet, _: Pet) -> Result<Pet> {
        if planned.mode() == "update other" {
            planned.chip = Attr::Known(8);
        }
        Ok(Self::write(context, planned))
    }

    async fn plan(&self, _: &PetContext, prior: Option<&Pet>, _: &Pet, planned: &mut Pet) -> Result<()> {
        match planned.mode() {
            "plan other" if prior.is_some() => planned.chip = Attr::Known(9),
            "update other" if prior.is_some() => planned.chip = Attr::Unknown,
            _ => {}
        }
        Ok(())
    }

    async fn delete(&self, context: &PetContext, state: Pet) -> Result<()> {
        if state.mode() == "stays" {
            return Err(Diagnostic::error("It stays", "").into());
        }
        context.client().pets.lock().unwrap().remove(&state.key());
        Ok(())
    }

    fn identity(&self, state: &Pet) -> Option<PetIdentity> {
        match state.mode() {
            "identity panic" if state.chip.known().is_some() => panic!("{CANARY}"),
            "nameless" => None,
            _ => Some(PetIdentity {
                owner: state.owner.clone(),
                name: state.name.clone(),
                chip: state.chip.clone(),
            }),
        }
    }

    fn import(&self, id: &str) -> Result<Pet> {
        match id.split_once('/') {
            Some((owner, name)) => Ok(Pet::named(owner, name)),
            None => Err(Diagnostic::error("Bad id", "Expected `owner/name`.").into()),
        }
    }

    fn import_by_identity(&self, identity: PetIdentity) -> Result<Pet> {
        let PetIdentity { owner, name, chip } = identity;
        if owner == Attr::Known("nobody".to_owned()) {
            return Err(Diagnostic::error("No such owner", "").into());
        }
        Ok(Pet { owner, name, chip, ..Pet::default() })
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Pet>> {
        if (source.provider_address.as_str(), source.type_name.as_str())
            != ("registry.terraform.io/example/zoo", "zoo_animal")
        {
            return Ok(None);
        }
        let text = |name: &str| source.state.get(name).and_then(Json::as_str).map(ToOwned::to_owned);
        let (Some(owner), Some(name)) = (text("keeper"), text("title")) else {
            let detail = "Expected the texts `keeper` and `title`.";
            return Err(Diagnostic::error("Unusable state", detail).into());
        };
        let pet = Pet::named(&owner, &name);
        Ok(Some(match source.schema_version {
            0 => Pet { chip: Attr::Unknown, ..pet },
            _ => pet,
        }))
    }

    fn generated_config(&self, mut state: Pet) -> Pet {
        if state.nickname.known() == state.name.known() {
            state.nickname = Attr::Null;
        }
        state
    }

    fn upgrade_identity(&self, _: i64, mut identity: Json) -> Result<Json> {
        let whole = identity.get("id").and_then(Json::as_str).and_then(|id| id.split_once('/'));
        let Some((owner, name)) = whole else {
            return Err(Diagnostic::error("Damaged identity", "").into());
        };
        identity = serde_json::json!({ "owner": owner, "name": name });
        Ok(identity)
    }
}

model! {
    /// Which pets are wanted.
    pub(crate) struct PetQuery {
        /// Only those of this owner.
        owner: String = optional(),
        /// What goes wrong.
        mode: Text<Mode> = optional(),
    }
}

/// What may go wrong, in a known language.
#[derive(Clone)]
pub(crate) enum Mode {}

impl TextType for Mode {
    const NAME: &'static str = "mode";

    fn check(text: &str) -> std::result::Result<(), String> {
        if text.contains("gibberish") { Err("Expected a language.".to_owned()) } else { Ok(()) }
    }
}

/// Tells when it is dropped.
struct Drops<'a>(&'a Server);

impl Drop for Drops<'_> {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

pub(crate) struct PetList;

impl ListResource for PetList {
    type Resource = PetResource;
    type Config = PetQuery;

    fn check(&self, config: &PetQuery) -> Diagnostics {
        match config.mode.known().map(|mode| &**mode) {
            Some("check fail") => Diagnostic::error("Bad mode", "").at_attribute("mode").into(),
            Some("check panic") => panic!("{CANARY}"),
            _ => Diagnostics::new(),
        }
    }

    async fn list(
        &self,
        context: &Context<Arc<Server>>,
        config: PetQuery,
        results: &mut Results<PetResource>,
    ) -> Result<()> {
        let server = context.client();
        let _drops = Drops(server);
        let mode = config.mode.known().map_or("", |mode| &**mode);
        let pets: Vec<Pet> = server.pets.lock().unwrap().values().cloned().collect();
        for pet in pets.into_iter().filter(|pet| config.owner.is_null() || pet.owner == config.owner) {
            let identity = PetResource.identity(&pet).unwrap();
            let state = results.wants_state().then(|| pet.clone());
            if !results.send(Listed { identity, display_name: pet.key(), state }).await {
                return Ok(());
            }
        }
        let unnamed = |number: i64| PetIdentity {
            owner: Attr::Known("stray".to_owned()),
            name: Attr::Known(number.to_string()),
            chip: Attr::Null,
        };
        let stray =
            |identity: PetIdentity| Listed { identity, display_name: "stray".to_owned(), state: None };
        match mode {
            "fail" => return Err(Diagnostic::error("Lost", "As it was told.").at_attribute("mode").into()),
            "panic" => panic!("{CANARY}"),
            "hang" => std::future::pending().await,
            "wait" => {
                server.waiting.notify_one();
                context.cancellation().cancelled().await;
                return Err(Diagnostic::error("Cancelled", "").into());
            }
            "deaf" => {
                server.waiting.notify_one();
                std::future::pending::<()>().await;
            }
            "warn" => context.warn(Diagnostic::warning("Dusty", "").at_attribute("owner")),
            "unknown identity" => {
                results.send(stray(PetIdentity { chip: Attr::Unknown, ..unnamed(0) })).await;
            }
            "unknown state" => {
                let state = Some(Pet { chip: Attr::Unknown, ..Pet::named("a", "b") });
                results.send(Listed { state, ..stray(unnamed(0)) }).await;
            }
            "many" => {
                for number in 0..10_000 {
                    server.listed.fetch_add(1, Ordering::Relaxed);
                    if !results.send(stray(unnamed(number))).await {
                        break;
                    }
                }
            }
            "stubborn" => {
                for number in 0..200 {
                    results.send(stray(unnamed(number))).await;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

model! {
    /// Feeds a pet.
    pub(crate) struct FeedConfig {
        /// Which pet.
        name: String = required(),
        /// How often.
        times: i64 = optional(),
        /// What goes wrong.
        mode: Text<Mode> = optional(),
    }
}

pub(crate) struct Feed;

impl Action for Feed {
    type Client = Arc<Server>;
    type Config = FeedConfig;
    const NAME: &'static str = "feed";

    fn check(&self, config: &FeedConfig) -> Diagnostics {
        match config.mode.known().map(|mode| &**mode) {
            Some("check fail") => Diagnostic::error("Bad mode", "").at_attribute("mode").into(),
            Some("check panic") => panic!("{CANARY}"),
            _ => Diagnostics::new(),
        }
    }

    async fn invoke(&self, context: &ActionContext<Arc<Server>>, config: FeedConfig) -> Result<()> {
        let server = context.client();
        let _drops = Drops(server);
        for time in 1..=config.times.known().copied().unwrap_or(0) {
            context.progress(format!("{} was fed {time} times", config.name.known().unwrap())).await;
        }
        match config.mode.known().map_or("", |mode| &**mode) {
            "fail" => Err(Diagnostic::error("Not hungry", "As it was told.").at_attribute("name").into()),
            "panic" => panic!("{CANARY}"),
            "hang" => std::future::pending().await,
            "deaf" => {
                server.waiting.notify_one();
                std::future::pending().await
            }
            "wait" => {
                server.waiting.notify_one();
                context.cancellation().cancelled().await;
                context.progress("stopping").await;
                Err(Diagnostic::error("Stopped while feeding", "").into())
            }
            "warn" => {
                context.warn(Diagnostic::warning("It eats a lot", "").at_attribute("times"));
                Ok(())
            }
            "endless" => loop {
                server.listed.fetch_add(1, Ordering::Relaxed);
                context.progress("more").await;
            },
            _ => Ok(()),
        }
    }
}

model! {
    /// Joins texts.
    ///
    /// What is null is left out.
    pub(crate) struct JoinArguments {
        /// What stands between them.
        separator: String = optional(),
        /// The texts.
        parts: List<String> = optional(),
    }
}

pub(crate) struct Join;

impl Function for Join {
    type Arguments = JoinArguments;
    type Output = String;
    const NAME: &'static str = "join";
    const VARIADIC: bool = true;

    fn call(&self, arguments: JoinArguments) -> Result<String> {
        let parts = arguments.parts.known().map(|parts| parts.0.as_slice()).unwrap_or_default();
        if let Some(index) = parts.iter().position(|part| part == &Attr::Known("bad".to_owned())) {
            let path = Path::attribute("parts").index(index);
            return Err(Diagnostic::error("Bad text", "").at(path).into());
        }
        let parts: Vec<_> = parts.iter().filter_map(Attr::known).map(String::as_str).collect();
        Ok(parts.join(arguments.separator.known().map_or("", String::as_str)))
    }
}

model! {
    /// Describes a pet.
    pub(crate) struct DescribeArguments {
        /// Its colour.
        colour: Text<Colour> = required(),
        /// What it eats.
        food: List<Food> = required(),
    }
}

model! {
    /// What there is to say.
    pub(crate) struct Description {
        /// All of it.
        text: String = computed(),
        /// How much it eats.
        total: i64 = computed(),
    }
}

pub(crate) struct Describe;

impl Function for Describe {
    type Arguments = DescribeArguments;
    type Output = Description;
    const NAME: &'static str = "describe";

    fn call(&self, arguments: DescribeArguments) -> Result<Description> {
        let food = arguments.food.known().unwrap().0.iter().filter_map(Attr::known);
        let total = food.filter_map(|food| food.amount.known()).sum();
        let text = arguments.colour.known().unwrap().to_string();
        Ok(Description { text: Attr::Known(text), total: Attr::Known(total) })
    }
}

model! {
    /// A function that does as it is told.
    pub(crate) struct TroubleArguments {
        /// What goes wrong.
        mode: String = required(),
    }
}

pub(crate) struct TroubleFunction;

impl Function for TroubleFunction {
    type Arguments = TroubleArguments;
    type Output = List<String>;
    const NAME: &'static str = "trouble";

    fn call(&self, arguments: TroubleArguments) -> Result<List<String>> {
        static CALLS: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
        match arguments.mode.known().unwrap().as_str() {
            "panic" => panic!("{CANARY}"),
            "fail" => Err(Diagnostic::error("Failed", "As it was told.").into()),
            "fail twice" => Err([
                Diagnostic::error("First", "This."),
                Diagnostic::warning("Careful", ""),
                Diagnostic::error("Second", "That.").at_attribute("mode"),
            ]
            .into_iter()
            .collect()),
            "unknown" => Ok(List(vec![Attr::Unknown])),
            "by chance" => Ok(List(vec![Attr::Known(CALLS.fetch_add(1, Ordering::Relaxed).to_string())])),
            _ => Ok(List(Vec::new())),
        }
    }
}
