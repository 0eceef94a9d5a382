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
    };
    assert_snapshot!(docs::resource_page("toy", &name, schema, &examples));
}

#[test]
fn data_source() {
    let server = Server::new(Toy::default());
    let (name, schema) = server.data_source_schemas().find(|(name, _)| name == "toy_thing").unwrap();
    assert_snapshot!(docs::data_source_page("toy", &name, schema, &Examples::default()));
}
