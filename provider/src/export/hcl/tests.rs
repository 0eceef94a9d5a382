use std::collections::BTreeMap;

use super::*;

fn map(items: &[(&str, &str)]) -> Value {
    Value::Map(items.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect())
}

#[test]
fn equals_signs_of_neighbours_stand_below_each_other() {
    let items = [
        Item::new("name", Expression::text("a")),
        Item::new("retries", Expression::literal(&Value::from(3))),
        Item::new("tags", Expression::literal(&map(&[("server", "true:1"), ("ü x", "y")]))),
        Item::new("metadata", Expression::literal(&map(&[]))),
        Item::new("codes", Expression::literal(&Value::set(vec![Value::from(200), Value::from(404)]))),
        Item::new(
            "http",
            Expression::Object(vec![Item::new("debug", Expression::literal(&Value::Bool(true)))]),
        ),
    ];
    let expected = r#"resource "krony_job" "a" {
  name    = "a"
  retries = 3
  tags = {
    server = "true:1"
    "ü x"  = "y"
  }
  metadata = {}
  codes    = [200, 404]
  http = {
    debug = true
  }
}
"#;
    assert_eq!(block("resource", &["krony_job", "a"], &items), expected);
}

#[test]
fn arguments_can_stand_by_themselves() {
    let items =
        [Item::new("a", Expression::text("x")), Item::new("long", Expression::literal(&map(&[("k", "v")])))];
    assert_eq!(body(&items), "a = \"x\"\nlong = {\n  k = \"v\"\n}\n");
}

#[test]
fn text_is_no_template_and_ends_where_it_should() {
    for (text, expected) in [
        ("plain ü 日本", "\"plain ü 日本\""),
        ("a\"b\\c", r#""a\"b\\c""#),
        ("${a} %{b} $ % {}", r#""$${a} %%{b} $ % {}""#),
        ("1\n2\r\n3\t", r#""1\n2\r\n3\t""#),
        ("\u{0}\u{7f}\u{85}\u{2028}", r#""\u0000\u007f\u0085\u2028""#),
    ] {
        assert_eq!(quoted(text), expected);
    }
}

#[test]
fn maps_of_maps_nest() {
    let value =
        Value::Map(BTreeMap::from([("email".to_owned(), map(&[("to", "a")])), ("log".to_owned(), map(&[]))]));
    let items = [Item::new("other", Expression::literal(&value))];
    assert_eq!(body(&items), "other = {\n  email = {\n    to = \"a\"\n  }\n  log = {}\n}\n");
}

#[test]
fn types_are_constraints() {
    assert_eq!(type_constraint(&Type::map(Type::String)), "map(string)");
    assert_eq!(type_constraint(&Type::list(Type::set(Type::Number))), "list(set(number))");
}
