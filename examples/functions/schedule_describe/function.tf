# at 03:30:00 on Monday to Friday (Europe/Berlin)
output "when" {
  value = provider::krony::schedule_describe("0 30 3 * * MON-FRI", "Europe/Berlin")
}

# The time zone may be left out.
output "how_often" {
  value = provider::krony::schedule_describe("@every 90m")
}
