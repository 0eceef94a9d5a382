//! Functions.

use proto::tfplugin6::{self as pb, DynamicValue};
use serde_json::{Value as Json, json};
use tfplugin::{
    codec::encode_dynamic,
    testing::{Failure, Rule, UNKNOWN},
    value::{Type, Value},
};

use crate::{core, rpc::client, toy::CANARY};

/// What a failed call says, and of which argument.
async fn failed(name: &str, arguments: &[Json]) -> (String, Option<usize>) {
    match core().await.0.call(name, arguments).await.unwrap_err() {
        Failure::Function { text, argument } => (text, argument),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn arguments_arrive_in_order_and_any_number_of_the_last() {
    let (core, _) = core().await;
    let calls = [
        (json!(["-"]), ""),
        (json!(["-", "a"]), "a"),
        (json!(["-", "a", "b", "c"]), "a-b-c"),
        (json!([null, "a", null, "c"]), "ac"),
    ];
    for (arguments, expected) in calls {
        let found = core.call("join", arguments.as_array().unwrap()).await.unwrap();
        assert_eq!(found, Value::from(expected), "{arguments}");
    }
    let food = json!([{ "name": "fish", "amount": 2 }, { "name": "milk", "amount": 3 }]);
    let found = core.call("describe", &[json!("Red"), food]).await.unwrap();
    assert_eq!((found.get("text"), found.get("total")), (&Value::from("Red"), &Value::from(5)));
}

#[tokio::test]
async fn an_argument_to_blame_is_named_by_its_place() {
    let colour = failed("describe", &[json!("pink"), json!([])]).await;
    assert_eq!(colour, ("Invalid colour: Expected red, green or blue, found \"pink\"".to_owned(), Some(0)));
    assert_eq!(
        failed("join", &[json!("-"), json!("good"), json!("bad")]).await,
        ("Bad text".to_owned(), Some(2))
    );
    assert_eq!(failed("trouble", &[json!("fail")]).await, ("Failed: As it was told".to_owned(), None));
    let both = failed("trouble", &[json!("fail twice")]).await;
    assert_eq!(both, ("First: This\nSecond: That".to_owned(), Some(0)));
}

#[tokio::test]
async fn a_panic_is_an_error_without_its_message() {
    let (text, argument) = failed("trouble", &[json!("panic")]).await;
    assert!(text.contains("pets.rs") && !text.contains(CANARY) && argument.is_none(), "{text}");
}

#[tokio::test]
async fn a_result_is_known_and_the_same_each_time() {
    let (text, _) = failed("trouble", &[json!("unknown")]).await;
    assert!(text.contains("fault of the provider"), "{text}");
    let by_chance = core().await.0.call("trouble", &[json!("by chance")]).await.unwrap_err();
    assert_eq!(by_chance.violation().unwrap().rule, Rule::PureFunction);
}

#[tokio::test]
async fn core_asks_only_what_can_be_answered() {
    let (core, _) = core().await;
    assert_eq!(core.call("join", &[json!("-"), json!(UNKNOWN)]).await.unwrap(), Value::UNKNOWN);
    for (name, arguments) in [
        ("join", vec![]),
        ("describe", vec![json!("red")]),
        ("describe", vec![json!(null), json!([])]),
        ("trouble", vec![json!("a"), json!("b")]),
        ("sing", vec![]),
    ] {
        let refusal = core.call(name, &arguments).await.unwrap_err();
        assert!(matches!(refusal, Failure::Refused(_)), "{refusal}");
    }
}

/// Calls as no Terraform does.
async fn call(name: &str, arguments: Vec<DynamicValue>) -> pb::call_function::Response {
    let request = pb::call_function::Request { name: name.to_owned(), arguments };
    client().await.call_function(request).await.unwrap().into_inner()
}

fn text(value: &Value) -> DynamicValue {
    encode_dynamic(value, &Type::String).unwrap()
}

#[tokio::test]
async fn hostile_calls_are_errors() {
    let damaged = DynamicValue { msgpack: b"\xc1"[..].into(), ..DynamicValue::default() };
    let one = |argument: DynamicValue| vec![argument];
    let calls = [
        ("sing", vec![], "no function `sing`", None),
        ("trouble", vec![], "expected 1 arguments, found 0", None),
        ("trouble", vec![text(&"a".into()), text(&"b".into())], "expected 1 arguments, found 2", None),
        ("trouble", one(text(&Value::Null)), "found null", Some(0)),
        ("trouble", one(DynamicValue::default()), "found null", Some(0)),
        ("trouble", one(damaged.clone()), "do not agree about the argument", Some(0)),
        ("join", vec![text(&"a".into()), damaged], "do not agree about the argument", Some(1)),
        ("trouble", one(encode_dynamic(&1.into(), &Type::Number).unwrap()), "do not agree", Some(0)),
    ];
    for (name, arguments, expected, argument) in calls {
        let answer = call(name, arguments).await;
        let error = answer.error.unwrap();
        assert!(error.text.contains(expected) && answer.result.is_none(), "{}", error.text);
        assert_eq!(error.function_argument, argument, "{}", error.text);
    }
}

#[tokio::test]
async fn what_is_not_known_never_reaches_a_function() {
    let answer = call("trouble", vec![text(&Value::UNKNOWN)]).await;
    let of = Type::list(Type::String);
    assert_eq!(answer.error, None);
    assert_eq!(answer.result, Some(encode_dynamic(&Value::UNKNOWN, &of).unwrap()));
}

#[tokio::test]
async fn signatures_are_told_twice_alike() {
    let mut client = client().await;
    let schemas = client.get_provider_schema(pb::get_provider_schema::Request::default()).await.unwrap();
    let functions = client.get_functions(pb::get_functions::Request::default()).await.unwrap().into_inner();
    assert_eq!(schemas.into_inner().functions, functions.functions);
    let join = &functions.functions["join"];
    assert_eq!((join.summary.as_str(), join.parameters.len()), ("Joins texts.", 1));
    assert!(join.parameters[0].allow_null_value && !join.parameters[0].allow_unknown_values);
    let variadic = join.variadic_parameter.as_ref().unwrap();
    assert_eq!((variadic.name.as_str(), &variadic.r#type[..]), ("parts", &b"\"string\""[..]));
    assert!(!functions.functions["trouble"].parameters[0].allow_null_value);
}
