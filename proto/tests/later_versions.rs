//! What later protocol versions send must not disturb.

use prost::Message;
use proto::tfplugin6::{ClientCapabilities, plan_resource_change};

#[test]
fn fields_of_later_versions_are_ignored() {
    let mut later = ClientCapabilities { deferral_allowed: true, ..Default::default() }.encode_to_vec();
    later.extend([3 << 3, 1, 4 << 3, 1]); // store_planned_private, computed_blocks_allowed
    let capabilities = ClientCapabilities::decode(&later[..]).unwrap();
    assert_eq!(capabilities, ClientCapabilities { deferral_allowed: true, ..Default::default() });

    let request = plan_resource_change::Request { type_name: "example".into(), ..Default::default() };
    let mut later = request.encode_to_vec();
    later.extend([9 << 3 | 2, 3, b'a', b'b', b'c']); // planned_private
    assert_eq!(plan_resource_change::Request::decode(&later[..]).unwrap(), request);
}
