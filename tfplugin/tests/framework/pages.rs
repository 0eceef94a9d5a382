//! Pages of documentation.

use insta::assert_snapshot;
use tfplugin::{
    docs::{self, Examples},
    service::Server,
};

use crate::toy::Toy;

#[test]
fn provider() {
    let server = Server::new(Toy::default());
    let examples =
        Examples { usage: "provider \"toy\" {\n  endpoint = \"attic\"\n}\n", ..Examples::default() };
    assert_snapshot!(docs::provider_page("toy", server.provider_schema(), &examples));
}

#[test]
fn resource() {
    let server = Server::new(Toy::default());
    let (name, schema) = server.resource_schemas().find(|(name, _)| name == "toy_thing").unwrap();
    let examples = Examples {
        usage: "resource \"toy_thing\" \"robot\" {\n  name = \"robot\"\n}\n",
        import_block: "import {\n  to = toy_thing.robot\n  id = \"robot\"\n}\n",
        import_command: "terraform import toy_thing.robot robot\n",
        ..Examples::default()
    };
    assert_snapshot!(docs::resource_page("toy", &name, schema, None, &examples));
}

#[test]
fn resource_with_identity() {
    let server = Server::new(Toy::default());
    let find = |(name, _): &(String, _)| name == "toy_pet";
    let (name, schema) = server.resource_schemas().find(find).unwrap();
    let identity = server.identity_schemas().find(find).map(|(_, identity)| identity);
    let examples = Examples {
        import_by_identity: "import {\n  to       = toy_pet.tom\n  identity = { owner = \"ann\", name = \"tom\" }\n}\n",
        import_block: "import {\n  to = toy_pet.tom\n  id = \"ann/tom\"\n}\n",
        ..Examples::default()
    };
    assert_snapshot!(docs::resource_page("toy", &name, schema, identity, &examples));
}

#[test]
fn functions() {
    let server = Server::new(Toy::default());
    let usage = "output \"text\" {\n  value = provider::toy::join(\"-\", \"a\")\n}\n";
    let examples = Examples { usage, ..Examples::default() };
    let pages: Vec<_> = server
        .functions()
        .map(|(name, signature)| docs::function_page("toy", name, signature, &examples))
        .collect();
    assert_snapshot!(pages.join("\n==========\n"));
}

#[test]
fn list_resource_and_action() {
    let server = Server::new(Toy::default());
    let (name, schema) = server.list_resource_schemas().next().unwrap();
    let list = docs::list_resource_page("toy", &name, schema, &Examples::default());
    let (name, schema) = server.action_schemas().next().unwrap();
    let action = docs::action_page("toy", &name, schema, &Examples::default());
    assert_snapshot!([list, action].join("\n==========\n"));
}

#[test]
fn data_source() {
    let server = Server::new(Toy::default());
    let (name, schema) = server.data_source_schemas().find(|(name, _)| name == "toy_thing").unwrap();
    assert_snapshot!(docs::data_source_page("toy", &name, schema, &Examples::default()));
}
