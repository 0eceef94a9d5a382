terraform {
  required_providers {
    krony = {
      source = "krony-cloud/krony"
    }
  }
}

# The password comes from the environment: KRONY_PASSWORD. It does then not stand in any file.
provider "krony" {
  endpoint = "https://dkron.example.com"
}
