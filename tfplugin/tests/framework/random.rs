//! Random configurations, made from the schema: whatever is applied needs no further change.

use std::{cell::RefCell, collections::BTreeMap};

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value as Json, json};
use tfplugin::{
    schema::{Attribute, Block, BlockNesting, Field, Kind, Nesting, Presence},
    service::Server,
    testing::{Action, Core},
    value::Type,
};

use crate::toy::Toy;

fn object(fields: &[Field]) -> BoxedStrategy<Json> {
    let parts = fields.iter().map(|field| {
        let value = match field {
            Field::Attribute(attribute) => self::attribute(attribute),
            Field::Block(block) => self::block(block),
        };
        let name = field.name();
        value.prop_map(move |value| (name, value))
    });
    let to_json = |parts: Vec<(&'static str, Json)>| {
        Json::Object(parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    parts.collect::<Vec<_>>().prop_map(to_json).boxed()
}

fn attribute(attribute: &Attribute) -> BoxedStrategy<Json> {
    let value = match &attribute.kind {
        Kind::Plain(plain) => plain_value(plain, attribute),
        Kind::Nested(Nesting::Single, fields) => object(fields),
        Kind::Nested(Nesting::Map, fields) => map(object(fields)),
        Kind::Nested(Nesting::List | Nesting::Set, fields) => list(object(fields), 0..4),
    };
    match attribute.presence {
        Presence::Required => value,
        Presence::Computed => Just(Json::Null).boxed(),
        Presence::Optional | Presence::OptionalComputed => prop_oneof![Just(Json::Null), value].boxed(),
    }
}

fn plain_value(of: &Type, attribute: &Attribute) -> BoxedStrategy<Json> {
    match of {
        Type::Bool => any::<bool>().prop_map(Json::from).boxed(),
        Type::Number => (-5..5i64).prop_map(Json::from).boxed(),
        Type::String => text(attribute),
        Type::List(element) => list(plain_value(element, attribute), 0..3),
        Type::Set(_) => distinct(attribute),
        Type::Map(element) => map(plain_value(element, attribute)),
        Type::Dynamic | Type::Tuple(_) | Type::Object(_) => unreachable!("the toys have none"),
    }
}

/// Text in any spelling.
fn text(attribute: &Attribute) -> BoxedStrategy<Json> {
    let known = [attribute.facts.allowed, attribute.facts.examples].concat();
    if known.is_empty() {
        return "[a-cÄ]{0,2}".prop_map(Json::from).boxed();
    }
    let spell = |(text, upper): (&str, bool)| if upper { text.to_uppercase() } else { text.to_lowercase() };
    (select(known), any::<bool>()).prop_map(spell).prop_map(Json::from).boxed()
}

/// Texts that mean different things: a set in which two mean the same cannot be kept as it is.
fn distinct(attribute: &Attribute) -> BoxedStrategy<Json> {
    let by_meaning = |texts: Vec<Json>| {
        let texts = texts.into_iter().map(|text| (text.as_str().unwrap_or_default().to_lowercase(), text));
        Json::Array(texts.collect::<BTreeMap<_, _>>().into_values().collect())
    };
    vec(text(attribute), 0..4).prop_map(by_meaning).boxed()
}

fn list(element: BoxedStrategy<Json>, count: std::ops::Range<usize>) -> BoxedStrategy<Json> {
    vec(element, count).prop_map(Json::from).boxed()
}

fn map(element: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let to_json = |items: BTreeMap<String, Json>| Json::Object(items.into_iter().collect());
    btree_map("[a-c]", element, 0..3).prop_map(to_json).boxed()
}

fn block(block: &Block) -> BoxedStrategy<Json> {
    let inner = object(&block.fields);
    match block.nesting {
        BlockNesting::Single | BlockNesting::Group => prop_oneof![Just(Json::Null), inner].boxed(),
        BlockNesting::Map => map(inner),
        BlockNesting::List | BlockNesting::Set => list(inner, 0..4),
    }
}

/// Two configurations of one thing; the second one differs in some attributes.
fn two_things() -> impl Strategy<Value = (Json, Json)> {
    let server = Server::new(Toy::default());
    let (_, schema) = server.resource_schemas().find(|(name, _)| name == "toy_thing").unwrap();
    let thing = object(&schema.fields);
    (thing.clone(), thing, vec(any::<Index>(), 0..4))
        .prop_map(|(first, other, changed)| {
            let mut second = first.clone();
            let (second_parts, other): (&mut Map<_, _>, _) =
                (second.as_object_mut().unwrap(), other.as_object().unwrap());
            let names: Vec<_> = other.keys().cloned().collect();
            for index in changed {
                let name = index.get(&names);
                second_parts[name] = other[name].clone();
            }
            (first, second)
        })
        .prop_filter("two equal names are refused", |(first, second)| {
            [first, second].into_iter().all(|thing| thing["name"] != thing["old_name"])
        })
}

async fn check(first: &Json, second: &Json) -> Result<Action, String> {
    let mut core =
        Core::configure(Toy::default(), &json!({})).await.map_err(|failure| failure.to_string())?;
    let mut action = Action::NoOp;
    for config in [first, second] {
        let applied = core.apply("toy_thing", "it", config).await.map_err(|failure| failure.to_string())?;
        action = applied.action;
        let plan = core.plan("toy_thing", "it", config).await.map_err(|failure| failure.to_string())?;
        if plan.action != Action::NoOp {
            return Err(format!("{:?} after apply:\n{:?}\n{:?}", plan.action, plan.prior, plan.planned));
        }
    }
    core.destroy("toy_thing", "it").await.map_err(|failure| failure.to_string())?;
    Ok(action)
}

#[test]
fn what_is_applied_needs_no_further_change() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let seen = RefCell::new(BTreeMap::<String, usize>::new());
    runner
        .run(&two_things(), |(first, second)| {
            let action = runtime.block_on(check(&first, &second)).map_err(TestCaseError::fail)?;
            *seen.borrow_mut().entry(format!("{action:?}")).or_default() += 1;
            Ok(())
        })
        .unwrap();
    let actions: Vec<_> = seen.into_inner().into_keys().collect();
    assert_eq!(actions, ["NoOp", "Replace", "Update"]);
}
