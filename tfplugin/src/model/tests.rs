use super::*;
use crate::{
    flags::{IntoField as _, block, optional},
    model,
    schema::Presence,
};

/// Text without blanks, in any case.
#[derive(Clone)]
enum Word {}

impl TextType for Word {
    const NAME: &'static str = "word";
    const ALLOWED: &'static [&'static str] = &["Yes", "No"];

    fn check(text: &str) -> std::result::Result<(), String> {
        if text.contains(' ') { Err("Expected one word, found more.".to_owned()) } else { Ok(()) }
    }

    fn same(a: &str, b: &str) -> bool {
        a.eq_ignore_ascii_case(b)
    }
}

model! {
    /// A model.
    ///
    /// Of two paragraphs.
    struct Whole {
        /// Text,
        ///   indented.
        text: String = required(),
        /// .
        word: Text<Word> = optional(),
        /// .
        yes: bool = optional().default(true),
        /// .
        count: i64 = computed(),
        /// .
        small: u32 = optional(),
        /// .
        number: Number = optional(),
        /// .
        words: List<Text<Word>> = optional(),
        /// .
        word_set: Set<Text<Word>> = optional(),
        /// .
        word_map: Map<Text<Word>> = optional(),
        /// .
        parts: List<Part> = optional(),
        /// .
        part_set: Set<Part> = optional(),
        /// .
        part_map: Map<Part> = optional(),
    }
}

model! {
    /// A part.
    struct Part {
        /// .
        small: u32 = required(),
    }
}

model! {
    /// A model that is only good for blocks.
    struct Blocky {
        /// .
        part: Part = block(),
    }
}

fn object(parts: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect())
}

fn part(small: i64) -> Value {
    object([("small", Value::from(small))])
}

fn whole() -> Value {
    let words = || vec![Value::from("a"), Value::Null, Value::UNKNOWN];
    let map = |value: Value| Value::Map(BTreeMap::from([("k".to_owned(), value)]));
    object([
        ("text", Value::from("t")),
        ("word", Value::from("a")),
        ("yes", Value::from(false)),
        ("count", Value::from(i64::MIN)),
        ("small", Value::from(i64::from(u32::MAX))),
        ("number", Value::Number("0.1".parse().unwrap())),
        ("words", Value::List(words())),
        ("word_set", Value::set(words())),
        ("word_map", map(Value::UNKNOWN)),
        ("parts", Value::List(vec![part(1), Value::Null])),
        ("part_set", Value::set(vec![part(1), part(2)])),
        ("part_map", map(part(3))),
    ])
}

fn decode(value: &Value, strictness: Strictness) -> Result<Whole> {
    Whole::decode(value, &Path::root(), strictness)
}

/// The findings about `whole()` with another value of one attribute.
#[track_caller]
fn findings(name: &str, value: Value) -> Vec<String> {
    let Value::Object(mut parts) = whole() else { unreachable!() };
    assert!(parts.insert(name.to_owned(), value).is_some());
    let Err(findings) = decode(&Value::Object(parts), Strictness::Configuration) else { return Vec::new() };
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn decoding_and_encoding_give_the_same_value() {
    let all = whole();
    assert_eq!(decode(&all, Strictness::Configuration).unwrap().encode(), all);
    let Value::Object(parts) = all else { unreachable!() };
    for other in [Value::Null, Value::UNKNOWN] {
        let value = Value::Object(parts.keys().map(|name| (name.clone(), other.clone())).collect());
        assert_eq!(decode(&value, Strictness::Configuration).unwrap().encode(), value);
    }
}

#[test]
fn every_wrong_type_is_found_at_its_place() {
    let text = || Value::from("x");
    let rows = [
        ("text", Value::from(1), "error: Wrong type of value (at text): Expected text, found a number."),
        (
            "word",
            Value::from(true),
            "error: Wrong type of value (at word): Expected text, found true or false.",
        ),
        ("yes", text(), "error: Wrong type of value (at yes): Expected true or false, found text."),
        ("count", text(), "error: Wrong type of value (at count): Expected a whole number, found text."),
        ("number", part(1), "error: Wrong type of value (at number): Expected a number, found an object."),
        ("words", Value::Set(vec![]), "error: Wrong type of value (at words): Expected a list, found a set."),
        (
            "words",
            Value::List(vec![Value::Null, Value::from(1)]),
            "error: Wrong type of value (at words[1]): Expected text, found a number.",
        ),
        (
            "word_set",
            Value::List(vec![]),
            "error: Wrong type of value (at word_set): Expected a set, found a list.",
        ),
        ("word_map", part(1), "error: Wrong type of value (at word_map): Expected a map, found an object."),
        (
            "parts",
            Value::List(vec![text()]),
            "error: Wrong type of value (at parts[0]): Expected an object, found text.",
        ),
        (
            "part_set",
            Value::Set(vec![part(-1)]),
            "error: Number out of range (at part_set.small): Expected a whole number from 0 to 4294967295.",
        ),
        (
            "part_map",
            Value::Map(BTreeMap::from([("a b".to_owned(), part(-1))])),
            "error: Number out of range (at part_map[\"a b\"].small): Expected a whole number from 0 to 4294967295.",
        ),
    ];
    for (name, value, finding) in rows {
        assert_eq!(findings(name, value), [finding]);
    }
    let whole = decode(&Value::from("x"), Strictness::State).err().unwrap();
    assert_eq!(whole.to_string(), "error: Wrong type of value: Expected an object, found text.");
}

#[test]
fn numbers_that_are_not_whole_or_too_large_are_refused() {
    for number in ["0.5", "9223372036854775808", "-9223372036854775809", "inf"] {
        let number: Number = number.parse().unwrap();
        assert_eq!(findings("count", Value::Number(number)).len(), 1);
    }
    assert_eq!(findings("small", Value::from(1 << 32)).len(), 1);
    assert_eq!(findings("small", Value::from(-1)).len(), 1);
    assert_eq!(findings("count", Value::Number("1e3".parse().unwrap())), [""; 0]);
}

#[test]
fn all_faults_are_found_at_once() {
    let wrong = object([
        ("text", Value::from(1)),
        ("word", Value::from("a b")),
        ("parts", Value::List(vec![part(-1), part(1), part(-2)])),
    ]);
    let findings = decode(&wrong, Strictness::Configuration).err().unwrap();
    let paths: Vec<_> = findings.iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(paths, ["text", "word", "parts[0].small", "parts[2].small"]);
}

#[test]
fn text_is_checked_in_configuration_only() {
    let wrong = object([("word", Value::from("a b"))]);
    let findings = decode(&wrong, Strictness::Configuration).err().unwrap();
    assert_eq!(findings.to_string(), "error: Invalid word (at word): Expected one word, found more.");
    let lenient = decode(&wrong, Strictness::State).ok().unwrap();
    assert_eq!(lenient.word.known().map(|word| &**word), Some("a b"));
}

#[test]
fn models_say_what_they_consist_of() {
    assert_eq!(Whole::description(), "A model.\n\nOf two paragraphs.");
    let fields = Whole::fields();
    assert_eq!(fields[0].description(), "Text,\n  indented.");
    let attribute = |index: usize| match &fields[index] {
        Field::Attribute(attribute) => attribute.clone(),
        Field::Block(_) => unreachable!(),
    };
    assert_eq!(attribute(0).presence, Presence::Required);
    assert_eq!(attribute(2).presence, Presence::OptionalComputed);
    assert_eq!(attribute(2).default, Some(Value::from(true)));
    assert_eq!(attribute(3).presence, Presence::Computed);
    assert!(matches!(attribute(9).kind, Kind::Nested(Nesting::List, _)));
    assert!(matches!(attribute(10).kind, Kind::Nested(Nesting::Set, _)));
    assert!(matches!(attribute(11).kind, Kind::Nested(Nesting::Map, _)));
    assert!(matches!(attribute(8).kind, Kind::Plain(Type::Map(_))));
    // A collection knows what its elements may be.
    assert_eq!(attribute(8).facts.allowed, ["Yes", "No"]);
    assert!(whole().conforms(&Whole::schema(0).object_type()).is_ok());
}

#[test]
fn collections_mean_the_same_when_their_elements_do() {
    let words = |texts: &[&str]| texts.iter().copied().map(Value::from).collect::<Vec<_>>();
    let list = List::<Text<Word>>::facts().same;
    assert!(list(&Value::List(words(&["a", "B"])), &Value::List(words(&["A", "b"]))));
    assert!(!list(&Value::List(words(&["a", "B"])), &Value::List(words(&["b", "a"]))));
    assert!(!list(&Value::List(words(&["a"])), &Value::List(vec![Value::Null])));
    let set = Set::<Text<Word>>::facts().same;
    assert!(set(&Value::Set(words(&["a", "B"])), &Value::Set(words(&["b", "A"]))));
    assert!(!set(&Value::Set(words(&["a", "A"])), &Value::Set(words(&["a", "b"]))));
    assert!(!set(&Value::Set(words(&["a", "b"])), &Value::Set(words(&["a", "A"]))));
    assert!(!set(&Value::Set(words(&["a"])), &Value::Set(words(&["a", "A"]))));
}

#[test]
fn sets_are_equal_in_any_order() {
    let set = |items: [i64; 2]| Set::from_iter(items);
    assert!(set([1, 2]) == set([2, 1]) && set([1, 2]) != set([1, 3]));
    assert_eq!(set([2, 1]).encode(), set([1, 2]).encode());
    assert_eq!(set([1, 1]).encode(), Value::Set(vec![Value::from(1)]));
}

#[test]
fn maps_give_what_is_known() {
    let unknown =
        Map(BTreeMap::from([("a".to_owned(), Attr::Known(1)), ("b".to_owned(), Attr::<i64>::Unknown)]));
    assert_eq!(unknown.known().collect::<Vec<_>>(), [("a", &1)]);
    assert!(unknown.has_unknown() && !Map::from_iter([("a".to_owned(), 1)]).has_unknown());
}

#[test]
#[should_panic(expected = "the attribute part cannot hold blocks")]
fn attributes_hold_no_blocks() {
    optional().into_field::<Blocky>("part", String::new());
}

#[test]
#[should_panic(expected = "the block part needs a model")]
fn blocks_hold_models() {
    block().into_field::<String>("part", String::new());
}
