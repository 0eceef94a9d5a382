data "krony_cluster" "this" {}

check "all_nodes_are_alive" {
  assert {
    condition     = alltrue([for node in data.krony_cluster.this.members : node.status == "alive"])
    error_message = "A node of the dkron cluster is not alive."
  }
}

output "leader" {
  value = data.krony_cluster.this.leader
}
